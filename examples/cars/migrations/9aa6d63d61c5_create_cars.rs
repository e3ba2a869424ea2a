//! create cars
//!
//! Revision 9aa6d63d61c5, follows <base>, 2026-11-23 01:48 UTC

use crocus::migrate::prelude::*;

pub fn upgrade(op: &mut Operations) {
    op.create_table("cars", |t| {
        t.comment("A car on sale.");
        t.column(
            "id",
            integer()
                .identity()
                .primary_key()
                .comment("What the database counts up. The tutorial's answers do not show it."),
        );
        t.column("name", text().not_null().comment("The car's own name."));
        t.column("model", text().not_null().comment("Who makes it."));
        t.column(
            "doors",
            integer().not_null().comment("How many doors it has."),
        );
        t.check("cars_doors_check", "doors >= 0");
    });
}

pub fn downgrade(op: &mut Operations) {
    op.drop_table("cars");
}
