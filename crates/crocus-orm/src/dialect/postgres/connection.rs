//! One PostgreSQL connection, with its prepared statements.

use std::ops::Deref;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use deadpool::managed::Object;
use foldhash::{HashMap, HashMapExt};
use futures_util::future::maybe_done;
use futures_util::{Stream, TryStreamExt};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres::binary_copy::BinaryCopyInWriter;

use super::errors;
use super::pipeline::{Queue, Reply, poll_once};
use super::pool::Manager;
use super::tls::Tls;
use super::types::Parameter;
use crate::observe::Watch;
use crate::row::Row;
use crate::statement::{Access, Answer, Failure, Form, Statement, Take};
use crate::value::{Value, invalid};
use crate::{Error, ErrorKind, Result};

/// Prepared statements kept on a connection. A program's statements are of a few fixed shapes; this only bounds one
/// that builds new shapes without end.
const PREPARED: usize = 512;

/// Values that a statement can have: the protocol counts them in two bytes ("Message Formats", Bind).
const MOST_VALUES: usize = u16::MAX as usize;

/// How long the server is asked to stop what nobody waits for.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection and the statements prepared on it.
pub(crate) struct Connection {
    client: tokio_postgres::Client,
    prepared: Mutex<HashMap<Arc<str>, tokio_postgres::Statement>>,
    /// Questions whose answers have not been waited for to their end.
    unanswered: AtomicUsize,
    /// Whether statements have a time limit here.
    limited: bool,
    /// For asking the server to stop, which takes a connection of its own.
    tls: Tls,
}

impl Connection {
    pub(crate) fn new(client: tokio_postgres::Client, tls: Tls) -> Connection {
        Connection { client, prepared: Mutex::default(), unanswered: AtomicUsize::new(0), limited: false, tls }
    }

    /// From here on the server stops a statement that takes longer. (A pooler between may refuse it as a parameter of the
    /// start.)
    pub(crate) async fn limit(&mut self, limit: Duration) -> Result<()> {
        // Zero would be no limit.
        self.batch(&format!("SET statement_timeout = {}", limit.as_millis().max(1))).await?;
        self.limited = true;
        Ok(())
    }

    /// Lets statements take the time that the server, the user and the URL give them.
    pub(crate) async fn lift_limit(&self) -> Result<()> {
        if self.limited { self.batch("RESET statement_timeout").await } else { Ok(()) }
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    /// Whether every question was answered. On a connection where one was not, the next would wait for its answer.
    pub(crate) fn is_idle(&self) -> bool {
        self.unanswered.load(Ordering::Relaxed) == 0
    }

    /// Asks and waits. A future that is dropped before the answer leaves the question unanswered.
    async fn answer<T>(&self, question: impl Future<Output = T>) -> T {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
        let answer = question.await;
        self.unanswered.fetch_sub(1, Ordering::Relaxed);
        answer
    }

    /// Runs one statement, outside a transaction or in one that the caller has begun.
    pub(crate) async fn query(&self, statement: &Statement, watch: &Watch) -> Result<Answer> {
        let answer = self.answer(async {
            if statement.form != Form::Prepared {
                watch.round_trip();
                return self.send(statement, None).await?.read(None).await;
            }
            Reply::Rows(self.start(statement, watch).await?, statement.access).read(None).await
        });
        let answer = answer.await.map_err(|error| error.redact(statement));
        match &answer {
            Ok(answer) => watch.answered(0, answer.count()),
            Err(error) => watch.failed(0, error),
        }
        answer
    }

    /// Runs a statement on a connection that is shared: others ask here too, and nobody waits for what another has asked.
    pub(super) async fn share(&self, statement: &Statement, plan: tokio_postgres::Statement) -> Result<Answer> {
        check_number(statement)?;
        self.send(statement, Some(plan)).await?.read(None).await
    }

    /// A statement as it was prepared here.
    pub(super) fn prepared(&self, sql: &str) -> Option<tokio_postgres::Statement> {
        self.cache().get(sql).cloned()
    }

    /// Forgets a statement, so that it is prepared anew.
    pub(super) fn forget(&self, sql: &str) {
        self.cache().remove(sql);
    }

    /// Rows of a plan that takes one value, as the driver has them.
    pub(super) async fn rows(
        &self,
        plan: &tokio_postgres::Statement,
        value: &Value,
    ) -> Result<Vec<tokio_postgres::Row>> {
        let rows = self.client.query_raw(plan, [Parameter(value)]).await.map_err(errors::from_driver)?;
        rows.try_collect().await.map_err(errors::from_driver)
    }

    /// Runs the statements of a transaction in one go: those that are new here are prepared together, then all are sent
    /// at once. Gives their answers, or the first failure; what comes after it was not done.
    ///
    /// The text statements at the start are always sent, whatever becomes of the others.
    pub(crate) async fn run(&self, statements: &[Arc<Statement>], watch: &Watch) -> Result<Vec<Answer>, Failure> {
        self.run_and(statements, watch, None).await
    }

    /// The same, where `take` is given the rows as they come.
    pub(crate) async fn run_and<'a>(
        &'a self,
        statements: &'a [Arc<Statement>],
        watch: &'a Watch,
        take: Option<Take<'a>>,
    ) -> Result<Vec<Answer>, Failure> {
        self.answer(self.pipeline(statements, watch, take)).await
    }

