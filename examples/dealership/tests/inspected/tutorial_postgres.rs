//! Models of a database, as `db inspect` has written them.

use crocus::prelude::*;

// Not said by this model:
// - the column name is of the type character varying, which is another than its field's
// - the column model is of the type character varying, which is another than its field's
#[derive(Debug, Clone, Model)]
#[model(table = "cars")]
pub struct Car {
    #[model(primary_key)]
    pub id: i32,
    pub name: Option<String>,
    pub model: Option<String>,
    pub doors: Option<i32>,
}
