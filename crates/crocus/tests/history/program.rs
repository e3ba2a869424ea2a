//! The programs that are run: histories of different shapes, and models that the last revision of a line makes.

use std::process::ExitCode;

use crocus::App;
use crocus::migrate::prelude::*;
use crocus::migrate::{Migration, Migrations};
use crocus::prelude::*;

/// Names the variant of the program. Without it, this binary is the tests.
pub(crate) const VARIABLE: &str = "HISTORY_TEST_PROGRAM";

/// A car on sale.
#[derive(Debug, Clone, Model)]
#[model(table = "cars")]
pub(crate) struct Car {
    #[model(primary_key)]
    pub(crate) id: i32,
}

/// The same, with a name.
#[derive(Debug, Clone, Model)]
#[model(table = "cars")]
pub(crate) struct NamedCar {
    #[model(primary_key)]
    pub(crate) id: i32,
    pub(crate) name: Option<String>,
}

pub(crate) fn main(name: &str) -> ExitCode {
    let app = App::new("program").version("1.2.0").migrations(Migrations::new("", migrations(name)));
    let app = match name {
        "named" => app.model::<NamedCar>(),
        "no_models" => app,
        _ => app.model::<Car>(),
    };
    let app = match name {
        "binds" => app
            .bind("other", "sqlite::memory:")
            .bind_migrations("other", Migrations::new("", vec![revision("o1", "o1_other.rs", &[])])),
        _ => app,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(app.main())
}

/// What the program has, in the order of the files.
pub(crate) fn migrations(name: &str) -> Vec<Migration> {
    let cars = Migration {
        upgrade: |op| op.create_table("cars", |t| t.column("id", integer().identity().primary_key())),
        downgrade: |op| op.drop_table("cars"),
        ..revision("a1", "a1_cars.rs", &[])
    };
    let second = revision("a2", "a2_second.rs", &["a1"]);
    let shop = Migration { labels: &["shop"], ..revision("b2", "b2_shop.rs", &["a1"]) };
    let mail = Migration { labels: &["mail"], depends_on: &["a2"], replaces: &[], ..revision("c1", "c1_mail.rs", &[]) };
    match name {
        "line" | "named" | "no_models" | "binds" => vec![cars, second],
        "branched" => vec![cars, second, shop, mail],
        "merged" => vec![cars, second, shop, revision("d3", "d3_merge.rs", &["a2", "b2"])],
        "forked" => vec![cars, second, Migration { labels: &[], ..shop }],
        other => panic!("there is no program `{other}`"),
    }
}

fn revision(revision: &'static str, file: &'static str, down_revisions: &'static [&'static str]) -> Migration {
    let message = file.trim_end_matches(".rs").split_once('_').map_or("", |(_, message)| message);
    Migration {
        revision,
        down_revisions,
        labels: &[],
        depends_on: &[],
        replaces: &[],
        message,
        created: "2026-11-22 14:03 UTC",
        file,
        upgrade: |_| (),
        downgrade: |_| (),
    }
}
