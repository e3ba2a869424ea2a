//! Revisions that take several transactions on PostgreSQL: what others can do meanwhile, what is kept when one fails, and
//! how the next run goes on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::error::Error as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crocus_migrate::prelude::*;
use crocus_migrate::{Error, ErrorKind, Migration, Migrations, Options, Step, applied, downgrade, inspect, upgrade};
use crocus_orm::{Engine, EngineOptions, Row};
use crocus_testing::TestDatabase;

type Write = fn(&mut Operations);

async fn postgres() -> (TestDatabase, Engine) {
    let database = TestDatabase::postgres();
    let engine = Engine::connect(&database.url().parse().unwrap()).await.unwrap();
    (database, engine)
}

fn options() -> Options {
    Options { lock_timeout: Duration::from_millis(200), ..Options::default() }
}

/// The first revision makes a table with rows, the others follow.
fn migrations(changes: &[(Write, Write)]) -> Migrations {
    const REVISIONS: [(&str, &[&str]); 3] = [("a1", &[]), ("b2", &["a1"]), ("c3", &["b2"])];
    let first: (Write, Write) = (create_cars, |op| op.drop_table("cars"));
    let migration =
        |((revision, down_revisions), (upgrade, downgrade)): ((&'static str, _), &(Write, Write))| Migration {
            revision,
            down_revisions,
            labels: &[],
            depends_on: &[],
            replaces: &[],
            message: "change",
            created: "",
            file: "",
            upgrade: *upgrade,
            downgrade: *downgrade,
        };
    Migrations::new("", REVISIONS.into_iter().zip(std::iter::once(&first).chain(changes)).map(migration).collect())
}

fn create_cars(op: &mut Operations) {
    op.create_table("makers", |t| t.column("id", integer().identity().primary_key()));
    op.create_table("cars", |t| {
        t.column("id", integer().identity().primary_key());
        t.column("name", text());
        t.column("doors", integer().not_null());
        t.column("maker_id", integer());
    });
    op.execute("INSERT INTO makers DEFAULT VALUES");
    op.execute(
        "INSERT INTO cars (name, doors, maker_id) SELECT 'car ' || n, n % 4 + 1, 1 FROM generate_series(1, 100) AS n",
    );
}

fn irreversible(op: &mut Operations) {
    op.irreversible("it is a test");
}

async fn run(engine: &Engine, migrations: &Migrations) -> Result<usize, Error> {
    upgrade(engine, migrations, "heads", &options(), |_| ()).await
}

async fn rows(engine: &Engine, sql: &str) -> Vec<String> {
    let rows = engine.query(Statement::write(sql, [])).await.unwrap();
    rows.iter().map(|row: &Row| row.get::<Option<String>>(0).unwrap().unwrap_or_default()).collect()
}

async fn batch(engine: &Engine, sql: &str) {
    engine.connection().await.unwrap().batch(sql).await.unwrap();
}

async fn progress(engine: &Engine) -> Vec<String> {
    rows(engine, "SELECT revision || ' ' || COALESCE(substring(progress FROM '[a-z]+:[0-9.]+'), 'applied') FROM crocus_migrations
         ORDER BY revision")
        .await
}

/// The text, the cause and the hint.
fn told(error: &Error) -> String {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    format!("{error}: {cause} ({})", error.hint().unwrap_or_default())
}

fn every_safe_form(op: &mut Operations) {
    op.create_index("cars_doors_idx", "cars", ["doors"]).concurrently();
    op.create_unique_constraint("cars_name_key", "cars", ["name"]);
    op.create_check_constraint("cars_doors_check", "cars", "doors > 0");
    op.create_foreign_key("cars_maker_id_fkey", "cars", "makers", ["maker_id"], ["id"]);
    op.alter_column("cars", "name", text().not_null());
    op.drop_primary_key("cars");
    op.create_primary_key("cars", ["name", "doors"]);
    op.drop_index_concurrently("cars_doors_idx", "cars");
}

#[tokio::test]
async fn the_safe_forms_lead_to_the_same_catalogue() {
    const CATALOGUE: &str = "
        SELECT pg_get_constraintdef(oid) || ' ' || conname || convalidated FROM pg_constraint
        WHERE conrelid = 'cars'::regclass
        UNION ALL SELECT pg_get_indexdef(indexrelid) || indisvalid FROM pg_index WHERE indrelid = 'cars'::regclass
        UNION ALL SELECT attname || attnotnull FROM pg_attribute WHERE attrelid = 'cars'::regclass AND attnum > 0
        ORDER BY 1";
    let (_database, engine) = postgres().await;
    let safe = migrations(&[(every_safe_form, irreversible)]);
    assert_eq!(run(&engine, &safe).await.unwrap(), 2);
    assert_eq!(progress(&engine).await, ["a1 applied", "b2 applied"]);

    let (_other, at_once) = postgres().await;
    run(&at_once, &migrations(&[])).await.unwrap();
    let mut op = Operations::default();
    every_safe_form(&mut op);
    crocus_migrate::apply(&at_once, op.list()).await.unwrap();

    let (safe, at_once) = (rows(&engine, CATALOGUE).await, rows(&at_once, CATALOGUE).await);
    assert_eq!(safe, at_once);
    assert_eq!(
        safe.iter().filter(|line| line.contains("NOT VALID") || line.ends_with("false f")).count(),
        0,
        "{safe:#?}"
    );
    assert!(safe.iter().any(|line| line.contains("UNIQUE (name) cars_name_key")), "{safe:#?}");
}

/// Nobody who reads or writes waits while rows are checked or an index is built: the locks that are held then keep
/// neither out.
#[tokio::test]
async fn rows_are_read_under_locks_that_keep_nobody_out() {
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    let (database, engine) = postgres().await;
    let migrations = migrations(&[(
        |op| {
            // Each row takes a while, so that the check is seen at work.
            op.execute(
                "CREATE FUNCTION slow(integer) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
                 'BEGIN PERFORM pg_sleep(0.01); RETURN true; END'",
            );
            op.create_check_constraint("slowly", "cars", "slow(doors)");
            op.create_index("slow_idx", "cars", [expression("slow(doors)")]).concurrently();
        },
        irreversible,
    )]);
    run(&engine, &migrations_first()).await.unwrap();

    let watcher = Engine::connect(&database.url().parse().unwrap()).await.unwrap();
    let watching = tokio::spawn(async move {
        loop {
            let sql = "SELECT a.query FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                 WHERE l.relation = 'cars'::regclass AND l.granted AND a.pid <> pg_backend_pid()
                   AND (a.query LIKE '%VALIDATE%' OR a.query LIKE '%CONCURRENTLY%')
                   AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')";
            let found = watcher.query(Statement::write(sql, [])).await.unwrap();
            assert!(found.is_empty(), "{:?}", found[0].get::<String>(0));
            let at_work = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()
                             AND (query LIKE '%VALIDATE%' OR query LIKE '%CONCURRENTLY%')";
            SEEN.fetch_add(watcher.query(Statement::write(at_work, [])).await.unwrap().len(), Ordering::Relaxed);
            watcher.execute(Statement::write("UPDATE cars SET maker_id = 1 WHERE id = 1", [])).await.unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    run(&engine, &migrations).await.unwrap();
    assert!(!watching.is_finished());
    watching.abort();
    assert!(SEEN.load(Ordering::Relaxed) > 10, "nothing was seen at work");
}

fn migrations_first() -> Migrations {
    migrations(&[])
}

#[tokio::test]
async fn an_operation_that_fails_is_taken_back_and_those_before_it_are_kept() {
    for (write, said) in [
        (
            (|op| {
                op.create_index("cars_name_idx", "cars", ["name"]).concurrently();
                op.create_unique_constraint("cars_doors_key", "cars", ["doors"]);
            }) as Write,
            "create unique cars_doors_key on cars",
        ),
        (
            |op| {
                op.create_index("cars_name_idx", "cars", ["name"]).concurrently();
                op.create_check_constraint("cars_doors_check", "cars", "doors > 1");
            },
            "create check cars_doors_check on cars",
        ),
        (
            |op| {
                op.create_index("cars_name_idx", "cars", ["name"]).concurrently();
                op.create_foreign_key("cars_doors_fkey", "cars", "makers", ["doors"], ["id"]);
            },
            "create foreign key cars_doors_fkey on cars",
        ),
        (
            |op| {
                op.create_index("cars_name_idx", "cars", ["name"]).concurrently();
                op.alter_column("cars", "name", text().not_null());
            },
            "alter column cars.name",
        ),
    ] {
        let (_database, engine) = postgres().await;
        run(&engine, &migrations_first()).await.unwrap();
        batch(&engine, "UPDATE cars SET name = NULL WHERE id = 7").await;
        let migrations = migrations(&[(write, irreversible)]);
        let catalogue = "SELECT conname::text FROM pg_constraint WHERE conrelid = 'cars'::regclass
             UNION ALL SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'cars'::regclass ORDER BY 1";

        let error = run(&engine, &migrations).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Step);
        assert!(
            error.to_string().starts_with(&format!("the revision b2 (change) failed at step 2 of 2, {said}")),
            "{error}"
        );
        assert_eq!(
            error.hint().unwrap_or_default(),
            "step 1 is done and kept; mend the migration or the data, then run the command again",
            "{}",
            told(&error)
        );
        assert_eq!(progress(&engine).await, ["a1 applied", "b2 up:1.0"]);
        assert_eq!(rows(&engine, catalogue).await, ["cars_name_idx", "cars_pkey", "cars_pkey"]);

        // Once the rows are mended, the next run goes on with the second step.
        batch(&engine, "DELETE FROM cars WHERE id > 1; UPDATE cars SET doors = 2, name = 'a'").await;
        batch(&engine, "INSERT INTO makers VALUES (2)").await;
        assert_eq!(run(&engine, &migrations).await.unwrap(), 1);
        assert_eq!(progress(&engine).await, ["a1 applied", "b2 applied"]);
    }
}

#[tokio::test]
async fn steps_that_are_done_cannot_be_edited() {
    let (_database, engine) = postgres().await;
    let fails = |op: &mut Operations| {
        op.create_index("cars_name_idx", "cars", ["name"]).concurrently();
        op.execute("SELECT 1 / 0");
    };
    run(&engine, &migrations(&[(fails, irreversible)])).await.unwrap_err();
    let edited = |op: &mut Operations| {
        op.create_index("cars_name_idx", "cars", ["doors"]).concurrently();
        op.execute("SELECT 1");
    };
    let error = run(&engine, &migrations(&[(edited, irreversible)])).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the revision b2 (change) was left half-way, step 1 is done and kept, and these steps were edited since"
    );
    let mended = |op: &mut Operations| {
        op.create_index("cars_name_idx", "cars", ["name"]).concurrently();
        op.execute("SELECT 1");
    };
    assert_eq!(run(&engine, &migrations(&[(mended, irreversible)])).await.unwrap(), 1);
}

#[tokio::test]
async fn where_the_first_operation_fails_nothing_is_kept() {
    let (_database, engine) = postgres().await;
    run(&engine, &migrations_first()).await.unwrap();
    let before = inspect(&engine).await.unwrap();
    let migrations = migrations(&[(
        |op| {
            op.create_unique_constraint("cars_doors_key", "cars", ["doors"]);
            op.add_column("cars", "x", integer());
        },
        irreversible,
    )]);
    let error = run(&engine, &migrations).await.unwrap_err();
    assert!(told(&error).contains("could not create unique index"), "{}", told(&error));
    assert!(
        error
            .hint()
            .unwrap()
            .ends_with("nothing of this revision was kept; mend the migration or the data, then run the command again")
    );
    assert_eq!(progress(&engine).await, ["a1 applied"]);
    assert_eq!(inspect(&engine).await.unwrap(), before);
    assert_eq!(rows(&engine, "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid").await, [""; 0]);
}

#[tokio::test]
async fn an_index_that_a_crash_left_is_known_for_what_it_is() {
    let index: Write = |op| {
        op.create_index("cars_name_idx", "cars", ["name"]).concurrently();
        op.drop_index_concurrently("old_idx", "cars");
    };
    // Invalid, done but not recorded, and the second one dropped but not recorded.
    for (left, at) in [
        (
            "CREATE INDEX old_idx ON cars (id); CREATE INDEX cars_name_idx ON cars (name);
          UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'cars_name_idx'::regclass",
            "up:0.0",
        ),
        ("CREATE INDEX old_idx ON cars (id); CREATE INDEX cars_name_idx ON cars (name)", "up:0.0"),
        ("CREATE INDEX cars_name_idx ON cars (name)", "up:1.0"),
    ] {
        let (_database, engine) = postgres().await;
        run(&engine, &migrations_first()).await.unwrap();
        batch(&engine, left).await;
        batch(
            &engine,
            &format!("INSERT INTO crocus_migrations (revision, message, progress) VALUES ('b2', 'change', '{at}')"),
        )
        .await;
        assert_eq!(run(&engine, &migrations(&[(index, irreversible)])).await.unwrap(), 1);
        let valid = "SELECT indexrelid::regclass || ' ' || indisvalid FROM pg_index WHERE indrelid = 'cars'::regclass ORDER BY 1";
        assert_eq!(rows(&engine, valid).await, ["cars_name_idx true", "cars_pkey true"], "{at}");
        assert_eq!(progress(&engine).await, ["a1 applied", "b2 applied"]);
    }
}

#[tokio::test]
async fn an_index_of_somebody_else_with_the_name_is_not_taken_for_ours() {
    let (_database, engine) = postgres().await;
    run(&engine, &migrations_first()).await.unwrap();
    batch(&engine, "CREATE INDEX cars_name_idx ON cars (doors)").await;
    let index: Write = |op| {
        op.create_index("cars_name_idx", "cars", ["name"]).concurrently();
    };
    let error = run(&engine, &migrations(&[(index, irreversible)])).await.unwrap_err();
    assert!(told(&error).contains("relation \"cars_name_idx\" already exists"), "{}", told(&error));
    let there = "SELECT pg_get_indexdef('cars_name_idx'::regclass)";
    assert_eq!(rows(&engine, there).await, ["CREATE INDEX cars_name_idx ON public.cars USING btree (doors)"]);
    assert_eq!(progress(&engine).await, ["a1 applied"]);
}

#[tokio::test]
async fn a_value_of_an_enum_can_be_used_after_it_was_added() {
    let (_database, engine) = postgres().await;
    let migrations = migrations(&[
        (
            |op| {
                op.create_enum("colour", ["red"]);
                op.add_column("cars", "colour", enumeration("colour", ["red"]));
            },
            irreversible,
        ),
        (
            |op| {
                op.alter_enum("colour", ["red", "green"]);
                op.execute("UPDATE cars SET colour = 'green'");
            },
            irreversible,
        ),
    ]);
    assert_eq!(run(&engine, &migrations).await.unwrap(), 3);
    assert_eq!(rows(&engine, "SELECT DISTINCT colour::text FROM cars").await, ["green"]);
}

#[tokio::test]
async fn a_lock_is_tried_again_and_clients_come_first() {
    let (database, engine) = postgres().await;
    run(&engine, &migrations_first()).await.unwrap();
    let options_of_reader = EngineOptions { application_name: "slow report".to_owned(), ..EngineOptions::default() };
    let reader = Engine::new(&database.url().parse().unwrap(), &options_of_reader).begin().await.unwrap();
    reader.query(Statement::read("SELECT * FROM cars", [])).await.unwrap();

    let migrations = migrations(&[(|op| op.add_column("cars", "x", integer()), irreversible)]);
    let mut said = Vec::new();
    let mut reader = Some(reader);
    let on_step = |step: Step<'_>| {
        if let Step::Retry { who, .. } = step {
            said.push(who.to_owned());
            if said.len() == 2 {
                drop(reader.take());
            }
        }
    };
    assert_eq!(upgrade(&engine, &migrations, "heads", &options(), on_step).await.unwrap(), 1);
    assert!(said.len() >= 2, "{said:?}");
    assert!(said[0].contains("(slow report, user ") && said[0].ends_with("holds a lock on \"cars\""), "{said:?}");
}

#[tokio::test]
async fn whom_an_index_waits_for_is_told() {
    let (database, engine) = postgres().await;
    run(&engine, &migrations_first()).await.unwrap();
    let reporter = EngineOptions { application_name: "old report".to_owned(), ..EngineOptions::default() };
    let report = Engine::new(&database.url().parse().unwrap(), &reporter).begin().await.unwrap();
    // A snapshot, as a report has that reads for long.
    report.execute(Statement::write("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", [])).await.unwrap();
    report.query(Statement::read("SELECT count(*) FROM cars", [])).await.unwrap();

    let migrations = migrations(&[(
        |op| {
            op.create_index("cars_name_idx", "cars", ["name"]).concurrently();
        },
        irreversible,
    )]);
    let mut said = Vec::new();
    let mut report = Some(report);
    let on_step = |step: Step<'_>| {
        if let Step::Blocked { who } = step {
            said.push(who.to_owned());
            drop(report.take());
        }
    };
    assert_eq!(upgrade(&engine, &migrations, "heads", &options(), on_step).await.unwrap(), 1);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("(old report, user ") && said[0].ends_with(", idle in transaction)"), "{said:?}");
}

