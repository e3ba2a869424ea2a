//! Queries: filters, order, bounds, counting, streaming, and writing by filter.

use crocus_orm::{ColumnOperators, Error, ErrorKind, Expr, Model, Statement};
use futures_util::TryStreamExt;

use crate::database::{Database, assert_kind, each, each_with, few_connections, soon};
use crate::models::{Car, Country, NewCar, NewCountry, NewReserved, NewSample, NewSeat, NewTicket, Reserved, Sample};
use crate::models::{Seat, Ticket, car, nothing};

/// Five cars, among them two that agree in `doors`.
async fn garage(db: &Database) {
    for (name, model, doors, note) in [
        ("Alpha", "a%", 2, None),
        ("Beta", "b_", 4, Some("red")),
        ("Gamma", "c\\", 4, Some("blue")),
        ("Delta", "d", 5, None),
        ("Epsilon", "e", 0, Some("red")),
    ] {
        let new = NewCar { name: name.into(), model: model.into(), doors, note: note.map(String::from) };
        Car::insert(db.engine(), new).await.unwrap();
    }
}

/// The names that a filter finds, the first letters only.
async fn found(db: &Database, filter: Expr<bool>) -> String {
    let cars = Car::select().filter(filter).order_by(Car::ID.asc()).all(db.engine()).await.unwrap();
    cars.iter().map(|car| &car.name[..1]).collect()
}

#[tokio::test]
async fn filters_find_what_they_say() {
    for db in each().await {
        garage(&db).await;
        for (filter, names) in [
            (Car::DOORS.eq(4), "BG"),
            (Car::DOORS.ne(4), "ADE"),
            (Car::DOORS.lt(4), "AE"),
            (Car::DOORS.le(4), "ABGE"),
            (Car::DOORS.gt(4), "D"),
            (Car::DOORS.ge(4), "BGD"),
            (Car::DOORS.between(2, 4), "ABG"),
            (Car::DOORS.is_in([0, 5, 9]), "DE"),
            (Car::DOORS.is_in(Vec::<i32>::new()), ""),
            (!Car::DOORS.is_in(Vec::<i32>::new()), "ABGDE"),
            (Car::NAME.is_in(["Beta", "Delta"]), "BD"),
            (Car::NOTE.is_null(), "AD"),
            (Car::NOTE.is_not_null(), "BGE"),
            (Car::NOTE.eq("red"), "BE"),
            // NULL is neither equal nor unequal.
            (Car::NOTE.ne("red"), "G"),
            (Car::NOTE.like("%e%"), "BGE"),
            (Car::NAME.like("%a"), "ABGD"),
            (Car::NAME.like("_elta"), "D"),
            (Car::MODEL.like("%\\%"), "A"),
            (Car::MODEL.like("_\\_"), "B"),
            (Car::MODEL.like("c\\\\"), "G"),
            (Car::NAME.like("%' OR ''='"), ""),
            (Car::DOORS.eq(4) & Car::NOTE.eq("red"), "B"),
            (Car::DOORS.eq(5) | Car::NOTE.eq("red"), "BDE"),
            (!Car::DOORS.eq(4), "ADE"),
            (!(Car::DOORS.eq(4) | Car::NOTE.is_null()), "E"),
            ((Car::DOORS.eq(2) | Car::DOORS.eq(4)) & Car::NOTE.is_not_null(), "BG"),
            (Car::DOORS.eq(2) | Car::DOORS.eq(4) & Car::NOTE.eq("blue"), "AG"),
        ] {
            assert_eq!(found(&db, filter.clone()).await, names, "{db}: {filter:?}");
        }
        let both = Car::select().filter(Car::DOORS.eq(4)).filter(Car::NOTE.eq("blue"));
        assert_eq!(both.count(db.engine()).await.unwrap(), 1, "{db}");
    }
}

