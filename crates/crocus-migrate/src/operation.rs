//! The closed vocabulary of changes. Each knows its reverse, or says why there is none.

use std::fmt;

use crocus_orm::Dialect;

use crate::data::DataStep;
use crate::schema::{Check, Column, Enum, ForeignKey, Index, Table, TableName, Unique};
use crate::types::{Conversion, TypeChange};

/// One change of a schema.
///
/// A `was` is what is dropped or replaced: known where the operation was generated, `None` where a file only names it.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields are named by what they are")]
pub enum Operation {
    /// Makes a table with its columns, primary key, uniques, checks and foreign keys; its indexes are operations of their
    /// own.
    CreateTable(Table),
    /// Drops a table with its rows.
    DropTable { name: TableName, was: Option<Table> },
    /// Gives a table another name.
    RenameTable { name: TableName, new_name: String },
    /// Adds a column.
    AddColumn { table: TableName, column: Column },
    /// Drops a column with its values.
    DropColumn { table: TableName, name: String, was: Option<Column> },
    /// Gives a column another type, nullability, default, identity, generating expression, collation or comment. Where the
    /// type changes, `using` is the SQL expression of the new value on PostgreSQL; a cast when there is none.
    AlterColumn { table: TableName, column: Column, using: Option<String>, was: Option<Column> },
    /// Gives a column another name.
    RenameColumn { table: TableName, name: String, new_name: String },
    /// Makes the primary key of a table that has none.
    CreatePrimaryKey { table: TableName, columns: Vec<String> },
    /// Drops the primary key: the constraint, not its columns.
    DropPrimaryKey { table: TableName, was: Option<Vec<String>> },
    /// Makes an index; `concurrently`, on PostgreSQL, without keeping writers out.
    CreateIndex { table: TableName, index: Index, concurrently: bool },
    /// Drops an index; `concurrently`, on PostgreSQL, without keeping anybody out.
    DropIndex { table: TableName, name: String, concurrently: bool, was: Option<Index> },
    /// Gives an index another name.
    RenameIndex { table: TableName, name: String, new_name: String },
    /// Adds a unique constraint.
    CreateUnique { table: TableName, unique: Unique },
    /// Adds a check constraint.
    CreateCheck { table: TableName, check: Check },
    /// Adds a foreign key.
    CreateForeignKey { table: TableName, foreign_key: ForeignKey },
    /// Drops a unique or check constraint or a foreign key.
    DropConstraint { table: TableName, name: String, was: Option<Constraint> },
    /// Gives a unique or check constraint or a foreign key another name.
    RenameConstraint { table: TableName, name: String, new_name: String },
    /// Gives a table a comment. Nothing on SQLite, which has none.
    CreateTableComment { table: TableName, comment: String, was: Option<String> },
    /// Takes a table's comment away. Nothing on SQLite.
    DropTableComment { table: TableName, was: Option<String> },
    /// Makes a schema. Nothing on SQLite, which has none.
    CreateSchema { name: String },
    /// Drops a schema, which has to be empty. Nothing on SQLite.
    DropSchema { name: String },
    /// Makes an enum type. Nothing on SQLite, where the columns say their values.
    CreateEnum(Enum),
    /// Gives an enum type other values. Nothing on SQLite, where the columns are altered.
    AlterEnum { values: Enum, was: Option<Enum> },
    /// Gives a value of an enum type another name, in the rows too. `lists` are the tables and columns that have lists of
    /// its values, which SQLite keeps as JSON and so cannot know.
    RenameEnumValue { name: String, value: String, new_value: String, lists: Vec<(TableName, String)> },
    /// Drops an enum type. Nothing on SQLite.
    DropEnum { name: String, was: Option<Enum> },
    /// Runs SQL; on one dialect, where it names one, and nothing on the others.
    Execute { sql: String, dialect: Option<Dialect> },
    /// Runs a data migration in Rust.
    Run(DataStep),
}

/// A constraint that can be dropped.
#[derive(Debug, Clone, PartialEq)]
pub enum Constraint {
    /// A unique constraint.
    Unique(Unique),
    /// A check constraint.
    Check(Check),
    /// A foreign key.
    ForeignKey(ForeignKey),
}

