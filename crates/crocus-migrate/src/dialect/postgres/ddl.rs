//! Operations as PostgreSQL's SQL.

use crocus_orm::Dialect;
use crocus_orm::table::ReferentialAction;

use super::casts;
use super::types::type_name;
use crate::operation::Operation;
use crate::schema::{
    Check, Column, Deferrable, Enum, ForeignKey, Index, IndexKey, IndexPart, Nulls, Table, TableName, Type, Unique,
};

/// How an operation is done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Plan<'a> {
    /// By these statements, in order.
    Statements(Vec<String>),
    /// By [`alter_column`], with the column as it is now.
    AlterColumn { table: &'a TableName, column: &'a Column, using: Option<&'a str> },
    /// By [`alter_enum`](super::enums::alter), with the type as it is now.
    AlterEnum(&'a Enum),
}

pub(crate) fn plan(operation: &Operation) -> Plan<'_> {
    let one = |sql| Plan::Statements(vec![sql]);
    match operation {
        Operation::CreateTable(table) => Plan::Statements(create_table(table)),
        Operation::DropTable { name, .. } => one(format!("DROP TABLE {}", qualified(name))),
        Operation::RenameTable { name, new_name } => {
            one(format!("ALTER TABLE {} RENAME TO {}", qualified(name), quote(new_name)))
        }
        Operation::RenameColumn { table, name, new_name } => {
            one(format!("ALTER TABLE {} RENAME COLUMN {} TO {}", qualified(table), quote(name), quote(new_name)))
        }
        Operation::AddColumn { table, column } => Plan::Statements(add_column(table, column)),
        Operation::DropColumn { table, name, .. } => {
            one(format!("ALTER TABLE {} DROP COLUMN {}", qualified(table), quote(name)))
        }
        Operation::AlterColumn { table, column, using, .. } => {
            Plan::AlterColumn { table, column, using: using.as_deref() }
        }
        Operation::CreatePrimaryKey { table, columns } => {
            one(format!("ALTER TABLE {} ADD PRIMARY KEY ({})", qualified(table), quoted(columns)))
        }
        Operation::DropPrimaryKey { table, .. } => one(drop_primary_key(table)),
        Operation::CreateIndex { table, index, .. } => one(create_index(table, index)),
        Operation::DropIndex { table, name, .. } => one(format!("DROP INDEX {}", qualified(&table.beside(name)))),
        Operation::RenameIndex { table, name, new_name } => {
            one(format!("ALTER INDEX {} RENAME TO {}", qualified(&table.beside(name)), quote(new_name)))
        }
        Operation::CreateUnique { table, unique } => one(create_unique(table, unique)),
        Operation::CreateCheck { table, check } => one(create_check(table, check)),
        Operation::CreateForeignKey { table, foreign_key } => one(create_foreign_key(table, foreign_key)),
        Operation::DropConstraint { table, name, .. } => {
            one(format!("ALTER TABLE {} DROP CONSTRAINT {}", qualified(table), quote(name)))
        }
        Operation::RenameConstraint { table, name, new_name } => {
            one(format!("ALTER TABLE {} RENAME CONSTRAINT {} TO {}", qualified(table), quote(name), quote(new_name)))
        }
        Operation::CreateTableComment { table, comment, .. } => one(comment_on_table(table, Some(comment))),
        Operation::DropTableComment { table, .. } => one(comment_on_table(table, None)),
        Operation::CreateSchema { name } => one(format!("CREATE SCHEMA {}", quote(name))),
        Operation::DropSchema { name } => one(format!("DROP SCHEMA {}", quote(name))),
        Operation::CreateEnum(values) => one(create_enum(values)),
        Operation::AlterEnum { values, .. } => Plan::AlterEnum(values),
        Operation::RenameEnumValue { name, value, new_value, .. } => {
            one(format!("ALTER TYPE {} RENAME VALUE {} TO {}", quote(name), literal(value), literal(new_value)))
        }
        Operation::DropEnum { name, .. } => one(format!("DROP TYPE {}", quote(name))),
        Operation::Execute { dialect: Some(dialect), .. } if *dialect != Dialect::Postgres => {
            Plan::Statements(Vec::new())
        }
        Operation::Execute { sql, .. } => one(sql.clone()),
        Operation::Run(_) => Plan::Statements(Vec::new()),
    }
}

