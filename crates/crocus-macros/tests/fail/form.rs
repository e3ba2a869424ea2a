//! Attributes with a value of the wrong kind, or in the wrong form.

use crocus_macros::Model;

#[derive(Model)]
#[model]
#[model = "cars"]
#[model(table)]
#[model(crate = 1)]
#[model(unique, index = "x", unique(), index("name"), check)]
#[model(check(), check("a > 0", "b > 0"), check(title = "x", "a > 0"))]
struct Car {
    #[model(primary_key = true)]
    id: i32,
    #[model(column = name, unique(name), index = 1)]
    name: String,
    #[model(check = 0, check = " ", check("doors > 0", name = doors))]
    doors: i32,
    #[model(default)]
    a: i32,
    #[model(default = 'x')]
    b: String,
    #[model(default = blue)]
    c: String,
    #[model(default = "")]
    d: String,
    #[model(,unique, = "x", "index")]
    e: String,
    #[model(column = "x" "y")]
    f: String,
    #[model(default = )]
    g: String,
}

#[derive(Model)]
#[model(crate = "a b")]
struct Elsewhere {
    #[model(primary_key(id))]
    id: i32,
}

fn main() {}
