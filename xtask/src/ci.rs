//! `cargo xtask ci`: all that has to pass before a change is merged, in the order of how fast it fails.

use crate::failure::Failure;
use crate::{cargo, clients, docs_browser, lint_openapi, node, python, schemathesis, test};

/// A name for the reports, and what is run.
type Step = (&'static str, fn() -> Result<(), Failure>);

const STEPS: &[Step] = &[
    ("format", format),
    ("lints", lints),
    ("documentation", documentation),
    ("openapi", openapi),
    ("tests", tests),
    ("clients", clients::run),
    ("schemathesis", requests),
    ("docs-browser", pages),
];

/// Runs the steps up to the first that fails.
pub(crate) fn run() -> Result<(), Failure> {
    for (name, step) in STEPS {
        println!("\n== {name} ==");
        step().map_err(|failure| failure.in_step(name))?;
    }
    println!("\nall steps passed");
    Ok(())
}

fn format() -> Result<(), Failure> {
    run_cargo(&["fmt", "--all", "--check"], None).map_err(|failure| failure.hint("run `cargo fmt --all`"))
}

fn lints() -> Result<(), Failure> {
    let all = "clippy --workspace --all-targets --all-features -- -D warnings";
    // What only a feature uses must not be in the way of a program without it.
    let least = "clippy -p crocus-orm --no-default-features -- -D warnings";
    [all, least].into_iter().try_for_each(|arguments| run_cargo(&arguments.split(' ').collect::<Vec<_>>(), None))
}

fn documentation() -> Result<(), Failure> {
    run_cargo(&["doc", "--workspace", "--no-deps", "--all-features"], Some(("RUSTDOCFLAGS", "-D warnings")))
}

/// The documents themselves are held unchanged by the tests.
fn openapi() -> Result<(), Failure> {
    if node::is_installed() {
        return lint_openapi::run();
    }
    println!("not run: Node is not installed");
    Ok(())
}

/// The same requests each time, so that nothing fails by chance that a change has not broken; whoever looks for more takes other
/// seeds, and more cases.
fn requests() -> Result<(), Failure> {
    if !python::is_installed() {
        println!("not run: Python is not installed");
        return Ok(());
    }
    schemathesis::run(&schemathesis::Run { cases: 500, seed: Some("1"), only: None })
}

fn pages() -> Result<(), Failure> {
    if node::is_installed() && docs_browser::is_possible() {
        return docs_browser::run();
    }
    println!("not run: Node or Chromium is not installed");
    Ok(())
}

fn tests() -> Result<(), Failure> {
    test::run(&[])
}

fn run_cargo(arguments: &[&str], variable: Option<(&str, &str)>) -> Result<(), Failure> {
    let name = format!("cargo {}", arguments[0]);
    let status =
        cargo().args(arguments).envs(variable).status().map_err(Failure::because(format!("failed to run `{name}`")))?;
    Failure::unless(status, format!("`{name}` failed"))
}
