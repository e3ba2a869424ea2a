//! Names that no database takes.

use crocus_macros::Model;

#[derive(Model)]
#[model(table = "")]
struct Unnamed {
    #[model(primary_key, column = "")]
    id: i32,
    #[model(unique = "", index = "", check(name = "", "x"))]
    name: String,
    #[model(column = "a\0b")]
    zero: String,
}

#[derive(Model)]
#[model(table = "a_table_whose_name_goes_on_and_on_and_on_until_postgresql_cuts_it")]
struct Long {
    #[model(primary_key, column = "äöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü")]
    id: i32,
    a_field_whose_name_goes_on_and_on_and_on_until_postgresql_cuts_it: i32,
}

#[derive(Model)]
struct AStructWhoseNameGoesOnAndOnAndOnUntilPostgresqlCutsItsTableName {
    #[model(primary_key)]
    id: i32,
}

#[derive(Model)]
#[model(table = "sqlite_cars")]
struct Reserved {
    #[model(primary_key)]
    id: i32,
    xmin: i32,
    #[model(column = "ctid")]
    place: i32,
}

fn main() {}
