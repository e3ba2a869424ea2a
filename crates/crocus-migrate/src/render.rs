//! Operations as the Rust text of a migration file: formatted as rustfmt does by default, and the same every time.

mod layout;

use std::fmt::Write;

use crocus_orm::table::ReferentialAction;

use layout::{Argument, Call, chained, close_closure, open_closure, statement};

use crate::head::Head;
use crate::operation::Operation;
use crate::operations::{Operations, function_name};
use crate::schema::{
    Column, Deferrable, ForeignKey, Index, IndexKey, IndexPart, Nulls, Table, TableName, Type, Unique,
};

/// The text of a migration file.
pub fn migration(head: &Head, operations: &[Operation]) -> String {
    let mut text = opening(head);
    function(&mut text, "upgrade", |body| operations.iter().for_each(|it| write_operation(body, it.clone())));
    function(&mut text, "downgrade", |body| {
        for operation in operations.iter().rev() {
            match operation.reverse() {
                Ok(operation) => write_operation(body, operation),
                Err(why) => irreversible(body, &why.to_string()),
            }
        }
    });
    text
}

/// The text of a migration file whose way back is not the reverse of its way there.
pub(crate) fn written(head: &Head, upgrade: &Operations, downgrade: &Operations) -> String {
    let mut text = opening(head);
    for (name, operations) in [("upgrade", upgrade), ("downgrade", downgrade)] {
        function(&mut text, name, |body| {
            for (index, operation) in operations.list.iter().enumerate() {
                allowed(body, operations, index);
                write_operation(body, operation.clone());
            }
            if let Some(why) = &operations.irreversible {
                allowed(body, operations, operations.list.len());
                irreversible(body, why);
            }
        });
    }
    text
}

fn opening(head: &Head) -> String {
    format!("{}\nuse crocus::migrate::prelude::*;\n", head.render())
}

/// What is acknowledged of a step, before it.
fn allowed(body: &mut String, operations: &Operations, step: usize) {
    for allowance in operations.allowed.iter().filter(|allowance| allowance.before == step) {
        statement(body, 1, "op.allow", vec![text_of(&allowance.code), text_of(&allowance.why)]);
    }
}

fn irreversible(body: &mut String, why: &str) {
    statement(body, 1, "op.irreversible", vec![text_of(why)]);
}

fn function(text: &mut String, name: &str, write: impl FnOnce(&mut String)) {
    let mut body = String::new();
    write(&mut body);
    // rustfmt keeps the braces of an empty function together.
    let (argument, block) = if body.is_empty() { ("_op", "{}".to_owned()) } else { ("op", format!("{{\n{body}}}")) };
    let _ = write!(text, "\npub fn {name}({argument}: &mut Operations) {block}\n");
}

