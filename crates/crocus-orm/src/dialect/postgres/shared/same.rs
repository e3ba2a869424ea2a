//! Reading the same: one who asks what another is asking goes with those who ask it meanwhile, and all have the rows of one
//! statement. It is sent after each of them has asked, so that each sees what was committed by then.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::queue::{Outcome, Queue, Turn, Waiting};
use super::{Shape, Shared};
use crate::observe::Watch;
use crate::row::Row;
use crate::statement::{Answer, Statement};

/// Who is waited for by most. What is asked by one more goes its own way.
const MOST: usize = 4_096;

/// Statements of one shape that are told apart by their values. One more is not shared.
const STATEMENTS: usize = 32;

/// What takes longer is not waited for by others: as long as a request may take, about, since who goes his own way makes
/// it slower for all.
const SLOWEST: Duration = Duration::from_secs(5);

/// The statements of a shape that are under way.
#[derive(Debug, Default)]
pub(super) struct Same(Mutex<Vec<Arc<Asked>>>);

/// A statement, and those who ask it.
#[derive(Debug)]
struct Asked {
    statement: Arc<Statement>,
    queue: Queue<()>,
}

/// What comes of asking what others may be asking.
pub(super) enum Met {
    /// He has to ask himself; while he does, others wait for him.
    First(Option<Going>),
    Answered(Outcome),
}

/// A turn that goes on until nobody waits, also where the one who has begun it goes away.
pub(super) struct Going {
    asked: Arc<Asked>,
    shape: Arc<Shape>,
    shared: Weak<Shared>,
    begun: Instant,
}

impl Same {
    pub(super) async fn meet(&self, shared: &Weak<Shared>, statement: &Arc<Statement>, shape: &Arc<Shape>) -> Met {
        let Some(asked) = self.of(statement) else { return Met::First(None) };
        match asked.queue.enter(|| ()) {
            Turn::Now => {
                let (shape, shared) = (shape.clone(), shared.clone());
                Met::First(Some(Going { asked, shape, shared, begun: Instant::now() }))
            }
            Turn::Wait(number, answer) => Met::Answered(asked.queue.wait(number, answer).await),
        }
    }

    fn of(&self, statement: &Arc<Statement>) -> Option<Arc<Asked>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(asked) = all.iter().find(|asked| asked.statement.values.iter().eq(statement.values.iter())) {
            return Some(asked.clone());
        }
        // What nobody is asking is forgotten: its values can be long.
        all.retain(|asked| Arc::strong_count(asked) > 1);
        (all.len() < STATEMENTS).then(|| {
            let asked = Arc::new(Asked { statement: statement.clone(), queue: Queue::new(SLOWEST) });
            all.push(asked.clone());
            asked
        })
    }
}

impl Going {
    /// Asks once for all who wait. Where that fails, each goes another way.
    async fn answer(&self, mut waiting: Vec<Waiting<()>>) {
        let Some(shared) = self.shared.upgrade() else { return };
        let answer = match shared.ride(&self.asked.statement, &self.shape).await {
            Some(answer) => answer,
            None => shared.run_apart(&self.asked.statement, &self.shape, &Watch::nobody()).await,
        };
        let Ok(answer) = answer else { return };
        let Some(last) = waiting.pop() else { return };
        let rows: Vec<Row> = answer.rows.into_iter().map(Row::shared).collect();
        for one in waiting {
            let rows = rows.iter().filter_map(Row::again).collect();
            // Whoever does not wait any more does not want it.
            drop(one.answer.send(Some(Ok(Answer { rows, ..Answer::default() }))));
        }
        drop(last.answer.send(Some(Ok(Answer { rows, ..Answer::default() }))));
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        let waiting = self.asked.queue.next(self.begun, MOST);
        if waiting.is_empty() {
            return;
        }
        let Going { asked, shape, shared, .. } = self;
        let going = Going { asked: asked.clone(), shape: shape.clone(), shared: shared.clone(), begun: Instant::now() };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move { going.answer(waiting).await })),
            // Without a runtime they all go another way.
            Err(_) => drop(waiting),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values can be long, and clients choose them.
    #[test]
    fn what_nobody_asks_any_more_is_forgotten() {
        let same = Same::default();
        for number in 0..100 {
            let statement = Arc::new(Statement::read("SELECT $1", [number.into()]));
            assert!(same.of(&statement).is_some());
        }
        assert_eq!(same.0.lock().map(|all| all.len()).ok(), Some(1));
    }
}
