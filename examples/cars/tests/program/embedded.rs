//! The start: by itself on the embedded database, only when told to on any other.

use crocus_testing::TestDatabase;

use crate::client::Request;
use crate::program::{Program, execute};

/// The one revision of the example's migrations, as `db history` lists it.
pub(crate) fn revision() -> String {
    let history = Program::new().done(&["db", "history"]);
    let line = history.strip_prefix("<base> -> ").unwrap();
    line.split_once(" (head), create cars, ").unwrap().0.to_owned()
}

#[test]
fn without_settings_the_embedded_database_is_made_and_kept() {
    let program = Program::new().variable("CROCUS_PORT", "0");
    let server = program.serve_as(&[]);
    let (address, version) = (server.address(), env!("CARGO_PKG_VERSION"));
    let panel = |migrated: &str| {
        format!(
            "
  cars {version} is at http://{address}

  database  sqlite:instance/cars.db (SQLite), {migrated}
  try       curl http://{address}/cars
  stop      Ctrl-C

"
        )
    };
    let upgraded = format!("Upgraded <base> -> {}, create cars\n", revision());
    assert_eq!(server.panel(), upgraded + &panel("1 migration ran"));
    assert!(address.ip().is_loopback());
    assert!(program.folder().join("instance/cars.db").is_file());
    server.create("Model S", "Tesla", 4);
    server.stop();

    let server = program.serve_as(&[]);
    let panel = server.panel();
    assert!(panel.contains("  database  sqlite:instance/cars.db (SQLite), up to date\n"), "{panel}");
    let car = r#"{"name":"Model S","model":"Tesla","doors":4}"#;
    assert_eq!(server.get("/cars").text(), format!(r#"{{"count":1,"cars":[{car}]}}"#));
    // The line to try is right.
    let line = panel.lines().find_map(|line| line.strip_prefix("  try       curl http://")).unwrap();
    let (host, path) = line.split_at(line.find('/').unwrap());
    assert_eq!(host, server.address().to_string());
    server.get(path).json();
    server.stop();
    // The one file is the whole database: it can be copied.
    let kept: Vec<_> =
        std::fs::read_dir(program.folder().join("instance")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(kept, ["cars.db"]);
}

#[test]
fn a_kill_loses_nothing_that_was_acknowledged() {
    let program = Program::new();
    for number in 1..=3 {
        let mut server = program.serve(&[]);
        server.create("Model S", "Tesla", 4);
        server.signal("KILL");
        server.wait();
        let server = program.serve(&[]);
        assert_eq!(server.get("/cars").json()["count"], number);
    }
}

#[test]
fn a_database_that_is_behind_is_not_changed_unless_told() {
    for database in TestDatabase::each() {
        let program = Program::new().database(database.url());
        program.done(&["db", "create"]);
        let error = format!("the database is behind by 1 pending revision: {} (create cars)", revision());
        let hint = "run `cars db upgrade`, or start with `cars run --upgrade`";
        for arguments in [&[][..], &["run"], &["run", "--port", "0"]] {
            program.run(arguments).refused(&error, Some(hint));
        }
        assert_eq!(program.done(&["db", "current"]), "<base>, 1 pending revision\n");

        let server = program.serve(&["--upgrade"]);
        assert!(server.panel().contains(", 1 migration ran\n"), "{}", server.panel());
        server.create("Model S", "Tesla", 4);
        server.stop();
        for arguments in [&[][..], &["--upgrade"]] {
            let server = program.serve(arguments);
            assert!(server.panel().contains(", up to date\n"), "{}", server.panel());
            assert_eq!(server.get("/cars").json()["count"], 1);
            server.stop();
        }
    }
}

#[test]
fn a_database_that_is_ahead_is_refused() {
    for database in TestDatabase::each() {
        let program = Program::new().database(database.url());
        program.done(&["db", "create"]);
        program.done(&["db", "upgrade"]);
        execute(&database, "INSERT INTO crocus_migrations (revision, message) VALUES ('f00d', 'from the future')");
        let error = "the database is at revision f00d (from the future), which this program does not have";
        let hint = "is the program older than the database, or was a migration file deleted? run the program that has it; \
                    or, if it is gone for good, `cars db repair` says how to forget it";
        for arguments in [
            &["run", "--port", "0"][..],
            &["run", "--port", "0", "--upgrade"],
            &["db", "upgrade"],
            &["db", "downgrade"],
            &["db", "stamp", "head"],
            &["db", "migrate", "-m", "anything"],
        ] {
            program.run(arguments).refused(error, Some(hint));
        }
        let current = program.done(&["db", "current"]);
        assert!(current.contains("\nf00d (unknown), from the future, applied 20"), "{current}");
    }
}

#[test]
fn a_database_in_memory_works_and_is_gone_afterwards() {
    let program = Program::new().database("sqlite::memory:");
    for _ in 0..2 {
        let server = program.serve(&["--upgrade"]);
        assert!(
            server.panel().contains("  database  sqlite::memory: (SQLite), 1 migration ran\n"),
            "{}",
            server.panel()
        );
        server.create("Model S", "Tesla", 4);
        server.ask(&Request::put("/cars/1").json(r#"{"name":"Model X","model":"Tesla","doors":5}"#)).json();
        assert_eq!(server.get("/cars").json()["count"], 1);
        server.ask(&Request::delete("/cars/1")).json();
        server.stop();
    }
    assert_eq!(std::fs::read_dir(program.folder()).unwrap().count(), 0);
}
