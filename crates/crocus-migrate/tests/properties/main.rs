//! The laws of migrations, on random pairs of schemas with rows: upgrade then compare is empty; upgrade then downgrade
//! restores the catalogue; rows stay where both schemas can hold them; what fails leaves everything as it was; what is
//! squashed leads where the others lead.
//!
//! `CROCUS_MIGRATIONS=4000 cargo test -p crocus-migrate --test properties` runs so many pairs on each database.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod catalogue;
mod definitions;
mod random;
mod squashed;
mod way;

use std::collections::{BTreeMap, BTreeSet};

use crocus_migrate::compare::{Comparison, Ours, compare};
use crocus_migrate::head::Head;
use crocus_migrate::schema::{Schema, Table, Type};
use crocus_migrate::{Direction, Operation, declared, inspect_with, render};
use crocus_orm::{ColumnType, Dialect, Engine, Statement};
use crocus_testing::TestDatabase;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestCaseResult, TestRunner};

use random::{BLOCK, Blocks, qualified, quoted};
use way::{Way, failed};

/// SQLite's own way to empty a database, "PRAGMA writable_schema", needs no list of what is there.
const CLEAN_SQLITE: &str = "PRAGMA writable_schema = ON; DELETE FROM sqlite_master; PRAGMA writable_schema = RESET";
const CLEAN_POSTGRES: &str =
    "DROP SCHEMA IF EXISTS \"The shop\" CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public";

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
    /// Whether what counts up, before and after, is a `serial` in the database.
    serial: bool,
    way: Way,
}

fn random_pair() -> impl Strategy<Value = Pair> {
    let blocks = || vec(vec(any::<u8>(), BLOCK), 0..4);
    let change = prop_oneof![
        2 => vec((0..4usize, 0..BLOCK, any::<u8>()), 0..16).prop_map(Change::Edited),
        1 => blocks().prop_map(Change::Another),
    ];
    let way = prop_oneof![Just(Way::Apply), Just(Way::Run), Just(Way::Script)];
    let pair = (blocks(), change, any::<bool>(), any::<bool>(), way);
    pair.prop_map(|(before, change, rows, serial, way)| Pair { before, change, rows, serial, way })
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let serial = if self.serial { ", serial" } else { "" };
        write!(f, "{} rows, {:?}{serial}", if self.rows { "with" } else { "without" }, self.way)
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

async fn hold(
    engine: &Engine,
    url: &str,
    pair: &Pair,
    before: &Schema,
    after: &Schema,
) -> Result<Outcome, TestCaseError> {
    let place = Place::new(engine, before, after);
    let empty = catalogue::lines(engine).await;
    let make = place.compared(before).await?;
    let before = &validated(before.clone());
    way::set(0, &make.operations);
    let go = |revision, direction| way::go(engine, url, pair.way, revision, direction);
    go(0, Direction::Upgrade).await?;
    if pair.serial && engine.dialect() == Dialect::Postgres {
        for statement in random::serials(before, after) {
            engine.connection().await.unwrap().batch(&statement).await.unwrap();
        }
    }
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
    way::set(1, &change.operations);
    // What is done in several transactions is done as far as it came.
    let is_one = pair.way == Way::Apply || engine.dialect() != Dialect::Postgres;
    if let Err(error) = go(1, Direction::Upgrade).await {
        // Rows may not fit what is wanted of them. Then nothing has happened.
        prop_assert!(pair.rows, "{}", error);
        if is_one {
            same(&catalogue::lines(engine).await, &there)?;
            prop_assert_eq!(rows(engine, &self::all(before)).await, all);
        }
        return Ok(Outcome::Refused);
    }
    place.is_done(after).await?;
    prop_assert_eq!(rows(engine, &kept.after).await, some.clone());
    let changed = catalogue::lines(engine).await;
    if let Err(error) = go(1, Direction::Downgrade).await {
        // What was dropped comes back without its rows, and others may refer to them.
        prop_assert!(pair.rows, "{}", error);
        if is_one {
            same(&catalogue::lines(engine).await, &changed)?;
            prop_assert_eq!(rows(engine, &kept.after).await, some);
        }
        return Ok(Outcome::NotUndone);
    }
    same(&catalogue::lines(engine).await, &there)?;
    prop_assert_eq!(rows(engine, &kept.before).await, some);
    go(0, Direction::Downgrade).await?;
    same(&catalogue::lines(engine).await, &empty)?;
    Ok(Outcome::Done)
}

/// What models say of a schema.
fn validated(mut schema: Schema) -> Schema {
    for table in &mut schema.tables {
        table.checks.iter_mut().for_each(|check| check.validated = true);
        table.foreign_keys.iter_mut().for_each(|key| key.validated = true);
    }
    schema
}

/// Says only what differs.
fn same(found: &[String], wanted: &[String]) -> TestCaseResult {
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|line| !those.contains(line)).cloned().collect()
    };
    let (more, less) = (only(found, wanted), only(wanted, found));
    prop_assert!(more.is_empty() && less.is_empty(), "there is {more:#?}\nand should be {less:#?}");
    Ok(())
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

