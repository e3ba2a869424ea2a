//! `kill -9` at random moments of random upgrades and downgrades: afterwards the database is at a revision, or between two
//! transactions of one, which its progress tells, and the next run the same way completes it. Ten upgrades at once do each
//! step once.
//!
//! `UPGRADE_TEST_CRASHES` says how many of each are crashed on each database.

#![expect(clippy::print_stdout, reason = "how much was tested is seen with --nocapture")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crocus::migrate::Direction;
use crocus::migrate::schema::Schema;
use crocus::orm::{Engine, Statement};
use crocus_testing::TestDatabase;

use crate::child::Place;
use crate::random::{self, REVISIONS};

/// What is left behind.
#[derive(Debug, PartialEq)]
struct Left {
    /// The progress of each revision that is recorded; `None` for one that is complete.
    recorded: BTreeMap<String, Option<String>>,
    marks: Vec<String>,
    schema: Schema,
    invalid_indexes: Vec<String>,
}

pub(crate) fn random_upgrades_survive_crashes() {
    survive(Direction::Upgrade);
}

pub(crate) fn random_downgrades_survive_crashes() {
    survive(Direction::Downgrade);
}

/// The command of each way. The first revision is not undone: it makes the table of the marks.
fn command(direction: Direction) -> &'static [&'static str] {
    match direction {
        Direction::Upgrade => &["db", "upgrade"],
        Direction::Downgrade => &["db", "downgrade", "r0"],
    }
}

/// How many are crashed on each database.
fn number() -> u64 {
    std::env::var("UPGRADE_TEST_CRASHES").ok().and_then(|number| number.parse().ok()).unwrap_or(4)
}

fn survive(direction: Direction) {
    let number = number();
    let first: u64 = std::env::var("UPGRADE_TEST_CRASHES_FROM").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    std::thread::scope(|scope| {
        for database in [TestDatabase::sqlite, TestDatabase::postgres] {
            scope.spawn(move || {
                let (mut kills, mut half_way) = (0, 0);
                for seed in first..first + number {
                    let (killed, between) = crash(seed, direction, database);
                    kills += killed;
                    half_way += between;
                }
                println!(
                    "{number} runs ({direction:?}) killed {kills} times, {half_way} of them between transactions of a revision"
                );
                assert!(kills > 0, "all ended before they were killed");
            });
        }
    });
}

/// Gives how many times it was killed, and how many times of these half-way through a revision.
fn crash(seed: u64, direction: Direction, database: fn() -> TestDatabase) -> (usize, usize) {
    let program = format!("{}{seed}", random::PROGRAM);
    let begin = || {
        let place = Place::new(database());
        if direction == Direction::Downgrade {
            place.run(&program, command(Direction::Upgrade)).success();
        }
        place
    };
    let whole = begin();
    let begun = Instant::now();
    whole.run(&program, command(direction)).success();
    let takes = begun.elapsed();
    let expected = left(&whole);
    assert_eq!(expected.recorded.len(), if direction == Direction::Upgrade { REVISIONS.len() } else { 1 });

    let place = begin();
    let (mut kills, mut half_way) = (0, 0);
    for attempt in 0..4u32 {
        let run = place.start(&program, command(direction));
        std::thread::sleep(moment(seed, attempt, takes));
        if run.kill() {
            kills += 1;
            half_way += usize::from(recognised(&place, seed, direction));
        }
    }
    place.run(&program, command(direction)).success();
    assert_eq!(left(&place), expected, "seed {seed} on {}", place.dialect());
    (kills, half_way)
}

/// An upgrade that was killed is undone, or said not to be known well enough, and then completed.
pub(crate) fn killed_upgrades_are_undone() {
    let (mut undone, mut refused) = (0, 0);
    for seed in 1..=number() {
        let program = format!("{}{seed}", random::UNMARKED);
        let place = Place::new(TestDatabase::postgres());
        place.run(&program, &["db", "upgrade", "r0"]).success();
        let expected = left(&place);
        let begun = Instant::now();
        place.run(&program, command(Direction::Upgrade)).success();
        let takes = begun.elapsed();
        let whole = left(&place);
        place.run(&program, command(Direction::Downgrade)).success();
        assert_eq!(left(&place), expected, "seed {seed}");
        for attempt in 0..4u32 {
            let upgrade = place.start(&program, command(Direction::Upgrade));
            std::thread::sleep(moment(seed, attempt, takes));
            upgrade.kill();
            let half = left(&place).recorded.values().flatten().next().cloned();
            let back = place.run(&program, command(Direction::Downgrade));
            if back.is_success() {
                undone += usize::from(half.is_some());
            } else {
                assert!(back.error().contains("it cannot be undone from here"), "{back:?}");
                assert!(half.is_some(), "{back:?}");
                refused += 1;
                place.run(&program, command(Direction::Upgrade)).success();
                assert_eq!(left(&place), whole, "seed {seed}");
                place.run(&program, command(Direction::Downgrade)).success();
            }
            assert_eq!(left(&place), expected, "seed {seed}, {half:?}");
        }
    }
    println!("{undone} revisions that were half applied were undone, {refused} were refused and completed");
}

