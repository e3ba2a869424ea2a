//! `cargo xtask test`: all tests against one throwaway server, and their number.

use std::io::{self, BufRead, BufReader, Write};
use std::process::Stdio;

use crocus_testing::{Cluster, TEST_POSTGRES_URL};

use crate::failure::Failure;
use crate::{cargo, postgres};

/// Runs `cargo test`, all packages unless the arguments name some, and prints `N passed, N failed` at the end.
///
/// A server that [`TEST_POSTGRES_URL`] names already is used. PostgreSQL has to be installed all the same: some tests
/// start servers of their own.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    postgres::ensure_installed()?;
    let mut test = cargo();
    test.arg("test").args(cargo_arguments(arguments));
    let _cluster = if std::env::var_os(TEST_POSTGRES_URL).is_none() {
        let cluster = Cluster::start().map_err(Failure::because("failed to start PostgreSQL"))?;
        test.env(TEST_POSTGRES_URL, cluster.url("postgres"));
        Some(cluster)
    } else {
        None
    };

    let mut child = test.stdout(Stdio::piped()).spawn().map_err(Failure::because("failed to run `cargo test`"))?;
    let mut count = Count::default();
    if let Some(output) = child.stdout.take() {
        forward(BufReader::new(output), io::stdout().lock(), &mut count)
            .map_err(Failure::because("failed to forward the output of `cargo test`"))?;
    }
    let status = child.wait().map_err(Failure::because("failed to wait for `cargo test`"))?;
    if count.seen {
        println!("\n{} passed, {} failed", count.passed, count.failed);
    }
    Failure::unless(status, "`cargo test` failed")
}

/// All packages with all features, to the end, so that the number of failures is the true one.
fn cargo_arguments<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let own = arguments.split(|argument| *argument == "--").next();
    let own = own.unwrap_or_default();
    let names_a_package = own.iter().any(|argument| {
        let long = argument.starts_with("--package") || *argument == "--workspace";
        long || argument.starts_with("-p")
    });
    let mut all = Vec::new();
    if !names_a_package {
        all.push("--workspace");
    }
    for flag in ["--all-features", "--no-fail-fast"] {
        if !own.contains(&flag) {
            all.push(flag);
        }
    }
    all.extend(arguments);
    all
}

#[derive(Debug, Default, PartialEq)]
struct Count {
    passed: u64,
    failed: u64,
    /// Whether any test program ended: without that, the numbers say nothing.
    seen: bool,
}

/// Copies line by line, and adds up the lines `test result: ok. 5 passed; 0 failed; ...`.
fn forward(mut from: impl BufRead, mut to: impl Write, count: &mut Count) -> io::Result<()> {
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        to.flush()?;
        if let Some(result) = line.strip_prefix(b"test result: ") {
            let result = String::from_utf8_lossy(result);
            count.passed += number_before(&result, "passed");
            count.failed += number_before(&result, "failed");
            count.seen = true;
        }
        line.clear();
    }
    Ok(())
}

fn number_before(result: &str, word: &str) -> u64 {
    result.split(['.', ';']).find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_added_up_and_all_is_forwarded() {
        let output = b"running 2 tests\n\
            not UTF-8: \xff\n\
            test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s\n\
            test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s\n\
            no line break at the end";
        let (mut count, mut copy) = (Count::default(), Vec::new());
        forward(&output[..], &mut copy, &mut count).unwrap();
        assert_eq!(copy, output);
        let (passed, failed) = (15, 2);
        assert_eq!(count, Count { passed, failed, seen: true });
    }

    #[test]
    fn flags_are_given_once_and_packages_are_respected() {
        let usual = ["--workspace", "--all-features", "--no-fail-fast"];
        assert_eq!(cargo_arguments(&[]), usual);
        assert_eq!(
            cargo_arguments(&["-p", "xtask", "--no-fail-fast"]),
            ["--all-features", "-p", "xtask", "--no-fail-fast"]
        );
        assert_eq!(cargo_arguments(&["--", "-p"])[..3], usual);
    }
}
