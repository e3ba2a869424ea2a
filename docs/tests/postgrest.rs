//! The table of `guide/postgrest.md`: each test that it names is there, and each feature has a test or a reason.

use std::fs;
use std::path::Path;

/// Whether there is such a test: `reading: Pages` or `js: filter eq`.
fn exists(test: &str) -> bool {
    let Some((home, name)) = test.split_once(": ") else { return false };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let clients = root.join("xtask/clients");
    let (file, marks) = match home {
        "js" => (clients.join("checks.mjs"), [format!("check('{name}',"), String::new()]),
        "py" => (clients.join("checks.py"), [format!("@check(\"{name}\")"), String::new()]),
        // A check's name is the first argument, or the first of a tuple.
        "rs" => (clients.join("crate/src/main.rs"), [format!("(\"{name}\","), String::new()]),
        file => {
            let cases = root.join("examples/dealership/tests/cases");
            (cases.join(format!("{file}.txt")), [format!("\n# {name}\n"), format!("# {name}\n")])
        }
    };
    let text = fs::read_to_string(file).unwrap_or_default();
    text.contains(&marks[0]) || (!marks[1].is_empty() && text.starts_with(&marks[1]))
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The rows of the tables: the feature, what is ours, and the tests.
fn rows(text: &str) -> Vec<(&str, &str, &str)> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix('|'));
    let cells = rows.map(|row| row.split(" | ").map(str::trim).collect::<Vec<_>>());
    cells.filter(|cells| cells[0] != "feature").map(|cells| (cells[0], cells[1], cells[2])).collect()
}

#[test]
fn each_feature_has_a_test_or_a_reason() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("guide/postgrest.md")).unwrap();
    let rows = rows(&text);
    assert!(rows.len() > 80, "the table was not found: {} rows", rows.len());
    let mut wrong = Vec::new();
    for (feature, ours, tests) in rows {
        let named = quoted(tests);
        let missing = named.iter().filter(|test| test.contains(": ") && !exists(test));
        wrong.extend(missing.map(|test| format!("{feature}: there is no test `{test}`")));
        let reason = ours.starts_with("no: ");
        let elsewhere = tests.contains("](");
        if !reason && !elsewhere && !named.iter().any(|test| test.contains(": ")) {
            wrong.push(format!("{feature}: neither a test nor a reason"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    for there in ["reading: Pages", "reading: All rows, in the order of the key", "js: filter eq", "rs: exact_count"] {
        assert!(exists(there), "{there}");
    }
    for missing in ["reading: Page", "js: filter e", "rs: exact", "py: filter", "nowhere: Pages", "Pages"] {
        assert!(!exists(missing), "{missing}");
    }
}
