//! A cluster as its users see it.

use std::fs;
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crocus_testing::{Cluster, Server, TempDir, tls};

#[test]
fn a_cluster_starts_answers_and_vanishes() {
    let cluster = Cluster::start().unwrap();
    assert_eq!(cluster.url("cars"), format!("postgresql://crocus:secret@127.0.0.1:{}/cars", cluster.port()));
    for (setting, value) in [
        ("fsync", "off"),
        ("ssl", "off"),
        ("max_connections", "200"),
        ("server_encoding", "UTF8"),
        ("lc_collate", "C"),
        ("timezone", "UTC"),
        ("default_text_search_config", "pg_catalog.english"),
        ("listen_addresses", "127.0.0.1"),
    ] {
        let shown = cluster.psql("postgres", &format!("SHOW {setting}")).unwrap();
        assert_eq!(shown, value, "{setting}");
    }

    let (folder, port) = (cluster.folder().to_owned(), cluster.port());
    drop(cluster);
    assert!(!folder.exists());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn databases_are_made_and_dropped_by_any_name() {
    let cluster = Cluster::start().unwrap();
    for name in ["cars", "two words", r#"quo"te"#, "host=elsewhere"] {
        cluster.create_database(name).unwrap();
        let current = cluster.psql(name, "SELECT current_database()").unwrap();
        assert_eq!(current, name);
        let error = cluster.create_database(name).unwrap_err();
        assert!(error.to_string().contains("already exists"), "{error}");

        cluster.drop_database(name).unwrap();
        cluster.drop_database(name).unwrap();
        let error = cluster.psql(name, "SELECT 1").unwrap_err();
        assert!(error.to_string().contains("does not exist"), "{error}");
    }
}

#[test]
fn a_database_in_use_is_dropped_all_the_same() {
    let cluster = Cluster::start().unwrap();
    cluster.create_database("cars").unwrap();
    let mut session =
        cluster.psql_command("cars").args(["--command", "SELECT pg_sleep(60)"]).stderr(Stdio::null()).spawn().unwrap();
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'cars'";
    while cluster.psql("postgres", sessions).unwrap() == "0" {}

    cluster.drop_database("cars").unwrap();
    assert!(!session.wait().unwrap().success());
}

#[test]
fn psql_gives_rows_and_reports_errors() {
    let cluster = Cluster::start().unwrap();
    let sql = "CREATE TABLE cars (id int, name text); INSERT INTO cars VALUES (1, 'one'), (2, NULL)";
    assert_eq!(cluster.psql("postgres", sql).unwrap(), "");
    assert_eq!(cluster.psql("postgres", "SELECT * FROM cars").unwrap(), "1|one\n2|");

    let described = cluster.psql_command("postgres").args(["--command", r"\d cars"]).output().unwrap();
    let described = String::from_utf8(described.stdout).unwrap();
    assert!(described.contains("Table \"public.cars\""), "{described}");

    let error = cluster.psql("postgres", "SELECT 1; SELECT no_such_column").unwrap_err();
    assert!(error.to_string().contains("no_such_column"), "{error}");
}

#[test]
fn the_password_is_checked() {
    let cluster = Cluster::start().unwrap();
    let wrong = cluster.url("postgres").replace("secret", "guess");
    let error = Server::from_url(&wrong).unwrap().psql("postgres", "SELECT 1").unwrap_err();
    assert!(error.to_string().contains("password authentication failed"), "{error}");
}

#[test]
fn a_cluster_keeps_its_port_and_data_over_stops() {
    let mut cluster = Cluster::builder().durable().start().unwrap();
    let port = cluster.port();
    cluster.psql("postgres", "CREATE TABLE cars AS SELECT 4 AS doors").unwrap();
    assert_eq!(cluster.psql("postgres", "SHOW fsync").unwrap(), "on");

    cluster.stop().unwrap();
    cluster.stop().unwrap();
    assert!(cluster.psql("postgres", "SELECT 1").is_err());
    cluster.start_again().unwrap();
    cluster.start_again().unwrap();
    assert_eq!(cluster.psql("postgres", "SELECT doors FROM cars").unwrap(), "4");

    cluster.stop_immediate().unwrap();
    assert!(cluster.psql("postgres", "SELECT 1").is_err());
    cluster.restart().unwrap();
    assert_eq!(cluster.psql("postgres", "SELECT doors FROM cars").unwrap(), "4");
    assert_eq!(cluster.port(), port);

    cluster.stop().unwrap();
    let folder = cluster.folder().to_owned();
    drop(cluster);
    assert!(!folder.exists());
}

#[test]
fn a_server_that_died_can_be_started_again() {
    let mut cluster = Cluster::start().unwrap();
    let state = fs::read_to_string(cluster.folder().join("data/postmaster.pid")).unwrap();
    let number = state.lines().next().unwrap();
    assert!(Command::new("sh").args(["-c", "kill -QUIT $0", number]).status().unwrap().success());
    while cluster.psql("postgres", "SELECT 1").is_ok() {}

    cluster.restart().unwrap();
    assert_eq!(cluster.psql("postgres", "SELECT 1").unwrap(), "1");
}

#[test]
fn settings_can_be_chosen() {
    let cluster = Cluster::builder().setting("max_connections", "7").setting("search_path", "it's").start().unwrap();
    assert_eq!(cluster.psql("postgres", "SHOW max_connections").unwrap(), "7");
    assert_eq!(cluster.psql("postgres", "SHOW search_path").unwrap(), "it's");
}

#[test]
fn tls_is_offered_with_the_given_certificate() {
    let cluster = Cluster::builder().tls(tls::CERTIFICATE, tls::KEY).start().unwrap();
    let folder = TempDir::new().unwrap();
    let authority = folder.path().join("authority.pem");
    fs::write(&authority, tls::AUTHORITY).unwrap();

    let output = cluster
        .psql_command("postgres")
        .env("PGSSLMODE", "verify-full")
        .env("PGSSLROOTCERT", &authority)
        .args(["-Atc", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "t\n", "{output:?}");
}
