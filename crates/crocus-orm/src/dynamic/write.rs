//! Writing by a table's description: rows of columns and values, without a model. What a row leaves out is its default,
//! the program's or the database's; the version column is kept here, and never by the caller.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{DynamicColumn, Input};
use crate::engine::Executor;
use crate::expr::node::{Node, Nodes};
use crate::expr::{Expr, IntoExpr};
use crate::model::Assignments;
use crate::query::delete::DeleteNode;
use crate::query::insert::{Conflict, InsertNode, RowSource, first_version};
use crate::query::matching::{Told, matched};
use crate::query::returning;
use crate::query::update::UpdateNode;
use crate::row::Row;
use crate::table::{ColumnDef, TableDef};
use crate::value::{Value, by_type};
use crate::{Error, ErrorKind, Result};

/// A row of a table as the database has it: all columns, in the table's order.
#[derive(Debug)]
pub struct TableRow {
    pub(super) table: &'static TableDef,
    pub(super) row: Row,
}

/// What an insert does about a row that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnConflict {
    /// Leaves it as it is. Of new rows that agree with each other the first is inserted.
    Nothing,
    /// Sets every column that the new row names, but those of the unique constraint, and raises the version.
    Update,
}

/// An insert of rows, made by [`insert`].
#[derive(Debug, Clone)]
#[must_use = "an insert does nothing until it is run, as with `.execute(&db)`"]
pub struct DynamicInsert {
    table: &'static TableDef,
    rows: Vec<Input>,
    conflict: Option<(Vec<usize>, OnConflict)>,
}

/// An update of the rows that a filter finds, made by [`update`]. Without a filter it is of all rows.
#[derive(Debug, Clone)]
#[must_use = "an update does nothing until it is run, as with `.execute(&db)`"]
pub struct DynamicUpdate(UpdateNode);

/// A deletion of the rows that a filter finds, made by [`delete`]. Without a filter it is of all rows.
#[derive(Debug, Clone)]
#[must_use = "a deletion does nothing until it is run, as with `.execute(&db)`"]
pub struct DynamicDelete(DeleteNode);

/// Starts an insert of rows: as few statements as their columns allow, and all of them happen or none.
///
/// # Example
/// ```
/// # use crocus_macros::Model;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use crocus_orm::dynamic::{self, OnConflict, Purpose, Reader};
/// use crocus_orm::{Engine, Model, Statement};
///
/// #[derive(Debug, Clone, PartialEq, Model)]
/// # #[model(crate = "crocus_orm")]
/// #[model(table = "cars")]
/// struct Car {
///     #[model(primary_key)]
///     id: i32,
///     #[model(check = "doors >= 0")]
///     doors: i32,
/// }
///
/// # let db = Engine::connect(&"sqlite::memory:".parse()?).await?;
/// # db.execute(Statement::write("CREATE TABLE cars (id INTEGER PRIMARY KEY, doors INTEGER NOT NULL)", [])).await?;
/// let reader = Reader::new(Car::TABLE);
/// let read = |json: &str| {
///     reader.object(serde_json::from_str(json).unwrap(), Purpose::Insert, &|_| true)
/// };
/// assert_eq!(read(r#"{"doors": -1}"#).unwrap_err()[0].detail, "must be at least 0");
///
/// let rows = [read(r#"{"doors": 4}"#).unwrap(), read(r#"{"id": 1, "doors": 5}"#).unwrap()];
/// let made = dynamic::insert(Car::TABLE, rows).on_conflict(vec![0], OnConflict::Update).returning(&db).await?;
/// let car = made[1].as_ref().unwrap();
/// assert_eq!(Car::from_row(car.row(), 0)?, Car { id: 1, doors: 5 });
/// # Ok(()) }
/// ```
pub fn insert<I: Into<Input>>(table: &'static TableDef, rows: impl IntoIterator<Item = I>) -> DynamicInsert {
    DynamicInsert { table, rows: rows.into_iter().map(Into::into).collect(), conflict: None }
}

