//! Operations as the Rust text of a migration file: formatted, and the same every time.

use std::fmt::Write;

use crate::head::Head;
use crate::operation::{Constraint, Operation};
use crate::operations::function_name;
use crate::schema::{Column, Table, Type};

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
            Ok(operation) => body.push_str(&call(&operation)),
            Err(why) => line(&mut body, 1, &format!("op.irreversible({:?});", why.to_string())),
        }
    }
    let argument = if body.is_empty() { "_op" } else { "op" };
    if body.is_empty() {
        // rustfmt keeps the braces of an empty function together.
        let _ = write!(text, "\npub fn {name}({argument}: &mut Operations) {{}}\n");
    } else {
        let _ = write!(text, "\npub fn {name}({argument}: &mut Operations) {{\n{body}}}\n");
    }
}

fn call(operation: &Operation) -> String {
    let mut body = String::new();
    match operation {
        Operation::CreateTable(table) => create_table(&mut body, table),
        Operation::DropTable { name, .. } => line(&mut body, 1, &format!("op.drop_table({name:?});")),
        Operation::AddColumn { table, column } => {
            arguments(&mut body, "op.add_column", &[quoted(table), quoted(&column.name), column_call(column, false)]);
        }
        Operation::DropColumn { table, name, .. } => {
            arguments(&mut body, "op.drop_column", &[quoted(table), quoted(name)]);
        }
        Operation::AlterColumn { table, column, .. } => {
            arguments(&mut body, "op.alter_column", &[quoted(table), quoted(&column.name), column_call(column, false)]);
        }
        Operation::CreateIndex { table, index } => {
            arguments(&mut body, "op.create_index", &[quoted(&index.name), quoted(table), list(&index.columns)]);
        }
        Operation::DropIndex { table, name, .. } => {
            arguments(&mut body, "op.drop_index", &[quoted(name), quoted(table)]);
        }
        Operation::CreateUnique { table, unique } => arguments(
            &mut body,
            "op.create_unique_constraint",
            &[quoted(&unique.name), quoted(table), list(&unique.columns)],
        ),
        Operation::CreateCheck { table, check } => arguments(
            &mut body,
            "op.create_check_constraint",
            &[quoted(&check.name), quoted(table), quoted(&check.expression)],
        ),
        Operation::DropConstraint { table, name, was } => {
            debug_assert!(matches!(was, None | Some(Constraint::Unique(_) | Constraint::Check(_))));
            arguments(&mut body, "op.drop_constraint", &[quoted(name), quoted(table)]);
        }
        Operation::Execute { sql } => arguments(&mut body, "op.execute", &[quoted(sql)]),
    }
    body
}

fn create_table(body: &mut String, table: &Table) {
    line(body, 1, &format!("op.create_table({:?}, |t| {{", table.name));
    for column in &table.columns {
        let key = table.primary_key.contains(&column.name);
        let call = format!("t.column({:?}, {});", column.name, column_call(column, key));
        if 8 + call.chars().count() <= WIDTH {
            line(body, 2, &call);
        } else {
            line(body, 2, "t.column(");
            line(body, 3, &format!("{:?},", column.name));
            line(body, 3, &format!("{},", column_call(column, key)));
            line(body, 2, ");");
        }
    }
    for unique in &table.uniques {
        line(body, 2, &format!("t.unique({:?}, {});", unique.name, list(&unique.columns)));
    }
    for check in &table.checks {
        line(body, 2, &format!("t.check({:?}, {:?});", check.name, check.expression));
    }
    line(body, 1, "});");
}

/// rustfmt's own width.
const WIDTH: usize = 100;

/// A call on one line, or with each argument on its own.
fn arguments(body: &mut String, function: &str, arguments: &[String]) {
    let joined = format!("{function}({});", arguments.join(", "));
    if 4 + joined.chars().count() <= WIDTH {
        return line(body, 1, &joined);
    }
    line(body, 1, &format!("{function}("));
    for argument in arguments {
        line(body, 2, &format!("{argument},"));
    }
    line(body, 1, ");");
}

fn column_call(column: &Column, primary_key: bool) -> String {
    let mut call = match &column.ty {
        Type::Standard(ty) => format!("{}()", function_name(*ty)),
        Type::Other(name) => format!("custom({name:?})"),
    };
    if column.identity {
        call.push_str(".identity()");
    }
    if primary_key {
        call.push_str(".primary_key()");
    }
    if !column.nullable && !column.identity && !primary_key {
        call.push_str(".not_null()");
    }
    if let Some(default) = &column.default {
        let _ = write!(call, ".default({default:?})");
    }
    call
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn list(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
    format!("[{}]", quoted.join(", "))
}

fn line(body: &mut String, depth: usize, text: &str) {
    let _ = writeln!(body, "{:width$}{text}", "", width = depth * 4);
}
