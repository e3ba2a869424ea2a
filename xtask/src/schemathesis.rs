//! `cargo xtask schemathesis`: requests made from the examples' OpenAPI documents, right ones and wrong ones, alone and one
//! after the other. Whatever is answered has to be what the document says.

use std::path::Path;
use std::process::Command;

use crocus_testing::Cluster;

use crate::failure::Failure;
use crate::program::Program;
use crate::{postgres, python};

const PACKAGE: &str = "schemathesis==4.32.5";

/// The examples, and how many operations each has, about.
const EXAMPLES: [(&str, u32); 2] = [("cars", 8), ("dealership", 27)];

/// Tests each example on both databases, with about so many cases.
pub(crate) fn run(cases: u32) -> Result<(), Failure> {
    postgres::ensure_installed()?;
    let python = python::with(&[PACKAGE])?;
    let cluster = Cluster::start().map_err(Failure::because("failed to start PostgreSQL"))?;
    let server = |name: &str| cluster.url(name);
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/schemathesis");
    for (example, operations) in EXAMPLES {
        for (name, database) in [("sqlite", None), ("postgresql", Some(&server as &dyn Fn(&str) -> String))] {
            println!("\n== {example} on {name} ==");
            let folder = home.join(format!("{example}-{name}"));
            let program = Program::start(example, &folder, database)?;
            let examples = (cases / operations).max(1).to_string();
            let config = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemathesis/{example}.toml"));
            let status = Command::new(python.with_file_name("schemathesis"))
                .arg("--config-file")
                .arg(config)
                .args(["run", &format!("{}/openapi.json", program.url)])
                .args(["--max-examples", &examples, "--continue-on-failure", "--no-color"])
                .current_dir(&folder)
                .status()
                .map_err(Failure::because("failed to run `schemathesis`"))?;
            Failure::unless(status, format!("`{example}` on {name} does not do what its document says"))?;
        }
    }
    Ok(())
}