/// Starts an update, which raises the version column.
pub fn update(table: &'static TableDef) -> DynamicUpdate {
    DynamicUpdate(UpdateNode::new(table))
}

/// Starts a deletion.
pub fn delete(table: &'static TableDef) -> DynamicDelete {
    DynamicDelete(DeleteNode { table, filter: Vec::new() })
}

/// Whether a row has this primary key: the values of its columns, in the table's order.
pub fn key_equals(table: &'static TableDef, key: &[Value]) -> Expr<bool> {
    let equal = table
        .primary_key()
        .zip(key)
        .map(|(column, value)| DynamicColumn::new(table, column).compare(super::Comparison::Eq, value.clone()).node);
    Expr::new(equal.reduce(Node::and).unwrap_or(Node::Constant("FALSE")))
}

/// Whether a row has one of these primary keys. A statement has room for 30,000 values on both databases.
pub fn by_keys(table: &'static TableDef, keys: &[Vec<Value>]) -> Expr<bool> {
    let mut columns = table.primary_key();
    if let (Some(column), None) = (columns.next(), columns.next()) {
        return DynamicColumn::new(table, column).is_in(keys.iter().flatten().cloned().collect());
    }
    let row = table.primary_key().map(|column| Node::column(table.name, column.name)).collect();
    Expr::new(Node::RowIn { row, list: keys.to_vec() })
}

impl DynamicInsert {
    /// Says what is done about a row that agrees with one that is there in these columns, which must be those of a
    /// unique constraint or of the primary key.
    pub fn on_conflict(mut self, columns: Vec<usize>, action: OnConflict) -> DynamicInsert {
        self.conflict = Some((columns, action));
        self
    }

    /// Runs it, and gives the number of rows inserted or updated.
    ///
    /// # Errors
    /// When the database does not answer, a constraint does not hold, or two rows would update the same one.
    #[track_caller]
    pub fn execute(self, db: &impl Executor) -> impl Future<Output = Result<u64>> + Send {
        returning::count(self.table, db, move |dialect| {
            let groups = self.groups(false)?;
            let statements = groups.into_iter().map(|(node, _)| node.statements(dialect, &Nodes::default()));
            Ok(statements.collect::<Result<Vec<_>>>()?.concat())
        })
    }

    /// Runs it, and gives for each row, in their order, what the database has of it then: none where a conflict has left
    /// the row that is there.
    ///
    /// Rows that come back are told by their key, or by the conflict's columns, or by their values where the database
    /// numbers them. Rows of which some may stay away, and nothing tells which, are sent one by one.
    ///
    /// # Errors
    /// As for [`execute`](DynamicInsert::execute), and when a row does not fit the description or does not come back.
    #[track_caller]
    pub fn returning(self, db: &impl Executor) -> impl Future<Output = Result<Vec<Option<TableRow>>>> + Send {
        let table = self.table;
        let (number, conflict) = (self.rows.len(), self.conflict.clone());
        let target = db.target(table.bind).map(|target| target.dialect());
        let planned = target.and_then(|dialect| self.planned(dialect));
        let (statements, sent) = match planned {
            Ok(planned) => (Ok(planned.0), planned.1),
            Err(error) => (Err(error), Vec::new()),
        };
        let rows = returning::each(table, db, move |_| statements);
        async move {
            let mut all: Vec<Option<TableRow>> = (0..number).map(|_| None).collect();
            for (rows, sent) in rows.await?.into_iter().zip(sent) {
                for (place, row) in sent.matched(table, conflict.as_ref(), rows)? {
                    all[place] = row;
                }
            }
            let must_come_back = !matches!(conflict, Some((_, OnConflict::Nothing)));
            if must_come_back && all.iter().any(Option::is_none) {
                let text = format!(
                    "the insert into `{}` did not give every row back; does a trigger or a rule swallow it?",
                    table.name
                );
                return Err(Error::new(ErrorKind::Database, text));
            }
            Ok(all)
        }
    }