#[tokio::test]
async fn rows_are_ordered_and_bounded() {
    for db in each().await {
        garage(&db).await;
        let names = async |select: crocus_orm::Select<Car>| -> String {
            let cars = select.clone().all(db.engine()).await.unwrap();
            let counted = select.count(db.engine()).await.unwrap();
            assert_eq!(counted, cars.len() as u64, "{db}: the count is of the same rows");
            cars.iter().map(|car| &car.name[..1]).collect()
        };
        let by_doors = || Car::select().order_by(Car::DOORS.desc()).order_by(Car::NAME.asc());
        assert_eq!(names(by_doors()).await, "DBGAE", "{db}");
        assert_eq!(names(by_doors().limit(2)).await, "DB", "{db}");
        assert_eq!(names(by_doors().limit(2).offset(1)).await, "BG", "{db}");
        assert_eq!(names(by_doors().offset(3)).await, "AE", "{db}");
        assert_eq!(names(by_doors().offset(9)).await, "", "{db}");
        assert_eq!(names(by_doors().limit(0)).await, "", "{db}");
        assert_eq!(names(by_doors().limit(1).limit(3)).await, "DBG", "{db}: the last limit counts");
        assert_eq!(names(Car::select().order_by(Car::NOTE.asc()).order_by(Car::ID.desc())).await, "GEBDA", "{db}");
        assert_eq!(names(Car::select().order_by(Car::NOTE.desc()).order_by(Car::ID.desc())).await, "DAEBG", "{db}");
    }
}

#[tokio::test]
async fn a_bound_past_every_row_is_no_mistake() {
    for db in each().await {
        garage(&db).await;
        assert_eq!(Car::select().limit(u64::MAX).all(db.engine()).await.unwrap().len(), 5, "{db}");
        assert_eq!(Car::select().offset(u64::MAX).all(db.engine()).await.unwrap().len(), 0, "{db}");
    }
}

#[tokio::test]
async fn one_row_or_none_or_too_many() {
    for db in each().await {
        garage(&db).await;
        let doors = |doors| Car::select().filter(Car::DOORS.eq(doors)).order_by(Car::ID.asc());
        assert_eq!(doors(4).first(db.engine()).await.unwrap().unwrap().name, "Beta", "{db}");
        assert_eq!(doors(9).first(db.engine()).await.unwrap(), None, "{db}");
        assert_eq!(doors(5).one_or_none(db.engine()).await.unwrap().unwrap().name, "Delta", "{db}");
        assert_eq!(doors(9).one_or_none(db.engine()).await.unwrap(), None, "{db}");
        let error = assert_kind(doors(4).one_or_none(db.engine()).await, ErrorKind::MultipleRows);
        assert_eq!(error.to_string(), "more than one car was found");
        assert_eq!(Car::get(db.engine(), 99).await.unwrap(), None, "{db}");
    }
}

#[tokio::test]
async fn rows_are_updated_and_deleted_by_filter() {
    for db in each().await {
        garage(&db).await;
        let update = Car::update().set(Car::NOTE, "green").set(Car::DOORS, 3).filter(Car::NOTE.eq("red"));
        assert_eq!(update.execute(db.engine()).await.unwrap(), 2, "{db}");
        assert_eq!(found(&db, Car::NOTE.eq("green") & Car::DOORS.eq(3)).await, "BE", "{db}");
        let to_null = Car::update().set(Car::NOTE, None::<String>).filter(Car::NOTE.eq("green"));
        assert_eq!(to_null.execute(db.engine()).await.unwrap(), 2, "{db}");
        assert_eq!(found(&db, Car::NOTE.is_null()).await, "ABDE", "{db}");
        assert_eq!(Car::update().set(Car::DOORS, 1).filter(Car::ID.eq(99)).execute(db.engine()).await.unwrap(), 0);

        assert_eq!(Car::delete().filter(Car::DOORS.eq(3)).execute(db.engine()).await.unwrap(), 2, "{db}");
        assert_eq!(found(&db, Car::ID.gt(0)).await, "AGD", "{db}");
        assert_eq!(Car::delete().execute(db.engine()).await.unwrap(), 3, "{db}");
        assert_eq!(Car::select().count(db.engine()).await.unwrap(), 0, "{db}");
    }
}

