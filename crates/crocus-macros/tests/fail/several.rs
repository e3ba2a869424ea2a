//! Mistakes of every kind in one struct: all of them are reported at once.

use crocus_macros::Model;

#[derive(Debug, Clone, Model)]
#[model(tabel = "cars", unique(name, colour))]
struct Car {
    id: i32,
    #[model(column = "")]
    name: String,
    #[model(check = 4, default = 'x')]
    doors: i32,
    #[model(column = "doors")]
    model: String,
}

fn main() {}
