//! Calls on lines, as rustfmt puts them with its own settings.

use std::fmt::Write;

/// rustfmt's `max_width`, and the width from which it breaks arguments, chains and arrays: `fn_call_width`,
/// `chain_width`, `array_width`, all 60 by default.
const WIDTH: usize = 100;
const SMALL_WIDTH: usize = 60;

/// The width up to which rustfmt fills lines with an array's elements: `short_array_element_width_threshold`.
const SHORT_ELEMENT: usize = 10;

/// An argument of a call.
pub(super) enum Argument {
    /// One that is not broken.
    Whole(String),
    /// A call and the calls on its result.
    Chain(Vec<Call>),
    /// An array.
    List(Vec<Argument>),
}

/// A call.
pub(super) struct Call {
    name: String,
    arguments: Vec<Argument>,
}

/// A call as a statement.
pub(super) fn statement(body: &mut String, depth: usize, name: &str, arguments: Vec<Argument>) {
    Call::new(name, arguments).write(body, depth, ";");
}

/// A call and calls on its result as a statement.
pub(super) fn chained(body: &mut String, depth: usize, call: Call, calls: Vec<Call>) {
    let calls: Vec<_> = std::iter::once(call).chain(calls).collect();
    // What the first is called on is a part of the chain.
    chain(body, depth, &calls, calls.len(), ";");
}

/// Opens a statement `name(argument, |t| { ... });`, and gives the depth of what is inside.
pub(super) fn open_closure(body: &mut String, name: &str, argument: &Argument) -> usize {
    let last = "|t| {";
    let flat = argument.flat();
    if width(&format!("{flat}, {last}")) <= SMALL_WIDTH {
        line(body, 1, &format!("{name}({flat}, {last}"));
        return 2;
    }
    line(body, 1, &format!("{name}("));
    argument.write(body, 2);
    line(body, 2, last);
    3
}

pub(super) fn close_closure(body: &mut String, depth: usize) {
    if depth == 2 {
        return line(body, 1, "});");
    }
    line(body, 2, "},");
    line(body, 1, ");");
}

impl Call {
    pub(super) fn new(name: &str, arguments: Vec<Argument>) -> Call {
        Call { name: name.to_owned(), arguments }
    }

    fn flat(&self) -> String {
        format!("{}({})", self.name, flat(&self.arguments))
    }

    /// Whether its arguments are not so wide that they are broken wherever they are. One alone may be as wide as the
    /// line.
    fn is_small(&self) -> bool {
        match self.arguments.as_slice() {
            // A call alone may not, a tuple may.
            [Argument::Chain(calls)] => {
                calls.iter().all(|call| call.is_small() && (call.name.is_empty() || width(&call.flat()) <= SMALL_WIDTH))
            }
            [list @ Argument::List(elements)] => elements.len() < 2 || width(&list.flat()) <= SMALL_WIDTH + 2,
            [] | [_] => true,
            several => width(&flat(several)) <= SMALL_WIDTH,
        }
    }

    fn fits(&self, depth: usize, end: &str) -> bool {
        self.is_small() && depth * 4 + width(&self.flat()) + width(end) <= WIDTH
    }

    /// On one line, or with each argument on its own.
    fn write(&self, body: &mut String, depth: usize, end: &str) {
        if self.arguments.is_empty() || self.fits(depth, end) {
            return line(body, depth, &format!("{}{end}", self.flat()));
        }
        self.write_broken(body, depth, "", end);
    }

    fn write_broken(&self, body: &mut String, depth: usize, before: &str, end: &str) {
        // One call alone keeps the parentheses around it.
        if let [Argument::Chain(calls)] = self.arguments.as_slice()
            && let [call] = calls.as_slice()
        {
            return call.write_broken(body, depth, &format!("{before}{}(", self.name), &format!("){end}"));
        }
        // So does one array.
        if let [Argument::List(elements)] = self.arguments.as_slice() {
            line(body, depth, &format!("{before}{}([", self.name));
            write_elements(body, depth + 1, elements);
            return line(body, depth, &format!("]){end}"));
        }
        line(body, depth, &format!("{before}{}(", self.name));
        self.arguments.iter().for_each(|argument| argument.write(body, depth + 1));
        line(body, depth, &format!("){end}"));
    }
}