#[tokio::test]
async fn an_update_of_nothing_is_refused_with_the_reason() {
    for db in each().await {
        let error = assert_kind(Car::update().execute(db.engine()).await, ErrorKind::InvalidQuery);
        assert_eq!(error.to_string(), "the update of `cars` sets no column", "{db}");
    }
}

#[tokio::test]
async fn the_database_fills_in_what_an_insert_leaves_out() {
    for db in each().await {
        let left_out = NewCountry { code: "ch".into(), name: None, size: None };
        let country = Country::insert(db.engine(), left_out).await.unwrap();
        assert_eq!(country, Country { code: "ch".into(), name: "nowhere".into(), size: Some(7) }, "{db}");
        let null = NewCountry { code: "li".into(), name: Some("Liechtenstein".into()), size: Some(None) };
        assert_eq!(Country::insert(db.engine(), null).await.unwrap().size, None, "{db}");

        let first = Ticket::insert(db.engine(), NewTicket {}).await.unwrap();
        let second = Ticket::insert(db.engine(), NewTicket {}).await.unwrap();
        assert_eq!((first.id, second.id), (1, 2), "{db}");
        // A number is never given twice, not even the last one's after it was deleted.
        Ticket::delete().filter(Ticket::ID.eq(2)).execute(db.engine()).await.unwrap();
        assert_eq!(Ticket::insert(db.engine(), NewTicket {}).await.unwrap().id, 3, "{db}");
    }
}

#[tokio::test]
async fn reserved_words_are_names_too() {
    for db in each().await {
        let new = NewReserved { group: "by".into(), place: Some(1) };
        let row = Reserved::insert(db.engine(), new).await.unwrap();
        assert_eq!(Reserved::get(db.engine(), row.id).await.unwrap(), Some(row.clone()), "{db}");
        let query = Reserved::select().filter(Reserved::PLACE.eq(1)).order_by(Reserved::GROUP.desc());
        assert_eq!(query.clone().count(db.engine()).await.unwrap(), 1, "{db}");
        assert_eq!(query.all(db.engine()).await.unwrap(), std::slice::from_ref(&row), "{db}");
        let update = Reserved::update().set(Reserved::PLACE, 2).filter(Reserved::GROUP.eq("by"));
        assert_eq!(update.execute(db.engine()).await.unwrap(), 1, "{db}");

        let mut session = db.session();
        let handle = session.get::<Reserved>(row.id).await.unwrap().unwrap();
        assert_eq!(session[handle].place, Some(2), "{db}");
        session[handle].place = None;
        session.commit().await.unwrap();
        session.delete(handle);
        session.commit().await.unwrap();
        assert_eq!(Reserved::select().count(db.engine()).await.unwrap(), 0, "{db}");
    }
}

#[tokio::test]
async fn a_key_may_have_several_columns() {
    for db in each().await {
        for (row, letter) in [(1, "A"), (1, "B"), (2, "A")] {
            Seat::insert(db.engine(), NewSeat { row, taken: false, letter: letter.into() }).await.unwrap();
        }
        let seat = Seat::get(db.engine(), (1, "B".into())).await.unwrap().unwrap();
        assert_eq!((seat.row, &*seat.letter), (1, "B"), "{db}");
        assert_eq!(Seat::get(db.engine(), (2, "B".into())).await.unwrap(), None, "{db}");
        let not_found = Seat::not_found(&(2, "B".into()));
        assert_eq!(not_found.to_string(), "no seat with row 2, letter \"B\"");

        let mut session = db.session();
        let handle = session.get::<Seat>((1, "B".into())).await.unwrap().unwrap();
        session[handle].taken = true;
        session.commit().await.unwrap();
        let taken = Seat::select().filter(Seat::TAKEN.eq(true)).all(db.engine()).await.unwrap();
        assert_eq!(taken, [Seat { taken: true, ..seat }], "{db}: one row only");
    }
}

