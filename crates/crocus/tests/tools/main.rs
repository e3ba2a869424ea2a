//! The commands that look at migrations and databases, of a real program on both databases.
//!
//! The program is this file's own binary, run again with [`program::VARIABLE`] set.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../upgrade/child.rs"]
#[expect(dead_code, reason = "the other tests that have it use the rest")]
mod child;
mod inspect;
mod lint;
mod plan;
mod program;
mod renames;
mod repair;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

const TESTS: &[(&str, fn())] = &[
    (
        "models_are_written_of_the_tables_that_are_asked_for",
        inspect::models_are_written_of_the_tables_that_are_asked_for,
    ),
    ("every_step_is_said_with_its_locks", plan::every_step_is_said_with_its_locks),
    ("machines_get_the_revisions", plan::machines_get_the_revisions),
    ("an_edited_migration_is_accepted_when_told", repair::an_edited_migration_is_accepted_when_told),
    (
        "a_revision_that_the_program_lacks_is_forgotten_when_told",
        repair::a_revision_that_the_program_lacks_is_forgotten_when_told,
    ),
    (
        "a_revision_that_was_broken_off_is_done_or_undone_when_told",
        repair::a_revision_that_was_broken_off_is_done_or_undone_when_told,
    ),
    (
        "an_index_that_is_not_complete_is_built_again_when_told",
        repair::an_index_that_is_not_complete_is_built_again_when_told,
    ),
    ("machines_get_the_schema", inspect::machines_get_the_schema),
    ("findings_are_said_with_what_to_do", lint::findings_are_said_with_what_to_do),
    ("a_file_that_loses_data_is_announced", lint::a_file_that_loses_data_is_announced),
    ("a_range_is_judged_alone", lint::a_range_is_judged_alone),
    ("machines_get_one_list", lint::machines_get_one_list),
    ("another_name_is_said_or_hinted_at", renames::another_name_is_said_or_hinted_at),
    ("what_is_lost_is_acknowledged_in_the_file_or_once", lint::what_is_lost_is_acknowledged_in_the_file_or_once),
];

fn main() -> ExitCode {
    if let Ok(name) = std::env::var(program::VARIABLE) {
        return program::main(&name);
    }
    let trial = |(name, test): &(&str, fn())| {
        let test = *test;
        Trial::test(*name, move || {
            test();
            Ok(())
        })
    };
    libtest_mimic::run(&Arguments::from_args(), TESTS.iter().map(trial).collect()).exit_code()
}
