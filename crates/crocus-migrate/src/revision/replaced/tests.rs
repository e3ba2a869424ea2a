//! What a database is at, and what is left to run, where a squashed revision stands for others.

use crate::history::{Applied, Record};
use crate::revision::tests::{list, names};
use crate::revision::{Graph, Migrations, Split};

/// A line whose middle was squashed: `s` stands for b1, b2 and b3; c1 follows the last of them, as its file says.
const WITH_FILES: &str = "a1:, x1: @extra, b1: a1, b2: b1 @shop, b3: b2 +x1, s: a1 @shop +x1 =b1 =b2 =b3, c1: b3";
/// The same once the files are deleted.
const WITHOUT_FILES: &str = "a1:, x1: @extra, s: a1 @shop +x1 =b1 =b2 =b3, c1: b3";

fn migrations(text: &str) -> Migrations {
    Migrations::new("", list(text))
}

/// A row for each: `b1`, or `b2/up:1.0` for one that is half-way.
fn records(text: &str) -> Vec<Record> {
    let record = |word: &str| {
        let (revision, progress) = word.split_once('/').map_or((word, None), |(name, at)| (name, Some(at.to_owned())));
        Record {
            revision: revision.to_owned(),
            message: revision.to_owned(),
            applied_at: format!("2026-11-22T14:03:{:02}Z", revision.len()),
            applied_by: None,
            duration_ms: Some(3),
            checksum: None,
            progress,
        }
    };
    text.split_whitespace().map(record).collect()
}

/// Where a database is, and what is left: `"at s; then c1"`, or the error and its hint.
fn state(migrations: &Migrations, rows: &str) -> String {
    let state = || {
        let applied = Applied::of(migrations, records(rows))?;
        let graph = migrations.graph_of(&applied)?;
        let rows: Vec<_> = applied.records().iter().map(|record| record.revision.as_str()).collect();
        let (current, pending) = (names(&graph.current(&applied)), names(&graph.pending(&applied)));
        Ok(format!("{}: at {current}; then {pending}", rows.join(" ")))
    };
    state().unwrap_or_else(|error: crate::Error| format!("{error}; {}", error.hint().unwrap()))
}

#[test]
fn a_database_with_none_or_all_sees_the_one_and_with_some_the_others() {
    let migrations = migrations(WITH_FILES);
    for (rows, expected) in [
        ("", ": at ; then a1 x1 s c1"),
        ("a1 x1", "a1 x1: at a1 x1; then s c1"),
        ("a1 x1 b1", "a1 x1 b1: at x1 b1; then b2 b3 c1"),
        ("a1 b1 b2", "a1 b1 b2: at b2; then x1 b3 c1"),
        ("a1 x1 b1 b2 b3/up:1.0", "a1 x1 b1 b2 b3: at x1 b2; then b3 c1"),
        // It is all there, and on its way back.
        ("a1 x1 b1 b2 b3/down:1.0", "a1 x1 b1 b2 b3: at x1 b3; then c1"),
        ("a1 x1 b1 b2 b3", "a1 x1 s: at x1 s; then c1"),
        ("a1 x1 b1 b2 b3 c1", "a1 x1 s c1: at x1 c1; then "),
        ("a1 x1 s", "a1 x1 s: at x1 s; then c1"),
        ("a1 x1 s/up:1.0", "a1 x1 s: at a1 x1; then s c1"),
        ("a1 x1 s c1", "a1 x1 s c1: at x1 c1; then "),
    ] {
        assert_eq!(state(&migrations, rows), expected, "{rows}");
    }
}

#[test]
fn without_the_files_a_database_with_some_cannot_go_on() {
    let without = migrations(WITHOUT_FILES);
    for rows in ["", "a1 x1", "a1 x1 b1 b2 b3", "a1 x1 b1 b2 b3 c1", "a1 x1 s", "a1 x1 s c1"] {
        assert_eq!(state(&without, rows), state(&migrations(WITH_FILES), rows), "{rows}");
    }
    assert_eq!(
        state(&without, "a1 x1 b1"),
        "the database has b1 of what s (m) replaces, but not b2 and b3; put the files of b1, b2 and b3 back into the \
         migrations folder and build the program again: `db upgrade` then goes on, and after it they may be deleted"
    );
    // One of the files is not enough.
    let one = migrations("a1:, b1: a1, s: a1 =b1 =b2, c1: b2");
    assert_eq!(
        state(&one, "a1 b1"),
        state(&migrations("a1:, s: a1 =b1 =b2"), "a1 b1")
            .replace("files of b1 and b2", "file of b2")
            .replace("they", "it")
    );
    assert_eq!(state(&one, "a1"), "a1: at a1; then s c1");
}