fn write_operation(body: &mut String, operation: Operation) {
    let (function, arguments) = match operation {
        Operation::CreateTable(table) => return create_table(body, &table),
        Operation::DropTable { name, .. } => ("drop_table", vec![table_of(&name)]),
        Operation::RenameTable { name, new_name } => ("rename_table", vec![table_of(&name), text_of(&new_name)]),
        Operation::RenameColumn { table, name, new_name } => {
            ("rename_column", vec![table_of(&table), text_of(&name), text_of(&new_name)])
        }
        Operation::AddColumn { table, column } => {
            ("add_column", vec![table_of(&table), text_of(&column.name), column_of(&column, false)])
        }
        Operation::DropColumn { table, name, .. } => ("drop_column", vec![table_of(&table), text_of(&name)]),
        Operation::AlterColumn { table, column, using: None, .. } => {
            ("alter_column", vec![table_of(&table), text_of(&column.name), column_of(&column, false)])
        }
        Operation::AlterColumn { table, column, using: Some(using), .. } => (
            "alter_column_using",
            vec![table_of(&table), text_of(&column.name), column_of(&column, false), text_of(&using)],
        ),
        Operation::CreatePrimaryKey { table, columns } => {
            ("create_primary_key", vec![table_of(&table), list_of(&columns)])
        }
        Operation::DropPrimaryKey { table, .. } => ("drop_primary_key", vec![table_of(&table)]),
        Operation::CreateIndex { table, index, concurrently } => {
            let arguments = vec![text_of(&index.name), table_of(&table), parts_of(&index)];
            let mut calls = calls_of_index(&index);
            calls.extend(concurrently.then(|| Call::new(".concurrently", Vec::new())));
            return chained(body, 1, Call::new("op.create_index", arguments), calls);
        }
        Operation::DropIndex { table, name, concurrently: false, .. } => {
            ("drop_index", vec![text_of(&name), table_of(&table)])
        }
        Operation::DropIndex { table, name, concurrently: true, .. } => {
            ("drop_index_concurrently", vec![text_of(&name), table_of(&table)])
        }
        Operation::RenameIndex { table, name, new_name } => {
            ("rename_index", vec![table_of(&table), text_of(&name), text_of(&new_name)])
        }
        Operation::CreateUnique { table, unique } => {
            let arguments = vec![text_of(&unique.name), table_of(&table), list_of(&unique.columns)];
            return chained(body, 1, Call::new("op.create_unique_constraint", arguments), calls_of_unique(&unique));
        }
        Operation::CreateCheck { table, check } => {
            let arguments = vec![text_of(&check.name), table_of(&table), text_of(&check.expression)];
            let not_valid = not_valid(check.validated).collect();
            return chained(body, 1, Call::new("op.create_check_constraint", arguments), not_valid);
        }
        Operation::CreateForeignKey { table, foreign_key: key } => {
            let (columns, target_columns) = (list_of(&key.columns), list_of(&key.target_columns));
            let arguments = vec![text_of(&key.name), table_of(&table), table_of(&key.target), columns, target_columns];
            return chained(body, 1, Call::new("op.create_foreign_key", arguments), calls_of_key(&key));
        }
        Operation::DropConstraint { table, name, .. } => ("drop_constraint", vec![text_of(&name), table_of(&table)]),
        Operation::RenameConstraint { table, name, new_name } => {
            ("rename_constraint", vec![table_of(&table), text_of(&name), text_of(&new_name)])
        }
        Operation::CreateTableComment { table, comment, .. } => {
            ("create_table_comment", vec![table_of(&table), text_of(&comment)])
        }
        Operation::DropTableComment { table, .. } => ("drop_table_comment", vec![table_of(&table)]),
        Operation::CreateSchema { name } => ("create_schema", vec![text_of(&name)]),
        Operation::DropSchema { name } => ("drop_schema", vec![text_of(&name)]),
        Operation::CreateEnum(values) => ("create_enum", vec![text_of(&values.name), list_of(&values.values)]),
        Operation::AlterEnum { values, .. } => ("alter_enum", vec![text_of(&values.name), list_of(&values.values)]),
        Operation::DropEnum { name, .. } => ("drop_enum", vec![text_of(&name)]),
        Operation::RenameEnumValue { name, value, new_value, lists } => {
            let arguments = vec![text_of(&name), text_of(&value), text_of(&new_value)];
            let in_lists =
                |(table, column): &(TableName, String)| Call::new(".in_lists", vec![table_of(table), text_of(column)]);
            let calls = lists.iter().map(in_lists).collect();
            return chained(body, 1, Call::new("op.rename_enum_value", arguments), calls);
        }
        // A function cannot be written down: whoever wants it here has to put it here.
        Operation::Run(step) => {
            let text = format!("put the data step `{}` here, out of the migration that has it", step.name);
            return statement(body, 1, "compile_error!", vec![text_of(&text)]);
        }
        Operation::Execute { sql, dialect: None } => ("execute", vec![text_of(&sql)]),
        Operation::Execute { sql, dialect: Some(dialect) } => {
            ("execute_on", vec![Argument::Whole(format!("Dialect::{dialect:?}")), text_of(&sql)])
        }
    };
    statement(body, 1, &format!("op.{function}"), arguments);
}

fn create_table(body: &mut String, table: &Table) {
    if table.columns.is_empty() && table.comment.is_none() {
        let nothing = Argument::Whole("|_| {}".to_owned());
        return statement(body, 1, "op.create_table", vec![table_of(&table.name), nothing]);
    }
    let depth = open_closure(body, "op.create_table", &table_of(&table.name));
    if let Some(comment) = &table.comment {
        statement(body, depth, "t.comment", vec![text_of(comment)]);
    }
    for column in &table.columns {
        let key = table.primary_key.contains(&column.name);
        statement(body, depth, "t.column", vec![text_of(&column.name), column_of(column, key)]);
    }
    for unique in &table.uniques {
        let arguments = vec![text_of(&unique.name), list_of(&unique.columns)];
        chained(body, depth, Call::new("t.unique", arguments), calls_of_unique(unique));
    }
    for check in &table.checks {
        let arguments = vec![text_of(&check.name), text_of(&check.expression)];
        chained(body, depth, Call::new("t.check", arguments), not_valid(check.validated).collect());
    }
    for key in &table.foreign_keys {
        let (columns, target_columns) = (list_of(&key.columns), list_of(&key.target_columns));
        let arguments = vec![text_of(&key.name), columns, table_of(&key.target), target_columns];
        chained(body, depth, Call::new("t.foreign_key", arguments), calls_of_key(key));
    }
    close_closure(body, depth);
}

fn text_of(text: &str) -> Argument {
    Argument::Whole(format!("{text:?}"))
}

fn table_of(table: &TableName) -> Argument {
    match &table.schema {
        Some(schema) => Argument::tuple(vec![text_of(schema), text_of(&table.name)]),
        None => text_of(&table.name),
    }
}

