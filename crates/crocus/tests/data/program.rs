//! The program that is run: a table with constraints, and what makes it.

use std::process::ExitCode;

use crocus::migrate::prelude::*;
use crocus::migrate::{Migration, Migrations};
use crocus::{App, Model};

/// Says that this binary is the program. Without it, it is the tests.
pub(crate) const VARIABLE: &str = "DATA_TEST_PROGRAM";

/// A car.
#[derive(Debug, Clone, Model)]
#[model(table = "cars", check(name = "cars_name_check", "name <> model"))]
struct Car {
    #[model(primary_key)]
    id: i32,
    name: String,
    model: Option<String>,
    #[model(check = "doors >= 0")]
    doors: i32,
    #[model(unique)]
    plate: Option<String>,
    #[model(generated = "doors * 2")]
    hinges: i32,
    #[model(default = "'new'")]
    state: String,
    #[model(version)]
    version: i32,
}

/// Who owns one.
#[derive(Debug, Clone, Model)]
#[model(table = "owners")]
struct Owner {
    #[model(primary_key)]
    id: i32,
    name: String,
    #[model(sensitive)]
    email: String,
}

/// What belongs to another, whose row may come later in the same transaction.
#[derive(Debug, Clone, Model)]
#[model(table = "parts")]
struct Part {
    #[model(primary_key)]
    id: i32,
    #[model(belongs_to(Part, initially_deferred))]
    parent_id: Option<i32>,
}

const CREATE: Migration = Migration {
    revision: "a1",
    down_revisions: &[],
    labels: &[],
    depends_on: &[],
    replaces: &[],
    message: "create cars",
    created: "2026-11-22 14:03 UTC",
    file: "a1_create_cars.rs",
    upgrade: |op| {
        op.create_table("cars", |t| {
            t.column("id", integer().identity().primary_key());
            t.column("name", text().not_null());
            t.column("model", text());
            t.column("doors", integer().not_null());
            t.column("plate", text());
            t.column("hinges", integer().not_null().generated("doors * 2"));
            t.column("state", text().not_null().default("'new'"));
            t.column("version", integer().not_null());
            t.check("cars_doors_check", "doors >= 0");
            t.check("cars_name_check", "name <> model");
            t.unique("cars_plate_key", ["plate"]);
        });
        op.create_table("owners", |t| {
            t.column("id", integer().identity().primary_key());
            t.column("name", text().not_null());
            t.column("email", text().not_null());
        });
        op.create_table("parts", |t| {
            t.column("id", integer().identity().primary_key());
            t.column("parent_id", integer());
            t.foreign_key("parts_parent_id_fkey", ["parent_id"], "parts", ["id"]).initially_deferred();
        });
        #[cfg(all(feature = "decimal", feature = "time", feature = "uuid"))]
        crate::law::create(op);
    },
    downgrade: |op| op.irreversible("nobody asks for it"),
};

pub(crate) fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let app = App::new("program").model::<Car>().model::<Owner>().model::<Part>();
    #[cfg(all(feature = "decimal", feature = "time", feature = "uuid"))]
    let app = app.model::<crate::law::Thing>();
    let app = app.migrations(Migrations::new("", vec![CREATE]));
    runtime.block_on(app.main())
}
