//! Operations as SQLite's SQL. A unique constraint is a marked unique index: it holds the same, and
//! can be added and dropped.

use crocus_orm::Dialect;
use crocus_orm::table::ReferentialAction;

use super::index_sql::CONSTRAINT_MARK;
use super::rebuild::Edit;
use super::tokens::is_literal;
use super::types::{self, IDENTITY, type_name};
use crate::operation::Operation;
use crate::schema::{Column, Deferrable, Enum, ForeignKey, Index, IndexKey, IndexPart, Table, TableName, Type, Unique};

/// How an operation is done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Plan {
    /// By these statements, in order.
    Statements(Vec<String>),
    /// By editing the table's definition: several edits in a row are made at once.
    Edit { table: String, edit: Edit },
    /// By editing every table that has a column of the enum.
    RenameEnumValue { name: String, value: String, new_value: String, lists: Vec<(String, String)> },
}

pub(crate) fn plan(operation: &Operation) -> Plan {
    let one = |sql| Plan::Statements(vec![sql]);
    match operation {
        Operation::CreateTable(table) => Plan::Statements(create_table(table)),
        Operation::DropTable { name, .. } => one(format!("DROP TABLE {}", quote(&name.name))),
        Operation::RenameTable { name, new_name } => {
            one(format!("ALTER TABLE {} RENAME TO {}", quote(&name.name), quote(new_name)))
        }
        Operation::RenameColumn { table, name, new_name } => {
            one(format!("ALTER TABLE {} RENAME COLUMN {} TO {}", quote(&table.name), quote(name), quote(new_name)))
        }
        Operation::AddColumn { table, column } => {
            let (name, clause) = (column.name.clone(), column_clause(column));
            edit(table, Edit::AddColumn { name, clause, plain: can_be_added(column) })
        }
        Operation::DropColumn { table, name, .. } => edit(table, Edit::DropColumn { name: name.clone() }),
        Operation::AlterColumn { table, column, .. } => {
            let (name, clause) = (column.name.clone(), column_clause(column));
            edit(table, Edit::AlterColumn { name, clause, ty: column.ty.clone() })
        }
        Operation::CreatePrimaryKey { table, columns } => edit(table, Edit::AddPrimaryKey { columns: columns.clone() }),
        Operation::DropPrimaryKey { table, .. } => edit(table, Edit::DropPrimaryKey),
        Operation::CreateIndex { table, index, .. } => one(create_index(table, index)),
        Operation::DropIndex { name, .. } => one(format!("DROP INDEX {}", quote(name))),
        Operation::CreateUnique { table, unique } => one(create_unique(table, unique)),
        Operation::CreateCheck { table, check } => {
            let clause = format!("CONSTRAINT {} CHECK ({})", quote(&check.name), check.expression);
            edit(table, Edit::AddConstraint { name: check.name.clone(), clause })
        }
        Operation::CreateForeignKey { table, foreign_key } => {
            let clause = foreign_key_clause(foreign_key);
            edit(table, Edit::AddConstraint { name: foreign_key.name.clone(), clause })
        }
        Operation::DropConstraint { table, name, .. } => edit(table, Edit::DropConstraint { name: name.clone() }),
        Operation::RenameEnumValue { name, value, new_value, lists } => {
            let (name, value, new_value) = (name.clone(), value.clone(), new_value.clone());
            let lists = lists.iter().map(|(table, column)| (table.name.clone(), column.clone())).collect();
            Plan::RenameEnumValue { name, value, new_value, lists }
        }
        Operation::RenameIndex { table, name, new_name } | Operation::RenameConstraint { table, name, new_name } => {
            edit(table, Edit::RenameConstraint { name: name.clone(), new_name: new_name.clone() })
        }
        Operation::CreateTableComment { .. }
        | Operation::DropTableComment { .. }
        | Operation::CreateSchema { .. }
        | Operation::DropSchema { .. }
        | Operation::CreateEnum(_)
        | Operation::AlterEnum { .. }
        | Operation::DropEnum { .. } => Plan::Statements(Vec::new()),
        Operation::Execute { dialect: Some(dialect), .. } if *dialect != Dialect::Sqlite => {
            Plan::Statements(Vec::new())
        }
        Operation::Execute { sql, .. } => one(sql.clone()),
        Operation::Run(_) => Plan::Statements(Vec::new()),
    }
}

fn edit(table: &TableName, edit: Edit) -> Plan {
    Plan::Edit { table: table.name.clone(), edit }
}

/// How many of the first operations are done together: edits of one table, with the indexes that are dropped among
/// them, so that its rows are copied once.
pub(crate) fn together(operations: &[Operation]) -> usize {
    let table = operations.first().and_then(Operation::table);
    let fits = |operation: &&Operation| {
        operation.table() == table
            && (matches!(operation, Operation::DropIndex { .. }) || matches!(plan(operation), Plan::Edit { .. }))
    };
    operations.iter().take_while(fits).count().max(1)
}

/// What `ALTER TABLE ADD COLUMN` takes ("ALTER TABLE", 4): no NOT NULL without a default, no default that is computed,
/// no stored generated column.
fn can_be_added(column: &Column) -> bool {
    !column.identity && column.generated.is_none() && column.default.as_deref().map_or(column.nullable, is_literal)
}

