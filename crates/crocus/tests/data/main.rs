//! `import` and `export`, of a real program on both databases.
//!
//! The program is this file's own binary, run again with [`program::VARIABLE`] set.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../upgrade/child.rs"]
#[expect(dead_code, reason = "the other tests that have it use the rest")]
mod child;
mod crashes;
mod export;
mod import;
#[cfg(all(feature = "decimal", feature = "time", feature = "uuid"))]
mod law;
mod program;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

const TESTS: &[(&str, fn())] = &[
    ("a_file_becomes_rows_or_reasons", import::a_file_becomes_rows_or_reasons),
    ("what_is_in_is_not_in_twice", import::what_is_in_is_not_in_twice),
    ("a_file_that_has_changed_is_noticed", import::a_file_that_has_changed_is_noticed),
    ("rejected_rows_are_imported_when_repaired", import::rejected_rows_are_imported_when_repaired),
    ("rows_that_are_there_are_updated_or_left", import::rows_that_are_there_are_updated_or_left),
    ("a_trial_changes_nothing", import::a_trial_changes_nothing),
    ("the_next_key_is_behind_the_imported_ones", import::the_next_key_is_behind_the_imported_ones),
    ("what_is_checked_at_the_end_is_checked", import::what_is_checked_at_the_end_is_checked),
    ("wrong_usage_is_told", import::wrong_usage_is_told),
    ("what_is_asked_for_is_exported", export::what_is_asked_for_is_exported),
    ("a_file_is_there_when_it_is_whole", export::a_file_is_there_when_it_is_whole),
    ("what_is_exported_can_be_imported", export::what_is_exported_can_be_imported),
    #[cfg(all(feature = "decimal", feature = "time", feature = "uuid"))]
    ("what_is_exported_is_imported_without_loss", law::what_is_exported_is_imported_without_loss),
    ("two_imports_of_one_file_do_not_run_at_once", crashes::two_imports_of_one_file_do_not_run_at_once),
    ("an_import_that_is_interrupted_goes_on", crashes::an_import_that_is_interrupted_goes_on),
    ("an_import_whose_connection_is_lost_goes_on", crashes::an_import_whose_connection_is_lost_goes_on),
    ("killed_imports_go_on", crashes::killed_imports_go_on),
];

fn main() -> ExitCode {
    if std::env::var_os(program::VARIABLE).is_some() {
        return program::main();
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
