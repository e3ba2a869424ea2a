//! The shared server and the databases on it.

use std::path::Path;

use crocus_testing::{TestDatabase, postgres};

fn exists(name: &str) -> bool {
    let sql = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
    let count = postgres().psql("postgres", &sql);
    count.expect("the server answers") == "1"
}

#[test]
fn each_dialect_has_an_empty_database() {
    let [sqlite, postgresql] = TestDatabase::each();
    assert_eq!(sqlite.dialect(), "sqlite");
    assert_eq!(postgresql.dialect(), "postgresql");

    let path = Path::new(sqlite.url().strip_prefix("sqlite:").unwrap()).to_owned();
    assert!(!path.exists());
    std::fs::write(&path, "").unwrap();

    let name = postgresql.name().to_owned();
    assert_eq!(postgresql.url(), postgres().url(&name));
    let current = postgres().psql(&name, "SELECT current_database()").unwrap();
    assert_eq!(current, name);

    drop((sqlite, postgresql));
    assert!(!path.parent().unwrap().exists());
    assert!(!exists(&name));
}

#[test]
fn a_missing_database_may_be_made_or_not() {
    let missing = TestDatabase::postgres_missing();
    let made = TestDatabase::postgres_missing();
    assert_ne!(missing.name(), made.name());
    assert!(!exists(missing.name()) && !exists(made.name()));
    postgres().create_database(made.name()).unwrap();

    let name = made.name().to_owned();
    drop((missing, made));
    assert!(!exists(&name));
}
