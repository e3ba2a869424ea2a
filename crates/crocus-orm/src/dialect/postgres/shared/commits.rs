//! Writing single rows: one who comes while another is under way goes with those who come meanwhile, in one transaction.
//! Nobody is told that his row is written before it is on disk, and a statement that fails does so alone: the others are
//! sent again without it, and its own outcome is found on a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use super::line::Line;
use super::queue::{Outcome, Queue, Together, Waiting};
use super::{SLOWEST, Shape, settled};
use crate::observe::Watch;
use crate::statement::{Answer, Failure, ROLLBACK, Statement};
use crate::{Error, ErrorKind};

/// How many times as long as usual a commit may take.
const COMMIT: u32 = 4;

/// How often what is left of a batch is sent again. Then each goes another way.
const TRIES: usize = 4;

/// Those who write a row.
#[derive(Debug)]
pub(super) struct Commits {
    line: Arc<Line>,
    queue: Queue<Write>,
    begin: Arc<Statement>,
    commit: Arc<Statement>,
}

#[derive(Debug)]
pub(super) struct Write {
    pub(super) statement: Arc<Statement>,
    pub(super) shape: Arc<Shape>,
}

impl Commits {
    pub(super) fn new(line: Arc<Line>) -> Commits {
        let (begin, commit) = (Arc::new(Statement::text("BEGIN")), Arc::new(Statement::commit()));
        // One transaction at a time: two could wait for each other's rows.
        Commits { line, queue: Queue::default(), begin, commit }
    }

    pub(super) fn line(&self) -> &Line {
        &self.line
    }

    pub(super) fn close(&self) {
        self.line.close();
    }

    /// Writes a row alone.
    pub(super) async fn write(&self, statement: &Arc<Statement>, shape: &Shape) -> Outcome {
        let usual = self.queue.usual();
        let (answer, took) = self.line.run(statement).await?;
        // Some of it was the commit, which is the disk's.
        shape.took(took.saturating_sub(COMMIT * usual));
        settled(answer)
    }
}

impl Together for Commits {
    type Asked = Write;

    /// Rows in one transaction.
    const MOST: usize = 128;
    const SLOWEST: Duration = SLOWEST;

    fn queue(&self) -> &Queue<Write> {
        &self.queue
    }

    /// Writes the rows of all who wait.
    async fn answer(&self, mut waiting: Vec<Waiting<Write>>) {
        for _ in 0..TRIES {
            let Some(connection) = self.line.connection() else { return };
            let rows = waiting.iter().map(|one| one.asked.statement.clone());
            let all: Vec<_> = [self.begin.clone()].into_iter().chain(rows).chain([self.commit.clone()]).collect();
            match connection.run(&all, &Watch::nobody()).await {
                Ok(answers) => return tell(waiting, answers),
                Err(Failure { error, .. }) if error.kind() == ErrorKind::OutcomeUnknown => {
                    for one in waiting {
                        drop(one.answer.send(Some(Err(unknown(&error)))));
                    }
                    return;
                }
                // Whoever has failed goes another way, and with him all if it was the commit.
                Err(Failure { index, .. }) => {
                    if connection.batch(ROLLBACK).await.is_err() {
                        return self.line.drop_connection(&connection);
                    }
                    match index.checked_sub(1).filter(|place| *place < waiting.len()) {
                        Some(place) => drop(waiting.remove(place)),
                        None => return,
                    }
                }
            }
            if waiting.is_empty() {
                return;
            }
        }
    }
}

/// Tells each his answer, and takes note of how long his statement took. The first answer is that of BEGIN.
fn tell(waiting: Vec<Waiting<Write>>, answers: Vec<Answer>) {
    let mut answers = answers.into_iter();
    let mut before = answers.next().and_then(|begin| begin.arrived);
    for (one, answer) in waiting.into_iter().zip(answers) {
        if let (Some(before), Some(arrived)) = (before, answer.arrived) {
            one.asked.shape.took(arrived.duration_since(before));
        }
        before = answer.arrived;
        // Whoever does not wait any more does not want it.
        drop(one.answer.send(Some(Ok(answer))));
    }
}

/// The error of a commit that all have shared.
fn unknown(error: &Error) -> Error {
    Error::new(ErrorKind::OutcomeUnknown, error.to_string())
}
