//! Sessions: one object a row, changes found by comparison, one commit for all of them.

mod columns;
pub(crate) mod dealer;
mod flushes;
mod random;
mod relationships;
mod states;

use std::panic::AssertUnwindSafe;

use crocus_orm::{ColumnOperators, Error, ErrorKind, Model, Statement};

use crate::database::{Database, assert_kind, each};
use crate::models::{
    Car, Country, NewCar, NewCountry, NewSample, NewSeat, NewWheel, Sample, Seat, Wheel, car, nothing,
};

/// Makes the database note every write to `cars`: what was done, and which columns changed.
async fn watch(db: &Database) {
    db.batch("CREATE TABLE log (what text NOT NULL)").await;
    if db.is_sqlite() {
        for column in ["id", "name", "model", "doors", "note"] {
            db.batch(&format!(
                "CREATE TRIGGER watch_{column} AFTER UPDATE OF {column} ON cars BEGIN INSERT INTO log VALUES ('{column}'); END"
            ))
            .await;
        }
    } else {
        db.batch(
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO log VALUES (TG_ARGV[0]); RETURN NULL; END $$",
        )
        .await;
        for column in ["id", "name", "model", "doors", "note"] {
            db.batch(&format!(
                "CREATE TRIGGER watch_{column} AFTER UPDATE OF {column} ON cars FOR EACH ROW EXECUTE FUNCTION note('{column}')"
            ))
            .await;
        }
    }
}

/// The columns named by the updates since the last time.
async fn written(db: &Database) -> Vec<String> {
    let rows = db.query(Statement::write("SELECT what FROM log ORDER BY what", [])).await.unwrap();
    db.execute(Statement::write("DELETE FROM log", [])).await.unwrap();
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}

#[tokio::test]
async fn only_what_changed_is_written() {
    for db in each().await {
        watch(&db).await;
        let mut session = db.session();
        let (one, two) = (session.add(car("One")), session.add(car("Two")));
        session.commit().await.unwrap();
        assert_eq!(written(&db).await, [""; 0], "{db}");

        session[one].doors = 5;
        session.commit().await.unwrap();
        assert_eq!(written(&db).await, ["doors"], "{db}");

        session[one].note = Some("red".into());
        session[two].name = "2".into();
        session[two].model = "second".into();
        session.commit().await.unwrap();
        assert_eq!(written(&db).await, ["model", "name", "note"], "{db}");

        session[one].doors = 6;
        session[one].doors = 5;
        session.commit().await.unwrap();
        assert_eq!(written(&db).await, [""; 0], "{db}: what is as it was is not written");

        let stored = Car::get(db.engine(), session[one].id).await.unwrap().unwrap();
        assert_eq!(session[one], stored, "{db}");
    }
}

#[tokio::test]
async fn nothing_changed_sends_nothing() {
    for db in each().await {
        let mut session = db.session();
        let row = session.add(NewSample {
            float: Some(if db.is_sqlite() { 1.5 } else { f64::NAN }),
            json: Some(serde_json::json!({"a": [1.5]})),
            ..nothing()
        });
        session.commit().await.unwrap();
        // A statement to a table that is gone would fail.
        db.batch("DROP TABLE samples").await;
        session.commit().await.unwrap();
        session[row].int4 = Some(1);
        assert_kind(session.commit().await, ErrorKind::MissingTable);
    }
}

#[tokio::test]
async fn one_row_is_one_object() {
    for db in each().await {
        let id = Car::insert(db.engine(), car("One")).await.unwrap().id;
        let mut session = db.session();
        let first = session.get::<Car>(id).await.unwrap().unwrap();
        session[first].doors = 9;
        let second = session.get::<Car>(id).await.unwrap().unwrap();
        assert_eq!(first, second, "{db}");
        assert_eq!(session[second].doors, 9, "{db}: not read again");
        assert!(session.get::<Car>(99).await.unwrap().is_none(), "{db}");

        let added = session.add(car("Two"));
        session.commit().await.unwrap();
        let key = session[added].id;
        assert_eq!(session.get::<Car>(key).await.unwrap(), Some(added), "{db}");
    }
}

