//! Relationships in sessions: loading, reading what was loaded, and changing them.

use crocus_orm::{ColumnOperators, ErrorKind, Model};

use super::dealer::{
    Car, CarTag, Maker, NewCarTag, NewPlate, NewSale, Owner, Plate, Tag, car, dealers, maker, owner, tag,
};
use crate::database::assert_kind;

#[tokio::test]
async fn loading_takes_one_query_or_none() {
    for db in dealers().await {
        let mut made = db.session();
        for name in ["Tesla", "Smart"] {
            let it = made.add(maker(name));
            let cars = made.add_all(["1", "2"].map(|number| car(&format!("{name} {number}"), it)));
            made.add(NewPlate { car_id: cars[0].into(), number: name.into() });
            let red = made.add(tag(&format!("tag of {name}")));
            made.link(cars[0], Car::TAGS, red).unwrap();
        }
        made.commit().await.unwrap();

        let (recording, recorded) = db.record();
        let mut session = recording.session();
        let cars = session.all(Car::select().order_by(Car::ID.asc())).await.unwrap();
        let error = assert_kind(session.related(cars[0], Car::MAKER), ErrorKind::NotFound);
        assert_eq!(error.to_string(), "the relationship `maker` of the car with id 1 is not loaded", "{db}");
        recorded.clear();
        let makers = session.load_all(&cars, Car::MAKER).await.unwrap();
        let plates = session.load_all(&cars, Car::PLATE).await.unwrap();
        let tags = session.load_all(&cars, Car::TAGS).await.unwrap();
        assert_eq!(recorded.statements().len(), 3, "{db}");
        let names: Vec<_> = makers.iter().map(|maker| &*session[*maker].name).collect();
        assert_eq!(names, ["Tesla", "Tesla", "Smart", "Smart"], "{db}");
        assert_eq!(plates.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true, false], "{db}");
        assert_eq!(tags.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0, 1, 0], "{db}");

        recorded.clear();
        assert_eq!(session.load(cars[3], Car::MAKER).await.unwrap(), makers[3], "{db}: it is here");
        assert_eq!(session.related(cars[0], Car::PLATE).unwrap(), plates[0], "{db}");
        assert_eq!(session.related(cars[2], Car::TAGS).unwrap(), tags[2], "{db}");
        assert_eq!(recorded.statements().len(), 0, "{db}");
        let brands = session.load(makers[0], Maker::CARS).await.unwrap();
        assert_eq!(brands, cars[..2], "{db}: one row is one object");

        let twice = session.load_all(&[cars[0], cars[0]], Car::TAGS).await.unwrap();
        assert_eq!(twice.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1], "{db}: an object may be named twice");

        let error = assert_kind(session.related(makers[2], Maker::CARS), ErrorKind::NotFound);
        assert_eq!(error.hint(), Some("load it first: `session.load(handle, Maker::CARS)`"), "{db}");
    }
}

#[tokio::test]
async fn results_of_queries_are_objects() {
    for db in dealers().await {
        let mut session = db.session();
        let it = session.add(maker("Tesla"));
        let handle = session.add(car("3", it));
        session.commit().await.unwrap();
        let pairs = session.all(Car::select().with(Car::MAKER).with(Car::OWNER)).await.unwrap();
        assert_eq!(pairs, [(handle, it, None)], "{db}");
        let lists = session.all(Maker::select().with(Maker::CARS)).await.unwrap();
        assert_eq!(lists, [(it, vec![handle])], "{db}");
        let found = session.one(Car::select().map(|car| (car.clone(), car.name.len() as i64))).await.unwrap();
        assert_eq!(found, (handle, 1), "{db}");
        assert_kind(session.one(Car::select().filter(Car::DOORS.gt(99))).await, ErrorKind::NotFound);
        assert_eq!(session.first(Car::select().filter(Car::DOORS.gt(99))).await.unwrap(), None, "{db}");
    }
}