pub(crate) fn create_table(table: &Table) -> Vec<String> {
    let mut clauses: Vec<_> = table.columns.iter().map(column_clause).collect();
    if !table.primary_key.is_empty() {
        clauses.push(format!("PRIMARY KEY ({})", quoted(&table.primary_key)));
    }
    // What is not validated is not so either where it is made with its table.
    let (checks, later): (Vec<_>, Vec<_>) = table.checks.iter().partition(|check| check.validated);
    clauses.extend(checks.into_iter().map(check_clause));
    let (keys, later_keys): (Vec<_>, Vec<_>) = table.foreign_keys.iter().partition(|key| key.validated);
    clauses.extend(keys.into_iter().map(foreign_key_clause));
    let mut statements = vec![format!("CREATE TABLE {} ({})", qualified(&table.name), clauses.join(", "))];
    statements.extend(later.into_iter().map(|check| create_check(&table.name, check)));
    statements.extend(later_keys.into_iter().map(|key| create_foreign_key(&table.name, key)));
    // Not among the clauses: there a unique constraint over the columns of the key, or of another one, is left out.
    statements.extend(table.uniques.iter().map(|unique| create_unique(&table.name, unique)));
    statements.extend(table.indexes.iter().map(|index| create_index(&table.name, index)));
    statements.extend(table.comment.as_ref().map(|comment| comment_on_table(&table.name, Some(comment))));
    let commented = table.columns.iter().filter(|column| column.comment.is_some());
    statements.extend(commented.map(|column| comment_on_column(&table.name, column)));
    statements
}

pub(crate) fn create_enum(values: &Enum) -> String {
    let list: Vec<_> = values.values.iter().map(|value| literal(value)).collect();
    format!("CREATE TYPE {} AS ENUM ({})", quote(&values.name), list.join(", "))
}

fn add_column(table: &TableName, column: &Column) -> Vec<String> {
    let comment = column.comment.as_ref().map(|_| comment_on_column(table, column));
    let add = format!("ALTER TABLE {} ADD COLUMN {}", qualified(table), column_clause(column));
    std::iter::once(add).chain(comment).collect()
}

fn comment_on_table(table: &TableName, comment: Option<&String>) -> String {
    format!("COMMENT ON TABLE {} IS {}", qualified(table), comment.map_or("NULL".to_owned(), |text| literal(text)))
}

fn comment_on_column(table: &TableName, column: &Column) -> String {
    let comment = column.comment.as_ref().map_or("NULL".to_owned(), |text| literal(text));
    format!("COMMENT ON COLUMN {}.{} IS {comment}", qualified(table), quote(&column.name))
}

fn create_unique(table: &TableName, unique: &Unique) -> String {
    let (table, name, columns) = (qualified(table), quote(&unique.name), quoted(&unique.columns));
    let nulls = if unique.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
    let deferrable = deferrable(unique.deferrable);
    format!("ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE{nulls} ({columns}){deferrable}")
}

fn create_check(table: &TableName, check: &Check) -> String {
    let not_valid = if check.validated { "" } else { " NOT VALID" };
    format!("ALTER TABLE {} ADD {}{not_valid}", qualified(table), check_clause(check))
}

fn check_clause(check: &Check) -> String {
    format!("CONSTRAINT {} CHECK ({})", quote(&check.name), check.expression)
}

fn deferrable(deferrable: Deferrable) -> &'static str {
    match deferrable {
        Deferrable::No => "",
        Deferrable::Immediate => " DEFERRABLE",
        Deferrable::Deferred => " DEFERRABLE INITIALLY DEFERRED",
    }
}

/// The constraint's name is whatever it was given: the catalogue tells it.
fn drop_primary_key(table: &TableName) -> String {
    let table = literal(&qualified(table));
    format!(
        "DO $$ BEGIN EXECUTE (SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) \
         FROM pg_catalog.pg_constraint WHERE conrelid = {table}::regclass AND contype = 'p'); END $$"
    )
}

pub(crate) fn create_index(table: &TableName, index: &Index) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let method = index.method.as_ref().map(|method| format!("USING {} ", quote(method)));
    let parts: Vec<_> = index.parts.iter().map(index_part).collect();
    let mut sql = format!(
        "CREATE {unique}INDEX {} ON {} {}({})",
        quote(&index.name),
        qualified(table),
        method.unwrap_or_default(),
        parts.join(", ")
    );
    if !index.include.is_empty() {
        sql.push_str(&format!(" INCLUDE ({})", quoted(&index.include)));
    }
    if index.nulls_not_distinct {
        sql.push_str(" NULLS NOT DISTINCT");
    }
    if let Some(condition) = &index.condition {
        sql.push_str(&format!(" WHERE {condition}"));
    }
    sql
}

