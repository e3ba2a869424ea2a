//! A statement: SQL text of one dialect with its bound values, and the answer to it.

use std::panic::Location;
use std::sync::Arc;
use std::time::Instant;

use sea_query::{PostgresQueryBuilder, QueryBuilder, QueryStatementWriter, SqliteQueryBuilder};

use crate::table::TableDef;
use crate::value::Value;
use crate::{Dialect, Row};

/// What is shown in the place of a sensitive value.
pub(crate) const REDACTED: &str = "[redacted]";

/// Undoes a transaction, on both dialects.
pub(crate) const ROLLBACK: &str = "ROLLBACK";

/// SQL text with its values, ready to be sent.
#[derive(Debug, Clone)]
pub struct Statement {
    pub(crate) sql: Arc<str>,
    pub(crate) values: Values,
    pub(crate) access: Access,
    pub(crate) form: Form,
    /// What is prepared for a copy: a query that gives the columns, and no rows.
    probe: Option<String>,
    location: Option<&'static Location<'static>>,
    written: Option<Written>,
    pub(crate) share: Share,
}

/// What a statement that stands alone may share with others that are asked at the same time.
#[derive(Debug, Clone, Default)]
pub(crate) enum Share {
    /// Nothing: it was written by hand, or may leave something behind on its connection.
    #[default]
    Nothing,
    /// The connection: it only reads.
    Connection,
    /// Its rows: it only reads, and gives the same to all who ask it at one moment.
    Rows,
    /// The statement: it reads the row with a key.
    Keys(Arc<KeyRead>),
    /// The commit: it writes one row.
    Commit,
}

/// How rows are read by several keys at once.
#[derive(Debug)]
pub(crate) struct KeyRead {
    /// The statement for an array of keys. Its rows have the key after their own columns.
    pub(crate) many: Arc<str>,
    /// What the keys are, as an array.
    pub(crate) array: sea_query::ArrayType,
    /// Where the key is in a row.
    pub(crate) key: usize,
}

/// The columns that a statement's first values are for, row by row.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) table: &'static TableDef,
    /// Indexes into the table's columns.
    pub(crate) columns: Vec<usize>,
    pub(crate) rows: usize,
}

/// The values of a statement. Its `Debug` shows no sensitive one.
#[derive(Clone)]
pub(crate) struct Values {
    all: Vec<Value>,
    sensitive: Vec<usize>,
}

/// Whether a statement changes anything. It decides which connection runs it, and what a lost connection means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// How a statement is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Prepared once on each connection.
    Prepared,
    /// PostgreSQL's COPY of rows in its binary format. `probe` is prepared instead, to know the columns' types.
    Copy,
    /// As text, without values; several may be separated by semicolons. Nobody wants rows of it.
    Text,
    /// The end of a transaction. A connection lost here leaves the outcome unknown.
    Commit,
}

/// What a database answers to a statement.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) rows: Vec<Row>,
    /// How many rows it wrote.
    pub(crate) written: u64,
    /// When it was here, where it came with others.
    pub(crate) arrived: Option<Instant>,
}

/// Takes each row of statements that are run together as it comes, with the statement's index: it can be read while the
/// database works on the next.
pub(crate) type Take<'a> = &'a mut (dyn FnMut(usize, Row) + Send);

/// The error of one among several statements that were run together.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) index: usize,
    pub(crate) error: crate::Error,
}

impl Statement {
    /// A statement that only reads, in the dialect's own SQL: `$1`, `$2`, ... stand for the values on both dialects.
    pub fn read(sql: impl Into<String>, values: impl Into<Vec<Value>>) -> Statement {
        Statement::new(sql.into().into(), values.into(), Access::Read, Form::Prepared)
    }

    /// A statement that writes, in the dialect's own SQL: `$1`, `$2`, ... stand for the values on both dialects.
    pub fn write(sql: impl Into<String>, values: impl Into<Vec<Value>>) -> Statement {
        Statement::new(sql.into().into(), values.into(), Access::Write, Form::Prepared)
    }

    /// Statements that bring no values and whose rows nobody wants. Any of them may write.
    pub(crate) fn text(sql: impl Into<String>) -> Statement {
        Statement::new(sql.into().into(), Vec::new(), Access::Write, Form::Text)
    }

    pub(crate) fn commit() -> Statement {
        Statement::new("COMMIT".into(), Vec::new(), Access::Write, Form::Commit)
    }

    pub(crate) fn build(dialect: Dialect, access: Access, query: &impl QueryStatementWriter) -> Statement {
        let (sql, values) = match dialect {
            Dialect::Sqlite => query.build(SqliteQueryBuilder),
            Dialect::Postgres => query.build(PostgresQueryBuilder),
        };
        let share = if access == Access::Read { Share::Connection } else { Share::Nothing };
        Statement { share, ..Statement::new(sql.into(), values.0, access, Form::Prepared) }
    }

    /// The row with a key, by a statement that was built before.
    pub(crate) fn by_key(sql: Arc<str>, key: Value, read: Option<Arc<KeyRead>>) -> Statement {
        let share = read.map_or(Share::Connection, Share::Keys);
        Statement { share, ..Statement::new(sql, vec![key], Access::Read, Form::Prepared) }
    }

    /// Says that all who ask it at one moment are given the same.
    pub(crate) fn of_same_rows(self) -> Statement {
        Statement { share: Share::Rows, ..self }
    }

