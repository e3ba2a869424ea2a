//! Constraints: each violation has its kind, and names the constraint, the table and the columns alike.

use crocus_orm::{ColumnOperators, Constraint, Error, ErrorKind, Executor, Model, Statement};

use crate::database::{Database, assert_kind, each};
use crate::models::{Car, NewCar, NewReserved, NewSeat, NewWheel, Reserved, Seat, Wheel, car};

#[track_caller]
fn assert_constraint(db: &Database, error: &Error, expected: Constraint) {
    assert_eq!(error.constraint(), Some(&expected), "{db}: {error}");
}

fn on_cars(name: &str, columns: &[&str]) -> Constraint {
    Constraint {
        name: Some(name.into()),
        table: Some("cars".into()),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        expression: None,
    }
}

/// A write that violates one constraint, and what its error must say.
type Case = (NewCar, ErrorKind, Constraint);

fn cases() -> Vec<Case> {
    let check = |name: &str, column: &[&str], expression: &str| Constraint {
        expression: Some(expression.into()),
        ..on_cars(name, column)
    };
    vec![
        (
            NewCar { model: "other".into(), ..car("One") },
            ErrorKind::UniqueViolation,
            on_cars("cars_name_key", &["name"]),
        ),
        (
            NewCar { model: car("One").model, ..car("Two") },
            ErrorKind::UniqueViolation,
            on_cars("cars_shape", &["model", "doors"]),
        ),
        (
            NewCar { doors: -1, ..car("Two") },
            ErrorKind::CheckViolation,
            check("cars_doors_check", &["doors"], "doors >= 0"),
        ),
        (
            NewCar { model: "Two".into(), ..car("Two") },
            ErrorKind::CheckViolation,
            check("cars_sane", &[], "name <> model"),
        ),
    ]
}

async fn insert(db: &impl Executor, new: NewCar) -> Result<(), Error> {
    Car::insert(db, new).await.map(drop)
}

async fn update(db: &impl Executor, id: i32, new: NewCar) -> Result<(), Error> {
    let update = Car::update().set(Car::NAME, new.name).set(Car::MODEL, new.model).set(Car::DOORS, new.doors);
    update.filter(Car::ID.eq(id)).execute(db).await.map(drop)
}

#[tokio::test]
async fn inserts_and_updates_say_which_constraint() {
    for db in each().await {
        Car::insert(db.engine(), car("One")).await.unwrap();
        let other = Car::insert(db.engine(), car("Other")).await.unwrap();
        for (new, kind, constraint) in cases() {
            let error = assert_kind(insert(db.engine(), new.clone()).await, kind);
            assert_constraint(&db, &error, constraint.clone());
            let error = assert_kind(update(db.engine(), other.id, new.clone()).await, kind);
            assert_constraint(&db, &error, constraint.clone());

            let transaction = db.begin().await.unwrap();
            let error = assert_kind(insert(&transaction, new.clone()).await, kind);
            assert_constraint(&db, &error, constraint.clone());
            drop(transaction);
            let transaction = db.begin().await.unwrap();
            let error = assert_kind(update(&transaction, other.id, new.clone()).await, kind);
            assert_constraint(&db, &error, constraint.clone());
            drop(transaction);

            let mut session = db.session();
            session.add(new);
            let error = assert_kind(session.commit().await, kind);
            assert_constraint(&db, &error, constraint);
        }
        assert_eq!(Car::select().count(db.engine()).await.unwrap(), 2, "{db}");
    }
}

#[tokio::test]
async fn the_primary_key_is_a_constraint_too() {
    for db in each().await {
        let seat = NewSeat { row: 1, taken: false, letter: "A".into() };
        Seat::insert(db.engine(), seat.clone()).await.unwrap();
        let error = assert_kind(Seat::insert(db.engine(), seat).await, ErrorKind::UniqueViolation);
        let expected = Constraint {
            name: Some("seats_pkey".into()),
            table: Some("seats".into()),
            columns: vec!["row".into(), "letter".into()],
            expression: None,
        };
        assert_constraint(&db, &error, expected);
    }
}

