//! What a flush sends: in which order, in how many statements and round trips, and what it does when something is wrong.

use crocus_macros::Model;
use crocus_orm::{ColumnOperators, ErrorKind, Handle, Model, Session, Statement};

use super::dealer::{
    Car, Left, Maker, NewEgg, NewHen, NewLeft, NewOwner, NewPlate, NewRight, NewSale, Owner, Plate, Right, Sale, Tag,
    car, dealers, maker, owner, tag,
};
use crate::database::{Database, assert_kind};

/// What a shop sells under a number of its own.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "d_parts")]
struct Part {
    #[model(primary_key)]
    shop_id: i32,
    #[model(primary_key)]
    number: i32,
}

/// What forgets the part, and not the shop. SQLite forgets both.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "d_needs")]
#[model(belongs_to(part = Part, key(shop_id, number), on_delete = set_null, on_delete_columns(number)))]
struct Need {
    #[model(primary_key)]
    id: i32,
    shop_id: Option<i32>,
    number: Option<i32>,
}

/// The statements that were sent, without those of the transaction, each as far as its table.
fn sent(recorded: &crocus_orm::Recorded) -> Vec<String> {
    let all = recorded.statements();
    let writes =
        all.iter().filter(|statement| !["BEGIN", "COMMI", "SAVEP", "RELEA", "ROLLB"].contains(&&statement.sql[..5]));
    let shown = |sql: &str| {
        let words: Vec<_> = sql.split_whitespace().filter(|word| !["INTO", "FROM"].contains(word)).collect();
        format!("{} {}", words[0], words[1].trim_matches('"'))
    };
    let shown = writes.map(|statement| shown(&statement.sql)).collect();
    recorded.clear();
    shown
}

#[tokio::test]
async fn a_thousand_rows_take_a_handful_of_round_trips() {
    for db in dealers().await {
        let (recording, recorded) = db.record();
        // The second time, PostgreSQL knows the statements.
        for (round, most) in [(1, if db.is_sqlite() { 4 } else { 7 }), (2, 4)] {
            let mut session = recording.session();
            let makers = session.add_all((0..10).map(|number| maker(&format!("{round}/{number}"))));
            let cars: Vec<_> =
                (0..490).map(|number| session.add(car(&format!("{number}"), makers[number % 10]))).collect();
            let plates: Vec<_> = cars
                .iter()
                .enumerate()
                .map(|(number, car)| NewPlate { car_id: (*car).into(), number: format!("{round}/{number}") })
                .collect();
            let sellers = session.add(owner(&format!("{round}@x")));
            session.add_all(plates);
            session.add_all((0..9).map(|number| NewSale {
                car_id: cars[number].into(),
                owner_email: sellers.into(),
                price: 1,
            }));
            session.commit().await.unwrap();
            assert!(recorded.round_trips() <= most, "{db}: {} round trips", recorded.round_trips());
            assert_eq!(
                sent(&recorded),
                ["INSERT d_makers", "INSERT d_cars", "INSERT d_owners", "INSERT d_plates", "INSERT d_sales"],
                "{db}"
            );
            for (number, handle) in cars.iter().enumerate() {
                assert_eq!(session[*handle].name, number.to_string(), "{db}: each object has its own row");
                assert_eq!(session[*handle].maker_id, session[makers[number % 10]].id, "{db}");
            }
        }
    }
}

#[tokio::test]
async fn more_rows_than_a_statement_takes_are_several_statements() {
    for db in dealers().await {
        let mut session = db.session();
        let tags = session.add_all((0..40_000).map(|number| tag(&format!("{number}"))));
        session.commit().await.unwrap();
        assert_eq!(session[tags[39_999]].name, "39999", "{db}");
        for tag in &tags {
            session[*tag].name += "!";
        }
        session.commit().await.unwrap();
        assert_eq!(Tag::select().filter(Tag::NAME.like("%!")).count(db.engine()).await.unwrap(), 40_000, "{db}");
        for tag in tags {
            session.delete(tag);
        }
        session.commit().await.unwrap();
        assert_eq!(Tag::select().count(db.engine()).await.unwrap(), 0, "{db}");
    }
}

