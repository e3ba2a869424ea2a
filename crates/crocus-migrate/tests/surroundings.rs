//! What a migration runs among: other schemas, users who may do less, SQL of every kind, settings that must not stay.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::error::Error as _;

use crocus_migrate::prelude::*;
use crocus_migrate::schema::{Check, Column, Schema, Table};
use crocus_migrate::{ErrorKind, Migration, Migrations, Options, applied, apply, declared, inspect, pending, upgrade};
use crocus_orm::{ColumnType, Engine, RecordedStatement, Statement};
use crocus_testing::TestDatabase;

/// An engine on the database, with parameters in its URL.
async fn engine(database: &TestDatabase, parameters: &str) -> Engine {
    let url: crocus_orm::DatabaseUrl = format!("{}{parameters}", database.url()).parse().unwrap();
    if database.dialect() == "sqlite" {
        url.create_database().await.unwrap();
    }
    Engine::connect(&url).await.unwrap()
}

async fn each() -> Vec<(TestDatabase, Engine)> {
    let mut engines = Vec::new();
    for database in TestDatabase::each() {
        let engine = engine(&database, "").await;
        engines.push((database, engine));
    }
    engines
}

async fn batch(engine: &Engine, sql: &str) {
    engine.connection().await.unwrap().batch(sql).await.unwrap();
}

async fn value(engine: &Engine, sql: &str) -> String {
    // On the connection that writes: its settings are those that a migration changes.
    engine.query(Statement::write(sql, [])).await.unwrap()[0].get(0).unwrap()
}

fn migrations(upgrades: &[fn(&mut Operations)]) -> Migrations {
    const REVISIONS: &[&str] = &["a1", "b2", "c3"];
    let migration = |(at, upgrade): (usize, &fn(&mut Operations))| Migration {
        revision: REVISIONS[at],
        down_revisions: &REVISIONS[at.saturating_sub(1)..at],
        labels: &[],
        depends_on: &[],
        replaces: &[],
        message: "change",
        created: "",
        file: "",
        upgrade: *upgrade,
        downgrade: |op| op.irreversible("it is a test"),
    };
    Migrations::new("", upgrades.iter().enumerate().map(migration).collect())
}

fn cars() -> Schema {
    let mut table = Table::new("cars");
    table.columns.push(Column { nullable: false, ..Column::new("doors", ColumnType::Integer) });
    Schema::new(vec![table])
}

fn create_cars(op: &mut Operations) {
    op.create_table("cars", |t| t.column("doors", integer().not_null()));
}

#[tokio::test]
async fn comparing_leaves_nothing_behind() {
    for (database, engine) in each().await {
        let before = inspect(&engine).await.unwrap();
        declared(&engine, &cars(), &Schema::default()).await.unwrap();
        assert_eq!(inspect(&engine).await.unwrap(), before);
        if database.dialect() == "postgresql" {
            let left = "SELECT count(*)::text FROM pg_class WHERE relname IN ('cars', 'crocus_scratch')";
            assert_eq!(value(&engine, left).await, "0");
        }
    }
}

#[tokio::test]
async fn what_a_database_refuses_of_a_model_is_said_with_the_statement() {
    for (database, engine) in each().await {
        let mut models = cars();
        models.tables[0].checks.push(Check::new("wrong", "windows > 0"));
        let error = declared(&engine, &models, &Schema::default()).await.unwrap_err();
        assert_eq!(error.to_string(), "the database refuses what the model of `cars` declares");
        let cause = match database.dialect() {
            "sqlite" => "no such column: windows",
            _ => "column \"windows\" does not exist",
        };
        assert!(error.source().unwrap().to_string().starts_with(cause), "{:?}", error.source());
        assert!(error.hint().unwrap().contains("CHECK (windows > 0)"), "{:?}", error.hint());
        assert_eq!(inspect(&engine).await.unwrap(), Schema::default());
    }
}

#[tokio::test]
async fn a_name_that_postgresql_would_cut_is_refused() {
    let database = TestDatabase::postgres();
    let engine = engine(&database, "").await;
    let mut models = cars();
    models.tables[0].name = "ü".repeat(32).into();
    let error = declared(&engine, &models, &Schema::default()).await.unwrap_err().to_string();
    assert_eq!(error, format!("the name `{}` is longer than PostgreSQL's 63 bytes", "ü".repeat(32)));
}

