//! Reading and inserting one row. Other writing is left to `insert`, `update` and `delete`, and the session's to the
//! session.

use sea_query::Query;

use super::node::SelectNode;
use super::{by_key, known};
use crate::engine::Executor;
use crate::expr::node::{Binary, Node};
use crate::lower::table_ref;
use crate::model::{Model, NewModel};
use crate::relation::NoObjects;
use crate::statement::{Access, Statement};
use crate::{Dialect, Error, ErrorKind, Key, Result};

pub(crate) async fn get<M: Model>(db: &impl Executor, key: M::Key) -> Result<Option<M>> {
    let target = db.target(M::TABLE.bind)?;
    let mut key = key.into_values();
    let rows = match (&key[..], by_key::of_row(M::TABLE, target.dialect())?) {
        ([_], Some(shape)) => target.query(shape.statement(key.remove(0))).await?,
        _ => {
            let mut node = SelectNode::of(M::TABLE);
            let columns = M::TABLE.primary_key().map(|column| Node::column(M::TABLE.name, column.name));
            let conditions = columns.zip(key);
            node.filter.extend(conditions.map(|(column, value)| column.binary(Binary::Eq, Node::Value(value))));
            target.read(&node).await?
        }
    };
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
    let row = new.into_assignments(&NoObjects)?;
    let build = || {
        let mut query = Query::insert();
        query.into_table(table_ref(table, dialect));
        if row.is_empty() {
            query.or_default_values();
        } else {
            query.columns(row.iter().map(|(index, _)| table.columns[*index].name));
            query.values_panic(row.iter().map(|(_, value)| sea_query::Expr::val(value.clone())));
        }
        query.returning(Query::returning().columns(table.columns.iter().map(|column| column.name)));
        Ok(Statement::build(dialect, Access::Write, &query))
    };
    let statement = known::write(dialect, |shape| shape.row(table, &row), build)?;
    Ok(statement.writes(table, row.iter().map(|(index, _)| *index).collect(), 1).of_one_row())
}
