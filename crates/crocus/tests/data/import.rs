//! What becomes of files: rows, and reasons.

use std::fs;

use crocus::orm::{Engine, Statement};

use crate::child::{Ended, Place, places};

/// A place where the table is there.
pub(crate) fn ready(place: &Place) {
    place.run("program", &["db", "upgrade"]).success();
}

pub(crate) fn write(place: &Place, name: &str, content: impl AsRef<[u8]>) {
    fs::write(place.folder.path().join(name), content).unwrap();
}

fn read(place: &Place, name: &str) -> Option<String> {
    fs::read_to_string(place.folder.path().join(name)).ok()
}

fn import(place: &Place, arguments: &[&str]) -> Ended {
    place.run("program", &[&["import", "cars"], arguments].concat())
}

/// The rows: `name|model|doors|plate|state`, `-` for NULL.
pub(crate) fn rows(place: &Place) -> Vec<String> {
    place.block_on(async {
        let engine = Engine::connect(&place.url()).await.unwrap();
        let sql = "SELECT name || '|' || COALESCE(model, '-') || '|' || doors || '|' || COALESCE(plate, '-') || '|' || \
                   state FROM cars ORDER BY id";
        let rows = engine.query(Statement::read(sql, [])).await.unwrap();
        rows.iter().map(|row| row.get(0).unwrap()).collect()
    })
}

/// What was said, without times.
pub(crate) fn said(text: &str) -> String {
    let line = |line: &str| match line.split_once(" in ") {
        Some((before, after)) if after.contains(" a second)") => format!("{before}\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// A file and its rows, `name|model|doors|plate|state`, and the rejected ones: the line, and part of the reason.
type Case = (&'static str, &'static [u8], &'static [&'static str], &'static [(u64, &'static str)]);

const CASES: &[Case] = &[
    ("plain.csv", b"name,model,doors\nA,B,3\nC,D,5\n", &["A|B|3|-|new", "C|D|5|-|new"], &[]),
    ("order.csv", b"doors,plate,name\r\n3,\"X 1\",A\r\n5,,C", &["A|-|3|X 1|new", "C|-|5|-|new"], &[]),
    ("bom.csv", b"\xEF\xBB\xBFname,doors\nA,3\n", &["A|-|3|-|new"], &[]),
    // Nothing is NULL, and an empty text where a column has no NULL. `""` is an empty text.
    (
        "null.csv",
        b"name,model,doors\n,,3\n\"\",\"\",4\nNULL,NULL2,5\n",
        &["|-|3|-|new", "NULL|NULL2|5|-|new"],
        &[(3, "cars_name_check")],
    ),
    ("default.csv", b"id,name,doors,state,version\n,A,3,,\n", &["A|-|3|-|"], &[]),
    (
        "quotes.csv",
        b"name,model,doors\n\"a \"\"b\"\"\",\"c,\nd\",3\n5\" x,e,4\n",
        &["a \"b\"|c,\nd|3|-|new", "5\" x|e|4|-|new"],
        &[],
    ),
    ("blank.csv", b"name,doors\n\nA,3\n\n\nB,4\n\n", &["A|-|3|-|new", "B|-|4|-|new"], &[]),
    ("head.csv", b"name,doors\n", &[], &[]),
    (
        "bad.csv",
        b"name,doors\nA,3\nB,x\nC,-1\nD\nE,5,6\nF,\n\"G\"h,1\nH,4\n\"I,4\nJ,5\n",
        &["A|-|3|-|new", "H|-|4|-|new"],
        &[
            (3, "`doors` must be an integer"),
            (4, "`doors` must be at least 0"),
            (5, "the row has 1 field, and the head 2"),
            (6, "the row has 3 fields, and the head 2"),
            (7, "`doors` must not be NULL"),
            (8, "the row has text behind a closing quote"),
            (10, "the row has a quote that is never closed"),
        ],
    ),
    (
        "refused.csv",
        b"name,model,doors,plate\nA,B,3,P\nA,A,3,Q\nB,C,3,P\nC,D,3,R\nD,E,3,R\nE,F,3,\nF,G,3,\n",
        &["A|B|3|P|new", "C|D|3|R|new", "E|F|3|-|new", "F|G|3|-|new"],
        &[(3, "cars_name_check"), (4, "plate"), (6, "plate")],
    ),
    (
        "latin.csv",
        b"name,doors\nA,3\nM\xFCller,4\n\"a\nb\xFF\",5\n",
        &["A|-|3|-|new"],
        &[
            (3, "byte 2 of the line is 0xFC, which is no UTF-8"),
            (4, "byte 2 of the row's line 2 is 0xFF, which is no UTF-8"),
        ],
    ),
    ("zero.csv", b"name,doors\na\0b,3\n", &[], &[(2, "must not contain the character U+0000")]),
    // What the database computes is passed over; a version is taken.
    ("own.csv", b"name,doors,hinges,version\nA,3,99,7\n", &["A|-|3|-|new"], &[]),
    ("tab.tsv", b"name\tdoors\nA,B\t3\n", &["A,B|-|3|-|new"], &[]),
    (
        "lines.ndjson",
        b"{\"name\":\"A\",\"doors\":3,\"model\":null}\n\n{\"doors\":4,\"name\":\"\",\"model\":\"\"}\r\n",
        &["A|-|3|-|new"],
        &[(3, "cars_name_check")],
    ),
    (
        "bad.ndjson",
        b"{\"name\":\"A\"}\n[1]\n{\"name\":\n{\"name\":\"A\",\"doors\":3,\"dors\":4}\n{\"name\":1,\"doors\":2.5}\n",
        &[],
        &[
            (1, "`doors` is missing, and has no default"),
            (2, "the line is no JSON object"),
            (3, "the line is not valid JSON"),
            (4, "`dors` is no column of `cars`; did you mean `doors`?"),
            (5, "`name` must be a string, not a number; `doors` must be an integer"),
        ],
    ),
];