#[tokio::test]
async fn a_user_who_may_only_read_can_compare_and_find_nothing_to_do() {
    let database = TestDatabase::postgres();
    let owner = engine(&database, "").await;
    let migrations = migrations(&[create_cars]);
    assert_eq!(upgrade(&owner, &migrations, "head", &Options::default(), |_| ()).await.unwrap(), 1);

    let reader = engine(&database, "?options=-crole%3Dpg_read_all_data").await;
    assert_eq!(
        declared(&reader, &cars(), &Schema::default()).await.unwrap().tables,
        inspect(&reader).await.unwrap().tables[..1]
    );
    assert!(pending(&reader, &migrations).await.unwrap().is_empty());
    assert_eq!(upgrade(&reader, &migrations, "head", &Options::default(), |_| ()).await.unwrap(), 0);

    batch(&owner, &format!("REVOKE TEMPORARY ON DATABASE \"{}\" FROM PUBLIC", database.name())).await;
    // A table that is there in the model's words is not made to be compared.
    let actual = inspect(&reader).await.unwrap();
    assert_eq!(declared(&reader, &cars(), &actual).await.unwrap().tables, actual.tables[..1]);
    let error = declared(&reader, &cars(), &Schema::default()).await.unwrap_err();
    assert_eq!(error.hint(), Some("comparing needs the privilege TEMPORARY on the database"));
    let error = apply(&reader, &operations(|op| op.drop_table("cars"))).await.unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "must be owner of table cars");
}

#[tokio::test]
async fn each_schema_has_its_own_tables_and_history() {
    let database = TestDatabase::postgres();
    let public = engine(&database, "").await;
    batch(&public, "CREATE SCHEMA \"App\"; CREATE FUNCTION four() RETURNS integer LANGUAGE sql AS 'SELECT 4'").await;
    let app = engine(&database, "?options=-csearch_path%3D%22App%22,public").await;
    let migrations = migrations(&[create_cars]);
    assert_eq!(upgrade(&public, &migrations, "head", &Options::default(), |_| ()).await.unwrap(), 1);

    assert_eq!(inspect(&app).await.unwrap(), Schema::default());
    assert!(applied(&app, &migrations).await.unwrap().is_empty());
    assert_eq!(upgrade(&app, &migrations, "head", &Options::default(), |_| ()).await.unwrap(), 1);
    assert_eq!(value(&app, "SELECT count(*)::text FROM pg_tables WHERE tablename = 'cars'").await, "2");

    // A function of the other schema is found where a model is read back, as where its table is made.
    let mut models = cars();
    models.tables[0].checks.push(Check::new("four", "doors = four()"));
    let check = operations(|op| {
        op.create_check_constraint("four", "cars", "doors = four()");
    });
    apply(&app, &check).await.unwrap();
    let declared = declared(&app, &models, &Schema::default()).await.unwrap();
    assert_eq!(declared.table("cars"), inspect(&app).await.unwrap().table("cars"));
}

#[tokio::test]
async fn sql_of_several_statements_and_a_dump_are_run_as_they_are() {
    let database = TestDatabase::postgres();
    let engine = engine(&database, "").await;
    let migrations = migrations(&[
        |op| {
            op.execute(
                "SELECT pg_catalog.set_config('search_path', '', false);
                 CREATE TABLE public.notes (line text);
                 CREATE FUNCTION public.note() RETURNS void LANGUAGE plpgsql AS $body$
                 BEGIN INSERT INTO public.notes VALUES ('it''s; $1 $$'); END; $body$;
                 SELECT public.note();",
            );
        },
        |op| op.execute("INSERT INTO notes VALUES ('second')"),
    ]);
    assert_eq!(upgrade(&engine, &migrations, "head", &Options::default(), |_| ()).await.unwrap(), 2);
    assert_eq!(value(&engine, "SELECT string_agg(line, ',') FROM notes").await, "it's; $1 $$,second");
}

