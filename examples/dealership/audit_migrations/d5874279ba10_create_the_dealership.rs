//! create the dealership
//!
//! Revision d5874279ba10, follows <base>, 2026-11-23 05:21 UTC

use crocus::migrate::prelude::*;

pub fn upgrade(op: &mut Operations) {
    op.create_table("audit_entries", |t| {
        t.comment("Something that happened.");
        t.column(
            "id",
            uuid()
                .primary_key()
                .comment("Made by the program, in the order of time."),
        );
        t.column("at", timestamp().not_null().comment("When it happened."));
        t.column("event", text().not_null().comment("What happened."));
    });
}

pub fn downgrade(op: &mut Operations) {
    op.drop_table("audit_entries");
}
