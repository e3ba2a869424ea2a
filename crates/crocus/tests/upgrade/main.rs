//! `db upgrade`, `db downgrade` and `db stamp` of a real program, on both databases: stopped in the middle, run ten
//! times at once, failing half-way, in the way of another session.
//!
//! The program is this file's own binary, run again with [`program::VARIABLE`] set.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the other tests that have it use the rest")]
mod child;
mod crashes;
mod program;
mod random;

use std::process::ExitCode;
use std::time::Duration;

use child::{Place, places};
use crocus::orm::{Engine, EngineOptions, Statement};
use crocus_testing::TestDatabase;
use libtest_mimic::{Arguments, Trial};

const TESTS: [(&str, fn()); 15] = [
    ("killed_in_the_middle_it_is_at_a_revision", killed_in_the_middle_it_is_at_a_revision),
    ("ten_at_once_run_each_revision_once", ten_at_once_run_each_revision_once),
    ("a_step_that_fails_leaves_no_trace_of_its_revision", a_step_that_fails_leaves_no_trace_of_its_revision),
    ("what_cannot_be_undone_stops_a_downgrade_before_it_begins", what_cannot_be_undone_stops_a_downgrade),
    ("targets_are_reached", targets_are_reached),
    ("wrong_targets_change_nothing", wrong_targets_change_nothing),
    ("a_database_ahead_of_the_program_is_left_alone", a_database_ahead_of_the_program_is_left_alone),
    ("an_applied_migration_that_was_edited_is_reported", an_applied_migration_that_was_edited_is_reported),
    ("two_migrations_with_one_parent_are_refused", two_migrations_with_one_parent_are_refused),
    ("a_stamp_records_and_runs_nothing", a_stamp_records_and_runs_nothing),
    ("random_upgrades_survive_crashes", crashes::random_upgrades_survive_crashes),
    ("random_downgrades_survive_crashes", crashes::random_downgrades_survive_crashes),
    ("killed_upgrades_are_undone", crashes::killed_upgrades_are_undone),
    ("ten_at_once_do_each_step_once", crashes::ten_at_once_do_each_step_once),
    ("a_lock_that_is_not_to_be_had_is_explained", a_lock_that_is_not_to_be_had_is_explained),
];

fn main() -> ExitCode {
    if let Ok(name) = std::env::var(program::VARIABLE) {
        return program::main(&name);
    }
    let trial = |(name, test): (&str, fn())| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    libtest_mimic::run(&Arguments::from_args(), TESTS.into_iter().map(trial).collect()).exit_code()
}

fn killed_in_the_middle_it_is_at_a_revision() {
    std::thread::scope(|scope| {
        for database in [TestDatabase::sqlite, TestDatabase::postgres] {
            // After so many revisions, and so many milliseconds into the next, which takes several hundred.
            for (done, milliseconds) in [(0, 0), (0, 150), (1, 0), (1, 150), (2, 150)] {
                scope.spawn(move || killed(&Place::new(database()), done, Duration::from_millis(milliseconds)));
            }
        }
    });
}

fn killed(place: &Place, done: usize, then: Duration) {
    let mut upgrade = place.start("slow", &["db", "upgrade"]);
    upgrade.wait_for_lines(done);
    std::thread::sleep(then);
    assert!(upgrade.kill(), "{}: it had ended before it was killed", place.dialect());

    let applied = place.consistent();
    assert!((done..=done + 1).contains(&applied), "{}: {applied} after {done}", place.dialect());
    let completed = place.run("slow", &["db", "upgrade"]).success();
    assert_eq!(completed.matches("Upgraded").count(), 3 - applied);
    assert_eq!(place.consistent(), 3);
}

fn ten_at_once_run_each_revision_once() {
    for place in places() {
        let upgrades: Vec<_> = (0..10).map(|_| place.start("slow", &["db", "upgrade"])).collect();
        let outputs: Vec<_> = upgrades.into_iter().map(|upgrade| upgrade.finish().success()).collect();
        for line in ["Upgraded <base> -> a1", "Upgraded a1 -> a2", "Upgraded a2 -> b3"] {
            let times: usize = outputs.iter().map(|output| output.matches(line).count()).sum();
            assert_eq!(times, 1, "{line} on {}: {outputs:#?}", place.dialect());
        }
        assert_eq!(place.consistent(), 3);
    }
}

