//! Rows as they come from a driver, one by one or as a stream.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;

use crate::dialect::{postgres, sqlite};
use crate::observe::Watch;
use crate::query::shape::Shape;
use crate::statement::Statement;
use crate::table::{ColumnDef, ColumnType};
use crate::value::{FromColumn, Value, by_type, is_null, same};
use crate::{ColumnValue, Error, ErrorKind, Result};

/// A row of a result.
#[derive(Debug)]
pub struct Row(Stored);

#[derive(Debug)]
enum Stored {
    Sqlite {
        names: Arc<[String]>,
        values: Vec<rusqlite::types::Value>,
    },
    Postgres(tokio_postgres::Row),
    /// One that several have asked for.
    PostgresShared(Arc<tokio_postgres::Row>),
    /// The values of a model's columns, as it has them itself.
    Values(&'static [ColumnDef], Vec<Value>),
    /// Some columns of a row, in another order.
    Chosen(Box<Row>, Arc<[usize]>),
}

impl Row {
    pub(crate) fn sqlite(names: Arc<[String]>, values: Vec<rusqlite::types::Value>) -> Row {
        Row(Stored::Sqlite { names, values })
    }

    pub(crate) fn postgres(row: tokio_postgres::Row) -> Row {
        Row(Stored::Postgres(row))
    }

    pub(crate) fn postgres_shared(row: Arc<tokio_postgres::Row>) -> Row {
        Row(Stored::PostgresShared(row))
    }

    /// The same for several, each of whom has it [`again`](Row::again).
    pub(crate) fn shared(self) -> Row {
        match self.0 {
            Stored::Postgres(row) => Row(Stored::PostgresShared(Arc::new(row))),
            other => Row(other),
        }
    }

    /// The row for one more; none where it is not shared.
    pub(crate) fn again(&self) -> Option<Row> {
        match &self.0 {
            Stored::PostgresShared(row) => Some(Row(Stored::PostgresShared(row.clone()))),
            _ => None,
        }
    }

    /// Values as if they were read from these columns.
    pub(crate) fn of(columns: &'static [ColumnDef], values: Vec<Value>) -> Row {
        Row(Stored::Values(columns, values))
    }

    /// The row with these of its columns, in this order.
    pub(crate) fn choose(self, columns: Arc<[usize]>) -> Row {
        Row(Stored::Chosen(Box::new(self), columns))
    }

    /// The names of its columns.
    pub fn names(&self) -> Vec<&str> {
        match &self.0 {
            Stored::Sqlite { names, .. } => names.iter().map(String::as_str).collect(),
            Stored::Postgres(row) => postgres_names(row),
            Stored::PostgresShared(row) => postgres_names(row),
            Stored::Values(columns, _) => columns.iter().map(|column| column.name).collect(),
            Stored::Chosen(row, columns) => {
                let names = row.names();
                columns.iter().map(|column| names[*column]).collect()
            }
        }
    }

    /// The value of the column at `index`, counted from 0.
    ///
    /// # Errors
    /// When there is no such column, or it holds something that `T` cannot.
    pub fn get<T: ColumnValue>(&self, index: usize) -> Result<T> {
        T::from_row(self, index)
    }

    /// The text of the column at `index`, where it is; `None` for NULL.
    pub(crate) fn text(&self, index: usize) -> Result<Option<Cow<'_, str>>> {
        let borrowed = match &self.0 {
            Stored::Sqlite { values, .. } => match values.get(index) {
                Some(rusqlite::types::Value::Text(text)) => Some(Some(text.as_str())),
                Some(rusqlite::types::Value::Null) => Some(None),
                _ => None,
            },
            Stored::Postgres(row) => text_of(row, index),
            Stored::PostgresShared(row) => text_of(row, index),
            _ => None,
        };
        match borrowed {
            Some(text) => Ok(text.map(Cow::Borrowed)),
            // What the column should not hold: it is said there.
            None => Ok(Option::<String>::from_row(self, index)?.map(Cow::Owned)),
        }
    }

    /// Whether the column at `index`, of this type, is known to hold the value. A text is compared where it is.
    pub(crate) fn holds(&self, index: usize, ty: ColumnType, value: &Value) -> bool {
        if let Stored::Postgres(row) = &self.0
            && let Some(holds) = postgres::types::holds(row, index, value)
        {
            return holds;
        }
        match value {
            Value::String(Some(text)) => self.text(index).is_ok_and(|found| found.as_deref() == Some(text)),
            value if is_null(value) => self.is_null(index),
            value => by_type::any(self, index, ty).is_ok_and(|found| same(&found, value)),
        }
    }

    /// The integer at `index`, where the column is of such a type.
    pub(crate) fn integer(&self, index: usize, ty: ColumnType) -> Option<i64> {
        match ty {
            ColumnType::SmallInteger => self.get::<i16>(index).ok().map(i64::from),
            ColumnType::Integer => self.get::<i32>(index).ok().map(i64::from),
            ColumnType::BigInteger => self.get(index).ok(),
            _ => None,
        }
    }