#[tokio::test]
async fn many_values_are_taken_or_refused_with_the_reason() {
    for db in each().await {
        garage(&db).await;
        let cars = Car::select().filter(Car::ID.is_in(1..=30_000)).count(db.engine()).await.unwrap();
        assert_eq!(cars, 5, "{db}");
        let error = assert_kind(
            Car::select().filter(Car::ID.is_in(1..=70_000)).all(db.engine()).await,
            ErrorKind::InvalidValue,
        );
        assert!(error.to_string().starts_with("the statement has 70000 values"), "{db}: {error}");
        db.ping().await.unwrap();
    }
}

#[tokio::test]
async fn the_number_of_values_must_be_the_statement_s() {
    for db in each().await {
        for values in [vec![], vec![1.into(), 2.into()]] {
            let text = format!("the statement takes 1 values and was given {}", values.len());
            let error = assert_kind(db.query(Statement::read("SELECT 1 + $1", values)).await, ErrorKind::Database);
            assert_eq!(error.to_string(), text, "{db}");
        }
    }
}

/// Wherever it stands, and however often.
#[tokio::test]
async fn a_value_is_told_by_its_number() {
    for db in each().await {
        let sql = "SELECT $3 || $1 || $3 || $2 WHERE CAST($2 AS text) = 'b'";
        let rows = db.query(Statement::read(sql, ["a".into(), "b".into(), "c".into()])).await.unwrap();
        assert_eq!(rows[0].get::<String>(0).unwrap(), "cacb", "{db}");
    }
}

#[tokio::test]
async fn only_rows_written_are_counted() {
    for db in each().await {
        garage(&db).await;
        let write = |sql: &str| Statement::write(sql, []);
        assert_eq!(db.execute(write("UPDATE cars SET doors = doors + 1")).await.unwrap(), 5, "{db}");
        assert_eq!(db.execute(write("CREATE TABLE more (id integer)")).await.unwrap(), 0, "{db}");
        assert_eq!(db.execute(write("DELETE FROM cars WHERE doors > 99")).await.unwrap(), 0, "{db}");
    }
}

/// 2,000 rows: several of SQLite's batches.
async fn many_samples(db: &Database) {
    let numbers = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2000)";
    let statement = Statement::write(format!("{numbers} INSERT INTO samples (int8) SELECT n FROM n"), []);
    assert_eq!(
        db.execute(if db.is_sqlite() {
            statement
        } else {
            Statement::write("INSERT INTO samples (int8) SELECT generate_series(1, 2000)", [])
        })
        .await
        .unwrap(),
        2000
    );
}

