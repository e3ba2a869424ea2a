//! create the dealership
//!
//! Revision 728d70b8339a, follows <base>, 2026-11-23 05:21 UTC

use crocus::migrate::prelude::*;

pub fn upgrade(op: &mut Operations) {
    op.create_enum("car_state", ["for_sale", "reserved", "sold"]);
    op.create_table("makers", |t| {
        t.column("id", integer().identity().primary_key());
        t.column("name", text().not_null());
        t.column("country", text().not_null());
        t.unique("makers_name_key", ["name"]);
    });
    op.create_table("owners", |t| {
        t.column("id", integer().identity().primary_key());
        t.column("name", text().not_null());
        t.column("email", text().not_null());
        t.column("address_street", text().not_null());
        t.column("address_city", text().not_null());
        t.unique("owners_email_key", ["email"]);
    });
    op.create_table("cars", |t| {
        t.column("id", integer().identity().primary_key());
        t.column("maker_id", integer().not_null());
        t.column("owner_id", integer());
        t.column("vin", text().not_null());
        t.column("name", text().not_null());
        t.column("year", integer().not_null());
        t.column("price", decimal().not_null());
        t.column("state", enumeration("car_state", ["for_sale", "reserved", "sold"]).not_null().default("'for_sale'"));
        t.column("equipment", json().not_null().default("'[]'"));
        t.column("version", integer().not_null());
        t.unique("cars_vin_key", ["vin"]);
        t.check("cars_year_check", "year >= 1886");
        t.check("cars_price_check", "price > 0");
        t.foreign_key("cars_maker_id_fkey", ["maker_id"], "makers", ["id"]);
        t.foreign_key("cars_owner_id_fkey", ["owner_id"], "owners", ["id"]).on_delete(SetNull);
    });
    op.create_index("cars_maker_id_idx", "cars", ["maker_id"]);
    op.create_index("cars_owner_id_idx", "cars", ["owner_id"]);
    op.create_index("cars_state_price_idx", "cars", [column("state"), column("price").desc()]);
    op.create_table("sales", |t| {
        t.column("id", integer().identity().primary_key());
        t.column("car_id", integer().not_null());
        t.column("owner_id", integer().not_null());
        t.column("price", decimal().not_null());
        t.column("sold_on", date().not_null());
        t.check("sales_price_check", "price > 0");
        t.foreign_key("sales_car_id_fkey", ["car_id"], "cars", ["id"]);
        t.foreign_key("sales_owner_id_fkey", ["owner_id"], "owners", ["id"]);
    });
    op.create_index("sales_car_id_idx", "sales", ["car_id"]);
    op.create_index("sales_owner_id_idx", "sales", ["owner_id"]);
    op.create_index("sales_sold_on_idx", "sales", ["sold_on"]);
    op.create_table("tags", |t| {
        t.column("id", integer().identity().primary_key());
        t.column("name", text().not_null());
        t.unique("tags_name_key", ["name"]);
    });
    op.create_table("car_tags", |t| {
        t.column("car_id", integer().primary_key());
        t.column("tag_id", integer().primary_key());
        t.foreign_key("car_tags_car_id_fkey", ["car_id"], "cars", ["id"]).on_delete(Cascade);
        t.foreign_key("car_tags_tag_id_fkey", ["tag_id"], "tags", ["id"]).on_delete(Cascade);
    });
    op.create_index("car_tags_tag_id_idx", "car_tags", ["tag_id"]);
}

pub fn downgrade(op: &mut Operations) {
    op.drop_index("car_tags_tag_id_idx", "car_tags");
    op.drop_table("car_tags");
    op.drop_table("tags");
    op.drop_index("sales_sold_on_idx", "sales");
    op.drop_index("sales_owner_id_idx", "sales");
    op.drop_index("sales_car_id_idx", "sales");
    op.drop_table("sales");
    op.drop_index("cars_state_price_idx", "cars");
    op.drop_index("cars_owner_id_idx", "cars");
    op.drop_index("cars_maker_id_idx", "cars");
    op.drop_table("cars");
    op.drop_table("owners");
    op.drop_table("makers");
    op.drop_enum("car_state");
}
