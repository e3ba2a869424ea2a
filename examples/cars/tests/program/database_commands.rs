//! `db ...`: each command's words and effects, in a folder that is not the source's.

use std::io::Read;
use std::process::Stdio;

use crocus_testing::{TestDatabase, postgres};

use crate::embedded::revision;
use crate::program::{Cars, Program};

/// One on each dialect that is not there yet.
fn missing() -> [TestDatabase; 2] {
    [TestDatabase::sqlite(), TestDatabase::postgres_missing()]
}

#[test]
fn databases_are_created_and_dropped_once() {
    for database in missing() {
        let (program, name) = (Program::new().database(database.url()), database.name());
        assert_eq!(program.done(&["db", "create"]), format!("Created the database `{name}`.\n"));
        assert_eq!(program.done(&["db", "create"]), format!("The database `{name}` exists already.\n"));
        program.done(&["db", "upgrade"]);

        let error = format!("dropping the database `{name}` must be confirmed");
        let hint = "`cars db drop --yes` drops it without asking";
        program.run(&["db", "drop"]).refused(&error, Some(hint));
        assert_eq!(program.done(&["db", "create"]), format!("The database `{name}` exists already.\n"));

        assert_eq!(program.done(&["db", "drop", "--yes"]), format!("Dropped the database `{name}`.\n"));
        assert_eq!(program.done(&["db", "drop", "--yes"]), format!("There is no database `{name}`.\n"));
        assert_eq!(program.done(&["db", "drop"]), format!("There is no database `{name}`.\n"));
        let error = format!("the database `{name}` does not exist");
        program.run(&["db", "current"]).refused(&error, Some("create it with `cars db create`"));

        // What was there is gone.
        program.done(&["db", "create"]);
        assert_eq!(program.done(&["db", "current"]), "<base>, 1 pending revision\n");
    }
}

#[test]
fn a_postgresql_database_in_use_is_not_dropped() {
    let database = TestDatabase::postgres();
    let program = Program::new().database(database.url());
    let server = program.serve(&["--upgrade"]);
    server.create("Model S", "Tesla", 4);
    let ended = program.run(&["db", "drop", "--yes"]);
    let error = format!("error: database \"{}\" is being accessed by other users", database.name());
    assert!(ended.stderr.starts_with(&error), "{ended:?}");
    assert!(ended.stderr.ends_with("\nhint: stop the programs that use it, then try again\n"), "{ended:?}");
    assert_eq!((ended.stderr.lines().count(), ended.status.code()), (2, Some(1)), "{ended:?}");
    server.get("/cars").json();
    server.stop();
    program.done(&["db", "drop", "--yes"]);
}

#[test]
fn sqlite_leaves_no_file_behind() {
    let program = Program::new();
    let mut server = program.serve(&[]);
    server.create("Model S", "Tesla", 4);
    server.signal("KILL");
    server.wait();
    assert_eq!(program.done(&["db", "drop", "--yes"]), "Dropped the database `instance/cars.db`.\n");
    assert_eq!(std::fs::read_dir(program.folder().join("instance")).unwrap().count(), 0);
}

#[test]
fn the_database_goes_up_and_down() {
    let revision = revision();
    let prefix = &revision[..4];
    for database in missing() {
        let program = Program::new().database(database.url());
        program.done(&["db", "create"]);
        let up = format!("Upgraded <base> -> {revision}, create cars\n");
        let down = format!("Downgraded {revision} -> <base>, create cars\n");
        let at_head = format!("{revision} (head), create cars\n");
        let recorded = |place: &str| format!("The database is recorded as being at {place}.\n");
        for (arguments, printed) in [
            (&["db", "current"][..], "<base>, 1 pending revision\n"),
            (&["db", "downgrade", "base"], "Nothing to downgrade.\n"),
            (&["db", "upgrade"], &up),
            (&["db", "upgrade"], "Nothing to upgrade.\n"),
            (&["db", "upgrade", "head"], "Nothing to upgrade.\n"),
            (&["db", "current"], &at_head),
            (&["db", "migrate", "-m", "nothing"], "No changes detected.\n"),
            (&["db", "downgrade"], &down),
            (&["db", "current"], "<base>, 1 pending revision\n"),
            (&["db", "upgrade", "+1"], &up),
            (&["db", "downgrade", "-1"], &down),
            (&["db", "upgrade", prefix], &up),
            (&["db", "downgrade", "base"], &down),
            // Recorded without being done, and the reverse.
            (&["db", "stamp", "head"], &recorded(at_head.trim_end())),
            (&["db", "current"], &at_head),
            (&["db", "stamp", "base"], &recorded("<base>")),
            (&["db", "upgrade", &revision], &up),
        ] {
            assert_eq!(program.done(arguments), printed, "{arguments:?} on {}", database.dialect());
        }
        program.serve(&[]).create("Model S", "Tesla", 4);
    }
}

