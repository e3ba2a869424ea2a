//! What is found of one step, given the schema that it finds.

use std::collections::BTreeSet;

use crocus_orm::Dialect;

use super::Code;
use crate::compare::renames::words;
use crate::operation::Operation;
use crate::schema::{Column, Enum, Schema, TableName};
use crate::types::{self, Effect};

/// A code, and what happens.
pub(super) type Found = (Code, String);

/// Judges one step after the other.
pub(super) struct Judge {
    /// What is known to be there.
    schema: Schema,
    dialect: Dialect,
    /// What this revision has made, and nobody has used yet.
    tables: BTreeSet<TableName>,
    columns: BTreeSet<(TableName, String)>,
}

/// Functions of PostgreSQL whose value is the same for all rows of a statement: a column's default that is made of these
/// is kept beside the table, and no row is written ("ALTER TABLE", notes).
const STABLE: [&str; 14] = [
    "now",
    "transaction_timestamp",
    "statement_timestamp",
    "date_trunc",
    "to_char",
    "to_date",
    "to_timestamp",
    "current_setting",
    "lower",
    "upper",
    "coalesce",
    "numeric",
    "varchar",
    "char",
];

impl Judge {
    pub(super) fn new(schema: Schema, dialect: Dialect) -> Judge {
        Judge { schema, dialect, tables: BTreeSet::new(), columns: BTreeSet::new() }
    }

    /// What is found of a step. The schema is then what it is after the step.
    pub(super) fn step(&mut self, operation: &Operation) -> Vec<Found> {
        let found = self.judge(operation);
        self.note(operation);
        // What is not known cannot be followed.
        drop(self.schema.apply(operation));
        let concerns = |(code, _): &Found| code.concerns(self.dialect);
        found.into_iter().filter(concerns).collect()
    }

    fn judge(&self, operation: &Operation) -> Vec<Found> {
        match operation {
            Operation::DropTable { name, .. } if self.is_old(name) => {
                vec![(Code::DropTable, format!("drops the table `{name}` with its rows"))]
            }
            Operation::RenameTable { name, new_name } if self.is_old(name) => {
                vec![(Code::RenameTable, format!("renames the table `{name}` to `{new_name}`"))]
            }
            Operation::AddColumn { table, column } if self.is_old(table) => add_column(table, column),
            // What is computed can be computed again.
            Operation::DropColumn { table, name, .. } if self.is_computed(table, name) => Vec::new(),
            Operation::DropColumn { table, name, .. } if self.is_old_column(table, name) => {
                vec![(Code::DropColumn, format!("drops the column `{table}.{name}` with its values"))]
            }
            Operation::AlterColumn { table, column, using, .. } if self.is_old_column(table, &column.name) => {
                let was = self.schema.table(table).and_then(|table| table.column(&column.name));
                self.alter_column(table, was, column, using.is_some())
            }
            Operation::RenameColumn { table, name, new_name } if self.is_old_column(table, name) => {
                vec![(Code::RenameColumn, format!("renames the column `{table}.{name}` to `{new_name}`"))]
            }
            Operation::CreatePrimaryKey { table, columns } if self.is_old(table) => {
                let what = format!("makes ({}) the primary key of `{table}`", columns.join(", "));
                vec![(Code::NewPrimaryKey, what)]
            }
            Operation::CreateIndex { table, index, concurrently } if self.is_old(table) => {
                let mut found = Vec::new();
                if index.unique {
                    let what = format!("rows of `{table}` have to be unique in the index `{}`", index.name);
                    found.push((Code::NewUnique, what));
                }
                if !concurrently {
                    let what = format!("keeps writers of `{table}` out while the index `{}` is built", index.name);
                    found.push((Code::IndexNotConcurrently, what));
                }
                found
            }
            Operation::DropIndex { table, name, concurrently: false, .. } if self.is_old(table) => {
                let what = format!("keeps everybody out of `{table}` while the index `{name}` is dropped");
                vec![(Code::IndexNotConcurrently, what)]
            }
            Operation::CreateUnique { table, unique } if self.is_old(table) => {
                let what = format!("({}) of `{table}` has to be unique", unique.columns.join(", "));
                vec![(Code::NewUnique, what)]
            }
            Operation::CreateCheck { table, check } if self.is_old(table) => {
                vec![(Code::NewCheck, format!("rows of `{table}` have to fulfil `{}`", check.expression))]
            }
            Operation::CreateForeignKey { table, foreign_key } if self.is_old(table) => {
                let (columns, target) = (foreign_key.columns.join(", "), &foreign_key.target);
                vec![(Code::NewForeignKey, format!("({columns}) of `{table}` has to refer to rows of `{target}`"))]
            }
            Operation::AlterEnum { values, .. } => self.alter_enum(values),
            Operation::RenameEnumValue { name, value, new_value, .. } => {
                vec![(Code::RenameEnumValue, format!("renames the value `{value}` of `{name}` to `{new_value}`"))]
            }
            Operation::Execute { sql, dialect } if dialect.is_none_or(|dialect| dialect == self.dialect) => {
                let first = || sql.trim().lines().next().unwrap_or_default().to_owned();
                match destruction(sql) {
                    Some(what) => vec![(Code::DestructiveSql, format!("runs SQL with `{what}`"))],
                    None => vec![(Code::RawSql, format!("runs `{}`", first()))],
                }
            }
            _ => Vec::new(),
        }
    }