#[tokio::test]
async fn a_commit_is_done_as_a_whole_or_not() {
    for db in each().await {
        let mut session = db.session();
        let (one, two) = (session.add(car("One")), session.add(car("Two")));
        session.commit().await.unwrap();
        session[one].doors = 5;
        session[two].doors = -1;
        let three = session.add(car("Three"));
        assert_kind(session.commit().await, ErrorKind::CheckViolation);
        let cars = Car::select().order_by(Car::ID.asc()).all(db.engine()).await.unwrap();
        assert_eq!(cars.iter().map(|car| car.doors).collect::<Vec<_>>(), [4, 4], "{db}");
        assert_eq!(session[one].doors, 5, "{db}: the changes are still there");

        // The cause is mended, and the same commit goes through.
        session[two].doors = 6;
        session.commit().await.unwrap();
        assert_eq!(session[three].name, "Three", "{db}");
        let cars = Car::select().order_by(Car::ID.asc()).all(db.engine()).await.unwrap();
        assert_eq!(cars.iter().map(|car| car.doors).collect::<Vec<_>>(), [5, 6, 4], "{db}");
    }
}

#[tokio::test]
async fn a_rollback_restores() {
    for db in each().await {
        let mut session = db.session();
        let (one, two) = (session.add(car("One")), session.add(car("Two")));
        session.commit().await.unwrap();
        session[one].doors = 5;
        session.delete(two);
        let three = session.add(car("Three"));
        session.rollback().await.unwrap();
        assert_eq!((session[one].doors, &*session[two].name), (4, "Two"), "{db}");
        assert_eq!(panic_of(|| session[three].id), "the car is not part of the session any more");
        let key = session[two].id;
        assert_eq!(session.get::<Car>(key).await.unwrap(), Some(two), "{db}");
        session.commit().await.unwrap();
        assert_eq!(Car::select().count(db.engine()).await.unwrap(), 2, "{db}");
    }
}

#[tokio::test]
async fn an_object_is_deleted() {
    for db in each().await {
        let id = Car::insert(db.engine(), car("One")).await.unwrap().id;
        let mut session = db.session();
        let one = session.get::<Car>(id).await.unwrap().unwrap();
        session[one].doors = 9;
        session.delete(one);
        session.delete(one);
        assert!(session.get::<Car>(id).await.unwrap().is_none(), "{db}: it is as good as gone");
        assert_eq!(panic_of(|| session[one].id), "the car is deleted");
        session.commit().await.unwrap();
        assert_eq!(Car::select().count(db.engine()).await.unwrap(), 0, "{db}");
        assert!(session.get::<Car>(id).await.unwrap().is_none(), "{db}");
        session.delete(one);
        session.commit().await.unwrap();

        let never = session.add(car("Never"));
        session.delete(never);
        session.commit().await.unwrap();
        assert_eq!(Car::select().count(db.engine()).await.unwrap(), 0, "{db}");
    }
}

#[tokio::test]
async fn deletions_go_before_what_they_point_to() {
    for db in each().await {
        let mut session = db.session();
        let one = session.add(car("One"));
        session.commit().await.unwrap();
        let wheel = session.add(NewWheel { car_id: session[one].id.into() });
        session.commit().await.unwrap();
        session.delete(one);
        session.delete(wheel);
        session.commit().await.unwrap();
        assert_eq!(Wheel::select().count(db.engine()).await.unwrap(), 0, "{db}");
    }
}

#[tokio::test]
async fn a_row_that_somebody_deleted_is_not_found() {
    for db in each().await {
        for delete in [false, true] {
            let id = Car::insert(db.engine(), car("One")).await.unwrap().id;
            let mut session = db.session();
            let one = session.get::<Car>(id).await.unwrap().unwrap();
            Car::delete().execute(db.engine()).await.unwrap();
            if delete {
                session.delete(one)
            } else {
                session[one].doors = 5
            }
            session.add(car("Two"));
            let error = assert_kind(session.commit().await, ErrorKind::NotFound);
            assert!(error.is_not_found());
            assert_eq!(error.to_string(), format!("no car with id {id}"), "{db}");
            assert_eq!(Car::select().count(db.engine()).await.unwrap(), 0, "{db}: nothing else was written");
        }
    }
}