#[tokio::test]
async fn a_stream_has_every_row_in_order() {
    for db in each().await {
        many_samples(&db).await;
        let all = async |query: crocus_orm::Select<Sample>| -> Vec<Sample> {
            query.stream(db.engine()).await.unwrap().try_collect().await.unwrap()
        };
        let rows = all(Sample::select().order_by(Sample::INT8.desc())).await;
        assert!(rows.iter().map(|row| row.int8.unwrap()).eq((1..=2000).rev()), "{db}");
        let bounded = all(Sample::select().order_by(Sample::INT8.asc()).limit(512).offset(1)).await;
        assert!(bounded.iter().map(|row| row.int8.unwrap()).eq(2..=513), "{db}");
        assert!(all(Sample::select().filter(Sample::INT8.lt(0))).await.is_empty(), "{db}");

        let transaction = db.begin().await.unwrap();
        let rows = Sample::select().stream(&transaction).await.unwrap();
        assert_eq!(rows.try_collect::<Vec<_>>().await.unwrap().len(), 2000, "{db}");
        transaction.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn streams_that_are_dropped_early_give_their_connections_back() {
    for db in each_with(few_connections(3)).await {
        many_samples(&db).await;
        for rows in 0..12 {
            let mut stream = Sample::select().stream(db.engine()).await.unwrap();
            for _ in 0..rows {
                assert!(soon(stream.try_next()).await.unwrap().is_some(), "{db}");
            }
        }
        // All of them are whole again.
        let streams = [(); 3].map(|()| async {
            let stream = Sample::select().stream(db.engine()).await.unwrap();
            stream.try_fold(0, |count, _| async move { Ok(count + 1) }).await.unwrap()
        });
        assert_eq!(soon(futures_util::future::join_all(streams)).await, [2000, 2000, 2000], "{db}");
    }
}

#[tokio::test]
async fn a_stream_holds_its_connection_until_its_end() {
    for db in each_with(few_connections(1)).await {
        many_samples(&db).await;
        let mut stream = Sample::select().stream(db.engine()).await.unwrap();
        stream.try_next().await.unwrap();
        let error = assert_kind(soon(Car::get(db.engine(), 1)).await, ErrorKind::Unavailable);
        assert_eq!(error.to_string(), "every connection to the database is in use");
        assert_eq!(stream.try_fold(1, |count, _| async move { Ok(count + 1) }).await.unwrap(), 2000, "{db}");
        assert_eq!(soon(Car::get(db.engine(), 1)).await.unwrap(), None, "{db}");
    }
}

#[tokio::test]
async fn a_statement_that_is_refused_is_refused_before_the_stream() {
    for db in each().await {
        db.batch("DROP TABLE samples").await;
        assert_kind(Sample::select().stream(db.engine()).await.map(drop), ErrorKind::MissingTable);
    }
}

#[tokio::test]
async fn a_stream_may_fail_half_way() {
    for db in each_with(few_connections(1)).await {
        many_samples(&db).await;
        let sql = if db.is_sqlite() {
            // The row that overflows is after two batches.
            "SELECT abs(CASE WHEN int8 = 1500 THEN -9223372036854775807 - 1 ELSE int8 END) FROM samples ORDER BY id"
        } else {
            "SELECT 1 / (1500 - int8) FROM samples ORDER BY id"
        };
        let mut stream = db.stream(Statement::read(sql, [])).await.unwrap();
        let mut rows = 0;
        let error: Error = loop {
            match soon(stream.try_next()).await {
                Ok(Some(_)) => rows += 1,
                Ok(None) => panic!("{db}: the error was swallowed after {rows} rows"),
                Err(error) => break error,
            }
        };
        assert!(rows < 1500, "{db}");
        assert!(error.to_string().contains(if db.is_sqlite() { "overflow" } else { "division by zero" }), "{error}");
        drop(stream);
        soon(db.ping()).await.unwrap();
    }
}

#[tokio::test]
async fn a_row_that_does_not_fit_fails_alone_in_a_stream() {
    for db in each().await {
        for _ in 0..3 {
            Sample::insert(db.engine(), NewSample { int2: Some(1), ..nothing() }).await.unwrap();
        }
        if db.is_sqlite() {
            db.batch("UPDATE samples SET int2 = 70000 WHERE id = 2").await;
        } else {
            db.batch("ALTER TABLE samples ALTER int2 TYPE integer; UPDATE samples SET int2 = 2 WHERE id = 2").await;
        }
        let mut stream = Sample::select().order_by(Sample::ID.asc()).stream(db.engine()).await.unwrap();
        let mut outcomes = Vec::new();
        loop {
            match stream.try_next().await {
                Ok(Some(_)) => outcomes.push(true),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Mismatch);
                    outcomes.push(false);
                }
            }
        }
        assert_eq!(outcomes, if db.is_sqlite() { [true, false, true] } else { [false, false, false] }, "{db}");
    }
}

#[tokio::test]
async fn a_value_with_quotes_is_a_value() {
    for db in each().await {
        let name = "Robert'); DROP TABLE cars; -- \" $1 ? \\";
        let inserted = Car::insert(db.engine(), car(name)).await.unwrap();
        assert_eq!(inserted.name, name, "{db}");
        assert_eq!(Car::select().filter(Car::NAME.eq(name)).count(db.engine()).await.unwrap(), 1, "{db}");
    }
}