fn index_part(part: &IndexPart) -> String {
    let mut sql = match &part.key {
        IndexKey::Column(name) => quote(name),
        IndexKey::Expression(sql) => format!("({sql})"),
    };
    if let Some(collation) = &part.collation {
        sql.push_str(&format!(" COLLATE {}", quote(collation)));
    }
    if let Some(operator_class) = &part.operator_class {
        sql.push_str(&format!(" {}", quote(operator_class)));
    }
    if part.descending {
        sql.push_str(" DESC");
    }
    match part.nulls {
        None => {}
        Some(Nulls::First) => sql.push_str(" NULLS FIRST"),
        Some(Nulls::Last) => sql.push_str(" NULLS LAST"),
    }
    sql
}

pub(crate) fn create_foreign_key(table: &TableName, key: &ForeignKey) -> String {
    let not_valid = if key.validated { "" } else { " NOT VALID" };
    format!("ALTER TABLE {} ADD {}{not_valid}", qualified(table), foreign_key_clause(key))
}

fn foreign_key_clause(key: &ForeignKey) -> String {
    let (name, columns) = (quote(&key.name), quoted(&key.columns));
    let (target, target_columns) = (qualified(&key.target), quoted(&key.target_columns));
    let mut clause = format!("CONSTRAINT {name} FOREIGN KEY ({columns}) REFERENCES {target} ({target_columns})");
    if key.match_full {
        clause.push_str(" MATCH FULL");
    }
    if key.on_delete != ReferentialAction::NoAction {
        clause.push_str(&format!(" ON DELETE {}", action_name(key.on_delete)));
    }
    if !key.on_delete_columns.is_empty() {
        clause.push_str(&format!(" ({})", quoted(&key.on_delete_columns)));
    }
    if key.on_update != ReferentialAction::NoAction {
        clause.push_str(&format!(" ON UPDATE {}", action_name(key.on_update)));
    }
    clause.push_str(deferrable(key.deferrable));
    clause
}

fn column_clause(column: &Column) -> String {
    let mut clause = format!("{} {}{}", quote(&column.name), type_name(&column.ty), collate(column));
    if column.identity {
        clause.push_str(" GENERATED BY DEFAULT AS IDENTITY");
    }
    if !column.nullable {
        clause.push_str(" NOT NULL");
    }
    if let Some(default) = &column.default {
        clause.push_str(&format!(" DEFAULT {default}"));
    }
    if let Some(expression) = &column.generated {
        clause.push_str(&format!(" GENERATED ALWAYS AS ({expression}) STORED"));
    }
    clause
}

fn collate(column: &Column) -> String {
    column.collation.as_ref().map(|collation| format!(" COLLATE {}", quote(collation))).unwrap_or_default()
}

/// A column as it is now.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    /// Its type in the words of [`type_name`].
    pub(crate) name: String,
    pub(crate) ty: Type,
    /// The collation, where it is not the type's own.
    pub(crate) collation: Option<String>,
    pub(crate) is_nullable: bool,
    /// What an insert without a value gets, in the database's words.
    pub(crate) default: Option<String>,
    pub(crate) comment: Option<String>,
    pub(crate) is_generated: bool,
    /// Whether it is `GENERATED AS IDENTITY`.
    pub(crate) is_identity: bool,
    /// Whether its default counts up: `serial`.
    pub(crate) is_serial: bool,
    /// The sequence that it owns, quoted.
    pub(crate) sequence: Option<String>,
}

