//! The laws of migrations, on random pairs of schemas with rows: upgrade then compare is empty; upgrade then downgrade
//! restores the catalogue; rows stay where both schemas can hold them; what fails leaves everything as it was.
//!
//! `CROCUS_MIGRATIONS=4000 cargo test -p crocus-migrate --test properties` runs so many pairs on each database.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod catalogue;
mod random;

use std::collections::{BTreeMap, BTreeSet};

use crocus_migrate::compare::{Comparison, Ours, compare};
use crocus_migrate::head::Head;
use crocus_migrate::schema::{Schema, Table, Type};
use crocus_migrate::{Operation, apply, declared, inspect_with, render};
use crocus_orm::{ColumnType, Dialect, Engine, Statement};
use crocus_testing::TestDatabase;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestCaseResult, TestRunner};

use random::{BLOCK, Blocks, qualified, quoted};

/// What becomes of the first schema.
#[derive(Debug, Clone)]
enum Change {
    /// Another one.
    Another(Blocks),
    /// The same but for some bytes.
    Edited(Vec<(usize, usize, u8)>),
}

#[derive(Clone)]
struct Pair {
    before: Blocks,
    change: Change,
    rows: bool,
}

fn random_pair() -> impl Strategy<Value = Pair> {
    let blocks = || vec(vec(any::<u8>(), BLOCK), 0..4);
    let change = prop_oneof![
        2 => vec((0..4usize, 0..BLOCK, any::<u8>()), 0..16).prop_map(Change::Edited),
        1 => blocks().prop_map(Change::Another),
    ];
    (blocks(), change, any::<bool>()).prop_map(|(before, change, rows)| Pair { before, change, rows })
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.rows { "with rows" } else { "without rows" })
    }
}

impl Pair {
    fn after(&self) -> Blocks {
        match &self.change {
            Change::Another(blocks) => blocks.clone(),
            Change::Edited(edits) => {
                let mut blocks = self.before.clone();
                for (block, place, byte) in edits {
                    if let Some(block) = blocks.get_mut(*block) {
                        block[*place] = *byte;
                    }
                }
                blocks
            }
        }
    }
}

/// A database and all that the two schemas name.
struct Place<'a> {
    engine: &'a Engine,
    ours: Ours,
}

async fn hold(engine: &Engine, pair: &Pair, before: &Schema, after: &Schema) -> Result<Outcome, TestCaseError> {
    let tables = || before.tables.iter().chain(&after.tables);
    let ours = Ours {
        tables: tables().map(|table| table.name.clone()).collect(),
        indexes: tables().flat_map(|table| &table.indexes).map(|index| index.name.clone()).collect(),
        enums: before.enums.iter().chain(&after.enums).map(|values| values.name.clone()).collect(),
    };
    let place = Place { engine, ours };
    let empty = catalogue::lines(engine).await;
    let make = place.compared(before).await?;
    place.applied(&make.operations).await?;
    place.is_done(before).await?;
    if pair.rows {
        for statement in random::rows(before, &pair.before, engine.dialect()) {
            drop(engine.execute(Statement::write(statement, [])).await);
        }
    }
    let there = catalogue::lines(engine).await;
    let kept = Kept::of(before, after);
    let (all, some) = (rows(engine, &all(before)).await, rows(engine, &kept.before).await);

    let change = place.compared(after).await?;
    prop_assert_eq!(file(&change), file(&place.compared(after).await?));
    if let Err(error) = place.applied(&change.operations).await {
        // Rows may not fit what is wanted of them. Then nothing has happened.
        prop_assert!(pair.rows, "{}", error);
        prop_assert_eq!(catalogue::lines(engine).await, there);
        prop_assert_eq!(rows(engine, &self::all(before)).await, all);
        return Ok(Outcome::Refused);
    }
    place.is_done(after).await?;
    prop_assert_eq!(rows(engine, &kept.after).await, some.clone());
    let changed = catalogue::lines(engine).await;
    if let Err(error) = place.undone(&change.operations).await {
        // What was dropped comes back without its rows, and others may refer to them.
        prop_assert!(pair.rows, "{}", error);
        prop_assert_eq!(catalogue::lines(engine).await, changed);
        prop_assert_eq!(rows(engine, &kept.after).await, some);
        return Ok(Outcome::NotUndone);
    }
    prop_assert_eq!(catalogue::lines(engine).await, there);
    prop_assert_eq!(rows(engine, &kept.before).await, some);
    place.undone(&make.operations).await?;
    prop_assert_eq!(catalogue::lines(engine).await, empty);
    Ok(Outcome::Done)
}