fn a_step_that_fails_leaves_no_trace_of_its_revision() {
    for place in places() {
        let failed = place.run("broken", &["db", "upgrade"]);
        let reason = match place.dialect() {
            "sqlite" => "no such table: missing",
            _ => "relation \"missing\" does not exist",
        };
        assert_eq!(
            failed.error(),
            format!(
                "error: the revision a2 (second) failed at step 3 of 4, execute INSERT INTO missing VALUES (1): {reason}\n\
                 hint: nothing of this revision was kept; mend the migration or the data, then run the command again\n"
            )
        );
        assert_eq!(failed.output, "Upgraded <base> -> a1, first\n");
        assert_eq!(place.consistent(), 1);

        place.run("three", &["db", "upgrade"]).success();
        assert_eq!(place.consistent(), 3);
    }
}

fn what_cannot_be_undone_stops_a_downgrade() {
    for place in places() {
        place.run("irreversible", &["db", "upgrade"]).success();
        let refused = place.run("irreversible", &["db", "downgrade", "base"]);
        assert_eq!(
            refused.error(),
            "error: the revision a2 (second) cannot be undone: the values are gone\n\
             hint: write its `downgrade` in `a2_second.rs`\n"
        );
        assert_eq!(place.consistent(), 3);
        assert_eq!(place.run("irreversible", &["db", "downgrade"]).success(), "Downgraded b3 -> a2, third\n");
        place.run("irreversible", &["db", "downgrade"]).error();
        assert_eq!(place.consistent(), 2);
    }
}

fn targets_are_reached() {
    for place in places() {
        for (arguments, applied, current) in [
            (["upgrade", "+1"], 1, "a1, first, 2 pending revisions\n"),
            (["upgrade", "b"], 3, "b3 (head), third\n"),
            (["downgrade", "-1"], 2, "a2, second, 1 pending revision\n"),
            (["downgrade", "a1"], 1, "a1, first, 2 pending revisions\n"),
            (["downgrade", "current"], 1, "a1, first, 2 pending revisions\n"),
            (["upgrade", "a2"], 2, "a2, second, 1 pending revision\n"),
            (["downgrade", "base"], 0, "<base>, 3 pending revisions\n"),
            (["upgrade", "+2"], 2, "a2, second, 1 pending revision\n"),
            (["upgrade", "head"], 3, "b3 (head), third\n"),
            (["upgrade", "head"], 3, "b3 (head), third\n"),
            (["downgrade", "-3"], 0, "<base>, 3 pending revisions\n"),
        ] {
            place.run("three", &["db", arguments[0], arguments[1]]).success();
            assert_eq!(place.consistent(), applied, "{arguments:?} on {}", place.dialect());
            assert_eq!(place.run("three", &["db", "current"]).success(), current);
        }
        assert_eq!(place.run("three", &["db", "downgrade", "base"]).success(), "Nothing to downgrade.\n");
    }
}

fn wrong_targets_change_nothing() {
    for place in places() {
        place.run("three", &["db", "upgrade", "a2"]).success();
        for (arguments, error) in [
            (["upgrade", "zz"], "no revision is or begins with `zz`\nhint: `program db history` lists them"),
            (["upgrade", "a"], "several revisions begin with `a`: a1, a2\nhint: write more of the one that is meant"),
            (
                ["upgrade", "+2"],
                "there is no revision at +2 from the current one\n\
                 hint: 2 of 3 revisions are applied; see `program db history`",
            ),
            (["upgrade", "a1"], "`a1` is behind the database's revision a2\nhint: `program db downgrade` goes back"),
            (["downgrade", "b3"], "`b3` is ahead of the database\nhint: `program db upgrade` goes forward"),
            (
                ["downgrade", "-3"],
                "there is no revision at -3 from the current one\n\
                 hint: 2 of 3 revisions are applied; see `program db history`",
            ),
        ] {
            let refused = place.run("three", &["db", arguments[0], arguments[1]]);
            assert_eq!(refused.error(), format!("error: {error}\n"));
            assert_eq!(place.consistent(), 2);
        }
    }
}