impl<'a> Place<'a> {
    fn new(engine: &'a Engine, before: &Schema, after: &Schema) -> Place<'a> {
        let tables = || before.tables.iter().chain(&after.tables);
        let ours = Ours {
            tables: tables().map(|table| table.name.clone()).collect(),
            indexes: tables().flat_map(|table| &table.indexes).map(|index| index.name.clone()).collect(),
            enums: before.enums.iter().chain(&after.enums).map(|values| values.name.clone()).collect(),
        };
        Place { engine, ours }
    }

    async fn compared(&self, models: &Schema) -> Result<Comparison, TestCaseError> {
        let known: BTreeSet<_> = self.ours.tables.clone();
        let actual = inspect_with(self.engine, &known).await.map_err(failed)?;
        let by_name = |mut schema: Schema| {
            schema.tables.sort_by(|one, other| one.name.cmp(&other.name));
            schema.tables
        };
        let found = declared(self.engine, models, &actual).await.map_err(failed)?;
        let made = declared(self.engine, models, &Schema::default()).await.map_err(failed)?;
        prop_assert_eq!(by_name(found.clone()), by_name(made));
        Ok(compare(models, &found, &actual, &self.ours))
    }

    async fn is_done(&self, models: &Schema) -> TestCaseResult {
        let comparison = self.compared(models).await?;
        // What is not validated in the database is said as long as it stays.
        let notes: Vec<_> =
            comparison.notes.iter().filter(|note| !note.contains("is not validated")).cloned().collect();
        prop_assert_eq!(Comparison { ignored: Vec::new(), notes, ..comparison }, Comparison::default());
        Ok(())
    }
}

/// A table and those of its columns that are looked at.
struct Side<'a> {
    table: &'a Table,
    columns: Vec<String>,
    /// Whether it gives numbers.
    counts: bool,
    /// Whether SQLite's rowids are looked at: a column that becomes the rowid, or is it no more, has other values.
    rowids: bool,
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
                let stays = stays && !after.renamed_values.iter().any(|renamed| has_enum(&column.ty, &renamed.name));
                stays.then(|| (quoted(was), quoted(column)))
            });
            let (before, after) = pairs.unzip();
            let counts = has_identity(old) && has_identity(new);
            let rowids = has_identity(old) == has_identity(new);
            let old = Side { table: old, columns: before, counts, rowids };
            Some((old, Side { table: new, columns: after, counts, rowids }))
        };
        let (before, after) = after.tables.iter().filter_map(table).unzip();
        Kept { before, after }
    }
}

fn has_identity(table: &Table) -> bool {
    table.columns.iter().any(|column| column.identity)
}