/// Why an operation has no reverse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Irreversible(pub(crate) String);

impl Operation {
    /// The table that is changed, where the operation names it.
    pub(crate) fn table(&self) -> Option<&TableName> {
        match self {
            Operation::CreateTable(table) => Some(&table.name),
            Operation::DropTable { name, .. } | Operation::RenameTable { name, .. } => Some(name),
            Operation::AddColumn { table, .. }
            | Operation::DropColumn { table, .. }
            | Operation::AlterColumn { table, .. }
            | Operation::RenameColumn { table, .. }
            | Operation::CreatePrimaryKey { table, .. }
            | Operation::DropPrimaryKey { table, .. }
            | Operation::RenameIndex { table, .. }
            | Operation::RenameConstraint { table, .. }
            | Operation::CreateIndex { table, .. }
            | Operation::DropIndex { table, .. }
            | Operation::CreateUnique { table, .. }
            | Operation::CreateCheck { table, .. }
            | Operation::CreateForeignKey { table, .. }
            | Operation::DropConstraint { table, .. }
            | Operation::CreateTableComment { table, .. }
            | Operation::DropTableComment { table, .. } => Some(table),
            Operation::CreateSchema { .. }
            | Operation::DropSchema { .. }
            | Operation::CreateEnum(_)
            | Operation::AlterEnum { .. }
            | Operation::RenameEnumValue { .. }
            | Operation::DropEnum { .. }
            | Operation::Execute { .. }
            | Operation::Run(_) => None,
        }
    }

    /// Whether it commits in between.
    pub(crate) fn is_batched(&self) -> bool {
        matches!(self, Operation::Run(step) if step.is_batched())
    }

    /// Whether it is, in a downgrade, what undoes another one of the upgrade: it names the same thing. What SQL and data
    /// steps do is not known.
    pub(crate) fn undoes(&self, done: &Operation) -> bool {
        use Operation::*;
        match (done, self) {
            (CreateTable(table), DropTable { name, .. }) | (DropTable { name, .. }, CreateTable(table)) => {
                table.name == *name
            }
            (AddColumn { table, column }, DropColumn { table: of, name, .. })
            | (DropColumn { table: of, name, .. }, AddColumn { table, column }) => table == of && column.name == *name,
            (AlterColumn { table, column, .. }, AlterColumn { table: of, column: other, .. }) => {
                table == of && column.name == other.name
            }
            (CreatePrimaryKey { table, .. }, DropPrimaryKey { table: of, .. })
            | (DropPrimaryKey { table, .. }, CreatePrimaryKey { table: of, .. }) => table == of,
            (CreateIndex { table, index, .. }, DropIndex { table: of, name, .. })
            | (DropIndex { table: of, name, .. }, CreateIndex { table, index, .. }) => {
                table == of && index.name == *name
            }
            (CreateUnique { table, unique }, DropConstraint { table: of, name, .. })
            | (DropConstraint { table: of, name, .. }, CreateUnique { table, unique }) => {
                table == of && unique.name == *name
            }
            (CreateCheck { table, check }, DropConstraint { table: of, name, .. })
            | (DropConstraint { table: of, name, .. }, CreateCheck { table, check }) => {
                table == of && check.name == *name
            }
            (CreateForeignKey { table, foreign_key: key }, DropConstraint { table: of, name, .. })
            | (DropConstraint { table: of, name, .. }, CreateForeignKey { table, foreign_key: key }) => {
                table == of && key.name == *name
            }
            (
                CreateTableComment { table, .. },
                CreateTableComment { table: of, .. } | DropTableComment { table: of, .. },
            )
            | (DropTableComment { table, .. }, CreateTableComment { table: of, .. }) => table == of,
            (CreateEnum(values), DropEnum { name, .. }) | (DropEnum { name, .. }, CreateEnum(values)) => {
                values.name == *name
            }
            (AlterEnum { values, .. }, AlterEnum { values: of, .. }) => values.name == of.name,
            (Execute { .. } | Run(_), _) => false,
            // What says all of itself.
            _ => done.reverse().is_ok_and(|reverse| reverse == *self),
        }
    }

