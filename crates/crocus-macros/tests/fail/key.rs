//! What a primary key needs and must not have.

use crocus_macros::Model;

#[derive(Model)]
struct Keyless {
    name: String,
}

#[derive(Model)]
struct Nullable {
    #[model(primary_key)]
    id: Option<i32>,
}

#[derive(Model)]
struct Defaulted {
    #[model(primary_key, default = 1)]
    id: i64,
}

#[derive(Model)]
struct Five {
    #[model(primary_key)]
    a: i32,
    #[model(primary_key)]
    b: i32,
    #[model(primary_key)]
    c: i32,
    #[model(primary_key)]
    d: i32,
    #[model(primary_key)]
    e: i32,
}

#[derive(Model)]
struct NotNumbered {
    #[model(primary_key, no_identity)]
    code: String,
    #[model(no_identity)]
    number: i32,
}

#[derive(Model)]
struct Composite {
    #[model(primary_key, no_identity)]
    a: i32,
    #[model(primary_key)]
    b: i32,
}

#[derive(Model)]
struct Measured {
    #[model(primary_key)]
    weight: f64,
}

#[derive(Model)]
struct Opposites {
    #[model(primary_key, identity, no_identity)]
    id: CarId,
    #[model(identity)]
    other: i32,
}

#[derive(Model)]
struct Pair {
    #[model(primary_key, identity)]
    a: CarId,
    #[model(primary_key, belongs_to = Car, identity)]
    b_id: i32,
}

#[derive(Model)]
struct Twice {
    #[model(primary_key, identity, default_with = one)]
    id: CarId,
}

fn main() {}