    /// The statements, and what each sends.
    fn planned(self, dialect: crate::Dialect) -> Result<(Vec<crate::Statement>, Vec<Sent>)> {
        let columns = all_columns(self.table);
        let mut planned = (Vec::new(), Vec::new());
        for (node, places) in self.groups(true)? {
            let RowSource::Values(rows) = &node.source else { continue };
            let rows = rows.clone();
            for (statement, of) in node.placed(dialect, &columns)? {
                planned.0.push(statement);
                planned.1.push(Sent(of.into_iter().map(|at| (places[at], rows[at].clone())).collect()));
            }
        }
        Ok(planned)
    }

    /// The rows that are written alike, with their places among all. With `told`, those that are given back can be told
    /// from each other.
    fn groups(self, told: bool) -> Result<Vec<(InsertNode, Vec<usize>)>> {
        let DynamicInsert { table, rows, conflict } = self;
        let twins = match &conflict {
            Some((columns, _)) => twins(columns, &rows),
            None => HashMap::new(),
        };
        if let Some((columns, OnConflict::Update)) = &conflict
            && let Some((later, first)) = twins.iter().min()
        {
            return Err(refused_twins(table, columns, *first, *later));
        }
        let mut groups: Vec<(Vec<usize>, Vec<usize>, Vec<Assignments>)> = Vec::new();
        for (place, row) in rows.into_iter().enumerate() {
            // Rows are not sent in their order: which of two that agree comes first, is said here.
            if twins.contains_key(&place) {
                continue;
            }
            let brings = row.columns();
            let row = completed(table, row.assignments);
            // Where a row may stay away, only the conflict's columns tell which.
            let alone = told
                && conflict.as_ref().is_some_and(|(columns, action)| {
                    let brought = |column: &usize| row.iter().any(|(given, _)| given == column);
                    *action == OnConflict::Nothing && (columns.is_empty() || !columns.iter().all(brought))
                });
            match groups.iter_mut().find(|(alike, ..)| conflict.is_none() || (!alone && *alike == brings)) {
                Some((_, places, rows)) => {
                    places.push(place);
                    rows.push(row);
                }
                None => groups.push((brings, vec![place], vec![row])),
            }
        }
        let node = |(brings, places, rows): (Vec<usize>, Vec<usize>, Vec<Assignments>)| {
            let conflict = conflict.as_ref().map(|(columns, action)| resolution(table, columns, *action, &brings));
            (InsertNode { table, source: RowSource::Values(rows), conflict }, places)
        };
        Ok(groups.into_iter().map(node).collect())
    }
}

impl DynamicUpdate {
    /// Sets columns to values, and others to their defaults.
    pub fn set(mut self, input: impl Into<Input>) -> DynamicUpdate {
        let Input { assignments, mut defaults } = input.into();
        defaults.retain(|column| assignments.iter().all(|(assigned, _)| assigned != column));
        let table = self.0.table;
        let values = assignments.into_iter().map(|(column, value)| {
            let column = &table.columns[column];
            (column.name, Node::Bound { value, ty: column.ty })
        });
        let defaults = defaults.into_iter().map(|column| (table.columns[column].name, default(&table.columns[column])));
        self.0.set.extend(values.chain(defaults));
        self
    }

    /// Updates only the rows for which the condition is true.
    pub fn filter(mut self, condition: impl IntoExpr<bool>) -> DynamicUpdate {
        self.0.filter.push(condition.into_expr().node);
        self
    }

    /// Runs it, and gives the number of rows updated.
    ///
    /// # Errors
    /// When it sets no column, the database does not answer, or a constraint does not hold.
    #[track_caller]
    pub fn execute(self, db: &impl Executor) -> impl Future<Output = Result<u64>> + Send {
        returning::count(self.0.table, db, move |dialect| Ok(vec![self.0.statement(dialect, Nodes::default())?]))
    }

    /// Runs it, and gives the rows as they are then, in no particular order.
    ///
    /// # Errors
    /// As for [`execute`](DynamicUpdate::execute).
    #[track_caller]
    pub fn returning(self, db: &impl Executor) -> impl Future<Output = Result<Vec<TableRow>>> + Send {
        let table = self.0.table;
        rows_of(
            table,
            returning::each(table, db, move |dialect| Ok(vec![self.0.statement(dialect, all_columns(table))?])),
        )
    }
}

