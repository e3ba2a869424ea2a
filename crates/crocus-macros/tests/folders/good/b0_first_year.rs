//! first year
//!
//! Revision b0, follows <base>, 2026-11-24 10:00 UTC
//! Replaces: 3f9a1c27b6d0, 91d0e4

use crocus::migrate::prelude::*;

pub fn upgrade(_: &mut Operations) {}

pub fn downgrade(_: &mut Operations) {}
