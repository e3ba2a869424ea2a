//! Statements that are sent together: in their order, with each one's rows, up to the first failure.

use crocus_orm::{ColumnOperators, Error, ErrorKind, Executor, Model, Row, Statement};

use crate::database::{assert_kind, each, each_with, few_connections, soon};
use crate::models::{Car, car};

fn insert(name: &str) -> Statement {
    let sql = "INSERT INTO cars (name, model, doors) VALUES ($1, $1 || '!', $2) RETURNING id, name";
    Statement::write(sql, [name.into(), 4.into()])
}

fn name(rows: &[Row]) -> String {
    rows[0].get(1).unwrap()
}

#[tokio::test]
async fn each_statement_has_its_own_rows() {
    for db in each().await {
        let transaction = db.begin().await.unwrap();
        let statements = vec![
            insert("One"),
            Statement::read("SELECT count(*) FROM cars", []),
            insert("Two"),
            Statement::write("UPDATE cars SET doors = 5", []),
            Statement::read("SELECT name FROM cars ORDER BY name", []),
        ];
        let rows = transaction.query_each(statements).await.unwrap();
        assert_eq!(rows.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1, 0, 2], "{db}");
        assert_eq!((name(&rows[0]), name(&rows[2])), ("One".to_owned(), "Two".to_owned()), "{db}");
        assert_eq!(rows[1][0].get::<i64>(0).unwrap(), 1, "{db}: the second comes before the third");
        assert!(transaction.query_each(Vec::new()).await.unwrap().is_empty());
        transaction.commit().await.unwrap();
        assert_eq!(Car::select().count(db.engine()).await.unwrap(), 2, "{db}");
    }
}

#[tokio::test]
async fn an_engine_runs_them_in_a_transaction() {
    for db in each().await {
        db.engine().target(None).unwrap().query_each(vec![insert("One"), insert("Two")]).await.unwrap();
        let result = db.engine().target(None).unwrap().query_each(vec![insert("Three"), insert("One")]).await;
        let error = assert_kind(result.map(drop), ErrorKind::UniqueViolation);
        assert_eq!(error.index(), Some(1));
        assert_eq!(Car::select().count(db.engine()).await.unwrap(), 2, "{db}");
    }
}

#[tokio::test]
async fn the_first_failure_is_told_and_ends_it() {
    for db in each().await {
        Car::insert(db.engine(), car("There")).await.unwrap();
        let unprepared = || Statement::read("SELECT absent FROM nowhere", []);
        let nul = || insert("a\0b");
        let too_few = || Statement::read("SELECT CAST($1 AS integer) + $2", [1.into()]);
        let bad: [(Vec<Statement>, usize, ErrorKind, bool); 5] = [
            (vec![insert("A"), insert("There"), insert("B"), insert("A")], 1, ErrorKind::UniqueViolation, true),
            (vec![insert("A"), insert("B"), unprepared()], 2, ErrorKind::MissingTable, true),
            (vec![nul(), insert("A")], 0, ErrorKind::InvalidValue, false),
            (vec![insert("A"), nul(), insert("B")], 1, ErrorKind::InvalidValue, false),
            (vec![insert("A"), too_few(), insert("B")], 1, ErrorKind::Database, false),
        ];
        for (statements, index, kind, fails) in bad {
            let transaction = db.begin().await.unwrap();
            let error: Error = assert_kind(soon(transaction.query_each(statements)).await.map(drop), kind);
            assert_eq!(error.index(), Some(index), "{db}: {error}");
            let names = Car::select().order_by(Car::NAME.asc()).all(&transaction).await;
            if fails {
                assert_kind(names, ErrorKind::Database);
            } else {
                // Refused before the database heard of it: what came before is there, what comes after is not.
                let names: Vec<_> = names.unwrap().into_iter().map(|car| car.name).collect();
                let expected: &[&str] = if index == 0 { &["There"] } else { &["A", "There"] };
                assert_eq!(names, expected, "{db}");
            }
        }
    }
}

#[tokio::test]
async fn a_thousand_statements_are_one_round_trip() {
    for db in each_with(few_connections(1)).await {
        let (engine, recorded) = db.record();
        let all = || (0..1000).map(|number| insert(&format!("Car {number:04}"))).collect::<Vec<_>>();
        for round_trips in if db.is_sqlite() { [2, 2] } else { [3, 2] } {
            let transaction = engine.begin().await.unwrap();
            let rows = soon(transaction.query_each(all())).await.unwrap();
            assert_eq!(rows.iter().map(|rows| name(rows)).next_back(), Some("Car 0999".to_owned()));
            transaction.commit().await.unwrap();
            // Preparing, all of them with BEGIN, and COMMIT.
            assert_eq!(recorded.round_trips(), round_trips, "{db}");
            assert_eq!(recorded.statements().len(), 1002);
            Car::delete().execute(db.engine()).await.unwrap();
            recorded.clear();
        }
    }
}

/// Neither side may wait for the other to read first.
#[tokio::test]
async fn big_answers_do_not_block_big_questions() {
    for db in each().await {
        let text = "x".repeat(1_000_000);
        let echo = |text: &str| Statement::read("SELECT CAST($1 AS text) || $2", [text.into(), "!".into()]);
        let transaction = db.begin().await.unwrap();
        let rows = soon(transaction.query_each((0..30).map(|_| echo(&text)).collect())).await.unwrap();
        assert!(rows.iter().all(|rows| rows[0].get::<String>(0).unwrap().len() == text.len() + 1), "{db}");
    }
}
