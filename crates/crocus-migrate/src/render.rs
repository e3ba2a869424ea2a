//! Operations as the Rust text of a migration file: formatted as rustfmt does by default, and the same every time.

use std::fmt::Write;

use crocus_orm::table::ReferentialAction;

use crate::head::Head;
use crate::operation::Operation;
use crate::operations::function_name;
use crate::schema::{Column, ForeignKey, Index, IndexKey, IndexPart, Table, Type};

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
            Err(why) => statement(&mut body, 1, "op.irreversible", &[text_of(&why.to_string())]),
        }
    }
    // rustfmt keeps the braces of an empty function together.
    let (argument, block) = if body.is_empty() { ("_op", "{}".to_owned()) } else { ("op", format!("{{\n{body}}}")) };
    let _ = write!(text, "\npub fn {name}({argument}: &mut Operations) {block}\n");
}

fn write_operation(body: &mut String, operation: Operation) {
    let (function, arguments) = match operation {
        Operation::CreateTable(table) => return create_table(body, &table),
        Operation::DropTable { name, .. } => ("drop_table", vec![text_of(&name)]),
        Operation::AddColumn { table, column } => {
            ("add_column", vec![text_of(&table), text_of(&column.name), column_of(&column, false)])
        }
        Operation::DropColumn { table, name, .. } => ("drop_column", vec![text_of(&table), text_of(&name)]),
        Operation::AlterColumn { table, column, .. } => {
            ("alter_column", vec![text_of(&table), text_of(&column.name), column_of(&column, false)])
        }
        Operation::CreateIndex { table, index } => {
            let arguments = [text_of(&index.name), text_of(&table), parts_of(&index)];
            return chained_statement(body, 1, "op.create_index", &arguments, &calls_of_index(&index));
        }
        Operation::DropIndex { table, name, .. } => ("drop_index", vec![text_of(&name), text_of(&table)]),
        Operation::CreateUnique { table, unique } => {
            ("create_unique_constraint", vec![text_of(&unique.name), text_of(&table), list_of(&unique.columns)])
        }
        Operation::CreateCheck { table, check } => {
            ("create_check_constraint", vec![text_of(&check.name), text_of(&table), text_of(&check.expression)])
        }
        Operation::CreateForeignKey { table, foreign_key: key } => {
            let columns = [list_of(&key.columns), list_of(&key.target_columns)];
            let arguments = [text_of(&key.name), text_of(&table), text_of(&key.target)].into_iter().chain(columns);
            let arguments: Vec<_> = arguments.collect();
            return chained_statement(body, 1, "op.create_foreign_key", &arguments, &calls_of_key(&key));
        }
        Operation::DropConstraint { table, name, .. } => ("drop_constraint", vec![text_of(&name), text_of(&table)]),
        Operation::Execute { sql } => ("execute", vec![text_of(&sql)]),
    };
    statement(body, 1, &format!("op.{function}"), &arguments);
}

fn create_table(body: &mut String, table: &Table) {
    if table.columns.is_empty() {
        let nothing = Argument::Whole("|_| {}".to_owned());
        return statement(body, 1, "op.create_table", &[text_of(&table.name), nothing]);
    }
    line(body, 1, &format!("op.create_table({:?}, |t| {{", table.name));
    for column in &table.columns {
        let key = table.primary_key.contains(&column.name);
        statement(body, 2, "t.column", &[text_of(&column.name), column_of(column, key)]);
    }
    for unique in &table.uniques {
        statement(body, 2, "t.unique", &[text_of(&unique.name), list_of(&unique.columns)]);
    }
    for check in &table.checks {
        statement(body, 2, "t.check", &[text_of(&check.name), text_of(&check.expression)]);
    }
    for key in &table.foreign_keys {
        let (columns, target_columns) = (list_of(&key.columns), list_of(&key.target_columns));
        let arguments = [text_of(&key.name), columns, text_of(&key.target), target_columns];
        chained_statement(body, 2, "t.foreign_key", &arguments, &calls_of_key(key));
    }
    line(body, 1, "});");
}

/// An argument of a call, as rustfmt sees it.
enum Argument {
    /// One that is not broken.
    Whole(String),
    /// A call and the calls on its result.
    Chain(Vec<Call>),
    /// An array.
    List(Vec<Argument>),
}

/// A call with at most one argument.
struct Call {
    name: &'static str,
    argument: Option<String>,
}

