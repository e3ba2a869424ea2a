//! Databases that do not let a migration do what it wants: what is said, and what is left.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::error::Error as _;
use std::time::Duration;

use crocus_migrate::prelude::*;
use crocus_migrate::{Error, Migration, Migrations, Options, inspect, upgrade};
use crocus_orm::Engine;
use crocus_testing::TestDatabase;

fn migrations(upgrades: &[fn(&mut Operations)]) -> Migrations {
    const REVISIONS: [(&str, &[&str]); 2] = [("a1", &[]), ("b2", &["a1"])];
    let migration = |((revision, down_revisions), upgrade): ((&'static str, _), &fn(&mut Operations))| Migration {
        revision,
        down_revisions,
        labels: &[],
        depends_on: &[],
        replaces: &[],
        message: "change",
        created: "",
        file: "",
        upgrade: *upgrade,
        downgrade: |op| op.irreversible("it is a test"),
    };
    Migrations::new("", REVISIONS.into_iter().zip(upgrades).map(migration).collect())
}

fn create_cars(op: &mut Operations) {
    op.create_table("cars", |t| t.column("name", text()));
}

async fn engine(database: &TestDatabase, parameters: &str) -> Engine {
    let url: crocus_orm::DatabaseUrl = format!("{}{parameters}", database.url()).parse().unwrap();
    url.create_database().await.unwrap();
    Engine::connect(&url).await.unwrap()
}

async fn run(engine: &Engine, migrations: &Migrations) -> Result<usize, Error> {
    let options = Options { lock_timeout: Duration::from_millis(200), ..Options::default() };
    upgrade(engine, migrations, "heads", &options, |_| ()).await
}

/// As the command line tells it: the text, the causes and the hint.
fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    format!("{text} ({})", error.hint().unwrap_or_default())
}

#[tokio::test]
async fn a_user_without_the_right_is_told() {
    let database = TestDatabase::postgres();
    let owner = engine(&database, "").await;
    let reader = engine(&database, "?options=-crole%3Dpg_read_all_data").await;
    let error = run(&reader, &migrations(&[create_cars])).await.unwrap_err();
    let told_first = told(&error);
    assert!(told_first.contains("permission denied for schema public"), "{told_first}");
    assert!(told_first.contains("the user of the database URL may not do this"), "{told_first}");
    assert!(inspect(&owner).await.unwrap().tables.is_empty());
}

#[tokio::test]
async fn a_standby_is_told() {
    let database = TestDatabase::postgres();
    let standby = engine(&database, "?options=-cdefault_transaction_read_only%3Don").await;
    let error = run(&standby, &migrations(&[create_cars])).await.unwrap_err();
    assert!(told(&error).contains("the statement writes where only reading is allowed"), "{}", told(&error));
    assert!(told(&error).contains("is the server a standby"), "{}", told(&error));
    assert_eq!(run(&standby, &migrations(&[])).await.unwrap(), 0);
}

#[tokio::test]
async fn a_full_disk_leaves_the_database_as_it_was() {
    let database = TestDatabase::sqlite();
    let engine = engine(&database, "").await;
    let fill: fn(&mut Operations) = |op| {
        op.add_column("cars", "doors", integer());
        op.execute("PRAGMA max_page_count = 20");
        op.execute(
            "INSERT INTO cars (name) WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 100000)
             SELECT 'a long name of a car, ' || x FROM n",
        );
    };
    run(&engine, &migrations(&[create_cars])).await.unwrap();
    let before = inspect(&engine).await.unwrap();
    let error = run(&engine, &migrations(&[create_cars, fill])).await.unwrap_err();
    let said = told(&error);
    assert!(said.contains("failed at step 3 of 3") && said.contains("database or disk is full"), "{said}");
    assert!(said.contains("make room on the disk; nothing of this revision was kept"), "{said}");
    assert_eq!(inspect(&engine).await.unwrap(), before);
}

#[tokio::test]
async fn a_database_that_only_reads_is_told() {
    let database = TestDatabase::sqlite();
    let engine = engine(&database, "").await;
    let write: fn(&mut Operations) = |op| {
        op.execute("PRAGMA query_only = ON");
        op.add_column("cars", "doors", integer());
    };
    let error = run(&engine, &migrations(&[create_cars, write])).await.unwrap_err();
    assert!(told(&error).contains("the statement writes where only reading is allowed"), "{}", told(&error));
    assert_eq!(inspect(&engine).await.unwrap().table("cars").unwrap().columns.len(), 1);
}

#[tokio::test]
async fn a_connection_that_is_lost_is_told_with_what_is_kept() {
    let lost: fn(&mut Operations) = |op| {
        op.create_index("cars_name_idx", "cars", ["name"]).concurrently();
        op.add_column("cars", "doors", integer());
        // The first time only: a sequence is not rolled back.
        op.execute("SELECT CASE WHEN nextval('times') = 1 THEN pg_terminate_backend(pg_backend_pid()) END");
    };
    let database = TestDatabase::postgres();
    let engine = engine(&database, "").await;
    engine.execute(Statement::write("CREATE SEQUENCE times", [])).await.unwrap();
    let error = run(&engine, &migrations(&[create_cars, lost])).await.unwrap_err();
    let said = told(&error);
    assert!(said.starts_with("the revision b2 (change) failed at step 3 of 3, execute SELECT CASE"), "{said}");
    assert!(said.contains("step 1 is done and kept; run the command again"), "{said}");
    assert_eq!(inspect(&engine).await.unwrap().table("cars").unwrap().columns.len(), 1);
    assert_eq!(run(&engine, &migrations(&[create_cars, lost])).await.unwrap(), 1);
}
