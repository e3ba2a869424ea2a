//! Inserting many rows, rows of a query, and rows that may be there already.

use std::marker::PhantomData;

use sea_query::{InsertStatement, Query};

use super::known;
use super::node::SelectNode;
use super::projection::{Selected, entity};
use super::returning::{self, Outcome};
use super::select::Select;
use super::update::{Update, UpdateNode};
use crate::dialect::postgres::identity;
use crate::engine::Executor;
use crate::expr::node::{Node, Nodes};
use crate::lower::{set_value, table_ref};
use crate::model::{Assignments, Model, NewModel};
use crate::relation::NoObjects;
use crate::statement::{Access, Statement};
use crate::table::{ColumnType, TableDef};
use crate::value::Value;
use crate::{Dialect, Error, ErrorKind, Result};

/// Values in one statement: fewer than SQLite's limit of 32,766 ("Limits in SQLite", 9), half of PostgreSQL's.
const VALUES: usize = 30_000;

/// Rows in one statement. More would make it longer to parse, and not faster.
const ROWS: usize = 1_000;

/// From so many rows on PostgreSQL takes them as a copy, which is several times as fast.
const COPY: usize = 5_000;

/// An insert of many rows, made by [`Model::insert_many`] and [`Model::insert_from`].
///
/// It is one statement for each 1,000 rows (fewer for many columns), and all of them happen together or not at all. On
/// PostgreSQL 5,000 rows and more are one `COPY` where nothing is given back and no conflict expected.
///
/// # Example
/// ```
/// # use crocus_macros::Model;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
/// use crocus_orm::{Engine, Model, Statement, excluded};
///
/// #[derive(Debug, Clone, Model)]
/// # #[model(crate = "crocus_orm")]
/// #[model(table = "stock")]
/// struct Stock {
///     #[model(primary_key)]
///     name: String,
///     amount: i32,
/// }
///
/// # let db = Engine::connect(&"sqlite::memory:".parse()?).await?;
/// # db.execute(Statement::write("CREATE TABLE stock (name TEXT NOT NULL PRIMARY KEY, amount INTEGER NOT NULL)", [])).await?;
/// let delivery = || [("bolts", 5), ("nuts", 7)].map(|(name, amount)| NewStock { name: name.into(), amount });
/// Stock::insert_many(delivery()).execute(&db).await?;
/// let again = Stock::insert_many(delivery())
///     .on_conflict(Stock::NAME)
///     .do_update(|update| update.set(Stock::AMOUNT, Stock::AMOUNT + excluded(Stock::AMOUNT)));
/// assert_eq!(again.returning_columns(Stock::AMOUNT, &db).await?, [10, 14]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "an insert does nothing until it is run, as with `.execute(&db)`"]
pub struct Insert<M> {
    node: InsertNode,
    model: PhantomData<fn() -> M>,
}

/// An insert as a tree, before a dialect is known.
#[derive(Debug, Clone)]
pub(crate) struct InsertNode {
    pub(crate) table: &'static TableDef,
    pub(crate) source: RowSource,
    pub(crate) conflict: Option<Conflict>,
}

#[derive(Debug, Clone)]
pub(crate) enum RowSource {
    /// What each row brings.
    Values(Vec<Assignments>),
    /// Columns, and the query that gives their values.
    Query(Nodes, Box<SelectNode>),
    /// Why there are none.
    Refused(&'static str),
}

/// What is done about a row that is there already.
#[derive(Debug, Clone)]
pub(crate) struct Conflict {
    /// The columns of the unique constraint; of any constraint when there are none.
    pub(crate) columns: Nodes,
    pub(crate) update: Option<UpdateNode>,
}

/// An insert with a unique constraint; made by [`Insert::on_conflict`].
#[derive(Debug, Clone)]
#[must_use = "say what is done instead: `.do_nothing()` or `.do_update(...)`"]
pub struct OnConflict<M> {
    insert: Insert<M>,
    columns: Nodes,
}

impl<M: Model> Insert<M> {
    pub(crate) fn many(rows: impl IntoIterator<Item = M::New>) -> Insert<M> {
        let rows = rows.into_iter().map(|row| row.into_assignments(&NoObjects)).collect::<Result<Vec<_>>>();
        let source = rows.map_or(RowSource::Refused(OBJECTS), RowSource::Values);
        Insert::new(source)
    }

    fn new(source: RowSource) -> Insert<M> {
        Insert { node: InsertNode { table: M::TABLE, source, conflict: None }, model: PhantomData }
    }

    pub(crate) fn from<C: Selected>(columns: C, query: Select<C::Output>) -> Insert<M> {
        let mut nodes = Nodes::default();
        columns.add(&mut nodes);
        Insert::new(RowSource::Query(nodes, Box::new(query.into_columns())))
    }

