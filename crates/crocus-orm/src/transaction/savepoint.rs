//! Savepoints: parts of a transaction that can be undone alone.

use std::panic::Location;

use crate::{Dialect, Result, Row, Statement, Transaction};

/// A part of a transaction that can be undone alone. Queries take it in the place of an engine.
///
/// It is what a statement that may fail needs: after a failure, only the savepoint has to be rolled back. A savepoint
/// that is dropped without [`release`](Savepoint::release) is rolled back, before the transaction's next statement.
///
/// `SAVEPOINT` and `RELEASE` are sent together with the next statement, and cost no round trip of their own.
///
/// # Example
/// ```
/// # use crocus_macros::Model;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
/// use crocus_orm::{Engine, ErrorKind, Model, Statement};
///
/// #[derive(Debug, Clone, Model)]
/// # #[model(crate = "crocus_orm")]
/// #[model(table = "tags")]
/// struct Tag {
///     #[model(primary_key)]
///     id: i32,
///     #[model(unique)]
///     name: String,
/// }
///
/// # let db = Engine::connect(&"sqlite::memory:".parse()?).await?;
/// # db.execute(Statement::write("CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT UNIQUE)", [])).await?;
/// let mut transaction = db.begin().await?;
/// for name in ["fast", "red", "fast"] {
///     let savepoint = transaction.savepoint().await?;
///     match Tag::insert(&savepoint, NewTag { name: name.into() }).await {
///         Ok(_) => savepoint.release().await?,
///         // It is there already, and that is fine.
///         Err(error) if error.kind() == ErrorKind::UniqueViolation => savepoint.rollback().await?,
///         Err(error) => return Err(error),
///     }
/// }
/// transaction.commit().await?;
/// assert_eq!(Tag::select().count(&db).await?, 2);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Savepoint<'a> {
    pub(crate) transaction: &'a mut Transaction,
    number: u32,
    /// Whether it was released or rolled back.
    closed: bool,
    location: &'static Location<'static>,
}

impl Transaction {
    /// Starts a savepoint. The transaction can be used again when that is over.
    ///
    /// # Errors
    /// When a statement of the transaction has failed.
    #[track_caller]
    pub fn savepoint(&mut self) -> impl Future<Output = Result<Savepoint<'_>>> + Send {
        let location = Location::caller();
        async move {
            let number = self.state().save(location)?;
            Ok(Savepoint { transaction: self, number, closed: false, location })
        }
    }
}

/// Savepoints by their numbers, for a session: it has its transaction itself, and no guard can borrow it.
impl Transaction {
    pub(crate) fn save(&self, at: &'static Location<'static>) -> Result<u32> {
        self.state().save(at)
    }

    pub(crate) fn release(&self, number: u32, at: &'static Location<'static>) -> Result<()> {
        self.state().release(number, at)
    }

    pub(crate) async fn roll_back_to(&self, number: u32, at: &'static Location<'static>) -> Result<()> {
        self.state().roll_back_to(number, at)?;
        self.send_waiting().await
    }

    pub(crate) fn abandon(&self, number: u32, at: &'static Location<'static>) {
        self.state().abandon(number, at);
    }
}

/// A savepoint of a transaction that is only borrowed. Whoever opens it lets nobody else use the transaction meanwhile.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    transaction: &'a Transaction,
    number: u32,
    closed: bool,
    location: &'static Location<'static>,
}

impl<'a> Part<'a> {
    #[track_caller]
    pub(crate) fn open(transaction: &'a Transaction) -> Result<Part<'a>> {
        let location = Location::caller();
        Ok(Part { transaction, number: transaction.save(location)?, closed: false, location })
    }

    /// Keeps what was done in it.
    pub(crate) fn release(mut self) -> Result<()> {
        self.closed = true;
        self.transaction.release(self.number, self.location)
    }

    /// Undoes what was done in it, before the next statement.
    pub(crate) fn roll_back(mut self) -> Result<()> {
        self.closed = true;
        self.transaction.state().roll_back_to(self.number, self.location)
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        if !self.closed {
            self.transaction.abandon(self.number, self.location);
        }
    }
}

impl Savepoint<'_> {
    /// The transaction that it is a part of, for what asks for one: what is done there is done in the savepoint.
    pub fn transaction(&self) -> &Transaction {
        self.transaction
    }

    /// Starts a savepoint in this one.
    ///
    /// # Errors
    /// When a statement of this one has failed.
    #[track_caller]
    pub fn savepoint(&mut self) -> impl Future<Output = Result<Savepoint<'_>>> + Send {
        self.transaction.savepoint()
    }

    /// Keeps what was done; the transaction's commit makes it last.
    ///
    /// # Errors
    /// When a statement in it has failed. It is rolled back then.
    #[track_caller]
    pub fn release(self) -> impl Future<Output = Result<()>> + Send {
        self.release_at(Location::caller())
    }

    async fn release_at(mut self, location: &'static Location<'static>) -> Result<()> {
        self.transaction.state().release(self.number, location)?;
        self.closed = true;
        Ok(())
    }

    /// Undoes what was done since the savepoint; its locks are free then.
    ///
    /// # Errors
    /// When the connection is lost; then the whole transaction is undone.
    #[track_caller]
    pub fn rollback(self) -> impl Future<Output = Result<()>> + Send {
        self.rollback_at(Location::caller())
    }

    async fn rollback_at(mut self, location: &'static Location<'static>) -> Result<()> {
        self.transaction.state().roll_back_to(self.number, location)?;
        self.closed = true;
        self.transaction.send_waiting().await
    }

    /// Which SQL the database speaks.
    pub fn dialect(&self) -> Dialect {
        self.transaction.dialect()
    }

    /// Runs a statement and gives all its rows.
    ///
    /// # Errors
    /// When the database does not answer, or refuses the statement.
    #[track_caller]
    pub fn query(&self, statement: Statement) -> impl Future<Output = Result<Vec<Row>>> + Send {
        self.transaction.query(statement)
    }

    /// Runs a statement and gives the number of rows that it wrote.
    ///
    /// # Errors
    /// When the database does not answer, or refuses the statement.
    #[track_caller]
    pub fn execute(&self, statement: Statement) -> impl Future<Output = Result<u64>> + Send {
        self.transaction.execute(statement)
    }

    /// Runs statements, separated by semicolons, that bring no values.
    ///
    /// # Errors
    /// When the database does not answer, or refuses one of them.
    #[track_caller]
    pub fn batch(&self, sql: &str) -> impl Future<Output = Result<()>> + Send {
        self.transaction.batch(sql)
    }

    /// Runs statements one after the other without waiting for each, as [`Transaction::query_each`] does.
    ///
    /// # Errors
    /// When the database does not answer, or refuses one of them.
    #[track_caller]
    pub fn query_each(&self, statements: Vec<Statement>) -> impl Future<Output = Result<Vec<Vec<Row>>>> + Send {
        self.transaction.query_each(statements)
    }
}

impl Drop for Savepoint<'_> {
    fn drop(&mut self) {
        if !self.closed {
            self.transaction.state().abandon(self.number, self.location);
        }
    }
}
