//! Queries in the database's own SQL, with bound values, read into models or columns.

use std::panic::Location;
use std::sync::Arc;

use crate::engine::Executor;
use crate::model::Model;
use crate::row::Row;
use crate::statement::Statement;
use crate::value::{ColumnValue, Value};
use crate::{Error, ErrorKind, Result};

/// A query in SQL; made by [`sql`].
#[derive(Debug, Clone)]
#[must_use = "a query does nothing until it is run, as with `.models::<Car>(&db)`"]
pub struct Sql {
    text: String,
    values: Vec<Value>,
    bind: Option<&'static str>,
    writes: bool,
}

/// A query in the dialect's own SQL, where `$1`, `$2`, ... stand for the values on both dialects.
///
/// # Example
/// ```
/// # use crocus_macros::Model;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
/// use crocus_orm::{Engine, Model, Statement, sql};
///
/// #[derive(Debug, Clone, PartialEq, Model)]
/// # #[model(crate = "crocus_orm")]
/// #[model(table = "cars")]
/// struct Car {
///     #[model(primary_key)]
///     id: i32,
///     doors: i32,
/// }
///
/// # let db = Engine::connect(&"sqlite::memory:".parse()?).await?;
/// # db.execute(Statement::write("CREATE TABLE cars (id INTEGER PRIMARY KEY, doors INTEGER NOT NULL)", [])).await?;
/// Car::insert_many([NewCar { doors: 2 }, NewCar { doors: 4 }]).execute(&db).await?;
/// let family = sql("SELECT * FROM cars WHERE doors >= $1", [4.into()]).models::<Car>(&db).await?;
/// assert_eq!(family, [Car { id: 2, doors: 4 }]);
///
/// let totals: Vec<(i64, i64)> = sql("SELECT count(*), sum(doors) FROM cars", []).columns(&db).await?;
/// assert_eq!(totals, [(2, 6)]);
/// # Ok(()) }
/// ```
pub fn sql(text: impl Into<String>, values: impl Into<Vec<Value>>) -> Sql {
    Sql { text: text.into(), values: values.into(), bind: None, writes: false }
}

/// What a row of a query in SQL can be read as: a value, or a tuple of up to eight, in the order of the columns.
#[diagnostic::on_unimplemented(
    message = "a row cannot be read as `{Self}`",
    label = "neither a type that a column can hold, nor a tuple of up to eight of them"
)]
pub trait FromColumns: Sized {
    /// Reads the row.
    ///
    /// # Errors
    /// When the row has another number of columns, or one of them holds something else.
    fn from_columns(row: &Row) -> Result<Self>;
}

impl<T: ColumnValue> FromColumns for T {
    fn from_columns(row: &Row) -> Result<T> {
        check(row, 1)?;
        row.get(0)
    }
}

macro_rules! tuples {
    ($($type:ident $index:tt),*) => {
        impl<$($type: ColumnValue),*> FromColumns for ($($type,)*) {
            fn from_columns(row: &Row) -> Result<Self> {
                check(row, [$($index),*].len())?;
                Ok(($(row.get::<$type>($index)?,)*))
            }
        }
    };
}

tuples!(A 0);
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

fn check(row: &Row, wanted: usize) -> Result<()> {
    if row.len() == wanted {
        return Ok(());
    }
    let text = format!("the query gives {} columns ({}), and {wanted} are read", row.len(), row.names().join(", "));
    Err(Error::new(ErrorKind::Mismatch, text))
}

impl Sql {
    /// Runs it on a bind; otherwise on the model's, or on the default one.
    pub fn bind(mut self, key: &'static str) -> Sql {
        self.bind = Some(key);
        self
    }

    /// Says that it writes, as `INSERT ... RETURNING` does.
    pub fn writing(mut self) -> Sql {
        self.writes = true;
        self
    }

    /// The rows as models: each column of the table must be among the query's, under its name; others are ignored.
    ///
    /// # Errors
    /// When the database does not answer or refuses the statement, a column is missing, or a row does not fit the model.
    #[track_caller]
    pub fn models<M: Model>(self, db: &impl Executor) -> impl Future<Output = Result<Vec<M>>> + Send {
        let place = Location::caller();
        async move {
            let rows = self.rows(db, M::TABLE.bind, place).await?;
            let Some(first) = rows.first() else { return Ok(Vec::new()) };
            let order: Arc<[usize]> = indexes::<M>(&first.names())?.into();
            rows.into_iter().map(|row| M::from_row(&row.choose(Arc::clone(&order)), 0)).collect()
        }
    }

    /// The rows as values or tuples, in the order of the columns.
    ///
    /// # Errors
    /// When the database does not answer or refuses the statement, or a row does not fit.
    #[track_caller]
    pub fn columns<T: FromColumns>(self, db: &impl Executor) -> impl Future<Output = Result<Vec<T>>> + Send {
        let place = Location::caller();
        async move { self.rows(db, None, place).await?.iter().map(T::from_columns).collect() }
    }

    /// Runs it as a statement that writes, and gives the number of rows written.
    ///
    /// # Errors
    /// When the database does not answer or refuses the statement.
    #[track_caller]
    pub fn execute(self, db: &impl Executor) -> impl Future<Output = Result<u64>> + Send {
        let place = Location::caller();
        async move { db.target(self.bind)?.execute(Statement::write(self.text, self.values).at(place)).await }
    }

    async fn rows(
        self,
        db: &impl Executor,
        bind: Option<&'static str>,
        place: &'static Location<'static>,
    ) -> Result<Vec<Row>> {
        let target = db.target(self.bind.or(bind))?;
        let statement = if self.writes {
            Statement::write(self.text, self.values)
        } else {
            Statement::read(self.text, self.values)
        };
        target.query(statement.at(place)).await
    }
}

/// Where the model's columns stand among these.
fn indexes<M: Model>(names: &[&str]) -> Result<Vec<usize>> {
    let index = |column: &crate::table::ColumnDef| {
        names.iter().position(|name| *name == column.name).ok_or_else(|| {
            let text = format!(
                "the query does not give the column `{}` of `{}`; it gives {}",
                column.name,
                M::TABLE.name,
                names.join(", ")
            );
            Error::new(ErrorKind::Mismatch, text)
                .with_hint(format!("select `{}.*`, or read columns with `.columns(...)`", M::TABLE.name))
        })
    };
    M::TABLE.columns.iter().map(index).collect()
}
