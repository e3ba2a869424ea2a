//! create cars
//!
//! Revision 3f9a1c27b6d0, follows <base>, 2026-11-22 14:03 UTC

use crocus::migrate::prelude::*;

pub fn upgrade(op: &mut Operations) {
    op.push("create cars");
}

pub fn downgrade(op: &mut Operations) {
    op.push("drop cars");
}
