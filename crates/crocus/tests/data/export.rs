//! What is exported, where it goes, and what is there when an export does not come to its end.

use std::fs;
use std::time::Duration;

use crate::child::{Ended, Place, places};
use crate::import::{ready, rows, said, write};

fn export(place: &Place, arguments: &[&str]) -> Ended {
    place.run("program", &[&["export"], arguments].concat())
}

/// A place with cars and an owner.
fn filled(place: &Place) {
    ready(place);
    write(
        place,
        "cars.csv",
        "id,name,model,doors,plate,state,version\n1,A,,3,P 1,new,4\n2,\"b \"\"c\"\"\",\"x,\ny\",5,,\"\",1\n3,,\"\",4,\"\",ü,1\n",
    );
    let ended = place.run("program", &["import", "cars", "cars.csv", "--max-rejects", "1"]);
    assert!(ended.is_success(), "{ended:?}");
    write(place, "owners.ndjson", "{\"name\":\"Ada\",\"email\":\"ada@example.com\"}\n");
    place.run("program", &["import", "owners", "owners.ndjson"]).success();
}

pub(crate) fn what_is_asked_for_is_exported() {
    for place in places() {
        filled(&place);
        let all = "id,name,model,doors,plate,hinges,state,version\n1,A,,3,P 1,6,new,4\n2,\"b \"\"c\"\"\",\"x,\ny\",5,,10,\"\",1\n";
        let lines =
            "{\"id\":2,\"name\":\"b \\\"c\\\"\",\"model\":\"x,\\ny\"}\n{\"id\":1,\"name\":\"A\",\"model\":null}\n";
        for (arguments, expected) in [
            (&["cars", "--order", "id"][..], all),
            (&["cars", "--order", "id.desc", "--format", "ndjson", "--select", "id,name,model"], lines),
            (&["cars", "--where", "doors=gte.4", "--select", "doors"], "doors\n5\n"),
            (&["cars", "--where", "doors=gte.3", "--where", "model=is.null", "--select", "name"], "name\nA\n"),
            (&["cars", "--where", "or=(doors.eq.3,state.eq.)", "--order", "doors", "--select", "id"], "id\n1\n2\n"),
            (&["cars", "--order", "doors.desc", "--limit", "1", "--select", "id"], "id\n2\n"),
            (&["cars", "--where", "id=in.(7,8)", "--format", "ndjson"], ""),
            (&["default.cars", "--select", "model", "--order", "id"], "model\n\n\"x,\ny\"\n"),
            (&["owners", "--sensitive"], "id,name,email\n1,Ada,ada@example.com\n"),
        ] {
            let ended = export(&place, arguments);
            assert_eq!(ended.success(), expected, "{arguments:?} on {}", place.dialect());
        }
        let ended = export(&place, &["owners"]);
        assert_eq!(ended.errors, "note: `email` is sensitive, and left out; `--sensitive` exports everything\n");
        assert_eq!(ended.success(), "id,name\n1,Ada\n");
        for (arguments, text) in [
            (&["owners", "--select", "email"][..], "error: `email` is sensitive\nhint: `--sensitive` exports it too\n"),
            (
                &["cars", "--where", "dors=gte.4", "--order", "nme"],
                "error: `dors` is no column of `cars`; did you mean `doors`?; `nme` is no column of `cars`; did you mean \
                 `name`?\nhint: conditions and orders are those of resources: `doors=gte.4`\n",
            ),
            (&["cars", "--select", "nam"], "error: `nam` is no column of `cars`\nhint: did you mean `name`?\n"),
            (
                &["cars", "--where", "doors"],
                "error: `doors` is no condition\nhint: write a column and what is asked of it: `doors=gte.4`\n",
            ),
            (
                &["cars", "--output", "none/cars.csv"],
                "error: failed to write `none/cars.csv.partial`: No such file or directory (os error 2)\n",
            ),
        ] {
            assert_eq!(export(&place, arguments).error(), text);
        }
    }
}

pub(crate) fn a_file_is_there_when_it_is_whole() {
    for place in places() {
        ready(&place);
        let file = |name: &str| fs::read_to_string(place.folder.path().join(name)).ok();
        let cars: String = (0..20_000).map(|row| format!("car {row},{}\n", row % 7)).collect();
        write(&place, "cars.csv", format!("name,doors\n{cars}"));
        place.run("program", &["import", "cars", "cars.csv"]).success();
        let arguments = &["cars", "--select", "name,doors", "--order", "id", "--output", "out.csv"];
        let whole = file("cars.csv");
        write(&place, "out.csv", "old\n");
        let (mut kills, mut old) = (0, 0);
        for attempt in 0..6u64 {
            let run = place.start("program", &[&["export"][..], arguments].concat());
            std::thread::sleep(Duration::from_millis(30 + 45 * attempt));
            kills += u32::from(run.kill());
            let found = file("out.csv");
            old += u32::from(found.as_deref() == Some("old\n"));
            assert!(found.as_deref() == Some("old\n") || found == whole, "{:?}", found.map(|text| text.len()));
        }
        assert!(kills > 0 && old > 0, "all ended before they were killed");
        assert_eq!(said(&export(&place, arguments).success()), "20000 rows of `cars` exported to `out.csv`\n");
        assert!(file("out.csv") == whole);
        assert_eq!(file("out.csv.partial"), None);

        // A reader that goes away ends it without a word.
        let mut run = place.start("program", &["export", "cars", "--quiet"]);
        run.wait_for_lines(1);
        let ended = run.hang_up();
        assert!(ended.is_success() && ended.errors.is_empty(), "{ended:?}");
    }
}

pub(crate) fn what_is_exported_can_be_imported() {
    for place in places() {
        filled(&place);
        let before = rows(&place);
        for name in ["all.csv", "all.csv.gz", "all.ndjson", "all.ndjson.gz"] {
            export(&place, &["cars", "--output", name]).success();
            place.sql("DELETE FROM cars");
            place.run("program", &["import", "cars", name]).success();
            assert_eq!(rows(&place), before, "{name}");
            let version = export(&place, &["cars", "--select", "id,version", "--order", "id"]).success();
            assert_eq!(version, "id,version\n1,4\n2,1\n", "{name}");
        }
    }
}
