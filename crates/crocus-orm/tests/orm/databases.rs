//! Whole databases: made, asked for and dropped, twice each, whatever they are called.

use std::time::Duration;

use crocus_orm::{DatabaseUrl, Engine, ErrorKind, Statement};
use crocus_testing::{TempDir, TestDatabase, postgres};

use crate::database::{Database, assert_kind, soon};

async fn made_and_dropped(url: &DatabaseUrl) {
    assert!(!url.database_exists().await.unwrap(), "{url}");
    assert!(!url.drop_database().await.unwrap(), "{url}");
    assert_kind(Engine::connect(url).await, ErrorKind::MissingDatabase);
    assert!(url.create_database().await.unwrap(), "{url}");
    assert!(!url.create_database().await.unwrap(), "{url}");
    assert!(url.database_exists().await.unwrap(), "{url}");

    let engine = Engine::connect(url).await.unwrap();
    engine.execute(Statement::write("CREATE TABLE t (n integer)", [])).await.unwrap();
    engine.execute(Statement::write("INSERT INTO t VALUES (1)", [])).await.unwrap();
    assert!(!url.create_database().await.unwrap(), "{url}");
    let rows = engine.query(Statement::read("SELECT n FROM t", [])).await.unwrap();
    assert_eq!(rows.len(), 1, "{url}: what exists is not made anew");
    drop(engine);

    // The engine's connections take a moment to close.
    soon(async {
        loop {
            match url.drop_database().await {
                Ok(dropped) => break assert!(dropped, "{url}"),
                Err(error) => assert!(error.hint().is_some(), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert!(!url.database_exists().await.unwrap(), "{url}");
    assert!(!url.drop_database().await.unwrap(), "{url}");
}

#[tokio::test]
async fn files_are_made_and_dropped() {
    let folder = TempDir::new().unwrap();
    for name in ["cars.db", "two words.db", "Upper.DB", "qu\"ote'.db", "ünïcödé.db", "new/folders/cars.db"] {
        made_and_dropped(&DatabaseUrl::sqlite_file(folder.path().join(name))).await;
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["new"], "the files that SQLite keeps beside are gone too");
}

#[tokio::test]
async fn databases_are_made_and_dropped() {
    for name in
        ["plain", "Upper", "two words", "qu\"ote", "it's", "ünïcödé 🚗", "a%20b", "per/cent?&#@:", "select", "-x"]
    {
        let missing = TestDatabase::postgres_missing();
        let whole = format!("{} {name}", missing.name());
        made_and_dropped(&postgres().url(&whole).parse().unwrap()).await;
    }
}

#[tokio::test]
async fn a_name_that_the_server_would_cut_is_refused() {
    let missing = TestDatabase::postgres_missing();
    let name = format!("{}_{}", missing.name(), "ü".repeat(40));
    let error = assert_kind(postgres().url(&name).parse::<DatabaseUrl>(), ErrorKind::InvalidUrl);
    assert_eq!(error.to_string(), "the database's name is longer than the 63 bytes that PostgreSQL keeps");
}

#[tokio::test]
async fn a_missing_database_is_named() {
    let missing = TestDatabase::postgres_missing();
    let error = assert_kind(Engine::connect(&missing.url().parse().unwrap()).await, ErrorKind::MissingDatabase);
    assert_eq!(error.to_string(), format!("the database `{}` does not exist", missing.name()));
}

#[tokio::test]
async fn memory_is_always_there() {
    let url: DatabaseUrl = "sqlite::memory:".parse().unwrap();
    assert!(url.database_exists().await.unwrap());
    assert!(!url.create_database().await.unwrap());
    assert!(!url.drop_database().await.unwrap());
}

#[tokio::test]
async fn a_database_in_use_is_not_dropped() {
    for db in [Database::sqlite().await, Database::postgres().await] {
        db.ping().await.unwrap();
        let error = assert_kind(db.url().drop_database().await, ErrorKind::Database);
        assert!(error.to_string().contains("is being "), "{db}: {error}");
        assert_eq!(error.hint(), Some("stop the programs that use it, then try again"), "{db}");
        assert!(db.url().database_exists().await.unwrap(), "{db}");
        assert_eq!(db.number("SELECT count(*) FROM cars").await, 0, "{db}: it is whole");
    }
}

#[tokio::test]
async fn many_make_the_same_database_at_once() {
    let missing = TestDatabase::postgres_missing();
    let url: DatabaseUrl = missing.url().parse().unwrap();
    let made = futures_util::future::join_all((0..5).map(|_| url.create_database())).await;
    let made = made.into_iter().map(|result| result.unwrap()).filter(|made| *made).count();
    assert_eq!(made, 1);
}

#[tokio::test]
async fn an_empty_file_is_an_empty_database() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("empty.db");
    std::fs::write(&path, "").unwrap();
    let url = DatabaseUrl::sqlite_file(&path);
    assert!(url.database_exists().await.unwrap());
    assert!(url.drop_database().await.unwrap());
    assert!(!path.exists());
}