    async fn pipeline<'a>(
        &'a self,
        statements: &'a [Arc<Statement>],
        watch: &'a Watch,
        take: Option<Take<'a>>,
    ) -> Result<Vec<Answer>, Failure> {
        let mut queue = Queue::new(watch, take);
        let leading = statements.iter().take_while(|statement| statement.to_prepare().is_none()).count();
        for statement in &statements[..leading] {
            queue.send(statement, self.send(statement, None)).await;
        }
        watch.round_trip();
        let plans = match self.prepare_each(&statements[leading..]).await {
            Ok(plans) => plans,
            Err(failure) => {
                // Where a text statement before it has failed, that is the cause.
                queue.answers().await?;
                let failure = Failure { index: leading + failure.index, ..failure };
                watch.failed(failure.index, &failure.error);
                return Err(failure);
            }
        };
        if plans.waited {
            // BEGIN's answer is here: without a transaction nothing more is sent.
            queue.settle().await?;
            watch.round_trip();
        }
        for (statement, plan) in statements[leading..].iter().zip(plans.all) {
            if !queue.send(statement, self.send(statement, plan)).await {
                break;
            }
        }
        queue.answers().await
    }

    /// The prepared form of each statement that has one.
    async fn prepare_each(&self, statements: &[Arc<Statement>]) -> Result<Plans, Failure> {
        for (index, statement) in statements.iter().enumerate() {
            check_number(statement).map_err(|error| Failure { index, error })?;
        }
        let mut all: Vec<_> = {
            let cache = self.cache();
            let plan = |statement: &Arc<Statement>| cache.get(statement.to_prepare()?).cloned();
            statements.iter().map(plan).collect()
        };
        let mut new: Vec<(usize, &str)> = Vec::new();
        for (index, statement) in statements.iter().enumerate() {
            if let Some(sql) = statement.to_prepare()
                && all[index].is_none()
                && new.iter().all(|(_, other)| *other != sql)
            {
                new.push((index, sql));
            }
        }
        let waited = !new.is_empty();
        let mut asked = Vec::with_capacity(new.len());
        for (_, sql) in &new {
            let mut plan = Box::pin(maybe_done(self.client.prepare(sql)));
            poll_once(plan.as_mut()).await;
            asked.push(plan);
        }
        let mut made = HashMap::with_capacity(new.len());
        let mut failure = None;
        for ((index, sql), mut plan) in new.into_iter().zip(asked) {
            plan.as_mut().await;
            match plan.as_mut().take_output().expect("it is done") {
                Ok(plan) => drop(made.insert(sql, self.keep(sql, plan))),
                Err(error) => {
                    let error = errors::from_driver(error).redact(&statements[index]);
                    failure.get_or_insert(Failure { index, error });
                }
            }
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        for (plan, statement) in all.iter_mut().zip(statements) {
            if plan.is_none() {
                *plan = statement.to_prepare().and_then(|sql| made.get(sql).cloned());
            }
        }
        Ok(Plans { all, waited })
    }

    /// Sends a statement of a transaction, at the first poll, and waits for the beginning of its answer.
    async fn send(&self, statement: &Statement, plan: Option<tokio_postgres::Statement>) -> Result<Reply> {
        let access = statement.access;
        match (statement.form, plan) {
            (Form::Prepared, Some(plan)) => {
                check_values(statement, &plan)?;
                match self.client.query_raw(&plan, parameters(statement)).await {
                    Ok(rows) => Ok(Reply::Rows(Box::pin(rows), access)),
                    Err(error) if errors::is_stale_plan(&error) => {
                        self.forget(&statement.sql);
                        Err(table_changed(error))
                    }
                    Err(error) => Err(lost(error, access)),
                }
            }
            (Form::Copy, Some(plan)) => self.copy(statement, &plan).await.map(Reply::Whole),
            (Form::Commit, _) => self.commit().await.map(|()| Reply::Whole(Answer::default())),
            _ => match self.client.batch_execute(&statement.sql).await {
                Ok(()) => Ok(Reply::Whole(Answer::default())),
                Err(error) => Err(lost(error, access)),
            },
        }
    }

    /// `COPY ... FROM STDIN`, of the statement's values row by row. A failure leaves the transaction failed, also when a
    /// value cannot be written: the server was told of the copy already.
    async fn copy(&self, statement: &Statement, plan: &tokio_postgres::Statement) -> Result<Answer> {
        let types: Vec<_> = plan.columns().iter().map(|column| column.type_().clone()).collect();
        let failed = |error| lost(error, Access::Write).refused();
        let sink = self.client.copy_in(&*statement.sql).await.map_err(failed)?;
        let mut writer = std::pin::pin!(BinaryCopyInWriter::new(sink, &types));
        for row in statement.values.chunks(types.len()) {
            let row: Vec<_> = row.iter().map(Parameter).collect();
            writer.as_mut().write_raw(row).await.map_err(failed)?;
        }
        Ok(Answer { written: writer.finish().await.map_err(failed)?, ..Answer::default() })
    }

    /// Runs statements that bring no values and whose rows nobody wants. Any of them may write.
    pub(crate) async fn batch(&self, sql: &str) -> Result<()> {
        self.answer(self.client.batch_execute(sql)).await.map_err(|error| lost(error, Access::Write))
    }

    /// `COMMIT`. A connection lost here leaves the outcome unknown.
    async fn commit(&self) -> Result<()> {
        // The server takes COMMIT in a transaction that has failed, and rolls back without a word ("COMMIT"). Any
        // other statement is refused there, and what follows it is not run.
        self.client.batch_execute("SELECT; COMMIT").await.map_err(|error| {
            if errors::is_in_failed_transaction(&error) {
                return Error::not_committed().with_source(error);
            }
            lost(error, Access::Write)
        })
    }

    async fn start(&self, statement: &Statement, watch: &Watch) -> Result<Pin<Box<tokio_postgres::RowStream>>> {
        check_number(statement)?;
        let mut retried = false;
        loop {
            let plan = self.prepare(&statement.sql, retried, watch).await?;
            check_values(statement, &plan)?;
            watch.round_trip();
            match self.client.query_raw(&plan, parameters(statement)).await {
                Ok(rows) => return Ok(Box::pin(rows)),
                // A migration changed the table under a prepared statement. The server refused it before it did
                // anything, so it is prepared anew; inside a transaction the second try says what it is.
                Err(error) if errors::is_stale_plan(&error) && !retried => {
                    retried = true;
                    self.forget(&statement.sql);
                }
                Err(error) => return Err(lost(error, statement.access)),
            }
        }
    }

    pub(super) async fn prepare(&self, sql: &str, again: bool, watch: &Watch) -> Result<tokio_postgres::Statement> {
        if let Some(plan) = self.prepared(sql) {
            return Ok(plan);
        }
        watch.round_trip();
        match self.client.prepare(sql).await {
            Ok(plan) => Ok(self.keep(sql, plan)),
            Err(error) if again && errors::is_in_failed_transaction(&error) => Err(table_changed(error)),
            Err(error) => Err(errors::from_driver(error)),
        }
    }

    fn keep(&self, sql: &str, plan: tokio_postgres::Statement) -> tokio_postgres::Statement {
        let mut cache = self.cache();
        if cache.len() >= PREPARED {
            cache.clear();
        }
        cache.insert(sql.into(), plan.clone());
        plan
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, HashMap<Arc<str>, tokio_postgres::Statement>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Prepared statements, where there are some; whether the server had to be asked for one.
struct Plans {
    all: Vec<Option<tokio_postgres::Statement>>,
    waited: bool,
}

/// Refuses a statement before the server hears of it, which leaves the transaction around it whole.
fn check_number(statement: &Statement) -> Result<()> {
    let given = statement.values.len();
    if given > MOST_VALUES && statement.form != Form::Copy {
        let text = format!("the statement has {given} values, and PostgreSQL takes {MOST_VALUES}");
        return Err(invalid(text));
    }
    Ok(())
}

/// The same for a statement that is prepared.
fn check_values(statement: &Statement, plan: &tokio_postgres::Statement) -> Result<()> {
    let (given, wanted) = (statement.values.len(), plan.params().len());
    if wanted != given {
        let text = format!("the statement takes {wanted} values and was given {given}");
        return Err(Error::new(ErrorKind::Database, text));
    }
    Ok(())
}

fn parameters(statement: &Statement) -> impl ExactSizeIterator<Item = Parameter<'_>> {
    statement.values.iter().map(Parameter)
}

/// A prepared statement does not fit its table any more, and the transaction around it has failed by that.
fn table_changed(error: tokio_postgres::Error) -> Error {
    let text = "a table of the transaction was changed in the meantime; it can be tried again";
    Error::new(ErrorKind::Conflict, text).refused().with_source(error)
}

/// An error, where a connection lost under a statement that writes leaves the outcome unknown.
pub(super) fn lost(error: tokio_postgres::Error, access: Access) -> Error {
    // A refusal by the server is a known outcome also when the server is going away.
    let refused = error.as_db_error().is_some_and(|refusal| !errors::is_outcome_unknown(refusal));
    let error = errors::from_driver(error);
    if access == Access::Write && !refused { error.lost_during_write() } else { error }
}

/// A connection out of the pool. Dropped, it goes back; but one with an unanswered question is closed, and the server
/// is asked to stop: the next caller must not wait for an answer that nobody wants.
#[derive(Debug)]
pub(crate) struct Pooled(
    /// Taken only when it is dropped.
    Option<Object<Manager>>,
);

impl Pooled {
    pub(crate) fn new(connection: Object<Manager>) -> Pooled {
        Pooled(Some(connection))
    }

    /// Closes the connection: its settings and locks end with it.
    pub(crate) fn close(mut self) {
        if let Some(connection) = self.0.take() {
            close(Object::take(connection));
        }
    }
}

impl Deref for Pooled {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0.as_ref().expect("a connection is taken only when it is dropped")
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        match self.0.take() {
            Some(connection) if !connection.is_idle() => close(Object::take(connection)),
            connection => drop(connection),
        }
    }
}

