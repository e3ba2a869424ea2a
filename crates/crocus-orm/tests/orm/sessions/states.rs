//! Objects through transactions, savepoints, queries, merging, expiring and expunging.

use crocus_orm::{ColumnOperators, ErrorKind, Model, TransactionOptions};

use super::dealer::{Car, Maker, NewOwner, Owner, Tag, car, dealers, maker, owner, tag};
use futures_util::FutureExt;

use crate::database::{assert_kind, soon};

#[tokio::test]
async fn a_savepoint_is_undone_alone() {
    for db in dealers().await {
        let mut session = db.session();
        let it = session.add(tag("before"));
        let mut nested = session.begin_nested().await.unwrap();
        let inside = nested.add(tag("inside"));
        nested[it].name = "changed".into();
        nested.flush().await.unwrap();
        let mut deeper = nested.begin_nested().await.unwrap();
        deeper.delete(it);
        deeper.commit().await.unwrap();
        assert!(nested.try_get(it).is_err(), "{db}");
        nested.rollback().await.unwrap();
        assert_eq!(session[it].name, "before", "{db}");
        assert!(session.try_get(inside).is_err(), "{db}");
        session.begin_nested().await.unwrap().add(tag("dropped"));
        session.commit().await.unwrap();
        let names: Vec<_> = Tag::select().all(db.engine()).await.unwrap().into_iter().map(|tag| tag.name).collect();
        assert_eq!(names, ["before"], "{db}");
    }
}

#[tokio::test]
async fn a_savepoint_that_fails_leaves_the_rest() {
    for db in dealers().await {
        let mut session = db.session();
        session.add(tag("red"));
        for name in ["red", "fast"] {
            let mut nested = session.begin_nested().await.unwrap();
            nested.add(tag(name));
            let result = nested.commit().await;
            assert_eq!(result.is_err(), name == "red", "{db}");
        }
        session.commit().await.unwrap();
        assert_eq!(Tag::select().count(db.engine()).await.unwrap(), 2, "{db}");
    }
}

#[tokio::test]
async fn a_rollback_gives_back_what_was() {
    for db in dealers().await {
        let mut session = db.session();
        let (one, two) = (session.add(tag("one")), session.add(tag("two")));
        session.commit().await.unwrap();
        session[one].name = "changed".into();
        session.delete(two);
        let three = session.add(tag("three"));
        session.flush().await.unwrap();
        session[one].name = "again".into();
        let id = session[three].id;
        session.rollback().await.unwrap();
        assert_eq!((&*session[one].name, &*session[two].name), ("one", "two"), "{db}");
        assert!(session.try_get(three).is_err(), "{db}");
        assert_eq!(session.get::<Tag>(id).await.unwrap(), None, "{db}");
        assert!(!session.is_changed(), "{db}");
        let found = session.all(Tag::select().order_by(Tag::ID.asc())).await.unwrap();
        assert_eq!(found, [one, two], "{db}");
    }
}

#[tokio::test]
async fn what_was_first_read_inside_is_expired_by_a_rollback() {
    for db in dealers().await {
        Tag::insert(db.engine(), tag("one")).await.unwrap();
        let mut session = db.session();
        session.begin().await.unwrap();
        Tag::update().set(Tag::NAME, "two").execute(&session).await.unwrap();
        let it = session.one(Tag::select()).await.unwrap();
        assert_eq!(session[it].name, "two", "{db}: it is read inside");
        session.rollback().await.unwrap();
        let error = assert_kind(session.try_get(it), ErrorKind::NotFound);
        assert_eq!(error.to_string(), "the tag is expired", "{db}");
        session.refresh(it).await.unwrap();
        assert_eq!(session[it].name, "one", "{db}");
    }
}

#[tokio::test]
async fn a_query_sees_what_is_not_flushed_and_nothing_else_is_flushed() {
    for db in dealers().await {
        let (recording, recorded) = db.record();
        let mut session = recording.session();
        let red = session.add(tag("red"));
        assert_eq!(session.all(Maker::select()).await.unwrap(), [], "{db}: another table");
        assert!(session.pending(red).is_some(), "{db}");
        assert_eq!(session.no_autoflush().all(Tag::select()).await.unwrap(), [], "{db}");
        assert_eq!(session.all(Tag::select()).await.unwrap(), [red], "{db}");
        recorded.clear();
        session.all(Tag::select()).await.unwrap();
        assert_eq!(recorded.statements().len(), 1, "{db}: nothing changed since");
        // What a deletion does to the rows behind it is seen too.
        let (it, buyer) = (session.add(maker("Tesla")), session.add(owner("a@x")));
        let handle = session.add(car("3", it));
        session.set(handle, Car::OWNER, buyer).unwrap();
        session.commit().await.unwrap();
        session.delete(buyer);
        assert_eq!(session.all(Car::select().filter(Car::OWNER_EMAIL.is_null())).await.unwrap(), [handle], "{db}");
        session.delete(handle);
        assert_eq!(session.all(Maker::select().with(Maker::CARS)).await.unwrap(), [(it, vec![])], "{db}");
        session.rollback().await.unwrap();
        assert_eq!(session[handle].owner_email.as_deref(), Some("a@x"), "{db}");
    }
}

