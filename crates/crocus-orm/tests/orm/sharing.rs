//! Statements that are under way at the same time share connections, statements and commits; each has its own outcome.

use std::collections::BTreeMap;
use std::time::Duration;

use crocus_orm::{ColumnOperators, EngineOptions, ErrorKind, Model, Statement};
use futures_util::future::join_all;

use crate::database::{Database, each, each_with, soon};
use crate::models::{Car, NewCar};

/// Clients at once: more than there are connections.
const CLIENTS: i32 = 64;

fn new(name: &str, doors: i32) -> NewCar {
    NewCar { name: name.to_owned(), model: format!("model of {name}"), doors, note: None }
}

/// Runs a task for each client, all at once.
async fn clients<T, F>(task: impl Fn(i32) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let tasks: Vec<_> = (0..CLIENTS).map(|client| tokio::spawn(task(client))).collect();
    soon(join_all(tasks)).await.into_iter().map(Result::unwrap).collect()
}

/// A pool that connects while it is asked, so that the shared connections are there.
async fn warm(db: &Database) {
    let names: Vec<_> = (0..20).map(|number| format!("warm {number}")).collect();
    for name in &names {
        Car::insert(db.engine(), new(name, 2)).await.unwrap();
    }
    for _ in 0..100 {
        let engine = db.engine().clone();
        clients(move |client| {
            let engine = engine.clone();
            async move {
                Car::get(&engine, client).await.unwrap();
                let change = Car::update().set(Car::DOORS, 3).filter(Car::ID.eq(client % 20 + 1));
                change.execute(&engine).await.unwrap();
            }
        })
        .await;
        let pools = db.statistics().pools;
        match pools.iter().find(|pool| pool.name == "shared") {
            // One for reads, and that for writes.
            Some(shared) if shared.open < 2 => tokio::time::sleep(Duration::from_millis(20)).await,
            _ => return,
        }
    }
    panic!("{db}: statements that meet share connections");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_reads_the_row_with_its_own_key() {
    for db in each().await {
        warm(&db).await;
        let engine = db.engine().clone();
        let read = clients(move |client| {
            let engine = engine.clone();
            async move {
                let mut seen = Vec::new();
                for round in 0..50 {
                    // Half of them want the same row, and some one that is not there.
                    let key = if client % 2 == 0 { 7 } else { (client + round) % 24 };
                    seen.push((key, Car::get(&engine, key).await.unwrap().map(|car| (car.id, car.name))));
                }
                seen
            }
        });
        for (key, car) in read.await.into_iter().flatten() {
            let expected = (1..=20).contains(&key).then(|| (key, format!("warm {}", key - 1)));
            assert_eq!(car, expected, "{db}");
        }
    }
}

/// What is refused is refused as it would be alone, and what is acknowledged is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_write_has_its_own_outcome() {
    for db in each().await {
        warm(&db).await;
        let engine = db.engine().clone();
        let written = clients(move |client| {
            let engine = engine.clone();
            async move {
                let mut outcomes = Vec::new();
                for round in 0..20 {
                    // Each third name is given by several; each seventh row is against a check.
                    let name = if round % 3 == 0 { format!("{round}") } else { format!("{client} {round}") };
                    let doors = if (client + round) % 7 == 0 { -1 } else { client };
                    let row = NewCar { model: format!("{client}/{round}"), ..new(&name, doors) };
                    let outcome = Car::insert(&engine, row).await;
                    outcomes.push((name, doors, outcome.map(|car| car.id).map_err(|error| error.kind())));
                }
                outcomes
            }
        });
        let mut acknowledged = BTreeMap::new();
        let mut refused: Vec<String> = Vec::new();
        for (name, doors, outcome) in written.await.into_iter().flatten() {
            match outcome {
                Ok(id) => assert_eq!(acknowledged.insert(name, (id, doors)), None, "{db}: a name was given twice"),
                Err(ErrorKind::CheckViolation) => assert_eq!(doors, -1, "{db}: {name}"),
                Err(ErrorKind::UniqueViolation) => refused.push(name),
                Err(kind) => panic!("{db}: {kind:?}"),
            }
        }
        assert!(!refused.is_empty() && refused.iter().all(|name| acknowledged.contains_key(name)), "{db}");
        let there = Car::select().filter(Car::ID.gt(20)).all(db.engine()).await.unwrap();
        let there: BTreeMap<_, _> = there.into_iter().map(|car| (car.name, (car.id, car.doors))).collect();
        assert_eq!(there, acknowledged, "{db}");
        if !db.is_sqlite() {
            // `xmin` is the transaction that has written a row ("System Columns").
            let commits = db.number("SELECT count(DISTINCT xmin::text) FROM cars WHERE id > 20").await;
            let rows = i64::try_from(acknowledged.len()).unwrap();
            assert!(commits < rows, "{rows} rows were written in {commits} commits");
        }
    }
}

