//! `db squash`, and databases that have all, some or none of what it replaces.

#[expect(unreachable_pub, reason = "it is as it was written")]
#[path = "squashed/first_year.rs"]
pub(crate) mod first_year;

use std::fs;

use crocus::migrate::schema::Schema;
use crocus::orm::{Engine, Statement};

use crate::child::{Place, places};
use crate::files::{source, written};

pub(crate) fn a_squash_is_written() {
    for place in places() {
        let text = written(&place, "squash_old", &["squash", ":a3", "-m", "first year", "--rev-id", "s1"]);
        // The tests run what was written.
        assert_eq!(text, include_str!("squashed/first_year.rs"));
        let said = place.run("squash_old", &["db", "upgrade", "a2"]).success();
        assert!(said.ends_with("Upgraded a1 -> a2, makers\n"), "{said}");
        let folder = source(&place, "squash_old");
        let said =
            place.run("squash_old", &["db", "squash", "a1:current", "--directory", folder.to_str().unwrap()]).success();
        let mut paths = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let path = paths.find(|path| path.to_str().unwrap().ends_with("_squash.rs")).unwrap();
        assert_eq!(
            said,
            format!(
                "a1, cars\na2, makers\n6 steps before, 6 now.\nWrote {}\n\
                 Read it, build the program again, then run `program db upgrade`.\n\
                 Keep the other files until it has run on every database, then delete them.\n",
                path.display()
            )
        );
        assert!(fs::read_to_string(path).unwrap().contains("\n//! Replaces: a1, a2\n"));
    }
}

pub(crate) fn what_cannot_be_squashed_is_said() {
    for place in places() {
        for (program, arguments, error) in [
            (
                "branched",
                &["squash", "a1:a2"][..],
                "the range `a1:a2` is no line: b2 (shop, on shop) leaves it at a1\nhint: squash up to a1, and from a2 on",
            ),
            (
                "squash_both",
                &["squash", ":c1"],
                "s1 (first year) was squashed before\nhint: once every database has s1, delete the files that it replaces, \
                 name it in the third line of what follows them, and delete its line `Replaces:`; then it can be squashed \
                 again",
            ),
            (
                "squash_old",
                &["squash", "a1:a2", "--rev-id", "c1"],
                "`c1` cannot be the revision: a revision has this name\nhint: choose another name",
            ),
            (
                "squash_old",
                &["squash", "a1:a2", "-m", ""],
                "the message is empty\nhint: say what the migration does, as in `-m \"the first year\"`",
            ),
        ] {
            let folder = source(&place, program);
            let before = fs::read_dir(&folder).unwrap().count();
            let directory = ["--directory", folder.to_str().unwrap()];
            let refused = place.run(program, &[&["db"], arguments, &directory].concat());
            assert_eq!(refused.error(), format!("error: {error}\n"), "{arguments:?}");
            assert_eq!(fs::read_dir(&folder).unwrap().count(), before, "{arguments:?}");
        }
    }
}

/// What the database has but for the version table, and the rows of makers.
fn there(place: &Place) -> (Schema, Vec<String>) {
    place.block_on(async {
        let engine = Engine::connect(&place.url()).await.unwrap();
        let mut schema = crocus::migrate::inspect(&engine).await.unwrap();
        schema.tables.retain(|table| table.name.name != "crocus_migrations");
        schema.tables.sort_by(|one, other| one.name.cmp(&other.name));
        let mut makers = Vec::new();
        if schema.table("makers").is_some() {
            let rows = engine.query(Statement::read("SELECT name FROM makers ORDER BY name", [])).await.unwrap();
            makers = rows.iter().map(|row| row.get(0).unwrap()).collect();
        }
        (schema, makers)
    })
}

fn recorded(place: &Place) -> String {
    place.recorded().join(" ")
}

/// Without what is said while the program before still leaves the server.
fn said(place: &Place, program: &str, arguments: &[&str]) -> String {
    let said = place.run(program, &[&["db"], arguments].concat()).success();
    said.trim_start_matches("Another program is migrating the database: waiting for it.\n").to_owned()
}

pub(crate) fn a_squash_makes_what_the_others_make() {
    for (old, new) in places().into_iter().zip(places()) {
        said(&old, "squash_old", &["upgrade"]);
        assert_eq!(
            said(&new, "squash_both", &["upgrade"]),
            "Upgraded <base> -> s1, first year\nUpgraded s1 -> c1, seats\n"
        );
        assert_eq!(recorded(&new), "c1 s1");
        assert_eq!(there(&new), there(&old), "{}", old.dialect());
        assert_eq!(there(&new).1, ["Tesla"]);
        assert_eq!(said(&new, "squash_both", &["check"]), "No changes detected.\n");
        assert_eq!(
            said(&new, "squash_both", &["history"]),
            "s1 -> c1 (head) (current), seats, 2026-11-22 14:03 UTC\n\
             <base> -> s1 (squashed), first year, 2026-11-22 14:03 UTC\n"
        );
        let shown = said(&new, "squash_both", &["show", "a3"]);
        assert!(shown.starts_with("Rev: s1 (squashed)\nParent: <base>\nReplaces: a1, a2, a3\n"), "{shown}");
        // What stands between them is nowhere on the way.
        let refused = new.run("squash_both", &["db", "downgrade", "a1"]);
        assert_eq!(
            refused.error(),
            "error: the revision a1 is one of those that s1 (first year) replaces: they are one step\n\
             hint: name s1, or what it follows\n"
        );
        assert_eq!(
            said(&new, "squash_both", &["downgrade", "base"]),
            "Downgraded c1 -> s1, seats\nDowngraded s1 -> <base>, first year\n"
        );
        said(&old, "squash_old", &["downgrade", "base"]);
        assert_eq!(there(&new), there(&old), "{}", old.dialect());
        assert_eq!(recorded(&new), "");
        // The script does the same.
        let script = said(&new, "squash_both", &["upgrade", "--sql"]);
        assert!(
            script.contains("\n-- <base> -> s1, first year\n") && script.contains("\n-- s1 -> c1, seats\n"),
            "{script}"
        );
        let back = said(&new, "squash_both", &["downgrade", "head:base", "--sql"]);
        assert!(back.contains("WHERE revision IN ('s1', 'a1', 'a2', 'a3')"), "{back}");
    }
}

