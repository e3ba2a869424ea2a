//! Crocus gives a Rust program models, sessions, migrations, an HTTP service and a command line over one
//! description of its tables, on SQLite and PostgreSQL.
//!
//! ```no_run
//! use crocus::prelude::*;
//!
//! /// A car on sale.
//! #[derive(Debug, Clone, Model)]
//! #[model(table = "cars")]
//! pub struct Car {
//!     #[model(primary_key)]
//!     pub id: i32,
//!     pub name: String,
//! }
//!
//! async fn create_car(db: Db, Payload(new): Payload<NewCar>) -> Result<String> {
//!     let mut session = db.session();
//!     let car = session.add(new);
//!     session.commit().await?;
//!     Ok(format!("car {} has been created", session[car].name))
//! }
//!
//! #[tokio::main]
//! async fn main() -> ExitCode {
//!     App::new("cars").model::<Car>().route("/cars", post(create_car)).main().await
//! }
//! ```

mod app;
mod cli;
mod config;
mod error;
mod logging;
mod panel;
mod registry;
pub mod testing;

pub use app::App;
pub use crocus_macros::{DbEnum, Model, migrations};
pub use crocus_migrate as migrate;
pub use crocus_orm as orm;
pub use crocus_web as web;
pub use utoipa;

/// What a program uses: `use crocus::prelude::*`.
pub mod prelude {
    pub use std::process::ExitCode;

    pub use crocus_macros::{DbEnum, Model};
    pub use crocus_orm::{ColumnOperators, Executor, Model as _, Patch, PatchModel as _, Relationship, Session};
    pub use crocus_web::routing::{delete, get, patch, post, put};
    pub use crocus_web::{
        Db, IntoResponse, Json, List, ModelExt, Path, Payload, Problem, Query, Response, Result, SelectExt, SessionExt,
    };

    pub use crate::App;
}

/// The README's code is compiled with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