#[tokio::test]
async fn what_was_left_half_way_is_refused_in_the_other_direction() {
    let (_database, engine) = postgres().await;
    let change: (Write, Write) = (
        |op| {
            op.create_index("cars_name_idx", "cars", ["name"]).concurrently();
            op.execute("SELECT 1 / count(*) FROM cars WHERE id > 100");
        },
        |op| {
            op.drop_index_concurrently("cars_name_idx", "cars");
            op.execute("SELECT 1 / count(*) FROM cars WHERE id > 100");
        },
    );
    let migrations = migrations(&[change]);
    run(&engine, &migrations).await.unwrap_err();
    let options = options();
    let back = || downgrade(&engine, &migrations, "a1", &options, |_| ());
    let error = back().await.unwrap_err();
    assert_eq!(error.to_string(), "the revision b2 (change) is half applied: step 1 is done and kept");
    assert_eq!(
        error.hint(),
        Some(
            "`db upgrade` goes on with it; it cannot be undone from here, since its `downgrade` has no step of its own \
             that undoes step 1, create index cars_name_idx on cars"
        )
    );

    batch(&engine, "INSERT INTO cars (doors) VALUES (4)").await;
    run(&engine, &migrations).await.unwrap();
    batch(&engine, "DELETE FROM cars WHERE id > 100").await;
    back().await.unwrap_err();
    assert_eq!(progress(&engine).await, ["a1 applied", "b2 down:1.0"]);
    let error = run(&engine, &migrations).await.unwrap_err();
    assert_eq!(error.to_string(), "the revision b2 (change) is half undone: step 1 is done and kept");
    assert_eq!(error.hint(), Some("`db downgrade` goes on with it"));
    batch(&engine, "INSERT INTO cars (doors) VALUES (4)").await;
    assert_eq!(back().await.unwrap(), 1);
    assert_eq!(progress(&engine).await, ["a1 applied"]);
}