/// What stays is not mentioned: where a type is, a view on the column forbids it, and every constraint on it is checked
/// again. The default goes before a new type: the old one might have no cast to it.
///
/// A column that is computed cannot become so later, nor from something else: it is made anew.
pub(crate) fn alter_column(
    table: &TableName,
    column: &Column,
    using: Option<&str>,
    current: Option<&Current>,
) -> Vec<String> {
    let (name, ty) = (quote(&column.name), type_name(&column.ty));
    if column.generated.is_some() {
        let drop = format!("ALTER TABLE {} DROP COLUMN {name}", qualified(table));
        return std::iter::once(drop).chain(add_column(table, column)).collect();
    }
    let mut statements = Vec::new();
    let mut actions = Vec::new();
    let changes_type = current.is_none_or(|current| current.name != ty || current.collation != column.collation);
    let counts_up = current.is_some_and(|current| current.is_identity || current.is_serial);
    if current.is_some_and(|current| current.is_generated) {
        statements.push(format!("ALTER TABLE {} ALTER COLUMN {name} DROP EXPRESSION", qualified(table)));
    } else if current.is_some_and(|current| current.is_identity) && !column.identity {
        statements.push(format!("ALTER TABLE {} ALTER COLUMN {name} DROP IDENTITY", qualified(table)));
    } else if !(column.identity && counts_up)
        && current.is_none_or(|current| current.default.is_some())
        && (changes_type || column.default.is_none())
    {
        actions.push(format!("ALTER COLUMN {name} DROP DEFAULT"));
    }
    if changes_type {
        // Where it is not known what it was, the cast says so.
        let cast = match current {
            Some(current) => casts::expression(&name, &current.ty, &column.ty),
            None => Some(format!("{name}::{ty}")),
        };
        let using = using.map(str::to_owned).or(cast).map(|using| format!(" USING {using}")).unwrap_or_default();
        actions.push(format!("ALTER COLUMN {name} TYPE {ty}{}{using}", collate(column)));
    }
    if current.is_none_or(|current| current.is_nullable != column.nullable) {
        actions.push(format!("ALTER COLUMN {name} {} NOT NULL", if column.nullable { "DROP" } else { "SET" }));
    }
    if let Some(default) = &column.default
        && (changes_type || current.is_none_or(|current| current.default.as_ref() != Some(default)))
    {
        actions.push(format!("ALTER COLUMN {name} SET DEFAULT {default}"));
    }
    if !actions.is_empty() {
        statements.push(format!("ALTER TABLE {} {}", qualified(table), actions.join(", ")));
    }
    statements.extend(serial_sequence(column, &ty, current));
    if column.identity && !counts_up {
        statements.extend(begin_to_count(table, &column.name));
    }
    if current.is_none_or(|current| current.comment != column.comment) {
        statements.push(comment_on_column(table, column));
    }
    statements
}

/// What becomes of the sequence of a `serial` column, which PostgreSQL leaves as it is: it gets the column's type, or
/// goes when the column counts up no more.
fn serial_sequence(column: &Column, ty: &str, current: Option<&Current>) -> Option<String> {
    let current = current.filter(|current| current.is_serial)?;
    let sequence = current.sequence.as_ref()?;
    if column.identity {
        return (current.name != ty).then(|| format!("ALTER SEQUENCE {sequence} AS {ty}"));
    }
    let is_used = column.default.as_ref().is_some_and(|default| default.contains("nextval("));
    (!is_used).then(|| format!("DROP SEQUENCE {sequence}"))
}

/// Identity for a column that has values: it goes on after the largest.
fn begin_to_count(table: &TableName, column: &str) -> [String; 2] {
    let (table, name) = (qualified(table), quote(column));
    let of = format!("{}, {}", literal(&table), literal(column));
    [
        format!("ALTER TABLE {table} ALTER COLUMN {name} ADD GENERATED BY DEFAULT AS IDENTITY"),
        format!(
            "SELECT setval(pg_get_serial_sequence({of}), GREATEST(max({name}), 1), COALESCE(max({name}) >= 1, false)) \
             FROM {table}"
        ),
    ]
}

/// The actions of foreign keys, and the letter of each in `pg_constraint`.
pub(crate) const ACTIONS: [(ReferentialAction, &str, &str); 5] = [
    (ReferentialAction::NoAction, "NO ACTION", "a"),
    (ReferentialAction::Restrict, "RESTRICT", "r"),
    (ReferentialAction::Cascade, "CASCADE", "c"),
    (ReferentialAction::SetNull, "SET NULL", "n"),
    (ReferentialAction::SetDefault, "SET DEFAULT", "d"),
];

fn action_name(action: ReferentialAction) -> &'static str {
    ACTIONS.iter().find(|(known, ..)| *known == action).map(|(_, name, _)| *name).expect("every action has a name")
}

pub(super) fn qualified(table: &TableName) -> String {
    let schema = table.schema.as_ref().map(|schema| format!("{}.", quote(schema)));
    format!("{}{}", schema.unwrap_or_default(), quote(&table.name))
}

pub(super) fn quote(name: &str) -> String {
    Dialect::Postgres.quote(name)
}

pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ")
}