pub(crate) fn a_file_becomes_rows_or_reasons() {
    for place in places() {
        ready(&place);
        for (name, content, expected, rejected) in CASES {
            // What comes of a row must not follow from which others are written with it.
            for batch in ["1", "3", "10000"] {
                place.sql("DELETE FROM cars");
                write(&place, name, content);
                let ended = import(&place, &[name, "--max-rejects", "100", "--batch", batch, "--restart"]);
                let context = format!("{name} on {} by {batch}: {ended:?}", place.dialect());
                assert!(ended.is_success(), "{context}");
                assert_eq!(rows(&place), *expected, "{context}");
                let (stem, extension) = name.rsplit_once('.').unwrap();
                let file = format!("{stem}.rejects.{extension}");
                let text = fs::read(place.folder.path().join(&file)).unwrap_or_default();
                let text = String::from_utf8_lossy(&text).into_owned();
                let _ = fs::remove_file(place.folder.path().join(&file));
                let number = rejected.len();
                assert_eq!(
                    text.matches("crocus_reason")
                        .count()
                        .saturating_sub(usize::from(extension != "ndjson" && number > 0)),
                    if extension == "ndjson" { number } else { 0 },
                    "{context}"
                );
                for (line, reason) in *rejected {
                    let begin = if extension == "ndjson" {
                        format!("{{\"crocus_line\":{line},")
                    } else {
                        format!("\n{line}{}\"", if extension == "tsv" { '\t' } else { ',' })
                    };
                    let found = text.split_once(&begin).unwrap_or_else(|| panic!("line {line}: {text}; {context}")).1;
                    let found = found.lines().next().unwrap_or_default();
                    assert!(found.contains(reason), "line {line}: {found:?} lacks {reason:?}; {context}");
                }
                let summary = match (expected.len(), number) {
                    (rows, 0) => format!("{} imported into `cars`\n", counted(rows)),
                    (rows, number) => {
                        format!("{} imported into `cars`\n{} rejected: see `{file}`\n", counted(rows), counted(number))
                    }
                };
                assert_eq!(said(&ended.output), summary, "{context}");
            }
        }
    }
}

fn counted(rows: usize) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

