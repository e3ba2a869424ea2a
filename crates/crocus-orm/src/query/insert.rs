//! Inserting many rows, rows of a query, and rows that may be there already.

use sea_query::{InsertStatement, Query};

use super::node::SelectNode;
use super::projection::{Selected, entity};
use super::returning::{self, Outcome};
use super::select::Select;
use super::update::Update;
use crate::engine::Executor;
use crate::expr::node::{Node, Nodes};
use crate::lower::{set_value, table_ref};
use crate::model::{Assignments, Model, NewModel};
use crate::relation::NoObjects;
use crate::statement::{Access, Statement};
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
    source: RowSource,
    conflict: Option<Conflict<M>>,
}

#[derive(Debug, Clone)]
enum RowSource {
    /// What each row brings.
    Values(Vec<Assignments>),
    /// Columns, and the query that gives their values.
    Query(Nodes, Box<SelectNode>),
    /// Why there are none.
    Refused(&'static str),
}

/// What is done about a row that is there already.
#[derive(Debug, Clone)]
struct Conflict<M> {
    /// The columns of the unique constraint; of any constraint when there are none.
    columns: Nodes,
    update: Option<Update<M>>,
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
        Insert { source, conflict: None }
    }

    pub(crate) fn from<C: Selected>(columns: C, query: Select<C::Output>) -> Insert<M> {
        let mut nodes = Nodes::default();
        columns.add(&mut nodes);
        let source = RowSource::Query(nodes, Box::new(query.into_columns()));
        Insert { source, conflict: None }
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
        returning::count::<M>(db, move |dialect| self.statements(dialect, &Nodes::default()))
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
        returning::rows::<M, C>(db, columns, move |dialect, nodes| self.statements(dialect, &nodes))
    }

    fn statements(self, dialect: Dialect, columns: &Nodes) -> Result<Vec<Statement>> {
        returning::check::<M>(columns.0.iter(), &[])?;
        let conflict = self.conflict.map(|conflict| conflict.lower(dialect)).transpose()?;
        let new = || -> Result<InsertStatement> {
            let mut query = Query::insert();
            query.into_table(table_ref(M::TABLE, dialect));
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
                statement.columns(own_columns::<M>(&columns)?);
                statement.select_from(query.build(dialect)?).map_err(|_| {
                    let text = format!("an insert into `{}` gives other columns than it names", M::TABLE.name);
                    Error::new(ErrorKind::InvalidQuery, text)
                })?;
                Ok(vec![Statement::build(dialect, Access::Write, &statement)])
            }
            RowSource::Values(rows) => {
                let mut statements = Vec::new();
                for (indexes, rows) in by_columns(rows) {
                    if indexes.is_empty() {
                        for _ in rows {
                            let mut query = new()?;
                            query.or_default_values();
                            statements.push(Statement::build(dialect, Access::Write, &query));
                        }
                        continue;
                    }
                    let plain = columns.0.is_empty() && conflict.is_none();
                    if dialect == Dialect::Postgres && plain && rows.len() >= COPY {
                        statements.push(copy::<M>(&indexes, rows));
                        continue;
                    }
                    for rows in rows.chunks((VALUES / indexes.len()).clamp(1, ROWS)) {
                        let mut query = new()?;
                        query.columns(indexes.iter().map(|index| M::TABLE.columns[*index].name));
                        for row in rows {
                            query.values_panic(row.iter().map(|(_, value)| sea_query::Expr::val(value.clone())));
                        }
                        let statement = Statement::build(dialect, Access::Write, &query);
                        statements.push(statement.writes(M::TABLE, indexes.clone(), rows.len()));
                    }
                }
                Ok(statements)
            }
        }
    }
}

/// All rows as one copy.
fn copy<M: Model>(indexes: &[usize], rows: Vec<Assignments>) -> Statement {
    let quote = |name: &str| Dialect::Postgres.quote(name);
    let columns: Vec<_> = indexes.iter().map(|index| quote(M::TABLE.columns[*index].name)).collect();
    let columns = columns.join(", ");
    let table = match M::TABLE.schema {
        Some(schema) => format!("{}.{}", quote(schema), quote(M::TABLE.name)),
        None => quote(M::TABLE.name),
    };
    let number = rows.len();
    let values = rows.into_iter().flatten().map(|(_, value)| value).collect();
    let sql = format!("COPY {table} ({columns}) FROM STDIN (FORMAT binary)");
    let probe = format!("SELECT {columns} FROM {table} WHERE FALSE");
    Statement::copy(sql, probe, values).writes(M::TABLE, indexes.to_vec(), number)
}

const OBJECTS: &str = "a reference to an object of a session means nothing outside it";

/// The rows that bring the same columns together: what a row leaves out is the database's to give.
fn by_columns(rows: Vec<Assignments>) -> Vec<(Vec<usize>, Vec<Assignments>)> {
    let mut groups: Vec<(Vec<usize>, Vec<Assignments>)> = Vec::new();
    for row in rows {
        let columns = row.iter().map(|(index, _)| *index);
        match groups.iter_mut().find(|(other, _)| columns.clone().eq(other.iter().copied())) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((columns.collect(), vec![row])),
        }
    }
    groups
}

/// The names of columns of the model.
fn own_columns<M: Model>(nodes: &Nodes) -> Result<Vec<sea_query::Alias>> {
    let name = |node: &Node| match node {
        Node::Column { table, name } if *table == M::TABLE.name => Ok(sea_query::Alias::new(&**name)),
        _ => Err(Error::new(ErrorKind::InvalidQuery, format!("expected a column of `{}`", M::TABLE.name))),
    };
    nodes.0.iter().map(name).collect()
}

impl<M: Model> OnConflict<M> {
    /// Leaves the row that is there as it is.
    pub fn do_nothing(self) -> Insert<M> {
        let conflict = Conflict { columns: self.columns, update: None };
        Insert { conflict: Some(conflict), ..self.insert }
    }

    /// Updates the row that is there. [`excluded`](crate::excluded) is what the insert would have given to a column:
    /// `.do_update(|update| update.set(Car::DOORS, excluded(Car::DOORS)))`.
    pub fn do_update(self, update: impl FnOnce(Update<M>) -> Update<M>) -> Insert<M> {
        let conflict = Conflict { columns: self.columns, update: Some(update(Update::new())) };
        Insert { conflict: Some(conflict), ..self.insert }
    }
}

impl<M: Model> Conflict<M> {
    fn lower(self, dialect: Dialect) -> Result<sea_query::OnConflict> {
        let mut conflict = sea_query::OnConflict::columns(own_columns::<M>(&self.columns)?);
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
