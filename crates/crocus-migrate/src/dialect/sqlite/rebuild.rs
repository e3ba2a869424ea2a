//! Making a table anew with an edited definition, where `ALTER TABLE` cannot: SQLite's own procedure ("ALTER TABLE",
//! 8). Rows, their rowids, the numbers that were given, indexes and triggers are kept; foreign keys are off while it
//! runs.

use super::casts;
use super::ddl::{literal, quote};
use super::table_sql::{Clause, ColumnSql, TableSql};
use super::tokens::{has_name, has_word, qualifies};
use super::types::{type_from, type_name};
use crate::schema::Type;
use crate::types::TypeChange;

/// What is changed in a table's definition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Edit {
    /// `plain` where `ALTER TABLE` takes the column too.
    AddColumn {
        name: String,
        clause: String,
        plain: bool,
    },
    DropColumn {
        name: String,
    },
    AlterColumn {
        name: String,
        clause: String,
        ty: Type,
    },
    AddConstraint {
        name: String,
        clause: String,
    },
    DropConstraint {
        name: String,
    },
    RenameConstraint {
        name: String,
        new_name: String,
    },
    AddPrimaryKey {
        columns: Vec<String>,
    },
    DropPrimaryKey,
    RenameEnumValue {
        column: String,
        value: String,
        new_value: String,
    },
    RenameListValue {
        column: String,
        value: String,
        new_value: String,
    },
}

/// What SQLite has stored of a table.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) name: String,
    /// The `CREATE TABLE` statement.
    pub(crate) sql: String,
    /// The statements of its indexes and triggers.
    pub(crate) dependents: Vec<String>,
    /// What the table is called until it takes the old one's place: a name that nothing has.
    pub(crate) new_name: String,
}

/// The names by which the rowid is read, where no column has them ("Rowid Tables").
const ROWID: [&str; 3] = ["rowid", "_rowid_", "oid"];

/// Where rows wait whose table has to be made anew under its own name.
const WAITING: &str = "temp.crocus_rows";

/// The `ALTER TABLE` statements that make the edits, where it can.
pub(crate) fn alterations(stored: &Stored, edits: &[Edit]) -> Option<Vec<String>> {
    let table = TableSql::parse(&stored.sql)?;
    let name = quote(&stored.name);
    let alteration = |edit: &Edit| match edit {
        Edit::AddColumn { clause, plain: true, .. } => Some(format!("ALTER TABLE {name} ADD COLUMN {clause}")),
        Edit::DropColumn { name: column } => {
            let dropped = table.columns().find(|(found, _)| found.eq_ignore_ascii_case(column));
            let alone = dropped.is_some_and(|(_, sql)| sql.stands_alone())
                && !table.mentions_elsewhere(column)
                && !stored.dependents.iter().any(|sql| has_name(sql, column));
            alone.then(|| format!("ALTER TABLE {name} DROP COLUMN {}", quote(column)))
        }
        _ => None,
    };
    edits.iter().map(alteration).collect()
}

