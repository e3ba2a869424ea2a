//! Writing by query: expressions, what is given back, many rows at once, rows that may be there already.

use crocus_orm::{ColumnOperators, ErrorKind, Model, excluded};

use crate::database::{Database, assert_kind, each};
use crate::models::{Car, Country, NewCar, NewCountry, NewTicket, NewWheel, Ticket, Wheel};

fn car(name: &str, doors: i32) -> NewCar {
    NewCar { name: name.into(), model: format!("model of {name}"), doors, note: None }
}

async fn doors(db: &Database) -> Vec<(String, i32)> {
    Car::select().columns((Car::NAME, Car::DOORS)).order_by(Car::NAME.asc()).all(db.engine()).await.unwrap()
}

#[tokio::test]
async fn an_update_sees_the_rows_as_they_were() {
    for db in each().await {
        Car::insert_many([car("a", 2), car("b", 4), car("c", 5)]).execute(db.engine()).await.unwrap();
        let wider = Car::update().set(Car::DOORS, Car::DOORS + 1).set(Car::NOTE, Car::NAME.nullable());
        let mut given = wider.filter(Car::DOORS.ge(4)).returning(db.engine()).await.unwrap();
        given.sort_by_key(|car| car.id);
        let given: Vec<_> = given.into_iter().map(|car| (car.name, car.doors, car.note)).collect();
        assert_eq!(given, [("b".into(), 5, Some("b".into())), ("c".into(), 6, Some("c".into()))], "{db}");

        let longest = Car::select().columns(Car::DOORS.max()).scalar();
        let all = Car::update().set(Car::DOORS, longest.coalesce(0)).execute(db.engine()).await.unwrap();
        assert_eq!(all, 3, "{db}");
        assert_eq!(doors(&db).await, [("a".into(), 6), ("b".into(), 6), ("c".into(), 6)], "{db}");

        let names = Car::delete().filter(Car::NAME.ne("b")).returning_columns(Car::NAME, db.engine());
        let mut names = names.await.unwrap();
        names.sort();
        assert_eq!(names, ["a", "c"], "{db}");
        assert_eq!(Car::delete().execute(db.engine()).await.unwrap(), 1, "{db}");
        assert_eq!(Car::delete().execute(db.engine()).await.unwrap(), 0, "{db}");
    }
}

#[tokio::test]
async fn a_column_of_another_table_is_refused_before_anything_is_sent() {
    for db in each().await {
        let (recording, recorded) = db.record();
        let update = Car::update().set(Car::DOORS, Wheel::CAR_ID);
        let error = assert_kind(update.execute(&recording).await, ErrorKind::InvalidQuery);
        assert!(error.to_string().contains("`wheels`.`car_id`"), "{db}: {error}");
        assert_kind(Car::delete().filter(Wheel::ID.eq(1)).execute(&recording).await, ErrorKind::InvalidQuery);
        assert_eq!(recorded.statements().len(), 0, "{db}");
    }
}

#[tokio::test]
async fn many_rows_are_inserted_together_or_not_at_all() {
    for db in each().await {
        assert_eq!(Car::insert_many([]).execute(db.engine()).await.unwrap(), 0, "{db}: nothing is no mistake");
        assert!(Car::insert_many([]).returning(db.engine()).await.unwrap().is_empty(), "{db}");

        let (recording, recorded) = db.record();
        let many = (0..2500).map(|n| car(&format!("n{n:04}"), n));
        assert_eq!(Car::insert_many(many).execute(&recording).await.unwrap(), 2500, "{db}");
        // BEGIN, three inserts, COMMIT.
        assert_eq!(recorded.statements().len(), 5, "{db}");
        assert_eq!(db.number("SELECT count(*) FROM cars").await, 2500, "{db}");

        let late = (0..1500).map(|n| car(&format!("m{n}"), if n == 1400 { -1 } else { 1 }));
        let error = assert_kind(Car::insert_many(late.clone()).execute(db.engine()).await, ErrorKind::CheckViolation);
        assert_eq!(error.constraint().unwrap().name.as_deref(), Some("cars_doors_check"), "{db}");
        assert_kind(Car::insert_many(late).returning(db.engine()).await, ErrorKind::CheckViolation);
        assert_eq!(db.number("SELECT count(*) FROM cars").await, 2500, "{db}: the first thousand are gone too");

        // What a row leaves out is the database's to give.
        let countries = [
            NewCountry { code: "de".into(), name: Some("Germany".into()), size: Some(Some(83)) },
            NewCountry { code: "xx".into(), name: None, size: None },
            NewCountry { code: "yy".into(), name: None, size: Some(None) },
        ];
        let mut made = Country::insert_many(countries).returning(db.engine()).await.unwrap();
        made.sort_by(|one, other| one.code.cmp(&other.code));
        let made: Vec<_> = made.iter().map(|country| (&*country.code, &*country.name, country.size)).collect();
        assert_eq!(made, [("de", "Germany", Some(83)), ("xx", "nowhere", Some(7)), ("yy", "nowhere", None)], "{db}");
        let tickets = Ticket::insert_many([NewTicket {}, NewTicket {}]).returning(db.engine()).await.unwrap();
        assert_eq!(tickets.len(), 2, "{db}: rows of defaults alone");
    }
}

