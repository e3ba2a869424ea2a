//! Engines: what a database that cannot be opened says, and what each kind of SQLite database keeps.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use crocus_orm::{ColumnOperators, DatabaseUrl, Engine, EngineOptions, ErrorKind, Model, Statement};
use crocus_testing::TempDir;
use futures_util::TryStreamExt;

use crate::database::{Database, assert_kind, each, few_connections, soon};
use crate::models::{Car, car, create_tables};

fn file(path: &Path) -> DatabaseUrl {
    DatabaseUrl::sqlite_file(path)
}

#[tokio::test]
async fn a_file_that_is_missing_is_not_made() {
    let folder = TempDir::new().unwrap();
    for name in ["missing.db", "no/such/folder.db"] {
        let path = folder.path().join(name);
        let error = assert_kind(Engine::connect(&file(&path)).await, ErrorKind::MissingDatabase);
        assert_eq!(error.to_string(), format!("the database `{}` does not exist", path.display()));
        let engine = Engine::new(&file(&path), &EngineOptions::default());
        assert_kind(engine.begin().await, ErrorKind::MissingDatabase);
        assert_kind(engine.execute(Statement::write("CREATE TABLE t (n)", [])).await, ErrorKind::MissingDatabase);
        assert!(!path.exists());
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_folder_is_no_database() {
    let folder = TempDir::new().unwrap();
    let error = assert_kind(Engine::connect(&file(folder.path())).await, ErrorKind::Unavailable);
    assert_eq!(error.to_string(), format!("the database `{}` is a folder, not a file", folder.path().display()));
    assert!(error.hint().unwrap().starts_with("name a file: `sqlite:"), "{:?}", error.hint());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notes.txt");
    let text = "Dear diary, ".repeat(100);
    fs::write(&path, &text).unwrap();
    let engine = Engine::new(&file(&path), &EngineOptions::default());
    let expected = format!("failed to open the database `{}`: file is not a database", path.display());
    for result in [
        engine.ping().await,
        engine.begin().await.map(drop),
        engine.query(Statement::read("SELECT * FROM t", [])).await.map(drop),
    ] {
        let error = assert_kind(result, ErrorKind::Database);
        assert_eq!(error.to_string(), expected);
    }
    let error = assert_kind(file(&path).drop_database().await, ErrorKind::Database);
    assert_eq!(error.to_string(), format!("`{}` is not an SQLite database", path.display()));
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

/// The superuser may write everything: the test then runs itself as another user.
#[tokio::test]
async fn a_read_only_file_is_read_and_says_so() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("cars.db");
    file(&path).create_database().await.unwrap();
    // Without WAL, which writes even for a reader: a file that other programs made.
    let engine = Engine::connect(&"sqlite::memory:".parse().unwrap()).await.unwrap();
    create_tables(&engine).await;
    Car::insert(&engine, car("One")).await.unwrap();
    fs::remove_file(&path).unwrap();
    engine.execute(Statement::write("VACUUM INTO $1", [path.display().to_string().into()])).await.unwrap();
    // And one with WAL, whose other files are gone with the last connection.
    let with_wal = path.with_file_name("wal.db");
    file(&with_wal).create_database().await.unwrap();
    let other = Engine::connect(&file(&with_wal)).await.unwrap();
    create_tables(&other).await;
    drop(other);
    soon(async {
        while with_wal.with_file_name("wal.db-wal").exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    for path in [&path, &with_wal] {
        fs::set_permissions(path, PermissionsExt::from_mode(0o444)).unwrap();
    }
    fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    if fs::OpenOptions::new().write(true).open(&path).is_err() {
        return check_read_only(&path).await;
    }
    let program = folder.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = std::process::Command::new(program);
    command.args(["--exact", "--ignored", "connections::a_read_only_file_seen_by_another_user"]);
    command.env("READ_ONLY_FILE", &path).current_dir(folder.path());
    std::os::unix::process::CommandExt::uid(&mut command, 65534);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[tokio::test]
#[ignore = "the other half of `a_read_only_file_is_read_and_says_so`"]
async fn a_read_only_file_seen_by_another_user() {
    if let Some(path) = std::env::var_os("READ_ONLY_FILE") {
        check_read_only(Path::new(&path)).await;
    }
}

async fn check_read_only(path: &Path) {
    let engine = Engine::connect(&file(path)).await.unwrap();
    assert_eq!(Car::select().count(&engine).await.unwrap(), 1);
    let expected = format!("the database `{}` cannot be written", path.display());
    for result in [Car::insert(&engine, car("Two")).await.map(drop), engine.begin().await.map(drop)] {
        let error = assert_kind(result, ErrorKind::Database);
        assert_eq!(error.to_string(), expected);
        assert!(error.hint().unwrap().contains("permissions"), "{:?}", error.hint());
    }
    assert_eq!(Car::select().count(&engine).await.unwrap(), 1);
    let with_wal = path.with_file_name("wal.db");
    let error = assert_kind(Engine::connect(&file(&with_wal)).await, ErrorKind::Database);
    let expected = format!("the database `{}` can neither be written nor read", with_wal.display());
    assert_eq!(error.to_string(), expected);
    assert!(error.hint().unwrap().contains("permissions"), "{:?}", error.hint());
}

#[tokio::test]
async fn a_session_that_is_not_kept_is_said_with_what_to_do() {
    let db = Database::postgres().await;
    // Another program's statements, on what a pooler gives as this one's connection.
    let connection = db.connection().await.unwrap();
    connection
        .batch("DO $$ BEGIN FOR n IN 0..5000 LOOP EXECUTE format('PREPARE s%s AS SELECT 1', n); END LOOP; END $$")
        .await
        .unwrap();
    let error = assert_kind(connection.query(Statement::read("SELECT 7", [])).await, ErrorKind::Database);
    assert!(error.hint().unwrap().contains("pool_mode = session"), "{:?}", error.hint());
}

#[tokio::test]
async fn a_statement_that_only_reads_cannot_write() {
    let db = Database::sqlite().await;
    let error = assert_kind(db.query(Statement::read("DELETE FROM cars", [])).await, ErrorKind::Database);
    assert_eq!(error.to_string(), "the statement writes where only reading is allowed");
}

#[tokio::test]
async fn a_path_may_look_like_something_else() {
    let folder = TempDir::new().unwrap();
    for name in ["file:a.db", "a%20b.db", " spaces .db", "ünïcödé 🚗.db", "#hash", "'quote\".db", "-dash"] {
        let path = folder.path().join(name);
        let url: DatabaseUrl = format!("sqlite:{}", path.display()).parse().unwrap();
        assert!(!url.database_exists().await.unwrap());
        assert!(url.create_database().await.unwrap());
        let engine = Engine::connect(&url).await.unwrap();
        engine.execute(Statement::write("CREATE TABLE t (n)", [])).await.unwrap();
        assert!(fs::metadata(&path).unwrap().len() > 0, "{name} is the file that was written");
    }
}

#[tokio::test]
async fn a_database_in_memory_keeps_its_data() {
    let engine = Engine::connect(&"sqlite::memory:".parse().unwrap()).await.unwrap();
    create_tables(&engine).await;
    Car::insert(&engine, car("One")).await.unwrap();
    let transaction = engine.begin().await.unwrap();
    Car::insert(&transaction, car("Two")).await.unwrap();
    transaction.commit().await.unwrap();
    let transaction = engine.begin().await.unwrap();
    Car::insert(&transaction, car("Three")).await.unwrap();
    drop(transaction);
    drop(engine.connection().await.unwrap());
    assert_eq!(Car::select().count(&engine).await.unwrap(), 2);
    // Each engine has its own.
    let other = Engine::connect(&"sqlite::memory:".parse().unwrap()).await.unwrap();
    assert_kind(Car::select().count(&other).await, ErrorKind::MissingTable);
}

#[tokio::test]
async fn a_stream_of_a_database_in_memory_stands_in_nobody_s_way() {
    let engine = Engine::new(&"sqlite::memory:".parse().unwrap(), &few_connections(1));
    create_tables(&engine).await;
    for number in 0..5 {
        Car::insert(&engine, car(&format!("Car {number}"))).await.unwrap();
    }
    let mut stream = Car::select().stream(&engine).await.unwrap();
    while let Some(one) = soon(stream.try_next()).await.unwrap() {
        soon(Car::delete().filter(Car::ID.eq(one.id)).execute(&engine)).await.unwrap();
    }
    assert_eq!(Car::select().count(&engine).await.unwrap(), 0);
}

/// A server that takes connections and says nothing.
#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for parameters in ["sslmode=disable", "sslmode=prefer"] {
        let url = format!("postgresql://u:secret@127.0.0.1:{port}/db?connect_timeout=1&{parameters}");
        let error = assert_kind(soon(Engine::connect(&url.parse().unwrap())).await, ErrorKind::Unavailable);
        let expected = format!("failed to connect to PostgreSQL at 127.0.0.1:{port}: no answer within 1 s");
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn an_unreachable_server_is_told_in_one_line() {
    // Nobody listens on a port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url: DatabaseUrl = format!("postgresql://u:secret@127.0.0.1:{port}/db").parse().unwrap();
    let expected = format!("failed to connect to PostgreSQL at 127.0.0.1:{port}: Connection refused (os error 111)");
    for result in [
        Engine::connect(&url).await.map(drop),
        url.database_exists().await.map(drop),
        url.create_database().await.map(drop),
        url.drop_database().await.map(drop),
    ] {
        let error = assert_kind(result, ErrorKind::Unavailable);
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.hint(), Some("is the server running, and are the host and the port right?"));
    }
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_named() {
    let url: DatabaseUrl = "postgresql://u:secret@no-such-host.invalid/db".parse().unwrap();
    let error = assert_kind(Engine::connect(&url).await, ErrorKind::Unavailable);
    let start = "failed to connect to PostgreSQL at no-such-host.invalid:5432: failed to lookup address";
    assert!(error.to_string().starts_with(start), "{error}");
}

#[tokio::test]
async fn a_server_s_socket_in_a_folder_is_reached() {
    let cluster = crocus_testing::Cluster::start().unwrap();
    let folder = cluster.folder().display().to_string().replace('/', "%2F");
    let port = cluster.port();
    for url in [
        format!("postgresql://crocus:secret@/postgres?host={folder}&port={port}"),
        format!("postgresql://crocus:secret@{folder}:{port}/postgres"),
        format!("postgresql://crocus:secret@{folder}:{port}/postgres?sslmode=disable"),
    ] {
        let engine = Engine::connect(&url.parse().unwrap()).await.unwrap();
        engine.query(Statement::read("SELECT 1", [])).await.unwrap();
    }
}

#[tokio::test]
async fn an_engine_that_is_closed_refuses_and_leaves_one_file() {
    for db in each().await {
        Car::insert(db.engine(), car("One")).await.unwrap();
        let transaction = db.begin().await.unwrap();
        let engine = db.engine().clone();
        let closing = tokio::spawn(async move { engine.close().await });
        tokio::time::sleep(Duration::from_millis(50)).await;
        // What had begun is finished.
        Car::insert(&transaction, car("Two")).await.unwrap();
        transaction.commit().await.unwrap();
        soon(closing).await.unwrap();
        for result in [db.ping().await, db.begin().await.map(drop)] {
            let error = assert_kind(result, ErrorKind::Unavailable);
            assert_eq!(error.to_string(), "the engine is closed", "{db}");
        }
        if db.is_sqlite() {
            let path = db.url().database();
            let files = fs::read_dir(Path::new(&path).parent().unwrap()).unwrap().count();
            assert_eq!(files, 1, "nothing is left beside the database");
        }
        let other = db.another_engine(&EngineOptions::default());
        assert_eq!(Car::select().count(&other).await.unwrap(), 2, "{db}");
    }
}

#[tokio::test]
async fn an_engine_that_is_dropped_leaves_no_connection() {
    let db = Database::postgres().await;
    let other = db.another_engine(&EngineOptions { application_name: "gone soon".into(), ..EngineOptions::default() });
    drop(futures_util::future::join_all((0..3).map(|_| other.ping())).await);
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gone soon'";
    assert!(db.number(sql).await > 0);
    drop(other);
    soon(async {
        while db.number(sql).await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}
