//! Data migrations in Rust.

use std::sync::Arc;

use super::Operations;
use crate::data::{Data, DataFuture, DataStep, Run};
use crate::operation::Operation;

/// Says of a data migration what undoes it.
#[derive(Debug)]
pub struct DataBuilder<'a> {
    step: &'a mut DataStep,
}

impl Operations {
    /// Runs a data migration in Rust, with the database in a transaction. On PostgreSQL it is one of its own: what comes
    /// before it in the migration is committed first, so that nobody waits for its locks meanwhile.
    ///
    /// It is known by its name. Nothing undoes it, unless [`reverse`](DataBuilder::reverse) says what does.
    ///
    /// # Example
    /// ```
    /// use crocus_migrate::Operations;
    /// use crocus_migrate::prelude::*;
    ///
    /// let mut op = Operations::default();
    /// op.run("fill in titles", |data| {
    ///     Box::pin(async move {
    ///         let rows = data.query(Statement::read("SELECT id, name FROM cars", [])).await?;
    ///         for (at, row) in rows.iter().enumerate() {
    ///             let (id, name) = (row.get::<i32>(0)?, row.get::<String>(1)?);
    ///             let values = [name.trim().to_uppercase().into(), id.into()];
    ///             data.execute(Statement::write("UPDATE cars SET title = $1 WHERE id = $2", values)).await?;
    ///             data.progress(at as u64 + 1, rows.len() as u64);
    ///         }
    ///         Ok(())
    ///     })
    /// });
    /// assert_eq!(op.list()[0].to_string(), "run fill in titles");
    /// ```
    pub fn run(
        &mut self,
        name: &str,
        run: impl for<'a> Fn(Data<'a>) -> DataFuture<'a> + Send + Sync + 'static,
    ) -> DataBuilder<'_> {
        self.data(DataStep::new(name, Run::Once(Arc::new(run))))
    }

    /// Runs a data migration again and again, until it says that it has written no more rows. On PostgreSQL each time is
    /// a transaction of its own: nobody waits for all the rows, and one that was stopped goes on where it was. So each
    /// time has to find by itself what is left to do.
    ///
    /// # Example
    /// ```
    /// use crocus_migrate::Operations;
    /// use crocus_migrate::prelude::*;
    ///
    /// let mut op = Operations::default();
    /// op.run_batches("fill in titles", |data| {
    ///     Box::pin(async move {
    ///         let sql = "UPDATE cars SET title = upper(name)
    ///             WHERE id IN (SELECT id FROM cars WHERE title IS NULL LIMIT 1000)";
    ///         Ok(data.execute(Statement::write(sql, [])).await?)
    ///     })
    /// });
    /// ```
    pub fn run_batches(
        &mut self,
        name: &str,
        run: impl for<'a> Fn(Data<'a>) -> DataFuture<'a, u64> + Send + Sync + 'static,
    ) -> DataBuilder<'_> {
        self.data(DataStep::new(name, Run::Batches(Arc::new(run))))
    }

    fn data(&mut self, step: DataStep) -> DataBuilder<'_> {
        self.list.push(Operation::Run(step));
        match self.list.last_mut() {
            Some(Operation::Run(step)) => DataBuilder { step },
            _ => unreachable!("it was just pushed"),
        }
    }
}

impl DataBuilder<'_> {
    /// What undoes the step, in one transaction.
    pub fn reverse(self, run: impl for<'a> Fn(Data<'a>) -> DataFuture<'a> + Send + Sync + 'static) -> Self {
        self.step.reverse = Some(Run::Once(Arc::new(run)));
        self
    }
}
