//! An operation in parts. What is one statement on a table that nobody uses takes several transactions on one that is
//! in use, so that no lock which keeps others out is held while rows are read or an index is built.
//!
//! Pure. The number of an operation's parts does not change while they are done, nor does it depend on the table's size:
//! a database that was left between two parts is known by the number of those that are done.

use super::before::Before;
use super::ddl::{self, Plan, qualified, quote};
use super::scratch::LONGEST_NAME;
use super::{enums, names};
use crate::operation::Operation;
use crate::schema::{Deferrable, Index, TableName, Unique};

/// Statements that happen together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) statements: Vec<String>,
    pub(crate) kind: Kind,
    /// What takes the part back, however far it came.
    pub(crate) undo: Vec<String>,
}

/// The transaction that a part is in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// In one with its neighbours.
    Together,
    /// In one with what comes before it: what comes after needs it committed.
    Last,
    /// In one of its own.
    Own,
    /// In none: it builds this index.
    Build(TableName),
    /// In none: it drops this index.
    Drop(TableName),
}

/// The parts of an operation, in order; at least one.
pub(crate) fn parts(operation: &Operation, before: &Before) -> Vec<Part> {
    let in_use = !before.is_new;
    let whole = in_use && !before.is_partitioned;
    match operation {
        Operation::CreateIndex { table, index, concurrently: true } if whole => vec![build(table, index)],
        Operation::DropIndex { table, name, concurrently: true, .. } if whole => {
            let name = table.beside(name);
            let drop = format!("DROP INDEX CONCURRENTLY {}", qualified(&name));
            vec![Part { statements: vec![drop], kind: Kind::Drop(name), undo: Vec::new() }]
        }
        Operation::CreateUnique { table, unique } if whole => {
            let index = Index {
                unique: true,
                nulls_not_distinct: unique.nulls_not_distinct,
                ..Index::new(&unique.name, unique.columns.iter().map(|name| name.as_str().into()).collect())
            };
            vec![build(table, &index), own(vec![unique_by_index(table, unique)])]
        }
        Operation::CreatePrimaryKey { table, columns } if whole => primary_key(table, columns),
        Operation::CreateCheck { table, check } if in_use && check.validated => {
            validated(table, &check.name, at_once(operation, before))
        }
        Operation::CreateForeignKey { table, foreign_key } if whole && foreign_key.validated => {
            validated(table, &foreign_key.name, at_once(operation, before))
        }
        Operation::AlterColumn { table, column, using, .. } => {
            let statements = at_once(operation, before);
            let is_nullable = before.column.as_ref().is_none_or(|column| column.is_nullable);
            let becomes_not_null = is_nullable && !column.nullable;
            // An expression may make a value of NULL.
            if !in_use || !becomes_not_null || using.is_some() || column.generated.is_some() {
                return vec![Part::together(statements)];
            }
            let name = std::slice::from_ref(&column.name);
            let mut parts = not_null(table, name);
            let last = statements.into_iter().chain(drop_not_null(table, name));
            parts.push(own(last.collect()));
            parts
        }
        Operation::AlterEnum { values, .. } => {
            let (statements, adds) = enums::alter(values, &before.enumeration);
            // A value can be used when it is committed ("ALTER TYPE").
            vec![Part { kind: if adds { Kind::Last } else { Kind::Together }, ..Part::together(statements) }]
        }
        // Nobody shall wait for locks of the steps before while it runs.
        Operation::Run(_) => vec![own(Vec::new())],
        operation => vec![Part::together(at_once(operation, before))],
    }
}

/// The statements of an operation in one transaction, whoever has to wait.
pub(crate) fn at_once(operation: &Operation, before: &Before) -> Vec<String> {
    match ddl::plan(operation) {
        Plan::Statements(mut statements) => {
            statements.extend(before.names.iter().cloned());
            statements
        }
        Plan::AlterColumn { table, column, using } => ddl::alter_column(table, column, using, before.column.as_ref()),
        Plan::AlterEnum(values) => enums::alter_at_once(values, &before.enumeration),
    }
}

