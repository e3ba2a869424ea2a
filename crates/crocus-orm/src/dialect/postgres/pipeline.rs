//! Statements that are sent one after the other without waiting for each.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, MaybeDone, maybe_done};

use super::connection::lost;
use crate::Result;
use crate::observe::Watch;
use crate::row::Row;
use crate::statement::{Access, Answer, Failure, Form, Statement, Take};

/// Statements that were sent and whose answers are still to be read. They come in the same order.
pub(super) struct Queue<'a> {
    watch: &'a Watch,
    answers: Vec<Answer>,
    sent: Vec<(&'a Statement, Question<'a>)>,
    /// Who is given each row as it comes.
    take: Option<Take<'a>>,
}

type Question<'a> = MaybeDone<BoxFuture<'a, Result<Reply>>>;

/// The beginning of an answer.
pub(super) enum Reply {
    /// The statement runs, and these are its rows.
    Rows(Pin<Box<tokio_postgres::RowStream>>, Access),
    /// It is all there.
    Whole(Answer),
}

impl Reply {
    /// The answer to its end. Its rows are given to `take`, where there is one.
    pub(super) async fn read(self, mut take: Option<&mut (dyn FnMut(Row) + Send)>) -> Result<Answer> {
        let (mut rows, access) = match self {
            Reply::Rows(rows, access) => (rows, access),
            Reply::Whole(answer) => return Ok(answer),
        };
        let mut answer = Answer::default();
        while let Some(row) = rows.next().await {
            let row = Row::postgres(row.map_err(|error| lost(error, access))?);
            match &mut take {
                Some(take) => take(row),
                None => answer.rows.push(row),
            }
        }
        answer.written = rows.rows_affected().unwrap_or(0);
        Ok(answer)
    }
}

impl<'a> Queue<'a> {
    pub(super) fn new(watch: &'a Watch, take: Option<Take<'a>>) -> Queue<'a> {
        Queue { watch, answers: Vec::new(), sent: Vec::new(), take }
    }

    /// Polls the question once, which sends it. `false`: it was refused before it was sent, or the connection is gone.
    pub(super) async fn send(
        &mut self,
        statement: &'a Statement,
        question: impl Future<Output = Result<Reply>> + Send + 'a,
    ) -> bool {
        let mut question: Question<'a> = maybe_done(Box::pin(question));
        poll_once(Pin::new(&mut question)).await;
        let refused = matches!(question, MaybeDone::Done(Err(_)));
        self.sent.push((statement, question));
        !refused
    }

    /// Waits for every answer to what was sent until now: after a failure the rest are refusals, which come at once.
    pub(super) async fn settle(&mut self) -> Result<(), Failure> {
        let mut failure = None;
        for (index, (statement, mut question)) in (self.answers.len()..).zip(std::mem::take(&mut self.sent)) {
            (&mut question).await;
            let answer = match Pin::new(&mut question).take_output().expect("it is done") {
                Ok(reply) => match &mut self.take {
                    Some(take) => reply.read(Some(&mut |row| take(index, row))).await,
                    None => reply.read(None).await,
                },
                Err(error) => Err(error),
            };
            match answer {
                Ok(mut answer) => {
                    answer.arrived = Some(Instant::now());
                    self.watch.answered(index, answer.count());
                    self.answers.push(answer);
                    // BEGIN was refused, which only an administrator's `pg_cancel_backend` can bring about.
                    if statement.form == Form::Prepared && statement.access == Access::Write {
                        failure = failure.map(|Failure { index, error }| Failure {
                            index,
                            error: error.written_without_transaction(),
                        });
                    }
                }
                Err(error) => {
                    let error = error.redact(statement);
                    self.watch.failed(index, &error);
                    failure.get_or_insert(Failure { index, error });
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// The same at the end.
    pub(super) async fn answers(mut self) -> Result<Vec<Answer>, Failure> {
        self.settle().await?;
        Ok(self.answers)
    }
}

/// Polls once: the driver sends a question at the first poll, and the rest waits for the answer.
pub(super) async fn poll_once(mut question: Pin<&mut impl Future<Output = ()>>) {
    poll_fn(|context| {
        let _ = question.as_mut().poll(context);
        Poll::Ready(())
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, ErrorKind};

    fn refused() -> Error {
        Error::new(ErrorKind::Database, "canceling statement due to user request").refused()
    }

    /// What was sent with a BEGIN that is refused runs without a transaction.
    #[tokio::test]
    async fn a_write_whose_begin_was_refused_is_told() {
        let nobody = Watch::nobody();
        let begin = Statement::text("BEGIN");
        let statements = [Statement::write("INSERT INTO cars DEFAULT VALUES", []), Statement::read("SELECT 1", [])];
        for (statement, kind) in statements.iter().zip([ErrorKind::OutcomeUnknown, ErrorKind::Database]) {
            let mut queue = Queue::new(&nobody, None);
            assert!(!queue.send(&begin, async { Err(refused()) }).await);
            assert!(queue.send(statement, async { Ok(Reply::Whole(Answer::default())) }).await);
            let Err(Failure { index, error }) = queue.answers().await else { panic!("BEGIN was refused") };
            assert_eq!((index, error.lost_before_commit().kind()), (0, kind));
        }
    }

    /// The first failure is the cause of those after it.
    #[tokio::test]
    async fn the_first_failure_is_told() {
        let nobody = Watch::nobody();
        let write = Statement::write("INSERT INTO cars DEFAULT VALUES", []);
        let mut queue = Queue::new(&nobody, None);
        queue.send(&write, async { Ok(Reply::Whole(Answer::default())) }).await;
        queue.send(&write, async { Err(Error::new(ErrorKind::UniqueViolation, "there already").refused()) }).await;
        queue.send(&write, async { Err(refused()) }).await;
        let Err(Failure { index, error }) = queue.answers().await else { panic!("two have failed") };
        assert_eq!((index, error.kind()), (1, ErrorKind::UniqueViolation));
    }
}