/// Counters that many raise: no change is lost, and whoever is answered sees his own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_acknowledged_is_lost_or_unseen() {
    for db in each().await {
        warm(&db).await;
        Car::update().set(Car::DOORS, 0).execute(db.engine()).await.unwrap();
        let engine = db.engine().clone();
        clients(move |client| {
            let engine = engine.clone();
            async move {
                for round in 0..20 {
                    let id = (client + round) % 5 + 1;
                    let raise = Car::update().set(Car::DOORS, Car::DOORS + 1).filter(Car::ID.eq(id));
                    let raised = raise.returning(&engine).await.unwrap();
                    let seen = Car::get(&engine, id).await.unwrap().unwrap();
                    assert!(seen.doors >= raised[0].doors, "{} was seen after {}", seen.doors, raised[0].doors);
                }
            }
        })
        .await;
        let total: i32 = Car::select().all(db.engine()).await.unwrap().iter().map(|car| car.doors).sum();
        assert_eq!(total, CLIENTS * 20, "{db}");
    }
}

/// All ask the same at the same time, and each finds what he has just written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_the_same_sees_what_was_committed_before() {
    for db in each().await {
        warm(&db).await;
        let engine = db.engine().clone();
        let seen = clients(move |client| {
            let engine = engine.clone();
            async move {
                let mut seen = Vec::new();
                for round in 0..10 {
                    let id = Car::insert(&engine, new(&format!("{client} {round}"), 1)).await.unwrap().id;
                    let cars = Car::select().order_by(Car::ID.desc()).all(&engine).await.unwrap();
                    assert!(cars.is_sorted_by(|one, other| one.id > other.id));
                    assert!(cars.iter().any(|car| car.id == id), "{id} was written before");
                    seen.push(cars.len());
                }
                seen
            }
        });
        let most = seen.await.into_iter().flatten().max();
        assert_eq!(most, Some(20 + CLIENTS as usize * 10), "{db}");
    }
}

/// Rows of an ordinary table are written by few statements. Where a trigger could tell, each has its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_of_one_shape_are_one_statement_where_nobody_can_tell() {
    const ROWS: i64 = 10 * CLIENTS as i64;
    let db = Database::postgres().await;
    warm(&db).await;
    let insert = async |what: &'static str| {
        let engine = db.engine().clone();
        let inserted = clients(move |client| {
            let engine = engine.clone();
            async move {
                let mut swallowed = 0;
                for round in 0..10 {
                    let name = format!("{what} {client} {round}");
                    match Car::insert(&engine, new(&name, round)).await {
                        Ok(car) => assert_eq!((car.name, car.doors), (name, round)),
                        Err(error) => swallowed += i64::from(error.to_string().contains("gave no row back")),
                    }
                }
                swallowed
            }
        });
        inserted.await.into_iter().sum::<i64>()
    };
    assert_eq!(insert("plain").await, 0);
    // `cmin` is the statement of the transaction that has written a row ("System Columns").
    let statements = "SELECT count(DISTINCT (xmin::text, cmin::text)) FROM cars WHERE name LIKE 'plain%'";
    let statements = db.number(statements).await;
    assert!(statements < ROWS, "{ROWS} rows were written by {statements} statements");
    db.batch(
        "CREATE TABLE statements (rows bigint);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN INSERT INTO statements SELECT count(*) FROM written; RETURN NULL; END $$;
         CREATE TRIGGER note AFTER INSERT ON cars REFERENCING NEW TABLE AS written FOR EACH STATEMENT
           EXECUTE FUNCTION note()",
    )
    .await;
    assert_eq!(insert("noted").await, 0);
    assert_eq!(db.number("SELECT count(*) FROM statements WHERE rows = 1").await, ROWS);
    db.batch(
        "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
         CREATE TRIGGER swallow BEFORE INSERT ON cars FOR EACH ROW WHEN (NEW.doors < 3) EXECUTE FUNCTION swallow()",
    )
    .await;
    assert_eq!(insert("swallowed").await, 3 * i64::from(CLIENTS));
    assert_eq!(db.number("SELECT count(*) FROM cars WHERE name LIKE 'swallowed%'").await, 7 * i64::from(CLIENTS));
}

/// Of those who want one row at the same time each is told what became of his own write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_told_what_became_of_his_row() {
    for db in each().await {
        warm(&db).await;
        let rows: Vec<_> = (0..200).map(|row| new(&format!("row {row}"), 0)).collect();
        Car::insert_many(rows).execute(db.engine()).await.unwrap();
        let engine = db.engine().clone();
        let told = clients(move |client| {
            let engine = engine.clone();
            async move {
                let (mut raised, mut deleted) = (0, 0);
                for round in 0..40 {
                    // Half of them are not there, and some are asked for by many.
                    let id = 21 + (client * round) % 400;
                    let raise = Car::update().set(Car::DOORS, Car::DOORS + 1).filter(Car::ID.eq(id));
                    raised += raise.execute(&engine).await.unwrap();
                    if round % 4 == 0 {
                        let delete = Car::delete().filter(Car::ID.eq(id)).filter(Car::DOORS.gt(round / 4));
                        deleted +=
                            delete.returning(&engine).await.unwrap().iter().map(|car| car.doors as u64).sum::<u64>();
                    }
                }
                (raised, deleted)
            }
        });
        let (raised, deleted) = told.await.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let left = db.number("SELECT coalesce(sum(doors), 0) FROM cars WHERE id > 20").await;
        assert!(deleted > 0, "{db}");
        assert_eq!(raised, deleted + u64::try_from(left).unwrap(), "{db}");
    }
}

