//! The picture itself: boxes, their rows, and lines with crow's feet.

use std::fmt::Write;

use super::layout::{LETTER, Place, ROW, cut, layout};
use super::{foreign_keys, is_optional, is_unique, keys};
use crate::schema::{Schema, Table};

const STYLE: &str = "text{font:13px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#222}\
.t{font-weight:bold;fill:#fff}.k{fill:#a33}.y{fill:#666}.n{font-style:italic}\
.b{fill:#fff;stroke:#444}.h{fill:#444}.l{fill:none;stroke:#777;stroke-width:1.3}.o{fill:#fff;stroke:#777;stroke-width:1.3}";

/// Where a line ends, and which way it leaves.
#[derive(Clone, Copy)]
struct End {
    x: isize,
    y: isize,
    /// 1 to the right, -1 to the left.
    way: isize,
}

/// The tables as boxes and their foreign keys as lines, from the column to the key that it refers to: three toes where
/// many rows may refer to one, a bar where one may, a circle where a row may refer to none.
///
/// A column in italics can be NULL.
pub fn svg(schema: &Schema) -> String {
    let (places, width, height) = layout(schema);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <style>{STYLE}</style>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    let position = |table: &Table| schema.tables.iter().position(|other| other.name == table.name);
    for (table, key) in foreign_keys(schema) {
        let target = schema.tables.iter().position(|other| other.name == key.target);
        let (Some(at), Some(to)) = (position(table), target) else { continue };
        let row = |table: &Table, names: &[String]| {
            names.first().and_then(|name| table.columns.iter().position(|column| column.name == *name)).unwrap_or(0)
        };
        let from_row = row(table, &key.columns);
        let to_row = row(&schema.tables[to], &key.target_columns);
        line(
            &mut text,
            (&places[at], from_row),
            (&places[to], to_row),
            is_unique(table, &key.columns),
            is_optional(table, key),
        );
    }
    for (table, place) in schema.tables.iter().zip(&places) {
        write_box(&mut text, table, place);
    }
    text.push_str("</svg>\n");
    text
}

fn line(
    text: &mut String,
    (from, from_row): (&Place, usize),
    (to, to_row): (&Place, usize),
    unique: bool,
    optional: bool,
) {
    let y = |place: &Place, row: usize| signed(place.y + ROW * (row + 1) + ROW / 2 + 2);
    let left = |place: &Place| signed(place.x);
    let right = |place: &Place| signed(place.x + place.width);
    let (start, end) = if from.x > to.x + to.width {
        let start = End { x: left(from), y: y(from, from_row), way: -1 };
        (start, End { x: right(to), y: y(to, to_row), way: 1 })
    } else {
        // To itself, to the same layer or back: around the right side.
        let start = End { x: right(from), y: y(from, from_row), way: 1 };
        (start, End { x: right(to), y: y(to, to_row), way: 1 })
    };
    let bend = if start.way < 0 { (start.x - end.x) / 2 } else { 55 };
    let (first, last) = (start.x + start.way * bend.max(30), end.x + end.way * bend.max(30));
    let _ = writeln!(
        text,
        "<path class=\"l\" d=\"M{} {} C{first} {} {last} {} {} {}\"/>",
        start.x, start.y, start.y, end.y, end.x, end.y
    );
    let foot = start.x + start.way * 10;
    if unique {
        let _ = writeln!(text, "<path class=\"l\" d=\"M{foot} {} V{}\"/>", start.y - 6, start.y + 6);
    } else {
        let (x, y) = (start.x, start.y);
        let _ = writeln!(text, "<path class=\"l\" d=\"M{x} {} L{foot} {y} L{x} {}\"/>", y - 6, y + 6);
    }
    let at = end.x + end.way * 8;
    let _ = writeln!(text, "<path class=\"l\" d=\"M{at} {} V{}\"/>", end.y - 6, end.y + 6);
    if optional {
        let centre = end.x + end.way * 16;
        let _ = writeln!(text, "<circle class=\"o\" cx=\"{centre}\" cy=\"{}\" r=\"4\"/>", end.y);
    }
}

fn write_box(text: &mut String, table: &Table, place: &Place) {
    let Place { x, y, width, height, types } = *place;
    let _ = writeln!(text, "<g transform=\"translate({x} {y})\">");
    if let Some(comment) = &table.comment {
        let _ = writeln!(text, "<title>{}</title>", escaped(comment));
    }
    let _ = writeln!(text, "<rect class=\"b\" width=\"{width}\" height=\"{height}\" rx=\"3\"/>");
    let _ = writeln!(text, "<rect class=\"h\" width=\"{width}\" height=\"{}\" rx=\"3\"/>", ROW + 2);
    let _ = writeln!(text, "<text class=\"t\" x=\"12\" y=\"16\">{}</text>", escaped(&cut(&table.name.to_string())));
    for (row, column) in table.columns.iter().enumerate() {
        let y = ROW * (row + 2) - 2;
        if let Some(key) = keys(table, &column.name).first() {
            let _ = writeln!(text, "<text class=\"k\" x=\"8\" y=\"{y}\">{key}</text>");
        }
        let (name, class) = (escaped(&cut(&column.name)), if column.nullable { " class=\"n\"" } else { "" });
        let _ = writeln!(text, "<text{class} x=\"{}\" y=\"{y}\">{name}</text>", 12 + 3 * LETTER);
        let ty = escaped(&cut(&column.ty.to_string()));
        let _ = writeln!(text, "<text class=\"y\" x=\"{types}\" y=\"{y}\">{ty}</text>");
    }
    text.push_str("</g>\n");
}

/// Text as XML takes it: it has no way to write most control characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars().filter(|letter| !letter.is_control() || letter.is_whitespace()) {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A picture is never so large that this cuts.
fn signed(number: usize) -> isize {
    isize::try_from(number).unwrap_or(isize::MAX)
}
