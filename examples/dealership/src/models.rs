//! The tables. The audit log is in a database of its own.

use crocus::orm;
use crocus::prelude::*;
use jiff::civil::Date;
use jiff::{Timestamp, Zoned};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

/// Who makes cars.
#[derive(Debug, Clone, Model, Serialize)]
#[model(table = "makers", has_many(cars = Car::MAKER))]
pub struct Maker {
    /// What the database counts up.
    #[model(primary_key)]
    pub id: i32,
    /// The maker's name.
    #[model(unique)]
    pub name: String,
    /// Where the maker is at home.
    pub country: String,
}

/// What can be done with a car.
#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
pub enum CarState {
    /// It stands in the yard.
    ForSale,
    /// Somebody is about to buy it.
    Reserved,
    /// It has an owner.
    Sold,
}

/// A car that is or was on sale.
#[derive(Debug, Clone, Model, Serialize)]
#[model(
    table = "cars",
    index(state, price desc),
    many_to_many(tags = Tag, through(CarTag::CAR, CarTag::TAG)),
    has_many(sales = Sale::CAR)
)]
pub struct Car {
    /// What the database counts up.
    #[model(primary_key)]
    pub id: i32,
    /// Its maker.
    #[model(belongs_to = Maker, index)]
    pub maker_id: i32,
    /// Its owner, once it is sold.
    #[model(belongs_to(Owner, on_delete = set_null), index)]
    pub owner_id: Option<i32>,
    /// The vehicle identification number.
    #[model(unique)]
    pub vin: String,
    /// The model's name.
    pub name: String,
    /// When it was built.
    #[model(check = "year >= 1886")]
    pub year: i32,
    /// What it costs.
    #[model(check = "price > 0")]
    pub price: Decimal,
    /// What can be done with it.
    #[model(default = "'for_sale'")]
    pub state: CarState,
    /// What is built in.
    #[model(default = "'[]'")]
    pub equipment: orm::Json<Vec<String>>,
    /// Raised by every update: who changes an older one is told so.
    #[model(version)]
    pub version: i32,
}

/// Where somebody lives: columns of the owners' table.
#[derive(Debug, Clone, PartialEq, Model, Serialize)]
#[model(embedded)]
pub struct Address {
    /// The street and the number.
    #[model(sensitive)]
    pub street: String,
    /// The city.
    pub city: String,
}

/// Who owns cars.
#[derive(Debug, Clone, Model, Serialize)]
#[model(
    table = "owners",
    has_many(cars = Car::OWNER),
    many_to_many(bought = Car, through(Sale::OWNER, Sale::CAR))
)]
pub struct Owner {
    /// What the database counts up.
    #[model(primary_key)]
    pub id: i32,
    /// The owner's name.
    pub name: String,
    /// Where to write to; kept out of logs.
    #[model(unique, sensitive)]
    pub email: String,
    /// The home.
    #[model(embedded)]
    pub address: Address,
}

/// A car that was sold: an association with columns of its own.
#[derive(Debug, Clone, Model, Serialize)]
#[model(table = "sales", index(sold_on))]
pub struct Sale {
    /// What the database counts up.
    #[model(primary_key)]
    pub id: i32,
    /// What was sold.
    #[model(belongs_to = Car, index)]
    pub car_id: i32,
    /// Who bought it.
    #[model(belongs_to = Owner, index)]
    pub owner_id: i32,
    /// What was paid.
    #[model(check = "price > 0")]
    pub price: Decimal,
    /// When.
    #[model(default_with = today)]
    pub sold_on: Date,
}

/// A word to find cars by.
#[derive(Debug, Clone, Model, Serialize)]
#[model(table = "tags")]
pub struct Tag {
    /// What the database counts up.
    #[model(primary_key)]
    pub id: i32,
    /// The word.
    #[model(unique)]
    pub name: String,
}

/// Which car has which tag.
#[derive(Debug, Clone, Model)]
#[model(table = "car_tags")]
pub struct CarTag {
    /// The car.
    #[model(primary_key, belongs_to(Car, on_delete = cascade))]
    pub car_id: i32,
    /// The tag.
    #[model(primary_key, belongs_to(Tag, on_delete = cascade), index)]
    pub tag_id: i32,
}

/// Something that happened.
#[derive(Debug, Clone, Model, Serialize)]
#[model(table = "audit_entries", bind = "audit")]
pub struct AuditEntry {
    /// Made by the program, in the order of time.
    #[model(primary_key, default_with = Uuid::now_v7)]
    pub id: Uuid,
    /// When it happened.
    #[model(default_with = Timestamp::now)]
    pub at: Timestamp,
    /// What happened.
    pub event: String,
}

fn today() -> Date {
    Zoned::now().date()
}
