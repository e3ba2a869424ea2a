//! What can be typed: help, usage errors, and `routes`. What cannot be connected to: one line and a hint.

use std::net::TcpListener;

use crocus_testing::{TestDatabase, postgres};
use serde_json::{Value, json};

use crate::program::Program;

/// The names below `Commands:` in a help text.
fn commands(help: &str) -> Vec<String> {
    let listed = help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest);
    let lines = listed.lines().take_while(|line| !line.is_empty());
    lines.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

/// Every command, each as its words after the program's name; the program itself is the one without words.
fn all_commands(program: &Program) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut at = 0;
    while let Some(command) = all.get(at).cloned() {
        at += 1;
        for name in commands(&help(program, &command)) {
            all.push([command.clone(), vec![name]].concat());
        }
    }
    all
}

fn help(program: &Program, command: &[String]) -> String {
    let words: Vec<_> = command.iter().map(String::as_str).chain(["--help"]).collect();
    program.done(&words)
}

#[test]
fn every_command_has_examples_that_can_be_typed() {
    let program = Program::new();
    let all = all_commands(&program);
    let names: Vec<_> = all.iter().map(|words| words.join(" ")).collect();
    for known in ["run", "routes", "db", "db create", "db migrate", "db stamp"] {
        assert!(names.iter().any(|name| name == known), "{known} is not among {names:?}");
    }
    for command in &all {
        let help = help(&program, command);
        let name = ["cars".to_owned()].iter().chain(command).cloned().collect::<Vec<_>>().join(" ");
        let Some((_, examples)) = help.split_once("\nExamples:\n") else { panic!("`{name}` has no examples:\n{help}") };
        let examples: Vec<_> = examples.lines().map_while(|line| line.strip_prefix("  ")).collect();
        assert!(!examples.is_empty(), "`{name}` has no examples:\n{help}");
        for example in examples {
            // What follows several spaces says what the example does.
            let typed = example.split("   ").next().unwrap();
            assert!(typed.starts_with(&name), "`{typed}` is no example of `{name}`");
            // The help is printed only when the words before it are understood.
            let script = format!("{typed} --help").replacen("cars", "\"$0\"", 1);
            let mut shell = std::process::Command::new("sh");
            let output = shell.args(["-c", &script, env!("CARGO_BIN_EXE_cars")]).current_dir(program.folder()).output();
            let output = output.unwrap();
            assert!(output.status.success(), "{typed}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[test]
fn the_help_names_every_setting() {
    let help = Program::new().done(&["--help"]);
    for word in [
        "DATABASE_URL",
        "CROCUS_HOST",
        "CROCUS_PORT",
        "CROCUS_REQUEST_TIMEOUT",
        "CROCUS_BODY_LIMIT",
        "CROCUS_MAX_CONNECTIONS",
        "crocus.toml",
        "--database-url",
        "--verbose",
    ] {
        assert!(help.contains(word), "{word} is not in:\n{help}");
    }
    assert_eq!(help, Program::new().done(&["-h"]));
}

#[test]
fn the_version_is_the_packages() {
    let expected = format!("cars {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(Program::new().done(&["--version"]), expected);
    assert_eq!(Program::new().done(&["-V"]), expected);
}

#[test]
fn routes_are_listed() {
    let expected = [
        ("GET", "/", "hello"),
        ("DELETE", "/api/cars", "delete_many"),
        ("GET", "/api/cars", "list"),
        ("PATCH", "/api/cars", "update_many"),
        ("POST", "/api/cars", "create"),
        ("QUERY", "/api/cars", "query"),
        ("DELETE", "/api/cars/{id}", "delete"),
        ("GET", "/api/cars/{id}", "get"),
        ("PATCH", "/api/cars/{id}", "update"),
        ("PUT", "/api/cars/{id}", "replace"),
        ("GET", "/cars", "list_cars"),
        ("POST", "/cars", "create_car"),
        ("DELETE", "/cars/{id}", "delete_car"),
        ("GET", "/cars/{id}", "get_car"),
        ("PUT", "/cars/{id}", "update_car"),
        ("GET", "/docs", "docs"),
        ("GET", "/healthz", "health"),
        ("GET", "/openapi.json", "docs"),
        ("GET", "/readyz", "health"),
    ];
    let program = Program::new();
    let table = program.done(&["routes"]);
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["Method", "Path", "Handler"]);
    assert!(lines[1..].iter().map(Vec::as_slice).eq(expected.iter().map(|(a, b, c)| [*a, *b, *c])), "{table}");

    let listed: Value = serde_json::from_str(&program.done(&["routes", "--json"])).unwrap();
    let expected: Vec<_> = expected
        .iter()
        .map(|(method, path, handler)| json!({"method": method, "path": path, "handler": handler}))
        .collect();
    assert_eq!(listed, Value::from(expected));
    // It asks no database, and makes none.
    assert_eq!(std::fs::read_dir(program.folder()).unwrap().count(), 0);
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let program = Program::new();
    for arguments in [
        &["frobnicate"][..],
        &["--frobnicate"],
        &["run", "--port", "many"],
        &["run", "--port", "65536"],
        &["run", "--port"],
        &["run", "5000"],
        &["routes", "--xml"],
        &["db", "frobnicate"],
        &["db", "stamp"],
        &["db", "upgrade", "head", "head"],
        &["db", "migrate", "create", "cars"],
        &["--database-url"],
    ] {
        let ended = program.run(arguments);
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.starts_with("error: "), "{arguments:?}: {ended:?}");
        assert_eq!(ended.stdout, "", "{arguments:?}");
    }
    // A group without a command shows its help.
    let ended = program.run(&["db"]);
    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(2), ""));
    assert_eq!(ended.stderr, program.done(&["db", "--help"]));
    assert_eq!(std::fs::read_dir(program.folder()).unwrap().count(), 0);
}

const FORMS: &str = "use `sqlite:PATH`, `sqlite::memory:` or `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`";

const UNREADABLE: &str = "check the host, the port and the parameters; percent-encode special characters in the user \
                          name and password (`@` is %40, `/` is %2F, `%` is %25)";

#[test]
fn a_url_that_cannot_be_read_is_one_line_and_a_hint() {
    for (url, error, hint) in [
        ("", "the database URL is empty", FORMS),
        ("cars.db", "the database URL has no scheme", FORMS),
        ("mysql://ada:secret@localhost/cars", "`mysql` is not a database that this program knows", FORMS),
        ("sqlite:", "the SQLite URL has no path", "write `sqlite:PATH` or `sqlite::memory:`"),
        (
            "sqlite:///cars.db",
            "slashes after `sqlite:` have no one meaning",
            "write `sqlite:cars.db` for a path relative to this folder, `sqlite:/srv/cars.db` for another",
        ),
        ("sqlite:cars.db?mode=ro", "an SQLite URL takes no parameters", "write `sqlite:PATH`"),
        ("postgresql:ada:secret@localhost/cars", "`postgresql:` must be followed by `//`", FORMS),
        ("postgresql:///cars?password=secret", "the PostgreSQL URL names no host", FORMS),
        ("postgresql://ada:secret@localhost:port/cars", "the PostgreSQL URL cannot be read", UNREADABLE),
        ("postgres://ada:secret@localhost/cars?colour=secret", "the PostgreSQL URL cannot be read", UNREADABLE),
        // Which of the two ends the password?
        ("postgresql://ada:top@secret@localhost/cars", "the PostgreSQL URL cannot be read", UNREADABLE),
        ("postgresql://ada:top/secret@localhost/cars", "the PostgreSQL URL cannot be read", UNREADABLE),
        ("postgresql://ada:top?secret@localhost/cars", "the PostgreSQL URL cannot be read", UNREADABLE),
        (
            "postgresql://ada:secret@localhost/cars?sslmode=maybe",
            "`maybe` is not an sslmode",
            "use disable, prefer, require, verify-ca or verify-full",
        ),
    ] {
        let file = format!("# The database.\ndatabase_url = '{url}'\n");
        for (program, flag, origin) in [
            (Program::new().database(url), None, "the environment variable `DATABASE_URL`"),
            (Program::new().file("crocus.toml", &file), None, "`crocus.toml`, line 2"),
            (Program::new(), Some(url), "the flag `--database-url`"),
        ] {
            for command in [&["run"][..], &["db", "create"], &["db", "drop", "--yes"], &["db", "upgrade"]] {
                let flags: Vec<_> = flag.iter().flat_map(|url| ["--database-url", url]).collect();
                let ended = program.run(&[command, &flags].concat());
                ended.refused(&format!("{error} (from {origin})"), Some(hint));
            }
        }
    }
}

/// Commands that ask the database.
const ASKING: &[&[&str]] = &[
    &[],
    &["run", "--port", "0"],
    &["run", "--port", "0", "--upgrade"],
    &["db", "upgrade"],
    &["db", "downgrade", "base"],
    &["db", "current"],
    &["db", "stamp", "head"],
    &["db", "migrate", "-m", "anything"],
];

#[test]
fn a_missing_database_can_be_created() {
    for database in [TestDatabase::sqlite(), TestDatabase::postgres_missing()] {
        let program = Program::new().database(database.url());
        for arguments in ASKING {
            let error = format!("the database `{}` does not exist", database.name());
            program.run(arguments).refused(&error, Some("create it with `cars db create`"));
        }
        program.done(&["db", "create"]);
        program.serve(&["--upgrade"]).get("/cars").json();
    }
}

#[test]
fn a_path_that_is_no_database_is_said_to_be_none() {
    let program = Program::new().database("sqlite:folder");
    std::fs::create_dir(program.folder().join("folder")).unwrap();
    for arguments in ASKING {
        let hint = "name a file: `sqlite:folder/NAME.db`";
        program.run(arguments).refused("the database `folder` is a folder, not a file", Some(hint));
    }
    let program = Program::new().database("sqlite:notes.txt").file("notes.txt", "Not a database.\n");
    for arguments in ASKING {
        program.run(arguments).refused("failed to open the database `notes.txt`: file is not a database", None);
    }
    let text = std::fs::read_to_string(program.folder().join("notes.txt")).unwrap();
    assert_eq!(text, "Not a database.\n");
}

const WRONG_ACCOUNT: &str = "check the user name and the password in the database URL";

#[test]
fn a_refused_password_is_one_line_and_a_hint() {
    let database = TestDatabase::postgres();
    let server = format!("127.0.0.1:{}", postgres().port());
    for (account, user) in [("crocus:guess-secret", "crocus"), ("nobody-known:secret", "nobody-known")] {
        let program = Program::new().database(&format!("postgresql://{account}@{server}/{}", database.name()));
        let all = [ASKING, &[&["db", "create"], &["db", "drop", "--yes"]]].concat();
        for arguments in all {
            let reason = format!("password authentication failed for user \"{user}\"");
            let error = format!("PostgreSQL at {server} refused the user `{user}`: {reason}");
            program.run(arguments).refused(&error, Some(WRONG_ACCOUNT));
        }
    }
    // No password where one is wanted.
    let program = Program::new().database(&format!("postgresql://crocus@{server}/{}", database.name()));
    let ended = program.run(&["db", "current"]);
    let error = format!("error: PostgreSQL at {server} refused the user `crocus`: ");
    assert!(ended.stderr.starts_with(&error), "{ended:?}");
    assert!(ended.stderr.ends_with(&format!("\nhint: {WRONG_ACCOUNT}\n")), "{ended:?}");
    assert_eq!((ended.stderr.lines().count(), ended.status.code()), (2, Some(1)), "{ended:?}");
}

#[test]
fn an_unreachable_server_is_one_line_and_a_hint() {
    // A port that was free just now.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let program = Program::new().database(&format!("postgresql://ada:secret@127.0.0.1:{port}/cars"));
    let all = [ASKING, &[&["db", "create"], &["db", "drop", "--yes"]]].concat();
    for arguments in all {
        let ended = program.run(arguments);
        let [error, hint] = ended.stderr.lines().collect::<Vec<_>>()[..] else { panic!("{ended:?}") };
        assert!(error.starts_with(&format!("error: failed to connect to PostgreSQL at 127.0.0.1:{port}: ")), "{error}");
        assert!(error.contains("refused"), "{error}");
        assert_eq!(hint, "hint: is the server running, and are the host and the port right?");
        assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(1), ""));
    }
}

#[test]
fn the_password_is_never_shown() {
    let database = TestDatabase::postgres();
    let program = Program::new().database(database.url());
    assert!(database.url().contains(":secret@"));
    for arguments in [
        &["-vv", "db", "upgrade"][..],
        &["-vv", "db", "current"],
        &["-vv", "db", "history"],
        &["-vv", "db", "migrate"],
        &["-vv", "db", "create"],
        &["-vv", "db", "drop"],
        &["-vv", "routes"],
    ] {
        let ended = program.run(arguments);
        assert!(!ended.stdout.contains("secret") && !ended.stderr.contains("secret"), "{ended:?}");
    }
    let server = program.serve(&["-vv"]);
    server.create("Model S", "Tesla", 4);
    server.get("/cars").json();
    assert!(!server.panel().contains("secret"), "{}", server.panel());
    assert!(!server.log().contains("secret"), "{}", server.log());
    server.stop();
}
