//! The text cases of this folder, each on every dialect, both ways. README.md says how one is written.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod case;
mod notation;

use std::path::{Path, PathBuf};

use case::{Case, Rows};
use crocus_migrate::compare::{Comparison, Ours, Rename, compare};
use crocus_migrate::schema::Schema;
use crocus_migrate::{Constraint, Operation, apply, apply_in_segments, declared, inspect_with};
use crocus_orm::{DatabaseUrl, Engine, Statement};
use crocus_testing::TestDatabase;

type Outcome<T> = Result<T, String>;

#[test]
fn every_case_holds_on_every_dialect() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    if let Ok(wanted) = std::env::var("CASES") {
        let is_wanted = |path: &PathBuf| wanted.split(' ').any(|part| path.to_string_lossy().contains(part));
        files.retain(is_wanted);
    }
    files.sort();
    assert!(!files.is_empty());

    // PostgreSQL takes longer: each connection is a process of the server's.
    let (some, others) = files.split_at(files.len() / 2);
    let runs = [("sqlite", files.as_slice()), ("postgresql", some), ("postgresql", others)];
    let failures: Vec<_> = std::thread::scope(|scope| {
        let threads = runs.map(|(dialect, files)| scope.spawn(move || run_on(dialect, files)));
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{} failures\n\n{}\n", failures.len(), failures.join("\n\n"));
}

fn run_on(dialect: &str, files: &[PathBuf]) -> Vec<String> {
    let database = if dialect == "sqlite" { TestDatabase::sqlite() } else { TestDatabase::postgres() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let run = |(number, file): (usize, &PathBuf)| {
        let name = file.file_name().unwrap().to_string_lossy();
        let case = Case::parse(&std::fs::read_to_string(file).unwrap(), dialect);
        let result =
            case.and_then(|case| runtime.block_on(async { hold(&case, &fresh(&database, number).await).await }));
        result.err().map(|error| format!("{name} on {dialect}: {error}"))
    };
    files.iter().enumerate().filter_map(run).collect()
}

/// A place for a case: a file, or a schema, which has a name of the kind that needs quotes.
async fn fresh(database: &TestDatabase, number: usize) -> Engine {
    let url = database.url();
    let url = match database.dialect() {
        "sqlite" => format!("{url}.{number}"),
        _ => {
            let create = format!("CREATE SCHEMA \"Case_{number}\"");
            let engine = Engine::connect(&url.parse().unwrap()).await.unwrap();
            engine.execute(Statement::write(create, [])).await.unwrap();
            format!("{url}?options=-csearch_path%3D%22Case_{number}%22")
        }
    };
    let url: DatabaseUrl = url.parse().unwrap();
    url.create_database().await.unwrap();
    Engine::connect(&url).await.unwrap()
}

/// Before to after, and back.
async fn hold(case: &Case, engine: &Engine) -> Outcome<()> {
    let empty = Schema::default();
    let make = compare(&case.before, &declared_as(engine, &case.before, &empty).await?, &empty, &Ours::default());
    applied(engine, &make.operations, "making `before`").await?;
    let tables = &case.before.tables;
    let ours = Ours {
        tables: tables.iter().map(|table| table.name.clone()).collect(),
        indexes: tables.iter().flat_map(|table| &table.indexes).map(|index| index.name.clone()).collect(),
        enums: case.before.enums.iter().map(|values| values.name.clone()).collect(),
    };
    same("the comparison with `before`", &lines(&compared(engine, case, &case.before, &ours).await?), &[])?;
    for sql in &case.sql {
        engine.connection().await.unwrap().batch(sql).await.map_err(|error| format!("`sql`: {error}"))?;
    }

    let catalogue = sorted(inspected(engine, case).await?);
    let mut after = case.after.clone();
    for rename in &case.renames {
        let actual = inspected(engine, case).await?;
        after.rename(&Rename::parse(rename, &after, &actual).map_err(|error| full("`renames`", &error))?);
    }
    let comparison = compared(engine, case, &after, &ours).await?;
    if let Some(wanted) = &case.candidates {
        let candidates: Vec<_> = comparison.candidates.iter().map(ToString::to_string).collect();
        same("the candidates", &candidates, wanted)?;
    }
    same("the operations", &lines(&comparison), &case.operations)?;
    if let Some(ignored) = &case.ignored {
        let found = comparison.ignored_in_words().unwrap_or_default();
        same("what is left alone", &[found], std::slice::from_ref(ignored))?;
    }
    if let Some(wanted) = &case.error {
        let error = apply(engine, &comparison.operations).await.err().ok_or("the upgrade did not fail")?;
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        same("the error", &[format!("{error}{cause}")], std::slice::from_ref(wanted))?;
    } else {
        let folded = folded(&catalogue, &comparison.operations)?;
        in_segments(engine, &comparison.operations, "the upgrade").await?;
        same_schema("the fold", engine, &folded, &inspected(engine, case).await?).await?;
        let left = compared(engine, case, &after, &ours).await?;
        // What is left to a person is said until it is done, or done by another change.
        let known = notes(&comparison);
        let news: Vec<_> = lines(&left).into_iter().filter(|line| !known.contains(line)).collect();
        same("the comparison after the upgrade", &news, &[])?;
        rows(engine, &case.rows_after, "after the upgrade").await?;

        let back: Result<Vec<_>, _> = comparison.operations.iter().rev().map(Operation::reverse).collect();
        if let Some(why) = &case.irreversible {
            let found = back.err().ok_or("there is a way back")?;
            return same("what is irreversible", &[found.to_string()], std::slice::from_ref(why));
        }
        let back = back.map_err(|why| format!("there is no way back: {why}"))?;
        applied(engine, &back, "the downgrade").await?;
    }
    let restored = sorted(inspected(engine, case).await?);
    if restored != catalogue {
        return Err(format!("the catalogue is not restored: it was {catalogue:#?}\nand is {restored:#?}"));
    }
    rows(engine, &case.rows_restored, "after the downgrade").await
}

/// A type that stays is said in the model's words, and was read in the database's.
fn as_known(mut operation: Operation, known: &Operation) -> Operation {
    if let Operation::AlterColumn { column, was: Some(was), .. } = &mut operation
        && let Operation::AlterColumn { was: Some(known), .. } = known
        && was.ty == column.ty
    {
        was.ty.clone_from(&known.ty);
    }
    operation
}

/// What the operations lead to, without a database. What they drop is known before each of them.
fn folded(before: &Schema, operations: &[Operation]) -> Outcome<Schema> {
    let mut schema = before.clone();
    for operation in operations {
        let completed = schema.complete(&without_what_was(operation));
        let operation = &as_known(operation.clone(), &completed);
        if in_order(completed.clone()) != in_order(operation.clone()) {
            return Err(format!("completed to {completed:#?}\n  and should be {operation:#?}"));
        }
        schema.apply(operation).map_err(|error| format!("folding `{operation}`: {error}"))?;
    }
    Ok(schema)
}

/// An operation as a migration file says it.
fn without_what_was(operation: &Operation) -> Operation {
    let mut operation = operation.clone();
    match &mut operation {
        Operation::DropTable { was, .. } => *was = None,
        Operation::DropColumn { was, .. } | Operation::AlterColumn { was, .. } => *was = None,
        Operation::DropPrimaryKey { was, .. } => *was = None,
        Operation::DropIndex { was, .. } => *was = None,
        Operation::DropConstraint { was, .. } => *was = None,
        Operation::CreateTableComment { was, .. } | Operation::DropTableComment { was, .. } => *was = None,
        Operation::AlterEnum { was, .. } | Operation::DropEnum { was, .. } => *was = None,
        _ => {}
    }
    operation
}

/// In one order, and without the quotes that a new name gets in every expression.
fn in_order(operation: Operation) -> Operation {
    match operation {
        Operation::DropConstraint { table, name, was: Some(Constraint::Check(mut check)) } => {
            check.expression = check.expression.replace('"', "");
            Operation::DropConstraint { table, name, was: Some(Constraint::Check(check)) }
        }
        Operation::DropTable { name, was: Some(table) } => {
            let tables = sorted(Schema { tables: vec![table], ..Schema::default() }).tables;
            Operation::DropTable { name, was: tables.into_iter().next() }
        }
        operation => operation,
    }
}

/// In the database's own words, since one of them is in its own words already.
async fn same_schema(what: &str, engine: &Engine, schema: &Schema, found: &Schema) -> Outcome<()> {
    let nothing = Schema::default();
    let (schema, found) = (declared_as(engine, schema, &nothing).await?, declared_as(engine, found, &nothing).await?);
    let (schema, found) = (sorted(schema), sorted(found));
    if schema.tables == found.tables {
        return Ok(());
    }
    let (one, other) = (format!("{:#?}", schema.tables), format!("{:#?}", found.tables));
    let differ: Vec<_> = one.lines().zip(other.lines()).filter(|(one, other)| one != other).take(12).collect();
    Err(format!("{what} is not what the database has: {differ:#?}"))
}

async fn compared(engine: &Engine, case: &Case, models: &Schema, ours: &Ours) -> Outcome<Comparison> {
    let actual = inspected(engine, case).await?;
    let declared = by_name(declared_as(engine, models, &actual).await?);
    // What the database has in the same words is as scratch would have told it.
    let nothing = Schema { enums: actual.enums.clone(), ..Schema::default() };
    let made = by_name(declared_as(engine, models, &nothing).await?);
    if declared != made {
        return Err(format!("{declared:#?}\nis taken from the database, and made in scratch it is {made:#?}"));
    }
    Ok(compare(models, &declared, &actual, ours))
}

fn by_name(mut schema: Schema) -> Schema {
    schema.tables.sort_by(|one, other| one.name.cmp(&other.name));
    schema.enums.sort_by(|one, other| one.name.cmp(&other.name));
    schema
}

async fn declared_as(engine: &Engine, models: &Schema, actual: &Schema) -> Outcome<Schema> {
    declared(engine, models, actual).await.map_err(|error| full("reading the models back", &error))
}

async fn inspected(engine: &Engine, case: &Case) -> Outcome<Schema> {
    let tables = case.before.tables.iter().chain(&case.after.tables);
    inspect_with(engine, &tables.map(|table| table.name.clone()).collect())
        .await
        .map_err(|error| full("inspecting", &error))
}

/// As an upgrade does it.
async fn in_segments(engine: &Engine, operations: &[Operation], what: &str) -> Outcome<()> {
    apply_in_segments(engine, operations).await.map_err(|error| full(what, &error))
}

async fn applied(engine: &Engine, operations: &[Operation], what: &str) -> Outcome<()> {
    apply(engine, operations).await.map_err(|error| full(what, &error))
}

fn full(what: &str, error: &crocus_migrate::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{what}: {error}{cause} (hint: {})", error.hint().unwrap_or_default())
}

async fn rows(engine: &Engine, wanted: &[Rows], when: &str) -> Outcome<()> {
    for Rows { query, rows } in wanted {
        let found = engine.query(Statement::read(query.as_str(), [])).await;
        let found = found.map_err(|error| format!("{when}, {query}: {error}"))?;
        let found: Vec<_> = found.iter().map(|row| row.get::<String>(0).unwrap()).collect();
        same(&format!("{when}, {query}"), &found, rows)?;
    }
    Ok(())
}

/// What `db migrate` says.
fn lines(comparison: &Comparison) -> Vec<String> {
    let operations = comparison.operations.iter().map(ToString::to_string);
    notes(comparison).into_iter().chain(operations).collect()
}

fn notes(comparison: &Comparison) -> Vec<String> {
    comparison.notes.iter().map(|note| format!("note: {note}")).collect()
}

fn same(what: &str, found: &[String], wanted: &[String]) -> Outcome<()> {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{what}\n  should be {wanted:#?}\n  and is    {found:#?}"))
}

/// A column that comes back is the last one; no other order has a meaning.
fn sorted(mut schema: Schema) -> Schema {
    schema.tables.sort_by(|one, other| one.name.cmp(&other.name));
    for table in &mut schema.tables {
        // One that was not complete comes back whole.
        table.indexes.iter_mut().for_each(|index| index.valid = true);
        table.columns.sort_by(|one, other| one.name.cmp(&other.name));
        table.uniques.sort_by(|one, other| one.name.cmp(&other.name));
        table.checks.sort_by(|one, other| one.name.cmp(&other.name));
        table.foreign_keys.sort_by(|one, other| one.name.cmp(&other.name));
        table.indexes.sort_by(|one, other| one.name.cmp(&other.name));
    }
    schema
}
