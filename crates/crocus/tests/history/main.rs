//! Branches, merges and labels in a real program on both databases, and the commands that write migrations or tell of
//! them.
//!
//! The program is this file's own binary, run again with [`program::VARIABLE`] set.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "the tests of upgrades need more of it")]
#[path = "../upgrade/child.rs"]
mod child;
mod files;
mod program;
mod squashed;
mod telling;

use std::process::ExitCode;

use child::{Place, places};
use libtest_mimic::{Arguments, Trial};

const TESTS: [(&str, fn()); 20] = [
    ("branches_are_applied_and_undone", branches_are_applied_and_undone),
    ("ambiguous_places_change_nothing", ambiguous_places_change_nothing),
    ("a_merge_is_one_revision_more", a_merge_is_one_revision_more),
    ("a_stamp_keeps_other_branches", a_stamp_keeps_other_branches),
    ("two_heads_stop_the_start", two_heads_stop_the_start),
    ("revisions_are_listed", telling::revisions_are_listed),
    ("what_tells_prints_json", telling::what_tells_prints_json),
    ("what_is_half_done_is_said", telling::what_is_half_done_is_said),
    ("what_the_program_lacks_is_listed", telling::what_the_program_lacks_is_listed),
    ("each_row_says_which_bind", telling::each_row_says_which_bind),
    ("a_check_finds_what_migrate_would_write", telling::a_check_finds_what_migrate_would_write),
    ("a_revision_is_written_where_it_was_asked_for", files::a_revision_is_written_where_it_was_asked_for),
    ("heads_are_merged_by_a_file", files::heads_are_merged_by_a_file),
    ("an_edit_opens_the_file", files::an_edit_opens_the_file),
    ("nothing_is_written_by_mistake", files::nothing_is_written_by_mistake),
    ("a_squash_is_written", squashed::a_squash_is_written),
    ("what_cannot_be_squashed_is_said", squashed::what_cannot_be_squashed_is_said),
    ("a_squash_makes_what_the_others_make", squashed::a_squash_makes_what_the_others_make),
    (
        "a_database_that_has_all_or_some_of_them_comes_to_it",
        squashed::a_database_that_has_all_or_some_of_them_comes_to_it,
    ),
    ("without_the_files_some_is_an_error", squashed::without_the_files_some_is_an_error),
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

/// What the database has, by the names of the revisions.
fn applied(place: &Place) -> String {
    place.recorded().join(" ")
}

fn branches_are_applied_and_undone() {
    for place in places() {
        for (arguments, output, now) in [
            (&["upgrade", "a1"][..], "Upgraded <base> -> a1, cars\n", "a1"),
            (&["upgrade", "shop@head"], "Upgraded a1 -> b2, shop\n", "a1 b2"),
            (&["upgrade", "mail@+1"], "Upgraded a1 -> a2, second\nUpgraded <base> -> c1, mail\n", "a1 a2 b2 c1"),
            (&["upgrade", "heads"], "Nothing to upgrade.\n", "a1 a2 b2 c1"),
            (&["downgrade", "shop@-1"], "Downgraded b2 -> a1, shop\n", "a1 a2 c1"),
            // What depends on a revision goes before it, and what goes is the last one of all.
            (&["downgrade"], "Downgraded c1 -> <base>, mail\n", "a1 a2"),
            (&["upgrade", "heads"], "Upgraded a1 -> b2, shop\nUpgraded <base> -> c1, mail\n", "a1 a2 b2 c1"),
            (&["downgrade", "mail@base"], "Downgraded c1 -> <base>, mail\n", "a1 a2 b2"),
            (&["downgrade", "a2@-1"], "Downgraded a2 -> a1, second\n", "a1 b2"),
            (&["upgrade", "+1"], "Upgraded a1 -> a2, second\n", "a1 a2 b2"),
            (&["downgrade", "base"], "", ""),
        ] {
            let said = place.run("branched", &[&["db"], arguments].concat()).success();
            // The program before may still be leaving the server.
            let said = said.trim_start_matches("Another program is migrating the database: waiting for it.\n");
            assert!(said == output || output.is_empty(), "{arguments:?} on {}: {said}", place.dialect());
            assert_eq!(applied(&place), now, "{arguments:?} on {}", place.dialect());
        }
    }
}

fn ambiguous_places_change_nothing() {
    for place in places() {
        place.run("branched", &["db", "upgrade", "heads"]).success();
        place.run("branched", &["db", "downgrade", "mail@-1"]).success();
        for (arguments, error) in [
            (
                &["upgrade"][..],
                "`head` is ambiguous: there are several heads, a2 (second), b2 (shop, on shop) and c1 (mail, on mail)\n\
                 hint: `heads` is all of them, `shop@head` one; `program db merge -m \"merge\"` joins them",
            ),
            (
                &["downgrade", "-1"],
                "`-1` is ambiguous: the database is at a2 (second) and b2 (shop, on shop)\n\
                 hint: say which branch, as in `shop@-1`, or name a revision",
            ),
            (
                &["upgrade", "none@head"],
                "no branch is labelled `none`\n\
                 hint: the labels are mail and shop; a revision of the branch does as well",
            ),
            (
                &["upgrade", "shop@a2"],
                "the revision a2 is not on the branch `shop`\n\
                 hint: `program db branches` and `program db history` show what is where",
            ),
        ] {
            let refused = place.run("branched", &[&["db"], arguments].concat());
            assert_eq!(refused.error(), format!("error: {error}\n"), "{arguments:?}");
            assert_eq!(applied(&place), "a1 a2 b2");
        }
    }
}

fn a_merge_is_one_revision_more() {
    for place in places() {
        let said = place.run("merged", &["db", "upgrade"]).success();
        assert!(said.ends_with("Upgraded a2 and b2 -> d3, merge\n"), "{said}");
        assert_eq!(place.run("merged", &["db", "current"]).success(), "d3 (shop) (head) (mergepoint), merge\n");
        let said = place.run("merged", &["db", "downgrade", "-1"]).success();
        assert!(said.ends_with("Downgraded d3 -> a2 and b2, merge\n"), "{said}");
        let said = place.run("merged", &["db", "current"]).success();
        assert_eq!(said, "a2, second\nb2 (shop), shop\n1 pending revision\n");
        let said = place.run("merged", &["db", "upgrade", "+1"]).success();
        assert!(said.ends_with("Upgraded a2 and b2 -> d3, merge\n"), "{said}");
    }
}

fn a_stamp_keeps_other_branches() {
    for place in places() {
        let said = place.run("branched", &["db", "stamp", "b2", "c1"]).success();
        assert_eq!(
            said,
            "The database is recorded as being at a2 (head), second; b2 (shop) (head), shop; c1 (mail) (head), mail.\n"
        );
        assert_eq!(applied(&place), "a1 a2 b2 c1");
        place.run("branched", &["db", "stamp", "mail@base"]).success();
        assert_eq!(applied(&place), "a1 a2 b2");
        // A program that lacks what is recorded can still start afresh.
        let refused = place.run("line", &["db", "stamp", "a1"]);
        assert!(refused.error().starts_with("error: the database is at revision b2 (shop), which this program"));
        place.run("line", &["db", "stamp", "--purge", "a1"]).success();
        assert_eq!(applied(&place), "a1");
    }
}

fn two_heads_stop_the_start() {
    for place in places() {
        let error = "error: two migrations follow a1: a2 (second, `a2_second.rs`) and b2 (shop, `b2_shop.rs`)\n\
                     hint: `program db merge -m \"merge\"` writes a migration that follows both; or let one follow the other: \
                     change `follows` in the third line of `b2_shop.rs`\n";
        for arguments in
            [&["run", "--port", "0"][..], &["run", "--port", "0", "--upgrade"], &["db", "upgrade"], &["db", "check"]]
        {
            assert_eq!(place.run("forked", arguments).error(), error, "{arguments:?}");
        }
        assert_eq!(place.tables(), [""; 0]);
        // Whoever says so gets both.
        place.run("forked", &["db", "upgrade", "heads"]).success();
        assert_eq!(applied(&place), "a1 a2 b2");
        // Branches with labels are meant.
        let refused = place.run("branched", &["run", "--port", "0"]);
        assert!(refused.error().starts_with("error: the database is behind by 1 pending revision: c1 (mail)\n"));
    }
}
