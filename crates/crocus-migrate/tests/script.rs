//! Migrations as scripts: what `psql` and `sqlite3` make of one is what running the migrations makes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crocus_migrate::prelude::*;
use crocus_migrate::schema::Schema;
use crocus_migrate::{Direction, Migration, Migrations, Options, downgrade, inspect_with, script, upgrade};
use crocus_orm::Engine;
use crocus_testing::TestDatabase;

fn migration(
    revision: &'static str,
    down_revisions: &'static [&'static str],
    upgrade: fn(&mut Operations),
    downgrade: fn(&mut Operations),
) -> Migration {
    Migration {
        revision,
        down_revisions,
        labels: &[],
        depends_on: &[],
        replaces: &[],
        message: "it's a change of 5 $1",
        created: "",
        file: "",
        upgrade,
        downgrade,
    }
}

/// Every operation that both dialects have, on tables that were there and on new ones.
fn migrations() -> Migrations {
    let first = migration(
        "a1",
        &[],
        |op| {
            op.create_enum("colour", ["red", "green"]);
            op.create_table("makers", |t| {
                t.column("id", integer().identity().primary_key());
                t.column("name", text().not_null());
            });
            op.create_table("cars", |t| {
                t.column("id", integer().identity().primary_key());
                t.column("name", text().default("'it''s'"));
                t.column("doors", integer());
                t.column("maker_id", integer());
                t.column("colour", enumeration("colour", ["red", "green"]).default("'red'"));
            });
            op.create_index("cars_doors_idx", "cars", ["doors"]);
            op.execute("INSERT INTO makers (name) VALUES ('a;b')");
            op.execute("INSERT INTO cars (name, doors, maker_id) VALUES ('x', 3, 1), ('y', 4, 1) -- two of them");
        },
        |op| {
            op.drop_table("cars");
            op.drop_table("makers");
            op.drop_enum("colour");
        },
    );
    let second = migration(
        "b2",
        &["a1"],
        |op| {
            op.create_index("cars_name_idx", "cars", ["name"]).concurrently();
            op.create_unique_constraint("cars_name_key", "cars", ["name"]);
            op.create_check_constraint("cars_doors_check", "cars", "doors > 0");
            op.create_foreign_key("cars_maker_id_fkey", "cars", "makers", ["maker_id"], ["id"]).on_delete(Cascade);
            op.alter_column("cars", "doors", big_integer().not_null());
            op.rename_column("cars", "name", "title");
            op.add_column("cars", "price", decimal().not_null().default("0"));
            op.alter_enum("colour", ["blue", "red", "green"]);
            op.alter_column("cars", "colour", enumeration("colour", ["blue", "red", "green"]).default("'blue'"));
            op.execute("UPDATE cars SET colour = 'blue' WHERE doors = 3;");
        },
        |op| {
            op.execute("UPDATE cars SET colour = 'green' WHERE colour = 'blue'");
            op.alter_column("cars", "colour", enumeration("colour", ["blue", "red", "green"]).default("'red'"));
            op.alter_enum("colour", ["red", "green"]);
            op.alter_column("cars", "colour", enumeration("colour", ["red", "green"]).default("'red'"));
            op.drop_column("cars", "price");
            op.rename_column("cars", "title", "name");
            op.alter_column("cars", "doors", integer());
            op.drop_constraint("cars_maker_id_fkey", "cars");
            op.drop_constraint("cars_doors_check", "cars");
            op.drop_constraint("cars_name_key", "cars");
            op.drop_index_concurrently("cars_name_idx", "cars");
        },
    );
    let third = migration(
        "c3",
        &["b2"],
        |op| {
            op.rename_table("cars", "vehicles");
            op.create_table("sales", |t| {
                t.column("id", integer().identity().primary_key());
                t.column("car_id", integer().not_null());
                t.foreign_key("sales_car_id_fkey", ["car_id"], "vehicles", ["id"]);
            });
            op.create_index("sales_car_id_idx", "sales", ["car_id"]).concurrently();
            op.execute("INSERT INTO sales (car_id) SELECT id FROM vehicles");
        },
        |op| {
            op.drop_table("sales");
            op.rename_table("vehicles", "cars");
        },
    );
    Migrations::new("", vec![first, second, third])
}

