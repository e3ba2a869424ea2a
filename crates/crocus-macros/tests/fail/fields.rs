//! Fields that clash, and lists of fields that are not there.

use crocus_macros::Model;

#[derive(Model)]
#[model(unique(nam, model), index(colour), index(wheels))]
struct Car {
    #[model(primary_key)]
    id: i32,
    name: String,
    #[model(column = "name")]
    model: String,
    #[model(column = "colour")]
    color: String,
    #[model(column = "Colour")]
    tint: String,
    Color: String,
    a_b: i32,
    aB: i32,
    twice: Option<Option<i32>>,
}

fn main() {}