#[test]
fn what_is_all_there_is_taken_together() {
    let migrations = migrations(WITH_FILES);
    let covered = |rows: &str| names(&migrations.covered(&records(rows)));
    assert_eq!(covered("a1 x1 b1 b2 b3"), "s");
    for rows in ["", "a1 b1 b2", "a1 x1 b1 b2 b3/up:1.0", "a1 x1 b1 b2 b3/down:1.0", "s", "s/up:1.0"] {
        assert_eq!(covered(rows), "", "{rows}");
    }
    let applied = Applied::of(&migrations, records("a1 x1 b1 b2 b3")).unwrap();
    let record = applied.record("s").unwrap();
    assert_eq!((record.message.as_str(), record.duration_ms, record.is_applied()), ("m", None, true));
}

#[test]
fn a_replaced_revision_is_named_where_it_is_the_last() {
    let migrations = migrations(WITH_FILES);
    let applied = Applied::of(&migrations, records("a1")).unwrap();
    let named = |word: &str| match migrations.graph().unwrap().resolve(word, &applied) {
        Ok(found) => names(&found),
        Err(error) => format!("{error}; {}", error.hint().unwrap()),
    };
    for (word, found) in [
        ("b3", "s"),
        ("b3-1", "a1"),
        ("shop", "s"),
        ("shop@head", "c1"),
        (
            "b2",
            "the revision b2 is one of those that s (m, on shop) replaces: they are one step; name s, or what it follows",
        ),
        ("b", "several revisions begin with `b`: b1, b2; write more of the one that is meant"),
        ("d", "no revision is or begins with `d`; `db history` lists them"),
    ] {
        assert_eq!(named(word), found, "{word}");
    }
    let graph = migrations.graph().unwrap();
    assert_eq!(graph.followed(graph.get("c1").unwrap()), ["s"]);
    // In the middle it is the other way round.
    let applied = Applied::of(&migrations, records("a1 b1")).unwrap();
    let graph = migrations.graph_of(&applied).unwrap();
    assert_eq!(names(&graph.resolve("s", &applied).unwrap()), "b3");
    assert_eq!(names(&graph.resolve("b2", &applied).unwrap()), "b2");
    assert!(std::ptr::eq(graph, migrations.graph_of(&applied).unwrap()));
}

#[test]
fn two_squashed_ones_are_told_apart() {
    let migrations = migrations("a1:, a2: a1, b1: a2, b2: b1, s: =a1 =a2, t: a2 =b1 =b2");
    for (rows, expected) in [
        ("", ": at ; then s t"),
        ("a1", "a1: at a1; then a2 t"),
        ("a1 a2", "s: at s; then t"),
        ("a1 a2 b1", "s b1: at b1; then b2"),
        ("s b1", "s b1: at b1; then b2"),
        ("a1 a2 b1 b2", "s t: at t; then "),
    ] {
        assert_eq!(state(&migrations, rows), expected, "{rows}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for (text, said) in [
        (
            "a1:, a2: a1, s: =a1 =a2, t: =a1",
            "the migration `t.rs` replaces a1, and so does `s.rs`; delete one of the two files",
        ),
        ("s: =a1, t: =s", "the migration `t.rs` replaces s, which replaces others itself; delete one of the two files"),
        (
            "a1:, a2: a1, s: =a2 =a1",
            "the migration `s.rs` replaces a2, which does not follow <base>; put its line `Replaces:` back as `db squash` \
             wrote it",
        ),
        (
            "a1:, a2: a1, a3: a2, s: =a1 =a3",
            "the migration `s.rs` replaces a3, which does not follow a1; put its line `Replaces:` back as `db squash` wrote \
             it",
        ),
        (
            "a1:, a2: a1, b: a1, s: =a1 =a2",
            "the migration `b.rs` follows a1, which is in the middle of what `s.rs` replaces; let it follow s: change its \
             third line",
        ),
        ("s: =s", "the migration `s.rs` replaces s, which replaces others itself; delete one of the two files"),
    ] {
        let error = Graph::new(&list(text), &Split::new()).unwrap_err();
        assert_eq!(format!("{error}; {}", error.hint().unwrap()), said, "{text}");
    }
}