fn options() -> Options {
    Options { program: "cars 1.2.0".to_owned(), ..Options::default() }
}

async fn engine(database: &TestDatabase) -> Engine {
    let url: crocus_orm::DatabaseUrl = database.url().parse().unwrap();
    url.create_database().await.unwrap();
    Engine::connect(&url).await.unwrap()
}

/// Runs a script as a person would, and gives what is said of errors.
fn sent(database: &TestDatabase, script: &str) -> Result<(), String> {
    let mut command = match database.dialect() {
        "sqlite" => {
            let mut command = Command::new("sqlite3");
            // A connection of ours may still be on its way out.
            command.args(["-bail", "-cmd", ".timeout 5000"]).arg(database.url().trim_start_matches("sqlite:"));
            command
        }
        _ => {
            let mut command = Command::new("psql");
            command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database.url()]);
            command
        }
    };
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // What ends at an error does not read the rest.
    drop(child.stdin.take().unwrap().write_all(script.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && errors.is_empty() { Ok(()) } else { Err(errors.into_owned()) }
}

#[track_caller]
fn run(database: &TestDatabase, script: &str) {
    if let Err(errors) = sent(database, script) {
        panic!("{}: {errors}\n{script}", database.dialect());
    }
}

async fn catalogue(engine: &Engine) -> Schema {
    inspect_with(engine, &BTreeSet::new()).await.unwrap()
}

async fn rows(engine: &Engine) -> Vec<String> {
    let mut found = Vec::new();
    for sql in [
        "SELECT revision || message || applied_by || COALESCE(checksum, '-') || COALESCE(progress, '-')
         FROM crocus_migrations ORDER BY revision",
        "SELECT id || ' ' || name FROM makers ORDER BY id",
        "SELECT id || ' ' || doors || ' ' || colour FROM cars ORDER BY id",
        "SELECT id || ' ' || doors || ' ' || colour || ' ' || price FROM vehicles ORDER BY id",
    ] {
        match engine.query(Statement::write(sql, [])).await {
            Ok(rows) => found.extend(rows.iter().map(|row| row.get::<String>(0).unwrap())),
            Err(error) => found.push(error.to_string()),
        }
    }
    found
}

#[tokio::test]
async fn a_script_does_what_the_migrations_do() {
    let migrations = migrations();
    for (by_script, online) in TestDatabase::each().into_iter().zip(TestDatabase::each()) {
        let (scripted, run_online) = (engine(&by_script).await, engine(&online).await);
        let dialect = scripted.dialect();
        for (range, place) in [("a1", "a1"), ("a1:b2", "b2"), ("b2:head", "head")] {
            let text = script(&migrations, dialect, Direction::Upgrade, range, &options()).await.unwrap();
            run(&by_script, &text);
            upgrade(&run_online, &migrations, place, &options(), |_| ()).await.unwrap();
            assert_eq!(catalogue(&scripted).await, catalogue(&run_online).await, "{range} on {dialect}");
            assert_eq!(rows(&scripted).await, rows(&run_online).await, "{range} on {dialect}");
        }
        for (range, place) in [("head:b2", "b2"), ("b2:-1", "a1"), ("a1:base", "base")] {
            let text = script(&migrations, dialect, Direction::Downgrade, range, &options()).await.unwrap();
            run(&by_script, &text);
            downgrade(&run_online, &migrations, place, &options(), |_| ()).await.unwrap();
            assert_eq!(catalogue(&scripted).await, catalogue(&run_online).await, "{range} on {dialect}");
            assert_eq!(rows(&scripted).await, rows(&run_online).await, "{range} on {dialect}");
        }
        // All at once, on a database that has the version table already.
        run(&by_script, &script(&migrations, dialect, Direction::Upgrade, "heads", &options()).await.unwrap());
        upgrade(&run_online, &migrations, "head", &options(), |_| ()).await.unwrap();
        assert_eq!(catalogue(&scripted).await, catalogue(&run_online).await, "{dialect}");
        assert_eq!(rows(&scripted).await, rows(&run_online).await, "{dialect}");
    }
}

#[tokio::test]
async fn a_script_that_was_stopped_is_completed_by_an_upgrade() {
    let (migrations, database) = (migrations(), TestDatabase::postgres());
    let text = script(&migrations, Dialect::Postgres, Direction::Upgrade, "head", &options()).await.unwrap();
    let begin = text.find("VALIDATE").unwrap();
    let until = begin + text[begin..].find("COMMIT;\n").unwrap() + "COMMIT;\n".len();
    run(&database, &text[..until]);
    let engine = engine(&database).await;
    assert_eq!(upgrade(&engine, &migrations, "head", &options(), |_| ()).await.unwrap(), 2);

    let (other, whole) = (TestDatabase::postgres(), &text);
    run(&other, whole);
    let other = self::engine(&other).await;
    assert_eq!(catalogue(&engine).await, catalogue(&other).await);
    assert_eq!(rows(&engine).await, rows(&other).await);
}

#[tokio::test]
async fn a_script_begins_where_the_database_is() {
    let migrations = migrations();
    for database in TestDatabase::each() {
        let engine = engine(&database).await;
        let dialect = engine.dialect();
        upgrade(&engine, &migrations, "b2", &options(), |_| ()).await.unwrap();
        let there = (catalogue(&engine).await, rows(&engine).await);
        for (direction, range, why) in [
            (Direction::Upgrade, "heads", "a1 is applied"),
            (Direction::Upgrade, "a1:heads", "b2 is applied"),
            (Direction::Downgrade, "c3:b2", "c3 is not applied"),
            (Direction::Downgrade, "a1:base", "b2 is applied"),
        ] {
            let text = script(&migrations, dialect, direction, range, &options()).await.unwrap();
            let errors = sent(&database, &text).expect_err(range);
            let why = match dialect {
                Dialect::Postgres => format!("the database is not where this script begins: {why}"),
                // What is said is what was expected.
                _ if why.contains("not") => format!("begins where {}", why.replace(" not", "")),
                _ => format!("begins where {}", why.replace("is", "is not")),
            };
            assert!(errors.contains(&why), "{range} on {dialect}: {errors}");
            assert_eq!((catalogue(&engine).await, rows(&engine).await), there, "{range} on {dialect}");
        }
        // One that was left half-way is not there yet.
        let leave = "UPDATE crocus_migrations SET progress = 'up:1.0' WHERE revision = 'b2'";
        engine.execute(Statement::write(leave, [])).await.unwrap();
        let text = script(&migrations, dialect, Direction::Upgrade, "b2:heads", &options()).await.unwrap();
        assert!(sent(&database, &text).unwrap_err().contains("b2 is"), "{dialect}");
    }
}

/// One revision in place of the first two.
fn squashed() -> Migrations {
    let squashed = Migration {
        replaces: &["a1", "b2"],
        ..migration(
            "s1",
            &[],
            |op| migrations().list()[..2].iter().for_each(|it| (it.upgrade)(op)),
            |op| migrations().list()[..2].iter().rev().for_each(|it| (it.downgrade)(op)),
        )
    };
    Migrations::new("", vec![squashed, migrations().list()[2]])
}

// With a thread of its own a connection ends, and its lock with it, while `psql` is waited for.
#[tokio::test(flavor = "multi_thread")]
async fn a_script_takes_what_a_squashed_revision_replaces_for_it() {
    for database in TestDatabase::each() {
        let engine = engine(&database).await;
        let dialect = engine.dialect();
        let text = async |direction, range| script(&squashed(), dialect, direction, range, &options()).await.unwrap();
        upgrade(&engine, &migrations(), "a1", &options(), |_| ()).await.unwrap();
        for (range, why) in [("heads", "s1 is"), ("s1:heads", "s1 is")] {
            let errors = sent(&database, &text(Direction::Upgrade, range).await).expect_err(range);
            assert!(errors.contains(why), "{range} on {dialect}: {errors}");
        }
        upgrade(&engine, &migrations(), "b2", &options(), |_| ()).await.unwrap();
        run(&database, &text(Direction::Upgrade, "b2:heads").await);
        assert!(crocus_migrate::pending(&engine, &squashed()).await.unwrap().is_empty());
        run(&database, &text(Direction::Downgrade, "heads:base").await);
        assert_eq!(crocus_migrate::recorded(&engine).await.unwrap(), []);
        run(&database, &text(Direction::Upgrade, "heads").await);
        let recorded = crocus_migrate::recorded(&engine).await.unwrap();
        assert_eq!(recorded.iter().map(|record| record.revision.as_str()).collect::<Vec<_>>(), ["c3", "s1"]);
        run(&database, &text(Direction::Downgrade, "heads:base").await);
        assert_eq!(crocus_migrate::recorded(&engine).await.unwrap(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_squashed_revision_that_was_left_half_way_goes_on() {
    let database = TestDatabase::postgres();
    let engine = engine(&database).await;
    // Up to the end of the transaction that holds so many of them.
    let until = |text: &str, commits: usize| {
        let ends = text.match_indices("COMMIT;\n").map(|(at, end)| at + end.len());
        text[..ends.take(commits).last().unwrap()].to_owned()
    };
    let text =
        async |direction, range| script(&squashed(), Dialect::Postgres, direction, range, &options()).await.unwrap();
    let progress = async || {
        let recorded = crocus_migrate::recorded(&engine).await.unwrap();
        recorded
            .into_iter()
            .map(|it| format!("{} {}", it.revision, it.progress.unwrap_or_default()))
            .collect::<Vec<_>>()
    };
    run(&database, &until(&text(Direction::Upgrade, "s1").await, 1));
    let [left] = &progress().await[..] else { panic!("one revision is half-way") };
    assert!(left.starts_with("s1 up:"), "{left}");
    assert_eq!(upgrade(&engine, &squashed(), "s1", &options(), |_| ()).await.unwrap(), 1);
    assert_eq!(progress().await, ["s1 "]);
    downgrade(&engine, &squashed(), "base", &options(), |_| ()).await.unwrap();
    // On the way back of what nobody has recorded as one.
    upgrade(&engine, &migrations(), "b2", &options(), |_| ()).await.unwrap();
    run(&database, &until(&text(Direction::Downgrade, "s1:base").await, 1));
    let [_, _, left] = &progress().await[..] else { panic!("one revision is half-way") };
    assert!(left.starts_with("s1 down:"), "{left}");
    assert_eq!(downgrade(&engine, &squashed(), "base", &options(), |_| ()).await.unwrap(), 1);
    assert_eq!(progress().await, [""; 0]);
    assert!(catalogue(&engine).await.table("cars").is_none());
}

#[tokio::test]
async fn rust_cannot_be_written_as_a_script() {
    let step = migration("a1", &[], fill_in, |_| ());
    let migrations = Migrations::new("", vec![step]);
    for dialect in Dialect::ALL {
        let error = script(&migrations, dialect, Direction::Upgrade, "head", &options()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the revision a1 (it's a change of 5 $1) cannot be written as a script: `run fill in` is Rust, not SQL"
        );
    }
}

fn fill_in(op: &mut Operations) {
    op.run("fill in", |_| Box::pin(async { Ok(()) }));
}

#[tokio::test]
async fn the_same_script_is_written_each_time_and_reads_well() {
    let migrations = migrations();
    let text = script(&migrations, Dialect::Postgres, Direction::Upgrade, "a1:b2", &options()).await.unwrap();
    assert_eq!(script(&migrations, Dialect::Postgres, Direction::Upgrade, "a1:b2", &options()).await.unwrap(), text);
    assert!(text.starts_with("-- upgrade a1:b2 on PostgreSQL, by cars 1.2.0\n"), "{text}");
    for line in [
        "-- a1 -> b2, it's a change of 5 $1",
        "CREATE INDEX CONCURRENTLY \"cars_name_idx\" ON \"cars\" (\"name\");",
        "ALTER TABLE \"cars\" ADD CONSTRAINT \"cars_name_key\" UNIQUE USING INDEX \"cars_name_key\";",
        "ALTER TABLE \"cars\" VALIDATE CONSTRAINT \"cars_doors_check\";",
        "SET lock_timeout = 5000;",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}
