//! A PostgreSQL server that goes away: what was done is known, or said to be unknown, and the engine recovers.

use std::time::Duration;

use crocus_orm::{ColumnOperators, Engine, EngineOptions, ErrorKind, Model, Statement};
use crocus_testing::Cluster;
use futures_util::TryStreamExt;

use crate::database::{assert_kind, few_connections, soon};
use crate::models::{Car, car, create_tables};

async fn engine_on(cluster: &Cluster, options: &EngineOptions) -> Engine {
    let engine = Engine::new(&cluster.url("postgres").parse().unwrap(), options);
    create_tables(&engine).await;
    engine
}

/// Until the first answer; every answer before must be that the server is away.
async fn recovered(engine: &Engine) {
    soon(async {
        while let Err(error) = Car::select().count(engine).await {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_stops_is_away_and_comes_back() {
    for crash in [false, true] {
        let mut cluster = Cluster::start().unwrap();
        let engine = engine_on(&cluster, &EngineOptions::default()).await;
        Car::insert(&engine, car("Before")).await.unwrap();
        let mut session = engine.session();
        let added = session.add(car("Session"));
        session.add(car("Session too"));

        let open = engine.begin().await.unwrap();
        Car::insert(&open, car("Open")).await.unwrap();
        let idle = engine.begin().await.unwrap();
        let mut stream =
            engine.stream(Statement::read("SELECT n FROM generate_series(1, 5000000) n", [])).await.unwrap();
        stream.try_next().await.unwrap().unwrap();

        if crash { cluster.stop_immediate() } else { cluster.stop() }.unwrap();

        // Nothing of the transaction was committed, and that is known.
        assert_kind(Car::insert(&open, car("Open too")).await, ErrorKind::Unavailable);
        assert_kind(Car::select().all(&open).await, ErrorKind::Unavailable);
        assert_kind(open.batch("SELECT 1").await, ErrorKind::Unavailable);
        assert_kind(open.rollback().await, ErrorKind::Unavailable);
        drop(idle);
        let error = soon(async {
            loop {
                match stream.try_next().await {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("the stream has ended as if it were whole"),
                    Err(error) => break error,
                }
            }
        })
        .await;
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        drop(stream);

        assert_kind(soon(engine.ping()).await, ErrorKind::Unavailable);
        assert_kind(soon(engine.begin()).await, ErrorKind::Unavailable);
        assert_kind(soon(Car::insert(&engine, car("During"))).await, ErrorKind::Unavailable);
        assert_kind(soon(session.commit()).await, ErrorKind::Unavailable);

        cluster.start_again().unwrap();
        recovered(&engine).await;
        session.commit().await.unwrap();
        assert_eq!(session[added].name, "Session");
        Car::insert(&engine, car("After")).await.unwrap();
        let cars = Car::select().order_by(Car::NAME.asc()).all(&engine).await.unwrap();
        let names: Vec<_> = cars.into_iter().map(|car| car.name).collect();
        assert_eq!(names, ["After", "Before", "Session", "Session too"]);
    }
}

/// The connection is cut while the server works on the answer. Who can tell what it did?
#[tokio::test]
async fn a_write_cut_off_has_an_unknown_outcome() {
    let mut cluster = Cluster::start().unwrap();
    let engine = engine_on(&cluster, &EngineOptions::default()).await;
    // Fires at the commit itself.
    engine
        .connection()
        .await
        .unwrap()
        .batch(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$;
             CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON cars DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION slow()",
        )
        .await
        .unwrap();
    let transaction = engine.begin().await.unwrap();
    Car::insert(&transaction, car("In a transaction")).await.unwrap();
    let commit = tokio::spawn(transaction.commit());
    let engine_too = engine.clone();
    let insert = tokio::spawn(async move { Car::insert(&engine_too, car("Alone")).await });
    let engine_too = engine.clone();
    let connection = engine.connection().await.unwrap();
    let batch = tokio::spawn(async move {
        connection.batch("INSERT INTO cars (name, model, doors) VALUES ('Batch', 'x', 1)").await
    });
    let read = tokio::spawn(async move { engine_too.query(Statement::read("SELECT pg_sleep(30)", [])).await });
    let inside = engine.begin().await.unwrap();
    let inside = tokio::spawn(async move { inside.query(Statement::write("SELECT pg_sleep(30)", [])).await });
    let active = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    soon(async {
        while cluster.psql("postgres", active).unwrap() != "5" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    cluster.stop_immediate().unwrap();

    let text = "the outcome of the write is unknown: the connection was lost before the answer";
    let error = assert_kind(soon(commit).await.unwrap(), ErrorKind::OutcomeUnknown);
    assert!(error.to_string().starts_with(text), "{error}");
    let error = assert_kind(soon(insert).await.unwrap(), ErrorKind::OutcomeUnknown);
    assert!(error.to_string().starts_with(text), "{error}");
    assert_kind(soon(batch).await.unwrap(), ErrorKind::OutcomeUnknown);
    assert_kind(soon(read).await.unwrap(), ErrorKind::Unavailable);
    assert_kind(soon(inside).await.unwrap(), ErrorKind::Unavailable);
    cluster.start_again().unwrap();
    recovered(&engine).await;
}

/// An administrator ends the connections one by one. What the server refuses, it has not done.
#[tokio::test]
async fn a_connection_that_is_ended_is_replaced() {
    let cluster = Cluster::start().unwrap();
    let engine = engine_on(&cluster, &few_connections(2)).await;
    let end = || {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'crocus'";
        cluster.psql("postgres", sql).unwrap();
    };
    for round in 0..5 {
        Car::insert(&engine, car(&format!("Car {round}"))).await.unwrap();
        let transaction = engine.begin().await.unwrap();
        end();
        assert_kind(transaction.query(Statement::read("SELECT 1", [])).await, ErrorKind::Unavailable);
        drop(transaction);
        recovered(&engine).await;
    }
    assert_eq!(Car::select().count(&engine).await.unwrap(), 5);
}

#[tokio::test]
async fn a_server_without_room_is_away() {
    let cluster = Cluster::builder().setting("max_connections", "8").start().unwrap();
    let engine = engine_on(&cluster, &EngineOptions::default()).await;
    let mut held = Vec::new();
    let error = loop {
        match soon(engine.begin()).await {
            Ok(transaction) => held.push(transaction),
            Err(error) => break error,
        }
        assert!(held.len() <= 8);
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("too many clients") || error.to_string().contains("slots"), "{error}");
    drop(held);
    recovered(&engine).await;
}
