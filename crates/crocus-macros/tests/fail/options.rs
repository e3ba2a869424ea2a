//! Options of constraints and indexes that are none, or contradict each other.

use crocus_macros::Model;

#[derive(Model)]
struct Part {
    #[model(primary_key)]
    shop_id: i32,
    #[model(primary_key)]
    number: i32,
}

#[derive(Model)]
#[model(unique(name, deferable), unique(name, deferrable = true), unique(deferrable))]
#[model(index(name desc nulls_first nulls_last), index(name desc desc, name = "a"), index(name collate(C), name = "b"))]
#[model(index(name collate("C") collate("D"), name = "c"), index(name operator_class(""), name = "d"))]
#[model(index(name, nulls_not_distinct, name = "e"), index(name, unique, using = "gin", name = "f"))]
#[model(index(name desc, model nulls_last, using = "hash", name = "g"), index(name, using = gin, name = "h"))]
#[model(index(name, include(model), using = "gin", name = "i"), index(name, include(name), name = "j"))]
#[model(index(name, include(mdel, model, model), name = "k"), index(name, include = model, name = "l"))]
#[model(index(name, using = "gin", using = "gist", name = "m"), index(name, include(id), include(model), name = "n"))]
#[model(index(include(model), name = "o"), index(name lower, name = "p"), index(unique desc, name = "q"))]
#[model(belongs_to(one = Part, key(shop_id, number), on_delete_columns(number)))]
#[model(belongs_to(two = Part, key(shop_id, number), on_delete = cascade, on_delete_columns(number), foreign_key = "r"))]
#[model(belongs_to(three = Part, key(shop_id, number), on_delete = set_null, on_delete_columns(id), foreign_key = "s"))]
#[model(belongs_to(
    four = Part,
    key(shop_id, number),
    match_full = true,
    on_delete = set_null,
    on_delete_columns(number),
    foreign_key = "t"
))]
#[model(belongs_to(
    five = Part,
    key(shop_id, number),
    on_delete = set_null,
    on_delete_columns(shop_id),
    initialy_deferred,
    foreign_key = "u"
))]
struct Car {
    #[model(primary_key)]
    id: i32,
    name: String,
    model: String,
    shop_id: i32,
    number: Option<i32>,
    #[model(unique(deferrable), belongs_to(Car, match_full))]
    twin_id: Option<i32>,
}

fn main() {}
