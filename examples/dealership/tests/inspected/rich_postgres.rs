//! Models of a database, as `db inspect` has written them.

// No model: table log: it has no primary key
// No model: view new_cars

use crocus::prelude::*;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use rust_decimal::Decimal;
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
pub enum CarState {
    ForSale,
    #[db_enum(rename = "Sold Out")]
    SoldOut,
    #[db_enum(rename = "2nd hand")]
    N2ndHand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
pub enum Colour {
    Red,
    Green,
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
    unique(maker_id, name, name = "named"),
    index(price desc, r#type, name = "by_price"),
    index(expr = "lower(\"Name\")", where = "is_new", unique, name = "cars_lower_idx"),
    check(name = "cars_fits", "(price < (1000000)::numeric) OR is_new")
)]
pub struct Car {
    #[model(primary_key)]
    pub id: i32,
    #[model(belongs_to(Maker, on_delete = cascade), index)]
    pub maker_id: i64,
    #[model(
        belongs_to(Maker, name = seller_maker, on_delete = set_null, on_update = cascade)
    )]
    pub seller_id: Option<i64>,
    pub seller: Option<String>,
    #[model(default = "'it''s \"new\"'::text")]
    pub r#type: String,
    #[model(column = "Name")]
    pub name: Option<String>,
    #[model(column = "two words", default = 4, index)]
    pub two_words: Option<i16>,
    /// In cents of a currency that nobody has written down, which is why this comment is long
    #[model(
        comment = "In cents of a currency that nobody has written down, which is why this comment is long",
        check = "price > (0)::numeric"
    )]
    pub price: Decimal,
    #[model(generated = "price * (2)::numeric")]
    pub twice: Option<Decimal>,
    #[model(default = "'-1.5'::numeric")]
    pub weight: Option<f64>,
    #[model(default = true)]
    pub is_new: bool,
    pub built: Option<Date>,
    pub opens: Option<Time>,
    pub planned: Option<DateTime>,
    #[model(default = "now()")]
    pub listed: Timestamp,
    #[model(default = "gen_random_uuid()", unique)]
    pub key: Uuid,
    pub picture: Option<Vec<u8>>,
    #[model(default = "'{}'::jsonb")]
    pub extra: serde_json::Value,
    #[model(default = "'for_sale'::car_state")]
    pub state: CarState,
    pub colours: Vec<Colour>,
    pub numbers: Option<Vec<i32>>,
}

/// Who makes cars. "Quoted", on
/// two lines.
#[derive(Debug, Clone, Model)]
#[model(
    table = "makers",
    comment = "Who makes cars. \"Quoted\", on\ntwo lines.",
    check(name = "land", "length(country) = 2")
)]
pub struct Maker {
    #[model(primary_key)]
    pub id: i64,
    #[model(unique)]
    pub name: String,
    pub country: Option<String>,
}

#[derive(Debug, Clone, Model)]
#[model(table = "people")]
pub struct Person {
    #[model(primary_key, no_identity)]
    pub id: i16,
    #[model(belongs_to = Person)]
    pub boss_id: Option<i16>,
    #[model(belongs_to(Person, name = person))]
    pub best_friend: Option<i16>,
}

#[derive(Debug, Clone, Model)]
#[model(
    table = "tag_notes",
    belongs_to(car_tag = CarTag, key(car, tag), on_delete = cascade)
)]
pub struct TagNote {
    #[model(primary_key)]
    pub id: Uuid,
    pub car: Option<i32>,
    pub tag: Option<String>,
    #[model(belongs_to(Car, name = note_of_car))]
    pub note_of: i32,
    #[model(belongs_to(Car, name = select_car), unique)]
    pub select: Option<i32>,
}
