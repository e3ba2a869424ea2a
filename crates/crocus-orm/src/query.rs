//! Queries on models: select, update and delete by filter, get and insert.

use std::marker::PhantomData;

use sea_query::{ExprTrait, Query, SelectStatement};

use crate::engine::{Executor, Target};
use crate::expr::{Column, Expr, IntoOperand, Order};
use crate::model::{Model, NewModel};
use crate::relation::NoObjects;
use crate::row::Rows;
use crate::statement::{Access, Statement};
use crate::value::{ColumnValue, Value};
use crate::{Dialect, Error, ErrorKind, Key, Result};

/// A query for rows of the model `M`, made by [`Model::select`].
///
/// # Example
/// ```
/// # use crocus_macros::Model;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
/// use crocus_orm::{Engine, Model, Statement};
///
/// #[derive(Debug, Clone, Model)]
/// # #[model(crate = "crocus_orm")]
/// #[model(table = "cars")]
/// struct Car {
///     #[model(primary_key)]
///     id: i32,
///     name: String,
///     doors: i32,
/// }
///
/// # let db = Engine::connect(&"sqlite::memory:".parse()?).await?;
/// # let sql = "CREATE TABLE cars (id INTEGER PRIMARY KEY, name TEXT NOT NULL, doors INTEGER NOT NULL)";
/// # db.execute(Statement::write(sql, [])).await?;
/// for (name, doors) in [("Model 3", 4), ("Model S", 5), ("Smart", 2)] {
///     Car::insert(&db, NewCar { name: name.into(), doors }).await?;
/// }
/// let models = Car::select().filter(Car::NAME.like("Model%") & Car::DOORS.ge(4)).order_by(Car::DOORS.desc());
/// let names: Vec<_> = models.limit(20).all(&db).await?.into_iter().map(|car| car.name).collect();
/// assert_eq!(names, ["Model S", "Model 3"]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a query does nothing until it is run, as with `.all(&db)`"]
pub struct Select<M> {
    query: SelectStatement,
    limit: Option<u64>,
    offset: Option<u64>,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> Select<M> {
    pub(crate) fn new() -> Select<M> {
        let mut query = Query::select();
        query.columns(M::TABLE.columns.iter().map(|column| (M::TABLE.name, column.name))).from(M::TABLE.name);
        Select { query, limit: None, offset: None, model: PhantomData }
    }

    /// Keeps the rows for which the condition is true. Several filters must all be true.
    pub fn filter(mut self, condition: Expr<M>) -> Self {
        self.query.and_where(condition.inner);
        self
    }

    /// Orders the rows; a later order decides among rows that are equal in the earlier ones.
    pub fn order_by(mut self, order: Order<M>) -> Self {
        match order.nulls {
            None => self.query.order_by_expr(order.by, order.direction),
            Some(nulls) => self.query.order_by_expr_with_nulls(order.by, order.direction, nulls),
        };
        self
    }

    /// At most so many rows.
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Leaves out so many rows at the start.
    pub fn offset(mut self, rows: u64) -> Self {
        self.offset = Some(rows);
        self
    }

    /// All rows, in memory.
    ///
    /// # Errors
    /// When the database does not answer, or a row does not fit the model.
    pub async fn all(self, db: &impl Executor) -> Result<Vec<M>> {
        let target = db.target();
        let statement = self.statement(target.dialect());
        read_all(target, statement).await
    }

    /// The first row, or none.
    ///
    /// # Errors
    /// When the database does not answer, or the row does not fit the model.
    pub async fn first(self, db: &impl Executor) -> Result<Option<M>> {
        Ok(self.limit(1).all(db).await?.into_iter().next())
    }

    /// The only row, or none.
    ///
    /// # Errors
    /// When there are several ([`ErrorKind::MultipleRows`]), the database does not answer, or the row does not fit
    /// the model.
    pub async fn one_or_none(self, db: &impl Executor) -> Result<Option<M>> {
        let mut rows = self.limit(2).all(db).await?.into_iter();
        match (rows.next(), rows.next()) {
            (row, None) => Ok(row),
            _ => Err(Error::new(ErrorKind::MultipleRows, format!("more than one {} was found", M::noun()))),
        }
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count(self, db: &impl Executor) -> Result<u64> {
        let target = db.target();
        let rows = self.bounded(target.dialect());
        let mut query = Query::select();
        query.expr(sea_query::Func::count(sea_query::Expr::col(sea_query::Asterisk))).from_subquery(rows, "rows");
        let rows = target.query(Statement::build(target.dialect(), Access::Read, &query)).await?;
        let count: i64 = rows.first().map_or(Ok(0), |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// The rows as they arrive. Memory does not grow with their number; a transaction's rows are all read first.
    ///
    /// # Errors
    /// When the database does not answer or refuses the statement. Each row can fail too.
    pub async fn stream(self, db: &impl Executor) -> Result<Rows<M>> {
        let target = db.target();
        let statement = self.statement(target.dialect());
        target.stream(statement).await.map(Rows::new)
    }

    fn bounded(mut self, dialect: Dialect) -> SelectStatement {
        // Both dialects count in 8 bytes with a sign.
        const MOST: u64 = i64::MAX as u64;
        match (self.limit, self.offset, dialect) {
            // SQLite's grammar has OFFSET only after LIMIT ("SELECT", 5).
            (None, Some(_), Dialect::Sqlite) => drop(self.query.limit(MOST)),
            (None, ..) => {}
            (Some(limit), ..) => drop(self.query.limit(Ord::min(limit, MOST))),
        }
        if let Some(offset) = self.offset {
            self.query.offset(Ord::min(offset, MOST));
        }
        self.query
    }

    fn statement(self, dialect: Dialect) -> Statement {
        Statement::build(dialect, Access::Read, &self.bounded(dialect))
    }
}

/// An update of the rows that a filter finds, made by [`Model::update`].
#[derive(Debug, Clone)]
#[must_use = "an update does nothing until it is run with `.execute(&db)`"]
pub struct Update<M> {
    query: sea_query::UpdateStatement,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> Update<M> {
    pub(crate) fn new() -> Update<M> {
        let mut query = Query::update();
        query.table(M::TABLE.name);
        Update { query, model: PhantomData }
    }

    /// Sets a column to a value.
    pub fn set<T: ColumnValue>(mut self, column: Column<M, T>, value: impl IntoOperand<T>) -> Self {
        self.query.value(column.name(), value.into_operand().into_value());
        self
    }

    /// Updates only the rows for which the condition is true.
    pub fn filter(mut self, condition: Expr<M>) -> Self {
        self.query.and_where(condition.inner);
        self
    }

    /// Runs it, and gives the number of rows updated.
    ///
    /// # Errors
    /// When the database does not answer, or a constraint does not hold.
    pub async fn execute(self, db: &impl Executor) -> Result<u64> {
        if self.query.get_values().is_empty() {
            let text = format!("the update of `{}` sets no column", M::TABLE.name);
            return Err(Error::new(ErrorKind::Database, text).with_hint("add a `.set(COLUMN, value)`"));
        }
        let target = db.target();
        let statement = Statement::build(target.dialect(), Access::Write, &self.query);
        target.execute(statement).await.map_err(|error| error.for_table(M::TABLE))
    }
}

/// A deletion of the rows that a filter finds, made by [`Model::delete`].
#[derive(Debug, Clone)]
#[must_use = "a deletion does nothing until it is run with `.execute(&db)`"]
pub struct Delete<M> {
    query: sea_query::DeleteStatement,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> Delete<M> {
    pub(crate) fn new() -> Delete<M> {
        let mut query = Query::delete();
        query.from_table(M::TABLE.name);
        Delete { query, model: PhantomData }
    }

    /// Deletes only the rows for which the condition is true.
    pub fn filter(mut self, condition: Expr<M>) -> Self {
        self.query.and_where(condition.inner);
        self
    }

    /// Runs it, and gives the number of rows deleted.
    ///
    /// # Errors
    /// When the database does not answer, or a foreign key does not hold.
    pub async fn execute(self, db: &impl Executor) -> Result<u64> {
        let target = db.target();
        let statement = Statement::build(target.dialect(), Access::Write, &self.query);
        target.execute(statement).await.map_err(|error| error.for_table(M::TABLE))
    }
}

pub(crate) async fn get<M: Model>(target: Target<'_>, key: M::Key) -> Result<Option<M>> {
    let mut query = Select::<M>::new().query;
    query.and_where(has_key::<M>(key));
    let statement = Statement::build(target.dialect(), Access::Read, &query);
    Ok(read_all(target, statement).await?.into_iter().next())
}

pub(crate) async fn insert<N: NewModel>(target: Target<'_>, new: N) -> Result<N::Model> {
    let statement = insert_statement::<N>(target.dialect(), new)?;
    let rows = target.query(statement).await.map_err(|error| error.for_table(N::Model::TABLE))?;
    inserted(rows)
}

/// The row that an insert gave back.
pub(crate) fn inserted<M: Model>(rows: Vec<crate::Row>) -> Result<M> {
    let row = rows.first().ok_or_else(|| {
        let text =
            format!("the insert into `{}` gave no row back; does a trigger or a rule swallow it?", M::TABLE.name);
        Error::new(ErrorKind::Database, text)
    })?;
    M::from_row(row, 0)
}

/// `INSERT ... RETURNING` all columns.
pub(crate) fn insert_statement<N: NewModel>(dialect: Dialect, new: N) -> Result<Statement> {
    let table = N::Model::TABLE;
    let (columns, values): (Vec<_>, Vec<_>) = new
        .into_assignments(&NoObjects)?
        .into_iter()
        .map(|(index, value)| (table.columns[index].name, sea_query::Expr::val(value)))
        .unzip();
    let mut query = Query::insert();
    query.into_table(table.name);
    if columns.is_empty() {
        query.or_default_values();
    } else {
        query.columns(columns).values_panic(values);
    }
    query.returning(Query::returning().columns(table.columns.iter().map(|column| column.name)));
    Ok(Statement::build(dialect, Access::Write, &query))
}

/// `UPDATE ... RETURNING` all columns, of the changed columns of one row.
pub(crate) fn update_statement<M: Model>(dialect: Dialect, key: M::Key, changes: Vec<(usize, Value)>) -> Statement {
    let mut query = Query::update();
    query.table(M::TABLE.name).and_where(has_key::<M>(key));
    for (index, value) in changes {
        query.value(M::TABLE.columns[index].name, value);
    }
    query.returning(Query::returning().columns(M::TABLE.columns.iter().map(|column| column.name)));
    Statement::build(dialect, Access::Write, &query)
}

/// `DELETE` of one row.
pub(crate) fn delete_statement<M: Model>(dialect: Dialect, key: M::Key) -> Statement {
    let mut query = Query::delete();
    query.from_table(M::TABLE.name).and_where(has_key::<M>(key));
    Statement::build(dialect, Access::Write, &query)
}

fn has_key<M: Model>(key: M::Key) -> sea_query::Expr {
    let mut conditions = M::TABLE
        .primary_key()
        .zip(key.into_values())
        .map(|(column, value)| sea_query::Expr::col((M::TABLE.name, column.name)).eq(sea_query::Expr::val(value)));
    let first = conditions.next().expect("derive(Model) refuses a model without a key");
    conditions.fold(first, |all, condition| all.and(condition))
}

async fn read_all<M: Model>(target: Target<'_>, statement: Statement) -> Result<Vec<M>> {
    let rows = target.query(statement).await?;
    rows.iter().map(|row| M::from_row(row, 0)).collect()
}
