//! Reading and inserting one row. Other writing is left to `insert`, `update` and `delete`, and the session's to the
//! session.

use sea_query::Query;

use super::node::SelectNode;
use crate::engine::Executor;
use crate::expr::node::{Binary, Node};
use crate::lower::table_ref;
use crate::model::{Model, NewModel};
use crate::relation::NoObjects;
use crate::statement::{Access, Statement};
use crate::{Dialect, Error, ErrorKind, Key, Result};

pub(crate) async fn get<M: Model>(db: &impl Executor, key: M::Key) -> Result<Option<M>> {
    let mut node = SelectNode::of(M::TABLE);
    let columns: Vec<_> = M::TABLE.primary_key().map(|column| Node::column(M::TABLE.name, column.name)).collect();
    let conditions = columns.into_iter().zip(key.into_values());
    node.filter.extend(conditions.map(|(column, value)| column.binary(Binary::Eq, Node::Value(value))));
    let rows = db.target(M::TABLE.bind)?.read(&node).await?;
    rows.first().map(|row| M::from_row(row, 0)).transpose()
}

pub(crate) async fn insert<N: NewModel>(db: &impl Executor, new: N) -> Result<N::Model> {
    let target = db.target(N::Model::TABLE.bind)?;
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
    let (indexes, values): (Vec<_>, Vec<_>) = new
        .into_assignments(&NoObjects)?
        .into_iter()
        .map(|(index, value)| (index, sea_query::Expr::val(value)))
        .unzip();
    let columns: Vec<_> = indexes.iter().map(|index| table.columns[*index].name).collect();
    let mut query = Query::insert();
    query.into_table(table_ref(table, dialect));
    if columns.is_empty() {
        query.or_default_values();
    } else {
        query.columns(columns).values_panic(values);
    }
    query.returning(Query::returning().columns(table.columns.iter().map(|column| column.name)));
    Ok(Statement::build(dialect, Access::Write, &query).writes(table, indexes, 1).of_one_row())
}
