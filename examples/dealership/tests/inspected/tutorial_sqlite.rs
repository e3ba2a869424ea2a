//! Models of a database, as `db inspect` has written them.

use crocus::prelude::*;

#[derive(Debug, Clone, Model)]
#[model(table = "cars")]
pub struct Car {
    #[model(primary_key)]
    pub id: i32,
    #[model(type = "varchar")]
    pub name: Option<String>,
    #[model(type = "varchar")]
    pub model: Option<String>,
    pub doors: Option<i32>,
}
