//! Mistakes in the types of queries.

use crocus_macros::Model;
use crocus_orm::{ColumnOperators, Model, Select};

#[derive(Debug, Clone, Model)]
#[model(crate = "crocus_orm", has_many(cars = Car::MAKER))]
struct Maker {
    #[model(primary_key)]
    id: i32,
    name: String,
}

#[derive(Debug, Clone, Model)]
#[model(crate = "crocus_orm")]
struct Car {
    #[model(primary_key)]
    id: i32,
    name: String,
    doors: i32,
    weight: f64,
    note: Option<String>,
    #[model(belongs_to = Maker)]
    maker_id: i32,
}

fn main() {
    // Text and numbers do not compare.
    let _ = Car::NAME.eq(4);
    let _ = Car::DOORS.is_in(["four"]);
    let _ = Car::WEIGHT.gt(Car::DOORS);
    // NULL is asked for, not compared with.
    let _ = Car::NOTE.eq(None::<String>);
    // Only text has characters, and only numbers have sums.
    let _ = Car::DOORS.like("4%");
    let _ = Car::NAME.sum();
    let _ = Car::DOORS.year();
    let _ = Car::DOORS + Car::WEIGHT;
    // A condition is true or false.
    let _ = Car::select().filter(Car::DOORS);
    // What a column is set to has its type.
    let _ = Car::update().set(Car::DOORS, "four");
    let _ = Car::update().set(Car::NAME, Car::NOTE);
    let _ = Car::update().set(Maker::NAME, "Tesla");
    // Columns are columns, and their types are the rows'.
    let _ = Car::select().columns((Car::NAME, 4));
    let _: Select<(String, i64)> = Car::select().columns((Car::NAME, Car::DOORS));
    // A query is joined along a relationship, and loads its model's.
    let _ = Car::select().join(Car::MAKER_ID);
    let _ = Car::select().with(Maker::CARS);
}