#[tokio::test]
async fn a_key_may_change() {
    for db in each().await {
        let mut session = db.session();
        let seat = session.add(NewSeat { row: 1, taken: false, letter: "A".into() });
        session.commit().await.unwrap();
        session[seat].row = 2;
        session[seat].taken = true;
        session.commit().await.unwrap();
        assert_eq!(session.get::<Seat>((2, "A".into())).await.unwrap(), Some(seat), "{db}");
        assert!(session.get::<Seat>((1, "A".into())).await.unwrap().is_none(), "{db}");
        let rows = Seat::select().all(db.engine()).await.unwrap();
        assert_eq!(rows, [Seat { row: 2, taken: true, letter: "A".into() }], "{db}");
    }
}

#[tokio::test]
async fn keys_may_be_handed_on() {
    for db in each().await {
        let mut session = db.session();
        let new = |code: &str| NewCountry { code: code.into(), name: None, size: None };
        let (a, b) = (session.add(new("a")), session.add(new("b")));
        session.commit().await.unwrap();
        // The updates are in the order of adding: `a` must be free before `b` becomes it.
        session[a].code = "c".into();
        session[b].code = "a".into();
        session.commit().await.unwrap();
        assert_eq!(session.get::<Country>("a".into()).await.unwrap(), Some(b), "{db}");
        assert_eq!(session.get::<Country>("c".into()).await.unwrap(), Some(a), "{db}");
        assert!(session.get::<Country>("b".into()).await.unwrap().is_none(), "{db}");
    }
}

#[tokio::test]
async fn defaults_are_known_after_the_commit() {
    for db in each().await {
        let mut session = db.session();
        let country = session.add(NewCountry { code: "ch".into(), name: None, size: Some(None) });
        session.commit().await.unwrap();
        assert_eq!((&*session[country].name, session[country].size), ("nowhere", None), "{db}");
    }
}

#[tokio::test]
async fn values_are_in_the_session_as_the_database_keeps_them() {
    for db in each().await {
        let mut session = db.session();
        let row = session.add(nothing());
        session.commit().await.unwrap();
        session[row].instant = Some("2026-11-22T14:03:00.123456789Z".parse().unwrap());
        session.commit().await.unwrap();
        let id = session[row].id;
        assert_eq!(Some(&session[row]), Sample::get(db.engine(), id).await.unwrap().as_ref(), "{db}");
    }
}

#[tokio::test]
async fn inserts_are_in_the_order_of_adding() {
    for db in each().await {
        let mut session = db.session();
        let cars: Vec<_> = (0..10).map(|number| session.add(car(&format!("Car {number}")))).collect();
        session.commit().await.unwrap();
        let ids: Vec<_> = cars.iter().map(|car| session[*car].id).collect();
        assert_eq!(ids, (1..=10).collect::<Vec<_>>(), "{db}");
    }
}

#[tokio::test]
async fn a_handle_is_of_its_session() {
    let db = Database::sqlite().await;
    let (mut one, mut two) = (db.session(), db.session());
    let handle = one.add(car("One"));
    two.add(car("Two"));
    let text = "this handle belongs to another session";
    assert_eq!(panic_of(|| two[handle].id), text);
    assert_eq!(panic_of(|| two[handle].doors = 1), text);
    assert_eq!(panic_of(|| two.delete(handle)), text);
    assert_eq!(panic_of(|| one[handle].id), "the car was added and is not flushed yet");
}

#[tokio::test]
async fn a_commit_that_is_lost_can_be_tried_again() {
    for db in each().await {
        let mut session = db.session();
        let handle = session.add(NewCar { doors: -1, ..car("One") });
        for _ in 0..3 {
            let error: Error = session.commit().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::CheckViolation, "{db}");
        }
        session.delete(handle);
        session.commit().await.unwrap();
        assert_eq!(Car::select().count(db.engine()).await.unwrap(), 0, "{db}");
    }
}

/// The text of the panic that a call must end in.
fn panic_of<T>(call: impl FnOnce() -> T) -> String {
    let Err(panic) = std::panic::catch_unwind(AssertUnwindSafe(|| drop(call()))) else { panic!("there was no panic") };
    panic.downcast_ref::<String>().cloned().unwrap_or_else(|| (*panic.downcast_ref::<&str>().unwrap()).to_owned())
}
