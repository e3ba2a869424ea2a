//! Settings: which of several counts, and that nothing is ignored that is not understood.

use std::net::TcpListener;

use crate::client::Request;
use crate::program::Program;

const KEYS: &str = "known are database_url, host, port, request_timeout, body_limit, max_connections, \
                    share, replica_url, echo, slow_query, statement_timeout, lock_timeout, compression, server_timing, metrics, otlp_endpoint, cors_origins, cors_methods, \
                    cors_headers, cors_credentials, cors_max_age, rate_limit, rate_limit_header";

const VARIABLES: &str = "known are DATABASE_URL, CROCUS_HOST, CROCUS_PORT, CROCUS_REQUEST_TIMEOUT, \
                         CROCUS_BODY_LIMIT, CROCUS_MAX_CONNECTIONS, CROCUS_SHARE, CROCUS_REPLICA_URL, CROCUS_ECHO, CROCUS_SLOW_QUERY, \
                         CROCUS_STATEMENT_TIMEOUT, CROCUS_LOCK_TIMEOUT, CROCUS_COMPRESSION, CROCUS_SERVER_TIMING, CROCUS_METRICS, CROCUS_OTLP_ENDPOINT, CROCUS_CORS_ORIGINS, \
                         CROCUS_CORS_METHODS, CROCUS_CORS_HEADERS, CROCUS_CORS_CREDENTIALS, CROCUS_CORS_MAX_AGE, \
                         CROCUS_RATE_LIMIT, CROCUS_RATE_LIMIT_HEADER";

const PORT: &str = "`port` must be a port number from 0 to 65535, not";

/// Every command reads the settings first.
#[track_caller]
fn assert_refused(program: &Program, error: &str, hint: Option<&str>) {
    for arguments in [&[][..], &["run"], &["routes"], &["db", "current"]] {
        program.run(arguments).refused(error, hint);
    }
    assert!(!program.folder().join("instance").exists());
}

#[test]
fn a_file_that_is_not_understood_is_refused() {
    for (text, error, hint) in [
        ("prot = 5000", "unknown setting `prot` (from `crocus.toml`, line 1)".to_owned(), Some(KEYS)),
        (
            "port = 5000\n[server]\nport = 1",
            "unknown setting `server` (from `crocus.toml`, line 2)".to_owned(),
            Some(KEYS),
        ),
        ("port = \"5000\"", format!("{PORT} a value of type string (from `crocus.toml`, line 1)"), None),
        ("\n\nport = 65536", format!("{PORT} `65536` (from `crocus.toml`, line 3)"), None),
        (
            "database_url = 5",
            "`database_url` must be a database URL, not a value of type integer (from `crocus.toml`, line 1)"
                .to_owned(),
            None,
        ),
        (
            "request_timeout = 0",
            "`request_timeout` must be a number of seconds, 1 or more, not `0` (from `crocus.toml`, line 1)".to_owned(),
            None,
        ),
        (
            "cors_origins = [\"*\"]\ncors_credentials = true",
            "`cors_credentials`: credentials cannot be let in from all origins: name the origins (from `crocus.toml`, \
             line 2)"
                .to_owned(),
            None,
        ),
        (
            "body_limit = -1",
            "`body_limit` must be a number of bytes, not `-1` (from `crocus.toml`, line 1)".to_owned(),
            None,
        ),
    ] {
        assert_refused(&Program::new().file("crocus.toml", text), &error, hint);
    }
    // TOML's own errors are the reader's words.
    let ended = Program::new().file("crocus.toml", "port = 1\nport = 2").run(&["routes"]);
    assert!(ended.stderr.starts_with("error: `crocus.toml`, line 2: "), "{ended:?}");
    assert_eq!((ended.stderr.lines().count(), ended.status.code()), (1, Some(1)), "{ended:?}");
}

#[test]
fn a_variable_that_is_not_understood_is_refused() {
    for (name, value, error, hint) in [
        ("CROCUS_PROT", "1", "unknown setting `CROCUS_PROT` (from the environment)".to_owned(), Some(VARIABLES)),
        ("CROCUS_PORT", "many", format!("{PORT} `many` (from the environment variable `CROCUS_PORT`)"), None),
        ("CROCUS_PORT", "", format!("{PORT} `` (from the environment variable `CROCUS_PORT`)"), None),
        (
            "CROCUS_REQUEST_TIMEOUT",
            "1.5",
            "`request_timeout` must be a number of seconds, 1 or more, not `1.5` (from the environment variable \
             `CROCUS_REQUEST_TIMEOUT`)"
                .to_owned(),
            None,
        ),
        (
            "CROCUS_MAX_CONNECTIONS",
            "0",
            "`max_connections` must be a number of connections, 1 or more, not `0` (from the environment variable \
             `CROCUS_MAX_CONNECTIONS`)"
                .to_owned(),
            None,
        ),
    ] {
        assert_refused(&Program::new().variable(name, value), &error, hint);
    }
    let ended = Program::new().variable("RUST_LOG", "crocus=loud").run(&["routes"]);
    assert!(ended.stderr.starts_with("error: `crocus=loud` is no log filter: "), "{ended:?}");
    assert!(ended.stderr.contains("(from the environment variable `RUST_LOG`)\nhint: "), "{ended:?}");
    assert_eq!((ended.stderr.lines().count(), ended.status.code()), (2, Some(1)), "{ended:?}");
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file = "database_url = \"sqlite:file.db\"\nhost = \"localhost\"\nport = 0\nbody_limit = 10\n";
    let program = Program::new().file("crocus.toml", file);
    assert_eq!(program.done(&["db", "create"]), "Created the database `file.db`.\n");
    let program = program.variable("DATABASE_URL", "sqlite:environment.db").variable("CROCUS_BODY_LIMIT", "20");
    assert_eq!(program.done(&["db", "create"]), "Created the database `environment.db`.\n");
    let flag = ["--database-url", "sqlite:flag.db"];
    assert_eq!(program.done(&[&["db", "create"][..], &flag].concat()), "Created the database `flag.db`.\n");

    let server = program.serve(&["--upgrade", "--host", "127.0.0.1", "--database-url", "sqlite:flag.db"]);
    assert!(server.panel().contains("sqlite:flag.db"), "{}", server.panel());
    let post = |length: usize| Request::post("/cars").json(" ".repeat(length));
    server.ask(&post(20)).problem(400);
    let problem = server.ask(&post(21)).problem(413);
    assert!(problem["detail"].as_str().unwrap().contains("20 bytes"), "{problem}");
}

#[test]
fn a_port_in_use_is_one_line_and_a_hint() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let ended = Program::new().run(&["run", "--port", &port]);
    // The embedded database is brought up to date, and says so, before the port is tried.
    let [error, hint] = ended.stderr.lines().collect::<Vec<_>>()[..] else { panic!("{ended:?}") };
    assert!(error.starts_with(&format!("error: failed to listen on 127.0.0.1:{port}: ")), "{error}");
    assert_eq!(hint, "hint: is the program running already? `--port` takes another port");
    assert_eq!(ended.status.code(), Some(1));
    assert!(!ended.stdout.contains("http://"), "{ended:?}");
}

#[test]
fn a_host_that_is_not_here_is_refused() {
    // An address for documentation, which no machine has (RFC 5737).
    let ended = Program::new().run(&["run", "--host", "192.0.2.1", "--port", "0"]);
    assert!(ended.stderr.starts_with("error: failed to listen on 192.0.2.1:0: "), "{ended:?}");
    assert_eq!((ended.stderr.lines().count(), ended.status.code()), (1, Some(1)), "{ended:?}");
}
