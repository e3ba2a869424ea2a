//! A migration on a large table while clients read and write it, on PostgreSQL: nobody waits longer than the lock
//! time-out, though another session holds the table for long at a time.
//!
//! `CROCUS_ROWS` says how many rows the table has: `CROCUS_ROWS=1000000 cargo test -p crocus-migrate --test live_table --
//! --nocapture` is the full measurement.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crocus_migrate::prelude::*;
use crocus_migrate::{Error, Migration, Migrations, Options, Step, upgrade};
use crocus_orm::Engine;
use crocus_testing::TestDatabase;

/// What the clients have seen.
#[derive(Debug, Default)]
struct Clients {
    ended: AtomicBool,
    retries: AtomicU64,
    requests: AtomicU64,
    longest_read: AtomicU64,
    longest_write: AtomicU64,
}

const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// What a query that reads the table holds; a snapshot as well would stop `CREATE INDEX CONCURRENTLY`.
const REPORT: &str = "LOCK TABLE cars IN ACCESS SHARE MODE";

/// What the machine may add when it is busy with other things.
const SLACK: Duration = Duration::from_secs(1);

fn rows() -> u64 {
    std::env::var("CROCUS_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(20_000)
}

fn migration(
    revision: &'static str,
    down_revisions: &'static [&'static str],
    upgrade: fn(&mut Operations),
) -> Migration {
    Migration {
        revision,
        down_revisions,
        labels: &[],
        depends_on: &[],
        replaces: &[],
        message: "change",
        created: "",
        file: "",
        upgrade,
        downgrade: |op| op.irreversible("it is a test"),
    }
}

fn make(op: &mut Operations) {
    op.create_enum("state", ["new", "sold"]);
    op.create_table("makers", |t| t.column("id", integer().identity().primary_key()));
    op.create_table("cars", |t| {
        t.column("id", integer().identity().primary_key());
        t.column("name", text());
        t.column("maker_id", integer());
        t.column("state", enumeration("state", ["new", "sold"]));
    });
    op.execute("INSERT INTO makers SELECT FROM generate_series(1, 100)");
    op.execute(&format!(
        "INSERT INTO cars (name, maker_id, state) SELECT 'car ' || n, n % 100 + 1, 'new' FROM generate_series(1, {}) AS n",
        rows()
    ));
}

fn change(op: &mut Operations) {
    op.create_index("cars_maker_id_idx", "cars", ["maker_id"]).concurrently();
    op.create_unique_constraint("cars_id_name_key", "cars", ["id", "name"]);
    op.create_check_constraint("cars_name_check", "cars", "length(name) > 0");
    op.create_foreign_key("cars_maker_id_fkey", "cars", "makers", ["maker_id"], ["id"]);
    op.alter_column("cars", "name", text().not_null());
    op.add_column("cars", "price", integer().not_null().default("0"));
    op.add_column("cars", "title", text());
    op.run_batches("fill in titles", |data| {
        Box::pin(async move {
            // Clients go on to insert rows without a title: there would always be some more.
            let sql = "UPDATE cars SET title = upper(name) WHERE id IN
                       (SELECT id FROM cars WHERE title IS NULL AND id <= $1::bigint LIMIT 20000 FOR UPDATE SKIP LOCKED)";
            Ok(data.execute(Statement::write(sql, [i64::try_from(rows())?.into()])).await?)
        })
    });
    op.alter_enum("state", ["new", "reserved", "sold"]);
    op.alter_column("cars", "maker_id", integer().not_null());
    op.drop_index_concurrently("cars_maker_id_idx", "cars");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_longer_than_the_lock_time_out() {
    let database = TestDatabase::postgres();
    let url = database.url().parse().unwrap();
    let engine = Engine::connect(&url).await.unwrap();
    let migrations = Migrations::new("", vec![migration("a1", &[], make), migration("b2", &["a1"], change)]);
    let options = Options { lock_timeout: LOCK_TIMEOUT, ..Options::default() };
    upgrade(&engine, &migrations, "a1", &options, |_| ()).await.unwrap();

    let clients = Arc::new(Clients::default());
    let mut tasks = Vec::new();
    for number in 0..4u64 {
        let (engine, clients) = (Engine::connect(&url).await.unwrap(), clients.clone());
        tasks.push(tokio::spawn(async move { client(&engine, &clients, number).await }));
    }
    // A report that reads for longer than the lock time-out, again and again. The first one is there before the
    // migration, and stays until a lock was tried in vain.
    let (reporter, seen) = (Engine::connect(&url).await.unwrap(), clients.clone());
    let mut report = reporter.begin().await.unwrap();
    report.execute(Statement::write(REPORT, [])).await.unwrap();
    tasks.push(tokio::spawn(async move {
        while !seen.ended.load(Ordering::Relaxed) && seen.retries.load(Ordering::Relaxed) == 0 {
            tokio::time::sleep(LOCK_TIMEOUT / 10).await;
        }
        while !seen.ended.load(Ordering::Relaxed) {
            tokio::time::sleep(LOCK_TIMEOUT.mul_f64(1.5)).await;
            report.rollback().await.unwrap();
            tokio::time::sleep(LOCK_TIMEOUT / 2).await;
            report = reporter.begin().await.unwrap();
            report.execute(Statement::write(REPORT, [])).await.unwrap();
        }
        report.rollback().await.unwrap();
    }));

    let begun = Instant::now();
    let applied = upgrade(&engine, &migrations, "heads", &options, |step| {
        if let Step::Retry { .. } = step {
            clients.retries.fetch_add(1, Ordering::Relaxed);
        }
    });
    let applied = applied.await;
    let took = begun.elapsed();
    clients.ended.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    let why = |error: Error| panic!("{error}: {:?} ({:?})", error.source().map(ToString::to_string), error.hint());
    assert_eq!(applied.unwrap_or_else(why), 1);

    let longest = |of: &AtomicU64| Duration::from_micros(of.load(Ordering::Relaxed));
    let (read, write) = (longest(&clients.longest_read), longest(&clients.longest_write));
    let retries = clients.retries.load(Ordering::Relaxed);
    println!(
        "{} rows: migrated in {took:?} with {retries} retries; {} requests meanwhile, the longest read {read:?}, the longest \
         write {write:?}",
        rows(),
        clients.requests.load(Ordering::Relaxed)
    );
    assert!(retries > 0, "no lock was contended");
    assert!(read < LOCK_TIMEOUT + SLACK && write < LOCK_TIMEOUT + SLACK, "read {read:?}, write {write:?}");
}

async fn client(engine: &Engine, clients: &Clients, number: u64) {
    let mut state = number + 1;
    while !clients.ended.load(Ordering::Relaxed) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let id = i64::try_from((state >> 33) % rows() + 1).unwrap();
        let begun = Instant::now();
        engine.query(Statement::read("SELECT name FROM cars WHERE id = $1::bigint", [id.into()])).await.unwrap();
        clients.longest_read.fetch_max(micros(begun), Ordering::Relaxed);
        let begun = Instant::now();
        let sql = match state >> 40 & 1 {
            0 => "UPDATE cars SET name = name || '!' WHERE id = $1::bigint",
            _ => "INSERT INTO cars (name, maker_id, state) VALUES ('new ' || $1::bigint, 1, 'new')",
        };
        engine.execute(Statement::write(sql, [id.into()])).await.unwrap();
        clients.longest_write.fetch_max(micros(begun), Ordering::Relaxed);
        clients.requests.fetch_add(2, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn micros(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_micros()).unwrap()
}
