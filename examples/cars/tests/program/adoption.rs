//! A database that the tutorial's Flask program made: what differs is found, the rest is left alone and said.

use std::path::Path;

use crocus_testing::TestDatabase;

use crate::embedded::revision;
use crate::program::{Program, execute};

/// What `flask db upgrade` makes of the tutorial's model on PostgreSQL, with two rows of its users.
const ON_POSTGRES: &str = "
    CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
    CREATE TABLE cars (id SERIAL NOT NULL, name VARCHAR, model VARCHAR, doors INTEGER, PRIMARY KEY (id));
    INSERT INTO alembic_version (version_num) VALUES ('a4d6f0c5e2b1');
    INSERT INTO cars (name, model, doors) VALUES ('Model S', 'Tesla', 4), ('XC90', 'Volvo', 5);
    CREATE VIEW cars_by_model AS SELECT model, count(*) FROM cars GROUP BY model";

/// The same on SQLite.
const ON_SQLITE: &str = "
    CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
    CREATE TABLE cars (id INTEGER NOT NULL, name VARCHAR, model VARCHAR, doors INTEGER, PRIMARY KEY (id));
    INSERT INTO alembic_version (version_num) VALUES ('a4d6f0c5e2b1');
    INSERT INTO cars (name, model, doors) VALUES ('Model S', 'Tesla', 4), ('XC90', 'Volvo', 5);
    CREATE VIEW cars_by_model AS SELECT model, count(*) FROM cars GROUP BY model";

/// A folder that the program's source could be in.
fn source(folder: &Path) {
    let migrations = folder.join("migrations");
    std::fs::create_dir(&migrations).unwrap();
    std::fs::write(folder.join("Cargo.toml"), "").unwrap();
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    for file in std::fs::read_dir(own).unwrap().map(|entry| entry.unwrap().path()) {
        std::fs::copy(&file, migrations.join(file.file_name().unwrap())).unwrap();
    }
}

/// The file that `db migrate` says it wrote.
fn written(folder: &Path, told: &str) -> String {
    let name = told.lines().find_map(|line| line.strip_prefix("Wrote ")).unwrap();
    std::fs::read_to_string(folder.join("migrations").join(Path::new(name).file_name().unwrap())).unwrap()
}

#[test]
fn the_tutorials_database_is_taken_over() {
    for database in TestDatabase::each() {
        let program = Program::new().database(database.url());
        source(program.folder());
        program.done(&["db", "create"]);
        execute(&database, if database.dialect() == "sqlite" { ON_SQLITE } else { ON_POSTGRES });

        // Recorded as done, since the table is there.
        program.done(&["db", "stamp", "head"]);
        let told = program.done(&["db", "migrate", "-m", "from the tutorial", "--directory", "migrations"]);
        let (found, rest) = told.split_once("Ignored: ").unwrap();
        let mut changes = vec!["alter column cars.name", "alter column cars.model", "alter column cars.doors"];
        changes.push("create check cars_doors_check on cars");
        let changes: Vec<_> = changes.into_iter().map(|change| format!("Detected: {change}\n")).collect();
        assert_eq!(found, changes.concat(), "{told}");
        assert!(rest.starts_with("table alembic_version; view cars_by_model\nWrote "), "{told}");

        // Only what differs is changed; the way back is the tutorial's table.
        let file = written(program.folder(), &told);
        let (upgrade, downgrade) = file.split_once("pub fn downgrade").unwrap();
        assert!(upgrade.contains(&format!("follows {}, ", revision())), "{file}");
        assert_eq!(upgrade.matches("op.").count(), 4, "{file}");
        assert_eq!(downgrade.matches("op.").count(), 4, "{file}");
        for text in [upgrade, downgrade] {
            assert!(!text.contains("alembic_version") && !text.contains("cars_by_model"), "{file}");
            assert!(!text.contains("identity"), "{file}");
        }
    }
}

#[test]
fn a_database_that_is_as_the_models_say_is_taken_over_without_a_change() {
    for database in TestDatabase::each() {
        let program = Program::new().database(database.url());
        program.done(&["db", "create"]);
        let (id, more) = match database.dialect() {
            "sqlite" => ("INTEGER NOT NULL PRIMARY KEY", ""),
            _ => ("SERIAL PRIMARY KEY", "CREATE SEQUENCE invoices;"),
        };
        let table = format!(
            "CREATE TABLE cars (id {id}, name TEXT NOT NULL, model TEXT NOT NULL, doors INTEGER NOT NULL CHECK (doors>=0));
             CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY); {more}"
        );
        execute(&database, &table);
        program.done(&["db", "stamp", "head"]);
        let ignored = match database.dialect() {
            "sqlite" => "table alembic_version",
            _ => "table alembic_version; sequence invoices",
        };
        let told = program.done(&["db", "migrate", "-m", "nothing"]);
        assert_eq!(told, format!("No changes detected.\nIgnored: {ignored}\n"));
        assert_eq!(program.done(&["db", "check"]), "No changes detected.\n");
    }
}
