//! `db repair`: it shows what an upgrade cannot decide, and mends only what it is told.

use crate::child::places;

pub(crate) fn an_edited_migration_is_accepted_when_told() {
    for place in places() {
        place.run("acknowledged", &["db", "upgrade"]).success();
        assert_eq!(place.run("acknowledged", &["db", "repair"]).success(), "Nothing to repair.\n");
        // Another program has another upgrade of the same revision.
        let shown = "b2 was edited after it was applied (`b2_drop_model.rs`).\n  Put the file back as it was, or:\n  \
                     program db repair --accept b2\n      the database is as the file says now\n";
        for _ in 0..2 {
            assert_eq!(place.run("edited", &["db", "repair"]).success(), shown, "showing changes nothing");
        }
        assert!(place.run("edited", &["db", "upgrade"]).error().contains("was edited after it was applied"));
        assert_eq!(
            place.run("acknowledged", &["db", "repair", "--accept", "b2"]).error(),
            "error: the revision b2 was not edited since it was applied\nhint: `program db repair` lists what can be mended\n"
        );
        assert_eq!(
            place.run("edited", &["db", "repair", "--accept", "b"]).success(),
            "Accepted b2 as `b2_drop_model.rs` has it now.\n"
        );
        assert_eq!(place.run("edited", &["db", "repair"]).success(), "Nothing to repair.\n");
        assert_eq!(place.run("edited", &["db", "upgrade"]).success(), "Nothing to upgrade.\n");
    }
}

pub(crate) fn a_revision_that_the_program_lacks_is_forgotten_when_told() {
    for place in places() {
        place.run("acknowledged", &["db", "upgrade"]).success();
        let shown = "b2 (drop model) is applied, and this program does not have it.\n  \
                     Run the program that has it, or:\n  program db repair --forget b2\n      \
                     it is gone for good; what it made stays\n";
        assert_eq!(place.run("creating", &["db", "repair"]).success(), shown);
        place.run("creating", &["db", "upgrade"]).error();
        let wrong = place.run("creating", &["db", "repair", "--forget", "b2", "--forget", "a1"]);
        assert!(wrong.error().starts_with("error: the revision a1 is one that the program has\n"), "{wrong:?}");
        assert_eq!(place.revisions(), 2, "all or nothing");
        assert_eq!(place.run("creating", &["db", "repair", "--forget", "b2"]).success(), "Forgot b2, drop model.\n");
        assert_eq!(place.run("creating", &["db", "upgrade"]).success(), "Nothing to upgrade.\n");
        let unknown = place.run("creating", &["db", "repair", "--forget", "x"]);
        assert!(unknown.error().contains("recorded no revision that is or begins with `x`"), "{unknown:?}");
    }
}

pub(crate) fn a_revision_that_was_broken_off_is_done_or_undone_when_told() {
    for place in places() {
        place.run("acknowledged", &["db", "upgrade"]).success();
        for (progress, option, said, left) in [
            ("up:1.0", "--done", "Recorded b2 as applied.\n", 2),
            ("down:1.0", "--undone", "Recorded b2 as applied.\n", 2),
            ("up:1.0", "--undone", "Recorded b2 as not applied.\n", 1),
            ("down:1.0", "--done", "Recorded b2 as not applied.\n", 1),
        ] {
            place.run("acknowledged", &["db", "stamp", "b2"]).success();
            place.sql(&format!("UPDATE crocus_migrations SET progress = '{progress}' WHERE revision = 'b2'"));
            let shown = place.run("acknowledged", &["db", "repair"]).success();
            let verb = if progress.starts_with("up") { "upgrade" } else { "downgrade" };
            assert!(shown.starts_with(&format!("b2 was broken off in its {verb}, with 1 step done.\n")), "{shown}");
            assert_eq!(place.run("acknowledged", &["db", "repair", option, "b2"]).success(), said);
            assert_eq!(place.revisions(), left);
            assert_eq!(place.run("acknowledged", &["db", "repair"]).success(), "Nothing to repair.\n");
        }
        assert!(place.run("acknowledged", &["db", "repair", "--done", "a1"]).error().contains("is not half done"));
    }
}

pub(crate) fn an_index_that_is_not_complete_is_built_again_when_told() {
    for place in places() {
        place.run("creating", &["db", "upgrade"]).success();
        if place.dialect() == "sqlite" {
            place.run("creating", &["db", "repair", "--reindex", "cars_name_idx"]).error();
            continue;
        }
        // What a build that failed leaves.
        place.sql(
            "CREATE INDEX cars_name_idx ON cars (name); \
             UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'cars_name_idx'::regclass",
        );
        let shown = place.run("creating", &["db", "repair"]).success();
        assert!(shown.starts_with("The index cars_name_idx on cars is not complete"), "{shown}");
        assert_eq!(
            place.run("creating", &["db", "repair", "--reindex", "cars_name_idx"]).success(),
            "Built the index `cars_name_idx` again.\n"
        );
        assert_eq!(place.run("creating", &["db", "repair"]).success(), "Nothing to repair.\n");
    }
}
