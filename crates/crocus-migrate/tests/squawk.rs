//! What squawk, a linter of PostgreSQL migrations, says of the SQL of every text case in `cases`. Each rule that it finds
//! broken is answered in `docs/reference/squawk.md`. `cargo xtask squawk` installs the linter and runs this.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "cases/case.rs"]
#[expect(dead_code, reason = "the rows of a case are not looked at here")]
mod case;
#[path = "cases/notation.rs"]
mod notation;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use case::Case;
use crocus_migrate::compare::{Ours, Rename, compare};
use crocus_migrate::schema::{Schema, TableName};
use crocus_migrate::{apply, apply_in_segments, declared, inspect_with};
use crocus_orm::Engine;
use crocus_testing::{TempDir, TestDatabase};

/// Names the linter's program.
const VARIABLE: &str = "SQUAWK";

#[test]
#[ignore = "needs squawk: `cargo xtask squawk`"]
fn every_finding_is_answered() {
    let program = std::env::var(VARIABLE).unwrap_or_else(|_| panic!("{VARIABLE} does not name squawk's program"));
    let folder = TempDir::new().unwrap();
    let database = TestDatabase::postgres();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut scripts = Vec::new();
    for (number, file) in cases().iter().enumerate() {
        let case = Case::parse(&std::fs::read_to_string(file).unwrap(), "postgresql").unwrap();
        if case.error.is_some() {
            continue;
        }
        let sql = runtime.block_on(script(&case, &database, number));
        let path = folder.path().join(file.with_extension("sql").file_name().unwrap());
        std::fs::write(&path, sql).unwrap();
        scripts.push(path);
    }
    let found = findings(&program, &scripts);
    let answered = answered();
    let rules: BTreeSet<_> = found.keys().cloned().collect();
    let open: Vec<_> = found.iter().filter(|(rule, _)| !answered.contains(*rule)).collect();
    assert!(open.is_empty(), "without an answer: {open:#?}");
    let stale: Vec<_> = answered.difference(&rules).collect();
    assert!(stale.is_empty(), "answered, and found nowhere: {stale:?}");
    println!(
        "{} scripts, {} findings of {} rules",
        scripts.len(),
        found.values().map(Vec::len).sum::<usize>(),
        rules.len()
    );
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    files.sort();
    files
}

/// What an upgrade sends from `before` to `after`.
async fn script(case: &Case, database: &TestDatabase, number: usize) -> String {
    let url = database.url();
    let engine = Engine::connect(&url.parse().unwrap()).await.unwrap();
    engine.connection().await.unwrap().batch(&format!("CREATE SCHEMA squawk_{number}")).await.unwrap();
    let url = format!("{url}?options=-csearch_path%3Dsquawk_{number}");
    let engine = Engine::connect(&url.parse().unwrap()).await.unwrap();
    let known: BTreeSet<TableName> =
        case.before.tables.iter().chain(&case.after.tables).map(|table| table.name.clone()).collect();
    let tables = &case.before.tables;
    let ours = Ours {
        tables: tables.iter().map(|table| table.name.clone()).collect(),
        indexes: tables.iter().flat_map(|table| &table.indexes).map(|index| index.name.clone()).collect(),
        enums: case.before.enums.iter().map(|values| values.name.clone()).collect(),
    };
    let before = declared(&engine, &case.before, &Schema::default()).await.unwrap();
    let make = compare(&case.before, &before, &Schema::default(), &ours);
    apply(&engine, &make.operations).await.unwrap();
    for sql in &case.sql {
        engine.connection().await.unwrap().batch(sql).await.unwrap();
    }
    let actual = inspect_with(&engine, &known).await.unwrap();
    let mut models = case.after.clone();
    for rename in &case.renames {
        models.rename(&Rename::parse(rename, &models, &actual).unwrap());
    }
    let after = declared(&engine, &models, &Schema::default()).await.unwrap();
    let comparison = compare(&models, &after, &actual, &ours);
    let (recording, recorded) = engine.record();
    apply_in_segments(&recording, &comparison.operations).await.unwrap();
    let sent = recorded.statements().into_iter().filter(|statement| !statement.reads);
    sent.map(|statement| format!("{};\n", statement.sql.trim_end_matches(';'))).collect()
}

/// The places where each rule is broken.
fn findings(program: &str, scripts: &[PathBuf]) -> BTreeMap<String, Vec<String>> {
    let output = Command::new(program)
        .args(["--pg-version", "15", "--reporter", "gcc"])
        .args(scripts)
        .output()
        .unwrap_or_else(|error| panic!("failed to run `{program}`: {error}"));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    // `cars.sql:3:21: warning: ban-drop-column Dropping a column may break existing clients.`
    for line in text.lines() {
        let Some((place, rest)) = line.split_once(": warning: ").or_else(|| line.split_once(": error: ")) else {
            panic!("squawk says `{line}`");
        };
        let rule = rest.split(' ').next().unwrap_or_default().trim_end_matches(':');
        let place = place.rsplit('/').next().unwrap_or_default();
        found.entry(rule.to_owned()).or_default().push(place.to_owned());
    }
    found
}

/// The rules that the table of answers begins its lines with.
fn answered() -> BTreeSet<String> {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/squawk.md");
    let text = std::fs::read_to_string(table).unwrap();
    let rule = |line: &str| line.strip_prefix("| `")?.split_once('`').map(|(rule, _)| rule.to_owned());
    text.lines().filter_map(rule).collect()
}
