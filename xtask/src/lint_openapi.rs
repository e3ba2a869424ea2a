//! `cargo xtask lint-openapi`: the examples' OpenAPI documents, before Spectral with its rules for OpenAPI and OWASP's,
//! and Redocly's linter. What they find is mended, or answered in `docs/reference/openapi-lint.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::failure::Failure;
use crate::node;

const ANSWERS: &str = "docs/reference/openapi-lint.md";

/// The places where each rule is broken.
type Findings = BTreeMap<String, Vec<String>>;

/// Fails on a rule that has no answer, and on an answer whose rule is broken nowhere.
pub(crate) fn run() -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let home = node::packages()?;
    let mut found = Findings::new();
    let documents = documents(&root)?;
    for document in &documents {
        spectral(&home, document, &mut found)?;
        redocly(&home, document, &mut found)?;
    }
    let text =
        fs::read_to_string(root.join(ANSWERS)).map_err(Failure::because(format!("failed to read `{ANSWERS}`")))?;
    let rule = |line: &str| line.strip_prefix("| `")?.split_once('`').map(|(rule, _)| rule.to_owned());
    let answered: BTreeSet<String> = text.lines().filter_map(rule).collect();
    for (rule, places) in found.iter().filter(|(rule, _)| !answered.contains(*rule)) {
        eprintln!("{rule}: {} times", places.len());
        places.iter().take(5).for_each(|place| eprintln!("  {place}"));
    }
    if found.keys().any(|rule| !answered.contains(rule)) {
        return Err(
            Failure::new("a linter finds what is not answered").hint(format!("mend it, or answer it in `{ANSWERS}`"))
        );
    }
    if let Some(rule) = answered.iter().find(|rule| !found.contains_key(*rule)) {
        return Err(Failure::new(format!("`{rule}` is answered, and found nowhere"))
            .hint(format!("take its line out of `{ANSWERS}`")));
    }
    println!("{} documents: {} rules are broken, and all are answered", documents.len(), found.len());
    Ok(())
}

fn documents(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let examples = fs::read_dir(root.join("examples")).map_err(Failure::because("failed to read `examples`"))?;
    let mut all: Vec<_> = examples.flatten().map(|example| example.path().join("openapi.json")).collect();
    all.retain(|path| path.is_file());
    all.sort();
    if all.is_empty() { Err(Failure::new("there is no document: `examples/*/openapi.json`")) } else { Ok(all) }
}

fn spectral(home: &Path, document: &Path, found: &mut Findings) -> Result<(), Failure> {
    let arguments = ["lint", "--quiet", "--format", "json", "--ruleset", "spectral.yaml"];
    for finding in listed(&output(home, "spectral", &arguments, document)?) {
        let path =
            finding["path"].as_array().map(|path| path.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("/"));
        note(found, &finding["code"], &finding["message"], path.unwrap_or_default());
    }
    Ok(())
}

fn redocly(home: &Path, document: &Path, found: &mut Findings) -> Result<(), Failure> {
    let report = output(
        home,
        "redocly",
        &["lint", "--extends=recommended", "--format", "json", "--max-problems=10000"],
        document,
    )?;
    for finding in listed(&report["problems"]) {
        let pointer = finding["location"][0]["pointer"].as_str().unwrap_or_default().to_owned();
        note(found, &finding["ruleId"], &finding["message"], pointer);
    }
    Ok(())
}

fn listed(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn note(found: &mut Findings, rule: &Value, message: &Value, place: String) {
    let rule = rule.as_str().unwrap_or("without a name").to_owned();
    found.entry(rule).or_default().push(format!("{place}: {}", message.as_str().unwrap_or_default()));
}

/// What a linter prints as JSON. Its exit code only says whether it found anything.
fn output(home: &Path, linter: &str, arguments: &[&str], document: &Path) -> Result<Value, Failure> {
    let mut command = Command::new(home.join("node_modules/.bin").join(linter));
    command.args(arguments).arg(document).current_dir(home).env("REDOCLY_TELEMETRY", "off").env("CI", "true");
    let output = command.output().map_err(Failure::because(format!("failed to run `{linter}`")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    // Redocly says something before it, and Spectral after it.
    let start = text.find(['[', '{']).unwrap_or_default();
    let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
    match values.next() {
        Some(Ok(value)) => Ok(value),
        _ => Err(Failure::new(format!("`{linter}` says {text:?}, {:?}", String::from_utf8_lossy(&output.stderr)))),
    }
}
