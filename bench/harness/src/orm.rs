//! What sessions and their like do with many objects: each program does the work and times it, in turns.

use std::process::{Command, Stdio};
use std::rc::Rc;

use serde_json::{Value, json};

use crate::contender::{Folders, binary, build, environment, install};
use crate::failure::{Failure, Result};
use crate::http::Rounds;
use crate::plan::Plan;
use crate::report::{Report, Spread, Table};
use crate::store::{CARS, Database, Postgres, Store};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Load,
    Flush,
    UpdateSome,
}

impl Work {
    pub const ALL: [Work; 3] = [Work::Load, Work::Flush, Work::UpdateSome];

    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Work::Load => "load",
            Work::Flush => "flush",
            Work::UpdateSome => "update-some",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Work::Load => "Load 1,000 parents with 10 children each",
            Work::Flush => "Flush 10,000 new objects",
            Work::UpdateSome => "Update 1,000 of 10,000 loaded objects",
        }
    }

    /// How many cars there are after it was done so often, and how many doors they have together.
    fn leaves(self, times: i64) -> (i64, i64) {
        let (cars, doors) = (i64::from(CARS), 35_000);
        match self {
            Work::Load => (cars, doors),
            Work::Flush => (cars + times * 10_000, doors + times * 40_000),
            Work::UpdateSome => (cars, doors + times * 1_000),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Program {
    name: &'static str,
    title: &'static str,
    database: Database,
    /// The package that has it in `orm WORKLOAD ROUNDS`, or `sqlalchemy/orm.py`.
    package: Option<(&'static str, &'static str)>,
}

const fn program(
    database: Database,
    name: &'static str,
    title: &'static str,
    package: Option<(&'static str, &'static str)>,
) -> Program {
    Program { name, title, database, package }
}

/// Of each database the first is what the others are measured by.
const PROGRAMS: [Program; 10] = [
    program(Database::Postgres, "limit", "tokio-postgres by hand: binary COPY, UNNEST", Some(("peers", "bench-limit"))),
    program(Database::Postgres, "crocus", "Crocus, session", Some((".", "bench-crocus"))),
    program(Database::Postgres, "sqlx", "sqlx, UNNEST", Some(("peers", "bench-sqlx"))),
    program(Database::Postgres, "seaorm", "SeaORM", Some(("peers", "bench-seaorm"))),
    program(Database::Postgres, "diesel", "diesel-async", Some(("peers", "bench-diesel"))),
    program(Database::Postgres, "toasty", "Toasty", Some(("peers", "bench-toasty"))),
    program(Database::Postgres, "sqlalchemy", "SQLAlchemy, session", None),
    program(Database::Sqlite, "sqlx", "sqlx, QueryBuilder", Some(("peers", "bench-sqlx-sqlite"))),
    program(Database::Sqlite, "crocus", "Crocus, session", Some((".", "bench-crocus"))),
    program(Database::Sqlite, "sqlalchemy", "SQLAlchemy, session", None),
];

/// How often a program does the work in one turn, of which the median counts: the first time is the one with all the
/// preparing.
const TIMES: u32 = 3;

pub fn names() -> Vec<&'static str> {
    PROGRAMS.iter().map(|program| program.name).collect()
}

impl Program {
    fn make(&self, folders: &Folders) -> Result<()> {
        match self.package {
            Some((workspace, package)) => build(folders, workspace, package),
            None => install(folders, "sqlalchemy", &["sqlalchemy", "psycopg2-binary"]),
        }
    }

    fn store(&self, folders: &Folders, server: Option<&Rc<Postgres>>) -> Result<Store> {
        match (self.database, server) {
            (Database::Postgres, Some(server)) => Store::on(server, &format!("orm_{}", self.name)),
            (Database::Postgres, None) => Err(Failure::new("PostgreSQL was not started")),
            (Database::Sqlite, _) => {
                let data = folders.target.join("run/orm").join(self.name);
                drop(std::fs::remove_dir_all(&data));
                std::fs::create_dir_all(&data).map_err(Failure::because("failed to make a folder"))?;
                Store::file(&data)
            }
        }
    }

    /// Does the work some times on the same cars as everybody; seconds that one time took.
    fn turn(&self, folders: &Folders, store: &Store, work: Work) -> Result<f64> {
        store.reset(CARS)?;
        let mut command = match self.package {
            Some((workspace, package)) => Command::new(binary(folders, workspace, package)),
            None => {
                let mut command = Command::new(environment(folders, "sqlalchemy").join("bin/python"));
                command.arg(folders.bench.join("peers/sqlalchemy/orm.py"));
                command
            }
        };
        command
            .args(["orm", work.name(), &TIMES.to_string()])
            .env("DATABASE_URL", store.url())
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null());
        let output = command.output().map_err(Failure::because("failed to run it"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let times: Vec<f64> = text.lines().flat_map(str::parse).map(|nanoseconds: f64| nanoseconds / 1e9).collect();
        if !output.status.success() || times.len() != TIMES as usize {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(Failure::new(
                text.lines().rfind(|line| !line.starts_with("note:")).unwrap_or("it says no times").to_owned(),
            ));
        }
        let found = (store.number("SELECT count(*) FROM cars")?, store.number("SELECT sum(doors) FROM cars")?);
        let expected = work.leaves(i64::from(TIMES));
        if found != expected {
            return Err(Failure::new(format!("it leaves {found:?} cars and doors, and not {expected:?}")));
        }
        Ok(Spread::of(times).median)
    }
}

/// A program with its database and what each turn took, or why there is none.
type Line = (Program, Result<(Store, Vec<f64>)>);

pub fn run(report: &mut Report, plan: &Plan, folders: &Folders, server: Option<&Rc<Postgres>>, database: Database) {
    let programs = || PROGRAMS.into_iter().filter(|one| one.database == database && plan.has(one.name));
    for work in plan.works.iter().copied() {
        let mut lines: Vec<Line> = programs()
            .map(|program| {
                let made = if plan.built { Ok(()) } else { program.make(folders) };
                (program, made.and_then(|()| Ok((program.store(folders, server)?, Vec::new()))))
            })
            .collect();
        let Rounds { rounds, .. } = plan.rounds;
        for round in 0..rounds {
            let mut order: Vec<&mut Line> = lines.iter_mut().collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for (program, line) in order {
                let Ok((store, turns)) = line else { continue };
                match program.turn(folders, store, work) {
                    Ok(seconds) => turns.push(seconds),
                    Err(failure) => *line = Err(failure),
                }
            }
        }
        tell(report, work, database, &lines);
    }
}

fn tell(report: &mut Report, work: Work, database: Database, lines: &[Line]) {
    let Some((_, first)) = lines.first() else { return };
    let base: &[f64] = first.as_ref().map_or(&[], |(_, turns)| turns);
    let row = |(program, line): &Line| match line {
        Err(failure) => vec![program.title.to_owned(), format!("skipped: {failure}")],
        Ok((_, turns)) => {
            let ratio = Spread::of(base.iter().zip(turns).map(|(base, turn)| base / turn));
            let millis = Spread::of(turns.iter().map(|seconds| seconds * 1e3));
            let shown =
                [format!("{:.2}", ratio.median), ratio.range(2), format!("{:.1}", millis.median), millis.range(1)];
            [program.title.to_owned()].into_iter().chain(shown).collect()
        }
    };
    let figures = |(program, line): &Line| match line {
        Err(failure) => json!({"program": program.name, "skipped": failure.to_string()}),
        Ok((_, turns)) => {
            let ratio = Spread::of(base.iter().zip(turns).map(|(base, turn)| base / turn));
            json!({"program": program.name, "ratio": ratio.json(), "seconds": Spread::of(turns.iter().copied()).json()})
        }
    };
    let title = format!("{}: {}", database.title(), work.title());
    let head = &["", "speed, ratio", "range", "ms", "range"];
    let programs: Vec<Value> = lines.iter().map(figures).collect();
    let figures = json!({"database": database.name(), "workload": work.name(), "programs": programs});
    report.add(Table { title, head, rows: lines.iter().map(row).collect() }, figures);
}
