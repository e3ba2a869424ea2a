//! `cargo xtask schemathesis`: requests made from the examples' OpenAPI documents, right ones and wrong ones, alone and one
//! after the other. Whatever is answered has to be what the document says.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crocus_testing::Cluster;

use crate::failure::Failure;
use crate::program::Program;
use crate::{postgres, python};

const PACKAGE: &str = "schemathesis==4.32.5";

/// The examples, and how many operations each has, about.
const EXAMPLES: [(&str, u32); 2] = [("cars", 16), ("dealership", 72)];

/// What is asked of a run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Run<'a> {
    /// How many cases each example gets on each database, about, besides those that are made without chance.
    pub(crate) cases: u32,
    /// Where chance begins: with the same number the same requests are made.
    pub(crate) seed: Option<&'a str>,
    /// The one run that is wanted, such as `cars-sqlite`.
    pub(crate) only: Option<String>,
}

impl<'a> Run<'a> {
    /// Reads `[--cases N] [--seed N] [NAME]`.
    pub(crate) fn read(words: &[&'a str]) -> Result<Run<'a>, Failure> {
        let mut run = Run { cases: 1_000, seed: None, only: None };
        let mut words = words.iter().copied();
        let number = |word: Option<&'a str>| {
            let number = word.filter(|word| word.parse::<u32>().is_ok());
            number.ok_or_else(|| Failure::usage("`--cases` and `--seed` take a number", "see `cargo xtask help`"))
        };
        while let Some(word) = words.next() {
            match word {
                "--cases" => run.cases = number(words.next())?.parse().unwrap_or_default(),
                "--seed" => run.seed = Some(number(words.next())?),
                name if names().any(|known| known == name) => run.only = Some(name.to_owned()),
                other => {
                    let known = names().collect::<Vec<_>>().join(", ");
                    return Err(Failure::usage(format!("there is no run `{other}`"), &format!("there are {known}")));
                }
            }
        }
        Ok(run)
    }
}

fn names() -> impl Iterator<Item = String> {
    EXAMPLES.iter().flat_map(|(example, _)| ["sqlite", "postgresql"].map(|database| format!("{example}-{database}")))
}

/// Tests each example, on both databases at once, to the end, so that all failures are known.
pub(crate) fn run(asked: &Run<'_>) -> Result<(), Failure> {
    postgres::ensure_installed()?;
    let python = python::with(&[PACKAGE])?;
    let cluster = Cluster::start().map_err(Failure::because("failed to start PostgreSQL"))?;
    let server = |name: &str| cluster.url(name);
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/schemathesis");
    let mut failed = Vec::new();
    for (example, operations) in EXAMPLES {
        let databases = [("sqlite", None), ("postgresql", Some(&server as &dyn Fn(&str) -> String))];
        let mut programs = Vec::new();
        for (name, database) in databases.map(|(name, database)| (format!("{example}-{name}"), database)) {
            if asked.only.as_ref().is_none_or(|only| *only == name) {
                programs.push((Program::start(example, &home.join(&name), database)?, home.join(&name), name));
            }
        }
        let cases = (asked.cases / operations).max(1);
        let outcomes = std::thread::scope(|scope| {
            let threads = programs.iter().map(|(program, folder, _)| {
                let mut schemathesis = command(&python, asked, &program.url, cases);
                schemathesis.current_dir(folder);
                scope.spawn(move || (Instant::now(), schemathesis.output(), Instant::now()))
            });
            let threads: Vec<_> = threads.collect();
            threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        for ((_, _, name), outcome) in programs.iter().zip(outcomes) {
            let (begin, output, end) = outcome.map_err(|_| Failure::new("a run of `schemathesis` was not awaited"))?;
            let output = output.map_err(Failure::because("failed to run `schemathesis`"))?;
            println!("\n== {name}: {} s ==", (end - begin).as_secs());
            print!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            if !output.status.success() {
                failed.push(name.clone());
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("what is answered is not what the document says: {}", failed.join(", ")))
        .hint("run one again with the seed that it printed: `cargo xtask schemathesis --seed N NAME`"))
}

fn command(python: &Path, asked: &Run<'_>, url: &str, cases: u32) -> Command {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemathesis");
    let mut command = Command::new(python.with_file_name("schemathesis"));
    command
        .arg("--config-file")
        .arg(here.join("schemathesis.toml"))
        .args(["run", &format!("{url}/openapi.json")])
        .args(["--max-examples", &cases.to_string(), "--continue-on-failure", "--no-color"])
        .args(asked.seed.iter().flat_map(|seed| ["--seed", seed]))
        .env("SCHEMATHESIS_HOOKS", here.join("hooks.py"));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_read() {
        let read = Run::read(&["--seed", "7", "cars-postgresql", "--cases", "50"]).unwrap();
        assert_eq!(read, Run { cases: 50, seed: Some("7"), only: Some("cars-postgresql".to_owned()) });
        for wrong in [&["--cases"][..], &["--cases", "many"], &["--seed", "-1"], &["cars"]] {
            assert!(Run::read(wrong).unwrap_err().is_usage(), "{wrong:?}");
        }
    }
}