impl Call {
    fn new(name: &'static str, argument: Option<&String>) -> Call {
        Call { name, argument: argument.map(|text| format!("{text:?}")) }
    }

    fn flat(&self) -> String {
        format!("{}({})", self.name, self.argument.as_deref().unwrap_or_default())
    }
}

fn text_of(text: &str) -> Argument {
    Argument::Whole(format!("{text:?}"))
}

fn list_of(names: &[String]) -> Argument {
    Argument::List(names.iter().map(|name| text_of(name)).collect())
}

fn column_of(column: &Column, primary_key: bool) -> Argument {
    let mut chain = vec![match &column.ty {
        Type::Standard(ty) => Call::new(function_name(*ty), None),
        Type::Other(name) => Call::new("custom", Some(name)),
    }];
    if column.identity {
        chain.push(Call::new(".identity", None));
    }
    if primary_key {
        chain.push(Call::new(".primary_key", None));
    }
    if !column.nullable && !column.identity && !primary_key {
        chain.push(Call::new(".not_null", None));
    }
    if let Some(default) = &column.default {
        chain.push(Call::new(".default", Some(default)));
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
            IndexKey::Column(name) => Call::new("column", Some(name)),
            IndexKey::Expression(sql) => Call::new("expression", Some(sql)),
        }];
        if part.descending {
            chain.push(Call::new(".desc", None));
        }
        Argument::Chain(chain)
    };
    let names: Option<Vec<_>> = index.parts.iter().map(name).collect();
    Argument::List(names.unwrap_or_else(|| index.parts.iter().map(part).collect()))
}

fn calls_of_index(index: &Index) -> Vec<Call> {
    let unique = index.unique.then(|| Call::new(".unique", None));
    let condition = index.condition.as_ref().map(|sql| Call::new(".condition", Some(sql)));
    unique.into_iter().chain(condition).collect()
}

fn calls_of_key(key: &ForeignKey) -> Vec<Call> {
    let actions = [(".on_delete", key.on_delete), (".on_update", key.on_update)].into_iter();
    let said = actions.filter(|(_, action)| *action != ReferentialAction::NoAction);
    // An action is written as its variant is.
    said.map(|(name, action)| Call { name, argument: Some(format!("{action:?}")) }).collect()
}

/// rustfmt's `max_width`, and the width from which it breaks arguments, chains and arrays: `fn_call_width`,
/// `chain_width`, `array_width`, all 60 by default.
const WIDTH: usize = 100;
const SMALL_WIDTH: usize = 60;

/// The width up to which rustfmt fills lines with an array's elements: `short_array_element_width_threshold`.
const SHORT_ELEMENT: usize = 10;

/// A call on one line, or with each argument on its own.
fn statement(body: &mut String, depth: usize, function: &str, arguments: &[Argument]) {
    let flat: Vec<_> = arguments.iter().map(Argument::flat).collect();
    let flat = flat.join(", ");
    // One argument alone may be as wide as the line.
    let small = arguments.len() == 1 || width(&flat) <= SMALL_WIDTH;
    let one_line = format!("{function}({flat});");
    if small && depth * 4 + width(&one_line) <= WIDTH {
        return line(body, depth, &one_line);
    }
    line(body, depth, &format!("{function}("));
    for argument in arguments {
        argument.write(body, depth + 1);
    }
    line(body, depth, ");");
}

/// A call, and calls on its result, of which only the last one may be long.
fn chained_statement(body: &mut String, depth: usize, function: &str, arguments: &[Argument], calls: &[Call]) {
    let Some((last, others)) = calls.split_last() else { return statement(body, depth, function, arguments) };
    let flat: Vec<_> = arguments.iter().map(Argument::flat).collect();
    let flat = flat.join(", ");
    let others: Vec<_> = others.iter().map(Call::flat).collect();
    let before = format!("{function}({flat}){}", others.concat());
    let small = width(&flat) <= SMALL_WIDTH;
    if small && width(&before) + width(&last.flat()) <= SMALL_WIDTH {
        return line(body, depth, &format!("{before}{};", last.flat()));
    }
    let call = format!("{function}({flat})");
    let one_line = small && depth * 4 + width(&call) <= WIDTH;
    let indent = if one_line { depth + 1 } else { depth };
    let fits = indent * 4 + width(&last.flat()) < WIDTH;
    let below = last.argument.as_ref().filter(|_| !fits);
    if let Some(argument) = below
        && one_line
        && width(&before) + width(last.name) < SMALL_WIDTH
    {
        line(body, depth, &format!("{before}{}(", last.name));
        line(body, depth + 1, &format!("{argument},"));
        return line(body, depth, ");");
    }
    if one_line {
        line(body, depth, &call);
    } else {
        line(body, depth, &format!("{function}("));
        arguments.iter().for_each(|argument| argument.write(body, depth + 1));
        line(body, depth, ")");
    }
    others.iter().for_each(|call| line(body, indent, call));
    match below {
        None => line(body, indent, &format!("{};", last.flat())),
        Some(argument) => {
            line(body, indent, &format!("{}(", last.name));
            line(body, indent + 1, &format!("{argument},"));
            line(body, indent, ");");
        }
    }
}

