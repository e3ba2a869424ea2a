//! Enums that no database can have.

use crocus_macros::DbEnum;

#[derive(DbEnum)]
#[db_enum(nam = "color", rename = "x", name = "", crate = 1)]
enum Color {
    Red,
    #[db_enum(rename = "red")]
    Rot,
    #[db_enum(rename = "red", rename = "blue", name = "x")]
    Rouge,
    Mixed(u8),
    Named { name: String },
    #[db_enum(rename)]
    Bare,
    #[db_enum(renamed_from = "steel")]
    Steel,
    #[db_enum(rename = "")]
    Empty,
    AVariantWhoseNameGoesOnAndOnAndOnAndOnUntilPostgresqlRefusesItsValue,
}

#[derive(DbEnum)]
#[db_enum]
enum Nothing {}

#[derive(DbEnum)]
enum Generic<T> {
    One(T),
}

#[derive(DbEnum)]
struct Struct;

#[derive(DbEnum)]
union Union {
    one: u8,
}

fn main() {}