/// How far a pair came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Done,
    Refused,
    NotUndone,
}

/// The text of the file that a comparison makes, whatever its revision.
fn file(comparison: &Comparison) -> String {
    let head = Head { revision: "a1".to_owned(), created: String::new(), ..Head::new("change", &[]) };
    render::migration(&head, &comparison.operations)
}

/// A schema as a migration writes it.
fn written(schema: &Schema) -> String {
    let operations = schema.tables.iter().cloned().flat_map(|mut table| {
        let (name, indexes) = (table.name.clone(), std::mem::take(&mut table.indexes));
        let index = move |index| Operation::CreateIndex { table: name.clone(), index, concurrently: false };
        let renamed = format!("{:?}", table.columns.iter().map(|it| (&it.name, &it.renamed_from)).collect::<Vec<_>>());
        let note = Operation::Execute { sql: format!("{:?} {renamed}", table.renamed_from), dialect: None };
        [note, Operation::CreateTable(table)].into_iter().chain(indexes.into_iter().map(index))
    });
    let text = file(&Comparison { operations: operations.collect(), ..Comparison::default() });
    text.split("\npub fn downgrade").next().unwrap_or_default().to_owned()
}

impl Place<'_> {
    async fn compared(&self, models: &Schema) -> Result<Comparison, TestCaseError> {
        let declared = declared(self.engine, models).await.map_err(failed)?;
        let known: BTreeSet<_> = self.ours.tables.clone();
        let actual = inspect_with(self.engine, &known).await.map_err(failed)?;
        Ok(compare(models, &declared, &actual, &self.ours))
    }

    async fn is_done(&self, models: &Schema) -> TestCaseResult {
        let comparison = self.compared(models).await?;
        prop_assert_eq!(Comparison { ignored: Vec::new(), ..comparison }, Comparison::default());
        Ok(())
    }

    async fn applied(&self, operations: &[Operation]) -> TestCaseResult {
        apply(self.engine, operations).await.map_err(failed)
    }

    async fn undone(&self, operations: &[Operation]) -> TestCaseResult {
        let back: Vec<_> = operations.iter().rev().map(|operation| operation.reverse().unwrap()).collect();
        self.applied(&back).await
    }
}

/// A table and those of its columns that are looked at.
struct Side<'a> {
    table: &'a Table,
    columns: Vec<String>,
}

/// What both schemas can hold: tables, before and after, with the columns that keep their type.
struct Kept<'a> {
    before: Vec<Side<'a>>,
    after: Vec<Side<'a>>,
}

impl<'a> Kept<'a> {
    fn of(before: &'a Schema, after: &'a Schema) -> Kept<'a> {
        let table = |new: &'a Table| {
            let old = random::old_of(new, before)?;
            let pairs = new.columns.iter().filter_map(|column| {
                let was = old.column(column.renamed_from.as_ref().unwrap_or(&column.name))?;
                let stays = column.generated == was.generated && holds(&was.ty, &column.ty);
                stays.then(|| (quoted(was), quoted(column)))
            });
            let (before, after) = pairs.unzip();
            Some((Side { table: old, columns: before }, Side { table: new, columns: after }))
        };
        let (before, after) = after.tables.iter().filter_map(table).unzip();
        Kept { before, after }
    }
}

fn all(schema: &Schema) -> Vec<Side<'_>> {
    let all = |table| Side { table, columns: table.columns.iter().map(quoted).collect() };
    schema.tables.iter().map(all).collect()
}

