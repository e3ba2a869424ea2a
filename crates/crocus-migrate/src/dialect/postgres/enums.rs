//! Giving an enum type other values: in place where values are only added, else by making it anew.

use crocus_orm::{Connection, Result, Row, Statement};

use super::ddl::{create_enum, literal, quote};
use crate::schema::Enum;

const VALUES: &str = "
SELECT enumlabel::text FROM pg_catalog.pg_enum WHERE enumtypid = to_regtype($1) ORDER BY enumsortorder";

/// The columns of a type or of arrays of it, with their defaults.
const COLUMNS: &str = "
SELECT format('%I.%I', n.nspname, c.relname), quote_ident(a.attname), a.atttypid <> t.oid,
       pg_get_expr(d.adbin, d.adrelid)
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_attribute a ON a.atttypid IN (t.oid, t.typarray) AND NOT a.attisdropped
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE t.oid = to_regtype($1) ORDER BY c.oid, a.attnum";

/// What names a value of a type, or compares a column of it, and is not taken along to another type: checks, foreign keys,
/// and indexes over expressions or with a condition. What takes each away, and what makes it again.
const DEPENDENTS: &str = "
WITH type AS (SELECT oid, typarray FROM pg_catalog.pg_type WHERE oid = to_regtype($1)),
named AS (
    SELECT d.classid, d.objid FROM pg_catalog.pg_depend d, type
    WHERE d.refclassid = 'pg_type'::regclass AND d.refobjid IN (type.oid, type.typarray)
    UNION
    SELECT d.classid, d.objid FROM type
    JOIN pg_catalog.pg_attribute a ON a.atttypid IN (type.oid, type.typarray) AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
)
SELECT drop, create_again FROM (
    SELECT 1 AS place, k.conname::text AS name,
           format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname) AS drop,
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)) AS create_again
    FROM pg_catalog.pg_constraint k
    WHERE k.contype IN ('c', 'f') AND k.conrelid <> 0 AND k.conparentid = 0 AND k.conislocal
      AND k.oid IN (SELECT objid FROM named WHERE classid = 'pg_constraint'::regclass)
    UNION ALL
    SELECT 0, x.indexrelid::regclass::text, format('DROP INDEX %s', x.indexrelid::regclass), pg_get_indexdef(x.indexrelid)
    FROM pg_catalog.pg_index x
    JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid AND NOT c.relispartition
    WHERE (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL)
      AND x.indexrelid IN (SELECT objid FROM named WHERE classid = 'pg_class'::regclass)
) AS found ORDER BY place, name";

/// An enum type as it is now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Current {
    /// Its values, in order.
    pub(crate) values: Vec<String>,
    /// The columns that have it.
    pub(crate) users: Vec<User>,
    /// What has to go while the type is made anew, and what makes it again.
    pub(crate) dependents: Vec<(String, String)>,
}

/// A column of an enum type.
#[derive(Debug, Clone)]
pub(crate) struct User {
    /// Its table, quoted.
    pub(crate) table: String,
    /// Its name, quoted.
    pub(crate) column: String,
    /// Whether it has arrays of the type's values.
    pub(crate) is_array: bool,
    /// The SQL expression of its default.
    pub(crate) default: Option<String>,
}

/// A type as it is now.
pub(crate) async fn current(connection: &Connection, name: &str) -> Result<Current> {
    let name = quote(name);
    let rows = connection.query(Statement::write(VALUES, [name.as_str().into()])).await?;
    let values = rows.iter().map(|row| row.get::<String>(0)).collect::<Result<Vec<_>>>()?;
    let rows = connection.query(Statement::write(COLUMNS, [name.as_str().into()])).await?;
    let user =
        |row: &Row| Ok(User { table: row.get(0)?, column: row.get(1)?, is_array: row.get(2)?, default: row.get(3)? });
    let users = rows.iter().map(user).collect::<Result<_>>()?;
    let rows = connection.query(Statement::write(DEPENDENTS, [name.as_str().into()])).await?;
    let dependents = rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect::<Result<_>>()?;
    Ok(Current { values, users, dependents })
}

/// The statements that give a type its new values, and whether they only add some.
pub(crate) fn alter(new: &Enum, current: &Current) -> (Vec<String>, bool) {
    let kept = new.values.iter().filter(|value| current.values.contains(value));
    if kept.eq(&current.values) {
        return (additions(&quote(&new.name), &current.values, &new.values), true);
    }
    (alter_at_once(new, current), false)
}

/// The statements that give a type its new values so that they can be used in the same transaction.
pub(crate) fn alter_at_once(new: &Enum, current: &Current) -> Vec<String> {
    let name = quote(&new.name);
    let old = quote(&format!("crocus_old_{}", new.name));
    let mut statements: Vec<_> = current.dependents.iter().map(|(drop, _)| drop.clone()).collect();
    statements.extend([format!("ALTER TYPE {name} RENAME TO {old}"), create_enum(new)]);
    for User { table, column, is_array, default } in &current.users {
        let array = if *is_array { "[]" } else { "" };
        let mut actions = vec![
            format!("ALTER COLUMN {column} DROP DEFAULT"),
            format!("ALTER COLUMN {column} TYPE {name}{array} USING {column}::text{array}::{name}{array}"),
        ];
        // Its cast names the type, and means the new one when it is read again.
        if let Some(default) = default {
            actions.push(format!("ALTER COLUMN {column} SET DEFAULT {default}"));
        }
        statements.push(format!("ALTER TABLE {table} {}", actions.join(", ")));
    }
    statements.push(format!("DROP TYPE {old}"));
    statements.extend(current.dependents.iter().map(|(_, create)| create.clone()));
    statements
}

/// A statement for each new value, which comes after the one before it, or before the first that was there.
fn additions(name: &str, values: &[String], new: &[String]) -> Vec<String> {
    let mut statements = Vec::new();
    for (at, value) in new.iter().enumerate().filter(|(_, value)| !values.contains(value)) {
        let place = match (at.checked_sub(1), values.first()) {
            (Some(before), _) => format!(" AFTER {}", literal(&new[before])),
            (None, Some(first)) => format!(" BEFORE {}", literal(first)),
            (None, None) => String::new(),
        };
        statements.push(format!("ALTER TYPE {name} ADD VALUE {}{place}", literal(value)));
    }
    statements
}
