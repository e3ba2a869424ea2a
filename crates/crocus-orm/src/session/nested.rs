//! Savepoints of a session: a part of its work that can be undone alone, objects included.

use std::ops::{Deref, DerefMut};
use std::panic::Location;

use super::Session;
use crate::{Error, ErrorKind, Result};

/// A part of a [`Session`]'s work that can be undone alone, made by [`Session::begin_nested`]. Everything that a session
/// does can be done through it.
///
/// One that is dropped without [`commit`](Nested::commit) is rolled back.
#[derive(Debug)]
pub struct Nested<'a> {
    session: &'a mut Session,
    /// How many frames there are with its own.
    depth: usize,
    closed: bool,
}

impl Session {
    /// Flushes, and starts a savepoint: [`rollback`](Nested::rollback) on what this gives undoes only what came after.
    ///
    /// # Errors
    /// When the flush fails.
    ///
    /// # Example
    /// ```
    /// # use crocus_macros::Model;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
    /// use crocus_orm::{Engine, Model, Statement};
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
    /// let mut session = db.session();
    /// for name in ["fast", "red", "fast"] {
    ///     let mut nested = session.begin_nested().await?;
    ///     nested.add(NewTag { name: name.into() });
    ///     // A commit that fails rolls the savepoint back: it is there already, and that is fine.
    ///     let _ = nested.commit().await;
    /// }
    /// session.commit().await?;
    /// assert_eq!(Tag::select().count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn begin_nested(&mut self) -> impl Future<Output = Result<Nested<'_>>> + Send {
        let at = Location::caller();
        let flush = async move {
            self.flush().await?;
            let savepoints = self.transactions.iter().map(|(_, transaction)| transaction.save(at));
            let savepoints = savepoints.collect::<Result<_>>()?;
            self.push_frame(savepoints);
            Ok(self)
        };
        async {
            let session: &mut Session = flush.await?;
            let depth = session.frames.len();
            Ok(Nested { session, depth, closed: false })
        }
    }

    /// Undoes the last frame; the transactions are told by `undo`, which is given those that it did not begin.
    fn leave_frame(&mut self) -> Vec<(usize, u32)> {
        let (transactions, savepoints) = self
            .frames
            .last_mut()
            .map(|frame| (frame.transactions, std::mem::take(&mut frame.savepoints)))
            .unwrap_or_default();
        self.undo_frame();
        // Those that began inside are undone as a whole: dropped, they roll back.
        self.transactions.truncate(transactions);
        savepoints.into_iter().enumerate().collect()
    }
}

impl Nested<'_> {
    /// Flushes, and keeps what was done; the session's commit makes it last.
    ///
    /// # Errors
    /// When the flush fails; it is rolled back then, objects included.
    pub async fn commit(mut self) -> Result<()> {
        self.check()?;
        self.session.flush().await?;
        self.closed = true;
        let frame = self.session.frames.last_mut().map(|frame| std::mem::take(&mut frame.savepoints));
        for ((_, transaction), number) in self.session.transactions.iter().zip(frame.unwrap_or_default()) {
            transaction.release(number, Location::caller())?;
        }
        self.session.merge_frame();
        Ok(())
    }

    /// Undoes what was done since the savepoint: the objects are as they were when it started.
    ///
    /// # Errors
    /// When the connection is lost; then the whole transaction is undone.
    pub async fn rollback(mut self) -> Result<()> {
        self.check()?;
        self.closed = true;
        let mut result = Ok(());
        for (index, number) in self.session.leave_frame() {
            let transaction = &self.session.transactions[index].1;
            result = result.and(transaction.roll_back_to(number, Location::caller()).await);
        }
        result
    }

    fn check(&self) -> Result<()> {
        if self.session.frames.len() == self.depth {
            return Ok(());
        }
        let text = "the savepoint is gone: the session was committed or rolled back inside it";
        Err(Error::new(ErrorKind::InvalidQuery, text))
    }
}

impl Drop for Nested<'_> {
    fn drop(&mut self) {
        if self.closed || self.check().is_err() {
            return;
        }
        for (index, number) in self.session.leave_frame() {
            self.session.transactions[index].1.abandon(number, Location::caller());
        }
    }
}

impl Deref for Nested<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.session
    }
}

impl DerefMut for Nested<'_> {
    fn deref_mut(&mut self) -> &mut Session {
        self.session
    }
}