pub(crate) fn a_database_that_has_all_or_some_of_them_comes_to_it() {
    for program in ["squash_both", "squash_new"] {
        for place in places() {
            said(&place, "squash_old", &["upgrade", "a3"]);
            let made = there(&place);
            assert_eq!(said(&place, program, &["current"]), "s1 (squashed), first year, 1 pending revision\n");
            let plan = said(&place, program, &["plan"]);
            assert!(plan.starts_with("c1, seats (c1_seats.rs)\n"), "{plan}");
            assert_eq!(
                said(&place, program, &["upgrade", "a3"]),
                "Recorded s1 in place of a1, a2, a3, first year\nNothing to upgrade.\n"
            );
            assert_eq!((recorded(&place).as_str(), there(&place) == made), ("s1", true));
            assert_eq!(said(&place, program, &["upgrade"]), "Upgraded s1 -> c1, seats\n");
            assert_eq!(said(&place, program, &["upgrade"]), "Nothing to upgrade.\n");
            assert_eq!(recorded(&place), "c1 s1");
        }
        // Nobody has recorded it before it goes.
        for place in places() {
            said(&place, "squash_old", &["upgrade"]);
            assert_eq!(
                said(&place, program, &["downgrade", "base"]),
                "Recorded s1 in place of a1, a2, a3, first year\n\
                 Downgraded c1 -> s1, seats\nDowngraded s1 -> <base>, first year\n"
            );
            assert_eq!((recorded(&place).as_str(), there(&place).0.tables.len()), ("", 0));
            said(&place, "squash_old", &["stamp", "c1"]);
            assert_eq!(
                said(&place, program, &["stamp", "s1"]),
                "The database is recorded as being at s1 (squashed), first year.\n"
            );
            assert_eq!(recorded(&place), "s1");
        }
    }
    for place in places() {
        said(&place, "squash_old", &["upgrade", "a2"]);
        // There and back on the old way.
        assert_eq!(said(&place, "squash_both", &["downgrade"]), "Downgraded a2 -> a1, makers\n");
        assert_eq!(said(&place, "squash_both", &["upgrade", "+1"]), "Upgraded a1 -> a2, makers\n");
        let linted = place.run("squash_both", &["db", "lint", "current:head"]).output;
        assert!(linted.starts_with("a3 (a3_doors.rs)\n"), "{linted}");
        let refused = place.run("squash_both", &["db", "squash", "a1:a3", "--directory", "."]);
        assert!(
            refused.error().contains("a3 (doors) was squashed before\nhint: once every database has s1,"),
            "{refused:?}"
        );
        assert_eq!(said(&place, "squash_both", &["current"]), "a2, makers, 2 pending revisions\n");
        assert_eq!(
            said(&place, "squash_both", &["history"]),
            "a3 -> c1 (head), seats, 2026-11-22 14:03 UTC\n\
             a2 -> a3, doors, 2026-11-22 14:03 UTC\n\
             a1 -> a2 (current), makers, 2026-11-22 14:03 UTC\n\
             <base> -> a1, cars, 2026-11-22 14:03 UTC\n"
        );
        assert_eq!(
            said(&place, "squash_both", &["upgrade"]),
            "Upgraded a2 -> a3, doors\nUpgraded a3 -> c1, seats\nRecorded s1 in place of a1, a2, a3, first year\n"
        );
        assert_eq!(recorded(&place), "c1 s1");
        assert_eq!(said(&place, "squash_both", &["check"]), "No changes detected.\n");
    }
}

pub(crate) fn without_the_files_some_is_an_error() {
    for place in places() {
        said(&place, "squash_old", &["upgrade", "a2"]);
        let made = there(&place);
        let error = "error: the database has a1 and a2 of what s1 (first year) replaces, but not a3\n\
                     hint: put the files of a1, a2 and a3 back into the migrations folder and build the program again: \
                     `program db upgrade` then goes on, and after it they may be deleted\n";
        for arguments in [
            &["db", "upgrade"][..],
            &["db", "current"],
            &["db", "downgrade"],
            &["db", "stamp", "s1"],
            &["run"],
            &["db", "repair"],
        ] {
            assert_eq!(place.run("squash_new", arguments).error(), error, "{arguments:?}");
        }
        assert_eq!((recorded(&place).as_str(), there(&place) == made), ("a1 a2", true));
        said(&place, "squash_both", &["upgrade"]);
        assert_eq!(said(&place, "squash_new", &["current"]), "c1 (head), seats\n");
        // A program that was built before knows nothing of it.
        let refused = place.run("squash_old", &["db", "upgrade"]);
        assert!(refused.error().starts_with("error: the database is at revision s1 (first year), which this program"));
    }
}
