//! Only a struct with named fields is a model, and a generic one is not.

use crocus_macros::Model;

#[derive(Model)]
enum Choice {
    One,
}

#[derive(Model)]
union Either {
    a: i32,
    b: i64,
}

#[derive(Model)]
struct Tuple(i32, String);

#[derive(Model)]
struct Unit;

#[derive(Model)]
struct Empty {}

#[derive(Model)]
struct Generic<'a, T> {
    #[model(primary_key)]
    id: i32,
    value: &'a T,
}

#[derive(Model)]
struct Bounded
where
    String: Clone,
{
    #[model(primary_key)]
    id: i32,
}

fn main() {}
