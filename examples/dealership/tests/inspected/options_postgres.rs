//! Models of a database, as `db inspect` has written them.

// No model: enum type nothing: a value is empty, or has more than 63 bytes
// No model: table parents: its primary key has a column that no model's key has

use crocus::prelude::*;
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use rust_decimal::Decimal;
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
#[db_enum(name = "Größe")]
pub enum Größe {
    Klein,
    #[db_enum(rename = "Groß")]
    Groß,
}

// Not said by this model:
// - the column weight is of a type that no field has, real
// - the column document is of the type json, which is another than its field's
// - the column tags is of the type character varying(10)[], which is another than its field's
// - the column padded is of the type bpchar, which is another than its field's
// - the column empty is of a type that no field has, enum nothing
// - the column Unique: a column before it differs only in case
// - the column heavy is computed from one that has no field
// - the column numbered is numbered by the database
// - index by_weight: a column of it has no field
// - index light: a column of it has no field
// - check heavy_enough: a column of it has no field
// - check it's: its name is another's, but for the case
// - check later: it is not validated
// - check orders: its name is another's, but for the case
#[derive(Debug, Clone, Model)]
#[model(
    table = "Orders",
    unique(order, nulls_not_distinct),
    unique(unique, r#deferrable, deferrable),
    unique(price, at, opens, straße, initially_deferred, nulls_not_distinct, name = "a_rather_long_name_of_a_unique_constraint_over_several_columns"),
    index(price, include(unique)),
    index(id, using = "hash", name = "by_hash"),
    index(tags, where = "price > (1)::numeric", using = "gin", name = "by_tag"),
    index(r#unique desc nulls_last, desc nulls_first, include, where = "\"deferrable\" > 0", unique, nulls_not_distinct, name = "by_unique"),
    index(straße collate("C") operator_class("text_pattern_ops") desc, expr = "lower(\"SELECT\")" collate("POSIX"), name = "with_class"),
    check(name = "IT'S", "rate > (0)::numeric")
)]
pub struct Order {
    #[model(primary_key, type = "char(3)")]
    pub part: String,
    #[model(primary_key, column = "Id", type = "varchar(20)", collation = "C")]
    pub id: String,
    #[model(type = "citext")]
    pub order: Option<String>,
    #[model(column = "Straße", type = "varchar")]
    pub straße: Option<String>,
    #[model(column = "SELECT", collation = "POSIX")]
    pub select: Option<String>,
    #[model(type = "numeric(10, 2)")]
    pub price: Option<Decimal>,
    #[model(type = "numeric(5, 0)")]
    pub rate: Option<Decimal>,
    #[model(type = "timestamp(3)")]
    pub at: Option<DateTime>,
    #[model(column = "At2", type = "timestamptz(0)")]
    pub at2: Option<Timestamp>,
    #[model(type = "time(2)")]
    pub opens: Option<Time>,
    pub unique: Option<i32>,
    #[model(default = 1)]
    pub deferrable: i32,
    pub include: Option<i32>,
    pub name: Option<i32>,
    pub desc: Option<i32>,
    pub größe: Option<Größe>,
    pub document: Option<serde_json::Value>,
    pub tags: Option<Vec<String>>,
    pub padded: Option<String>,
    pub numbered: i32,
}

#[derive(Debug, Clone, Model)]
#[model(table = "ids")]
pub struct Id {
    #[model(primary_key, belongs_to(Id, name = id_id))]
    pub id: i32,
}

// Not said by this model:
// - foreign key lines_code_fkey (code) to others: it does not refer to the primary key
#[derive(Debug, Clone, Model)]
#[model(
    table = "lines",
    belongs_to(other = Other, key(id), match_full),
    belongs_to(order = Order, key(part, order_id), on_delete = set_null, initially_deferred, on_delete_columns(part))
)]
pub struct Line {
    #[model(primary_key, no_identity)]
    pub id: i32,
    #[model(type = "char(3)")]
    pub part: Option<String>,
    #[model(type = "varchar(30)")]
    pub order_id: String,
    #[model(belongs_to(Other, name = other_other, deferrable))]
    pub other_id: Option<i32>,
    #[model(
        belongs_to(Other, on_update = set_null, initially_deferred, foreign_key = "second")
    )]
    pub second_id: Option<i32>,
    #[model(type = "varchar(5)")]
    pub code: Option<String>,
}

#[derive(Debug, Clone, Model)]
#[model(table = "others")]
pub struct Other {
    #[model(primary_key, no_identity)]
    pub id: i32,
    #[model(type = "varchar(5)", unique)]
    pub code: String,
}

// Not said by this model:
// - the column type has a comment that is empty
// - its comment, which is empty
#[derive(Debug, Clone, Model)]
#[model(table = "self")]
pub struct SelfRow {
    #[model(primary_key)]
    pub id: Uuid,
    #[model(unique)]
    pub r#type: Option<String>,
}
