//! What can be said only once.

use crocus_macros::Model;

#[derive(Model)]
#[model(table = "cars", table = "vehicles")]
#[model(unique(name, name), index(name, name = "a", name = "b"))]
struct Car {
    #[model(primary_key, primary_key)]
    id: i32,
    #[model(unique, unique = "other")]
    #[model(index)]
    #[model(index)]
    #[model(default = 1, default = 2)]
    name: String,
}

fn main() {}
