//! Names of constraints that are too long or taken.

use crocus_macros::Model;

#[derive(Model)]
#[model(table = "a_table_with_a_name_that_leaves_little_room")]
#[model(unique(another_long_name, id), index(another_long_name, id))]
struct Long {
    #[model(primary_key)]
    id: i32,
    #[model(unique, index, check = "another_long_name <> ''")]
    another_long_name: String,
}

#[derive(Model)]
#[model(table = "cars", unique(name, model), check(name = "CARS_NAME_MODEL_KEY", "a > b"))]
#[model(index(name), index(name_model, name = "cars"))]
struct Taken {
    #[model(primary_key)]
    id: i32,
    #[model(index)]
    name: String,
    #[model(unique = "cars_pkey")]
    model: String,
    #[model(unique)]
    name_model: String,
}

fn main() {}