    /// Says what is done about a row that agrees with one that is there in these columns, which must be those of a unique
    /// constraint or of the primary key.
    pub fn on_conflict(self, columns: impl Selected) -> OnConflict<M> {
        let mut nodes = Nodes::default();
        columns.add(&mut nodes);
        OnConflict { insert: self, columns: nodes }
    }

    /// Runs it, and gives the number of rows inserted or updated.
    ///
    /// # Errors
    /// When the database does not answer, or a constraint does not hold.
    #[track_caller]
    pub fn execute(self, db: &impl Executor) -> impl Future<Output = Result<u64>> + Send {
        returning::count(M::TABLE, db, move |dialect| self.node.statements(dialect, &Nodes::default()))
    }

    /// Runs it, and gives the rows inserted or updated, as they are in the database, in no particular order.
    ///
    /// # Errors
    /// As for [`execute`](Insert::execute), and when a row does not fit the model.
    #[track_caller]
    pub fn returning(self, db: &impl Executor) -> impl Future<Output = Result<Vec<M>>> + Send {
        self.returning_columns(entity::<M>(), db)
    }

    /// Runs it, and gives columns or expressions of the rows inserted or updated, in no particular order.
    ///
    /// # Errors
    /// As for [`execute`](Insert::execute), and when a row does not fit.
    #[track_caller]
    pub fn returning_columns<C: Selected>(
        self,
        columns: C,
        db: &impl Executor,
    ) -> impl Future<Output = Outcome<C>> + Send {
        returning::rows::<M, C>(db, columns, move |dialect, nodes| self.node.statements(dialect, &nodes))
    }
}

impl InsertNode {
    pub(crate) fn statements(self, dialect: Dialect, columns: &Nodes) -> Result<Vec<Statement>> {
        Ok(self.placed(dialect, columns)?.into_iter().map(|(statement, _)| statement).collect())
    }