fn close(connection: Connection) {
    // The driver reads the rest of the answers before it closes.
    if !connection.is_idle()
        && let Ok(runtime) = Handle::try_current()
    {
        runtime.spawn(async move {
            let token = connection.client.cancel_token();
            if let Ok(Err(error)) = timeout(CANCEL_TIMEOUT, connection.tls.cancel(&token)).await {
                tracing::debug!(%error, "failed to ask PostgreSQL to stop a statement");
            }
        });
    }
}

/// Rolls back, then gives the connection back. A connection that does not answer is closed instead.
pub(crate) fn roll_back_and_release(connection: Pooled) {
    let runtime = match Handle::try_current() {
        Ok(runtime) if connection.is_idle() => runtime,
        _ => return connection.close(),
    };
    runtime.spawn(async move {
        match timeout(Duration::from_secs(5), connection.batch("ROLLBACK")).await {
            Ok(Ok(())) => drop(connection),
            _ => connection.close(),
        }
    });
}

/// Rows on their way from the server. The connection is given back after the last one.
pub(crate) struct RowStream {
    rows: Pin<Box<tokio_postgres::RowStream>>,
    /// The stream is a question that is answered with its last row.
    connection: Option<Pooled>,
}

impl RowStream {
    /// Gives the stream once the server has taken the statement.
    pub(crate) async fn start(connection: Pooled, statement: &Statement, watch: &Watch) -> Result<RowStream> {
        let rows = connection.answer(connection.start(statement, watch)).await?;
        connection.unanswered.fetch_add(1, Ordering::Relaxed);
        Ok(RowStream { rows, connection: Some(connection) })
    }

    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Row>>> {
        if self.connection.is_none() {
            return Poll::Ready(None);
        }
        let row = std::task::ready!(self.rows.as_mut().poll_next(context));
        if !matches!(row, Some(Ok(_)))
            && let Some(connection) = self.connection.take()
        {
            connection.unanswered.fetch_sub(1, Ordering::Relaxed);
        }
        Poll::Ready(row.map(|row| row.map(Row::postgres).map_err(errors::from_driver)))
    }
}

impl std::fmt::Debug for RowStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowStream").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
