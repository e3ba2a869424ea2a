//! What writes files: revision, merge, edit, and what keeps them from it.

use std::fs;
use std::path::PathBuf;

use crate::child::{Place, places};
use crate::program;

/// The migrations folder of a program's source, with a file for each migration that it was built with.
pub(crate) fn source(place: &Place, program: &str) -> PathBuf {
    let source = place.folder.path().join(program);
    let folder = source.join("migrations");
    fs::create_dir_all(&folder).unwrap();
    fs::write(source.join("Cargo.toml"), "").unwrap();
    for migration in program::migrations(program) {
        fs::write(folder.join(migration.file), "").unwrap();
    }
    folder
}

/// What a command writes: the file's text, without the time and with `NEW` for a name that was made.
pub(crate) fn written(place: &Place, program: &str, arguments: &[&str]) -> String {
    let folder = source(place, program);
    let directory = ["--directory", folder.to_str().unwrap()];
    let said = place.run(program, &[&["db"], arguments, &directory].concat()).success();
    let path = said.lines().find_map(|line| line.strip_prefix("Wrote ")).unwrap_or_else(|| panic!("{said}"));
    let text = fs::read_to_string(path).unwrap();
    fs::remove_dir_all(place.folder.path().join(program)).unwrap();
    let third = text.lines().nth(2).unwrap();
    let revision = third.trim_start_matches("//! Revision ").split(',').next().unwrap();
    assert!(path.contains(revision), "{path}: {third}");
    let text = text.replace(third.rsplit_once(", ").unwrap().1, "TIME");
    if revision.len() == 12 { text.replace(revision, "NEW") } else { text }
}

pub(crate) fn a_revision_is_written_where_it_was_asked_for() {
    for place in places() {
        assert_eq!(
            written(&place, "line", &["revision", "-m", "fill in"]),
            "//! fill in\n//!\n//! Revision NEW, follows a2, TIME\n\nuse crocus::migrate::prelude::*;\n\n\
             pub fn upgrade(_op: &mut Operations) {}\n\npub fn downgrade(_op: &mut Operations) {}\n"
        );
        let third =
            |program, arguments: &[&str]| written(&place, program, arguments).lines().nth(2).unwrap().to_owned();
        for (program, arguments, line) in [
            (
                "line",
                &["revision", "-m", "m", "--head", "a1", "--splice", "--branch-label", "pay", "--rev-id", "p1"][..],
                "//! Revision p1, follows a1, labelled pay, TIME",
            ),
            (
                "line",
                &["revision", "-m", "m", "--head", "base", "--branch-label", "pay", "--depends-on", "a1"],
                "//! Revision NEW, follows <base>, labelled pay, depends on a1, TIME",
            ),
            ("branched", &["revision", "-m", "m", "--head", "shop@head"], "//! Revision NEW, follows b2, TIME"),
        ] {
            assert_eq!(third(program, arguments), line, "{arguments:?}");
        }
        place.run("line", &["db", "upgrade"]).success();
        let text = written(&place, "named", &["revision", "--autogenerate", "-m", "names"]);
        assert!(text.contains("    op.add_column(\"cars\", \"name\", text());\n"), "{text}");
        assert_eq!(text, written(&place, "named", &["migrate", "-m", "names"]));
    }
}

pub(crate) fn heads_are_merged_by_a_file() {
    for place in places() {
        let text = written(&place, "forked", &["merge"]);
        assert!(text.starts_with("//! merge\n//!\n//! Revision NEW, follows a2 and b2, TIME\n"), "{text}");
        let text = written(&place, "branched", &["merge", "-m", "join", "mail@head", "shop", "--rev-id", "j1"]);
        assert!(text.starts_with("//! join\n//!\n//! Revision j1, follows b2 and c1, TIME\n"), "{text}");
        let folder = source(&place, "line");
        let refused = place.run("line", &["db", "merge", "--directory", folder.to_str().unwrap()]);
        assert_eq!(
            refused.error(),
            "error: there is nothing to merge: a2 is the only head\nhint: `program db heads` lists the heads\n"
        );
    }
}

pub(crate) fn an_edit_opens_the_file() {
    for place in places() {
        let folder = source(&place, "line");
        let directory = folder.to_str().unwrap();
        let edit = |program: &str, editor: &str| {
            let arguments = ["db", "edit", "a1", "--directory", directory];
            place.start_with(program, &arguments, &[("EDITOR", editor), ("VISUAL", "")]).finish()
        };
        assert_eq!(edit("line", "false").error(), "error: the editor `false` failed: exit status: 1\n");
        // The editor takes words of its own, and then the file.
        fs::write(place.folder.path().join("new"), "edited").unwrap();
        edit("line", "cp new").success();
        assert_eq!(fs::read_to_string(folder.join("a1_cars.rs")).unwrap(), "edited");
        let refused = edit("line", "");
        assert!(
            refused.error().starts_with("error: no editor is set\nhint: set VISUAL or EDITOR, or open `"),
            "{refused:?}"
        );
        let refused = edit("line", "no-such-editor");
        assert!(refused.error().starts_with("error: failed to start the editor `no-such-editor`: "), "{refused:?}");
        place.run("line", &["db", "upgrade"]).success();
        assert!(edit("line", "true").success().starts_with("a1 is applied to the database"));
        fs::remove_file(folder.join("a1_cars.rs")).unwrap();
        assert!(edit("line", "true").error().starts_with("error: the file `"));
    }
}

pub(crate) fn nothing_is_written_by_mistake() {
    for place in places() {
        for (program, arguments, error) in [
            (
                "line",
                &["revision", "--head", "a1"][..],
                "a1 (cars) is no head: others follow it\nhint: `--splice` makes a new branch from it",
            ),
            (
                "line",
                &["revision", "--head", "base"],
                "the new migration would be a head beside a2 (second), and nothing would tell them apart\n\
                 hint: give its branch a label: `--branch-label NAME`",
            ),
            (
                "line",
                &["revision", "--rev-id", "a1"],
                "`a1` cannot be the revision: a revision has this name\nhint: choose another name",
            ),
            (
                "line",
                &["revision", "-m", " "],
                "the message is empty\nhint: say what the migration does, as in `-m \"create cars\"`",
            ),
            (
                "line",
                &["migrate", "-m", "m"],
                "the database is behind by 2 pending revisions: a1 (cars), a2 (second)\nhint: run `program db upgrade`",
            ),
            (
                "forked",
                &["migrate", "-m", "m"],
                "two migrations follow a1: a2 (second, `a2_second.rs`) and b2 (shop, `b2_shop.rs`)\n\
                 hint: `program db merge -m \"merge\"` writes a migration that follows both; or let one follow the other: \
                 change `follows` in the third line of `b2_shop.rs`",
            ),
            (
                "branched",
                &["revision"],
                "`head` is ambiguous: there are several heads, a2 (second), b2 (shop, on shop) and c1 (mail, on mail)\n\
                 hint: `heads` is all of them, `shop@head` one; `program db merge -m \"merge\"` joins them",
            ),
        ] {
            let folder = source(&place, program);
            let files = || fs::read_dir(&folder).unwrap().count();
            let before = files();
            let directory = ["--directory", folder.to_str().unwrap()];
            let refused = place.run(program, &[&["db"], arguments, &directory].concat());
            assert_eq!(refused.error(), format!("error: {error}\n"), "{arguments:?}");
            assert_eq!(files(), before, "{arguments:?}");
        }
    }
}
