//! create the dealership
//!
//! Revision 728d70b8339a, follows <base>, 2026-11-23 05:21 UTC

use crocus::migrate::prelude::*;

pub fn upgrade(op: &mut Operations) {
    op.create_enum("car_state", ["for_sale", "reserved", "sold"]);
    op.create_table("makers", |t| {
        t.comment("Who makes cars.");
        t.column(
            "id",
            integer()
                .identity()
                .primary_key()
                .comment("What the database counts up."),
        );
        t.column("name", text().not_null().comment("The maker's name."));
        t.column(
            "country",
            text().not_null().comment("Where the maker is at home."),
        );
        t.unique("makers_name_key", ["name"]);
    });
    op.create_table("owners", |t| {
        t.comment("Who owns cars.");
        t.column(
            "id",
            integer()
                .identity()
                .primary_key()
                .comment("What the database counts up."),
        );
        t.column("name", text().not_null().comment("The owner's name."));
        t.column(
            "email",
            text()
                .not_null()
                .comment("Where to write to; kept out of logs."),
        );
        t.column(
            "address_street",
            text().not_null().comment("The street and the number."),
        );
        t.column("address_city", text().not_null().comment("The city."));
        t.unique("owners_email_key", ["email"]);
    });
    op.create_table("cars", |t| {
        t.comment("A car that is or was on sale.");
        t.column(
            "id",
            integer()
                .identity()
                .primary_key()
                .comment("What the database counts up."),
        );
        t.column("maker_id", integer().not_null().comment("Its maker."));
        t.column("owner_id", integer().comment("Its owner, once it is sold."));
        t.column(
            "vin",
            text()
                .not_null()
                .comment("The vehicle identification number."),
        );
        t.column("name", text().not_null().comment("The model's name."));
        t.column("year", integer().not_null().comment("When it was built."));
        t.column("price", decimal().not_null().comment("What it costs."));
        t.column(
            "state",
            enumeration("car_state", ["for_sale", "reserved", "sold"])
                .not_null()
                .default("'for_sale'")
                .comment("What can be done with it."),
        );
        t.column(
            "equipment",
            json()
                .not_null()
                .default("'[]'")
                .comment("What is built in."),
        );
        t.column(
            "version",
            integer()
                .not_null()
                .comment("Raised by every update: who changes an older one is told so."),
        );
        t.unique("cars_vin_key", ["vin"]);
        t.check("cars_year_check", "year >= 1886");
        t.check("cars_price_check", "price > 0");
        t.foreign_key("cars_maker_id_fkey", ["maker_id"], "makers", ["id"]);
        t.foreign_key("cars_owner_id_fkey", ["owner_id"], "owners", ["id"])
            .on_delete(SetNull);
    });
    op.create_index("cars_maker_id_idx", "cars", ["maker_id"]);
    op.create_index("cars_owner_id_idx", "cars", ["owner_id"]);
    op.create_index(
        "cars_state_price_idx",
        "cars",
        [column("state"), column("price").desc()],
    );
    op.create_table("sales", |t| {
        t.comment("A car that was sold: an association with columns of its own.");
        t.column(
            "id",
            integer()
                .identity()
                .primary_key()
                .comment("What the database counts up."),
        );
        t.column("car_id", integer().not_null().comment("What was sold."));
        t.column("owner_id", integer().not_null().comment("Who bought it."));
        t.column("price", decimal().not_null().comment("What was paid."));
        t.column("sold_on", date().not_null().comment("When."));
        t.check("sales_price_check", "price > 0");
        t.foreign_key("sales_car_id_fkey", ["car_id"], "cars", ["id"]);
        t.foreign_key("sales_owner_id_fkey", ["owner_id"], "owners", ["id"]);
    });
    op.create_index("sales_car_id_idx", "sales", ["car_id"]);
    op.create_index("sales_owner_id_idx", "sales", ["owner_id"]);
    op.create_index("sales_sold_on_idx", "sales", ["sold_on"]);
    op.create_table("tags", |t| {
        t.comment("A word to find cars by.");
        t.column(
            "id",
            integer()
                .identity()
                .primary_key()
                .comment("What the database counts up."),
        );
        t.column("name", text().not_null().comment("The word."));
        t.unique("tags_name_key", ["name"]);
    });
    op.create_table("car_tags", |t| {
        t.comment("Which car has which tag.");
        t.column("car_id", integer().primary_key().comment("The car."));
        t.column("tag_id", integer().primary_key().comment("The tag."));
        t.foreign_key("car_tags_car_id_fkey", ["car_id"], "cars", ["id"])
            .on_delete(Cascade);
        t.foreign_key("car_tags_tag_id_fkey", ["tag_id"], "tags", ["id"])
            .on_delete(Cascade);
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
