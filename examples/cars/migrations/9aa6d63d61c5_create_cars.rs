//! create cars
//!
//! Revision 9aa6d63d61c5, follows <base>, 2026-11-23 01:48 UTC

use crocus::migrate::prelude::*;

pub fn upgrade(op: &mut Operations) {
    op.create_table("cars", |t| {
        t.column("id", integer().identity().primary_key());
        t.column("name", text().not_null());
        t.column("model", text().not_null());
        t.column("doors", integer().not_null());
        t.check("cars_doors_check", "doors >= 0");
    });
}

pub fn downgrade(op: &mut Operations) {
    op.drop_table("cars");
}
