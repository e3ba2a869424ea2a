//! What only tells: history, heads, branches, show, current, check.

use crocus::orm::Engine;

use crate::child::places;

pub(crate) fn revisions_are_listed() {
    for place in places() {
        place.run("merged", &["db", "upgrade", "a2"]).success();
        for (arguments, said) in [
            (
                &["history"][..],
                "a2 and b2 -> d3 (shop) (head) (mergepoint), merge, 2026-11-22 14:03 UTC\n\
                 a1 -> b2 (shop), shop, 2026-11-22 14:03 UTC\n\
                 a1 -> a2 (current), second, 2026-11-22 14:03 UTC\n\
                 <base> -> a1 (branchpoint), cars, 2026-11-22 14:03 UTC\n",
            ),
            (
                &["history", "-r", ":a2"],
                "a1 -> a2 (current), second, 2026-11-22 14:03 UTC\n\
                 <base> -> a1 (branchpoint), cars, 2026-11-22 14:03 UTC\n",
            ),
            (&["history", "--rev-range", "-0:current", "-i"], "a1 -> a2 (current), second, 2026-11-22 14:03 UTC\n"),
            (&["heads"], "d3 (shop) (head) (mergepoint), merge\n"),
            (&["branches"], "a1 (branchpoint), cars\n    -> a2, second\n    -> b2 (shop), shop\n"),
            (&["current"], "a2, second, 2 pending revisions\n"),
        ] {
            assert_eq!(place.run("merged", &[&["db"], arguments].concat()).success(), said, "{arguments:?}");
        }
        let shown = place.run("merged", &["db", "show", "a2"]).success();
        let (before, after) = shown.split_once("Applied: ").unwrap();
        assert_eq!(before, "Rev: a2 (current)\nParent: a1\nPath: a2_second.rs\nCreated: 2026-11-22 14:03 UTC\n");
        assert!(after.contains("Z by program 1.2.0, in ") && after.ends_with(" ms\n\n    second\n\n"), "{after}");
        for arguments in [&["current", "-v"][..], &["history", "-v", "-r", "a2:a2"]] {
            assert_eq!(
                place.run("merged", &[&["db"], arguments].concat()).success().lines().next(),
                shown.lines().next()
            );
        }
        let refused = place.run("merged", &["db", "show", "base"]);
        assert!(refused.error().starts_with("error: `base` is no revision"), "{refused:?}");
        assert_eq!(place.run("line", &["db", "branches"]).success(), "No revision is followed by several.\n");
    }
}

