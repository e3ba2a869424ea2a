//! The table of the guide that says what `db migrate` detects is made from the cases in `tests/cases`, by their names and
//! what they expect. `UPDATE=1 cargo test -p crocus-migrate --test detected` writes it anew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- made from the cases of crates/crocus-migrate/tests/cases -->\n";
/// What a case begins with that shows a false alarm which other tools give.
const FALSE_ALARM: &str = "false_alarm_";

const END: &str = "<!-- end -->";

/// What cases are about, by the first word of their files' names.
const KINDS: [(&str, &[&str]); 13] = [
    ("Tables", &["table", "several", "everything", "order"]),
    ("Columns", &["column", "columns", "rows", "added", "dropped", "renamed", "generated"]),
    ("Types", &["type", "types", "arrays", "decimals", "text"]),
    ("Defaults, collations, comments", &["default", "defaults", "collation", "comment", "comments"]),
    ("Identity", &["identity", "serial"]),
    ("Primary keys", &["key"]),
    ("Unique constraints", &["unique"]),
    ("Checks", &["check"]),
    ("Foreign keys", &["foreign", "references"]),
    ("Indexes", &["index"]),
    ("Enum types", &["enum"]),
    ("Schemas, names", &["schema", "names", "constraint", "rename", "longest", "reserved"]),
    (
        "What no model declares",
        &["unmanaged", "partitions", "ignored", "alembic", "flask", "rights", "statistics", "storage"],
    ),
];

/// What `db migrate` does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Detected,
    Asked,
    Same,
    NotManaged,
}

#[test]
fn the_guide_says_what_the_cases_show() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let chapter = home.join("../../docs/guide/migrations.md");
    let text = fs::read_to_string(&chapter).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (is, after) = rest.split_once(END).unwrap();
    let should_be = table(&home.join("tests/cases"));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&chapter, format!("{before}{BEGIN}{should_be}{END}{after}")).unwrap();
    } else {
        assert_eq!(is, should_be, "write it anew: UPDATE=1 cargo test -p crocus-migrate --test detected");
    }
}

fn table(cases: &Path) -> String {
    let mut cells: BTreeMap<(usize, Outcome), Vec<String>> = BTreeMap::new();
    let mut files: Vec<_> = fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "txt")) {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let Some((kind, label)) = kind_of(name) else { continue };
        let outcome = outcome(name, &fs::read_to_string(file).unwrap());
        cells.entry((kind, outcome)).or_default().push(label);
    }
    let mut table = "| | detected | asked | the same, no alarm | not managed |\n|---|---|---|---|---|\n".to_owned();
    for (at, (kind, _)) in KINDS.iter().enumerate() {
        let outcomes = [Outcome::Detected, Outcome::Asked, Outcome::Same, Outcome::NotManaged];
        let cells =
            outcomes.map(|outcome| cells.get(&(at, outcome)).map(|labels| labels.join("; ")).unwrap_or_default());
        let _ = writeln!(table, "| {kind} | {} |", cells.join(" | "));
    }
    table
}

/// The kind of a case and what is left of its name. How SQLite makes a table anew is no matter of detection.
fn kind_of(name: &str) -> Option<(usize, String)> {
    let name = name.trim_start_matches(FALSE_ALARM);
    let mut words = name.split('_');
    let first = words.next().unwrap();
    if first == "rebuild" {
        return None;
    }
    let kind = KINDS.iter().position(|(_, words)| words.contains(&first));
    let kind = kind.unwrap_or_else(|| panic!("the case {name} is of no kind that this test knows"));
    // What the kind's own title says is not said again.
    let is_said = KINDS[kind].0.to_lowercase().contains(first);
    let rest: Vec<_> = words.skip_while(|word| first == "foreign" && word.starts_with("key")).collect();
    Some((kind, if is_said && !rest.is_empty() { rest.join(" ") } else { name.replace('_', " ") }))
}

fn outcome(name: &str, case: &str) -> Outcome {
    let expected: Vec<_> = section(case, "operations").collect();
    if name.starts_with("unmanaged") || name.starts_with("ignored") {
        Outcome::NotManaged
    } else if ["renames", "candidates"].iter().any(|title| section(case, title).next().is_some()) {
        Outcome::Asked
    } else if expected.is_empty() || name.starts_with(FALSE_ALARM) {
        Outcome::Same
    } else {
        Outcome::Detected
    }
}

/// The lines of a section, whatever dialect they are of.
fn section<'a>(case: &'a str, title: &str) -> impl Iterator<Item = &'a str> {
    let unmarked = |line: &'a str| line.trim_start_matches("[sqlite] ").trim_start_matches("[postgresql] ");
    let head = format!("--- {title}");
    let lines = case.lines().map(unmarked).skip_while(move |line| *line != head).skip(1);
    lines.take_while(|line| !line.starts_with("--- ")).filter(|line| !line.trim().is_empty())
}
