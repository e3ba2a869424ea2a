//! merge
//!
//! Revision a0, follows 3f9a1c27b6d0 and 91d0e4, labelled payments, depends on 91d0e4, 2026-11-24 09:00 UTC

use crocus::migrate::prelude::*;

pub fn upgrade(_: &mut Operations) {}

pub fn downgrade(_: &mut Operations) {}
