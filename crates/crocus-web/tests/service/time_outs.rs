//! Requests and statements that take too long: the client hears it, and the database does nothing more.

use std::time::{Duration, Instant};

use axum::http::Method;
use axum::{Router, routing};
use crocus_orm::{DatabaseUrl, Dialect, Engine, EngineOptions, Statement};
use crocus_testing::TestDatabase;
use crocus_web::{Db, Limits, Problem, ServiceOptions};

use crate::asking::Service;

/// A statement that takes minutes, and one that would be seen if it had run to its end.
fn endless(dialect: Dialect, access: &str) -> Statement {
    let sql = match (dialect, access) {
        (Dialect::Postgres, "read") => "SELECT 1 FROM pg_sleep(300)",
        (Dialect::Postgres, _) => "INSERT INTO notes SELECT 1 FROM pg_sleep(300)",
        (_, "read") => {
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 2000000000) SELECT count(*) FROM n"
        }
        _ => {
            "INSERT INTO notes WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 2000000000)
             SELECT n FROM n WHERE n % 1000000 = 1"
        }
    };
    if access == "read" { Statement::read(sql, []) } else { Statement::write(sql, []) }
}

fn routes() -> Router {
    let read = async |db: Db| {
        db.query(endless(db.dialect(), "read")).await?;
        Ok::<_, Problem>("")
    };
    let write = async |db: Db| {
        db.execute(endless(db.dialect(), "write")).await?;
        Ok::<_, Problem>("")
    };
    let together = async |db: Db| {
        let transaction = db.begin().await?;
        transaction.execute(Statement::write("INSERT INTO notes VALUES (2)", [])).await?;
        transaction.execute(endless(db.dialect(), "write")).await?;
        transaction.commit().await?;
        Ok::<_, Problem>("")
    };
    let note = async |db: Db| {
        db.execute(Statement::write("INSERT INTO notes VALUES (3)", [])).await?;
        Ok::<_, Problem>("")
    };
    Router::new()
        .route("/read", routing::get(read))
        .route("/write", routing::post(write))
        .route("/together", routing::post(together))
        .route("/note", routing::post(note))
}

/// On each dialect, with the table `notes`.
async fn each(request_timeout: Duration, statement_timeout: Option<Duration>) -> Vec<Service> {
    let mut services = Vec::new();
    for database in TestDatabase::each() {
        let url: DatabaseUrl = database.url().parse().unwrap();
        url.create_database().await.unwrap();
        let engine = Engine::new(&url, &EngineOptions { statement_timeout, ..EngineOptions::default() });
        engine.connection().await.unwrap().batch("CREATE TABLE notes (note integer)").await.unwrap();
        let options = ServiceOptions::from(Limits { request_timeout, ..Limits::default() });
        services.push(Service::on(database, engine, routes(), options));
    }
    services
}

async fn notes(service: &Service) -> i64 {
    let count = Statement::read("SELECT count(*) FROM notes", []);
    service.engine.query(count).await.unwrap()[0].get(0).unwrap()
}

/// Nothing is left of what ran, nothing runs, and the next request is answered.
async fn assert_at_rest(service: &Service) {
    let start = Instant::now();
    let patience = Duration::from_secs(20);
    if service.engine.dialect() == Dialect::Postgres {
        let sql = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND state = 'active' AND query LIKE '%pg_sleep(300)'";
        loop {
            let rows = service.engine.query(Statement::read(sql, [])).await.unwrap();
            if rows[0].get::<i64>(0).unwrap() == 0 {
                break;
            }
            assert!(start.elapsed() < patience, "the server still works for nobody");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    // On SQLite it is the connection that has worked until now.
    let answer = service.ask(Method::POST, "/note", &[], "").await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text());
    assert!(start.elapsed() < patience);
    assert_eq!(notes(service).await, 1);
    service.engine.execute(Statement::write("DELETE FROM notes", [])).await.unwrap();
}

const CASES: [(Method, &str); 3] = [(Method::GET, "/read"), (Method::POST, "/write"), (Method::POST, "/together")];

#[tokio::test]
async fn the_database_stops_when_the_request_has_timed_out() {
    for service in each(Duration::from_secs(1), None).await {
        for (method, path) in CASES {
            let answer = service.ask(method.clone(), path, &[], "").await;
            assert_eq!((answer.status.as_u16(), &*answer.code()), (503, "timeout"), "{path}");
            let unknown = answer.text().contains("may have been done, or not");
            assert_eq!(unknown, method == Method::POST, "{path}");
            assert_at_rest(&service).await;
        }
    }
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_a_problem_and_no_500() {
    for service in each(Duration::from_secs(60), Some(Duration::from_secs(1))).await {
        for (method, path) in CASES {
            let answer = service.ask(method, path, &[], "").await;
            assert_eq!((answer.status.as_u16(), &*answer.code()), (503, "statement_timeout"), "{path}");
            assert_eq!(answer.header("retry-after"), "1");
            assert_at_rest(&service).await;
        }
    }
}

#[tokio::test]
async fn a_limit_may_be_longer_than_any_clock_runs() {
    for service in each(Duration::MAX, None).await {
        assert_at_rest(&service).await;
    }
}
