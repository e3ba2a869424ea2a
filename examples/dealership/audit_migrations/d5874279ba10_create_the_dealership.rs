//! create the dealership
//!
//! Revision d5874279ba10, follows <base>, 2026-11-23 05:21 UTC

use crocus::migrate::prelude::*;

pub fn upgrade(op: &mut Operations) {
    op.create_table("audit_entries", |t| {
        t.column("id", uuid().primary_key());
        t.column("at", timestamp().not_null());
        t.column("event", text().not_null());
    });
}

pub fn downgrade(op: &mut Operations) {
    op.drop_table("audit_entries");
}
