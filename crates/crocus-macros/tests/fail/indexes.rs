//! Indexes, tables and columns that cannot be as they are said to be.

use crocus_macros::Model;

#[derive(Model)]
#[model(index, index(), index(unique), index(name down), index(name desc desc), index(lower(name)))]
#[model(index(expr = ""), index(expr = lower), index(name, name desc), index(name, where = ""), index(nam desc))]
#[model(index(id, where = "a", where = "b"), index(name = "x" desc), index(unique desc, name = "y"))]
#[model(schema = "pg_cars", bind = "", renamed_from = "car", schema = "shop")]
struct Car {
    #[model(primary_key)]
    id: i32,
    #[model(renamed_from = "name")]
    name: String,
    #[model(schema = "x", index(name desc))]
    model: String,
}

fn main() {}
