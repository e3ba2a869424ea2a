//! A database's own types, misspelt or on fields of another kind.

use crocus_macros::Model;

#[derive(Debug, Clone, Model)]
#[model(crate = "crocus_orm")]
struct Car {
    #[model(primary_key)]
    id: i32,
    #[model(type = "char")]
    name: String,
    #[model(type = "inet")]
    address: String,
    #[model(type = "numeric(2, 3)")]
    price: i32,
    #[model(type)]
    code: String,
    #[model(type = "citext(3)", collation)]
    plate: String,
}

fn main() {}
