//! Reading the same: one who asks what another is asking goes with those who ask it meanwhile, and all have the rows of one
//! statement. It is sent after each of them has asked, so that each sees what was committed by then.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::queue::{Queue, Together, Waiting};
use super::{Shape, Shared};
use crate::observe::Watch;
use crate::row::Row;
use crate::statement::{Answer, Statement};

/// Statements of one shape that are told apart by their values. One more is not shared.
const STATEMENTS: usize = 32;

/// The statements of a shape that are under way.
#[derive(Debug, Default)]
pub(super) struct Same(Mutex<Vec<Arc<Asked>>>);

/// A statement, and those who ask it.
#[derive(Debug)]
pub(super) struct Asked {
    statement: Arc<Statement>,
    shape: Weak<Shape>,
    shared: Weak<Shared>,
    queue: Queue<()>,
}

impl Same {
    /// Those who ask a statement; none where too many others are asked.
    pub(super) fn of(
        &self,
        statement: &Arc<Statement>,
        shape: &Arc<Shape>,
        shared: &Weak<Shared>,
    ) -> Option<Arc<Asked>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(asked) = all.iter().find(|asked| asked.statement.values.iter().eq(statement.values.iter())) {
            return Some(asked.clone());
        }
        // What nobody is asking is forgotten: its values can be long.
        all.retain(|asked| Arc::strong_count(asked) > 1);
        (all.len() < STATEMENTS).then(|| {
            let asked = {
                let (shape, shared) = (Arc::downgrade(shape), shared.clone());
                Arc::new(Asked { statement: statement.clone(), shape, shared, queue: Queue::default() })
            };
            all.push(asked.clone());
            asked
        })
    }
}

impl Together for Asked {
    type Asked = ();

    const MOST: usize = 4_096;
    // As long as a request may take, about, since who goes his own way makes it slower for all.
    const SLOWEST: Duration = Duration::from_secs(5);

    fn queue(&self) -> &Queue<()> {
        &self.queue
    }

    /// Asks once for all who wait. Where that fails, each goes another way.
    async fn answer(&self, mut waiting: Vec<Waiting<()>>) {
        let (Some(shared), Some(shape)) = (self.shared.upgrade(), self.shape.upgrade()) else { return };
        let answer = match shared.ride(&self.statement, &shape).await {
            Some(answer) => answer,
            None => shared.run_apart(&self.statement, &shape, &Watch::nobody()).await,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Values can be long, and clients choose them.
    #[test]
    fn what_nobody_asks_any_more_is_forgotten() {
        let same = Same::default();
        for number in 0..100 {
            let statement = Arc::new(Statement::read("SELECT $1", [number.into()]));
            assert!(same.of(&statement, &Arc::default(), &Weak::new()).is_some());
        }
        assert_eq!(same.0.lock().map(|all| all.len()).ok(), Some(1));
    }
}
