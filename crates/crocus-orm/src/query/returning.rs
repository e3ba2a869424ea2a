//! What updates, deletions and inserts have in common: running them, what they give back, what they refuse.

use std::panic::Location;

use sea_query::{Query, ReturningClause};

use super::projection::Selected;
use crate::engine::{Executor, Target};
use crate::expr::node::{Node, Nodes};
use crate::model::Model;
use crate::row::Row;
use crate::statement::{Form, Statement};
use crate::table::TableDef;
use crate::{Dialect, Error, Result};

/// What is given for each row.
pub(super) type Outcome<C> = Result<Vec<<C as Selected>::Output>>;

/// Runs statements, all or none, and gives the number of rows written.
#[track_caller]
pub(crate) fn count(
    table: &'static TableDef,
    db: &impl Executor,
    statements: impl FnOnce(Dialect) -> Result<Vec<Statement>> + Send,
) -> impl Future<Output = Result<u64>> + Send {
    let place = Location::caller();
    async move {
        let target = db.target(table.bind)?;
        let statements: Vec<_> =
            statements(target.dialect())?.into_iter().map(|statement| statement.at(place)).collect();
        let alone = matches!(&statements[..], [only] if only.form == Form::Prepared);
        let written = match target {
            _ if statements.is_empty() => Ok(0),
            Target::Engine(engine) if !alone => {
                let transaction = engine.begin().await?;
                match execute(Target::Transaction(&transaction), statements).await {
                    Ok(written) => transaction.commit().await.map(|()| written),
                    Err(error) => Err(error),
                }
            }
            target => execute(target, statements).await,
        };
        written.map_err(|error| error.for_table(table))
    }
}

async fn execute(target: Target<'_>, statements: Vec<Statement>) -> Result<u64> {
    let mut written = 0;
    for statement in statements {
        written += target.execute(statement).await?;
    }
    Ok(written)
}

/// Runs statements, all or none, and reads what they give back.
#[track_caller]
pub(super) fn rows<M: Model, C: Selected>(
    db: &impl Executor,
    columns: C,
    statements: impl FnOnce(Dialect, Nodes) -> Result<Vec<Statement>> + Send,
) -> impl Future<Output = Outcome<C>> + Send {
    let mut nodes = Nodes::default();
    let read = columns.add(&mut nodes);
    let rows = each(M::TABLE, db, move |dialect| statements(dialect, nodes));
    async move { rows.await?.iter().flatten().map(|row| read(row)).collect() }
}

/// Runs statements, all or none, and gives the rows of each.
#[track_caller]
pub(crate) fn each(
    table: &'static TableDef,
    db: &impl Executor,
    statements: impl FnOnce(Dialect) -> Result<Vec<Statement>> + Send,
) -> impl Future<Output = Result<Vec<Vec<Row>>>> + Send {
    let place = Location::caller();
    async move {
        let target = db.target(table.bind)?;
        let statements = statements(target.dialect())?;
        let mut statements: Vec<_> = statements.into_iter().map(|statement| statement.at(place)).collect();
        let rows = match (statements.len(), statements.pop()) {
            (1, Some(statement)) => target.query(statement).await.map(|rows| vec![rows]),
            (_, Some(statement)) => {
                statements.push(statement);
                target.query_each(statements).await
            }
            (_, None) => Ok(Vec::new()),
        };
        rows.map_err(|error| error.for_table(table))
    }
}

/// `RETURNING ...`, where something is given back.
pub(super) fn clause(columns: &Nodes, dialect: Dialect) -> Result<Option<ReturningClause>> {
    if columns.0.is_empty() {
        return Ok(None);
    }
    let exprs = columns.0.iter().map(|node| node.lower(dialect)).collect::<Result<Vec<_>>>()?;
    Ok(Some(Query::returning().exprs(exprs)))
}

/// Refuses the columns of tables that are neither this one nor these.
pub(super) fn check<'a>(own: &'static TableDef, nodes: impl Iterator<Item = &'a Node>, others: &[&str]) -> Result<()> {
    let mut missing = None;
    for node in nodes {
        node.tables(&mut |table, column| {
            if table != own.name && !others.contains(&table) {
                missing.get_or_insert((table, column));
            }
        });
    }
    match missing {
        Some((table, column)) => Err(Error::not_joined(table, column)),
        None => Ok(()),
    }
}

/// The statement with what is known of its values: which columns the first of them are for, and whether any must not be
/// shown.
pub(super) fn guarded(
    statement: Statement,
    table: &'static TableDef,
    set: &[(&'static str, Node)],
    filter: &[Node],
    written: Option<Vec<usize>>,
) -> Statement {
    let secret = |name: &str| table.column(name).is_some_and(|column| column.sensitive);
    let plain = |node: &Node| written.is_some() && matches!(node, Node::Bound { .. });
    // In which place the values of an expression are is not known: none is shown.
    let hide = set.iter().any(|(name, node)| secret(name) && !plain(node))
        || set.iter().map(|(_, node)| node).chain(filter).any(|node| mentions_secret(node, table));
    let statement = match written {
        Some(columns) => statement.writes(table, columns, 1),
        None => statement,
    };
    if hide { statement.all_sensitive() } else { statement }
}

/// Whether a sensitive column of the table, or of a query inside, stands in the expression.
pub(super) fn mentions_secret(node: &Node, table: &'static TableDef) -> bool {
    let mut found = false;
    node.tables(&mut |name, column| {
        found |= name == table.name && table.column(column).is_some_and(|column| column.sensitive);
    });
    node.queries(&mut |query| found |= query.has_secret());
    found
}