    /// The statements, each with the places of the rows that it writes among those that are given. One that writes none
    /// gives none back.
    pub(crate) fn placed(self, dialect: Dialect, columns: &Nodes) -> Result<Vec<(Statement, Vec<usize>)>> {
        let table = self.table;
        returning::check(table, columns.0.iter(), &[])?;
        let conditions = self.conflict.iter().filter_map(|conflict| conflict.update.as_ref());
        let hide = conditions.flat_map(|update| &update.filter).any(|node| returning::mentions_secret(node, table));
        let hidden = |statement: Statement| if hide { statement.all_sensitive() } else { statement };
        let conflict = self.conflict.map(|conflict| conflict.lower(table, dialect)).transpose()?;
        let new = || -> Result<InsertStatement> {
            let mut query = Query::insert();
            query.into_table(table_ref(table, dialect));
            if let Some(conflict) = &conflict {
                query.on_conflict(conflict.clone());
            }
            if let Some(clause) = returning::clause(columns, dialect)? {
                query.returning(clause);
            }
            Ok(query)
        };
        match self.source {
            RowSource::Refused(reason) => Err(Error::new(ErrorKind::InvalidValue, reason)),
            RowSource::Query(columns, mut query) => {
                if conflict.is_some() && query.filter.is_empty() {
                    // SQLite would take ON for a join's ("UPSERT", 2.2).
                    query.filter.push(Node::Constant("TRUE"));
                }
                let mut statement = new()?;
                statement.columns(own_columns(table, &columns)?);
                statement.select_from(query.build(dialect)?).map_err(|_| {
                    let text = format!("an insert into `{}` gives other columns than it names", table.name);
                    Error::new(ErrorKind::InvalidQuery, text)
                })?;
                Ok(vec![(hidden(Statement::build(dialect, Access::Write, &statement)), Vec::new())])
            }
            RowSource::Values(rows) => {
                let mut statements = Vec::new();
                if dialect == Dialect::Postgres {
                    statements.extend(identity::moves(table, &rows).map(|moves| (moves, Vec::new())));
                }
                for (indexes, rows) in by_columns(rows) {
                    if indexes.is_empty() {
                        for (place, _) in rows {
                            let mut query = new()?;
                            query.or_default_values();
                            let statement = Statement::build(dialect, Access::Write, &query);
                            statements.push((hidden(statement), vec![place]));
                        }
                        continue;
                    }
                    let plain = columns.0.is_empty() && conflict.is_none();
                    if dialect == Dialect::Postgres && plain && rows.len() >= COPY {
                        let (places, rows) = rows.into_iter().unzip();
                        statements.push((copy(table, &indexes, rows), places));
                        continue;
                    }
                    for rows in rows.chunks((VALUES / indexes.len()).clamp(1, ROWS)) {
                        let build = || {
                            let mut query = new()?;
                            query.columns(indexes.iter().map(|index| table.columns[*index].name));
                            for (_, row) in rows {
                                query.values_panic(row.iter().map(|(_, value)| sea_query::Expr::val(value.clone())));
                            }
                            Ok(Statement::build(dialect, Access::Write, &query))
                        };
                        let statement = match rows {
                            [(_, row)] if conflict.is_none() => {
                                known::write(dialect, |shape| shape.insert(table, row, &columns.0), build)?.of_one_row()
                            }
                            [_] => build()?.of_one_row(),
                            _ => build()?,
                        };
                        let places = rows.iter().map(|(place, _)| *place).collect();
                        statements.push((hidden(statement.writes(table, indexes.clone(), rows.len())), places));
                    }
                }
                Ok(statements)
            }
        }
    }
}

/// All rows as one copy.
fn copy(table: &'static TableDef, indexes: &[usize], rows: Vec<Assignments>) -> Statement {
    let quote = |name: &str| Dialect::Postgres.quote(name);
    let columns: Vec<_> = indexes.iter().map(|index| quote(table.columns[*index].name)).collect();
    let columns = columns.join(", ");
    let name = match table.schema {
        Some(schema) => format!("{}.{}", quote(schema), quote(table.name)),
        None => quote(table.name),
    };
    let number = rows.len();
    let values = rows.into_iter().flatten().map(|(_, value)| value).collect();
    let sql = format!("COPY {name} ({columns}) FROM STDIN (FORMAT binary)");
    let probe = format!("SELECT {columns} FROM {name} WHERE FALSE");
    Statement::copy(sql, probe, values).writes(table, indexes.to_vec(), number)
}

const OBJECTS: &str = "a reference to an object of a session means nothing outside it";

/// Rows that bring the same columns, each with its place among all.
type Alike = (Vec<usize>, Vec<(usize, Assignments)>);

/// The rows that bring the same columns together: what a row leaves out is the database's to give.
fn by_columns(rows: Vec<Assignments>) -> Vec<Alike> {
    let mut groups: Vec<Alike> = Vec::new();
    for (place, row) in rows.into_iter().enumerate() {
        let columns = row.iter().map(|(index, _)| *index);
        match groups.iter_mut().find(|(other, _)| columns.clone().eq(other.iter().copied())) {
            Some((_, rows)) => rows.push((place, row)),
            None => groups.push((columns.collect(), vec![(place, row)])),
        }
    }
    groups
}

/// The version of a row that is new.
pub(crate) fn first_version(ty: ColumnType) -> Value {
    match ty {
        ColumnType::SmallInteger => Value::from(1_i16),
        ColumnType::BigInteger => Value::from(1_i64),
        _ => Value::from(1_i32),
    }
}

/// The names of columns of the table.
fn own_columns(own: &'static TableDef, nodes: &Nodes) -> Result<Vec<sea_query::Alias>> {
    let name = |node: &Node| match node {
        Node::Column { table, name } if *table == own.name => Ok(sea_query::Alias::new(&**name)),
        _ => Err(Error::new(ErrorKind::InvalidQuery, format!("expected a column of `{}`", own.name))),
    };
    nodes.0.iter().map(name).collect()
}

impl<M: Model> OnConflict<M> {
    /// Leaves the row that is there as it is.
    pub fn do_nothing(self) -> Insert<M> {
        self.resolved(None)
    }

    /// Updates the row that is there. [`excluded`](crate::excluded) is what the insert would have given to a column:
    /// `.do_update(|update| update.set(Car::DOORS, excluded(Car::DOORS)))`.
    pub fn do_update(self, update: impl FnOnce(Update<M>) -> Update<M>) -> Insert<M> {
        self.resolved(Some(update(Update::new()).into_node()))
    }

    fn resolved(mut self, update: Option<UpdateNode>) -> Insert<M> {
        self.insert.node.conflict = Some(Conflict { columns: self.columns, update });
        self.insert
    }
}

impl Conflict {
    fn lower(self, table: &'static TableDef, dialect: Dialect) -> Result<sea_query::OnConflict> {
        let mut conflict = sea_query::OnConflict::columns(own_columns(table, &self.columns)?);
        let Some(update) = self.update else {
            conflict.do_nothing();
            return Ok(conflict);
        };
        let (set, filter) = update.checked(&["excluded"])?;
        for (column, node) in &set {
            conflict.value(*column, set_value(node, dialect)?);
        }
        for condition in &filter {
            conflict.action_and_where(condition.lower(dialect)?);
        }
        Ok(conflict)
    }
}