    /// The operation that undoes this one. Rows and values that this one drops stay lost.
    ///
    /// # Errors
    /// When it cannot be undone: it runs SQL, or names something without saying what it was.
    pub fn reverse(&self) -> Result<Operation, Irreversible> {
        let unknown = || Irreversible(format!("{self}: what it was is not known"));
        Ok(match self.clone() {
            Operation::CreateTable(table) => Operation::DropTable { name: table.name.clone(), was: Some(table) },
            Operation::DropTable { was, .. } => Operation::CreateTable(was.ok_or_else(unknown)?),
            Operation::RenameTable { name, new_name } => {
                Operation::RenameTable { name: name.beside(&new_name), new_name: name.name }
            }
            Operation::RenameColumn { table, name, new_name } => {
                Operation::RenameColumn { table, name: new_name, new_name: name }
            }
            Operation::AddColumn { table, column } => {
                Operation::DropColumn { table, name: column.name.clone(), was: Some(column) }
            }
            Operation::DropColumn { table, was, .. } => {
                Operation::AddColumn { table, column: was.ok_or_else(unknown)? }
            }
            // Where a type was told how to become the other one, the way back is the one that is known.
            Operation::AlterColumn { table, column, using: _, was } => {
                let was = was.ok_or_else(unknown)?;
                if Conversion::between(&column.ty, &was.ty) == Conversion::Unknown {
                    let (from, to) = (&column.ty, &was.ty);
                    return Err(Irreversible(format!("{self}: nothing makes a value of {to} from one of {from}")));
                }
                Operation::AlterColumn { table, column: was, using: None, was: Some(column) }
            }
            Operation::CreatePrimaryKey { table, columns } => Operation::DropPrimaryKey { table, was: Some(columns) },
            Operation::DropPrimaryKey { table, was } => {
                Operation::CreatePrimaryKey { table, columns: was.ok_or_else(unknown)? }
            }
            Operation::CreateIndex { table, index, concurrently } => {
                Operation::DropIndex { table, name: index.name.clone(), concurrently, was: Some(index) }
            }
            Operation::DropIndex { table, concurrently, was, .. } => {
                Operation::CreateIndex { table, index: was.ok_or_else(unknown)?, concurrently }
            }
            Operation::RenameIndex { table, name, new_name } => {
                Operation::RenameIndex { table, name: new_name, new_name: name }
            }
            Operation::RenameConstraint { table, name, new_name } => {
                Operation::RenameConstraint { table, name: new_name, new_name: name }
            }
            Operation::CreateUnique { table, unique } => {
                Operation::DropConstraint { table, name: unique.name.clone(), was: Some(Constraint::Unique(unique)) }
            }
            Operation::CreateCheck { table, check } => {
                Operation::DropConstraint { table, name: check.name.clone(), was: Some(Constraint::Check(check)) }
            }
            Operation::CreateForeignKey { table, foreign_key } => Operation::DropConstraint {
                table,
                name: foreign_key.name.clone(),
                was: Some(Constraint::ForeignKey(foreign_key)),
            },
            Operation::DropConstraint { table, was, .. } => match was.ok_or_else(unknown)? {
                Constraint::Unique(unique) => Operation::CreateUnique { table, unique },
                Constraint::Check(check) => Operation::CreateCheck { table, check },
                Constraint::ForeignKey(foreign_key) => Operation::CreateForeignKey { table, foreign_key },
            },
            Operation::CreateTableComment { table, comment, was: None } => {
                Operation::DropTableComment { table, was: Some(comment) }
            }
            Operation::CreateTableComment { table, comment, was: Some(was) } => {
                Operation::CreateTableComment { table, comment: was, was: Some(comment) }
            }
            Operation::DropTableComment { table, was } => {
                Operation::CreateTableComment { table, comment: was.ok_or_else(unknown)?, was: None }
            }
            Operation::CreateSchema { name } => Operation::DropSchema { name },
            Operation::DropSchema { name } => Operation::CreateSchema { name },
            Operation::CreateEnum(values) => Operation::DropEnum { name: values.name.clone(), was: Some(values) },
            Operation::AlterEnum { values, was } => {
                Operation::AlterEnum { values: was.ok_or_else(unknown)?, was: Some(values) }
            }
            Operation::RenameEnumValue { name, value, new_value, lists } => {
                Operation::RenameEnumValue { name, value: new_value, new_value: value, lists }
            }
            Operation::DropEnum { was, .. } => Operation::CreateEnum(was.ok_or_else(unknown)?),
            Operation::Execute { .. } => return Err(Irreversible("SQL has no reverse that could be known".to_owned())),
            Operation::Run(step) => {
                let unknown = || Irreversible(format!("{self}: nothing was given that undoes it"));
                Operation::Run(step.reversed().ok_or_else(unknown)?)
            }
        })
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::CreateTable(table) => write!(f, "create table {}", table.name),
            Operation::DropTable { name, .. } => write!(f, "drop table {name}"),
            Operation::RenameTable { name, new_name } => write!(f, "rename table {name} to {new_name}"),
            Operation::RenameColumn { table, name, new_name } => {
                write!(f, "rename column {table}.{name} to {new_name}")
            }
            Operation::AddColumn { table, column } => write!(f, "add column {table}.{}", column.name),
            Operation::DropColumn { table, name, .. } => write!(f, "drop column {table}.{name}"),
            Operation::AlterColumn { table, column, was, .. } => {
                write!(f, "alter column {table}.{}", column.name)?;
                let Some(was) = was else { return Ok(()) };
                match TypeChange::between(&was.ty, &column.ty) {
                    Some(change) if was.ty.to_string() != column.ty.to_string() => {
                        write!(f, ": {} -> {} ({change})", was.ty, column.ty)
                    }
                    _ => Ok(()),
                }
            }
            Operation::CreatePrimaryKey { table, columns } => {
                write!(f, "create primary key ({}) on {table}", columns.join(", "))
            }
            Operation::DropPrimaryKey { table, .. } => write!(f, "drop primary key on {table}"),
            Operation::CreateIndex { table, index, .. } => write!(f, "create index {} on {table}", index.name),
            Operation::DropIndex { table, name, .. } => write!(f, "drop index {name} on {table}"),
            Operation::RenameIndex { table, name, new_name } => {
                write!(f, "rename index {name} to {new_name} on {table}")
            }
            Operation::CreateUnique { table, unique } => write!(f, "create unique {} on {table}", unique.name),
            Operation::CreateCheck { table, check } => write!(f, "create check {} on {table}", check.name),
            Operation::CreateForeignKey { table, foreign_key } => {
                write!(f, "create foreign key {} on {table}", foreign_key.name)
            }
            Operation::DropConstraint { table, name, .. } => write!(f, "drop constraint {name} on {table}"),
            Operation::RenameConstraint { table, name, new_name } => {
                write!(f, "rename constraint {name} to {new_name} on {table}")
            }
            Operation::CreateTableComment { table, .. } => write!(f, "create comment on {table}"),
            Operation::DropTableComment { table, .. } => write!(f, "drop comment on {table}"),
            Operation::CreateSchema { name } => write!(f, "create schema {name}"),
            Operation::DropSchema { name } => write!(f, "drop schema {name}"),
            Operation::CreateEnum(values) => write!(f, "create enum {}", values.name),
            Operation::AlterEnum { values, .. } => write!(f, "alter enum {}", values.name),
            Operation::RenameEnumValue { name, value, new_value, .. } => {
                write!(f, "rename value {value} to {new_value} of enum {name}")
            }
            Operation::DropEnum { name, .. } => write!(f, "drop enum {name}"),
            Operation::Run(step) => write!(f, "run {}", step.name),
            Operation::Execute { sql, .. } => write!(f, "execute {}", sql.lines().next().unwrap_or_default()),
        }
    }
}

impl fmt::Display for Irreversible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Irreversible {}
