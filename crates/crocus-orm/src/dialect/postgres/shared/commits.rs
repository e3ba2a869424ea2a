//! Writing single rows: one who comes while another is under way goes with those who come meanwhile, in one transaction,
//! and where they write rows of one shape, in one statement (`many`).
//! Nobody is told that his row is written before it is on disk, and a statement that fails does so alone: the others are
//! sent again without it, and its own outcome is found on a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use super::line::Line;
use super::queue::{Outcome, Queue, Together, Waiting};
use super::{SLOWEST, Shape, settled};
use crate::dialect::postgres::connection::Connection;
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

    /// Writes the rows of all who wait: those of one shape with one statement, where they can be, and else each by itself.
    async fn answer(&self, mut waiting: Vec<Waiting<Write>>) {
        waiting.sort_by_key(|one| Arc::as_ptr(&one.asked.shape));
        let mut together = true;
        for _ in 0..TRIES {
            let Some(connection) = self.line.connection() else { return };
            let parts = parts(&waiting, &connection, together);
            let statements = parts.iter().map(|part| part.statement.clone());
            let all: Vec<_> = [self.begin.clone()].into_iter().chain(statements).chain([self.commit.clone()]).collect();
            match connection.run(&all, &Watch::nobody()).await {
                // Whose row was not written is asked by himself.
                Ok(answers) => waiting = tell(waiting, &parts, answers),
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
                    match index.checked_sub(1).and_then(|place| parts.get(place)) {
                        Some(part) if part.rows > 1 => waiting[part.first].asked.shape.many.was_in_vain(),
                        Some(part) => drop(waiting.remove(part.first)),
                        None => return,
                    }
                }
            }
            if waiting.is_empty() {
                return;
            }
            together = false;
        }
    }
}

/// A statement of a transaction, and whose rows it writes: so many of those who wait, beginning there.
struct Part {
    statement: Arc<Statement>,
    first: usize,
    rows: usize,
}

/// The statements for those who wait, of whom those of one shape stand beside each other.
fn parts(waiting: &[Waiting<Write>], connection: &Connection, together: bool) -> Vec<Part> {
    let mut parts = Vec::with_capacity(waiting.len());
    let mut first = 0;
    for group in waiting.chunk_by(|one, other| Arc::ptr_eq(&one.asked.shape, &other.asked.shape)) {
        let each = || group.iter().map(|one| &one.asked.statement);
        let shape = &group[0].asked.shape;
        let types = || connection.prepared(&each().next()?.sql).map(|plan| plan.params().to_vec());
        match together.then(|| shape.many.statement(&each().map(|one| &**one).collect::<Vec<_>>(), types)).flatten() {
            Some(statement) => parts.push(Part { statement: Arc::new(statement), first, rows: group.len() }),
            None => {
                let part = |(place, one): (usize, &Arc<Statement>)| Part {
                    statement: one.clone(),
                    first: first + place,
                    rows: 1,
                };
                parts.extend(each().enumerate().map(part));
            }
        }
        first += group.len();
    }
    parts
}

/// Tells each his answer, and takes note of how long his statement took. The first answer is that of BEGIN. Gives those
/// whose rows were not written.
fn tell(waiting: Vec<Waiting<Write>>, parts: &[Part], answers: Vec<Answer>) -> Vec<Waiting<Write>> {
    let mut left = Vec::new();
    let mut waiting = waiting.into_iter();
    let mut answers = answers.into_iter();
    let mut before = answers.next().and_then(|begin| begin.arrived);
    for (part, answer) in parts.iter().zip(answers) {
        let took = before.zip(answer.arrived).map(|(before, arrived)| arrived.duration_since(before));
        before = answer.arrived;
        let mut whose = waiting.by_ref().take(part.rows).peekable();
        let Some(Write { shape, .. }) = whose.peek().map(|one| &one.asked) else { break };
        if let Some(took) = took {
            shape.took(took / u32::try_from(part.rows).unwrap_or(u32::MAX));
        }
        let outcomes = if part.rows > 1 { shape.many.outcomes(answer, part.rows) } else { vec![Some(Ok(answer))] };
        for (one, outcome) in whose.zip(outcomes) {
            match outcome {
                // Whoever does not wait any more does not want it.
                Some(outcome) => drop(one.answer.send(Some(outcome))),
                None => left.push(one),
            }
        }
    }
    left
}

/// The error of a commit that all have shared.
fn unknown(error: &Error) -> Error {
    Error::new(ErrorKind::OutcomeUnknown, error.to_string())
}
