//! number plates
//! and their countries
//!
//! Revision 91d0e4, follows 3f9a1c27b6d0, 2026-11-23 09:00 UTC
//!
//! Notes follow the head.

use crocus::migrate::prelude::*;

pub fn upgrade(op: &mut Operations) {
    op.push("create plates");
}

pub fn downgrade(op: &mut Operations) {
    op.push("drop plates");
}