#[tokio::test]
async fn rows_of_one_table_are_updated_and_deleted_together() {
    for db in dealers().await {
        let (recording, recorded) = db.record();
        let mut session = recording.session();
        let it = session.add(maker("Tesla"));
        let cars = session.add_all((0..5).map(|number| car(&format!("{number}"), it)));
        session.commit().await.unwrap();
        sent(&recorded);
        for (number, car) in cars.iter().enumerate() {
            session[*car].doors = number as i32;
        }
        session[cars[0]].name = "zero".into();
        session.commit().await.unwrap();
        assert_eq!(sent(&recorded), ["UPDATE d_cars", "UPDATE d_cars"], "{db}: one for each set of columns");
        for (number, handle) in cars.iter().enumerate() {
            let stored = Car::get(db.engine(), session[*handle].id).await.unwrap().unwrap();
            assert_eq!((stored.doors, stored.version), (number as i32, if number == 4 { 1 } else { 2 }), "{db}");
            assert_eq!(session[*handle], stored, "{db}");
        }
        for car in cars {
            session.delete(car);
        }
        session.delete(it);
        session.commit().await.unwrap();
        assert_eq!(sent(&recorded), ["DELETE d_cars", "DELETE d_makers"], "{db}");
    }
}

#[tokio::test]
async fn one_statement_is_a_transaction_by_itself() {
    for db in dealers().await {
        let (recording, recorded) = db.record();
        let mut session = recording.session();
        let it = session.add(tag("one"));
        session.commit().await.unwrap();
        session[it].name = "two".into();
        session.commit().await.unwrap();
        session.commit().await.unwrap();
        let all: Vec<_> = recorded.statements().iter().map(|statement| statement.sql[..6].to_owned()).collect();
        assert_eq!(all, ["INSERT", "UPDATE"], "{db}");
    }
}

#[tokio::test]
async fn what_points_to_itself_goes_by_levels() {
    for db in dealers().await {
        let mut session = db.session();
        // The child is added first: the order is that of the keys, and not of adding.
        let child = session.add(maker("child"));
        let parent = session.add(maker("parent"));
        let root = session.add(maker("root"));
        session.set(child, Maker::GROUP, parent).unwrap();
        session.set(parent, Maker::GROUP, root).unwrap();
        session.commit().await.unwrap();
        assert_eq!(session[child].group_id, Some(session[parent].id), "{db}");
        assert_eq!(session[parent].group_id, Some(session[root].id), "{db}");
        for maker in [root, parent, child] {
            session.delete(maker);
        }
        session.commit().await.unwrap();
        assert_eq!(Maker::select().count(db.engine()).await.unwrap(), 0, "{db}");
    }
}

#[tokio::test]
async fn a_circle_is_closed_by_an_update() {
    for db in dealers().await {
        let mut session = db.session();
        let right = session.add(NewRight { left_id: None });
        let left = session.add(NewLeft { right_id: right.into() });
        session.pending_mut(right).unwrap().left_id = left.into();
        let own = session.add(maker("its own"));
        session.set(own, Maker::GROUP, own).unwrap();
        let (one, two) = (session.add(maker("one")), session.add(maker("two")));
        session.set(one, Maker::GROUP, two).unwrap();
        session.set(two, Maker::GROUP, one).unwrap();
        session.commit().await.unwrap();
        assert_eq!(
            (session[left].right_id, session[right].left_id),
            (session[right].id, Some(session[left].id)),
            "{db}"
        );
        assert_eq!(session[own].group_id, Some(session[own].id), "{db}");
        assert_eq!(
            (session[one].group_id, session[two].group_id),
            (Some(session[two].id), Some(session[one].id)),
            "{db}"
        );
        let stored = Right::get(db.engine(), session[right].id).await.unwrap();
        assert_eq!(stored.as_ref(), Some(&session[right]), "{db}");

        session.delete(left);
        session.delete(right);
        for maker in [own, one, two] {
            session.delete(maker);
        }
        session.commit().await.unwrap();
        assert_eq!(Left::select().count(db.engine()).await.unwrap(), 0, "{db}");
        assert_eq!(Maker::select().count(db.engine()).await.unwrap(), 0, "{db}");
    }
}

