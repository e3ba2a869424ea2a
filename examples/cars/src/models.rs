//! The tables.

use crocus::prelude::*;
use serde::Serialize;

/// A car on sale.
#[derive(Debug, Clone, Model, Serialize)]
#[model(table = "cars")]
pub struct Car {
    /// What the database counts up. The tutorial's answers do not show it.
    #[model(primary_key)]
    #[serde(skip)]
    pub id: i32,
    /// The car's own name.
    pub name: String,
    /// Who makes it.
    pub model: String,
    /// How many doors it has.
    #[model(check = "doors >= 0")]
    pub doors: i32,
}
