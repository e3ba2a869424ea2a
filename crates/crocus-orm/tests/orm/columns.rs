//! Columns whose values are made: by a function, by the database from others, and the version.

use crocus_macros::Model;
use crocus_orm::{ErrorKind, Model};
use uuid::Uuid;

use crate::database::{Database, assert_kind, each};
use crate::models::in_words_of;

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "offers")]
#[model(index(name desc, unique), index(expr = "lower(code)", unique, where = "price > 0", name = "offers_code"))]
struct Offer {
    #[model(primary_key, default_with = Uuid::now_v7)]
    id: Uuid,
    name: String,
    code: String,
    price: i32,
    #[model(generated = "price * 2")]
    doubled: i32,
    #[model(version)]
    version: i32,
}

const TABLE: &str = "
CREATE TABLE offers (
    id {uuid} PRIMARY KEY,
    name text NOT NULL,
    code text NOT NULL,
    price {int4} NOT NULL,
    doubled {int4} NOT NULL GENERATED ALWAYS AS (price * 2) STORED,
    version {int4} NOT NULL
);
CREATE UNIQUE INDEX offers_name_idx ON offers (name);
CREATE UNIQUE INDEX offers_code ON offers (lower(code)) WHERE price > 0;
";

async fn with_offers() -> [Database; 2] {
    let databases = each().await;
    for db in &databases {
        db.batch(&in_words_of(db.dialect(), TABLE)).await;
    }
    databases
}

fn offer(name: &str) -> NewOffer {
    NewOffer { id: None, name: name.into(), code: name.into(), price: 7 }
}

#[tokio::test]
async fn what_nobody_brings_is_made() {
    for db in with_offers().await {
        let first = Offer::insert(db.engine(), offer("one")).await.unwrap();
        let second = Offer::insert(db.engine(), offer("two")).await.unwrap();
        assert_eq!((first.doubled, first.version), (14, 1), "{db}");
        assert!(first.id < second.id, "{db}");
        assert_eq!(Offer::get(db.engine(), first.id).await.unwrap(), Some(first), "{db}");
    }
}

#[tokio::test]
async fn a_change_by_the_session_is_computed_anew() {
    for db in with_offers().await {
        let mut session = db.session();
        let offer = session.add(NewOffer { id: Some(Uuid::max()), ..offer("one") });
        session.commit().await.unwrap();
        session[offer].price = 10;
        session.commit().await.unwrap();
        assert_eq!((session[offer].id, session[offer].doubled), (Uuid::max(), 20), "{db}");
    }
}

#[tokio::test]
async fn a_unique_index_is_named_when_it_is_violated() {
    for db in with_offers().await {
        Offer::insert(db.engine(), offer("one")).await.unwrap();
        let again = NewOffer { code: "other".into(), ..offer("one") };
        let error = assert_kind(Offer::insert(db.engine(), again).await, ErrorKind::UniqueViolation);
        let constraint = error.constraint().unwrap();
        assert_eq!(constraint.name.as_deref(), Some("offers_name_idx"), "{db}");
        assert_eq!(constraint.columns, ["name"], "{db}");

        let again = NewOffer { code: "ONE".into(), ..offer("two") };
        let error = assert_kind(Offer::insert(db.engine(), again).await, ErrorKind::UniqueViolation);
        assert_eq!(error.constraint().unwrap().name.as_deref(), Some("offers_code"), "{db}: {error}");
        let elsewhere = NewOffer { code: "ONE".into(), price: 0, ..offer("two") };
        Offer::insert(db.engine(), elsewhere).await.unwrap();
    }
}