/// A moment within the time that the whole takes.
fn moment(seed: u64, attempt: u32, takes: Duration) -> Duration {
    let mixed = (seed * 7919 + u64::from(attempt) * 104_729).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    // What is done already is not done again: a later attempt takes less.
    takes.mul_f64((mixed % 1000) as f64 / 1000.0 * 0.8f64.powi(attempt.cast_signed()))
}

/// Checks that the steps which are done are those that the version table says, and gives whether a revision is half done.
#[track_caller]
fn recognised(place: &Place, seed: u64, direction: Direction) -> bool {
    let left = left(place);
    let mut expected = Vec::new();
    for (number, (revision, _)) in REVISIONS.iter().enumerate() {
        let operations = |direction| random::operations(seed, number as u64, direction);
        let (upgrade, downgrade) = (operations(Direction::Upgrade), operations(Direction::Downgrade));
        let of = |progress: &str, way: &str| -> usize {
            let at = progress.strip_prefix(way).and_then(|place| place.split_once('.'));
            at.and_then(|(done, _)| done.parse().ok()).unwrap_or_else(|| panic!("the progress is {progress}"))
        };
        let (done, undone) = match (left.recorded.get(*revision), direction) {
            (None, Direction::Upgrade) => (0, 0),
            (None, Direction::Downgrade) => (upgrade.len(), downgrade.len()),
            (Some(None), _) => (upgrade.len(), 0),
            (Some(Some(progress)), Direction::Upgrade) => (of(progress, "up:"), 0),
            (Some(Some(progress)), Direction::Downgrade) => (upgrade.len(), of(progress, "down:")),
        };
        let steps = upgrade[..done].iter().chain(&downgrade[..undone]);
        expected.extend(steps.filter_map(random::mark).map(str::to_owned));
    }
    expected.sort();
    assert_eq!(left.marks, expected, "seed {seed} on {}: {:?}", place.dialect(), left.recorded);
    let half: Vec<_> = left.recorded.values().flatten().collect();
    assert!(half.len() <= 1 && (half.is_empty() || place.dialect() == "postgresql"), "{half:?}");
    !half.is_empty()
}

fn left(place: &Place) -> Left {
    place.block_on(async {
        let engine = Engine::connect(&place.url()).await.unwrap();
        // The server ends the statement that it is at, and only then sees that nobody waits for it.
        let others = "SELECT 1 FROM pg_stat_activity
                      WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'program'";
        while place.dialect() != "sqlite" && !engine.query(Statement::read(others, [])).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut schema = crocus::migrate::inspect(&engine).await.unwrap();
        schema.tables.sort_by(|one, other| one.name.cmp(&other.name));
        for table in &mut schema.tables {
            table.indexes.sort_by(|one, other| one.name.cmp(&other.name));
            table.checks.sort_by(|one, other| one.name.cmp(&other.name));
            table.uniques.sort_by(|one, other| one.name.cmp(&other.name));
            table.foreign_keys.sort_by(|one, other| one.name.cmp(&other.name));
        }
        let texts = async |sql: &str| -> Vec<String> {
            let rows = engine.query(Statement::read(sql, [])).await.unwrap();
            rows.iter().map(|row| row.get(0).unwrap()).collect()
        };
        let recorded = crocus::migrate::recorded(&engine).await.unwrap();
        let recorded = recorded.into_iter().map(|record| (record.revision, record.progress)).collect();
        let marks = match schema.table("marks") {
            Some(_) => texts("SELECT mark FROM marks ORDER BY mark").await,
            None => Vec::new(),
        };
        let invalid_indexes = match place.dialect() {
            "sqlite" => Vec::new(),
            _ => texts("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid").await,
        };
        Left { recorded, marks, schema, invalid_indexes }
    })
}

pub(crate) fn ten_at_once_do_each_step_once() {
    for (seed, place) in (1..).zip(crate::child::places()) {
        let program = format!("{}{seed}", random::PROGRAM);
        let upgrades: Vec<_> = (0..10).map(|_| place.start(&program, &["db", "upgrade"])).collect();
        let outputs: Vec<_> = upgrades.into_iter().map(|upgrade| upgrade.finish().success()).collect();
        for (revision, _) in REVISIONS {
            let line = format!(" -> {revision}, random");
            let times: usize = outputs.iter().map(|output| output.matches(&line).count()).sum();
            assert_eq!(times, 1, "{line} on {}: {outputs:#?}", place.dialect());
        }
        assert!(!recognised(&place, seed, Direction::Upgrade));
        assert_eq!(left(&place).invalid_indexes, [""; 0]);
    }
}