#[test]
fn the_history_says_where_the_database_is() {
    let revision = revision();
    for database in missing() {
        let program = Program::new().database(database.url());
        let line = |place: &str| format!("<base> -> {revision} (head){place}, create cars, ");
        // Without a database too.
        assert!(program.done(&["db", "history"]).starts_with(&line("")));
        program.done(&["db", "create"]);
        assert!(program.done(&["db", "history"]).starts_with(&line("")));
        program.done(&["db", "upgrade"]);
        assert!(program.done(&["db", "history"]).starts_with(&line(" (current)")));
    }
}

#[test]
fn places_that_are_not_there_are_refused() {
    for cars in Cars::each() {
        for (arguments, error, hint) in [
            (&["db", "upgrade", "zzz"][..], "no revision is or begins with `zzz`", "`cars db history` lists them"),
            (&["db", "downgrade", "zzz"], "no revision is or begins with `zzz`", "`cars db history` lists them"),
            (&["db", "stamp", "zzz"], "no revision is or begins with `zzz`", "`cars db history` lists them"),
            (
                &["db", "upgrade", "+1"],
                "there is no revision at +1 from the current one",
                "1 of 1 revisions are applied; see `cars db history`",
            ),
            (
                &["db", "downgrade", "-2"],
                "there is no revision at -2 from the current one",
                "1 of 1 revisions are applied; see `cars db history`",
            ),
        ] {
            cars.program.run(arguments).refused(error, Some(hint));
        }
        let ended = cars.program.run(&["db", "upgrade", "base"]);
        assert!(ended.stderr.ends_with("\nhint: `cars db downgrade` goes back\n"), "{ended:?}");
        assert_eq!(ended.status.code(), Some(1));
    }
}

#[test]
fn several_upgrades_at_once_are_one() {
    let up = format!("Upgraded <base> -> {}, create cars\n", revision());
    for database in missing() {
        let program = Program::new().database(database.url());
        program.done(&["db", "create"]);
        let all: Vec<_> = (0..6)
            .map(|_| program.command(&["db", "upgrade"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
            .collect();
        let mut upgraded = 0;
        for mut child in all {
            let (mut stdout, mut stderr) = (String::new(), String::new());
            child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
            child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
            assert!(child.wait().unwrap().success(), "{stderr}");
            let said = stdout.replace("Another program is migrating the database: waiting for it.\n", "");
            assert!(said == up || said == "Nothing to upgrade.\n", "{said}");
            upgraded += usize::from(said == up);
        }
        assert_eq!(upgraded, 1);
        program.serve(&[]).get("/cars").json();
    }
}

#[test]
fn commands_that_write_need_the_source() {
    let database = TestDatabase::sqlite();
    let program = Program::new().database(database.url());
    program.done(&["db", "create"]);
    program.done(&["db", "upgrade"]);
    let elsewhere = program.folder().join("migrations");
    let error = format!("the program's source is not here: `{}` has no Cargo.toml beside it", elsewhere.display());
    let hint = "run this command where the program was built, or name the folder with `--directory`";
    program.run(&["db", "init", "--directory", "migrations"]).refused(&error, Some(hint));
    program.run(&["db", "migrate", "-m", "x", "--directory", "migrations"]).refused(&error, Some(hint));
    assert!(!elsewhere.exists());

    // Where the source is, as here, its folder is found from every other folder.
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    assert_eq!(program.done(&["db", "init"]), format!("{folder} exists already.\n"));
}

#[test]
fn a_migration_waits_until_the_pending_ones_are_applied() {
    for database in missing() {
        let program = Program::new().database(database.url());
        program.done(&["db", "create"]);
        let ended = program.run(&["db", "migrate", "-m", "anything"]);
        let (_, behind) = ended.stderr.split_once("error: the database is behind by 1 pending revision: ").unwrap();
        assert!(behind.ends_with(" (create cars)\nhint: run `cars db upgrade`\n"), "{ended:?}");
    }
}

/// A database on the shared server, dropped also when the test fails.
struct Named(String);

impl Drop for Named {
    fn drop(&mut self) {
        let _ = postgres().drop_database(&self.0);
    }
}

#[test]
fn a_name_of_any_letters_is_a_database() {
    for letters in ["two words", "quo\"te", "ünïcödé", "UPPER", "semi;colon--", "per%cent", "a/b?c@d"] {
        let Named(name) = &Named(format!("{letters} {}", std::process::id()));
        let program = Program::new().database(&postgres().url(name));
        assert_eq!(program.done(&["db", "create"]), format!("Created the database `{name}`.\n"));
        let server = program.serve(&["--upgrade"]);
        server.create("Model S", "Tesla", 4);
        server.stop();
        assert_eq!(program.done(&["db", "drop", "--yes"]), format!("Dropped the database `{name}`.\n"));
    }
    for letters in ["two words.db", "ünïcödé", "quo\"te'.db", "per%20cent.db", "a@b:c.db", "new/folder/cars.db"] {
        let program = Program::new().database(&format!("sqlite:{letters}"));
        assert_eq!(program.done(&["db", "create"]), format!("Created the database `{letters}`.\n"));
        assert!(program.folder().join(letters).is_file());
        let server = program.serve(&["--upgrade"]);
        server.create("Model S", "Tesla", 4);
        server.stop();
        assert_eq!(program.done(&["db", "drop", "--yes"]), format!("Dropped the database `{letters}`.\n"));
    }
}
