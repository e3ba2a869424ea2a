//! Models of a database, as `db inspect` has written them.

use crocus::prelude::*;
use jiff::civil::Date;
use rust_decimal::Decimal;

#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
pub enum CarState {
    ForSale,
    Reserved,
    Sold,
}

#[derive(Debug, Clone, Model)]
#[model(table = "car_tags")]
pub struct CarTag {
    #[model(primary_key, belongs_to(Car, on_delete = cascade))]
    pub car_id: i32,
    #[model(primary_key, belongs_to(Tag, on_delete = cascade), index)]
    pub tag_id: i32,
}

#[derive(Debug, Clone, Model)]
#[model(table = "cars", index(state, price desc))]
pub struct Car {
    #[model(primary_key)]
    pub id: i32,
    #[model(belongs_to = Maker, index)]
    pub maker_id: i32,
    #[model(belongs_to(Owner, on_delete = set_null), index)]
    pub owner_id: Option<i32>,
    #[model(unique)]
    pub vin: String,
    pub name: String,
    #[model(check = "year >= 1886")]
    pub year: i32,
    #[model(check = "price > 0")]
    pub price: Decimal,
    #[model(default = "'for_sale'")]
    pub state: CarState,
    #[model(default = "'[]'")]
    pub equipment: serde_json::Value,
    pub version: i32,
}

#[derive(Debug, Clone, Model)]
#[model(table = "makers")]
pub struct Maker {
    #[model(primary_key)]
    pub id: i32,
    #[model(unique)]
    pub name: String,
    pub country: String,
}

#[derive(Debug, Clone, Model)]
#[model(table = "owners")]
pub struct Owner {
    #[model(primary_key)]
    pub id: i32,
    pub name: String,
    #[model(unique)]
    pub email: String,
    pub address_street: String,
    pub address_city: String,
}

#[derive(Debug, Clone, Model)]
#[model(table = "sales")]
pub struct Sale {
    #[model(primary_key)]
    pub id: i32,
    #[model(belongs_to = Car, index)]
    pub car_id: i32,
    #[model(belongs_to = Owner, index)]
    pub owner_id: i32,
    #[model(check = "price > 0")]
    pub price: Decimal,
    #[model(index)]
    pub sold_on: Date,
}

#[derive(Debug, Clone, Model)]
#[model(table = "tags")]
pub struct Tag {
    #[model(primary_key)]
    pub id: i32,
    #[model(unique)]
    pub name: String,
}
