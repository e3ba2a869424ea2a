//! A program with as many models as `MODELS` says, all of them resources. The cars are the one that is asked.

#![allow(dead_code, reason = "only the models' descriptions are read")]

use crocus::prelude::*;

/// A car on sale.
#[derive(Debug, Clone, Model)]
#[model(table = "cars")]
struct Car {
    #[model(primary_key)]
    id: i32,
    name: String,
    model: String,
    doors: i32,
}

include!(concat!(env!("OUT_DIR"), "/models.rs"));

#[tokio::main]
async fn main() -> ExitCode {
    let models = std::env::var("MODELS").expect("MODELS");
    let models: usize = models.parse().expect("a number of models");
    register(App::new("models").resource::<Car>("/api/cars"), models - 1).main().await
}