/// Calls on one line, or each on its own, or all on one with the last one's arguments below it. `links` are rustfmt's
/// count of them.
fn chain(body: &mut String, depth: usize, calls: &[Call], links: usize, end: &str) {
    let (Some((first, after)), Some((last, before))) = (calls.split_first(), calls.split_last()) else { return };
    if after.is_empty() {
        return last.write(body, depth, end);
    }
    let line_width = WIDTH.saturating_sub(depth * 4 + width(end));
    // A single link may be as wide as the line.
    let limit = if links == 1 { line_width } else { line_width.min(SMALL_WIDTH) };
    let before: String = before.iter().map(Call::flat).collect();
    let one_line = format!("{before}{}", last.flat());
    if calls.iter().all(Call::is_small) && width(&one_line) <= limit {
        return line(body, depth, &format!("{one_line}{end}"));
    }
    let first_fits = first.fits(depth, ",");
    let indent = if first_fits { depth + 1 } else { depth };
    if first_fits && !last.fits(indent, end) && width(&before) + width(&last.name) < limit {
        return last.write_broken(body, depth, &before, end);
    }
    if first_fits {
        line(body, depth, &first.flat());
    } else {
        first.write_broken(body, depth, "", "");
    }
    for call in &after[..after.len() - 1] {
        call.write(body, indent, "");
    }
    last.write(body, indent, end);
}

impl Argument {
    /// A tuple is a call of nothing.
    pub(super) fn tuple(elements: Vec<Argument>) -> Argument {
        Argument::Chain(vec![Call::new("", elements)])
    }

    fn flat(&self) -> String {
        match self {
            Argument::Whole(text) => text.clone(),
            Argument::Chain(calls) => calls.iter().map(Call::flat).collect(),
            Argument::List(elements) => format!("[{}]", flat(elements)),
        }
    }

    /// The argument with lines of its own.
    fn write(&self, body: &mut String, depth: usize) {
        let flat = self.flat();
        let fits = depth * 4 + width(&flat) < WIDTH;
        match self {
            Argument::Chain(calls) => chain(body, depth, calls, calls.len() - 1, ","),
            // One call alone keeps the brackets around it.
            Argument::List(elements)
                if let [Argument::Chain(calls)] = elements.as_slice()
                    && let [call] = calls.as_slice()
                    && width(&flat) > SMALL_WIDTH + 2 =>
            {
                call.write_broken(body, depth, "[", "],");
            }
            // A chain alone that is broken does so too.
            Argument::List(elements)
                if let [chain @ Argument::Chain(calls)] = elements.as_slice()
                    && let [first, between @ .., last] = calls.as_slice()
                    && !between.is_empty()
                    && width(&chain.flat()) > SMALL_WIDTH =>
            {
                line(body, depth, &format!("[{}", first.flat()));
                between.iter().for_each(|call| call.write(body, depth + 1, ""));
                last.write(body, depth + 1, "],");
            }
            // One element alone may be as wide as the line.
            Argument::List(elements) if (elements.len() > 1 && width(&flat) > SMALL_WIDTH + 2) || !fits => {
                line(body, depth, "[");
                write_elements(body, depth + 1, elements);
                line(body, depth, "],");
            }
            Argument::Whole(_) | Argument::List(_) => line(body, depth, &format!("{flat},")),
        }
    }
}

fn flat(arguments: &[Argument]) -> String {
    let arguments: Vec<_> = arguments.iter().map(Argument::flat).collect();
    arguments.join(", ")
}

fn write_elements(body: &mut String, depth: usize, elements: &[Argument]) {
    let flat: Vec<_> = elements.iter().map(Argument::flat).collect();
    if flat.iter().all(|element| width(element) <= SHORT_ELEMENT) {
        fill(body, depth, &flat);
    } else {
        elements.iter().for_each(|element| element.write(body, depth));
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
