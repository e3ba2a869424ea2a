//! Inserts by a table's description: rows of columns and values, without a model. What a row leaves out is its default,
//! the program's or the database's; the version column is kept here, and never by the caller.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::Input;
use super::write::{TableRow, all_columns};
use crate::engine::Executor;
use crate::expr::IntoExpr;
use crate::expr::node::{Node, Nodes};
use crate::model::Assignments;
use crate::query::insert::{Conflict, InsertNode, RowSource, first_version};
use crate::query::matching::{Told, matched};
use crate::query::returning;
use crate::query::update::UpdateNode;
use crate::row::Row;
use crate::table::TableDef;
use crate::value::{Value, by_type};
use crate::{Error, ErrorKind, Result};

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
    pub(super) table: &'static TableDef,
    pub(super) rows: Vec<Input>,
    pub(super) conflict: Option<(Vec<usize>, OnConflict)>,
    /// What must be true of a row that is there, so that it is updated.
    pub(super) filter: Vec<Node>,
}

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
    DynamicInsert { table, rows: rows.into_iter().map(Into::into).collect(), conflict: None, filter: Vec::new() }
}

impl DynamicInsert {
    /// Says what is done about a row that agrees with one that is there in these columns, which must be those of a
    /// unique constraint or of the primary key.
    pub fn on_conflict(mut self, columns: Vec<usize>, action: OnConflict) -> DynamicInsert {
        self.conflict = Some((columns, action));
        self
    }

    /// Of the rows that are there already, updates only those for which the condition is true before.
    pub fn filter(mut self, condition: impl IntoExpr<bool>) -> DynamicInsert {
        self.filter.push(condition.into_expr().node);
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
    /// the row that is there, or it does not fulfil the condition.
    ///
    /// Rows that come back are told by their key, or by the conflict's columns, or by their values where the database
    /// numbers them. Rows of which some may stay away, and nothing tells which, are sent one by one.
    ///
    /// # Errors
    /// As for [`execute`](DynamicInsert::execute), and when a row does not fit the description or does not come back.
    #[track_caller]
    pub fn returning(self, db: &impl Executor) -> impl Future<Output = Result<Vec<Option<TableRow>>>> + Send {
        let table = self.table;
        let (number, conflict, may_stay_away) = (self.rows.len(), self.conflict.clone(), self.may_stay_away());
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
            if !may_stay_away && all.iter().any(Option::is_none) {
                let text = format!(
                    "the insert into `{}` did not give every row back; does a trigger or a rule swallow it?",
                    table.name
                );
                return Err(Error::new(ErrorKind::Database, text));
            }
            Ok(all)
        }
    }

    /// Whether rows need not come back.
    fn may_stay_away(&self) -> bool {
        matches!(self.conflict, Some((_, OnConflict::Nothing))) || !self.filter.is_empty()
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
        let may_stay_away = self.may_stay_away();
        let DynamicInsert { table, rows, conflict, filter } = self;
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
                && may_stay_away
                && conflict.as_ref().is_some_and(|(columns, _)| {
                    let brought = |column: &usize| row.iter().any(|(given, _)| given == column);
                    columns.is_empty() || !columns.iter().all(brought)
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
            let conflict =
                conflict.as_ref().map(|(columns, action)| resolution(table, columns, *action, &brings, &filter));
            (InsertNode { table, source: RowSource::Values(rows), conflict }, places)
        };
        Ok(groups.into_iter().map(node).collect())
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

/// The rows that agree in these columns with an earlier one, by their places: with that one's.
pub(super) fn twins(columns: &[usize], rows: &[Input]) -> HashMap<usize, usize> {
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
pub(super) fn refused_twins(table: &'static TableDef, columns: &[usize], first: usize, later: usize) -> Error {
    let names: Vec<_> = columns.iter().map(|column| format!("`{}`", table.columns[*column].name)).collect();
    let text = format!(
        "the rows {first} and {later}, counted from 0, have the same {}: they would update one row twice",
        names.join(" and ")
    );
    Error::new(ErrorKind::InvalidValue, text).with_hint("send each row once").with_index(later)
}

/// What is done about a row that is there, where a new one brings these columns.
fn resolution(
    table: &'static TableDef,
    columns: &[usize],
    action: OnConflict,
    brings: &[usize],
    filter: &[Node],
) -> Conflict {
    let name = |column: &usize| table.columns[*column].name;
    let nodes = Nodes(columns.iter().map(|column| Node::column(table.name, name(column))).collect());
    if action == OnConflict::Nothing {
        return Conflict { columns: nodes, update: None };
    }
    let mut update = UpdateNode::new(table);
    update.filter.extend_from_slice(filter);
    let sets = brings.iter().filter(|column| !columns.contains(column) && !table.columns[**column].version);
    update.set.extend(sets.map(|column| (name(column), Node::column("excluded", name(column)))));
    if update.set.is_empty() {
        // The row comes back only when something of it is set.
        update.set.extend(columns.iter().take(1).map(|column| (name(column), Node::column("excluded", name(column)))));
    }
    Conflict { columns: nodes, update: Some(update) }
}