pub(crate) fn what_is_in_is_not_in_twice() {
    for place in places() {
        ready(&place);
        write(&place, "cars.csv", "name,doors\nA,1\nB,2\nC,x\nD,4\n");
        let stopped = "error: line 4 of `cars.csv`: `doors` must be an integer\nhint: 2 rows are imported; repair the \
                       line, or let such rows go to `cars.rejects.csv` with `--max-rejects 100`: the command goes on \
                       there\n";
        assert_eq!(import(&place, &["cars.csv"]).error(), stopped);
        assert_eq!(rows(&place), ["A|-|1|-|new", "B|-|2|-|new"]);
        let ended = import(&place, &["cars.csv"]);
        assert_eq!(ended.error(), format!("goes on with line 4: 2 rows are in already\n{stopped}"));
        // What is not in yet can be repaired.
        write(&place, "cars.csv", "name,doors\nA,1\nB,2\nC,3\nD,4\n");
        let text = import(&place, &["cars.csv"]).success();
        assert_eq!(said(&text), "2 rows imported into `cars`\n4 rows with those of earlier runs\n");
        let all = ["A|-|1|-|new", "B|-|2|-|new", "C|-|3|-|new", "D|-|4|-|new"];
        assert_eq!(rows(&place), all);
        assert_eq!(import(&place, &["cars.csv"]).success(), "`cars.csv` is imported already: nothing is done\n");
        assert_eq!(import(&place, &["./cars.csv", "--quiet"]).success(), "");
        assert_eq!(rows(&place), all);
        // Another file is another import, also where it has the same rows.
        fs::copy(place.folder.path().join("cars.csv"), place.folder.path().join("more.csv")).unwrap();
        import(&place, &["more.csv"]).success();
        import(&place, &["more.csv", "--restart"]).success();
        assert_eq!(rows(&place).len(), 12);
    }
}

pub(crate) fn a_file_that_has_changed_is_noticed() {
    for place in places() {
        ready(&place);
        write(&place, "cars.csv", "name,doors\nA,1\nB,x\n");
        import(&place, &["cars.csv"]).error();
        for changed in ["name,doors\nA,2\nB,3\n", "name,doors\n", "doors,name\nA,1\nB,3\n"] {
            write(&place, "cars.csv", changed);
            assert_eq!(
                import(&place, &["cars.csv"]).error(),
                "error: `cars.csv` has changed in its part of which 1 row is imported already\nhint: `--restart` \
                 imports it from its first row\n"
            );
        }
        write(&place, "cars.csv", "name,doors\nA,1\nB,3\n");
        import(&place, &["cars.csv"]).success();
        write(&place, "cars.csv", "name,doors\nA,1\nB,3\nC,4\n");
        assert_eq!(
            import(&place, &["cars.csv"]).error(),
            "error: `cars.csv` was imported already (2 rows), and has changed since\nhint: `--restart` imports it from \
             its first row\n"
        );
        assert_eq!(rows(&place).len(), 2);
    }
}

