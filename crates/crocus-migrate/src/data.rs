//! Data migrations in Rust: a step with a name, and what it may do with the database.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crocus_orm::{Connection, Dialect, Executor, Result, Row, Statement, Target};
use tokio::sync::mpsc::UnboundedSender;

/// What a data step gives: nothing, or why it failed.
pub type DataResult<T = ()> = Result<T, Box<dyn StdError + Send + Sync>>;

/// A data step that runs.
pub type DataFuture<'a, T = ()> = Pin<Box<dyn Future<Output = DataResult<T>> + Send + 'a>>;

type Once = dyn for<'a> Fn(Data<'a>) -> DataFuture<'a> + Send + Sync;
type Batch = dyn for<'a> Fn(Data<'a>) -> DataFuture<'a, u64> + Send + Sync;

/// A data migration in Rust. Two are equal that have the same name.
#[derive(Clone)]
pub struct DataStep {
    /// What it does, in a few words.
    pub name: String,
    pub(crate) run: Run,
    /// What undoes it, where there is something.
    pub(crate) reverse: Option<Run>,
}

/// What a data step calls.
#[derive(Clone)]
pub(crate) enum Run {
    /// Once, in one transaction.
    Once(Arc<Once>),
    /// Again and again, until it has written no more rows.
    Batches(Arc<Batch>),
}

/// The database as a data step sees it: a transaction that is committed when the step has succeeded.
///
/// It takes the place of an engine in queries of models. A model is what it is today: one that later loses the column
/// which a migration writes does not compile there any more; SQL does.
#[derive(Debug, Clone, Copy)]
pub struct Data<'a> {
    connection: &'a Connection,
    progress: &'a UnboundedSender<(u64, u64)>,
}

impl DataStep {
    pub(crate) fn new(name: &str, run: Run) -> DataStep {
        DataStep { name: name.to_owned(), run, reverse: None }
    }

    pub(crate) fn is_batched(&self) -> bool {
        matches!(self.run, Run::Batches(_))
    }

    /// The step that undoes this one.
    pub(crate) fn reversed(&self) -> Option<DataStep> {
        let run = self.reverse.clone()?;
        Some(DataStep { name: format!("undo {}", self.name), run, reverse: None })
    }
}

impl<'a> Data<'a> {
    pub(crate) fn new(connection: &'a Connection, progress: &'a UnboundedSender<(u64, u64)>) -> Data<'a> {
        Data { connection, progress }
    }

    /// The connection, in whose transaction the step is. What begins or ends transactions is not for a step.
    pub fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// Which SQL the database speaks.
    pub fn dialect(&self) -> Dialect {
        self.connection.dialect()
    }

    /// Runs a statement and gives all its rows.
    ///
    /// # Errors
    /// When the database does not answer, or refuses the statement.
    pub async fn query(&self, statement: Statement) -> Result<Vec<Row>> {
        self.connection.query(statement).await
    }

    /// Runs a statement and gives the number of rows that it wrote.
    ///
    /// # Errors
    /// When the database does not answer, or refuses the statement.
    pub async fn execute(&self, statement: Statement) -> Result<u64> {
        self.connection.execute(statement).await
    }

    /// Says how far the step is, of how much: rows, or whatever it counts. It may be said often.
    pub fn progress(&self, done: u64, total: u64) {
        // Nobody listens any more when the step has ended.
        let _ = self.progress.send((done, total));
    }
}

impl Executor for Data<'_> {
    fn target(&self, _: Option<&'static str>) -> Result<Target<'_>> {
        Ok(Target::Connection(self.connection))
    }
}

impl PartialEq for DataStep {
    fn eq(&self, other: &DataStep) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for DataStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataStep").field("name", &self.name).finish_non_exhaustive()
    }
}
