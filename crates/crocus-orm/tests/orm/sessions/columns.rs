//! Rows that a flush sends together: every type of column, NULL among values, and columns that are not quite what the
//! model says.

use crocus_macros::{DbEnum, Model};
use crocus_orm::{ErrorKind, Model, Session};
use jiff::civil::{date, datetime, time};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;
use uuid::Uuid;

use crate::database::{Database, assert_kind, each};
use crate::models::{NewSample, Sample, nothing};

fn full(number: i32) -> NewSample {
    NewSample {
        int2: Some(i16::MIN),
        int4: Some(number),
        int8: Some(i64::MAX),
        float: Some(-0.1),
        truth: Some(number % 2 == 0),
        text: Some(format!("it's \"{number}\" \\ {{,}} NULL 🚗")),
        bytes: Some(vec![0, 255, 92]),
        json: Some(json!({"a": [number, null, "\u{1}"]})),
        date: Some(date(0, 1, 1)),
        time: Some(time(23, 59, 59, 999_999_000)),
        date_time: Some(datetime(9999, 12, 31, 23, 59, 59, 999_999_000)),
        instant: Some("1969-12-31T23:59:59.999999Z".parse().unwrap()),
        uuid: Some(Uuid::from_u128(0xa0)),
        decimal: Some("-1234567890.0100".parse().unwrap()),
    }
}

/// Sets every column to what another object has.
fn take_over(session: &mut Session, from: &Sample, to: crocus_orm::Handle<Sample>) {
    let id = session[to].id;
    session[to] = Sample { id, ..from.clone() };
}

async fn stored(db: &Database) -> Vec<Sample> {
    let mut all = Sample::select().all(db.engine()).await.unwrap();
    all.sort_by_key(|sample| sample.id);
    all
}

#[tokio::test]
async fn every_type_is_written_together_with_nulls() {
    for db in each().await {
        let mut session = db.engine().session();
        let first_null = [nothing(), full(1), nothing(), full(2)];
        let handles = session.add_all(first_null.clone());
        session.commit().await.unwrap();
        for (handle, new) in handles.iter().zip(&first_null) {
            let sample = &session[*handle];
            let expected = new.int4.map_or_else(nothing, full);
            assert_eq!((sample.text.clone(), sample.decimal), (expected.text, expected.decimal), "{db}");
        }
        assert_eq!(
            handles.iter().map(|handle| session[*handle].clone()).collect::<Vec<_>>(),
            stored(&db).await,
            "{db}"
        );

        // Each takes over what its neighbour has: what was NULL is full, and the other way round.
        let before: Vec<Sample> = handles.iter().map(|handle| session[*handle].clone()).collect();
        for (place, handle) in handles.iter().enumerate() {
            take_over(&mut session, &before[place ^ 1], *handle);
        }
        session.commit().await.unwrap();
        let after = stored(&db).await;
        assert_eq!(after[0], Sample { id: after[0].id, ..before[1].clone() }, "{db}");
        assert_eq!(handles.iter().map(|handle| session[*handle].clone()).collect::<Vec<_>>(), after, "{db}");
    }
}

