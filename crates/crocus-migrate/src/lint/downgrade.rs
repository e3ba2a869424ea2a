//! Whether there is a way back, and whether it leads there. Expressions are not compared: a generated downgrade has
//! them as the database writes them.

use super::Code;
use super::judge::Found;
use crate::operation::Operation;
use crate::operations::Operations;
use crate::schema::{Schema, Table};

/// What is found of a downgrade. `after` is the schema that the upgrade leads to.
pub(super) fn judge(before: &Schema, mut after: Schema, upgrade: &Operations, downgrade: &Operations) -> Option<Found> {
    if upgrade.list.is_empty() {
        return None;
    }
    if let Some(why) = &downgrade.irreversible {
        return Some((Code::Irreversible, format!("cannot be undone: {why}")));
    }
    if downgrade.list.is_empty() {
        return Some((Code::Irreversible, "has a downgrade that does nothing".to_owned()));
    }
    let runs_code = |operations: &Operations| {
        operations.list.iter().any(|operation| matches!(operation, Operation::Execute { .. } | Operation::Run(_)))
    };
    if runs_code(upgrade) || runs_code(downgrade) {
        return None;
    }
    for operation in &downgrade.list {
        // A table that SQL or another program has made: nothing is known of it.
        after.apply(operation).ok()?;
    }
    let difference = difference(before, &after)?;
    Some((Code::DowngradeDiffers, format!("the downgrade {difference}")))
}

/// What two schemas differ in by their names.
fn difference(before: &Schema, after: &Schema) -> Option<String> {
    let tables = |schema: &Schema| schema.tables.iter().map(|table| table.name.to_string()).collect::<Vec<_>>();
    let enums = |schema: &Schema| {
        let names = schema.enums.iter().map(|values| format!("{} ({})", values.name, values.values.join(", ")));
        names.collect::<Vec<_>>()
    };
    let of_all = names("table", tables(before), tables(after)).or_else(|| names("enum", enums(before), enums(after)));
    of_all.or_else(|| {
        let both = before.tables.iter().filter_map(|table| Some((table, after.table(&table.name)?)));
        both.filter_map(|(before, after)| of_table(before, after)).next()
    })
}

fn of_table(before: &Table, after: &Table) -> Option<String> {
    let columns = |table: &Table| {
        let null = |nullable| if nullable { "" } else { " NOT NULL" };
        let columns =
            table.columns.iter().map(|column| format!("{}.{}{}", table.name, column.name, null(column.nullable)));
        columns.collect::<Vec<_>>()
    };
    let constraints = |table: &Table| {
        let uniques = table.uniques.iter().map(|unique| &unique.name);
        let checks = table.checks.iter().map(|check| &check.name);
        let keys = table.foreign_keys.iter().map(|key| &key.name);
        uniques.chain(checks).chain(keys).map(|name| format!("{name} on {}", table.name)).collect::<Vec<_>>()
    };
    let indexes = |table: &Table| {
        table.indexes.iter().map(|index| format!("{} on {}", index.name, table.name)).collect::<Vec<_>>()
    };
    names("column", columns(before), columns(after))
        .or_else(|| names("constraint", constraints(before), constraints(after)))
        .or_else(|| names("index", indexes(before), indexes(after)))
}

fn names(kind: &str, before: Vec<String>, after: Vec<String>) -> Option<String> {
    let lost = before.iter().find(|name| !after.contains(name)).map(|name| format!("leaves no {kind} `{name}`"));
    lost.or_else(|| after.iter().find(|name| !before.contains(name)).map(|name| format!("leaves the {kind} `{name}`")))
}