fn all(schema: &Schema) -> Vec<Side<'_>> {
    let all = |table: &'_ Table| table.columns.iter().map(quoted).collect();
    let all = |table| Side { table, columns: all(table), counts: has_identity(table), rowids: true };
    schema.tables.iter().map(all).collect()
}

/// For each table its rows, with their rowids, and the last number that it gave.
async fn rows(engine: &Engine, sides: &[Side<'_>]) -> Vec<Vec<String>> {
    let mut tables = Vec::new();
    for Side { table, columns, counts, rowids } in sides {
        let name = qualified(&table.name, engine.dialect());
        let text = |column: &String| match engine.dialect() {
            Dialect::Postgres => format!("coalesce(quote_literal({column}::text), 'NULL')"),
            _ => format!("quote({column})"),
        };
        let rowid = (*rowids && engine.dialect() == Dialect::Sqlite).then(|| "rowid".to_owned());
        let columns: Vec<_> = rowid.iter().chain(columns).map(text).chain(["''".to_owned()]).collect();
        let mut rows = catalogue::query(engine, &format!("SELECT {} FROM {name}", columns.join(" || ' ' || "))).await;
        rows.sort();
        if *counts {
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

fn has_enum(ty: &Type, name: &str) -> bool {
    match ty {
        Type::Enum(values) => values.name == name,
        Type::Array(of) => has_enum(of, name),
        _ => false,
    }
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
        let before = random::schema(&pair.before, None, engine.dialect());
        let after = random::schema(&pair.after(), Some(&before), engine.dialect());
        runtime.block_on(async {
            let result = hold(&engine, url, &pair, &before, &after).await;
            if !matches!(result, Ok(Outcome::Done)) {
                engine.connection().await.unwrap().batch(clean).await.unwrap();
            } else if pair.way != Way::Apply {
                engine.connection().await.unwrap().batch("DROP TABLE crocus_migrations").await.unwrap();
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

/// As [`run`], for the law of squashing.
fn run_squashed(cases: u32, url: &str, clean: &'static str) {
    let cases = std::env::var("CROCUS_MIGRATIONS").map_or(cases, |number| number.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let config = Config { cases, failure_persistence: None, max_shrink_time: 60_000, ..Config::default() };
    let engine = runtime.block_on(async { Engine::connect(&url.parse().unwrap()).await.unwrap() });
    let saved = std::cell::Cell::new(0);
    let result = TestRunner::new(config).run(&random_pair(), |pair| {
        let before = random::schema(&pair.before, None, engine.dialect());
        let after = random::schema(&pair.after(), Some(&before), engine.dialect());
        runtime.block_on(async {
            let result = squashed::hold(&Place::new(&engine, &before, &after), &before, &after).await;
            if result.is_err() {
                engine.connection().await.unwrap().batch(clean).await.unwrap();
            }
            let steps = result.map_err(|error| match error {
                TestCaseError::Reject(_) => error,
                TestCaseError::Fail(why) => {
                    TestCaseError::fail(format!("{why}\nfrom\n{}to\n{}", written(&before), written(&after)))
                }
            })?;
            saved.set(saved.get() + steps);
            Ok(())
        })
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    // What leaves everything as it is says little.
    assert!(saved.get() > 2 * cases as usize, "{}", saved.get());
}

#[test]
fn squashing_keeps_the_law_on_sqlite() {
    run_squashed(150, "sqlite::memory:", CLEAN_SQLITE);
}

#[test]
fn squashing_keeps_the_law_on_postgresql() {
    let database = TestDatabase::postgres();
    run_squashed(12, database.url(), CLEAN_POSTGRES);
}

#[test]
fn the_laws_hold_on_sqlite() {
    run(300, "sqlite::memory:", CLEAN_SQLITE);
}

#[test]
fn the_laws_hold_on_postgresql() {
    let database = TestDatabase::postgres();
    run(60, database.url(), CLEAN_POSTGRES);
}