pub(crate) fn rejected_rows_are_imported_when_repaired() {
    for place in places() {
        ready(&place);
        write(&place, "cars.csv", "name,model,doors\nA,B,1\n\"C \"\"c\"\"\",\"x\ny\",no\nD,D,4\nE,F,5\n");
        let ended = import(&place, &["cars.csv", "--max-rejects", "1"]);
        assert!(ended.error().starts_with("error: more than 1 row of `cars.csv` is rejected; line 5: "), "{ended:?}");
        assert_eq!(rows(&place), ["A|B|1|-|new"]);
        let ended = import(&place, &["cars.csv", "--max-rejects", "5"]);
        let expected = "1 row imported into `cars`\n2 rows with those of earlier runs\n2 rows rejected: see \
                        `cars.rejects.csv`\n";
        assert_eq!(said(&ended.success()), expected);
        let rejected = read(&place, "cars.rejects.csv").unwrap();
        assert!(
            rejected.starts_with(
                "crocus_line,crocus_reason,name,model,doors\n3,\"`doors` must be an integer\",\"C \"\"c\"\"\",\"x\ny\",no\n5,"
            ),
            "{rejected}"
        );
        // The rows of another import are not written over.
        write(&place, "cars.csv", "name,model,doors\nG,H,no\n");
        let place_taken = import(&place, &["cars.csv", "--max-rejects", "5"]);
        assert!(place_taken.error().contains("has changed since"), "{place_taken:?}");
        write(&place, "cars.rejects.csv", rejected.replace("no\n", "3\n").replace(",D,D,", ",D,E,"));
        import(&place, &["cars.rejects.csv"]).success();
        assert_eq!(rows(&place), ["A|B|1|-|new", "E|F|5|-|new", "C \"c\"|x\ny|3|-|new", "D|E|4|-|new"]);
        fs::copy(place.folder.path().join("cars.csv"), place.folder.path().join("cars.tsv")).unwrap();
        let ended =
            import(&place, &["cars.tsv", "--delimiter", ",", "--max-rejects", "1", "--rejects", "cars.rejects.csv"]);
        assert!(ended.error().starts_with("error: `cars.rejects.csv` is there already"), "{ended:?}");
        // Who begins anew does not lose anything else.
        write(&place, "notes.csv", "mine\n");
        for (arguments, text) in [
            (&["--rejects", "notes.csv", "--max-rejects", "1"][..], "error: `notes.csv` is there already"),
            (&["--rejects", "notes.csv", "--restart"], "error: `notes.csv` holds no rejected rows\n"),
        ] {
            let ended = import(&place, &[&["cars.tsv", "--delimiter", ","], arguments].concat());
            assert!(ended.error().starts_with(text), "{ended:?}");
        }
        assert_eq!(read(&place, "notes.csv").as_deref(), Some("mine\n"));
        import(&place, &["cars.rejects.csv", "--restart", "--max-rejects", "9"]).success();
        import(&place, &["cars.csv", "--restart"]).error();
        assert_eq!(read(&place, "cars.rejects.csv"), None, "its rows are those of the import that began anew");
    }
}

pub(crate) fn rows_that_are_there_are_updated_or_left() {
    for place in places() {
        ready(&place);
        write(&place, "a.csv", "name,doors,plate\nA,1,P\nB,2,Q\nC,3,\n");
        import(&place, &["a.csv"]).success();
        // Of rows with one key in a file the last one stays.
        write(&place, "b.csv", "name,doors,plate\nA2,1,P\nD,4,R\nA3,1,P\nE,5,\n");
        let ended = import(&place, &["b.csv", "--upsert", "plate"]);
        assert_eq!(said(&ended.success()), "4 rows imported into `cars`\n");
        let all = ["A3|-|1|P|new", "B|-|2|Q|new", "C|-|3|-|new", "D|-|4|R|new", "E|-|5|-|new"];
        let mut found = rows(&place);
        found.sort();
        assert_eq!(found, all);
        write(&place, "c.csv", "name,doors,plate\nA4,1,P\nF,6,S\n");
        let ended = import(&place, &["c.csv", "--ignore"]);
        let expected = "1 row imported into `cars`\n1 row was there already, and was left as it is\n";
        assert_eq!(said(&ended.success()), expected);
        assert_eq!(rows(&place).len(), 6);
        for (columns, text) in [
            (
                "doors",
                "error: rows of `cars` are not told apart by `doors`\nhint: take the columns of the primary key (`--upsert id`) or of a unique constraint\n",
            ),
            ("plat", "error: `plat` is no column of `cars`\nhint: did you mean `plate`?\n"),
            ("id", "error: the file has no column `id`, by which rows are updated\n"),
        ] {
            assert_eq!(import(&place, &["c.csv", "--upsert", columns]).error(), text);
        }
    }
}

pub(crate) fn a_trial_changes_nothing() {
    for place in places() {
        ready(&place);
        write(&place, "cars.csv", "name,doors,plate\nA,1,P\nB,x,Q\nC,3,P\n");
        // What two batches do to each other is found too.
        let ended = import(&place, &["cars.csv", "--dry-run", "--batch", "1"]);
        let text = ended.error();
        assert!(text.starts_with("line 3: `doors` must be an integer\nline 4: "), "{text}");
        let end = "error: 2 rows of `cars.csv` would be rejected, and 1 imported\nhint: nothing was changed: this was \
                   a trial\n";
        assert!(text.ends_with(end), "{text}");
        assert_eq!((rows(&place).len(), read(&place, "cars.rejects.csv")), (0, None));
        assert!(!place.tables().contains(&"crocus_imports".to_owned()));
        let ended = import(&place, &["cars.csv", "--dry-run", "--max-rejects", "2"]);
        assert_eq!(ended.success(), "1 row would be imported into `cars`, 2 would be rejected\n");
    }
}

