//! Models of a database, as `db inspect` has written them.

// No model: table log: it has no primary key
// No model: view new_cars

use crocus::prelude::*;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
pub enum CarState {
    ForSale,
    #[db_enum(rename = "Sold Out")]
    SoldOut,
}

#[derive(Debug, Clone, Model)]
#[model(table = "car_tags")]
pub struct CarTag {
    #[model(primary_key, belongs_to = Car)]
    pub car_id: i32,
    #[model(primary_key)]
    pub tag: String,
}

#[derive(Debug, Clone, Model)]
#[model(
    table = "cars",
    index(price desc, r#type, name = "by_price"),
    index(expr = "lower ( type )", where = "price > 1", name = "cars_lower_idx")
)]
pub struct Car {
    #[model(primary_key)]
    pub id: i32,
    #[model(belongs_to(Maker, on_delete = cascade))]
    pub maker_id: i32,
    #[model(default = "'it''s \"new\"'")]
    pub r#type: String,
    #[model(column = "two words", default = 4)]
    pub two_words: Option<i16>,
    #[model(check = "price > 0")]
    pub price: Decimal,
    #[model(generated = "\"two words\" * 2")]
    pub twice: Option<i64>,
    pub built: Option<Date>,
    #[model(default = "CURRENT_TIMESTAMP")]
    pub listed: Timestamp,
    pub key: Uuid,
    pub picture: Option<Vec<u8>>,
    #[model(default = "'{}'")]
    pub extra: serde_json::Value,
    #[model(default = "'for_sale'")]
    pub state: CarState,
}

#[derive(Debug, Clone, Model)]
#[model(table = "makers", index(name, unique))]
pub struct Maker {
    #[model(primary_key)]
    pub id: i32,
    pub name: String,
    pub country: Option<String>,
}