pub(crate) fn create_table(table: &Table) -> Vec<String> {
    let mut clauses: Vec<_> = table.columns.iter().map(column_clause).collect();
    if !table.primary_key.is_empty() && !table.columns.iter().any(|column| column.identity) {
        clauses.push(format!("PRIMARY KEY ({})", quoted(&table.primary_key)));
    }
    clauses.extend(
        table.checks.iter().map(|check| format!("CONSTRAINT {} CHECK ({})", quote(&check.name), check.expression)),
    );
    clauses.extend(table.foreign_keys.iter().map(foreign_key_clause));
    let mut statements = vec![format!("CREATE TABLE {} ({})", quote(&table.name.name), clauses.join(", "))];
    statements.extend(table.uniques.iter().map(|unique| create_unique(&table.name, unique)));
    statements.extend(table.indexes.iter().map(|index| create_index(&table.name, index)));
    statements
}

fn create_index(table: &TableName, index: &Index) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let parts: Vec<_> = index.parts.iter().map(index_part).collect();
    let mut sql =
        format!("CREATE {unique}INDEX {} ON {} ({})", quote(&index.name), quote(&table.name), parts.join(", "));
    if let Some(condition) = &index.condition {
        sql.push_str(&format!(" WHERE {condition}"));
    }
    sql
}

fn index_part(part: &IndexPart) -> String {
    let key = match &part.key {
        IndexKey::Column(name) => quote(name),
        IndexKey::Expression(sql) => format!("({sql})"),
    };
    let known = part.collation.as_ref().filter(|name| COLLATIONS.iter().any(|it| it.eq_ignore_ascii_case(name)));
    let collation = known.map(|name| format!(" COLLATE {}", quote(name))).unwrap_or_default();
    format!("{key}{collation}{}", if part.descending { " DESC" } else { "" })
}

fn create_unique(table: &TableName, unique: &Unique) -> String {
    let (name, table, columns) = (quote(&unique.name), quote(&table.name), quoted(&unique.columns));
    format!("CREATE UNIQUE INDEX {name} ON {table} {CONSTRAINT_MARK} ({columns})")
}

fn foreign_key_clause(key: &ForeignKey) -> String {
    let (name, columns) = (quote(&key.name), quoted(&key.columns));
    let (target, target_columns) = (quote(&key.target.name), quoted(&key.target_columns));
    let mut clause = format!("CONSTRAINT {name} FOREIGN KEY ({columns}) REFERENCES {target} ({target_columns})");
    for (event, action) in [("DELETE", key.on_delete), ("UPDATE", key.on_update)] {
        if action != ReferentialAction::NoAction {
            clause.push_str(&format!(" ON {event} {}", action_name(action)));
        }
    }
    clause.push_str(match key.deferrable {
        Deferrable::No => "",
        Deferrable::Immediate => " DEFERRABLE",
        Deferrable::Deferred => " DEFERRABLE INITIALLY DEFERRED",
    });
    clause
}

fn column_clause(column: &Column) -> String {
    if column.identity {
        // Only AUTOINCREMENT never gives a number twice ("SQLite Autoincrement").
        return format!("{} {IDENTITY} PRIMARY KEY AUTOINCREMENT NOT NULL", quote(&column.name));
    }
    let mut clause = format!("{} {}", quote(&column.name), type_name(&column.ty));
    if let Type::Enum(values) = &column.ty {
        clause.push_str(&enum_check(&column.name, values));
    }
    // Those of PostgreSQL are left to it.
    let chosen = column.collation.as_deref().filter(|name| COLLATIONS.contains(&collation(name).as_str()));
    if let Some(collation) = chosen.or_else(|| types::collation(&column.ty)) {
        clause.push_str(&format!(" COLLATE {collation}"));
    }
    if !column.nullable {
        clause.push_str(" NOT NULL");
    }
    if let Some(default) = &column.default {
        // An expression needs the parentheses, a literal does not mind them ("CREATE TABLE", 3.2).
        clause.push_str(&format!(" DEFAULT ({default})"));
    }
    if let Some(expression) = &column.generated {
        clause.push_str(&format!(" GENERATED ALWAYS AS ({expression}) STORED"));
    }
    clause
}

/// What makes an enum of a text: a check with the type's name.
fn enum_check(column: &str, values: &Enum) -> String {
    let list: Vec<_> = values.values.iter().map(|value| literal(value)).collect();
    format!(" CONSTRAINT {} CHECK ({} IN ({}))", quote(&values.name), quote(column), list.join(", "))
}

/// The collations that there are ("Datatypes", 7) and the engine's own. An index does without another.
const COLLATIONS: [&str; 4] = ["BINARY", "NOCASE", "RTRIM", "decimal"];

/// A collation's name in one form: the case of its letters does not matter.
pub(crate) fn collation(name: &str) -> String {
    COLLATIONS.iter().find(|known| known.eq_ignore_ascii_case(name)).map_or(name, |known| known).to_owned()
}

/// The actions of foreign keys, as `pragma_foreign_key_list` has them.
pub(crate) const ACTIONS: [(ReferentialAction, &str); 5] = [
    (ReferentialAction::NoAction, "NO ACTION"),
    (ReferentialAction::Restrict, "RESTRICT"),
    (ReferentialAction::Cascade, "CASCADE"),
    (ReferentialAction::SetNull, "SET NULL"),
    (ReferentialAction::SetDefault, "SET DEFAULT"),
];

fn action_name(action: ReferentialAction) -> &'static str {
    ACTIONS.iter().find(|(known, _)| *known == action).map(|(_, name)| *name).expect("every action has a name")
}

pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

pub(super) fn quote(name: &str) -> String {
    Dialect::Sqlite.quote(name)
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ")
}