impl Kind {
    /// Whether what comes before has to be committed.
    pub(crate) fn begins(&self) -> bool {
        !matches!(self, Kind::Together | Kind::Last)
    }
}

impl Part {
    pub(crate) fn together(statements: Vec<String>) -> Part {
        Part { statements, kind: Kind::Together, undo: Vec::new() }
    }
}

fn own(statements: Vec<String>) -> Part {
    Part { kind: Kind::Own, ..Part::together(statements) }
}

/// What is built without keeping writers out stays, invalid, where it fails.
fn build(table: &TableName, index: &Index) -> Part {
    let name = table.beside(&index.name);
    let undo = vec![format!("DROP INDEX CONCURRENTLY IF EXISTS {}", qualified(&name))];
    let create = ddl::create_index(table, index).replacen("INDEX ", "INDEX CONCURRENTLY ", 1);
    Part { statements: vec![create], kind: Kind::Build(name), undo }
}

/// New rows are checked at once, those that are there by a scan that keeps nobody out.
fn validated(table: &TableName, name: &str, mut add: Vec<String>) -> Vec<Part> {
    let (table, name) = (qualified(table), quote(name));
    add.iter_mut().for_each(|add| add.push_str(" NOT VALID"));
    let undo = vec![format!("ALTER TABLE IF EXISTS {table} DROP CONSTRAINT IF EXISTS {name}")];
    let validate = format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name}");
    vec![Part { undo, ..Part::together(add) }, own(vec![validate])]
}

/// The first parts of NOT NULL. `SET NOT NULL` reads no rows where a check that is validated says the same.
fn not_null(table: &TableName, columns: &[String]) -> Vec<Part> {
    let add = |column: &String| {
        let (table, name) = (qualified(table), quote(&not_null_check(column)));
        format!("ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({} IS NOT NULL) NOT VALID", quote(column))
    };
    let validate = |column: &String| {
        format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", qualified(table), quote(&not_null_check(column)))
    };
    let added = Part { undo: drop_not_null(table, columns), ..Part::together(columns.iter().map(add).collect()) };
    vec![added, own(columns.iter().map(validate).collect())]
}

fn drop_not_null(table: &TableName, columns: &[String]) -> Vec<String> {
    let drop = |column: &String| {
        let (table, name) = (qualified(table), quote(&not_null_check(column)));
        format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
    };
    columns.iter().map(drop).collect()
}

/// The name of a check that is there for a while. PostgreSQL would cut a longer one.
fn not_null_check(column: &str) -> String {
    let mut name = format!("crocus_not_null_{column}");
    while name.len() > LONGEST_NAME {
        name.pop();
    }
    name
}

fn unique_by_index(table: &TableName, unique: &Unique) -> String {
    let (table, name) = (qualified(table), quote(&unique.name));
    let deferrable = match unique.deferrable {
        Deferrable::No => "",
        Deferrable::Immediate => " DEFERRABLE",
        Deferrable::Deferred => " DEFERRABLE INITIALLY DEFERRED",
    };
    format!("ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}{deferrable}")
}

fn primary_key(table: &TableName, columns: &[String]) -> Vec<Part> {
    let name = names::primary_key(&table.name);
    let parts = columns.iter().map(|name| name.as_str().into()).collect();
    let index = Index { unique: true, ..Index::new(&name, parts) };
    let add = format!(
        "ALTER TABLE {} ADD CONSTRAINT {} PRIMARY KEY USING INDEX {}",
        qualified(table),
        quote(&name),
        quote(&name)
    );
    let mut parts = not_null(table, columns);
    parts.push(build(table, &index));
    parts.push(own(std::iter::once(add).chain(drop_not_null(table, columns)).collect()));
    parts
}

#[cfg(test)]
mod tests {
    use crocus_orm::ColumnType;

    use super::*;
    use crate::dialect::postgres::before;
    use crate::prelude::*;
    use crate::schema::{Column, Schema, Table};

