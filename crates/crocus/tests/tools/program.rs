//! The programs that are run: each a history of migrations.

use std::process::ExitCode;

use crocus::migrate::prelude::*;
use crocus::migrate::{Migration, Migrations};
use crocus::{App, Model};

/// Names the variant of the program. Without it, this binary is the tests.
pub(crate) const VARIABLE: &str = "TOOLS_TEST_PROGRAM";

/// What the program `renaming` has of the first migration's table.
#[derive(Debug, Clone, Model)]
#[model(table = "cars")]
struct Titled {
    #[model(primary_key)]
    id: i32,
    name: String,
    title: Option<String>,
}

const FIRST: Migration = Migration {
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
        });
    },
    downgrade: |op| op.drop_table("cars"),
};

const SECOND: Migration = Migration {
    revision: "b2",
    down_revisions: &["a1"],
    message: "drop model",
    file: "b2_drop_model.rs",
    upgrade: |op| {
        op.add_column("cars", "doors", integer());
        op.drop_column("cars", "model");
    },
    downgrade: |op| {
        op.add_column("cars", "model", text());
        op.drop_column("cars", "doors");
    },
    ..FIRST
};

/// A model that has no `model` any more.
#[derive(Debug, Clone, Model)]
#[model(table = "cars")]
struct Car {
    #[model(primary_key)]
    id: i32,
    name: String,
}

/// What is done to a table that is in use, and what to one that nobody knows yet.
const IN_USE: Migration = Migration {
    revision: "c3",
    down_revisions: &["a1"],
    message: "change cars",
    file: "c3_change_cars.rs",
    upgrade: |op| {
        op.alter_column("cars", "model", text().not_null().default("''"));
        op.create_index("cars_name_idx", "cars", ["name"]).concurrently();
        op.create_table("makers", |t| t.column("id", integer().identity().primary_key()));
        op.create_index("makers_id_idx", "makers", ["id"]);
        op.add_column("cars", "key", big_integer().default("abs(random()) * 2"));
        op.execute("UPDATE cars SET name = 'x'");
    },
    downgrade: |op| op.irreversible("it is only planned"),
    ..FIRST
};

pub(crate) fn main(name: &str) -> ExitCode {
    let list = match name {
        "creating" | "modelled" | "renaming" => vec![FIRST],
        "in use" => vec![FIRST, IN_USE],
        "losing" => vec![FIRST, SECOND],
        "acknowledged" => {
            let upgrade: fn(&mut Operations) = |op| {
                op.add_column("cars", "doors", integer());
                op.allow("drop-column", "nobody reads it");
                op.drop_column("cars", "model");
            };
            vec![FIRST, Migration { upgrade, ..SECOND }]
        }
        "edited" => {
            let upgrade: fn(&mut Operations) = |op| op.add_column("cars", "gates", integer());
            vec![FIRST, Migration { upgrade, ..SECOND }]
        }
        other => panic!("there is no program `{other}`"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let app = App::new("program").migrations(Migrations::new("", list));
    let app = match name {
        "modelled" => app.model::<Car>(),
        "renaming" => app.model::<Titled>(),
        _ => app,
    };
    runtime.block_on(app.main())
}
