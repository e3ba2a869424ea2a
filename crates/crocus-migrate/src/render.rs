//! Operations as the Rust text of a migration file: formatted as rustfmt does by default, and the same every time.

mod layout;

use std::fmt::Write;

use crocus_orm::table::ReferentialAction;

use layout::{Argument, Call, chained, close_closure, open_closure, statement};

use crate::head::Head;
use crate::operation::Operation;
use crate::operations::function_name;
use crate::schema::{Column, ForeignKey, Index, IndexKey, IndexPart, Table, TableName, Type};

/// The text of a migration file.
pub fn migration(head: &Head, operations: &[Operation]) -> String {
    let mut text = head.render();
    text.push_str("\nuse crocus::migrate::prelude::*;\n");
    function(&mut text, "upgrade", operations.iter().map(|operation| Ok(operation.clone())));
    function(&mut text, "downgrade", operations.iter().rev().map(Operation::reverse));
    text
}

fn function(text: &mut String, name: &str, operations: impl Iterator<Item = Result<Operation, crate::Irreversible>>) {
    let mut body = String::new();
    for operation in operations {
        match operation {
            Ok(operation) => write_operation(&mut body, operation),
            Err(why) => statement(&mut body, 1, "op.irreversible", vec![text_of(&why.to_string())]),
        }
    }
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
            ("create_unique_constraint", vec![text_of(&unique.name), table_of(&table), list_of(&unique.columns)])
        }
        Operation::CreateCheck { table, check } => {
            ("create_check_constraint", vec![text_of(&check.name), table_of(&table), text_of(&check.expression)])
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
        Operation::RenameEnumValue { name, value, new_value } => {
            ("rename_enum_value", vec![text_of(&name), text_of(&value), text_of(&new_value)])
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
        statement(body, depth, "t.unique", vec![text_of(&unique.name), list_of(&unique.columns)]);
    }
    for check in &table.checks {
        statement(body, depth, "t.check", vec![text_of(&check.name), text_of(&check.expression)]);
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
    let said = [(".default", &column.default), (".generated", &column.generated), (".comment", &column.comment)];
    for (name, text) in said {
        chain.extend(text.as_ref().map(|text| Call::new(name, vec![text_of(text)])));
    }
    Argument::Chain(chain)
}

/// Names where all parts are columns in ascending order.
fn parts_of(index: &Index) -> Argument {
    let name = |part: &IndexPart| match &part.key {
        IndexKey::Column(name) if !part.descending => Some(text_of(name)),
        _ => None,
    };
    let part = |part: &IndexPart| {
        let mut chain = vec![match &part.key {
            IndexKey::Column(name) => Call::new("column", vec![text_of(name)]),
            IndexKey::Expression(sql) => Call::new("expression", vec![text_of(sql)]),
        }];
        if part.descending {
            chain.push(Call::new(".desc", Vec::new()));
        }
        Argument::Chain(chain)
    };
    let names: Option<Vec<_>> = index.parts.iter().map(name).collect();
    Argument::List(names.unwrap_or_else(|| index.parts.iter().map(part).collect()))
}

fn calls_of_index(index: &Index) -> Vec<Call> {
    let unique = index.unique.then(|| Call::new(".unique", Vec::new()));
    let condition = index.condition.as_ref().map(|sql| Call::new(".condition", vec![text_of(sql)]));
    unique.into_iter().chain(condition).collect()
}

fn calls_of_key(key: &ForeignKey) -> Vec<Call> {
    let actions = [(".on_delete", key.on_delete), (".on_update", key.on_update)].into_iter();
    let said = actions.filter(|(_, action)| *action != ReferentialAction::NoAction);
    // An action is written as its variant is.
    said.map(|(name, action)| Call::new(name, vec![Argument::Whole(format!("{action:?}"))])).collect()
}