#[tokio::test]
async fn a_belongs_to_is_set_and_cleared() {
    for db in dealers().await {
        let mut session = db.session();
        let (one, two) = (session.add(maker("one")), session.add(maker("two")));
        let handle = session.add(car("3", one));
        // Before the flush: an object that has no key takes the place of another.
        session.set(handle, Car::MAKER, two).unwrap();
        assert_eq!(session.related(handle, Car::MAKER).unwrap(), two, "{db}");
        assert_eq!(session.related(two, Maker::CARS).unwrap(), [handle], "{db}");
        assert_eq!(session.related(one, Maker::CARS).unwrap(), [], "{db}");
        let buyer = session.add(owner("a@x"));
        session.set(handle, Car::OWNER, buyer).unwrap();
        session.clear(handle, Car::OWNER).unwrap();
        assert_eq!(session.related(handle, Car::OWNER).unwrap(), None, "{db}");
        session.commit().await.unwrap();
        assert_eq!((session[handle].maker_id, &session[handle].owner_email), (session[two].id, &None), "{db}");

        // After it: the column follows at once where there is a key.
        session.set(handle, Car::MAKER, one).unwrap();
        assert_eq!(session[handle].maker_id, session[one].id, "{db}");
        let three = session.add(maker("three"));
        session.set(handle, Car::MAKER, three).unwrap();
        session.set(handle, Car::OWNER, buyer).unwrap();
        assert_eq!(session.related(handle, Car::MAKER).unwrap(), three, "{db}");
        session.commit().await.unwrap();
        assert_eq!(session[handle].maker_id, session[three].id, "{db}");
        assert_eq!(session[handle].owner_email.as_deref(), Some("a@x"), "{db}");

        // The last word counts.
        let four = session.add(maker("four"));
        session.set(handle, Car::MAKER, four).unwrap();
        session[handle].maker_id = session[one].id;
        session.clear(handle, Car::OWNER).unwrap();
        session.commit().await.unwrap();
        assert_eq!((session[handle].maker_id, &session[handle].owner_email), (session[one].id, &None), "{db}");
        let stored = Car::get(db.engine(), session[handle].id).await.unwrap();
        assert_eq!(stored.as_ref(), Some(&session[handle]), "{db}");
    }
}

#[tokio::test]
async fn many_are_linked_and_unlinked() {
    for db in dealers().await {
        let mut session = db.session();
        let it = session.add(maker("Tesla"));
        let (one, two) = (session.add(car("1", it)), session.add(car("2", it)));
        let tags = session.add_all(["red", "fast"].map(tag));
        session.link(one, Car::TAGS, tags[0]).unwrap();
        session.link(one, Car::TAGS, tags[1]).unwrap();
        session.link(tags[0], Tag::CARS, two).unwrap();
        session.link(one, Car::TAGS, tags[0]).unwrap();
        assert_eq!(session.related(tags[0], Tag::CARS).unwrap(), [one, two], "{db}: both sides know");
        session.commit().await.unwrap();
        assert_eq!(CarTag::select().count(db.engine()).await.unwrap(), 3, "{db}");

        session.unlink(tags[1], Tag::CARS, one).unwrap();
        assert_eq!(session.related(one, Car::TAGS).unwrap(), [tags[0]], "{db}");
        session.rollback().await.unwrap();
        assert_eq!(session.related(one, Car::TAGS).unwrap(), tags, "{db}");

        // Nothing has to be loaded, and what was removed twice is gone once.
        let mut other = db.session();
        let same = other.get::<Car>(session[one].id).await.unwrap().unwrap();
        let red = other.one(Tag::select().filter(Tag::NAME.eq("red"))).await.unwrap();
        other.unlink(same, Car::TAGS, red).unwrap();
        other.commit().await.unwrap();
        session.unlink(one, Car::TAGS, tags[0]).unwrap();
        session.commit().await.unwrap();
        assert_eq!(session.load(tags[0], Tag::CARS).await.unwrap(), [two], "{db}");

        session.delete(two);
        session.commit().await.unwrap();
        assert_eq!(session.related(tags[0], Tag::CARS).unwrap(), [], "{db}: the database cascades");
        assert_eq!(CarTag::select().count(db.engine()).await.unwrap(), 1, "{db}");
    }
}

#[tokio::test]
async fn an_association_that_is_an_object_too_is_read_again() {
    for db in dealers().await {
        let mut session = db.session();
        let it = session.add(maker("Tesla"));
        let (handle, red) = (session.add(car("1", it)), session.add(tag("red")));
        let row = session.add(NewCarTag { car_id: handle.into(), tag_id: red.into() });
        session.commit().await.unwrap();
        assert_eq!(session.load(handle, Car::TAGS).await.unwrap(), [red], "{db}");
        session.unlink(handle, Car::TAGS, red).unwrap();
        session.commit().await.unwrap();
        assert_kind(session.try_get(row), ErrorKind::NotFound);
        session.link(handle, Car::TAGS, red).unwrap();
        session.commit().await.unwrap();
        let row = session.one(CarTag::select()).await.unwrap();
        session.delete(row);
        session.commit().await.unwrap();
        assert_kind(session.related(handle, Car::TAGS), ErrorKind::NotFound);
        assert_eq!(session.load(handle, Car::TAGS).await.unwrap(), [], "{db}");
    }
}