#[tokio::test]
async fn a_circle_that_nothing_can_break_is_refused_before_anything_is_sent() {
    for db in dealers().await {
        let mut session = db.session();
        let hen = session.add(NewHen { egg_id: 0.into() });
        let egg = session.add(NewEgg { hen_id: hen.into() });
        session.pending_mut(hen).unwrap().egg_id = egg.into();
        let error = assert_kind(session.commit().await, ErrorKind::InvalidQuery);
        assert!(error.to_string().contains("hen") && error.to_string().contains("egg"), "{error}");
    }
}

#[tokio::test]
async fn a_row_is_replaced_under_its_keys() {
    for db in dealers().await {
        let mut session = db.session();
        let (first, first_tag) = (session.add(owner("a@x")), session.add(tag("red")));
        session.commit().await.unwrap();
        session.delete(first);
        session.delete(first_tag);
        let second = session.add(NewOwner { email: "a@x".into(), name: "another".into() });
        let second_tag = session.add(tag("red"));
        session.commit().await.unwrap();
        assert_eq!(session.get::<Owner>("a@x".into()).await.unwrap(), Some(second), "{db}");
        assert_eq!(session[second].name, "another", "{db}");
        assert_eq!(session[second_tag].name, "red", "{db}");
    }
}

#[tokio::test]
async fn a_child_moves_from_a_parent_that_is_replaced() {
    for db in dealers().await {
        let mut session = db.session();
        let old = session.add(maker("Tesla"));
        let brand = session.add(maker("brand"));
        session.set(brand, Maker::GROUP, old).unwrap();
        let handle = session.add(car("3", old));
        session.commit().await.unwrap();
        // The new one needs the name of the old one, which is needed until its brand points to the new one.
        let new = session.add(maker("Tesla"));
        session.set(brand, Maker::GROUP, new).unwrap();
        session.delete(handle);
        session.delete(old);
        session.commit().await.unwrap();
        assert_eq!(session[brand].group_id, Some(session[new].id), "{db}");
    }
}

#[tokio::test]
async fn values_may_be_handed_on() {
    for db in dealers().await {
        let mut session = db.session();
        let tags = session.add_all(["a", "b", "c"].map(tag));
        session.commit().await.unwrap();
        session[tags[2]].name = "b".into();
        session[tags[1]].name = "a".into();
        session[tags[0]].name = "z".into();
        session.commit().await.unwrap();
        let names: Vec<_> = tags.iter().map(|tag| &*session[*tag].name).collect();
        assert_eq!(names, ["z", "a", "b"], "{db}");
        // In a circle, neither database takes them one by one.
        session[tags[0]].name = "a".into();
        session[tags[1]].name = "z".into();
        assert_kind(session.commit().await, ErrorKind::UniqueViolation);
    }
}

#[tokio::test]
async fn what_the_database_does_to_other_rows_is_followed() {
    for db in dealers().await {
        let mut session = db.session();
        let (it, buyer) = (session.add(maker("Tesla")), session.add(owner("a@x")));
        let handle = session.add(car("3", it));
        session.set(handle, Car::OWNER, buyer).unwrap();
        let plate = session.add(NewPlate { car_id: handle.into(), number: "A 1".into() });
        let sale = session.add(NewSale { car_id: handle.into(), owner_email: buyer.into(), price: 7 });
        session.commit().await.unwrap();

        session[buyer].email = "b@x".into();
        session.commit().await.unwrap();
        assert_eq!(session[handle].owner_email.as_deref(), Some("b@x"), "{db}: ON UPDATE CASCADE");
        let key = (session[handle].id, "b@x".to_owned());
        assert_eq!(session.get::<Sale>(key).await.unwrap(), Some(sale), "{db}: also in a key");

        session.delete(buyer);
        session.commit().await.unwrap();
        assert_eq!(session[handle].owner_email, None, "{db}: ON DELETE SET NULL");
        assert_kind(session.try_get(sale), ErrorKind::NotFound);
        let stored = Car::get(db.engine(), session[handle].id).await.unwrap();
        assert_eq!(stored.as_ref(), Some(&session[handle]), "{db}");
        session[handle].doors = 3;
        session.commit().await.unwrap();

        session.delete(handle);
        session.commit().await.unwrap();
        assert_kind(session.try_get(plate), ErrorKind::NotFound);
        assert_eq!(Plate::select().count(db.engine()).await.unwrap(), 0, "{db}");
    }
}

