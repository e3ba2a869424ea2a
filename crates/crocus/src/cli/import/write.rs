//! Writing a batch of rows: together, and where the database refuses that, in halves, until it is known which rows it
//! refuses, and why.

use std::sync::Arc;

use crocus_orm::dynamic::{self, OnConflict};
use crocus_orm::table::Deferrable;
use crocus_orm::{Assignments, Dialect, Error, ErrorKind, Result, Statement, TableDef, Transaction};

use super::batches::Batch;
use super::plan::Plan;

/// How rows are written to a table.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    pub(super) table: &'static TableDef,
    pub(super) plan: &'a Arc<Plan>,
    /// What is done about rows that are there already.
    pub(super) conflict: Option<(Vec<usize>, OnConflict)>,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// How many rows were inserted or updated.
    pub(super) written: u64,
    /// How many were there already, and were left as they are.
    pub(super) left: u64,
    /// The rows that are refused, by their places in the batch and in their order, and why.
    pub(super) rejects: Vec<(usize, String)>,
    /// The first row that is one too many of these, and why. It and all behind it are not written.
    pub(super) stopped: Option<(usize, String)>,
}

/// Brings PostgreSQL's counter up to the largest key, for who inserts a row without one next.
const COUNT_ON: &str = "SELECT setval(s.counter, m.largest) FROM \
                        (SELECT pg_get_serial_sequence($1, $2)::regclass AS counter) s, \
                        (SELECT max({column}) AS largest FROM {table}) m \
                        WHERE s.counter IS NOT NULL AND m.largest > COALESCE(pg_sequence_last_value(s.counter), 0)";

impl Writer<'_> {
    /// Writes the rows of a batch in a transaction. Of rows that are refused, at most so many are passed over.
    pub(super) async fn write(&self, transaction: &mut Transaction, batch: &mut Batch, most: u64) -> Result<Outcome> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let mut outcome = Outcome::default();
        let unread: Vec<usize> = (0..batch.rows.len()).filter(|row| batch.rows[*row].brings.is_err()).collect();
        let readable: Vec<usize> = (0..batch.rows.len()).filter(|row| batch.rows[*row].brings.is_ok()).collect();
        // The place of the first row that may not be written any more, as far as is known.
        let mut end = unread.get(most).copied().unwrap_or(usize::MAX);
        let mut refused: Vec<(usize, String)> = Vec::new();
        let mut parts = vec![(0, readable.len())];
        while let Some((from, to)) = parts.pop() {
            let to = from + readable[from..to].partition_point(|row| *row < end);
            if from == to {
                continue;
            }
            let rows = readable[from..to].iter().map(|row| self.take(batch, *row)).collect::<Result<Vec<_>>>()?;
            match self.insert(transaction, rows).await {
                Ok(written) => {
                    outcome.written += written;
                    outcome.left += ((to - from) as u64).saturating_sub(written);
                }
                Err(error) if !is_about_rows(&error) => return Err(error),
                Err(error) if to - from == 1 => {
                    let row = readable[from];
                    let before = unread.partition_point(|other| *other < row) + refused.len();
                    refused.push((row, error.to_string()));
                    end = if before >= most {
                        row
                    } else {
                        unread.get(most - refused.len()).copied().unwrap_or(usize::MAX)
                    };
                }
                Err(_) => {
                    let middle = from + (to - from) / 2;
                    parts.push((middle, to));
                    parts.push((from, middle));
                }
            }
        }
        let unread = unread.into_iter().filter_map(|row| Some((row, batch.rows[row].brings.as_ref().err()?.clone())));
        let mut rejects: Vec<_> = refused.into_iter().chain(unread).collect();
        rejects.sort_by_key(|(row, _)| *row);
        outcome.stopped = rejects.get(most).cloned();
        rejects.truncate(most);
        outcome.rejects = rejects;
        self.count_on(transaction).await?;
        Ok(outcome)
    }

    /// What a row brings: as it was read, or read again.
    fn take(&self, batch: &mut Batch, row: usize) -> Result<Assignments> {
        match batch.rows[row].brings.as_mut().map(Option::take) {
            Ok(Some(assignments)) => Ok(assignments),
            _ => self.plan.whole_row(batch.raw(row)).map_err(|reason| Error::new(ErrorKind::InvalidValue, reason)),
        }
    }

    /// Inserts rows, all or none, in a savepoint.
    async fn insert(&self, transaction: &mut Transaction, rows: Vec<Assignments>) -> Result<u64> {
        let mut insert = dynamic::insert(self.table, rows);
        if let Some((columns, action)) = &self.conflict {
            insert = insert.on_conflict(columns.clone(), *action);
        }
        let savepoint = transaction.savepoint().await?;
        let mut written = insert.execute(&savepoint).await;
        if written.is_ok() && savepoint.dialect() == Dialect::Postgres && is_deferred(self.table) {
            // What the commit would find, when nobody could say any more which row it is.
            let checked = savepoint.batch("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED").await;
            written = checked.and(written);
        }
        match written {
            Ok(written) => savepoint.release().await.map(|()| written),
            Err(error) if is_about_rows(&error) => savepoint.rollback().await.and(Err(error)),
            Err(error) => Err(error),
        }
    }

    async fn count_on(&self, transaction: &Transaction) -> Result<()> {
        let counted = self.table.columns.iter().enumerate().find(|(_, column)| column.identity);
        let Some((index, column)) = counted.filter(|_| transaction.dialect() == Dialect::Postgres) else {
            return Ok(());
        };
        if !self.plan.may_bring(index) {
            return Ok(());
        }
        let quote = |name: &str| Dialect::Postgres.quote(name);
        let table = match self.table.schema {
            Some(schema) => format!("{}.{}", quote(schema), quote(self.table.name)),
            None => quote(self.table.name),
        };
        let sql = COUNT_ON.replace("{column}", &quote(column.name)).replace("{table}", &table);
        let values = [table.into(), column.name.into()];
        transaction.query(Statement::write(sql, values)).await.map(drop)
    }
}

/// Whether another row in its place might have been taken.
fn is_about_rows(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UniqueViolation
            | ErrorKind::ForeignKeyViolation
            | ErrorKind::NotNullViolation
            | ErrorKind::CheckViolation
            | ErrorKind::InvalidValue
            | ErrorKind::Database
    )
}

/// Whether something of the table is checked at the end of a transaction.
fn is_deferred(table: &TableDef) -> bool {
    let uniques = table.uniques.iter().map(|unique| unique.deferrable);
    uniques.chain(table.foreign_keys.iter().map(|key| key.deferrable)).any(|when| when == Deferrable::Deferred)
}
