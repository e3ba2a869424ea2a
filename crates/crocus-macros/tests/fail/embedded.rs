//! Embedded structs that cannot be.

use crocus_macros::Model;

#[derive(Model)]
#[model(embedded, table = "addresses", index(street))]
struct Address {
    #[model(primary_key)]
    street: String,
    #[model(unique, column = "town")]
    city: String,
}

#[derive(Model)]
#[model(unique(home, id))]
struct Car {
    #[model(primary_key)]
    id: i32,
    #[model(embedded, unique)]
    home: Address,
    #[model(embedded(prefix = "\0"), column = "x", sensitive)]
    other: Address,
    #[model(embedded = "x")]
    a: Address,
    #[model(embedded(pre = "x"))]
    b: Address,
    #[model(embedded)]
    c: Option<Address>,
}

fn main() {}
