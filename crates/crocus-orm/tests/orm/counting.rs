//! What is counted of statements, for an engine and for a handle.

use std::time::Duration;

use crocus_orm::{EngineOptions, PoolStatistics, Statement, StatementCount, StatementKind, Statistics};
use futures_util::TryStreamExt;

use crate::database::each_with;

fn sent(statistics: &Statistics, wanted: StatementKind) -> u64 {
    statistics.statements.iter().find(|(kind, _)| *kind == wanted).unwrap().1
}

#[tokio::test]
async fn an_engine_counts_what_all_its_handles_send() {
    for db in each_with(EngineOptions { slow_query: Some(Duration::ZERO), ..EngineOptions::default() }).await {
        let before = db.statistics();
        db.query(Statement::read("SELECT 1", [])).await.unwrap();
        let (handle, _) = db.record();
        handle.query(Statement::read("SELECT 2", [])).await.unwrap();
        let transaction = db.begin().await.unwrap();
        transaction.execute(Statement::write("UPDATE cars SET doors = 1", [])).await.unwrap();
        transaction.execute(Statement::write("DELETE FROM cars", [])).await.unwrap();
        transaction.commit().await.unwrap();
        db.query(Statement::read("SELECT nothing FROM nowhere", [])).await.unwrap_err();
        let after = db.statistics();
        let more = |kind| sent(&after, kind) - sent(&before, kind);
        assert_eq!(StatementKind::ALL.map(more), [3, 0, 1, 1, 2, 0], "{db}");
        assert_eq!((after.failed - before.failed, after.ended - before.ended), (1, 7), "{db}");
        assert_eq!(after.slow - before.slow, 7, "{db}");
        assert!(after.durations.is_sorted_by_key(|(_, count)| *count), "{db}: {after:?}");
        assert!(after.duration > before.duration, "{db}");
        let names: Vec<_> = after.pools.iter().map(|pool| (pool.name, pool.waiting)).collect();
        let expected =
            if db.is_sqlite() { vec![("writer", 0), ("readers", 0)] } else { vec![("primary", 0), ("shared", 0)] };
        assert_eq!(names, expected, "{db}");
        // Nothing has met, so that nothing was shared.
        let one_each =
            |pool: &PoolStatistics| (pool.open, pool.idle) == if pool.name == "shared" { (0, 0) } else { (1, 1) };
        assert!(after.pools.iter().all(one_each), "{db}: {:?}", after.pools);
    }
}

#[tokio::test]
async fn a_pool_tells_who_waits() {
    for db in each_with(EngineOptions { max_connections: 1, ..EngineOptions::default() }).await {
        let held = db.connection().await.unwrap();
        let engine = db.engine().clone();
        let waiter = tokio::spawn(async move { engine.connection().await.map(drop) });
        let busy = async || {
            while db.statistics().pools[0].waiting == 0 {
                tokio::task::yield_now().await;
            }
        };
        crate::database::soon(busy()).await;
        assert_eq!((db.statistics().pools[0].max, db.statistics().pools[0].idle), (1, 0), "{db}");
        drop(held);
        waiter.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_handle_counts_its_own() {
    for db in each_with(EngineOptions::default()).await {
        let count = StatementCount::new();
        let counted = db.counting(&count);
        assert_eq!((count.statements(), count.duration()), (0, Duration::ZERO));
        db.query(Statement::read("SELECT 1", [])).await.unwrap();
        assert_eq!(count.statements(), 0, "{db}: not through the handle");
        counted.query(db.slow()).await.unwrap();
        let transaction = counted.begin().await.unwrap();
        transaction.query(Statement::read("SELECT 1", [])).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(count.statements(), 4, "{db}: the slow one, BEGIN, SELECT, COMMIT");
        assert!(count.duration() >= Duration::from_millis(5), "{db}: {:?}", count.duration());
        let waited = count.duration();
        assert_eq!(count.duration(), waited, "{db}: nothing is waited for");
        let mut stream = counted.stream(Statement::read("SELECT 1", [])).await.unwrap();
        let first = count.duration();
        assert!(first > waited && count.duration() >= first, "{db}: an open stream is waited for");
        while stream.try_next().await.unwrap().is_some() {}
        let ended = count.duration();
        assert_eq!((count.duration(), count.statements()), (ended, 5), "{db}: also while it is held");
    }
}