    fn alter_column(&self, table: &TableName, was: Option<&Column>, column: &Column, using: bool) -> Vec<Found> {
        let name = format!("`{table}.{}`", column.name);
        let mut found = Vec::new();
        let Some(was) = was else {
            if !column.nullable {
                found.push((Code::SetNotNull, format!("makes {name} NOT NULL")));
            }
            found.push((
                Code::CastType,
                format!("gives {name} the type {}; no migration says which one it had", column.ty),
            ));
            return found;
        };
        if was.generated.is_none() && column.generated.is_some() {
            found.push((Code::DropColumn, format!("drops the values of {name}, which is computed from then on")));
            return found;
        }
        if was.nullable && !column.nullable {
            found.push((Code::SetNotNull, format!("makes {name} NOT NULL")));
        }
        found.extend(self.change_type(&name, was, column, using));
        if was.default.is_some() && column.default.is_none() && !column.nullable && !column.identity {
            found.push((Code::DropDefault, format!("takes the default of {name} away")));
        }
        found
    }

    fn change_type(&self, name: &str, was: &Column, column: &Column, using: bool) -> Vec<Found> {
        if let (Some(old), Some(new)) = (was.ty.as_enum(), column.ty.as_enum())
            && old.name == new.name
        {
            // Where the type was altered, that step says it.
            let is_said = self.schema.enumeration(&new.name) == Some(new);
            return if is_said { Vec::new() } else { self.lost_values(old, new) };
        }
        let effect = Effect::between(&was.ty, &column.ty);
        let what = |what: &str| format!("changes the type of {name} from {} to {}{what}", was.ty, column.ty);
        let mut found = Vec::new();
        found.extend(match effect {
            Effect::Same => None,
            Effect::Widens => Some((Code::WidenType, what(""))),
            Effect::Narrows => Some((Code::NarrowType, what(": a value that does not fit stops it"))),
            // How it is done was said.
            Effect::Loses if using => Some((Code::CastType, what(""))),
            Effect::Loses => Some((Code::LossyType, what(": what it cannot hold of a value is lost"))),
            Effect::Casts => Some((Code::CastType, what(""))),
        });
        if types::rewrites(&was.ty, &column.ty) || (using && effect != Effect::Same) {
            let (table, _) = name.trim_matches('`').rsplit_once('.').unwrap_or((name, ""));
            found.push((Code::RewriteTable, format!("writes every row of `{table}` anew")));
        }
        found
    }

    fn alter_enum(&self, values: &Enum) -> Vec<Found> {
        let Some(was) = self.schema.enumeration(&values.name) else { return Vec::new() };
        let mut found = self.lost_values(was, values);
        let kept: Vec<_> = values.values.iter().filter(|value| was.values.contains(value)).collect();
        if !kept.into_iter().eq(&was.values) {
            let what = format!("makes `{}` anew, and with it every table that has it", values.name);
            found.push((Code::RewriteTable, what));
        }
        found
    }