impl DynamicDelete {
    /// Deletes only the rows for which the condition is true.
    pub fn filter(mut self, condition: impl IntoExpr<bool>) -> DynamicDelete {
        self.0.filter.push(condition.into_expr().node);
        self
    }

    /// Runs it, and gives the number of rows deleted.
    ///
    /// # Errors
    /// When the database does not answer, or a foreign key does not hold.
    #[track_caller]
    pub fn execute(self, db: &impl Executor) -> impl Future<Output = Result<u64>> + Send {
        returning::count(self.0.table, db, move |dialect| Ok(vec![self.0.statement(dialect, Nodes::default())?]))
    }

    /// Runs it, and gives the rows as they were, in no particular order.
    ///
    /// # Errors
    /// As for [`execute`](DynamicDelete::execute).
    #[track_caller]
    pub fn returning(self, db: &impl Executor) -> impl Future<Output = Result<Vec<TableRow>>> + Send {
        let table = self.0.table;
        rows_of(
            table,
            returning::each(table, db, move |dialect| Ok(vec![self.0.statement(dialect, all_columns(table))?])),
        )
    }
}

impl TableRow {
    /// The primary key: the values of its columns, in the table's order.
    ///
    /// # Errors
    /// When a column holds something that the description does not say.
    pub fn key(&self) -> Result<Vec<Value>> {
        self.table.key_indexes().map(|column| self.value(column)).collect()
    }

    /// The value of a column, by its index in the table.
    ///
    /// # Errors
    /// When the column holds something that the description does not say.
    pub fn value(&self, column: usize) -> Result<Value> {
        by_type::any(&self.row, column, self.table.columns[column].ty)
    }

    /// A JSON object of these columns, by their indexes in the table, each under its name; UTF-8.
    ///
    /// # Errors
    /// When a column holds something that the description does not say.
    pub fn json(&self, columns: &[usize]) -> Result<Vec<u8>> {
        let members = columns.iter().map(|column| {
            let ColumnDef { name, ty, .. } = self.table.columns[*column];
            Ok((name.to_owned(), by_type::json(&self.row, *column, ty)?))
        });
        let mut text = vec![b'{'];
        for (index, member) in members.enumerate() {
            let (name, value) = member?;
            if index > 0 {
                text.push(b',');
            }
            text.extend_from_slice(format!("{}:{value}", serde_json::Value::String(name)).as_bytes());
        }
        text.push(b'}');
        Ok(text)
    }

    /// The row itself, from whose index 0 on a model is read: `Car::from_row(row.row(), 0)`.
    pub fn row(&self) -> &Row {
        &self.row
    }

    /// The row itself.
    pub fn into_row(self) -> Row {
        self.row
    }
}

/// The rows that a statement sends, with their places among all.
struct Sent(Vec<(usize, Assignments)>);

impl Sent {
    /// Each row with the one that came back for it.
    fn matched(
        self,
        table: &'static TableDef,
        conflict: Option<&(Vec<usize>, OnConflict)>,
        rows: Vec<Row>,
    ) -> Result<Vec<(usize, Option<TableRow>)>> {
        let of_table = |row| TableRow { table, row };
        if let [(place, _)] = self.0[..] {
            return Ok(vec![(place, rows.into_iter().next().map(of_table))]);
        }
        let read = |row: Row| {
            let row = of_table(row);
            let values = (0..table.columns.len()).map(|column| row.value(column)).collect::<Result<Vec<_>>>()?;
            Ok((row, values))
        };
        let rows = rows.into_iter().map(read).collect::<Result<Vec<_>>>()?;
        let key = match conflict {
            Some((columns, _)) if !columns.is_empty() => columns.clone(),
            _ => table.key_indexes().collect(),
        };
        let written = self.0.first().map(|(_, row)| row.iter().map(|(column, _)| *column).collect());
        let told = Told { key, written: written.unwrap_or_default() };
        let matched = matched(told, &self.0, sent_value, rows, |(_, values)| values);
        Ok(self.0.iter().zip(matched).map(|((place, _), row)| (*place, row.map(|(row, _)| row))).collect())
    }
}