/// The statements that rebuild the table. Those of its dependents follow them.
pub(crate) fn statements(stored: &Stored, edits: &[Edit]) -> Result<Vec<String>, String> {
    let old = TableSql::parse(&stored.sql)
        .ok_or_else(|| format!("the definition of `{}` cannot be edited: {}", stored.name, stored.sql))?;
    let mut new = old.clone();
    for edit in edits {
        apply(&mut new, edit, &stored.name)?;
    }
    if new == old && !edits.iter().any(|edit| matches!(edit, Edit::RenameListValue { .. })) {
        return Ok(Vec::new());
    }
    let (into, from) = copied(&stored.name, &old, &new, edits);
    let (name, new_name) = (quote(&stored.name), quote(&stored.new_name));
    // Numbers of deleted rows must not be given again.
    let counts =
        has_word(&stored.sql, "AUTOINCREMENT") && new.clauses.iter().any(|it| has_word(it.text(), "AUTOINCREMENT"));
    let (at_old, at_new) = (literal(&stored.name), literal(&stored.new_name));
    let count = format!(
        "DELETE FROM sqlite_sequence WHERE name = {at_new}; \
         INSERT INTO sqlite_sequence (name, seq) SELECT {at_new}, seq FROM sqlite_sequence WHERE name = {at_old}"
    );
    let mut statements = Vec::new();
    if qualifies(&stored.sql, &stored.name) {
        // `CHECK (cars.doors > 0)` can be said in a table of no other name.
        let places: Vec<_> = (0..into.len()).map(|place| format!("c{place}")).collect();
        let places = places.join(", ");
        statements.push(format!("CREATE TEMP TABLE crocus_rows ({places})"));
        statements.push(format!("INSERT INTO {WAITING} ({places}) SELECT {} FROM {name}", from.join(", ")));
        statements.extend(counts.then_some(count));
        statements.push(format!("DROP TABLE {name}"));
        statements.push(new.render(&name));
        statements.push(format!("INSERT INTO {name} ({}) SELECT {places} FROM {WAITING}", into.join(", ")));
        statements.push(format!("DROP TABLE {WAITING}"));
        if counts {
            statements.push(format!("DELETE FROM sqlite_sequence WHERE name = {at_old}"));
            statements.push(format!("UPDATE sqlite_sequence SET name = {at_old} WHERE name = {at_new}"));
        }
        return Ok(statements);
    }
    statements.push(new.render(&new_name));
    statements.push(format!("INSERT INTO {new_name} ({}) SELECT {} FROM {name}", into.join(", "), from.join(", ")));
    statements.extend(counts.then_some(count));
    statements.push(format!("DROP TABLE {name}"));
    // Otherwise the renaming reads every view and trigger, and stops at the first that names the table just dropped.
    // All at once, so that the setting cannot stay behind.
    statements.push(format!(
        "PRAGMA legacy_alter_table = ON; ALTER TABLE {new_name} RENAME TO {name}; PRAGMA legacy_alter_table = OFF"
    ));
    Ok(statements)
}

/// The queries that find values which do not fit the new type of their column, each with the column and the type.
pub(crate) fn misfits(stored: &Stored, edits: &[Edit]) -> Vec<(String, String, String)> {
    let Some(old) = TableSql::parse(&stored.sql) else { return Vec::new() };
    let narrower = retyped(&old, edits)
        .filter(|(_, was, ty)| !matches!(TypeChange::between(was, ty), None | Some(TypeChange::Widens)));
    let query = |(name, _, ty): (&str, Type, &Type)| {
        let column = quote(name);
        let condition = casts::misfits(&column, ty)?;
        let query = format!("SELECT * FROM {} WHERE {column} IS NOT NULL AND {condition}", quote(&stored.name));
        Some((name.to_owned(), ty.to_string(), query))
    };
    narrower.filter_map(query).collect()
}

/// The columns that get another type, with the one that they have and the new one.
fn retyped<'a>(old: &TableSql, edits: &'a [Edit]) -> impl Iterator<Item = (&'a str, Type, &'a Type)> {
    edits.iter().filter_map(|edit| {
        let Edit::AlterColumn { name, ty, .. } = edit else { return None };
        let (_, column) = old.columns().find(|(found, _)| found.eq_ignore_ascii_case(name))?;
        let was = column.ty();
        (was != type_from(&type_name(ty))).then_some((name.as_str(), was, ty))
    })
}

