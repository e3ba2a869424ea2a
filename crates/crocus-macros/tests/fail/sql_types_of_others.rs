//! A database's own types and collations on fields whose Rust type does not take them.

use crocus_macros::Model;

#[derive(Debug, Clone, Model)]
#[model(crate = "crocus_orm")]
struct Car {
    #[model(primary_key)]
    id: i32,
    #[model(type = "varchar(20)")]
    doors: i32,
    #[model(type = "numeric(10, 2)")]
    price: Option<f64>,
    #[model(collation = "C")]
    wheels: i64,
}

fn main() {}
