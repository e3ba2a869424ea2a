//! Making a table anew with an edited definition, where `ALTER TABLE` cannot: SQLite's own procedure ("ALTER TABLE",
//! 8). Rows, rowids of identity columns, indexes and triggers are kept; foreign keys are off while it runs.

use super::ddl::{literal, quote};
use super::table_sql::{Clause, ColumnSql, TableSql};
use super::tokens::has_word;

/// What is changed in a table's definition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Edit {
    AddColumn { name: String, clause: String },
    DropColumn { name: String },
    AlterColumn { name: String, clause: String, is_generated: bool },
    AddConstraint { name: String, clause: String },
    DropConstraint { name: String },
    RenameConstraint { name: String, new_name: String },
    AddPrimaryKey { clause: String },
    DropPrimaryKey,
}

/// What SQLite has stored of a table.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) name: String,
    /// The `CREATE TABLE` statement.
    pub(crate) sql: String,
    /// The columns that hold values: not the generated ones.
    pub(crate) columns: Vec<String>,
    /// The statements of its indexes and triggers.
    pub(crate) dependents: Vec<String>,
}

/// The statements that rebuild the table. Those of its dependents follow them.
pub(crate) fn statements(stored: &Stored, edit: &Edit) -> Result<Vec<String>, String> {
    let mut table = TableSql::parse(&stored.sql)
        .ok_or_else(|| format!("the definition of `{}` cannot be edited: {}", stored.name, stored.sql))?;
    apply(&mut table, edit, &stored.name)?;
    let (old, new) = (quote(&stored.name), quote(&new_name(&stored.name)));
    // What is computed is not copied, what is computed no more is.
    let mut kept: Vec<_> = stored.columns.clone();
    match edit {
        Edit::DropColumn { name } | Edit::AlterColumn { name, is_generated: true, .. } => {
            kept.retain(|column| !name.eq_ignore_ascii_case(column));
        }
        Edit::AlterColumn { name, .. } if !kept.iter().any(|column| name.eq_ignore_ascii_case(column)) => {
            kept.push(name.clone());
        }
        _ => {}
    }
    let kept: Vec<_> = kept.iter().map(|column| quote(column)).collect();
    let kept = kept.join(", ");
    let mut statements = vec![table.render(&new), format!("INSERT INTO {new} ({kept}) SELECT {kept} FROM {old}")];
    if has_word(&stored.sql, "AUTOINCREMENT") {
        // Numbers of deleted rows must not be given again.
        let (old, new) = (literal(&stored.name), literal(&new_name(&stored.name)));
        statements.push(format!("DELETE FROM sqlite_sequence WHERE name = {new}"));
        statements.push(format!(
            "INSERT INTO sqlite_sequence (name, seq) SELECT {new}, seq FROM sqlite_sequence WHERE name = {old}"
        ));
    }
    statements.push(format!("DROP TABLE {old}"));
    // Otherwise the renaming reads every view and trigger, and stops at the first that names the table just dropped.
    // All at once, so that the setting cannot stay behind.
    statements.push(format!(
        "PRAGMA legacy_alter_table = ON; ALTER TABLE {new} RENAME TO {old}; PRAGMA legacy_alter_table = OFF"
    ));
    Ok(statements)
}

/// What the table is called until it takes the old one's place.
pub(crate) fn new_name(table: &str) -> String {
    format!("crocus_new_{table}")
}

fn apply(table: &mut TableSql, edit: &Edit, table_name: &str) -> Result<(), String> {
    let column_at = |table: &TableSql, wanted: &str| {
        table
            .clauses
            .iter()
            .position(|clause| matches!(clause, Clause::Column { name, .. } if name.eq_ignore_ascii_case(wanted)))
    };
    let no_column = |name: &str| format!("the table `{table_name}` has no column `{name}`");
    match edit {
        Edit::AddColumn { name, clause } => {
            if column_at(table, name).is_some() {
                return Err(format!("the table `{table_name}` has a column `{name}` already"));
            }
            let end = table.clauses.iter().rposition(|clause| matches!(clause, Clause::Column { .. }));
            let column = Clause::Column { name: name.clone(), text: clause.clone() };
            table.clauses.insert(end.map_or(0, |last| last + 1), column);
        }
        Edit::DropColumn { name } => {
            let at = column_at(table, name).ok_or_else(|| no_column(name))?;
            table.clauses.remove(at);
        }
        Edit::AlterColumn { name, clause, .. } => {
            let at = column_at(table, name).ok_or_else(|| no_column(name))?;
            let column = ColumnSql::parse(table.clauses[at].text()).altered(&ColumnSql::parse(clause));
            table.clauses[at] = Clause::Column { name: name.clone(), text: column.render() };
        }
        Edit::AddConstraint { name, clause } => {
            table.clauses.push(Clause::Constraint { name: Some(name.clone()), text: clause.clone() });
        }
        Edit::DropConstraint { name } => {
            if !table.drop_constraint(table_name, name) {
                return Err(format!("the table `{table_name}` has no constraint `{name}`"));
            }
        }
        Edit::RenameConstraint { name, new_name } => {
            if !table.rename_constraint(table_name, name, new_name) {
                return Err(format!("the table `{table_name}` has no constraint `{name}`"));
            }
        }
        Edit::AddPrimaryKey { clause } => {
            table.clauses.push(Clause::Constraint { name: None, text: clause.clone() });
        }
        Edit::DropPrimaryKey => {
            if !table.drop_primary_key() {
                return Err(format!("the table `{table_name}` has no primary key"));
            }
        }
    }
    Ok(())
}
