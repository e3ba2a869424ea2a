//! The laws of migrations, on random pairs of schemas: upgrade then compare is empty; upgrade then downgrade restores
//! the catalogue.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crocus_migrate::compare::{Comparison, Ours, compare};
use crocus_migrate::schema::{Check, Column, ForeignKey, Index, IndexKey, IndexPart, Schema, Table, Type, Unique};
use crocus_migrate::{apply, declared, inspect};
use crocus_orm::table::ReferentialAction;
use crocus_orm::{ColumnType, Dialect, Engine};
use crocus_testing::TestDatabase;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestCaseResult, TestRunner};

const TABLES: [&str; 4] = ["cars", "Order", "naïve \"table\"", "t 4"];
const COLUMNS: [&str; 6] = ["name", "select", "two words", "Capital", "quo\"ted", "ünï"];

const ACTIONS: [ReferentialAction; 5] = [
    ReferentialAction::NoAction,
    ReferentialAction::Restrict,
    ReferentialAction::Cascade,
    ReferentialAction::SetNull,
    ReferentialAction::SetDefault,
];

/// A column by its place in [`COLUMNS`] and numbers that choose among what its type allows.
#[derive(Debug, Clone)]
struct RandomColumn {
    name: usize,
    ty: usize,
    nullable: bool,
    default: usize,
}

#[derive(Debug, Clone)]
struct RandomIndex {
    unique: bool,
    /// Whether its last part is an expression, and its first one descending.
    expression: bool,
    descending: bool,
    /// Whether it has a condition, and which of two.
    condition: Option<bool>,
}

#[derive(Debug, Clone)]
struct RandomTable {
    name: usize,
    columns: Vec<RandomColumn>,
    /// Lists of columns by their place in `columns`; what is out of range is nothing.
    uniques: Vec<(usize, Vec<usize>)>,
    indexes: Vec<(usize, Vec<usize>, RandomIndex)>,
    /// A check's number, the column that it is on, and which of two expressions it has.
    checks: Vec<(usize, usize, bool)>,
    /// A foreign key's number, the place of the table that it refers to, and its actions.
    foreign_keys: Vec<(usize, usize, usize)>,
}

type RandomSchema = Vec<RandomTable>;

fn random_schema() -> impl Strategy<Value = RandomSchema> {
    let column = (0..COLUMNS.len(), 0..TYPES.len(), any::<bool>(), 0..4usize)
        .prop_map(|(name, ty, nullable, default)| RandomColumn { name, ty, nullable, default });
    let list = || vec((0..3usize, vec(0..6usize, 1..3)), 0..3);
    let index = (any::<bool>(), any::<bool>(), any::<bool>(), any::<Option<bool>>()).prop_map(
        |(unique, expression, descending, condition)| RandomIndex { unique, expression, descending, condition },
    );
    let indexes = vec((0..3usize, vec(0..6usize, 1..3), index), 0..3);
    let checks = vec((0..3usize, 0..6usize, any::<bool>()), 0..3);
    let foreign_keys = vec((0..3usize, 0..4usize, 0..ACTIONS.len()), 0..3);
    let table = (0..TABLES.len(), vec(column, 0..6), list(), indexes, checks, foreign_keys).prop_map(
        |(name, columns, uniques, indexes, checks, foreign_keys)| RandomTable {
            name,
            columns,
            uniques,
            indexes,
            checks,
            foreign_keys,
        },
    );
    vec(table, 0..4)
}

/// Each type with defaults that both dialects take.
const TYPES: [(ColumnType, [&str; 3]); 14] = [
    (ColumnType::Text, ["''", "'it''s \"quoted\"; --'", "'a' || 'b'"]),
    (ColumnType::SmallInteger, ["0", "-1", "(1 + 2)"]),
    (ColumnType::Integer, ["0", "-1", "(1 + 2)"]),
    (ColumnType::BigInteger, ["0", "-1", "(1 + 2)"]),
    (ColumnType::Double, ["0", "-1.5", "1e10"]),
    (ColumnType::Boolean, ["true", "false", "(1 = 2)"]),
    (ColumnType::Binary, ["''", "'x'", "'xy'"]),
    (ColumnType::Date, ["'2026-11-22'", "'2000-01-01'", "CURRENT_DATE"]),
    (ColumnType::Time, ["'14:03:00'", "'00:00:00'", "'23:59:59'"]),
    (ColumnType::DateTime, ["'2026-11-22 14:03:00'", "'2000-01-01 00:00:00'", "CURRENT_TIMESTAMP"]),
    (ColumnType::Timestamp, ["'2026-11-22 14:03:00Z'", "'2000-01-01 00:00:00Z'", "CURRENT_TIMESTAMP"]),
    (ColumnType::Uuid, ["'00000000-0000-0000-0000-000000000000'", "'0a1b2c3d-0000-4000-8000-000000000000'", "NULL"]),
    (ColumnType::Decimal, ["0", "12.50", "-0.001"]),
    (ColumnType::Json, ["'{}'", "'[1, \"two\"]'", "'null'"]),
];