#[tokio::test]
async fn a_row_that_is_there_is_left_or_updated() {
    for db in each().await {
        Car::insert_many([car("a", 2), car("b", 4)]).execute(db.engine()).await.unwrap();
        let again = || Car::insert_many([car("a", 9), car("c", 3)]);
        let left = again().on_conflict(Car::NAME).do_nothing().execute(db.engine()).await.unwrap();
        assert_eq!(left, 1, "{db}: one was inserted");
        assert_eq!(doors(&db).await, [("a".into(), 2), ("b".into(), 4), ("c".into(), 3)], "{db}");

        let raised = again()
            .on_conflict(Car::NAME)
            .do_update(|update| update.set(Car::DOORS, Car::DOORS + excluded(Car::DOORS)))
            .returning_columns((Car::NAME, Car::DOORS), db.engine());
        let mut raised = raised.await.unwrap();
        raised.sort();
        assert_eq!(raised, [("a".into(), 11), ("c".into(), 6)], "{db}");

        let some = again()
            .on_conflict(Car::NAME)
            .do_update(|update| update.set(Car::DOORS, 1).filter(Car::DOORS.lt(10)))
            .execute(db.engine());
        assert_eq!(some.await.unwrap(), 1, "{db}");
        assert_eq!(doors(&db).await, [("a".into(), 11), ("b".into(), 4), ("c".into(), 1)], "{db}");

        assert_kind(again().execute(db.engine()).await, ErrorKind::UniqueViolation);
        let nothing = again().on_conflict(Car::NAME).do_update(|update| update).execute(db.engine()).await;
        assert_kind(nothing, ErrorKind::InvalidQuery);
    }
}

#[tokio::test]
async fn rows_of_a_query_are_inserted() {
    for db in each().await {
        Car::insert_many([car("a", 2), car("b", 4)]).execute(db.engine()).await.unwrap();
        let id = Car::select().filter(Car::NAME.eq("a")).one(db.engine()).await.unwrap().id;
        Wheel::insert(db.engine(), NewWheel { car_id: id.into() }).await.unwrap();
        let query = Car::select().columns(Car::ID).filter(Car::DOORS.ge(4));
        let wheels = Wheel::insert_from(Wheel::CAR_ID, query).returning(db.engine()).await.unwrap();
        assert_eq!(wheels.len(), 1, "{db}");

        let twins = Car::select().columns((Car::NAME.concat("!"), Car::MODEL, Car::DOORS + 1));
        let twins = Car::insert_from((Car::NAME, Car::MODEL, Car::DOORS), twins);
        assert_eq!(twins.execute(db.engine()).await.unwrap(), 2, "{db}");
        let names: Vec<_> = doors(&db).await.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "a!", "b", "b!"], "{db}");
    }
}

#[tokio::test]
async fn writing_joins_a_transaction() {
    for db in each().await {
        let transaction = db.begin().await.unwrap();
        let many = (0..1200).map(|n| car(&format!("n{n}"), 1));
        Car::insert_many(many).execute(&transaction).await.unwrap();
        assert_eq!(Car::select().count(&transaction).await.unwrap(), 1200, "{db}");
        transaction.rollback().await.unwrap();
        assert_eq!(Car::select().count(db.engine()).await.unwrap(), 0, "{db}");
    }
}

#[tokio::test]
async fn a_great_many_rows_are_copied_where_the_database_can() {
    for db in each().await {
        let many = |bad: i32| {
            let car = move |n: i32| NewCar {
                name: format!("n{n} \t\\N"),
                model: "ü".into(),
                doors: if n == bad { -1 } else { n },
                note: (n % 2 == 0).then(|| "it's".into()),
            };
            (0..6000).map(car)
        };
        let (recording, recorded) = db.record();
        assert_eq!(Car::insert_many(many(-1)).execute(&recording).await.unwrap(), 6000, "{db}");
        let copies = recorded.statements().iter().filter(|statement| statement.sql.starts_with("COPY")).count();
        assert_eq!(copies, if db.is_sqlite() { 0 } else { 1 }, "{db}");
        let found = Car::select().filter(Car::DOORS.eq(5000)).one(db.engine()).await.unwrap();
        assert_eq!((&*found.name, &*found.model, found.note.as_deref()), ("n5000 \t\\N", "ü", Some("it's")), "{db}");
        let odd = Car::select().filter(Car::NOTE.is_null()).count(db.engine()).await.unwrap();
        assert_eq!(odd, 3000, "{db}");

        Car::delete().execute(db.engine()).await.unwrap();
        let error = assert_kind(Car::insert_many(many(5999)).execute(db.engine()).await, ErrorKind::CheckViolation);
        assert_eq!(error.constraint().unwrap().name.as_deref(), Some("cars_doors_check"), "{db}");
        assert_eq!(db.number("SELECT count(*) FROM cars").await, 0, "{db}");

        // A value that cannot be written leaves nothing, and the connections usable.
        let bad = (0..6000).map(|n| car(&if n == 5000 { "\0".to_owned() } else { format!("x{n}") }, n));
        assert_kind(Car::insert_many(bad).execute(db.engine()).await, ErrorKind::InvalidValue);
        assert_eq!(db.number("SELECT count(*) FROM cars").await, 0, "{db}");

        // In a transaction of the caller's.
        let transaction = db.begin().await.unwrap();
        Car::insert_many(many(-1)).execute(&transaction).await.unwrap();
        assert_eq!(Car::select().count(&transaction).await.unwrap(), 6000, "{db}");
        assert_kind(Car::insert_many(many(-1)).execute(&transaction).await, ErrorKind::UniqueViolation);
        assert!(transaction.commit().await.is_err(), "{db}: it has failed");
        assert_eq!(db.number("SELECT count(*) FROM cars").await, 0, "{db}");
    }
}
