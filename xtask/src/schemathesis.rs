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
    pub(crate) only: Option<&'a str>,
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
                name if names().any(|known| known == name) => run.only = Some(name),
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

/// Tests each example on both databases, to the end, so that all failures are known.
pub(crate) fn run(asked: &Run<'_>) -> Result<(), Failure> {
    postgres::ensure_installed()?;
    let python = python::with(&[PACKAGE])?;
    let cluster = Cluster::start().map_err(Failure::because("failed to start PostgreSQL"))?;
    let server = |name: &str| cluster.url(name);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = here.join("../target/schemathesis");
    let mut failed = Vec::new();
    for (example, operations) in EXAMPLES {
        for (name, database) in [("sqlite", None), ("postgresql", Some(&server as &dyn Fn(&str) -> String))] {
            let name = format!("{example}-{name}");
            if asked.only.is_some_and(|only| only != name) {
                continue;
            }
            println!("\n== {name} ==");
            let folder = home.join(&name);
            let program = Program::start(example, &folder, database)?;
            let examples = (asked.cases / operations).max(1).to_string();
            let begin = Instant::now();
            let status = Command::new(python.with_file_name("schemathesis"))
                .arg("--config-file")
                .arg(here.join("schemathesis/schemathesis.toml"))
                .args(["run", &format!("{}/openapi.json", program.url)])
                .args(["--max-examples", &examples, "--continue-on-failure", "--no-color"])
                .args(asked.seed.iter().flat_map(|seed| ["--seed", seed]))
                .env("SCHEMATHESIS_HOOKS", here.join("schemathesis/hooks.py"))
                .current_dir(&folder)
                .status()
                .map_err(Failure::because("failed to run `schemathesis`"))?;
            println!("{name}: {} s", begin.elapsed().as_secs());
            if !status.success() {
                failed.push(name);
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("what is answered is not what the document says: {}", failed.join(", ")))
        .hint("run one again with the seed that it printed: `cargo xtask schemathesis --seed N NAME`"))
}
