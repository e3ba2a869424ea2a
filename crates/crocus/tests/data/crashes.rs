//! `kill -9` in the middle of imports, and two imports at once: each row of the file is in once.
//!
//! `DATA_TEST_CRASHES` says how many imports are killed on each database.

#![expect(clippy::print_stdout, reason = "how much was tested is seen with --nocapture")]

use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::child::{Place, places};
use crate::import::{ready, rows, write};

const ROWS: usize = 6_000;

/// Rows of which one in a hundred is refused by the table's rules, and another one by the database.
fn file() -> String {
    let mut text = "name,model,doors,plate\n".to_owned();
    for row in 0..ROWS {
        let (doors, plate) = match row % 100 {
            17 => ("many", row),
            71 => ("4", row - 71),
            _ => ("4", row),
        };
        writeln!(text, "car {row},model,{doors},plate {plate}").unwrap();
    }
    text
}

fn expected() -> Vec<String> {
    let good = (0..ROWS).filter(|row| ![17, 71].contains(&(row % 100)));
    good.map(|row| format!("car {row}|model|4|plate {row}|new")).collect()
}

const COMMAND: &[&str] = &["import", "cars", "cars.csv", "--batch", "50", "--max-rejects", "1000000"];

pub(crate) fn killed_imports_go_on() {
    let number = std::env::var("DATA_TEST_CRASHES").ok().and_then(|number| number.parse().ok()).unwrap_or(4u32);
    for place in places() {
        ready(&place);
        write(&place, "cars.csv", file());
        let begun = Instant::now();
        place.run("program", COMMAND).success();
        let takes = begun.elapsed();
        check(&place);
        let rejected = std::fs::read_to_string(place.folder.path().join("cars.rejects.csv")).unwrap();

        let place = if place.dialect() == "sqlite" { &places()[0] } else { &places()[1] };
        ready(place);
        write(place, "cars.csv", file());
        let mut kills = 0;
        for attempt in 0..number {
            let run = place.start("program", COMMAND);
            std::thread::sleep(takes / (number + 1) + Duration::from_millis(u64::from(attempt) * 7 % 31));
            kills += u32::from(run.kill());
        }
        let before = rows(place).len();
        place.run("program", COMMAND).success();
        check(place);
        println!("{}: killed {kills} times, {before} rows were in at last", place.dialect());
        assert!(kills > 0, "all ended before they were killed");
        let again = std::fs::read_to_string(place.folder.path().join("cars.rejects.csv")).unwrap();
        assert_eq!(again, rejected, "each rejected row is there once");
    }
}

#[track_caller]
fn check(place: &Place) {
    let mut found = rows(place);
    found.sort();
    let mut expected = expected();
    expected.sort();
    assert!(found == expected, "{} rows on {}, and not {}", found.len(), place.dialect(), expected.len());
}

/// Waits until some of the rows are in.
fn wait_for_rows(place: &Place) {
    let begun = Instant::now();
    while rows(place).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is imported");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn an_import_that_is_interrupted_goes_on() {
    for place in places() {
        ready(&place);
        write(&place, "cars.csv", file());
        let run = place.start("program", COMMAND);
        wait_for_rows(&place);
        run.interrupt();
        let ended = run.finish();
        let text = ended.error();
        assert!(text.starts_with("error: the import was stopped\nhint: "), "{text}");
        let number = rows(&place).len();
        assert!(text.contains(&format!("{number} rows are imported; the same command goes on with line ")), "{text}");
        assert!(number < expected().len());
        place.run("program", COMMAND).success();
        check(&place);
    }
}

pub(crate) fn an_import_whose_connection_is_lost_goes_on() {
    let [_, place] = places();
    ready(&place);
    write(&place, "cars.csv", file());
    let mut lost = 0;
    while lost < 2 {
        let run = place.start("program", COMMAND);
        std::thread::sleep(Duration::from_millis(150));
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";
        place.sql(kill);
        let ended = run.finish();
        if ended.is_success() {
            break;
        }
        lost += 1;
        let text = ended.error();
        assert!(
            text.contains("the same command goes on with line ") || text.contains("nothing is imported yet"),
            "{text}"
        );
    }
    assert!(lost > 0, "it ended before its connection was lost");
    place.run("program", COMMAND).success();
    check(&place);
}

pub(crate) fn two_imports_of_one_file_do_not_run_at_once() {
    for place in places() {
        ready(&place);
        write(&place, "cars.csv", file());
        let first = place.start("program", COMMAND);
        let others: Vec<_> = (0..3).map(|_| place.start("program", COMMAND)).collect();
        let mut ended = vec![first.finish()];
        ended.extend(others.into_iter().map(|other| other.finish()));
        assert!(ended.iter().any(|ended| ended.is_success()), "{ended:?}");
        for other in ended.iter().filter(|ended| !ended.is_success()) {
            assert!(other.error().starts_with("error: another import of `cars.csv` is running\n"), "{other:?}");
        }
        check(&place);
    }
}