#[tokio::test]
async fn what_was_left_half_way_is_undone_step_by_step() {
    let change: (Write, Write) = (
        |op| {
            op.add_column("cars", "colour", text());
            op.create_index("cars_name_idx", "cars", ["name"]).concurrently();
            op.alter_column("cars", "name", text().not_null());
            op.create_unique_constraint("cars_name_key", "cars", ["name", "id"]);
            op.create_check_constraint("cars_doors_check", "cars", "doors > 0");
            op.rename_column("cars", "colour", "color");
        },
        |op| {
            op.rename_column("cars", "color", "colour");
            op.drop_constraint("cars_doors_check", "cars");
            op.drop_constraint("cars_name_key", "cars");
            op.alter_column("cars", "name", text());
            op.drop_index_concurrently("cars_name_idx", "cars");
            op.drop_column("cars", "colour");
        },
    );
    // What the version table says, and what of the change there is then.
    for (at, done) in [("0.0", 0), ("1.0", 1), ("2.0", 2), ("2.1", 2), ("3.0", 3), ("3.1", 3), ("4.1", 4), ("5.0", 5)] {
        let (_database, engine) = postgres().await;
        let (all, options) = (migrations(&[change]), options());
        upgrade(&engine, &all, "a1", &options, |_| ()).await.unwrap();
        let there = inspect(&engine).await.unwrap();
        let mut op = Operations::default();
        change.0(&mut op);
        crocus_migrate::apply(&engine, &op.list()[..done]).await.unwrap();
        // A part of the step that follows.
        batch(
            &engine,
            match at {
                "2.1" => "ALTER TABLE cars ADD CONSTRAINT crocus_not_null_name CHECK (name IS NOT NULL) NOT VALID",
                "3.1" => "CREATE UNIQUE INDEX cars_name_key ON cars (name, id)",
                "4.1" => "ALTER TABLE cars ADD CONSTRAINT cars_doors_check CHECK (doors > 0) NOT VALID",
                _ => "SELECT 1",
            },
        )
        .await;
        let record =
            format!("INSERT INTO crocus_migrations (revision, message, progress) VALUES ('b2', '', 'up:{at}')");
        batch(&engine, &record).await;
        assert_eq!(downgrade(&engine, &all, "a1", &options, |_| ()).await.unwrap(), 1, "{at}");
        assert_eq!(inspect(&engine).await.unwrap(), there, "{at}");
        assert_eq!(progress(&engine).await, ["a1 applied"], "{at}");
        // Both ways again, as if nothing had been.
        run(&engine, &all).await.unwrap();
        downgrade(&engine, &all, "-1", &options, |_| ()).await.unwrap();
        assert_eq!(inspect(&engine).await.unwrap(), there, "{at}");
    }
}

