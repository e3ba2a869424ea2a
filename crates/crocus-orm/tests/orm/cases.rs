//! One table of queries with what they give, the same on every dialect. What differs is said in `DIFFERENCES`, and
//! nowhere else.

mod expressions;
mod relations;
mod selects;
pub(crate) mod tables;

use std::fmt::Debug;

use crocus_orm::{ColumnOperators, Dialect, Engine, ErrorKind, Model, Result, Select, Selected};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::database::{Database, each};
use tables::Vehicle;

/// The cases whose rows are others on a dialect, and why they are.
const DIFFERENCES: &[(&str, Dialect, &str)] = &[
    // LIKE does not tell the letters of ASCII apart by case.
    ("like: case", Dialect::Sqlite, r#"[("Roadster",)]"#),
    ("not_like: case", Dialect::Sqlite, r#"[("Wagon",), ("Étoile",), ("100%_a\\b",)]"#),
    // A division by zero is NULL.
    ("divide: by zero", Dialect::Sqlite, "[None]"),
    // The spaces in JSON are the database's own.
    ("json: an object as text", Dialect::Sqlite, r#"[Some("{\"power\":90}")]"#),
    // A double as text has a point always.
    ("cast: double to text", Dialect::Sqlite, r#"["4.0"]"#),
    // Only PostgreSQL has them.
    ("json_contains", Dialect::Sqlite, "SQLite has no operator for JSON inside JSON (`json_contains`)"),
    ("matches", Dialect::Sqlite, "SQLite has no full-text search (`matches`)"),
    ("distinct_on", Dialect::Sqlite, "SQLite has no DISTINCT ON"),
    ("array_contains", Dialect::Sqlite, "SQLite has no operator for arrays in arrays (`array_contains`)"),
    ("overlaps", Dialect::Sqlite, "SQLite has no operator for arrays that overlap (`overlaps`)"),
    ("any_of", Dialect::Sqlite, "SQLite has no operator for a value in an array (`any_of`)"),
];

type Run = Box<dyn FnOnce(Engine) -> BoxFuture<'static, Result<String>>>;

/// A query with the rows that it gives, or the error.
struct Case {
    name: &'static str,
    run: Run,
    expected: &'static str,
}

/// A case of a query.
fn case<O: Debug + Send + 'static>(name: &'static str, query: Select<O>, expected: &'static str) -> Case {
    let run = |db: Engine| async move { query.all(&db).await.map(|rows| format!("{rows:?}")) }.boxed();
    Case { name, run: Box::new(run), expected }
}

/// A case of an expression, with its value for the vehicle of this number.
fn value(name: &'static str, id: i32, expr: impl Selected<Output: Debug>, expected: &'static str) -> Case {
    case(name, Vehicle::select().columns(expr).filter(Vehicle::ID.eq(id)), expected)
}

async fn run(db: &Database, cases: Vec<Case>) {
    let mut wrong = Vec::new();
    for Case { name, run, expected } in cases {
        let difference = DIFFERENCES.iter().find(|(case, dialect, _)| *case == name && *dialect == db.dialect());
        let expected = difference.map_or(expected, |(_, _, expected)| expected);
        let found = match run(db.engine().clone()).await {
            Ok(found) => found,
            Err(error) => {
                assert!(!matches!(error.kind(), ErrorKind::OutcomeUnknown), "{name}: {error}");
                error.to_string()
            }
        };
        if found != expected {
            wrong.push(format!("{name}\n  found:    {found}\n  expected: {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{db}: {} cases are wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn queries_give_what_the_table_says() {
    for db in each().await {
        tables::create(&db).await;
        let cases: Vec<Case> =
            [expressions::cases(), selects::cases(), relations::cases()].into_iter().flatten().collect();
        let mut names: Vec<_> = cases.iter().map(|case| case.name).collect();
        for (name, ..) in DIFFERENCES {
            assert!(names.contains(name), "no case is called {name}");
        }
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "two cases have one name: {names:?}");
        run(&db, cases).await;
    }
}
