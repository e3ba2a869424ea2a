//! What has to be known of a database before an operation, beyond what the operation says.

use crocus_orm::{Connection, Result, Statement};

use super::ddl::{Current, Plan, plan, qualified, quote};
use super::types::type_name;
use super::{enums, inspect, names};
use crate::compare::renames::words;
use crate::operation::Operation;
use crate::schema::{IndexKey, IndexPart, Schema, TableName, Type};

/// What parts an operation has depends on this, and their statements.
#[derive(Debug, Clone, Default)]
pub(crate) struct Before {
    /// Whether the table was made by the same revision: nobody uses it yet.
    pub(crate) is_new: bool,
    /// Whether the table has partitions: PostgreSQL has no slow way for indexes and foreign keys of those.
    pub(crate) is_partitioned: bool,
    /// The column that is altered.
    pub(crate) column: Option<Current>,
    /// The type that is altered.
    pub(crate) enumeration: enums::Current,
    /// Statements that give what has PostgreSQL's name the one that follows from the operation.
    pub(crate) names: Vec<String>,
}

const IS_PARTITIONED: &str = "SELECT relkind = 'p' FROM pg_catalog.pg_class WHERE oid = to_regclass($1)";

const IS_VALID: &str = "SELECT indisvalid FROM pg_catalog.pg_index WHERE indexrelid = to_regclass($1)";

/// Asks the database. `is_new`: the table was made by the same revision.
pub(crate) async fn ask(connection: &Connection, operation: &Operation, is_new: bool) -> Result<Before> {
    let mut before = Before { is_new, ..Before::default() };
    match operation {
        Operation::AlterColumn { table, column, .. } => {
            before.column = inspect::current(connection, table, &column.name).await?;
        }
        Operation::AlterEnum { values, .. } => before.enumeration = enums::current(connection, &values.name).await?,
        Operation::RenameTable { .. } | Operation::RenameColumn { .. } => {
            before.names = names::ask(connection, operation).await?;
        }
        Operation::CreateIndex { table, concurrently: true, .. }
        | Operation::DropIndex { table, concurrently: true, .. }
        | Operation::CreateUnique { table, .. }
        | Operation::CreatePrimaryKey { table, .. }
        | Operation::CreateForeignKey { table, .. } => {
            let statement = Statement::read(IS_PARTITIONED, [qualified(table).into()]);
            before.is_partitioned = truth(connection, statement).await?.unwrap_or(false);
        }
        _ => {}
    }
    Ok(before)
}

/// What operations have made of a schema, instead of asking. What they do not tell is taken to be the harder case.
pub(crate) fn known(schema: &Schema, operation: &Operation, is_new: bool) -> Before {
    let mut before = Before { is_new, ..Before::default() };
    match operation {
        Operation::AlterColumn { table, column, .. } => {
            let found = schema.table(table).and_then(|table| table.column(&column.name));
            before.column = found.map(|column| Current {
                name: type_name(&column.ty),
                ty: column.ty.clone(),
                collation: column.collation.clone(),
                is_nullable: column.nullable,
                default: column.default.clone(),
                comment: column.comment.clone(),
                is_generated: column.generated.is_some(),
                is_identity: column.identity,
                is_serial: false,
                sequence: None,
            });
        }
        Operation::AlterEnum { values: values_of, .. } => {
            let users = schema.tables.iter().flat_map(|table| {
                let columns = table
                    .columns
                    .iter()
                    .filter(|column| column.ty.as_enum().is_some_and(|found| found.name == values_of.name));
                columns.map(|column| enums::User {
                    table: qualified(&table.name),
                    column: quote(&column.name),
                    is_array: matches!(column.ty, Type::Array(_)),
                    default: column.default.clone(),
                })
            });
            let known = schema.enumeration(&values_of.name).map(|found| found.values.clone());
            let (values, users) = (known.unwrap_or_default(), users.collect());
            before.enumeration = enums::Current { values, users, dependents: dependents(schema, &values_of.name) };
        }
        Operation::RenameTable { .. } | Operation::RenameColumn { .. } => {
            before.names = names::known(schema, operation);
        }
        _ => {}
    }
    before
}

/// What [`enums::current`] asks for, of what operations have made: of a table with the type, all that may compare it.
fn dependents(schema: &Schema, name: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for table in schema.tables.iter().filter(|table| table.has_enum(name)) {
        let columns = table.columns.iter().filter(|column| column.ty.as_enum().is_some_and(|found| found.name == name));
        let columns: Vec<_> = columns.map(|column| column.name.as_str()).collect();
        let compares = |sql: &str| words(sql).any(|word| columns.contains(&word.as_str()));
        let drop =
            |name: &str| Operation::DropConstraint { table: table.name.clone(), name: name.to_owned(), was: None };
        for index in &table.indexes {
            let of_part = |part: &IndexPart| matches!(&part.key, IndexKey::Expression(sql) if compares(sql));
            if index.condition.as_deref().is_some_and(compares) || index.parts.iter().any(of_part) {
                let create =
                    Operation::CreateIndex { table: table.name.clone(), index: index.clone(), concurrently: false };
                let drop = create.reverse().unwrap_or_else(|_| create.clone());
                found.push((statement(&drop), statement(&create)));
            }
        }
        for check in table.checks.iter().filter(|check| compares(&check.expression)) {
            let create = Operation::CreateCheck { table: table.name.clone(), check: check.clone() };
            found.push((statement(&drop(&check.name)), statement(&create)));
        }
        for key in table.foreign_keys.iter().filter(|key| key.columns.iter().any(|it| columns.contains(&it.as_str()))) {
            let create = Operation::CreateForeignKey { table: table.name.clone(), foreign_key: key.clone() };
            found.push((statement(&drop(&key.name)), statement(&create)));
        }
    }
    found
}

/// The one statement of an operation that needs to know nothing.
fn statement(operation: &Operation) -> String {
    match plan(operation) {
        Plan::Statements(statements) => statements.join("; "),
        Plan::AlterColumn { .. } | Plan::AlterEnum(_) => String::new(),
    }
}

/// Whether an index can be used: `Some(false)` for one whose building without a lock has failed, `None` where there is
/// none of this name.
pub(crate) async fn is_valid(connection: &Connection, index: &TableName) -> Result<Option<bool>> {
    truth(connection, Statement::read(IS_VALID, [qualified(index).into()])).await
}

async fn truth(connection: &Connection, statement: Statement) -> Result<Option<bool>> {
    connection.query(statement).await?.first().map(|row| row.get(0)).transpose()
}
