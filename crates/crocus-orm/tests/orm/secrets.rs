//! The password: understood in every notation, and shown nowhere.

use std::error::Error as _;
use std::time::Duration;

use crocus_orm::{DatabaseUrl, Engine, Error, ErrorKind, Statement};
use crocus_testing::{TestDatabase, postgres};

use crate::database::{Database, assert_kind};

const SECRET: &str = "hunter2";

/// All that a person or a log can see of an error.
fn shown(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?} {:?}", error.hint());
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(" {error} {error:?}");
        cause = error.source();
    }
    text
}

#[track_caller]
fn assert_no_secret(text: &str) {
    assert!(!text.contains(SECRET) && !text.contains("hunter"), "{text}");
}

#[test]
fn a_url_is_shown_without_its_password() {
    for (url, expected) in [
        ("postgresql://ada:hunter2@db/cars", "postgresql://ada@db/cars"),
        ("postgres://ada:hunter2@db/cars?sslmode=require", "postgresql://ada@db/cars"),
        ("POSTGRES://ada:hunter2@db/cars", "postgresql://ada@db/cars"),
        ("postgresql://ada:%40hunter2%2F@db/cars", "postgresql://ada@db/cars"),
        ("postgresql://ada:hunter2:more@db/cars", "postgresql://ada@db/cars"),
        ("postgresql://:hunter2@db/cars", "postgresql://@db/cars"),
        (
            "postgresql://db/cars?user=ada&password=hunter2&application_name=x",
            "postgresql://db/cars?user=ada&application_name=x",
        ),
        ("postgresql://db/cars?%70assword=hunter2", "postgresql://db/cars"),
        ("postgresql://ada:hunter2@[::1]:5433,two/cars", "postgresql://ada@[::1]:5433,two/cars"),
    ] {
        let parsed: DatabaseUrl = url.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(parsed.to_string(), expected);
        assert_eq!(format!("{parsed:?}"), format!("DatabaseUrl({expected})"));
    }
}

#[test]
fn a_password_that_is_not_encoded_is_refused_and_not_shown() {
    for url in [
        "postgresql://ada:hun@ter2@db/cars",
        "postgresql://ada:hunter2/x@db/cars",
        "postgresql://ada:hunter2?x@db/cars",
        "postgresql://ada:hunter2?x=y@db/cars",
        "postgresql://ada:hunter2%zz@db:port/cars",
        "postgresql://ada:hunter2@db:port/cars",
        "postgresql://ada:hunter2@db/cars?hunter2",
        "postgresql://ada:hunter2@db/cars?colour=hunter2",
        "postgresql://ada:hunter2@db/cars?connect_timeout=hunter2",
        "postgresql://ada:hunter2@",
        "postgresql://ada:hunter2",
        "postgresql:ada:hunter2@db/cars",
        "hunter2",
        "mysql://ada:hunter2@db/cars",
        "hunter2@db:5432",
    ] {
        let Err(error) = url.parse::<DatabaseUrl>() else {
            // `ada` is the host then, and `hunter2` its port.
            panic!("{url} was taken");
        };
        assert_eq!(error.kind(), ErrorKind::InvalidUrl);
        if url != "hunter2@db:5432" {
            assert_no_secret(&shown(&error));
        }
        assert!(error.hint().is_some(), "{url}: {error}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_not_shown() {
    let database = TestDatabase::postgres();
    let url: DatabaseUrl = database.url().replace(":secret@", &format!(":{SECRET}@")).parse().unwrap();
    let engine = Engine::new(&url, &crocus_orm::EngineOptions::default());
    assert_no_secret(&format!("{engine:?} {engine:#?} {url:?} {url}"));
    for result in [
        Engine::connect(&url).await.map(drop),
        engine.begin().await.map(drop),
        engine.query(Statement::read("SELECT 1", [])).await.map(drop),
        url.database_exists().await.map(drop),
        url.create_database().await.map(drop),
        url.drop_database().await.map(drop),
    ] {
        let error = assert_kind(result, ErrorKind::Authentication);
        assert_no_secret(&shown(&error));
        let expected = format!(
            "PostgreSQL at 127.0.0.1:{} refused the user `crocus`: password authentication failed for user \"crocus\"",
            postgres().port()
        );
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.hint(), Some("check the user name and the password in the database URL"));
    }
}

#[tokio::test]
async fn a_missing_password_is_told() {
    let database = TestDatabase::postgres();
    let url: DatabaseUrl = database.url().replace(":secret@", "@").parse().unwrap();
    let error = assert_kind(Engine::connect(&url).await, ErrorKind::Authentication);
    assert!(error.to_string().ends_with("refused the user `crocus`: password missing"), "{error}");
}

#[tokio::test]
async fn a_user_that_the_url_does_not_name_is_the_program_s() {
    let database = TestDatabase::postgres();
    let url: DatabaseUrl = database.url().replace("crocus:secret@", "").parse().unwrap();
    let error = assert_kind(Engine::connect(&url).await, ErrorKind::Authentication);
    assert!(error.to_string().contains("refused the user of this program: "), "{error}");
}

#[tokio::test]
async fn other_failures_do_not_show_it_either() {
    for url in [
        "postgresql://ada:hunter2@127.0.0.1:1/cars",
        "postgresql://ada:hunter2@no-such-host.invalid/cars",
        "postgresql://ada:hunter2@127.0.0.1:1/cars?sslmode=verify-full&sslrootcert=/no/such/file",
        "postgresql://ada:hunter2@127.0.0.1,127.0.0.2,127.0.0.3:1/cars",
    ] {
        let error = Engine::connect(&url.parse().unwrap()).await.unwrap_err();
        assert_no_secret(&shown(&error));
    }
}

#[tokio::test]
async fn passwords_with_every_character_are_understood() {
    let db = Database::postgres().await;
    let password = "p@ss w:o/r?d#%25&=+'\"\\ü🚗";
    let user = format!("{} o'dd", db.url().database());
    let quoted = (user.replace('"', "\"\""), password.replace('\'', "''"));
    db.batch(&format!("CREATE ROLE \"{}\" LOGIN PASSWORD '{}'", quoted.0, quoted.1)).await;
    let encoded = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    let address = format!("127.0.0.1:{}/{}", postgres().port(), db.url().database());
    for url in [
        format!("postgresql://{}:{}@{address}", encoded(&user), encoded(password)),
        format!("postgresql://{address}?user={}&password={}", encoded(&user), encoded(password)),
    ] {
        let url: DatabaseUrl = url.parse().unwrap();
        let shown = format!("{url} {url:?}");
        assert!(!shown.contains(&encoded(password)) && !shown.contains(password), "{shown}");
        let engine = Engine::connect(&url).await.unwrap();
        let rows = engine.query(Statement::read("SELECT current_user::text", [])).await.unwrap();
        assert_eq!(rows[0].get::<String>(0).unwrap(), user);
    }
    // Roles are not the database's: they would stay on the shared server.
    tokio::time::sleep(Duration::from_millis(100)).await;
    db.batch(&format!("DROP ROLE \"{}\"", quoted.0)).await;
    assert_no_secret(&format!("{db}"));
}