/// The columns that rows are copied into, and what from: the same columns, and the rowid, which a reader of the table
/// may have kept. What is computed is not copied, what is computed no more is.
fn copied(table: &str, old: &TableSql, new: &TableSql, edits: &[Edit]) -> (Vec<String>, Vec<String>) {
    let dropped = |name: &str| {
        edits.iter().any(|edit| matches!(edit, Edit::DropColumn { name: gone } if gone.eq_ignore_ascii_case(name)))
    };
    let has = |name: &str| old.columns().any(|(found, _)| found.eq_ignore_ascii_case(name)) && !dropped(name);
    let kept: Vec<_> = new.columns().filter(|(name, column)| has(name) && !column.is_generated()).collect();
    let mut into: Vec<_> = kept.iter().map(|(name, _)| quote(name)).collect();
    let converted = |(name, _): &(&str, ColumnSql)| {
        let retyped = retyped(old, edits).find(|(found, ..)| found.eq_ignore_ascii_case(name));
        let renamed = edits.iter().find_map(|edit| match edit {
            Edit::RenameEnumValue { column, value, new_value } if column.eq_ignore_ascii_case(name) => {
                let (column, value, new_value) = (quote(name), literal(value), literal(new_value));
                Some(format!("CASE {column} WHEN {value} THEN {new_value} ELSE {column} END"))
            }
            Edit::RenameListValue { column, value, new_value } if column.eq_ignore_ascii_case(name) => {
                let (column, value, new_value) = (quote(name), literal(value), literal(new_value));
                let item = format!("CASE item.value WHEN {value} THEN {new_value} ELSE item.value END");
                let items = format!(
                    "SELECT json_group_array({item} ORDER BY item.key) FROM json_each({}.{column}) AS item",
                    quote(table)
                );
                Some(format!("CASE WHEN json_type({column}) = 'array' THEN ({items}) ELSE {column} END"))
            }
            _ => None,
        });
        let expression = renamed.or_else(|| retyped.and_then(|(_, was, ty)| casts::expression(&quote(name), &was, ty)));
        expression.unwrap_or_else(|| quote(name))
    };
    let mut from: Vec<_> = kept.iter().map(converted).collect();
    let key = |table: &TableSql| table.columns().find(|(_, column)| column.is_rowid()).map(|(name, _)| name.to_owned());
    let is_copied = key(old).is_some_and(|name| has(&name) && key(new) == Some(name));
    if old.has_rowid() && !is_copied {
        let free = |table: &TableSql| {
            ROWID.into_iter().find(|alias| !table.columns().any(|(name, _)| name.eq_ignore_ascii_case(alias)))
        };
        // A key that is the rowid comes after it, and the last one holds. Where columns hide every name of the rowid,
        // nobody has read it; the order of the rows stays.
        if let (Some(there), Some(here)) = (free(new), free(old)) {
            into.insert(0, there.to_owned());
            from.insert(0, here.to_owned());
        }
    }
    (into, from)
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
        Edit::AddColumn { name, clause, .. } => {
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
            let new = ColumnSql::parse(clause);
            if new.is_key() && !ColumnSql::parse(table.clauses[at].text()).is_key() {
                // A column counts up as the only one of the key, which then is said of the column.
                table.drop_primary_key();
            }
            let at = column_at(table, name).ok_or_else(|| no_column(name))?;
            let column = ColumnSql::parse(table.clauses[at].text()).altered(&new);
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
        Edit::AddPrimaryKey { columns } => {
            // A column that counts up is the key already.
            let same = |key: Vec<String>| {
                key.len() == columns.len()
                    && key.iter().zip(columns).all(|(one, other)| one.eq_ignore_ascii_case(other))
            };
            if !table.primary_key().is_some_and(same) {
                let columns: Vec<_> = columns.iter().map(|column| quote(column)).collect();
                let text = format!("PRIMARY KEY ({})", columns.join(", "));
                table.clauses.push(Clause::Constraint { name: None, text });
            }
        }
        Edit::RenameEnumValue { column: name, value, new_value } => {
            let at = column_at(table, name).ok_or_else(|| no_column(name))?;
            let mut column = ColumnSql::parse(table.clauses[at].text());
            column.rename_value(value, new_value);
            table.clauses[at] = Clause::Column { name: name.clone(), text: column.render() };
        }
        // It is in the rows alone.
        Edit::RenameListValue { column, .. } => {
            column_at(table, column).ok_or_else(|| no_column(column))?;
        }
        Edit::DropPrimaryKey => {
            if !table.drop_primary_key() {
                return Err(format!("the table `{table_name}` has no primary key"));
            }
        }
    }
    Ok(())
}