/// A car, as another session changed it.
async fn stale(db: &Database) -> (Session, Handle<Car>, Handle<Car>) {
    let mut session = db.session();
    let it = session.add(maker("Tesla"));
    let cars = session.add_all(["3", "S"].map(|name| car(name, it)));
    session.commit().await.unwrap();
    let mut other = db.session();
    let same = other.get::<Car>(session[cars[0]].id).await.unwrap().unwrap();
    other[same].doors = 5;
    other.commit().await.unwrap();
    (session, cars[0], cars[1])
}

#[tokio::test]
async fn a_stale_object_is_named() {
    for db in dealers().await {
        for delete in [false, true] {
            db.batch("DELETE FROM d_cars; DELETE FROM d_makers").await;
            let (mut session, one, two) = stale(&db).await;
            let id = session[one].id;
            for car in [one, two] {
                if delete {
                    session.delete(car);
                } else {
                    session[car].doors = 3;
                }
            }
            let error = assert_kind(session.commit().await, ErrorKind::StaleObject);
            let text = format!("the car with id {id} was changed or deleted by somebody else since it was read");
            assert_eq!(error.to_string(), text, "{db}");
            let doors = Car::select().order_by(Car::ID.asc()).all(db.engine()).await.unwrap();
            assert_eq!(doors.iter().map(|car| car.doors).collect::<Vec<_>>(), [5, 4], "{db}: nothing was written");

            if delete {
                session.rollback().await.unwrap();
            }
            session.refresh(one).await.unwrap();
            assert_eq!((session[one].doors, session[one].version), (5, 2), "{db}");
            session[one].doors = 3;
            session.commit().await.unwrap();
            assert_eq!(session[one].version, 3, "{db}");
        }
    }
}

#[tokio::test]
async fn the_version_that_a_client_has_read_is_checked() {
    for db in dealers().await {
        let mut session = db.session();
        let it = session.add(maker("Tesla"));
        let handle = session.add(car("3", it));
        session.commit().await.unwrap();
        let read = session[handle].clone();
        session[handle].doors = 5;
        session.commit().await.unwrap();
        assert_eq!(session[handle].version, 2, "{db}");

        // With the version that is the row's, with an older one, and with one that nobody has seen.
        for (version, stale) in [(2, false), (1, true), (9, true)] {
            let mut session = db.session();
            let handle = session.get::<Car>(read.id).await.unwrap().unwrap();
            session[handle].version = version;
            session[handle].doors = 2;
            let result = session.commit().await;
            assert_eq!(result.is_err_and(|error| error.kind() == ErrorKind::StaleObject), stale, "{db}: {version}");
        }
        // A stale copy is not merged, whether it changes something else or not.
        for doors in [read.doors, 3] {
            let mut session = db.session();
            session.merge(Car { doors, ..read.clone() }).await.unwrap();
            assert_kind(session.commit().await, ErrorKind::StaleObject);
        }
        let now = Car::get(db.engine(), read.id).await.unwrap().unwrap();
        assert_eq!((now.doors, now.version), (2, 3), "{db}");
        let mut session = db.session();
        let handle = session.merge(now).await.unwrap();
        session[handle].version = 4;
        let error = assert_kind(session.commit().await, ErrorKind::StaleObject);
        assert!(error.to_string().starts_with("the car with id"), "{db}: {error}");
    }
}

#[tokio::test]
async fn a_failed_flush_leaves_everything_as_it_was() {
    for db in dealers().await {
        let mut session = db.session();
        let it = session.add(maker("Tesla"));
        session.flush().await.unwrap();
        let good = session.add(car("3", it));
        let bad = session.add(car("S", it));
        session.pending_mut(bad).unwrap().doors = -1;
        let error = assert_kind(session.flush().await, ErrorKind::CheckViolation);
        assert_eq!(error.constraint().unwrap().expression.as_deref(), Some("doors >= 0"), "{db}");
        assert_eq!(error.constraint().unwrap().table.as_deref(), Some("d_cars"), "{db}");
        assert!(session.try_get(good).is_err(), "{db}: it is not there yet");
        assert_eq!(session[it].name, "Tesla", "{db}: what was flushed before is still there");
        session.pending_mut(bad).unwrap().doors = 1;
        session.commit().await.unwrap();
        assert_eq!(Car::select().count(db.engine()).await.unwrap(), 2, "{db}");
    }
}