    fn lines(before: &Before, write: impl FnOnce(&mut Operations)) -> String {
        let mut op = Operations::default();
        write(&mut op);
        let mut lines = String::new();
        for part in op.list().iter().flat_map(|operation| parts(operation, before)) {
            let kind = match part.kind {
                Kind::Together => "together",
                Kind::Last => "last",
                Kind::Own => "own",
                Kind::Build(_) => "build",
                Kind::Drop(_) => "drop",
            };
            lines.push_str(&format!("{kind}: {}\n", part.statements.join("; ")));
        }
        lines
    }

    #[test]
    fn a_table_in_use_is_not_locked_while_it_is_read() {
        let before = Before::default();
        let unique = lines(&before, |op| {
            op.create_unique_constraint("cars_plate_key", "cars", ["plate"]);
        });
        assert_eq!(
            unique,
            "build: CREATE UNIQUE INDEX CONCURRENTLY \"cars_plate_key\" ON \"cars\" (\"plate\")\n\
             own: ALTER TABLE \"cars\" ADD CONSTRAINT \"cars_plate_key\" UNIQUE USING INDEX \"cars_plate_key\"\n"
        );
        let check = lines(&before, |op| {
            op.create_check_constraint("positive", "cars", "doors > 0");
        });
        assert_eq!(
            check,
            "together: ALTER TABLE \"cars\" ADD CONSTRAINT \"positive\" CHECK (doors > 0) NOT VALID\n\
             own: ALTER TABLE \"cars\" VALIDATE CONSTRAINT \"positive\"\n"
        );
        let key = lines(&before, |op| {
            op.create_foreign_key("k", "cars", "makers", ["maker_id"], ["id"]);
        });
        assert_eq!(
            key,
            "together: ALTER TABLE \"cars\" ADD CONSTRAINT \"k\" FOREIGN KEY (\"maker_id\") REFERENCES \"makers\" (\"id\") \
             NOT VALID\n\
             own: ALTER TABLE \"cars\" VALIDATE CONSTRAINT \"k\"\n"
        );
        let index = lines(&before, |op| {
            op.create_index("i", "cars", ["name"]).concurrently();
            op.drop_index_concurrently("i", ("shop", "cars"));
            op.create_index("j", "cars", ["name"]);
        });
        assert_eq!(
            index,
            "build: CREATE INDEX CONCURRENTLY \"i\" ON \"cars\" (\"name\")\n\
             drop: DROP INDEX CONCURRENTLY \"shop\".\"i\"\n\
             together: CREATE INDEX \"j\" ON \"cars\" (\"name\")\n"
        );
    }

    #[test]
    fn a_table_of_the_same_revision_takes_the_short_way() {
        let before = Before { is_new: true, ..Before::default() };
        let all = lines(&before, |op| {
            op.create_unique_constraint("u", "cars", ["plate"]);
            op.create_check_constraint("positive", "cars", "doors > 0");
            op.create_index("i", "cars", ["name"]).concurrently();
            op.alter_column("cars", "name", text().not_null());
        });
        assert!(all.lines().all(|line| line.starts_with("together: ")), "{all}");
        assert!(!all.contains("CONCURRENTLY") && !all.contains("NOT VALID"), "{all}");
    }

    #[test]
    fn not_null_is_checked_before_it_is_set() {
        let mut cars = Schema::default();
        cars.tables.push(Table { columns: vec![Column::new("name", ColumnType::Text)], ..Table::new("cars") });
        let alter = |op: &mut Operations| op.alter_column("cars", "name", text().not_null());
        let before = |schema: &Schema| {
            let mut op = Operations::default();
            alter(&mut op);
            before::known(schema, &op.list[0], false)
        };
        let found = lines(&before(&cars), alter);
        let kinds: Vec<_> = found.lines().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(kinds, ["together", "own", "own"], "{found}");
        let last = found.lines().last().unwrap_or_default();
        assert!(last.contains("SET NOT NULL"), "{found}");
        assert!(last.ends_with("DROP CONSTRAINT IF EXISTS \"crocus_not_null_name\""), "{found}");

        cars.tables[0].columns[0].nullable = false;
        assert_eq!(lines(&before(&cars), alter), "together: \n");
    }
}