    /// Says that it writes one row, and nothing but that.
    pub(crate) fn of_one_row(self) -> Statement {
        Statement { share: Share::Commit, ..self }
    }

    /// A query whose SQL was built before, with other values.
    pub(crate) fn of(access: Access, sql: Arc<str>, values: Vec<Value>) -> Statement {
        let share = if access == Access::Read { Share::Connection } else { Share::Nothing };
        Statement { share, ..Statement::new(sql, values, access, Form::Prepared) }
    }

    /// PostgreSQL's copy of rows, in a transaction. The probe is a query for the same columns.
    pub(crate) fn copy(sql: String, probe: String, values: Vec<Value>) -> Statement {
        Statement { probe: Some(probe), ..Statement::new(sql.into(), values, Access::Write, Form::Copy) }
    }

    /// PostgreSQL's plan for it, in place of its rows.
    pub(crate) fn explained(mut self) -> Statement {
        self.sql = format!("EXPLAIN {}", self.sql).into();
        self.share = Share::Nothing;
        self
    }

    /// The SQL that is prepared for it, if any is.
    pub(crate) fn to_prepare(&self) -> Option<&str> {
        match self.form {
            Form::Prepared => Some(&self.sql),
            Form::Copy => self.probe.as_deref(),
            Form::Text | Form::Commit => None,
        }
    }

    fn new(sql: Arc<str>, values: Vec<Value>, access: Access, form: Form) -> Statement {
        let values = Values { all: values, sensitive: Vec::new() };
        Statement { sql, values, access, form, probe: None, location: None, written: None, share: Share::Nothing }
    }

    /// Says that a value, counted from 0, is nobody's business: it is shown as `[redacted]` in the log, in what is
    /// recorded and in errors.
    #[must_use]
    pub fn sensitive(mut self, index: usize) -> Statement {
        if !self.values.sensitive.contains(&index) {
            self.values.sensitive.push(index);
        }
        self
    }

    /// Says that of all its values.
    pub(crate) fn all_sensitive(mut self) -> Statement {
        self.values.sensitive = (0..self.values.len()).collect();
        self
    }

    /// Says which columns the first values are for, by their indexes in the table: so many rows of them. Those of
    /// sensitive columns are not shown.
    pub(crate) fn writes(mut self, table: &'static TableDef, columns: Vec<usize>, rows: usize) -> Statement {
        if columns.iter().any(|column| table.columns[*column].sensitive) {
            let places =
                (0..rows * columns.len()).filter(|place| table.columns[columns[place % columns.len()]].sensitive);
            self.values.sensitive.extend(places);
        }
        self.written = Some(Written { table, columns, rows });
        self
    }

    /// The columns that its first values are for, where it says so.
    pub(crate) fn written(&self) -> Option<&Written> {
        self.written.as_ref()
    }

    /// The column that a value is for, where the statement says so: ``the column `name` of `cars` ``.
    pub(crate) fn place_of(&self, value: usize) -> Option<String> {
        let Written { table, columns, rows } = self.written.as_ref()?;
        if value >= columns.len() * rows {
            return None;
        }
        let column = &table.columns[columns[value % columns.len()]];
        Some(format!("the column `{}` of `{}`", column.name, table.name))
    }

    /// Says where in the program the statement is from. Without it, it is the place that runs it.
    #[must_use]
    pub fn at(mut self, location: &'static Location<'static>) -> Statement {
        self.location = Some(location);
        self
    }

    /// The same where the place is not known yet.
    pub(crate) fn run_at(mut self, location: &'static Location<'static>) -> Statement {
        self.location.get_or_insert(location);
        self
    }

    /// The SQL text.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// Where in the program the statement is from.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.location
    }
}

impl Values {
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// The values row by row.
    pub(crate) fn chunks(&self, columns: usize) -> std::slice::Chunks<'_, Value> {
        self.all.chunks(columns)
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.all.iter()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Value> {
        self.all.get(index)
    }

    /// The values as they may be seen, in SQL's notation, each in one line.
    pub(crate) fn shown(&self) -> impl Iterator<Item = String> {
        self.all
            .iter()
            .enumerate()
            .map(|(index, value)| if self.sensitive.contains(&index) { REDACTED.to_owned() } else { one_line(value) })
    }

    /// What must not be seen, in the forms in which a database quotes it.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = String> {
        let values = self.sensitive.iter().filter_map(|index| self.all.get(*index));
        // The items of an array are quoted by themselves.
        let items = values.flat_map(|value| match value {
            Value::Array(_, Some(items)) => &items[..],
            value => std::slice::from_ref(value),
        });
        items.filter_map(|value| match value {
            Value::String(text) => text.clone(),
            value => Some(one_line(value).trim_matches('\'').to_owned()),
        })
    }

    pub(crate) fn has_secrets(&self) -> bool {
        !self.sensitive.is_empty()
    }
}

/// A value in SQL's notation. PostgreSQL's has escapes for line ends.
fn one_line(value: &Value) -> String {
    PostgresQueryBuilder.value_to_string(value)
}

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.shown()).finish()
    }
}

impl Answer {
    /// How many rows it gave or wrote.
    pub(crate) fn count(&self) -> u64 {
        if self.rows.is_empty() { self.written } else { self.rows.len() as u64 }
    }
}