#[tokio::test]
async fn sql_of_several_statements_runs_on_sqlite_too() {
    let database = TestDatabase::sqlite();
    let engine = engine(&database, "").await;
    let operations = operations(|op| {
        op.execute(
            "CREATE TABLE notes (line TEXT); -- a comment; with a semicolon
             CREATE TRIGGER note AFTER INSERT ON notes WHEN NEW.line <> 'x;' BEGIN
               INSERT INTO notes VALUES ('x;'); SELECT 1;
             END;
             INSERT INTO notes VALUES ('it''s;')",
        );
    });
    apply(&engine, &operations).await.unwrap();
    assert_eq!(value(&engine, "SELECT group_concat(line, ',' ORDER BY rowid) FROM notes").await, "it's;,x;");
}

#[tokio::test]
async fn a_failure_leaves_no_setting_on_the_connection() {
    let database = TestDatabase::sqlite();
    let engine = engine(&database, "").await;
    apply(&engine, &operations(create_cars)).await.unwrap();
    batch(&engine, "INSERT INTO cars VALUES (4); CREATE INDEX by_doors ON cars (doors)").await;
    for change in [
        operations(|op| op.execute("SELECT missing()")),
        operations(|op| {
            op.add_column("cars", "name", text());
            op.drop_column("cars", "doors");
        }),
    ] {
        let error = apply(&engine, &change).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Step);
        assert_eq!(value(&engine, "SELECT '' || foreign_keys FROM pragma_foreign_keys").await, "1");
        assert_eq!(value(&engine, "SELECT '' || legacy_alter_table FROM pragma_legacy_alter_table").await, "0");
        assert_eq!(value(&engine, "SELECT '' || doors FROM cars").await, "4");
        assert_eq!(inspect(&engine).await.unwrap().tables.len(), 1);
    }
}

#[tokio::test]
async fn several_changes_of_a_table_copy_its_rows_once() {
    let database = TestDatabase::sqlite();
    let engine = engine(&database, "").await;
    apply(&engine, &operations(create_cars)).await.unwrap();
    batch(&engine, "INSERT INTO cars VALUES (4); CREATE INDEX by_doors ON cars (doors)").await;
    let change = operations(|op| {
        op.create_check_constraint("some_doors", "cars", "doors > 0");
        op.drop_index("by_doors", "cars");
        op.alter_column("cars", "doors", big_integer().not_null());
        op.add_column("cars", "name", text().not_null().default("'x'"));
    });
    let (recording, recorded) = engine.record();
    apply(&recording, &change).await.unwrap();
    let copies = |statement: &RecordedStatement| statement.sql.starts_with("INSERT INTO \"crocus_new_cars\"");
    assert_eq!(recorded.statements().into_iter().filter(copies).count(), 1);
    assert_eq!(value(&engine, "SELECT doors || name FROM cars").await, "4x");

    // What is refused is found one by one.
    let change = operations(|op| {
        op.create_check_constraint("few_doors", "cars", "doors < 9");
        op.create_check_constraint("three_doors", "cars", "doors = 3");
        op.add_column("cars", "model", text());
    });
    let error = apply(&engine, &change).await.unwrap_err();
    assert_eq!(error.to_string(), "the change failed at step 2 of 3, create check three_doors on cars");
    assert_eq!(inspect(&engine).await.unwrap().tables[0].checks.len(), 1);
}

#[tokio::test]
async fn what_was_made_by_hand_and_would_break_is_named() {
    let database = TestDatabase::sqlite();
    let engine = engine(&database, "").await;
    batch(
        &engine,
        "CREATE TABLE cars (name TEXT, doors INTEGER, price INTEGER);
         CREATE INDEX by_name ON cars (lower(name));
         CREATE VIEW many_doors AS SELECT * FROM cars WHERE doors > 3;
         CREATE VIEW broken_before AS SELECT x FROM missing",
    )
    .await;
    for (column, what) in [
        ("name", "`CREATE INDEX by_name ON cars (lower(name))` does not fit the changed table: no such column: name"),
        ("doors", "the view `many_doors` does not work any more: no such column: doors"),
    ] {
        let error = apply(&engine, &operations(|op| op.drop_column("cars", column))).await.unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), what);
    }
    apply(&engine, &operations(|op| op.drop_column("cars", "price"))).await.unwrap();
}

fn operations(describe: impl FnOnce(&mut Operations)) -> Vec<crocus_migrate::Operation> {
    let mut operations = Operations::default();
    describe(&mut operations);
    operations.list().to_vec()
}