#[tokio::test]
async fn reserved_words_are_named_as_they_are() {
    for db in each().await {
        let new = NewReserved { group: "one".into(), place: None };
        Reserved::insert(db.engine(), new.clone()).await.unwrap();
        let error = assert_kind(Reserved::insert(db.engine(), new).await, ErrorKind::UniqueViolation);
        let expected = Constraint {
            name: Some("order_group_key".into()),
            table: Some("order".into()),
            columns: vec!["group".into()],
            expression: None,
        };
        assert_constraint(&db, &error, expected);
    }
}

#[tokio::test]
async fn a_required_value_is_named() {
    for db in each().await {
        Car::insert(db.engine(), car("One")).await.unwrap();
        for sql in ["INSERT INTO cars (name, model, doors) VALUES ('Two', NULL, 4)", "UPDATE cars SET model = NULL"] {
            for within in [false, true] {
                let statement = Statement::write(sql, []);
                let result = if within {
                    db.begin().await.unwrap().execute(statement).await
                } else {
                    db.execute(statement).await
                };
                let error = assert_kind(result, ErrorKind::NotNullViolation);
                let constraint = error.constraint().unwrap();
                assert_eq!(constraint.table.as_deref(), Some("cars"), "{db}");
                assert_eq!(constraint.columns, ["model"], "{db}");
                // A row's other values are nobody's business.
                assert!(!error.to_string().contains("One"), "{db}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_foreign_key_holds_from_both_ends() {
    for db in each().await {
        let car = Car::insert(db.engine(), car("One")).await.unwrap();
        let wheel = Wheel::insert(db.engine(), NewWheel { car_id: car.id.into() }).await.unwrap();
        let kind = ErrorKind::ForeignKeyViolation;
        for within in [false, true] {
            let transaction = if within { Some(db.begin().await.unwrap()) } else { None };
            let result = match &transaction {
                Some(transaction) => Wheel::insert(transaction, NewWheel { car_id: 99.into() }).await,
                None => Wheel::insert(db.engine(), NewWheel { car_id: 99.into() }).await,
            };
            let error = assert_kind(result, kind);
            let constraint = error.constraint().unwrap();
            assert_eq!(constraint.table.as_deref(), Some("wheels"), "{db}");
            assert_eq!(constraint.columns, ["car_id"], "{db}");
        }
        let update = Wheel::update().set(Wheel::CAR_ID, 99).filter(Wheel::ID.eq(wheel.id));
        let error = assert_kind(update.execute(db.engine()).await, kind);
        assert_eq!(error.constraint().unwrap().columns, ["car_id"], "{db}");
        let many = [NewWheel { car_id: car.id.into() }, NewWheel { car_id: 99.into() }];
        let error = assert_kind(Wheel::insert_many(many).execute(db.engine()).await, kind);
        assert_eq!(error.constraint().unwrap().columns, ["car_id"], "{db}");
        // The other end: it is no column of the row that is to go.
        let error = assert_kind(Car::delete().execute(db.engine()).await, kind);
        assert_eq!(error.constraint().unwrap().columns, [""; 0], "{db}");
        assert_eq!(Car::select().count(db.engine()).await.unwrap(), 1, "{db}");
    }
}

#[tokio::test]
async fn a_foreign_key_checked_at_the_end_fails_the_commit() {
    for db in each().await {
        db.batch(
            "CREATE TABLE plates (id integer PRIMARY KEY,
             car_id integer REFERENCES cars (id) DEFERRABLE INITIALLY DEFERRED)",
        )
        .await;
        let transaction = db.begin().await.unwrap();
        transaction.execute(Statement::write("INSERT INTO plates VALUES (1, 99)", [])).await.unwrap();
        assert_kind(transaction.commit().await, ErrorKind::ForeignKeyViolation);
        assert_eq!(db.number("SELECT count(*) FROM plates").await, 0, "{db}");
        // The connection is as good as new.
        let transaction = db.begin().await.unwrap();
        Car::insert(&transaction, car("One")).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(Car::select().count(db.engine()).await.unwrap(), 1, "{db}");
    }
}

#[tokio::test]
async fn a_text_of_several_lines_makes_an_error_of_one() {
    for db in each().await {
        Car::insert(db.engine(), car("two\nlines")).await.unwrap();
        assert_kind(Car::insert(db.engine(), car("two\nlines")).await, ErrorKind::UniqueViolation);
    }
}