#[tokio::test]
async fn orphans_are_deleted_where_it_is_said() {
    for db in dealers().await {
        let mut session = db.session();
        let (it, group) = (session.add(maker("Tesla")), session.add(maker("group")));
        let handle = session.add(car("1", it));
        let first = session.add(NewPlate { car_id: handle.into(), number: "A 1".into() });
        session.link(group, Maker::BRANDS, it).unwrap();
        session.commit().await.unwrap();
        assert_eq!(session[it].group_id, Some(session[group].id), "{db}");

        let second = session.add(NewPlate { car_id: 0.into(), number: "B 2".into() });
        session.link(handle, Car::PLATE, second).unwrap();
        session.unlink(group, Maker::BRANDS, it).unwrap();
        session.commit().await.unwrap();
        assert_eq!(session.related(handle, Car::PLATE).unwrap(), Some(second), "{db}");
        assert_kind(session.try_get(first), ErrorKind::NotFound);
        assert_eq!(Plate::select().count(db.engine()).await.unwrap(), 1, "{db}");
        assert_eq!(session[it].group_id, None, "{db}");

        let error = assert_kind(session.unlink(it, Maker::CARS, handle), ErrorKind::InvalidValue);
        assert_eq!(error.to_string(), format!("the car with id {} must belong to a maker", session[handle].id), "{db}");
        session.unlink(handle, Car::PLATE, second).unwrap();
        session.commit().await.unwrap();
        assert_eq!(Plate::select().count(db.engine()).await.unwrap(), 0, "{db}");
    }
}

#[tokio::test]
async fn what_cannot_be_referred_to_is_told() {
    for db in dealers().await {
        let mut session = db.session();
        let it = session.add(maker("Tesla"));
        let handle = session.add(car("1", it));
        session.delete(it);
        assert_kind(session.set(handle, Car::MAKER, it), ErrorKind::NotFound);
        let error = assert_kind(session.commit().await, ErrorKind::InvalidValue);
        assert!(error.to_string().starts_with("an object refers to a maker that is deleted"), "{error}");
        let other = session.add(maker("Smart"));
        session.set(handle, Car::MAKER, other).unwrap();
        session.commit().await.unwrap();

        let mut second = db.session();
        let foreign = second.add(car("2", it));
        assert_kind(second.commit().await, ErrorKind::InvalidValue);
        assert_kind(second.set(foreign, Car::MAKER, it), ErrorKind::InvalidValue);
        assert_kind(second.try_get(handle), ErrorKind::InvalidValue);
    }
}

#[tokio::test]
async fn assigning_takes_objects() {
    for db in dealers().await {
        let mut session = db.session();
        let (one, two) = (session.add(maker("one")), session.add(maker("two")));
        let handle = session.add(car("1", one));
        session.assign(handle, car("2", two)).unwrap();
        session.commit().await.unwrap();
        assert_eq!((&*session[handle].name, session[handle].maker_id), ("2", session[two].id), "{db}");
        session.assign(handle, car("3", one)).unwrap();
        assert_eq!(
            (&*session[handle].name, session[handle].maker_id, session[handle].version),
            ("3", session[one].id, 1)
        );
        let three = session.add(maker("three"));
        let error = assert_kind(session.assign(handle, car("4", three)), ErrorKind::InvalidValue);
        assert_eq!(error.to_string(), "the new values refer to a maker that has no key", "{db}");
        assert_eq!(session[handle].name, "3", "{db}");
        session.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_link_needs_no_more_than_its_keys() {
    for db in dealers().await {
        let mut session = db.session();
        let (it, buyer) = (session.add(maker("Tesla")), session.add(owner("a@x")));
        let handle = session.add(car("1", it));
        session.add(NewSale { car_id: handle.into(), owner_email: buyer.into(), price: 7 });
        session.commit().await.unwrap();
        let sales = session.load(handle, Car::SALES).await.unwrap();
        assert_eq!(session[sales[0]].price, 7, "{db}");
        assert_eq!(session.load(buyer, Owner::CARS).await.unwrap(), [], "{db}");
        session.link(buyer, Owner::CARS, handle).unwrap();
        session.commit().await.unwrap();
        assert_eq!(session[handle].owner_email.as_deref(), Some("a@x"), "{db}");
    }
}