/// What a flush has written is what is read again.
#[tokio::test]
async fn what_is_flushed_is_what_is_read() {
    for db in each().await {
        let mut runner = TestRunner::deterministic();
        let one =
            (any::<Option<i16>>(), any::<Option<bool>>(), proptest::option::of("[^\0]{0,9}"), any::<Option<i64>>());
        let sample = one.prop_map(|(int2, truth, text, int8)| NewSample { int2, truth, text, int8, ..nothing() });
        // Some are the same, so that only their keys tell them apart.
        let rows = prop::collection::vec(sample, 300).new_tree(&mut runner).unwrap().current();
        let rows: Vec<_> = rows.iter().chain(&rows[..50]).cloned().collect();
        let mut session = db.engine().session();
        let handles = session.add_all(rows.clone());
        session.commit().await.unwrap();
        for (handle, new) in handles.iter().zip(&rows) {
            let Sample { int2, truth, text, int8, .. } = session[*handle].clone();
            assert_eq!((int2, truth, &text, int8), (new.int2, new.truth, &new.text, new.int8), "{db}");
        }
        let flushed: Vec<_> = handles.iter().map(|handle| session[*handle].clone()).collect();
        assert_eq!(
            flushed,
            stored(&db).await,
            "{db}: each object has its own row, in the order in which they were added"
        );
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
#[db_enum(crate = "crocus_orm")]
enum Mood {
    Fine,
    Moody,
}

/// Its columns are more than texts on PostgreSQL.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "words")]
struct Word {
    #[model(primary_key)]
    id: i32,
    mood: Option<Mood>,
    /// An enum there of which the model knows nothing.
    tone: Option<String>,
    /// At most three characters.
    short: String,
    /// A domain.
    name: String,
    #[model(sensitive)]
    secret: Option<String>,
}

const WORDS: &str = "CREATE TYPE mood AS ENUM ('fine', 'moody');
    CREATE DOMAIN name_of AS text CHECK (VALUE <> 'nobody');
    CREATE TABLE words (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mood mood, tone mood,
        short varchar(3) NOT NULL, name name_of NOT NULL, secret text CHECK (secret <> 'swordfish'))";

fn word(mood: Option<Mood>, short: &str, name: &str) -> NewWord {
    let tone = mood.map(|mood| if mood == Mood::Fine { "fine" } else { "moody" }.to_owned());
    NewWord { mood, tone, short: short.into(), name: name.into(), secret: None }
}

#[tokio::test]
async fn columns_are_written_as_what_they_are() {
    let db = Database::postgres().await;
    db.batch(WORDS).await;
    let mut session = db.engine().session();
    let news = [word(Some(Mood::Fine), "a", "one"), word(None, "abc", "two"), word(Some(Mood::Moody), "", "three")];
    let handles = session.add_all(news);
    session.commit().await.unwrap();
    for handle in &handles {
        let word = &mut session[*handle];
        word.mood = Some(Mood::Moody);
        word.tone = Some("moody".into());
        word.name += "!";
    }
    session.commit().await.unwrap();
    let mut all = Word::select().all(db.engine()).await.unwrap();
    all.sort_by_key(|word| word.id);
    assert_eq!(handles.iter().map(|handle| session[*handle].clone()).collect::<Vec<_>>(), all);
    assert_eq!(all.iter().map(|word| word.name.as_str()).collect::<Vec<_>>(), ["one!", "two!", "three!"]);
    assert!(all.iter().all(|word| word.tone.as_deref() == Some("moody") && word.mood == Some(Mood::Moody)));
}

#[tokio::test]
async fn what_one_row_breaks_is_told() {
    let db = Database::postgres().await;
    db.batch(WORDS).await;
    let broken = [
        (word(None, "abcd", "one"), ErrorKind::InvalidValue, "too long"),
        (word(None, "a", "nobody"), ErrorKind::CheckViolation, "name_of"),
        (
            NewWord { short: "\0".into(), ..word(None, "a", "one") },
            ErrorKind::InvalidValue,
            "the column `short` of `words`",
        ),
    ];
    for (new, kind, text) in broken {
        let mut session = db.engine().session();
        session.add_all([word(None, "a", "one"), new, word(None, "b", "two")]);
        let error = assert_kind(session.commit().await, kind);
        assert!(format!("{error} {:?}", error.constraint()).contains(text), "{error}");
        assert_eq!(Word::select().count(db.engine()).await.unwrap(), 0, "all or nothing");
    }
}

#[tokio::test]
async fn secrets_among_many_are_not_told() {
    let db = Database::postgres().await;
    db.batch(WORDS).await;
    let (engine, recorded) = db.record();
    let mut session = engine.session();
    let secret = |secret: &str| NewWord { secret: Some(secret.into()), ..word(None, "a", "one") };
    session.add_all([secret("open sesame"), secret("swordfish")]);
    let error = session.commit().await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("swordfish"), "{error:?}");
    assert!(recorded.statements().iter().all(|one| !one.values.iter().any(|value| value.contains("sesame"))));
    assert!(recorded.statements().iter().any(|one| one.sql.starts_with("INSERT INTO \"words\"")));
}
