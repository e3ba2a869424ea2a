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

/// What the squashed migrations make.
#[derive(Debug, Clone, Model)]
#[model(table = "makers")]
pub(crate) struct Maker {
    #[model(primary_key)]
    pub(crate) id: i32,
    #[model(unique)]
    pub(crate) name: String,
}

/// The same.
#[derive(Debug, Clone, Model)]
#[model(table = "cars")]
pub(crate) struct MadeCar {
    #[model(primary_key)]
    pub(crate) id: i32,
    pub(crate) title: Option<String>,
    #[model(belongs_to = Maker)]
    pub(crate) maker_id: i32,
    #[model(check = "doors >= 0", index)]
    pub(crate) doors: i32,
    pub(crate) seats: Option<i32>,
}

pub(crate) fn main(name: &str) -> ExitCode {
    let app = App::new("program").version("1.2.0").migrations(Migrations::new("", migrations(name)));
    let app = match name {
        "named" => app.model::<NamedCar>(),
        "no_models" => app,
        "squash_old" | "squash_both" | "squash_new" => app.model::<Maker>().model::<MadeCar>(),
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
    let squashed = Migration { replaces: &["a1", "a2", "a3"], ..squashed() };
    let [cars_and_names, makers, doors, seats] = years();
    match name {
        "squash_old" => vec![cars_and_names, makers, doors, seats],
        "squash_both" => vec![cars_and_names, makers, doors, squashed, seats],
        "squash_new" => vec![squashed, seats],
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

/// Three migrations that are squashed, and one after them.
fn years() -> [Migration; 4] {
    let cars = Migration {
        upgrade: |op| {
            op.create_table("cars", |t| {
                t.column("id", integer().identity().primary_key());
                t.column("name", text());
            });
        },
        downgrade: |op| op.drop_table("cars"),
        ..revision("a1", "a1_cars.rs", &[])
    };
    let makers = Migration {
        upgrade: |op| {
            op.create_table("makers", |t| {
                t.column("id", integer().identity().primary_key());
                t.column("name", text().not_null());
                t.unique("makers_name_key", ["name"]);
            });
            op.execute("INSERT INTO makers (name) VALUES ('Tesla')");
            op.rename_column("cars", "name", "title");
            op.add_column("cars", "maker_id", integer().not_null().default("1"));
            op.create_foreign_key("cars_maker_id_fkey", "cars", "makers", ["maker_id"], ["id"]);
        },
        downgrade: |op| {
            op.drop_constraint("cars_maker_id_fkey", "cars");
            op.drop_column("cars", "maker_id");
            op.rename_column("cars", "title", "name");
            op.drop_table("makers");
        },
        ..revision("a2", "a2_makers.rs", &["a1"])
    };
    let doors = Migration {
        upgrade: |op| {
            op.alter_column("cars", "maker_id", integer().not_null());
            op.add_column("cars", "doors", small_integer().not_null());
            op.alter_column("cars", "doors", integer().not_null());
            op.create_check_constraint("cars_doors_check", "cars", "doors >= 0");
            op.create_index("cars_doors_idx", "cars", ["doors"]);
        },
        downgrade: |op| {
            op.drop_index("cars_doors_idx", "cars");
            op.drop_constraint("cars_doors_check", "cars");
            op.drop_column("cars", "doors");
            op.alter_column("cars", "maker_id", integer().not_null().default("1"));
        },
        ..revision("a3", "a3_doors.rs", &["a2"])
    };
    let seats = Migration {
        upgrade: |op| op.add_column("cars", "seats", integer()),
        downgrade: |op| op.drop_column("cars", "seats"),
        ..revision("c1", "c1_seats.rs", &["a3"])
    };
    [cars, makers, doors, seats]
}

fn squashed() -> Migration {
    use crate::squashed::first_year::{downgrade, upgrade};
    Migration { upgrade, downgrade, message: "first year", ..revision("s1", "s1_first_year.rs", &[]) }
}