/// Two schemas from random ones. What no migration changes is the same in both: keys, and types between which
/// PostgreSQL has no cast.
fn schemas(before: &RandomSchema, after: &RandomSchema) -> (Schema, Schema) {
    let before = schema(before, None);
    let after = schema(after, Some(&before));
    (before, after)
}

fn schema(random: &RandomSchema, before: Option<&Schema>) -> Schema {
    let mut schema = Schema::default();
    let mut keys = Vec::new();
    for random in random {
        let name = TABLES[random.name];
        if schema.table(name).is_none() {
            let was = before.and_then(|before| before.table(name));
            schema.tables.push(table(schema.tables.len(), random, was));
            keys.push(&random.foreign_keys);
        }
    }
    let names: Vec<_> = schema.tables.iter().map(|table| table.name.name.clone()).collect();
    for (table, keys) in schema.tables.iter_mut().zip(keys) {
        table.foreign_keys = foreign_keys(&names, keys);
    }
    schema
}

/// Keys to whatever table is at their place: cycles and references to oneself are among them.
fn foreign_keys(tables: &[String], random: &[(usize, usize, usize)]) -> Vec<ForeignKey> {
    let mut keys: Vec<ForeignKey> = Vec::new();
    for (number, place, action) in random {
        let (name, Some(target)) = (format!("\"fkey\" {number}"), tables.get(*place)) else { continue };
        if !keys.iter().any(|key| key.name == name) {
            keys.push(ForeignKey {
                on_delete: ACTIONS[*action],
                on_update: ACTIONS[(action + number) % ACTIONS.len()],
                ..ForeignKey::new(name, vec!["id".to_owned()], target.as_str(), vec!["id".to_owned()])
            });
        }
    }
    keys
}

fn table(number: usize, random: &RandomTable, was: Option<&Table>) -> Table {
    let mut table = Table::new(TABLES[random.name]);
    let id = Column { nullable: false, identity: true, ..Column::new("id", ColumnType::BigInteger) };
    table.primary_key.push(id.name.clone());
    table.columns.push(id);
    for random in &random.columns {
        let name = COLUMNS[random.name];
        if table.column(name).is_some() {
            continue;
        }
        let mut ty = TYPES[random.ty].0;
        if let Some(Type::Standard(old)) = was.and_then(|was| was.column(name)).map(|column| &column.ty)
            && !can_become(*old, ty)
        {
            ty = *old;
        }
        let defaults = TYPES.iter().find(|(standard, _)| *standard == ty).unwrap().1;
        table.columns.push(Column {
            nullable: random.nullable,
            default: defaults.get(random.default).map(|default| (*default).to_owned()),
            ..Column::new(name, ty)
        });
    }
    let (prefix, columns) = (format!("{}_{number}", table.name), table.columns.clone());
    let list = |places: &[usize]| {
        let mut names: Vec<String> = Vec::new();
        for column in places.iter().filter_map(|place| columns.get(*place)) {
            if !names.contains(&column.name) {
                names.push(column.name.clone());
            }
        }
        names
    };
    for (number, places) in &random.uniques {
        let unique = Unique::new(format!("{prefix}_key {number}"), list(places));
        if !unique.columns.is_empty() && !table.uniques.iter().any(|other| other.name == unique.name) {
            table.uniques.push(unique);
        }
    }
    for (number, places, random) in &random.indexes {
        let name = format!("{prefix}_idx {number}");
        let mut parts: Vec<IndexPart> = list(places).iter().map(|name| name.as_str().into()).collect();
        if parts.is_empty() || table.indexes.iter().any(|other| other.name == name) {
            continue;
        }
        parts[0].descending = random.descending;
        if random.expression {
            let key = IndexKey::Expression("id%2  +1".to_owned());
            parts.push(IndexPart::new(key));
        }
        let condition = random.condition.map(|other| expression(&table.columns[0], other));
        table.indexes.push(Index { unique: random.unique, condition, ..Index::new(name, parts) });
    }
    for (number, place, other) in &random.checks {
        let Some(column) = table.columns.get(*place) else { continue };
        let check = Check::new(format!("check \"{number}\""), expression(column, *other));
        if !table.checks.iter().any(|other| other.name == check.name) {
            table.checks.push(check);
        }
    }
    table
}