    fn lost_values(&self, was: &Enum, values: &Enum) -> Vec<Found> {
        let lost: Vec<_> = was.values.iter().filter(|value| !values.values.contains(value)).collect();
        let say = |value: &&String| (Code::DropEnumValue, format!("takes the value `{value}` from `{}`", values.name));
        lost.iter().map(say).collect()
    }

    /// Whether a table was there before this revision. What no migration has made may have been.
    fn is_old(&self, table: &TableName) -> bool {
        !self.tables.contains(table)
    }

    fn is_old_column(&self, table: &TableName, column: &str) -> bool {
        self.is_old(table) && !self.columns.contains(&(table.clone(), column.to_owned()))
    }

    fn is_computed(&self, table: &TableName, column: &str) -> bool {
        let found = self.schema.table(table).and_then(|table| table.column(column));
        found.is_some_and(|column| column.generated.is_some())
    }

    fn note(&mut self, operation: &Operation) {
        match operation {
            Operation::CreateTable(table) => drop(self.tables.insert(table.name.clone())),
            Operation::DropTable { name, .. } => drop(self.tables.remove(name)),
            Operation::RenameTable { name, new_name } => {
                if self.tables.remove(name) {
                    self.tables.insert(name.beside(new_name));
                }
                let moved = |(table, column): (TableName, String)| match table == *name {
                    true => (name.beside(new_name), column),
                    false => (table, column),
                };
                self.columns = std::mem::take(&mut self.columns).into_iter().map(moved).collect();
            }
            Operation::AddColumn { table, column } => {
                self.columns.insert((table.clone(), column.name.clone()));
            }
            Operation::RenameColumn { table, name, new_name }
                if self.columns.remove(&(table.clone(), name.clone())) =>
            {
                self.columns.insert((table.clone(), new_name.clone()));
            }
            _ => {}
        }
    }
}

fn add_column(table: &TableName, column: &Column) -> Vec<Found> {
    let name = format!("`{table}.{}`", column.name);
    let mut found = Vec::new();
    let has_value = column.identity || column.default.is_some() || column.generated.is_some();
    if !column.nullable && !has_value {
        found.push((Code::NotNullWithoutDefault, format!("adds {name}, NOT NULL and without a default")));
    }
    if rewrites(column) {
        found.push((Code::RewriteTable, format!("computes {name} for every row of `{table}`, and writes it")));
    }
    found
}

/// Whether PostgreSQL computes and writes a value for every row when a column is added.
pub(crate) fn rewrites(column: &Column) -> bool {
    column.identity || column.generated.is_some() || column.default.as_deref().is_some_and(is_volatile)
}

/// Whether an expression calls a function that may give each row another value.
fn is_volatile(sql: &str) -> bool {
    let words: Vec<_> = words(sql).filter(|word| !word.trim().is_empty()).collect();
    let is_name = |word: &str| word.starts_with(|first: char| first.is_alphabetic() || first == '_');
    words.windows(2).any(|pair| {
        let (name, next) = (pair[0].to_ascii_lowercase(), pair[1].as_str());
        next == "(" && is_name(&name) && !STABLE.contains(&name.as_str())
    })
}

/// What SQL drops, truncates or deletes, as far as its words tell: the words, and what comes after them.
fn destruction(sql: &str) -> Option<String> {
    let words: Vec<_> = words(sql).filter(|word| !word.trim().is_empty()).collect();
    let at = words.windows(2).position(|pair| {
        let pair = [pair[0].to_uppercase(), pair[1].to_uppercase()];
        matches!(
            [pair[0].as_str(), pair[1].as_str()],
            ["DROP", "TABLE" | "COLUMN" | "SCHEMA" | "DATABASE"] | ["DELETE", "FROM"] | ["TRUNCATE", _]
        )
    })?;
    Some(words[at..].iter().take(3).map(String::as_str).collect::<Vec<_>>().join(" "))
}
