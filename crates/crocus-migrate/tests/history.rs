//! The version table: what it records, and one of the first form.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use crocus_migrate::prelude::*;
use crocus_migrate::{
    Direction, Migration, Migrations, Options, Step, applied, downgrade, pending, recorded, stamp, upgrade,
};
use crocus_orm::Engine;
use crocus_testing::TestDatabase;
use proptest::prelude::*;

const FIRST: Migration = Migration {
    revision: "a1",
    down_revisions: &[],
    labels: &[],
    depends_on: &[],
    replaces: &[],
    message: "first",
    created: "",
    file: "a1_first.rs",
    upgrade: |op| op.create_table("a_1", |t| t.column("id", integer().identity().primary_key())),
    downgrade: |op| op.drop_table("a_1"),
};
const SECOND: Migration = Migration {
    revision: "a2",
    down_revisions: &["a1"],
    message: "second",
    file: "a2_second.rs",
    upgrade: |op| op.create_table("a_2", |t| t.column("id", integer().identity().primary_key())),
    downgrade: |op| op.drop_table("a_2"),
    ..FIRST
};

/// What made the table of the first form.
const FIRST_FORM: &str = "CREATE TABLE crocus_migrations (
    revision text NOT NULL PRIMARY KEY,
    message text NOT NULL,
    applied_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);
INSERT INTO crocus_migrations (revision, message, applied_at) VALUES ('a1', 'first', '2026-11-22 14:03:11');
CREATE TABLE a_1 (id integer PRIMARY KEY);";

fn options() -> Options {
    Options { program: "cars 1.2.0".to_owned(), ..Options::default() }
}

async fn on_each<F: Future<Output = ()>>(test: impl Fn(Engine) -> F) {
    for database in TestDatabase::each() {
        let url: crocus_orm::DatabaseUrl = database.url().parse().unwrap();
        url.create_database().await.unwrap();
        test(Engine::connect(&url).await.unwrap()).await;
    }
}

#[tokio::test]
async fn who_applied_a_revision_and_how_long_it_took_is_recorded() {
    on_each(|engine| async move {
        let migrations = Migrations::new("", vec![FIRST, SECOND]);
        assert_eq!(recorded(&engine).await.unwrap(), []);
        upgrade(&engine, &migrations, "a1", &options(), |_| ()).await.unwrap();
        stamp(&engine, &migrations, &["a2"], false, &options()).await.unwrap();

        let database = applied(&engine, &migrations).await.unwrap();
        let [first, second] = database.records() else { panic!("two are applied") };
        assert_eq!((first.revision.as_str(), first.message.as_str()), ("a1", "first"));
        assert_eq!((first.applied_by.as_deref(), first.progress.as_deref()), (Some("cars 1.2.0"), None));
        assert!(first.duration_ms.is_some_and(|taken| (0..60_000).contains(&taken)), "{first:?}");
        let form = |time: &str| time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>();
        assert_eq!(form(&first.applied_at), "0000-00-00T00:00:00Z");
        // It was recorded, not run.
        assert_eq!((second.revision.as_str(), second.duration_ms), ("a2", None));
    })
    .await;
}

#[tokio::test]
async fn a_table_of_the_first_form_is_completed_by_the_first_upgrade() {
    on_each(|engine| async move {
        let migrations = Migrations::new("", vec![FIRST, SECOND]);
        engine.connection().await.unwrap().batch(FIRST_FORM).await.unwrap();
        // Asking changes nothing.
        let database = applied(&engine, &migrations).await.unwrap();
        let first = database.record("a1").unwrap();
        assert_eq!((first.applied_by.as_deref(), first.duration_ms, first.checksum.as_deref()), (None, None, None));
        assert!(first.applied_at.starts_with("2026-11-22T1"), "{first:?}");
        assert_eq!(pending(&engine, &migrations).await.unwrap().len(), 1);

        assert_eq!(upgrade(&engine, &migrations, "head", &options(), |_| ()).await.unwrap(), 1);
        let records = recorded(&engine).await.unwrap();
        assert_eq!(records[0], *first);
        assert_eq!(records[1].applied_by.as_deref(), Some("cars 1.2.0"));
        assert_eq!(downgrade(&engine, &migrations, "base", &options(), |_| ()).await.unwrap(), 2);
        assert_eq!(recorded(&engine).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_stamp_that_purges_forgets_what_the_program_does_not_know() {
    on_each(|engine| async move {
        upgrade(&engine, &Migrations::new("", vec![FIRST, SECOND]), "head", &options(), |_| ()).await.unwrap();
        let migrations = Migrations::new("", vec![FIRST]);
        let refused = stamp(&engine, &migrations, &["a1"], false, &options()).await.unwrap_err();
        assert_eq!(refused.to_string(), "the database is at revision a2 (second), which this program does not have");
        stamp(&engine, &migrations, &["a1"], true, &options()).await.unwrap();
        let revisions: Vec<_> = recorded(&engine).await.unwrap().into_iter().map(|record| record.revision).collect();
        assert_eq!(revisions, ["a1"]);
    })
    .await;
}

/// Any history of empty revisions: each follows some of those before it.
fn histories() -> impl Strategy<Value = Vec<Migration>> {
    let revisions = proptest::collection::vec(proptest::collection::vec(any::<prop::sample::Index>(), 0..3), 1..12);
    revisions.prop_map(|revisions| {
        let name = |at: usize| -> &'static str { format!("r{at}").leak() };
        let migration = |(at, parents): (usize, &Vec<prop::sample::Index>)| {
            let parents: BTreeSet<_> = parents.iter().filter(|_| at > 0).map(|parent| parent.index(at)).collect();
            let down_revisions = parents.into_iter().map(name).collect::<Vec<_>>().leak();
            Migration { revision: name(at), down_revisions, upgrade: |_| (), downgrade: |_| (), ..FIRST }
        };
        revisions.iter().enumerate().map(migration).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// On a database: each revision is run once, after those that it follows, and undone once, before them.
    #[test]
    fn there_and_back_each_revision_is_run_once(list in histories()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let migrations = Migrations::new("", list.clone());
        let (mut up, mut down) = (Vec::new(), Vec::new());
        let left = runtime.block_on(async {
            let engine = Engine::connect(&"sqlite::memory:".parse().unwrap()).await.unwrap();
            let step = |direction, steps: &mut Vec<&'static str>, step: Step<'_>| match step {
                Step::Done(ran, migration, _) if ran == direction => steps.push(migration.revision),
                Step::Done(..) => panic!("it ran the other way"),
                _ => {}
            };
            upgrade(&engine, &migrations, "heads", &options(), |ran| step(Direction::Upgrade, &mut up, ran)).await.unwrap();
            assert_eq!(applied(&engine, &migrations).await.unwrap().records().len(), list.len());
            downgrade(&engine, &migrations, "base", &options(), |ran| step(Direction::Downgrade, &mut down, ran))
                .await
                .unwrap();
            recorded(&engine).await.unwrap()
        });
        prop_assert!(left.is_empty());
        prop_assert_eq!(up.len(), list.len());
        let at = |revision: &str| up.iter().position(|ran| *ran == revision).unwrap();
        for migration in &list {
            prop_assert!(migration.down_revisions.iter().all(|parent| at(parent) < at(migration.revision)));
        }
        down.reverse();
        prop_assert_eq!(down, up);
    }
}