/// For each table its rows, with their rowids, and the last number that it gave.
async fn rows(engine: &Engine, sides: &[Side<'_>]) -> Vec<Vec<String>> {
    let mut tables = Vec::new();
    for Side { table, columns } in sides {
        let name = qualified(&table.name, engine.dialect());
        let text = |column: &String| match engine.dialect() {
            Dialect::Postgres => format!("coalesce(quote_literal({column}::text), 'NULL')"),
            _ => format!("quote({column})"),
        };
        let rowid = (engine.dialect() == Dialect::Sqlite).then(|| "rowid".to_owned());
        let columns: Vec<_> = rowid.iter().chain(columns).map(text).chain(["''".to_owned()]).collect();
        let mut rows = catalogue::query(engine, &format!("SELECT {} FROM {name}", columns.join(" || ' ' || "))).await;
        rows.sort();
        if table.columns.iter().any(|column| column.identity) {
            let (of_name, of_table) = (random::literal(&name), random::literal(&table.name.name));
            rows.extend(match engine.dialect() {
                Dialect::Postgres => {
                    let last = format!("pg_sequence_last_value(pg_get_serial_sequence({of_name}, 'id'))");
                    catalogue::query(engine, &format!("SELECT coalesce({last}, 0)::text")).await
                }
                _ => {
                    let last = format!("SELECT '' || seq FROM sqlite_sequence WHERE name = {of_table} AND seq > 0");
                    catalogue::query(engine, &last).await
                }
            });
        }
        tables.push(rows);
    }
    tables
}

/// Whether a column of the one type has all values of the other, in the same letters.
fn holds(old: &Type, new: &Type) -> bool {
    use ColumnType::{BigInteger, Integer, SmallInteger};
    let width = |ty: &Type| [SmallInteger, Integer, BigInteger].iter().position(|known| *ty == Type::Standard(*known));
    match (old, new) {
        (Type::Enum(old), Type::Enum(new)) => old.name == new.name,
        (Type::Array(old), Type::Array(new)) => holds(old, new),
        _ => old == new || width(old).is_some_and(|old| width(new).is_some_and(|new| old <= new)),
    }
}

fn failed(error: crocus_migrate::Error) -> TestCaseError {
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    TestCaseError::fail(format!("{error}: {cause}"))
}

/// Runs so many cases, or as many as the environment says. What a failed one leaves behind is cleaned away before the
/// next.
fn run(cases: u32, url: &str, clean: &'static str) {
    let cases = std::env::var("CROCUS_MIGRATIONS").map_or(cases, |number| number.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 3000,
        max_shrink_time: 60_000,
        ..Config::default()
    };
    let engine = runtime.block_on(async { Engine::connect(&url.parse().unwrap()).await.unwrap() });
    let outcomes = std::cell::RefCell::new(BTreeMap::new());
    let result = TestRunner::new(config).run(&random_pair(), |pair| {
        let before = random::schema(&pair.before, None);
        let after = random::schema(&pair.after(), Some(&before));
        runtime.block_on(async {
            let result = hold(&engine, &pair, &before, &after).await;
            if !matches!(result, Ok(Outcome::Done)) {
                engine.connection().await.unwrap().batch(clean).await.unwrap();
            }
            let outcome = result.map_err(|error| {
                TestCaseError::fail(format!("{error}\nfrom\n{}to\n{}", written(&before), written(&after)))
            })?;
            *outcomes.borrow_mut().entry((pair.rows, outcome)).or_insert(0u32) += 1;
            Ok(())
        })
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let outcomes = outcomes.into_inner();
    // What says little must not be most of what was tried.
    let done = outcomes.get(&(true, Outcome::Done)).copied().unwrap_or_default();
    assert!(10 * done > cases, "{outcomes:?}");
}

#[test]
fn the_laws_hold_on_sqlite() {
    // SQLite's own way to empty a database, "PRAGMA writable_schema", needs no list of what is there.
    run(
        300,
        "sqlite::memory:",
        "PRAGMA writable_schema = ON; DELETE FROM sqlite_master; PRAGMA writable_schema = RESET",
    );
}

#[test]
fn the_laws_hold_on_postgresql() {
    let database = TestDatabase::postgres();
    run(
        60,
        database.url(),
        "DROP SCHEMA IF EXISTS \"The shop\" CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public",
    );
}