async fn rows_of(
    table: &'static TableDef,
    rows: impl Future<Output = Result<Vec<Vec<Row>>>> + Send,
) -> Result<Vec<TableRow>> {
    Ok(rows.await?.into_iter().flatten().map(|row| TableRow { table, row }).collect())
}

fn all_columns(table: &'static TableDef) -> Nodes {
    Nodes(table.columns.iter().map(|column| Node::column(table.name, column.name)).collect())
}

/// A new row with what the program makes: the values of functions, and the first version. In the order of the columns.
fn completed(table: &'static TableDef, mut row: Assignments) -> Assignments {
    for (index, column) in table.columns.iter().enumerate() {
        if row.iter().any(|(given, _)| *given == index) {
            continue;
        }
        match column.default_with {
            Some(make) => row.push((index, (make.0)())),
            None if column.version => row.push((index, first_version(column.ty))),
            None => {}
        }
    }
    row.sort_by_key(|(index, _)| *index);
    row
}

fn sent_value((_, row): &(usize, Assignments), column: usize) -> Option<&Value> {
    row.iter().find(|(other, _)| *other == column).map(|(_, value)| value)
}

/// What a column is set to where an update gives it its default.
fn default(column: &'static ColumnDef) -> Node {
    match (column.default_with, column.default) {
        (Some(make), _) => Node::Bound { value: (make.0)(), ty: column.ty },
        (None, Some(sql)) => Node::Constant(sql),
        (None, None) => Node::Constant("NULL"),
    }
}

/// The rows that agree in these columns with an earlier one, by their places: with that one's.
fn twins(columns: &[usize], rows: &[Input]) -> HashMap<usize, usize> {
    let mut first: HashMap<String, usize> = HashMap::new();
    let mut twins = HashMap::new();
    for (place, row) in rows.iter().enumerate() {
        let value = |column: &usize| row.assignments.iter().find(|(given, _)| given == column).map(|(_, value)| value);
        // A row with a NULL or a default there agrees with none.
        let key: Option<Vec<_>> =
            columns.iter().map(|column| value(column).filter(|value| !by_type::is_null(value))).collect();
        match key.filter(|key| !key.is_empty()).map(|key| first.entry(format!("{key:?}"))) {
            Some(Entry::Occupied(first)) => drop(twins.insert(place, *first.get())),
            Some(Entry::Vacant(entry)) => drop(entry.insert(place)),
            None => {}
        }
    }
    twins
}

/// PostgreSQL refuses two rows that update the same one, in words that name neither; SQLite would update it twice.
fn refused_twins(table: &'static TableDef, columns: &[usize], first: usize, later: usize) -> Error {
    let names: Vec<_> = columns.iter().map(|column| format!("`{}`", table.columns[*column].name)).collect();
    let text = format!(
        "the rows {first} and {later}, counted from 0, have the same {}: they would update one row twice",
        names.join(" and ")
    );
    Error::new(ErrorKind::InvalidValue, text).with_hint("send each row once").with_index(later)
}

/// What is done about a row that is there, where a new one brings these columns.
fn resolution(table: &'static TableDef, columns: &[usize], action: OnConflict, brings: &[usize]) -> Conflict {
    let name = |column: &usize| table.columns[*column].name;
    let nodes = Nodes(columns.iter().map(|column| Node::column(table.name, name(column))).collect());
    if action == OnConflict::Nothing {
        return Conflict { columns: nodes, update: None };
    }
    let mut update = UpdateNode::new(table);
    let sets = brings.iter().filter(|column| !columns.contains(column) && !table.columns[**column].version);
    update.set.extend(sets.map(|column| (name(column), Node::column("excluded", name(column)))));
    if update.set.is_empty() {
        // The row comes back only when something of it is set.
        update.set.extend(columns.iter().take(1).map(|column| (name(column), Node::column("excluded", name(column)))));
    }
    Conflict { columns: nodes, update: Some(update) }
}
