//! Attributes that do not exist, or not there.

use crocus_macros::Model;

#[derive(Model)]
#[model(tabel = "cars", column = "x", colour = "red")]
struct Car {
    #[model(primary)]
    id: i32,
    #[model(uniqe, table = "cars", nullable)]
    name: String,
    #[model(column_name = "title")]
    title: String,
}

fn main() {}