#[tokio::test]
async fn a_commit_that_the_database_refuses_undoes_the_session() {
    // SQLite refuses its deferred keys at the commit too, and leaves the transaction open.
    for db in dealers().await {
        db.batch("CREATE TABLE d_late (id integer PRIMARY KEY REFERENCES d_tags (id) DEFERRABLE INITIALLY DEFERRED)")
            .await;
        for flushed in [false, true] {
            let mut session = db.session();
            session.begin().await.unwrap();
            let it = session.add(maker(&format!("{flushed}")));
            if flushed {
                session.flush().await.unwrap();
            }
            let Ok(crocus_orm::Target::Transaction(transaction)) = crocus_orm::Executor::target(&session, None) else {
                panic!("the session has a transaction");
            };
            transaction.execute(Statement::write("INSERT INTO d_late VALUES (99)", [])).await.unwrap();
            assert_kind(session.commit().await, ErrorKind::ForeignKeyViolation);
            assert!(session.try_get(it).is_err(), "{db}");
            assert!(!session.is_changed(), "{db}");
            assert_eq!(Maker::select().count(db.engine()).await.unwrap(), 0, "{db}");
        }
    }
}

#[tokio::test]
async fn what_a_cascade_gives_up_is_free() {
    for db in dealers().await {
        let mut session = db.session();
        let it = session.add(maker("Tesla"));
        let old = session.add(car("3", it));
        session.add(NewPlate { car_id: old.into(), number: "A 1".into() });
        session.commit().await.unwrap();
        session.delete(old);
        let new = session.add(car("S", it));
        let plate = session.add(NewPlate { car_id: new.into(), number: "A 1".into() });
        session.commit().await.unwrap();
        assert_eq!(session[plate].car_id, session[new].id, "{db}");
    }
}

#[tokio::test]
async fn what_a_deletion_sets_in_part_is_not_guessed() {
    for db in dealers().await {
        let (id, set) = if db.is_sqlite() {
            ("INTEGER PRIMARY KEY", "SET NULL")
        } else {
            ("integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", "SET NULL (number)")
        };
        let tables = format!(
            "CREATE TABLE d_parts (shop_id integer NOT NULL, number integer NOT NULL, PRIMARY KEY (shop_id, number));
             CREATE TABLE d_needs (id {id}, shop_id integer, number integer,
                 FOREIGN KEY (shop_id, number) REFERENCES d_parts (shop_id, number) ON DELETE {set})"
        );
        db.batch(&tables).await;
        let mut session = db.session();
        let part = session.add(NewPart { shop_id: 7, number: 1 });
        let need = session.add(NewNeed { shop_id: Some(7), number: Some(1) });
        session.commit().await.unwrap();
        session.delete(part);
        session.flush().await.unwrap();
        let shop_id = (!db.is_sqlite()).then_some(7);
        if let Ok(seen) = session.try_get(need) {
            assert_eq!((seen.shop_id, seen.number), (shop_id, None), "{db}");
        }
        session.refresh(need).await.unwrap();
        assert_eq!((session[need].shop_id, session[need].number), (shop_id, None), "{db}");
    }
}

/// Tables of PostgreSQL that inherit have rows with keys of their own: an update gives more rows than it was asked for.
#[tokio::test]
async fn rows_of_a_table_that_inherits_come_back_too() {
    for db in dealers().await.into_iter().filter(|db| !db.is_sqlite()) {
        let mut session = db.session();
        let tags = session.add_all(["new", "red"].map(tag));
        session.commit().await.unwrap();
        db.batch("CREATE TABLE more_tags () INHERITS (d_tags); INSERT INTO more_tags SELECT * FROM d_tags").await;
        tags.iter().for_each(|tag| session[*tag].name.push('!'));
        session.commit().await.unwrap();
        assert_eq!(tags.iter().map(|tag| &*session[*tag].name).collect::<Vec<_>>(), ["new!", "red!"]);
    }
}
