//! A table that changes while connections have statements prepared on it.

use crocus_orm::{ColumnOperators, ErrorKind, Model, Statement};

use crate::database::{Database, assert_kind, each, each_with, few_connections};
use crate::models::{Car, NewSample, Sample, car, nothing};

async fn read_and_write(db: &Database, name: &str) {
    let inserted = Car::insert(db.engine(), car(name)).await.unwrap();
    assert_eq!(Car::get(db.engine(), inserted.id).await.unwrap(), Some(inserted), "{db}");
    Car::select().order_by(Car::NAME.asc()).all(db.engine()).await.unwrap();
}

#[tokio::test]
async fn a_column_is_added_dropped_and_renamed_under_prepared_statements() {
    for db in each_with(few_connections(1)).await {
        read_and_write(&db, "One").await;
        let all = || Statement::read("SELECT * FROM cars", []);
        assert_eq!(db.query(all()).await.unwrap()[0].len(), 5, "{db}");
        for (step, columns) in [
            ("ALTER TABLE cars ADD COLUMN colour text", 6),
            ("ALTER TABLE cars RENAME COLUMN colour TO color", 6),
            ("ALTER TABLE cars DROP COLUMN color", 5),
        ] {
            // Not with `batch`, which has a connection of its own: the prepared statements are on this one.
            db.execute(Statement::write(step, [])).await.unwrap();
            assert_eq!(db.query(all()).await.unwrap()[0].len(), columns, "{db}: {step}");
            read_and_write(&db, step).await;
        }
    }
}

#[tokio::test]
async fn a_column_s_type_changes_under_prepared_statements() {
    let db = Database::postgres().await;
    let new = || NewSample { int2: Some(1), text: Some("x".into()), ..nothing() };
    let row = Sample::insert(db.engine(), new()).await.unwrap();
    Sample::get(db.engine(), row.id).await.unwrap();
    db.batch("ALTER TABLE samples ALTER text TYPE varchar(9)").await;
    assert_eq!(Sample::get(db.engine(), row.id).await.unwrap(), Some(row.clone()));
    Sample::insert(db.engine(), new()).await.unwrap();
    // A type that the model does not know is told as such, and not as a server's riddle.
    db.batch("ALTER TABLE samples ALTER int2 TYPE bigint").await;
    assert_kind(Sample::get(db.engine(), row.id).await, ErrorKind::Mismatch);
}

/// The server aborts the transaction, so a second try is the caller's.
#[tokio::test]
async fn a_change_seen_by_a_transaction_is_a_conflict() {
    for db in each_with(few_connections(1)).await {
        let all = || Statement::read("SELECT * FROM cars", []);
        db.query(all()).await.unwrap();
        db.execute(Statement::write("ALTER TABLE cars ADD COLUMN colour text", [])).await.unwrap();
        let transaction = db.begin().await.unwrap();
        let result = transaction.query(all()).await;
        if db.is_sqlite() {
            result.unwrap();
        } else {
            let error = assert_kind(result, ErrorKind::Conflict);
            assert!(error.to_string().contains("changed"), "{error}");
        }
        drop(transaction);
        let transaction = db.begin().await.unwrap();
        transaction.query(all()).await.unwrap();
    }
}

#[tokio::test]
async fn a_program_that_builds_ever_new_statements_does_not_run_out() {
    for db in each().await {
        for number in 0..600 {
            let rows = db.query(Statement::read(format!("SELECT {number} + 0"), [])).await.unwrap();
            assert_eq!(rows[0].get::<i32>(0).unwrap(), number, "{db}");
        }
    }
}
