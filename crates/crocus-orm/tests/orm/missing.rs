//! A table or a column that is not there: the error names it.

use crocus_macros::Model;
use crocus_orm::{ColumnOperators, ErrorKind, Model, Statement};

use crate::database::{assert_kind, each};
use crate::models::{Car, car};

/// A model of which the database has never heard.
#[derive(Debug, Clone, Model)]
#[model(crate = "crocus_orm", table = "nowhere")]
struct Nowhere {
    #[model(primary_key)]
    id: i32,
    name: String,
}

/// A model that is ahead of its table by a column.
#[derive(Debug, Clone, Model)]
#[model(crate = "crocus_orm", table = "tickets")]
struct Painted {
    #[model(primary_key)]
    id: i32,
    colour: String,
}

#[tokio::test]
async fn a_missing_table_is_named() {
    for db in each().await {
        let kind = ErrorKind::MissingTable;
        let errors = [
            assert_kind(Nowhere::get(db.engine(), 1).await, kind),
            assert_kind(Nowhere::select().filter(Nowhere::NAME.eq("x")).all(db.engine()).await, kind),
            assert_kind(Nowhere::select().count(db.engine()).await, kind),
            assert_kind(Nowhere::insert(db.engine(), NewNowhere { name: "x".into() }).await, kind),
            assert_kind(Nowhere::update().set(Nowhere::NAME, "x").execute(db.engine()).await, kind),
            assert_kind(Nowhere::delete().execute(db.engine()).await, kind),
            assert_kind(Nowhere::get(&db.begin().await.unwrap(), 1).await, kind),
        ];
        for error in errors {
            assert!(error.to_string().contains("nowhere"), "{db}: {error}");
        }
        assert_kind(db.query(Statement::read("SELECT * FROM elsewhere", [])).await, kind);
    }
}

#[tokio::test]
async fn a_missing_column_is_named() {
    for db in each().await {
        let kind = ErrorKind::MissingTable;
        let errors = [
            assert_kind(Painted::get(db.engine(), 1).await, kind),
            assert_kind(Painted::select().all(db.engine()).await, kind),
            assert_kind(Painted::insert(db.engine(), NewPainted { colour: "red".into() }).await, kind),
            assert_kind(Painted::update().set(Painted::COLOUR, "red").execute(db.engine()).await, kind),
            assert_kind(Painted::delete().filter(Painted::COLOUR.eq("red")).execute(db.engine()).await, kind),
        ];
        for error in errors {
            assert!(error.to_string().contains("colour"), "{db}: {error}");
        }
    }
}

#[tokio::test]
async fn a_table_dropped_under_a_prepared_statement_is_named() {
    for db in each().await {
        Car::insert(db.engine(), car("One")).await.unwrap();
        for _ in 0..3 {
            assert!(Car::get(db.engine(), 1).await.unwrap().is_some(), "{db}");
        }
        db.batch("DROP TABLE wheels; DROP TABLE cars").await;
        let kind = ErrorKind::MissingTable;
        for error in [
            assert_kind(Car::get(db.engine(), 1).await, kind),
            assert_kind(Car::insert(db.engine(), car("Two")).await, kind),
        ] {
            assert!(error.to_string().contains("cars"), "{db}: {error}");
        }
    }
}