/// A row that a transaction has locked keeps those waiting who want it, and nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_holds_up_only_those_who_want_its_row() {
    let db = Database::postgres().await;
    warm(&db).await;
    let transaction = db.begin().await.unwrap();
    Car::update().set(Car::NOTE, Some("held".to_owned())).filter(Car::ID.eq(1)).execute(&transaction).await.unwrap();
    let engine = db.engine().clone();
    let blocked: Vec<_> = (0..3)
        .map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move {
                Car::update().set(Car::DOORS, 9).filter(Car::ID.eq(1)).returning(&engine).await.unwrap()
            })
        })
        .collect();
    clients(move |client| {
        let engine = engine.clone();
        async move {
            for round in 0..10 {
                let id = (client + round) % 19 + 2;
                let change = Car::update().set(Car::DOORS, round).filter(Car::ID.eq(id));
                assert_eq!(change.execute(&engine).await.unwrap(), 1);
            }
        }
    })
    .await;
    assert!(blocked.iter().all(|task| !task.is_finished()), "the row is locked");
    transaction.commit().await.unwrap();
    for task in blocked {
        let car = &soon(task).await.unwrap()[0];
        assert_eq!((car.doors, car.note.as_deref()), (9, Some("held")));
    }
}

/// Connections end under what is asked: reads are asked again, and of writes the acknowledged are there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_may_end_at_any_moment() {
    let db = Database::postgres().await;
    warm(&db).await;
    let other = db.another_engine(&EngineOptions::default());
    let ending = tokio::spawn(async move {
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        for _ in 0..10 {
            other.query(Statement::read(sql, [])).await.unwrap();
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    });
    let engine = db.engine().clone();
    let written = clients(move |client| {
        let engine = engine.clone();
        async move {
            let mut acknowledged = Vec::new();
            for round in 0..30 {
                let name = format!("{client} {round}");
                match Car::insert(&engine, new(&name, 1)).await {
                    Ok(_) => acknowledged.push(name),
                    Err(error) => {
                        let kinds = [ErrorKind::OutcomeUnknown, ErrorKind::Unavailable];
                        assert!(kinds.contains(&error.kind()), "{error}");
                    }
                }
                if let Err(error) = Car::get(&engine, 7).await {
                    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                }
            }
            acknowledged
        }
    })
    .await;
    soon(ending).await.unwrap();
    let there = Car::select().columns(Car::NAME).all(db.engine()).await.unwrap();
    let acknowledged: Vec<_> = written.into_iter().flatten().collect();
    assert!(acknowledged.len() > 100, "{} were acknowledged", acknowledged.len());
    for name in acknowledged {
        assert!(there.contains(&name), "`{name}` was acknowledged");
    }
}

/// A trigger makes the writes to one table slow: those to another do not wait for them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_slow_goes_its_own_way() {
    let db = Database::postgres().await;
    warm(&db).await;
    db.batch(
        "CREATE FUNCTION doze() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.15); RETURN NEW; END $$;
         CREATE TRIGGER doze BEFORE UPDATE ON cars FOR EACH ROW WHEN (NEW.doors = 77) EXECUTE FUNCTION doze()",
    )
    .await;
    let engine = db.engine().clone();
    let slow = tokio::spawn(async move {
        for _ in 0..10 {
            let change = Car::update().set(Car::DOORS, 77).set(Car::NOTE, None::<String>).filter(Car::ID.eq(1));
            change.execute(&engine).await.unwrap();
        }
    });
    let engine = db.engine().clone();
    let waited = clients(move |client| {
        let engine = engine.clone();
        async move {
            let begun = std::time::Instant::now();
            for round in 0..10 {
                let change = Car::update().set(Car::DOORS, round).filter(Car::ID.eq((client + round) % 19 + 2));
                change.execute(&engine).await.unwrap();
            }
            begun.elapsed()
        }
    })
    .await;
    // Behind each of the slow ones in turn it would be at least as long as they all take.
    assert!(!slow.is_finished(), "the others took as long as the slow ones: {:?}", waited.iter().max());
    soon(slow).await.unwrap();
}

/// Without sharing there is nothing of it, and the same comes out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_can_be_switched_off() {
    for db in each_with(EngineOptions { share: false, ..EngineOptions::default() }).await {
        Car::insert(db.engine(), new("Beta", 4)).await.unwrap();
        let engine = db.engine().clone();
        let read = clients(move |client| {
            let engine = engine.clone();
            async move { Car::get(&engine, client % 2 + 1).await.unwrap().is_some() }
        });
        assert_eq!(read.await.into_iter().filter(|found| *found).count(), CLIENTS as usize / 2, "{db}");
        assert!(db.statistics().pools.iter().all(|pool| pool.name != "shared"), "{db}");
    }
}