impl Argument {
    fn flat(&self) -> String {
        match self {
            Argument::Whole(text) => text.clone(),
            Argument::Chain(calls) => calls.iter().map(Call::flat).collect(),
            Argument::List(elements) => {
                let elements: Vec<_> = elements.iter().map(Argument::flat).collect();
                format!("[{}]", elements.join(", "))
            }
        }
    }

    /// The argument with lines of its own.
    fn write(&self, body: &mut String, depth: usize) {
        let flat = self.flat();
        let fits = |depth: usize, text: &str| depth * 4 + width(text) < WIDTH;
        match self {
            Argument::Chain(calls) => {
                // A single call on a call may be as wide as the line.
                let small = calls.len() <= 2 || width(&flat) <= SMALL_WIDTH;
                if !(small && fits(depth, &flat)) {
                    return chain(body, depth, calls, fits);
                }
            }
            // One call alone keeps the brackets around it.
            Argument::List(elements)
                if let [Argument::Chain(calls)] = elements.as_slice()
                    && let [Call { name, argument: Some(argument) }] = calls.as_slice()
                    && width(&flat) > SMALL_WIDTH + 2 =>
            {
                line(body, depth, &format!("[{name}("));
                line(body, depth + 1, &format!("{argument},"));
                return line(body, depth, ")],");
            }
            // One element alone may be as wide as the line.
            Argument::List(elements)
                if (elements.len() > 1 && width(&flat) > SMALL_WIDTH + 2) || !fits(depth, &flat) =>
            {
                line(body, depth, "[");
                let flat: Vec<_> = elements.iter().map(Argument::flat).collect();
                if flat.iter().all(|element| width(element) <= SHORT_ELEMENT) {
                    fill(body, depth + 1, &flat);
                } else {
                    elements.iter().for_each(|element| element.write(body, depth + 1));
                }
                return line(body, depth, "],");
            }
            _ => {}
        }
        line(body, depth, &format!("{flat},"));
    }
}

/// A chain that is too wide: each call on its own line, or all on one with the last one's argument below it.
fn chain(body: &mut String, depth: usize, calls: &[Call], fits: impl Fn(usize, &str) -> bool) {
    let Some((last, others)) = calls.split_last() else { return };
    match (others.split_first(), &last.argument) {
        (Some((first, between)), argument) if argument.is_none() || fits(depth + 1, &last.flat()) => {
            let indent = match &first.argument {
                Some(argument) if !fits(depth, &first.flat()) => {
                    line(body, depth, &format!("{}(", first.name));
                    line(body, depth + 1, &format!("{argument},"));
                    line(body, depth, ")");
                    depth
                }
                _ => {
                    line(body, depth, &first.flat());
                    depth + 1
                }
            };
            between.iter().for_each(|call| line(body, indent, &call.flat()));
            line(body, indent, &format!("{},", last.flat()));
        }
        (_, argument) => {
            let before: String = others.iter().map(Call::flat).collect();
            line(body, depth, &format!("{before}{}(", last.name));
            line(body, depth + 1, &format!("{},", argument.as_deref().unwrap_or_default()));
            line(body, depth, "),");
        }
    }
}

/// As many elements on each line as fit.
fn fill(body: &mut String, depth: usize, elements: &[String]) {
    let mut filled = String::new();
    for element in elements {
        if !filled.is_empty() && depth * 4 + width(&filled) + width(element) + 2 >= WIDTH {
            line(body, depth, &std::mem::take(&mut filled));
        }
        if !filled.is_empty() {
            filled.push(' ');
        }
        filled.push_str(element);
        filled.push(',');
    }
    line(body, depth, &filled);
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn line(body: &mut String, depth: usize, text: &str) {
    let _ = writeln!(body, "{:width$}{text}", "", width = depth * 4);
}