fn a_database_ahead_of_the_program_is_left_alone() {
    for place in places() {
        place.run("three", &["db", "upgrade"]).success();
        for arguments in [["db", "upgrade"], ["db", "downgrade"]] {
            let refused = place.run("one", &arguments);
            let error = refused.error();
            assert!(error.contains("error: the database is at revision "), "{error}");
            assert!(error.contains("), which this program does not have\nhint: is the program older"), "{error}");
        }
        assert_eq!(place.consistent(), 3);
    }
}

fn an_applied_migration_that_was_edited_is_reported() {
    for place in places() {
        place.run("three", &["db", "upgrade", "a2"]).success();
        for arguments in [&["db", "upgrade"][..], &["db", "current"], &["run", "--port", "0"]] {
            let reported = place.run("edited", arguments);
            assert_eq!(
                reported.error(),
                "error: the migration a2 (second, `a2_second.rs`) was edited after it was applied\n\
                 hint: put `a2_second.rs` back as it was and write the change as a new migration; or, if the database is \
                 as the file says, accept the change: `program db repair` says how\n"
            );
        }
        assert_eq!(place.run("edited", &["db", "current"]).output, "a2, second, 1 pending revision\n");
        assert_eq!(place.consistent(), 2);
        // What was not applied yet may be edited, and so may the way back.
        place.run("three", &["db", "downgrade", "a1"]).success();
        place.run("edited", &["db", "current"]).success();
        place.run("three", &["db", "upgrade", "a2"]).success();
        place.run("mended", &["db", "upgrade"]).success();
        assert_eq!(place.consistent(), 3);
    }
}

fn two_migrations_with_one_parent_are_refused() {
    for place in places() {
        let refused = place.run("forked", &["db", "upgrade"]);
        assert_eq!(
            refused.error(),
            "error: two migrations follow a1: a2 (second, `a2_second.rs`) and b3 (third, `b3_third.rs`)\n\
             hint: `program db merge -m \"merge\"` writes a migration that follows both; or let one follow the other: \
             change `follows` in the third line of `b3_third.rs`\n"
        );
        assert_eq!(place.tables(), [""; 0]);
    }
}

fn a_stamp_records_and_runs_nothing() {
    for place in places() {
        let stamped = place.run("three", &["db", "stamp", "a2"]).success();
        assert_eq!(stamped, "The database is recorded as being at a2, second.\n");
        assert_eq!((place.revisions(), place.tables()), (2, vec!["crocus_migrations".to_owned()]));
        place.run("three", &["db", "stamp", "base"]).success();
        assert_eq!(place.run("three", &["db", "current"]).success(), "<base>, 3 pending revisions\n");

        place.run("three", &["db", "upgrade"]).success();
        assert_eq!(place.consistent(), 3);
    }
}

fn a_lock_that_is_not_to_be_had_is_explained() {
    let place = Place::new(TestDatabase::postgres());
    place.run("three", &["db", "upgrade", "a1"]).success();

    let reader = place.block_on(async {
        let options = EngineOptions { application_name: "slow report".to_owned(), ..EngineOptions::default() };
        let transaction = Engine::new(&place.url(), &options).begin().await.unwrap();
        transaction.query(Statement::read("SELECT * FROM a_1", [])).await.unwrap();
        transaction
    });
    let refused = place.run("locking", &["db", "upgrade", "--lock-timeout", "200"]);
    let waiting = "Waiting for a lock: the session ";
    assert_eq!(refused.output.matches(waiting).count(), 9, "{}", refused.output);
    assert!(refused.output.contains("holds a lock on \"a_1\". Trying again in 100ms.\n"), "{}", refused.output);
    let error = refused.error();
    let said = "error: the revision b3 (third) failed at step 2 of 2, add column a_1.x: canceling statement due to lock \
                timeout\nhint: the session ";
    assert!(error.starts_with(said), "{error}");
    let who = "(slow report, user crocus, idle in transaction) holds a lock on \"a_1\"; nothing of this revision was \
               kept: let the other end, then run the command again\n";
    assert!(error.ends_with(who), "{error}");
    // The revision before it had nothing to do with the lock.
    assert_eq!(place.consistent(), 2);

    place.block_on(reader.rollback()).unwrap();
    place.run("locking", &["db", "upgrade"]).success();
    assert_eq!(place.revisions(), 3);
}
