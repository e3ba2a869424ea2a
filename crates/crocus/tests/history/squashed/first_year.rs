//! first year
//!
//! Revision s1, follows <base>, TIME
//! Replaces: a1, a2, a3

use crocus::migrate::prelude::*;

pub fn upgrade(op: &mut Operations) {
    op.create_table("cars", |t| {
        t.column("id", integer().identity().primary_key());
        t.column("name", text());
    });
    op.create_table("makers", |t| {
        t.column("id", integer().identity().primary_key());
        t.column("name", text().not_null());
        t.unique("makers_name_key", ["name"]);
    });
    op.execute("INSERT INTO makers (name) VALUES ('Tesla')");
    op.rename_column("cars", "name", "title");
    op.add_column("cars", "maker_id", integer().not_null().default("1"));
    op.create_foreign_key("cars_maker_id_fkey", "cars", "makers", ["maker_id"], ["id"]);
    op.alter_column("cars", "maker_id", integer().not_null());
    op.add_column("cars", "doors", small_integer().not_null());
    op.alter_column("cars", "doors", integer().not_null());
    op.create_check_constraint("cars_doors_check", "cars", "doors >= 0");
    op.create_index("cars_doors_idx", "cars", ["doors"]);
}

pub fn downgrade(op: &mut Operations) {
    op.drop_table("cars");
    op.drop_table("makers");
}
