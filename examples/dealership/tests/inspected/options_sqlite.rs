//! Models of a database, as `db inspect` has written them.

use crocus::prelude::*;
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use rust_decimal::Decimal;

#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
#[db_enum(name = "Größe")]
pub enum Größe {
    Klein,
    #[db_enum(rename = "Groß")]
    Groß,
}

// Not said by this model:
// - the column cents is of the type NUMERIC(10, 2), which is another than its field's
// - the column a column whose name is longer than what PostgreSQL keeps of a name of one: its name has more than 63 bytes
// - the column xmin: PostgreSQL keeps its name to itself
// - check it's: its name is another's, but for the case
#[derive(Debug, Clone, Model)]
#[model(
    table = "Orders",
    index(r#unique desc, order collate("RTRIM"), where = "\"deferrable\" > 0", unique, name = "by_unique"),
    check(name = "IT'S", "cents > 0")
)]
pub struct Order {
    #[model(primary_key, type = "char(3)")]
    pub part: String,
    #[model(primary_key, column = "Id", type = "varchar(20)", collation = "RTRIM")]
    pub id: String,
    #[model(collation = "NOCASE", unique)]
    pub order: Option<String>,
    #[model(column = "Straße", type = "varchar")]
    pub straße: Option<String>,
    #[model(type = "numeric(10, 2)")]
    pub price: Option<Decimal>,
    pub cents: Option<Decimal>,
    #[model(type = "timestamp(3)")]
    pub at: Option<DateTime>,
    #[model(column = "At2", type = "timestamptz(0)")]
    pub at2: Option<Timestamp>,
    #[model(type = "time(2)")]
    pub opens: Option<Time>,
    pub unique: Option<i32>,
    #[model(default = 1)]
    pub deferrable: i32,
    pub größe: Option<Größe>,
}

#[derive(Debug, Clone, Model)]
#[model(
    table = "lines",
    belongs_to(order = Order, key(part, order_id), on_delete = cascade)
)]
pub struct Line {
    #[model(primary_key, belongs_to(Other, name = other))]
    pub id: i32,
    #[model(type = "char(3)")]
    pub part: Option<String>,
    #[model(type = "varchar(30)")]
    pub order_id: String,
    #[model(belongs_to(Other, name = other_other, initially_deferred))]
    pub other_id: Option<i32>,
}

// Not said by this model:
// - the column id can be NULL, which no field of a key can
#[derive(Debug, Clone, Model)]
#[model(table = "nullable_keys")]
pub struct NullableKey {
    #[model(primary_key)]
    pub id: String,
    pub r#type: Option<String>,
}

// Not said by this model:
// - the column größe is of a type that no field has, enum Größe
#[derive(Debug, Clone, Model)]
#[model(table = "others")]
pub struct Other {
    #[model(primary_key)]
    pub id: i32,
    #[model(type = "varchar(5)")]
    pub code: String,
}
