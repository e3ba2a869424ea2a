//! The tutorial's program: a REST API for cars. `cargo run` serves it on an embedded SQLite file.

mod handlers;
mod models;

use crocus::prelude::*;
use crocus::utoipa::OpenApi;
use handlers::{Api, create_car, delete_car, get_car, hello, list_cars, update_car};
use models::Car;

/// Requests make and drop many small values, which this allocator does faster than the system's.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    App::new("cars")
        .version(env!("CARGO_PKG_VERSION"))
        .model::<Car>()
        .migrations(crocus::migrations!())
        .route("/", get(hello))
        .route("/cars", get(list_cars).post(create_car))
        .route("/cars/{id}", get(get_car).put(update_car).delete(delete_car))
        .resource::<Car>("/api/cars")
        .openapi(Api::openapi())
        .main()
        .await
}
