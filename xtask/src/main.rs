//! The project's own commands: `cargo xtask test`, `cargo xtask ci`, `cargo xtask bench`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to its terminal")]

mod bench;
mod ci;
mod clients;
mod debian;
mod docs_browser;
mod failure;
mod lint_openapi;
mod node;
mod postgres;
mod program;
mod python;
mod schemathesis;
mod squawk;
mod test;

use std::path::Path;
use std::process::{Command, ExitCode};

use failure::Failure;

const HELP: &str = "\
Usage: cargo xtask <COMMAND>

Commands:
  test [-- ARGS]  Run all tests against a throwaway PostgreSQL server; ARGS go to `cargo test`
  ci              Run all that has to pass before a change is merged: format, lints, documentation, tests,
                  PostgREST's clients, schemathesis
  bench [--quick] [--only WORKLOAD,...] [--database postgres|sqlite] [--programs NAME,...] [--clients N,...] [--rows N,...]
        [--rounds N] [--seconds N] [--built]
                  Compare with other programs, in turns, in one run: requests (get-one, list-20, list-all, search, insert,
                  update, mixed), objects (load, flush, update-some), and how cost grows (start, rows, models, stream, instructions).
                  What cannot be installed is said to be skipped; `--built` measures what was compiled before
  bench NAME      Compare with others, in one run: `migrations` (Alembic), `import` (and export: psql \\copy; `--rows N`, a million)
  lint-openapi    Run Spectral (with OWASP's rules) and Redocly's linter over the examples' OpenAPI documents
  docs-browser    Read and try `/docs` in headless Chromium, without a network
  schemathesis [--cases N] [--seed N] [NAME]
                  Send the examples requests made from their OpenAPI documents, about N each (1000), on both databases,
                  or only on one, such as `cars-sqlite`
  clients         Run PostgREST's own clients (JavaScript, Python, Rust) against the dealership, on both databases
  squawk          Run squawk, a linter, over the SQL that migrations send to PostgreSQL
  help            Show this text

Examples:
  cargo xtask test
  cargo xtask test -- --package crocus-orm
  cargo xtask test -- --test sessions -- --nocapture
  cargo xtask bench migrations
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: &[String]) -> Result<(), Failure> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match &words[..] {
        ["test"] => test::run(&[]),
        ["test", "--", rest @ ..] => test::run(rest),
        ["ci"] => ci::run(),
        ["clients"] => clients::run(),
        ["squawk"] => squawk::run(),
        ["lint-openapi"] => lint_openapi::run(),
        ["docs-browser"] => docs_browser::run(),
        ["schemathesis", rest @ ..] => schemathesis::run(&schemathesis::Run::read(rest)?),
        ["bench", "migrations"] => bench::migrations(),
        ["bench", "import"] => bench::import::run(1_000_000),
        ["bench", "import", "--rows", number] => match number.parse() {
            Ok(rows) => bench::import::run(rows),
            Err(_) => Err(Failure::usage(format!("`{number}` is no number of rows"), "see `cargo xtask help`")),
        },
        ["help" | "--help" | "-h", ..] => {
            print!("{HELP}");
            Ok(())
        }
        [] => Err(Failure::usage("no command is given", "see `cargo xtask help`")),
        ["test", ..] => Err(Failure::usage(
            "arguments for `cargo test` are not marked as such",
            "put them after `--`: `cargo xtask test -- --package crocus-orm`",
        )),
        ["ci", unexpected, ..] => {
            Err(Failure::usage(format!("`ci` takes no arguments, but got `{unexpected}`"), "see `cargo xtask help`"))
        }
        ["bench", name, ..] if !name.starts_with("--") => {
            Err(Failure::usage(format!("there is no benchmark `{name}`"), "there are `migrations` and `import`"))
        }
        ["bench", options @ ..] => bench::speed(options),
        [unknown, ..] => Err(Failure::usage(format!("there is no command `{unknown}`"), "see `cargo xtask help`")),
    }
}

/// The cargo that runs this program, at the root of the repository.
fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    cargo
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_usage_is_told_apart() {
        for wrong in [
            &[][..],
            &["tests"],
            &["test", "--nocapture"],
            &["ci", "now"],
            &["bench", "all"],
            &["schemathesis", "cars"],
        ] {
            let arguments: Vec<String> = wrong.iter().map(|word| (*word).to_owned()).collect();
            assert!(run(&arguments).unwrap_err().is_usage(), "{wrong:?}");
        }
    }
}