#[tokio::test]
async fn a_session_that_is_not_kept_is_noticed() {
    let (_database, engine) = postgres().await;
    let migrations = migrations(&[(
        |op| {
            op.execute("SELECT pg_advisory_unlock_all()");
            op.create_index("cars_name_idx", "cars", ["name"]).concurrently();
        },
        irreversible,
    )]);
    let error = run(&engine, &migrations).await.unwrap_err();
    assert!(error.to_string().starts_with("the lock that keeps two migrations apart is lost"), "{error}");
    assert!(error.hint().unwrap().contains("PgBouncer"), "{error}");
}

#[tokio::test]
async fn indexes_and_keys_of_partitioned_tables_are_made_as_postgresql_can() {
    let (_database, engine) = postgres().await;
    let migrations = migrations(&[
        (
            |op| {
                op.execute(
                    "CREATE TABLE sales (day date NOT NULL, maker_id integer) PARTITION BY RANGE (day);
                     CREATE TABLE sales_2026 PARTITION OF sales FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
                );
            },
            irreversible,
        ),
        (
            |op| {
                op.create_index("sales_maker_idx", "sales", ["maker_id"]).concurrently();
                op.create_unique_constraint("sales_key", "sales", ["day", "maker_id"]);
                op.create_foreign_key("sales_maker_fkey", "sales", "makers", ["maker_id"], ["id"]);
                op.create_check_constraint("sales_check", "sales", "maker_id > 0");
                op.drop_index_concurrently("sales_maker_idx", "sales");
            },
            irreversible,
        ),
    ]);
    assert_eq!(run(&engine, &migrations).await.unwrap(), 3);
}

#[tokio::test]
async fn nothing_is_applied_twice_over_all_of_this() {
    let (_database, engine) = postgres().await;
    let migrations = migrations(&[(every_safe_form, irreversible)]);
    run(&engine, &migrations).await.unwrap();
    assert_eq!(run(&engine, &migrations).await.unwrap(), 0);
    assert!(applied(&engine, &migrations).await.unwrap().contains("b2"));
}