pub(crate) fn what_tells_prints_json() {
    for place in places() {
        place.run("branched", &["db", "upgrade", "a1"]).success();
        let json = |program: &str, arguments: &[&str]| -> serde_json::Value {
            let output = place.run(program, &[&["db"], arguments, &["--json"]].concat()).output;
            serde_json::from_str(&output).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {output}"))
        };
        let names = |rows: &serde_json::Value| -> Vec<String> {
            rows.as_array().unwrap().iter().map(|row| row["revision"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(
            json("branched", &["current"]),
            serde_json::json!([{
                "current": ["a1"], "applied": ["a1"], "pending": ["a2", "b2", "c1"], "edited": [], "unfinished": [],
                "unknown": [],
            }])
        );
        assert_eq!(names(&json("branched", &["heads"])), ["a2", "b2", "c1"]);
        assert_eq!(names(&json("branched", &["history"])), ["c1", "b2", "a2", "a1"]);
        assert_eq!(
            json("branched", &["branches"]),
            serde_json::json!([{"revision": "a1", "followed_by": ["a2", "b2"]}])
        );
        let mut shown = json("branched", &["show", "c"]);
        assert_eq!(
            shown,
            serde_json::json!([{
                "revision": "c1", "down_revisions": [], "depends_on": ["a2"], "replaces": [], "labels": ["mail"], "branch_labels": ["mail"],
                "message": "mail", "created": "2026-11-22 14:03 UTC", "file": "c1_mail.rs", "is_head": true,
                "is_current": false, "is_unknown": false, "applied": null,
            }])
        );
        shown = json("branched", &["show", "current"]);
        assert_eq!((&shown[0]["is_current"], &shown[0]["applied"]["by"]), (&true.into(), &"program 1.2.0".into()));
        let checked = json("line", &["check"]);
        assert_eq!(
            checked,
            serde_json::json!([{
                "ok": false, "error": "the database is behind by 1 pending revision: a2 (second)", "heads": ["a2"],
                "current": ["a1"], "pending": ["a2"], "changes": null, "notes": null,
                "ignored": null,
            }])
        );
        place.run("line", &["db", "upgrade"]).success();
        let checked = json("line", &["check"]);
        assert_eq!((&checked[0]["ok"], &checked[0]["changes"]), (&true.into(), &serde_json::json!([])));
        let checked = json("named", &["check"]);
        assert_eq!(
            (&checked[0]["ok"], &checked[0]["changes"]),
            (&false.into(), &serde_json::json!(["add column cars.name"]))
        );
    }
}

pub(crate) fn what_is_half_done_is_said() {
    for place in places() {
        place.run("line", &["db", "upgrade"]).success();
        let set = |progress: &str| {
            let sql = format!("UPDATE crocus_migrations SET progress = '{progress}' WHERE revision = 'a2'");
            place.block_on(async {
                let engine = Engine::connect(&place.url()).await.unwrap();
                engine.connection().await.unwrap().batch(&sql).await.unwrap();
            });
            place.run("line", &["db", "current"]).success()
        };
        assert_eq!(
            set("up:2.1"),
            "a1, cars, 1 pending revision\na2 is half applied (up:2.1): `program db upgrade` goes on\n"
        );
        assert_eq!(
            set("down:1.0"),
            "a2 (head), second\na2 is half undone (down:1.0): `program db downgrade` goes on\n"
        );
        assert!(
            place.run("line", &["db", "show", "a2"]).success().contains("program 1.2.0, not finished (down:1.0)\n")
        );
        let output = place.run("line", &["db", "current", "--json"]).success();
        let rows: serde_json::Value = serde_json::from_str(&output).unwrap();
        assert_eq!(rows[0]["unfinished"], serde_json::json!(["a2"]));
    }
}

pub(crate) fn what_the_program_lacks_is_listed() {
    for place in places() {
        place.run("merged", &["db", "upgrade"]).success();
        let line = |arguments: &[&str]| place.run("line", &[&["db"], arguments].concat()).success();
        // Without the time, which no test knows.
        let told = |text: &str| {
            let without =
                |line: &str| match line.split_once("applied 20").and_then(|(a, b)| Some((a, b.split_once('Z')?.1))) {
                    Some((before, after)) => format!("{before}applied{after}"),
                    None => line.to_owned(),
                };
            text.lines().map(without).collect::<Vec<_>>()
        };
        let unknown = ["d3 (unknown), merge, applied by program 1.2.0", "b2 (unknown), shop, applied by program 1.2.0"];
        let known =
            ["a1 -> a2 (head) (current), second, 2026-11-22 14:03 UTC", "<base> -> a1, cars, 2026-11-22 14:03 UTC"];
        assert_eq!(told(&line(&["history"])), [unknown, known].concat());
        assert_eq!(told(&line(&["history", "-i", "-r", "a1:"])), known);
        assert_eq!(told(&line(&["current"])), ["a2 (head), second", unknown[0], unknown[1]]);
        for arguments in [&["show", "d3"][..], &["show", "d"]] {
            let shown = line(arguments);
            assert!(shown.starts_with("Rev: d3 (unknown)\nApplied: 20"), "{shown}");
            assert!(shown.contains("Z by program 1.2.0, in ") && shown.ends_with(" ms\n\n    merge\n\n"), "{shown}");
            assert!(line(&["history", "-v"]).starts_with(&shown));
            assert!(line(&["current", "-v"]).contains(&shown));
        }
        assert!(line(&["show", "a2"]).starts_with("Rev: a2 (head) (current)\n"));
        let missing = place.run("line", &["db", "show", "e4"]);
        assert!(missing.error().starts_with("error: no revision is or begins with `e4`\n"), "{missing:?}");

        let json = |arguments: &[&str]| -> serde_json::Value {
            serde_json::from_str(&line(&[arguments, &["--json"]].concat())).unwrap()
        };
        let rows = json(&["history"]);
        assert_eq!((&rows[0]["revision"], &rows[0]["is_unknown"]), (&"d3".into(), &true.into()));
        assert_eq!((&rows[0]["file"], &rows[0]["applied"]["by"]), (&serde_json::Value::Null, &"program 1.2.0".into()));
        assert_eq!((&rows[2]["revision"], &rows[2]["is_unknown"]), (&"a2".into(), &false.into()));
        assert_eq!(json(&["show", "b2"])[0], rows[1]);
        let rows = json(&["current"]);
        assert_eq!((&rows[0]["current"], &rows[0]["unknown"]), (&json_of(&["a2"]), &json_of(&["d3", "b2"])));

        // What changes the database still refuses.
        for arguments in [&["upgrade"][..], &["downgrade"], &["stamp", "a1"], &["plan"], &["check"]] {
            let refused = place.run("line", &[&["db"], arguments].concat());
            assert!(refused.error().contains("which this program does not have"), "{arguments:?}: {refused:?}");
        }
    }
}

fn json_of(names: &[&str]) -> serde_json::Value {
    names.iter().copied().collect()
}

pub(crate) fn each_row_says_which_bind() {
    for place in places() {
        let output = place.run("binds", &["db", "heads", "--json"]).success();
        let rows: serde_json::Value = serde_json::from_str(&output).unwrap();
        assert_eq!((&rows[0]["bind"], &rows[0]["revision"]), (&"default".into(), &"a2".into()));
        assert_eq!((&rows[1]["bind"], &rows[1]["revision"]), (&"other".into(), &"o1".into()));
        assert_eq!(rows.as_array().unwrap().len(), 2);
        let said = place.run("binds", &["db", "current"]).success();
        assert_eq!(said, "[default]\n<base>, 2 pending revisions\n[other]\n<base>, 1 pending revision\n");
        let output = place.run("binds", &["db", "--bind", "other", "show", "--json"]).success();
        let rows: serde_json::Value = serde_json::from_str(&output).unwrap();
        assert_eq!((&rows[0]["bind"], &rows[0]["revision"]), (&"other".into(), &"o1".into()));
    }
}

pub(crate) fn a_check_finds_what_migrate_would_write() {
    for place in places() {
        let behind = place.run("line", &["db", "check"]);
        assert_eq!(
            behind.error(),
            "error: the database is behind by 2 pending revisions: a1 (cars), a2 (second)\nhint: run `program db upgrade`\n"
        );
        place.run("line", &["db", "upgrade"]).success();
        assert_eq!(place.run("line", &["db", "check"]).success(), "No changes detected.\n");
        let differs = place.run("named", &["db", "check"]);
        assert_eq!(
            differs.error(),
            "error: the models have one change that the database lacks\n\
             hint: `program db migrate -m \"...\"` writes the migration\n"
        );
        assert_eq!(differs.output, "Detected: add column cars.name\n");
        let nothing = place.run("no_models", &["db", "check"]);
        assert_eq!(
            nothing.error(),
            "error: the program knows no models\nhint: did you call `.model::<T>()` on its `App`, once for each of them?\n"
        );
    }
}