    /// The value of the column at `index`, where its JSON is soon written.
    pub(crate) fn plain(&self, index: usize) -> postgres::types::Plain<'_> {
        let row = match &self.0 {
            Stored::Postgres(row) => row,
            Stored::PostgresShared(row) => &**row,
            _ => return postgres::types::Plain::Other,
        };
        row.try_get(index).unwrap_or(postgres::types::Plain::Other)
    }

    /// How many columns the row has.
    pub fn len(&self) -> usize {
        match &self.0 {
            Stored::Sqlite { values, .. } => values.len(),
            Stored::Postgres(row) => row.len(),
            Stored::PostgresShared(row) => row.len(),
            Stored::Values(_, values) => values.len(),
            Stored::Chosen(_, columns) => columns.len(),
        }
    }

    /// Whether the column at `index` is NULL.
    pub(crate) fn is_null(&self, index: usize) -> bool {
        match &self.0 {
            Stored::Sqlite { values, .. } => matches!(values.get(index), Some(rusqlite::types::Value::Null)),
            Stored::Postgres(row) => postgres::types::is_null(row, index),
            Stored::PostgresShared(row) => postgres::types::is_null(row, index),
            Stored::Values(_, values) => is_null(&values[index]),
            Stored::Chosen(row, columns) => row.is_null(columns[index]),
        }
    }

    /// Whether the row has no column.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn decode<T: FromColumn>(&self, index: usize) -> Result<T> {
        let outside = || {
            let text = format!("the row has {} columns, there is none at index {index}", self.len());
            Error::new(ErrorKind::Mismatch, text)
        };
        let of_postgres = |row| T::from_postgres(row, index).map_err(|cause| postgres::errors::decode_cause(&cause));
        let decoded = match &self.0 {
            Stored::Postgres(row) => of_postgres(row),
            Stored::PostgresShared(row) => of_postgres(row),
            Stored::Sqlite { values, .. } => T::from_sqlite(values.get(index).ok_or_else(outside)?),
            Stored::Values(_, values) => T::from_value(values.get(index).ok_or_else(outside)?),
            Stored::Chosen(row, columns) => return row.decode(*columns.get(index).ok_or_else(outside)?),
        };
        decoded.map_err(|cause| if index < self.len() { self.mismatch(index, cause) } else { outside() })
    }

    /// The error for a column that holds what the model's type cannot.
    pub(crate) fn mismatch(&self, index: usize, cause: impl std::fmt::Display) -> Error {
        let names = self.names();
        let name = names.get(index).copied().unwrap_or("value");
        Error::new(ErrorKind::Mismatch, format!("the column `{name}` does not hold what the model says: {cause}"))
    }
}

/// The text at `index`, or NULL; none where it is something else.
fn text_of(row: &tokio_postgres::Row, index: usize) -> Option<Option<&str>> {
    let text: Option<postgres::types::TextRef> = row.try_get(index).ok()?;
    Some(text.map(|postgres::types::TextRef(text)| text))
}

fn postgres_names(row: &tokio_postgres::Row) -> Vec<&str> {
    row.columns().iter().map(|column| column.name()).collect()
}

/// Rows that arrive as they are read. Memory does not grow with their number, except in a transaction and in a database
/// in memory, where they are all read first.
///
/// It holds a connection until it is read to its end or dropped: a program that holds as many streams as it has
/// connections cannot ask anything else meanwhile.
#[derive(Debug)]
pub struct RowStream {
    source: Source,
    /// For what its errors may show; none where the rows are all here.
    statement: Option<Arc<Statement>>,
    watch: Watch,
    /// How many rows were read.
    read: u64,
}

/// Where the rows of a stream are from.
#[derive(Debug)]
pub(crate) enum Source {
    /// They are all here, and were seen.
    Ready(std::vec::IntoIter<Row>),
    Sqlite(sqlite::connection::RowStream),
    Postgres(Box<postgres::connection::RowStream>),
}

impl RowStream {
    /// The rows of a statement that was started, or its error.
    pub(crate) fn new(source: Result<Source>, statement: Arc<Statement>, watch: Watch) -> Result<RowStream> {
        match source {
            Ok(source) => Ok(RowStream { source, statement: Some(statement), watch, read: 0 }),
            Err(error) => {
                let error = error.redact(&statement);
                watch.failed(0, &error);
                Err(error)
            }
        }
    }

    pub(crate) fn ready(rows: Vec<Row>) -> RowStream {
        RowStream { source: Source::Ready(rows.into_iter()), statement: None, watch: Watch::nobody(), read: 0 }
    }
}

impl Stream for RowStream {
    type Item = Result<Row>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Row>>> {
        let stream = self.get_mut();
        let row = std::task::ready!(match &mut stream.source {
            Source::Ready(rows) => Poll::Ready(rows.next().map(Ok)),
            Source::Sqlite(rows) => rows.poll_next(context),
            Source::Postgres(rows) => rows.poll_next(context),
        });
        let row = row.map(|row| {
            row.map_err(|error| match &stream.statement {
                Some(statement) => error.redact(statement),
                None => error,
            })
        });
        match &row {
            Some(Ok(_)) => stream.read += 1,
            Some(Err(error)) => stream.watch.failed(0, error),
            None => std::mem::replace(&mut stream.watch, Watch::nobody()).answered(0, stream.read),
        }
        Poll::Ready(row)
    }
}

/// The results of a [`Select`](crate::Select) as they arrive.
pub struct Rows<O> {
    rows: RowStream,
    shape: Arc<dyn Shape<O>>,
}

impl<O> Rows<O> {
    pub(crate) fn new(rows: RowStream, shape: Arc<dyn Shape<O>>) -> Rows<O> {
        Rows { rows, shape }
    }
}

impl<O> Stream for Rows<O> {
    type Item = Result<O>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<O>>> {
        let Rows { rows, shape } = self.get_mut();
        Pin::new(rows).poll_next(context).map(|row| row.map(|row| row.and_then(|row| shape.read_one(&row))))
    }
}

impl<O> std::fmt::Debug for Rows<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Rows").field(&self.rows).finish()
    }
}
