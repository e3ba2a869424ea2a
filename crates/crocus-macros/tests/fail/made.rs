//! Columns that cannot be made in this way.

use crocus_macros::Model;

#[derive(Model)]
struct Car {
    #[model(primary_key, generated = "1", no_identity)]
    id: i32,
    #[model(version, default = 1)]
    a: i32,
    #[model(version)]
    b: String,
    #[model(generated = "1", default_with = one)]
    c: i32,
    #[model(default_with = "one", generated, sensitive = true)]
    d: i32,
    #[model(generated = "", version = 1)]
    e: i32,
    #[model(belongs_to = Maker, generated = "1")]
    f_id: i32,
    #[model(belongs_to = Maker, default_with = one)]
    g_id: i32,
    #[model(version)]
    h: Option<i32>,
}

#[derive(Model)]
struct Part {
    #[model(primary_key, no_identity, default_with = one)]
    id: i32,
    #[model(default_with = one, default = 2)]
    a: i32,
}

#[derive(Model)]
struct Lock {
    #[model(primary_key, version)]
    id: i32,
}

fn main() {}