fn list_of(names: &[String]) -> Argument {
    Argument::List(names.iter().map(|name| text_of(name)).collect())
}

fn type_of(ty: &Type) -> Call {
    match ty {
        Type::Standard(ty) => Call::new(function_name(*ty), Vec::new()),
        Type::Enum(values) => Call::new("enumeration", vec![text_of(&values.name), list_of(&values.values)]),
        Type::Array(of) => Call::new("array", vec![Argument::Chain(vec![type_of(of)])]),
        Type::Other(name) => Call::new("custom", vec![text_of(name)]),
    }
}

fn column_of(column: &Column, primary_key: bool) -> Argument {
    let mut chain = vec![type_of(&column.ty)];
    if column.identity {
        chain.push(Call::new(".identity", Vec::new()));
    }
    if primary_key {
        chain.push(Call::new(".primary_key", Vec::new()));
    }
    if !column.nullable && !column.identity && !primary_key {
        chain.push(Call::new(".not_null", Vec::new()));
    }
    let said = [
        (".collate", &column.collation),
        (".default", &column.default),
        (".generated", &column.generated),
        (".comment", &column.comment),
    ];
    for (name, text) in said {
        chain.extend(text.as_ref().map(|text| Call::new(name, vec![text_of(text)])));
    }
    Argument::Chain(chain)
}

/// Names where all parts are columns as they are.
fn parts_of(index: &Index) -> Argument {
    let name = |part: &IndexPart| match &part.key {
        IndexKey::Column(name) if *part == IndexPart::new(part.key.clone()) => Some(text_of(name)),
        _ => None,
    };
    let names: Option<Vec<_>> = index.parts.iter().map(name).collect();
    Argument::List(names.unwrap_or_else(|| index.parts.iter().map(part_of).collect()))
}

fn part_of(part: &IndexPart) -> Argument {
    let mut chain = vec![match &part.key {
        IndexKey::Column(name) => Call::new("column", vec![text_of(name)]),
        IndexKey::Expression(sql) => Call::new("expression", vec![text_of(sql)]),
    }];
    let said = [(".collate", &part.collation), (".operator_class", &part.operator_class)];
    for (name, text) in said {
        chain.extend(text.as_ref().map(|text| Call::new(name, vec![text_of(text)])));
    }
    chain.extend(part.descending.then(|| Call::new(".desc", Vec::new())));
    chain.extend(part.nulls.map(|nulls| match nulls {
        Nulls::First => Call::new(".nulls_first", Vec::new()),
        Nulls::Last => Call::new(".nulls_last", Vec::new()),
    }));
    Argument::Chain(chain)
}

fn calls_of_index(index: &Index) -> Vec<Call> {
    let mut calls = Vec::new();
    calls.extend(index.unique.then(|| Call::new(".unique", Vec::new())));
    calls.extend(index.method.as_ref().map(|method| Call::new(".using", vec![text_of(method)])));
    calls.extend((!index.include.is_empty()).then(|| Call::new(".include", vec![list_of(&index.include)])));
    calls.extend(index.nulls_not_distinct.then(|| Call::new(".nulls_not_distinct", Vec::new())));
    calls.extend(index.condition.as_ref().map(|sql| Call::new(".condition", vec![text_of(sql)])));
    calls
}

fn calls_of_unique(unique: &Unique) -> Vec<Call> {
    let nulls = unique.nulls_not_distinct.then(|| Call::new(".nulls_not_distinct", Vec::new()));
    nulls.into_iter().chain(deferrable(unique.deferrable)).collect()
}

fn calls_of_key(key: &ForeignKey) -> Vec<Call> {
    // An action is written as its variant is.
    let action = |name, action: ReferentialAction| {
        let said = action != ReferentialAction::NoAction;
        said.then(|| Call::new(name, vec![Argument::Whole(format!("{action:?}"))]))
    };
    let mut calls = Vec::new();
    calls.extend(key.match_full.then(|| Call::new(".match_full", Vec::new())));
    calls.extend(action(".on_delete", key.on_delete));
    let columns = &key.on_delete_columns;
    calls.extend((!columns.is_empty()).then(|| Call::new(".on_delete_columns", vec![list_of(columns)])));
    calls.extend(action(".on_update", key.on_update));
    calls.extend(deferrable(key.deferrable));
    calls.extend(not_valid(key.validated));
    calls
}

fn deferrable(deferrable: Deferrable) -> Option<Call> {
    match deferrable {
        Deferrable::No => None,
        Deferrable::Immediate => Some(Call::new(".deferrable", Vec::new())),
        Deferrable::Deferred => Some(Call::new(".initially_deferred", Vec::new())),
    }
}

fn not_valid(validated: bool) -> impl Iterator<Item = Call> {
    (!validated).then(|| Call::new(".not_valid", Vec::new())).into_iter()
}
