//! What constraints and indexes say beside their columns.

use crocus_macros::Model;
use crocus_orm::Model;
use crocus_orm::table::{
    Deferrable, ForeignKeyDef, IndexDef, IndexKey, IndexPart, Nulls, ReferentialAction, UniqueDef,
};

/// A part that a shop sells under a number of its own.
#[derive(Debug, Clone, Model)]
#[model(crate = "crocus_orm", table = "parts")]
struct Part {
    #[model(primary_key)]
    shop_id: i32,
    #[model(primary_key)]
    number: i32,
}

/// A car.
#[expect(clippy::duplicated_attributes, reason = "several constraints may be over one field, and say the same of it")]
#[derive(Debug, Clone, Model)]
#[model(crate = "crocus_orm", table = "cars")]
#[model(
    unique(shop_id, name, deferrable),
    unique(name, nulls_not_distinct, initially_deferred, deferrable, name = "one_name"),
    unique(r#deferrable, r#nulls_not_distinct)
)]
#[model(
    index(tags operator_class("array_ops"), using = "gin"),
    index(name collate("C") desc nulls_last, expr = "lower(name)" operator_class("text_pattern_ops") nulls_first),
    index(name, unique, nulls_not_distinct, include(tags, shop_id), where = "shop_id > 2"),
    index(shop_id, using = "btree"),
    index(r#include, nulls_first, r#using, collate desc),
)]
#[model(belongs_to(
    part = Part,
    key(shop_id, part_number),
    on_delete = set_null,
    on_delete_columns(part_number),
    initially_deferred
))]
#[model(belongs_to(spare = Part, key(spare_shop_id, spare_number), match_full, deferrable, on_delete = set_null))]
struct Car {
    #[model(primary_key)]
    id: i32,
    #[model(belongs_to(Car, deferrable))]
    twin_id: Option<i32>,
    name: Option<String>,
    shop_id: i32,
    part_number: Option<i32>,
    spare_shop_id: Option<i32>,
    spare_number: Option<i32>,
    tags: Vec<String>,
    deferrable: i32,
    nulls_not_distinct: i32,
    include: i32,
    nulls_first: i32,
    using: i32,
    collate: i32,
}

#[test]
fn unique_constraints_are_checked_when_they_say() {
    let of_words = ["deferrable", "nulls_not_distinct"];
    let expected = [
        UniqueDef {
            deferrable: Deferrable::Immediate,
            ..UniqueDef::new("cars_shop_id_name_key", &["shop_id", "name"])
        },
        UniqueDef {
            deferrable: Deferrable::Deferred,
            nulls_not_distinct: true,
            ..UniqueDef::new("one_name", &["name"])
        },
        UniqueDef::new("cars_deferrable_nulls_not_distinct_key", &["deferrable", "nulls_not_distinct"]),
    ];
    assert_eq!(Car::TABLE.uniques, expected);
    assert_eq!(Car::TABLE.uniques[2].columns, of_words);
}

#[test]
fn indexes_say_how_they_are_made() {
    const fn column(name: &'static str) -> IndexPart {
        IndexPart::new(IndexKey::Column(name))
    }
    let expected = [
        IndexDef {
            method: Some("gin"),
            ..IndexDef::new(
                "cars_tags_idx",
                const { &[IndexPart { operator_class: Some("array_ops"), ..column("tags") }] },
            )
        },
        IndexDef::new(
            "cars_name_lower_idx",
            const {
                &[
                    IndexPart { collation: Some("C"), descending: true, nulls: Some(Nulls::Last), ..column("name") },
                    IndexPart {
                        operator_class: Some("text_pattern_ops"),
                        nulls: Some(Nulls::First),
                        ..IndexPart::new(IndexKey::Expression("lower(name)"))
                    },
                ]
            },
        ),
        IndexDef {
            unique: true,
            nulls_not_distinct: true,
            include: &["tags", "shop_id"],
            condition: Some("shop_id > 2"),
            ..IndexDef::new("cars_name_tags_shop_id_idx", const { &[column("name")] })
        },
        IndexDef::new("cars_shop_id_idx", const { &[column("shop_id")] }),
        IndexDef::new(
            "cars_include_nulls_first_using_collate_idx",
            const {
                &[
                    column("include"),
                    column("nulls_first"),
                    column("using"),
                    IndexPart { descending: true, ..column("collate") },
                ]
            },
        ),
    ];
    assert_eq!(Car::TABLE.indexes, expected);
}

#[test]
fn foreign_keys_say_what_they_set_and_when() {
    let expected = [
        ForeignKeyDef {
            deferrable: Deferrable::Immediate,
            ..ForeignKeyDef::new("cars_twin_id_fkey", &["twin_id"], || Car::TABLE)
        },
        ForeignKeyDef {
            on_delete: ReferentialAction::SetNull,
            on_delete_columns: &["part_number"],
            deferrable: Deferrable::Deferred,
            ..ForeignKeyDef::new("cars_shop_id_part_number_fkey", &["shop_id", "part_number"], || Part::TABLE)
        },
        ForeignKeyDef {
            on_delete: ReferentialAction::SetNull,
            match_full: true,
            deferrable: Deferrable::Immediate,
            ..ForeignKeyDef::new("cars_spare_shop_id_spare_number_fkey", &["spare_shop_id", "spare_number"], || {
                Part::TABLE
            })
        },
    ];
    assert_eq!(Car::TABLE.foreign_keys, expected);
}