pub(crate) fn the_next_key_is_behind_the_imported_ones() {
    for place in places() {
        ready(&place);
        write(&place, "cars.csv", "id,name,doors\n7,A,1\n3,B,2\n");
        import(&place, &["cars.csv"]).success();
        write(&place, "more.csv", "name,doors\nC,3\n");
        import(&place, &["more.csv"]).success();
        assert_eq!(rows(&place), ["B|-|2|-|new", "A|-|1|-|new", "C|-|3|-|new"]);
    }
}

pub(crate) fn what_is_checked_at_the_end_is_checked() {
    for place in places() {
        ready(&place);
        write(&place, "parts.csv", "id,parent_id\n1,2\n2,3\n3,\n");
        place.run("program", &["import", "parts", "parts.csv"]).success();
        write(&place, "more.csv", "id,parent_id\n4,1\n5,99\n6,5\n7,4\n");
        let ended = place.run("program", &["import", "parts", "more.csv", "--max-rejects", "9"]);
        let parts = place.run("program", &["export", "parts", "--order", "id"]).success();
        if place.dialect() == "sqlite" {
            // The commit alone finds it, and cannot say which row it is.
            assert!(
                ended.error().ends_with("hint: nothing is imported yet; run the same command again\n"),
                "{ended:?}"
            );
            assert_eq!(parts, "id,parent_id\n1,2\n2,3\n3,\n");
        } else {
            let rejected = read(&place, "more.rejects.csv").unwrap();
            assert!(
                ended.is_success() && rejected.contains("\n3,\"insert or update on table"),
                "{ended:?}: {rejected}"
            );
            assert_eq!(parts, "id,parent_id\n1,2\n2,3\n3,\n4,1\n7,4\n");
        }
    }
}

pub(crate) fn wrong_usage_is_told() {
    for place in places() {
        ready(&place);
        write(&place, "cars.csv", "name,dors,name,wheels\nA,1,B,4\n");
        write(&place, "empty.csv", "");
        write(&place, "wide.csv", b"\xFF\xFEn\0a\0");
        for (arguments, text) in [
            (
                &["import", "car", "cars.csv"][..],
                "error: no model of this program has a table `car`\nhint: did you mean `cars`?\n",
            ),
            (
                &["import", "cars", "cars.csv"],
                "error: the head of the file does not fit `cars`: `dors` is no column of `cars`; did you mean `doors`?; \
                 `name` is there twice; `wheels` is no column of `cars`; `doors` is missing, and has no default\nhint: \
                 the first line names columns, such as `name,model,doors,plate,state`\n",
            ),
            (&["import", "cars", "empty.csv"], "error: `empty.csv` is empty: its first line must name columns\n"),
            (
                &["import", "cars", "wide.csv"],
                "error: `wide.csv` is in UTF-16, and not in UTF-8\nhint: convert it: `iconv -f UTF-16 -t UTF-8 FILE > \
                 NEW_FILE`\n",
            ),
            (
                &["import", "cars", "none.csv"],
                "error: failed to open `none.csv`: No such file or directory (os error 2)\n",
            ),
            (
                &["import", "cars", "-"],
                "error: the form of the rows in standard input is not known\nhint: say `--format csv` or `--format \
                 ndjson`\n",
            ),
        ] {
            assert_eq!(place.run("program", arguments).error(), text);
        }
        assert_eq!(rows(&place).len(), 0);
    }
    let place = &places()[1];
    write(place, "cars.csv", "name,doors\nA,1\n");
    let ended = import(place, &["cars.csv"]);
    assert!(ended.error().contains("hint: bring the database up to date with `program db upgrade`"), "{ended:?}");
}