fn expression(column: &Column, other: bool) -> String {
    use ColumnType::{BigInteger, Decimal, Double, Integer, SmallInteger, Text};
    let name = Dialect::Postgres.quote(&column.name);
    match (&column.ty, other) {
        (Type::Standard(SmallInteger | Integer | BigInteger | Double | Decimal), true) => {
            format!("{name}>=0 and {name} <> 1.5 OR {name} IS NULL")
        }
        (Type::Standard(Text), true) => format!("length({name}||'x')<=80 and {name} NOT IN ('a','it''s (b)')"),
        _ => format!("{name} IS NOT NULL or 1 = 1"),
    }
}

/// Whether PostgreSQL casts one type to the other.
fn can_become(from: ColumnType, to: ColumnType) -> bool {
    use ColumnType::{BigInteger, Decimal, Double, Integer, SmallInteger, Text};
    let number = |ty| matches!(ty, SmallInteger | Integer | BigInteger | Double | Decimal);
    from == to || from == Text || to == Text || (number(from) && number(to))
}

async fn holds(engine: &Engine, before: &Schema, after: &Schema) -> TestCaseResult {
    let tables = || before.tables.iter().chain(&after.tables);
    let ours = Ours {
        tables: tables().map(|table| table.name.clone()).collect(),
        indexes: tables().flat_map(|table| &table.indexes).map(|index| index.name.clone()).collect(),
        ..Ours::default()
    };
    let empty = sorted(inspected(engine).await?);
    prop_assert_eq!(&empty, &Schema::default());

    let make = changed(engine, before, &ours).await?;
    let there = sorted(inspected(engine).await?);
    let change = changed(engine, after, &ours).await?;
    undone(engine, &change).await?;
    prop_assert_eq!(&sorted(inspected(engine).await?), &there);
    undone(engine, &make).await?;
    prop_assert_eq!(&sorted(inspected(engine).await?), &empty);
    Ok(())
}

/// Brings the database to a schema. Comparing again finds nothing.
async fn changed(engine: &Engine, models: &Schema, ours: &Ours) -> Result<Comparison, TestCaseError> {
    let declared = declared(engine, models).await.map_err(failed)?;
    let comparison = compare(models, &declared, &inspected(engine).await?, ours);
    apply(engine, &comparison.operations).await.map_err(failed)?;
    let again = compare(models, &declared, &inspected(engine).await?, ours);
    prop_assert_eq!(&again, &Comparison::default());
    Ok(comparison)
}

async fn undone(engine: &Engine, comparison: &Comparison) -> TestCaseResult {
    let back: Vec<_> = comparison.operations.iter().rev().map(|operation| operation.reverse().unwrap()).collect();
    apply(engine, &back).await.map_err(failed)
}

async fn inspected(engine: &Engine) -> Result<Schema, TestCaseError> {
    inspect(engine).await.map_err(failed)
}

fn failed(error: crocus_migrate::Error) -> TestCaseError {
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    TestCaseError::fail(format!("{error}: {cause}"))
}

/// A column that comes back is the last one; no other order has a meaning.
fn sorted(mut schema: Schema) -> Schema {
    schema.tables.sort_by(|one, other| one.name.cmp(&other.name));
    for table in &mut schema.tables {
        table.columns.sort_by(|one, other| one.name.cmp(&other.name));
        table.uniques.sort_by(|one, other| one.name.cmp(&other.name));
        table.checks.sort_by(|one, other| one.name.cmp(&other.name));
        table.foreign_keys.sort_by(|one, other| one.name.cmp(&other.name));
        table.indexes.sort_by(|one, other| one.name.cmp(&other.name));
    }
    schema
}

/// Runs so many cases. What a failed one leaves behind is cleaned away before the next.
fn run(cases: u32, url: &str, clean: &'static str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let engine = runtime.block_on(async { Engine::connect(&url.parse().unwrap()).await.unwrap() });
    let result = TestRunner::new(config).run(&(random_schema(), random_schema()), |(before, after)| {
        let (before, after) = schemas(&before, &after);
        runtime.block_on(async {
            let result = holds(&engine, &before, &after).await;
            if result.is_err() {
                engine.connection().await.unwrap().batch(clean).await.unwrap();
            }
            result.map_err(|error| TestCaseError::fail(format!("{error}\nfrom {before:#?}\nto {after:#?}")))
        })
    });
    if let Err(error) = result {
        panic!("{error}");
    }
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
    run(60, database.url(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
}
