//! Long lists that several ask for: who asks for what another is reading waits for the end of that, together with those who
//! ask meanwhile, and they have one text. It is read after each of them has asked, so that each sees what was committed by
//! then.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::JsonPage;
use super::list::Long;
use crate::Result;
use crate::engine::{Engine, Target};
use crate::statement::Access;

/// How long one waits for another's list to end. Then he reads while it goes on.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lists that are told apart. One more is read by itself.
const LISTS: usize = 32;

/// The lists of an engine that are being read.
#[derive(Debug, Default)]
pub(crate) struct Together(Mutex<Vec<Arc<Asked>>>);

/// A list that somebody asks for.
struct Asked {
    list: Arc<Long>,
    /// Whether it is the replica that is asked.
    of_replica: bool,
    /// Held by who reads it.
    turn: tokio::sync::Mutex<()>,
    /// For those who wait for their turn.
    next: Mutex<Arc<Next>>,
}

/// What several wait for. Where the one who reads it goes away, another of them does.
#[derive(Default)]
struct Next {
    /// Nothing where that has failed: then each reads for himself.
    page: OnceCell<Option<JsonPage>>,
    is_begun: AtomicBool,
}

impl Together {
    /// Reads a list, alone or with others.
    pub(super) async fn read(engine: &Engine, list: Long) -> Result<JsonPage> {
        let (target, list, begun) = (Target::Engine(engine), Arc::new(list), Instant::now());
        let Some(asked) = engine.lists().and_then(|lists| lists.of(engine, &list)) else {
            return list.read(target).await;
        };
        if let Ok(_turn) = asked.turn.try_lock() {
            return list.read(target).await;
        }
        let next = asked.next();
        let mut own = None;
        let read = async {
            let _turn = timeout(PATIENCE, asked.turn.lock()).await;
            next.is_begun.store(true, Ordering::SeqCst);
            let read = list.read(target).await;
            let page = read.as_ref().ok().cloned();
            own = Some(read);
            page
        };
        let page = next.page.get_or_init(|| read).await;
        match (own, page) {
            (Some(own), _) => own,
            (None, Some(page)) => {
                engine.saw(list.statement.clone(), begun.elapsed(), page.rows.len() as u64);
                Ok(page.clone())
            }
            (None, None) => list.read(target).await,
        }
    }

    fn of(&self, engine: &Engine, list: &Arc<Long>) -> Option<Arc<Asked>> {
        let of_replica = engine.reads_replica(Access::Read);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(asked) = all.iter().find(|asked| asked.of_replica == of_replica && asked.list.is_same(list)) {
            return Some(asked.clone());
        }
        all.retain(|asked| Arc::strong_count(asked) > 1);
        (all.len() < LISTS).then(|| {
            let asked =
                Arc::new(Asked { list: list.clone(), of_replica, turn: Default::default(), next: Default::default() });
            all.push(asked.clone());
            asked
        })
    }
}

impl Asked {
    /// Where one more can wait: what is not being read yet.
    fn next(&self) -> Arc<Next> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if next.is_begun.load(Ordering::SeqCst) {
            *next = Arc::default();
        }
        next.clone()
    }
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked").field("sql", &self.list.statement.sql).finish_non_exhaustive()
    }
}