#[tokio::test]
async fn a_newer_row_is_taken_over_where_nothing_is_lost() {
    for db in dealers().await {
        let mut session = db.session();
        let (one, two) = (session.add(tag("one")), session.add(tag("two")));
        session.commit().await.unwrap();
        Tag::update().set(Tag::NAME, "new").filter(Tag::NAME.eq("one")).execute(db.engine()).await.unwrap();
        session[two].name = "mine".into();
        session.no_autoflush().all(Tag::select()).await.unwrap();
        assert_eq!((&*session[one].name, &*session[two].name), ("new", "mine"), "{db}");
    }
}

#[tokio::test]
async fn an_object_from_outside_is_merged() {
    for db in dealers().await {
        let mut first = db.session();
        let it = first.add(tag("one"));
        first.commit().await.unwrap();
        let mut outside = first[it].clone();
        outside.name = "merged".into();

        let mut session = db.session();
        let merged = session.merge(outside.clone()).await.unwrap();
        assert_eq!(session.merge(outside).await.unwrap(), merged, "{db}");
        let added = session.merge(Tag { id: 77, name: "whole".into() }).await.unwrap();
        assert_eq!(session[added].name, "whole", "{db}");
        let new = session.merge_new(NewOwner { email: "a@x".into(), name: "Ann".into() }).await.unwrap();
        session.commit().await.unwrap();
        let again = session.merge_new(NewOwner { email: "a@x".into(), name: "Anna".into() }).await.unwrap();
        assert_eq!(again, new, "{db}");
        session.commit().await.unwrap();
        assert_eq!(Owner::get(db.engine(), "a@x".into()).await.unwrap().unwrap().name, "Anna", "{db}");
        let names = Tag::select().order_by(Tag::ID.asc()).all(db.engine()).await.unwrap();
        assert_eq!(names.iter().map(|tag| (tag.id, &*tag.name)).collect::<Vec<_>>(), [(1, "merged"), (77, "whole")]);
        assert_kind(session.merge_new(tag("no key")).await.map(drop), ErrorKind::InvalidValue);
    }
}

#[tokio::test]
async fn objects_are_expired_refreshed_and_expunged() {
    for db in dealers().await {
        let mut session = db.session();
        let it = session.add(tag("one"));
        session.commit().await.unwrap();
        session[it].name = "lost".into();
        session.expire(it);
        assert_kind(session.try_get(it), ErrorKind::NotFound);
        session.commit().await.unwrap();
        assert_eq!(session.get::<Tag>(1).await.unwrap(), Some(it), "{db}");
        assert_eq!(session[it].name, "one", "{db}");

        session[it].name = "lost".into();
        session.refresh(it).await.unwrap();
        assert_eq!(session[it].name, "one", "{db}");
        session.expire_all();
        assert_eq!(session.all(Tag::select()).await.unwrap(), [it], "{db}");
        assert_eq!(session[it].name, "one", "{db}");

        session[it].name = "lost".into();
        session.expunge(it);
        session.commit().await.unwrap();
        let again = session.get::<Tag>(1).await.unwrap().unwrap();
        assert!(again != it, "{db}");
        assert_eq!(session[again].name, "one", "{db}");
        Tag::delete().execute(db.engine()).await.unwrap();
        assert_kind(session.refresh(again).await, ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn a_flush_that_is_given_up_is_undone() {
    for db in dealers().await {
        for begun in [false, true] {
            let mut session = db.session();
            if begun {
                session.add(tag(&format!("before {begun}")));
                session.flush().await.unwrap();
            }
            let it = session.add(tag(&format!("given up {begun}")));
            session.add(maker(&format!("given up {begun}")));
            // It is dropped after one look, unless the database was faster than that.
            let done = session.flush().now_or_never().is_some();
            assert_eq!(session.try_get(it).is_ok(), done, "{db}");
            soon(session.commit()).await.unwrap();
            assert_eq!(session[it].name, format!("given up {begun}"), "{db}");
        }
        assert_eq!(Tag::select().count(db.engine()).await.unwrap(), 3, "{db}");
    }
}

#[tokio::test]
async fn a_transaction_may_be_of_another_kind() {
    for db in dealers().await {
        let mut session = db.session();
        session.begin_with(TransactionOptions::new().read_only()).await.unwrap();
        assert_kind(session.begin().await, ErrorKind::InvalidQuery);
        session.add(tag("one"));
        assert!(session.flush().await.is_err(), "{db}");
        session.rollback().await.unwrap();
        session.add(tag("one"));
        session.commit().await.unwrap();
        assert_eq!(Tag::select().count(db.engine()).await.unwrap(), 1, "{db}");
    }
}
