//! What was measured: tables for people, in the terminal and in Markdown, and all figures as JSON.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::failure::{Failure, Result};

/// A table with a heading. The first column is words, the others are figures.
pub struct Table {
    pub title: String,
    pub head: &'static [&'static str],
    pub rows: Vec<Vec<String>>,
}

/// How a program is to the first one with one workload: what an overview is made of.
#[derive(Clone, PartialEq)]
pub struct Ratio {
    pub database: &'static str,
    pub clients: u32,
    pub workload: &'static str,
    pub program: &'static str,
    pub shown: String,
}

/// All that a run has measured.
#[derive(Default)]
pub struct Report {
    tables: Vec<Table>,
    figures: Vec<Value>,
    ratios: Vec<Ratio>,
}

impl Report {
    /// Prints a table and keeps it.
    pub fn add(&mut self, table: Table, figures: Value) {
        println!("\n{}", table.text());
        self.tables.push(table);
        self.figures.push(figures);
    }

    /// Keeps a ratio for the overview.
    pub fn ratio(&mut self, ratio: Ratio) {
        self.ratios.push(ratio);
    }

    /// Writes `results.json` and `results.md`, from which a README can take its table.
    pub fn write(&self, folder: &Path, notes: &[String]) -> Result<()> {
        let figures = json!({"notes": notes, "measured": self.figures});
        let text = serde_json::to_string_pretty(&figures).map_err(Failure::because("failed to write the results"))?;
        fs::write(folder.join("results.json"), text).map_err(Failure::because("failed to write the results"))?;
        let mut text: String = notes.iter().map(|note| format!("{note}\n\n")).collect();
        for table in self.overviews().iter().chain(&self.tables) {
            text += &table.markdown();
            text.push('\n');
        }
        fs::write(folder.join("results.md"), text).map_err(Failure::because("failed to write the results"))
    }

    /// For each database and number of clients the ratios of all workloads in one table.
    fn overviews(&self) -> Vec<Table> {
        let each = distinct(self.ratios.iter().map(|ratio| (ratio.database, ratio.clients)));
        each.into_iter().map(|(database, clients)| self.overview(database, clients)).collect()
    }

    fn overview(&self, database: &str, clients: u32) -> Table {
        let of: Vec<&Ratio> =
            self.ratios.iter().filter(|ratio| ratio.database == database && ratio.clients == clients).collect();
        let workloads = distinct(of.iter().map(|ratio| ratio.workload));
        let cell = |workload: &str, program: &str| {
            let found = of.iter().find(|ratio| ratio.workload == workload && ratio.program == program);
            found.map_or("–".to_owned(), |ratio| ratio.shown.clone())
        };
        let head = [""].iter().chain(&workloads).map(|word| (*word).to_owned()).collect();
        let mut rows: Vec<Vec<String>> = vec![head];
        for program in distinct(of.iter().map(|ratio| ratio.program)) {
            let cells = workloads.iter().map(|workload| cell(workload, program));
            rows.push([program.to_owned()].into_iter().chain(cells).collect());
        }
        let title = format!("{database}: requests a second with {}, as ratios", counted(clients, "client"));
        Table { title, head: &[], rows }
    }
}

fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut found = Vec::new();
    for one in all {
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

impl Table {
    fn text(&self) -> String {
        let rows = self.all();
        let columns = rows.first().map_or(0, Vec::len);
        let width = |column: usize| {
            // A program that was skipped says why in its second cell, which is no column of figures.
            let of = rows.iter().filter(|row| column == 0 || row.len() == columns);
            of.filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
        };
        let mut text = self.title.clone();
        for row in &rows {
            text += "\n ";
            for (column, cell) in row.iter().enumerate() {
                let width = width(column).unwrap_or(0);
                text += &if column == 0 { format!(" {cell:width$}") } else { format!("  {cell:>width$}") };
            }
            text.truncate(text.trim_end().len());
        }
        text
    }

    fn markdown(&self) -> String {
        let mut rows = self.all();
        let columns = rows.first().map_or(0, Vec::len);
        rows.iter_mut().for_each(|row| row.resize(columns, String::new()));
        let line = |row: &Vec<String>| format!("| {} |\n", row.join(" | "));
        let body: String = rows.iter().skip(1).map(line).collect();
        let head = rows.first().map(line).unwrap_or_default();
        format!("### {}\n\n{head}|---|{}\n{body}", self.title, "---:|".repeat(columns.saturating_sub(1)))
    }

    fn all(&self) -> Vec<Vec<String>> {
        let head = self.head.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let mut rows: Vec<Vec<String>> = Some(head).filter(|head| !head.is_empty()).into_iter().collect();
        rows.extend(self.rows.iter().cloned());
        rows
    }
}

/// Median, least and most.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Spread {
    pub fn of(values: impl IntoIterator<Item = f64>) -> Spread {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let middle = values.len() / 2;
        let even = values.len().is_multiple_of(2);
        let median = if even { (at(middle.wrapping_sub(1)) + at(middle)) / 2.0 } else { at(middle) };
        Spread { median, least: at(0), most: at(values.len().saturating_sub(1)) }
    }

    /// The least and the most, as a column of a table.
    pub fn range(self, digits: usize) -> String {
        format!("{:.digits$}–{:.digits$}", self.least, self.most)
    }

    pub fn json(self) -> Value {
        json!({"median": self.median, "min": self.least, "max": self.most})
    }
}

/// `1 client`, `8 clients`, `1,000,000 rows`.
pub fn counted(number: u32, what: &str) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    format!("{shown} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_people_write_them() {
        assert_eq!(counted(1, "client"), "1 client");
        assert_eq!(counted(256, "client"), "256 clients");
        assert_eq!(counted(1_000_000, "row"), "1,000,000 rows");
    }

    #[test]
    fn the_median_of_an_even_number_is_between_the_two_in_the_middle() {
        let spread = Spread::of([4.0, 1.0, 2.0, 3.0]);
        assert_eq!((spread.median, spread.least, spread.most), (2.5, 1.0, 4.0));
        assert_eq!(Spread::of([3.0, 1.0, 2.0]).median, 2.0);
    }

    #[test]
    fn why_a_program_was_skipped_makes_no_column_wide() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let rows = vec![words(&["a", "1", "22"]), words(&["b", "skipped: no such thing"])];
        let table = Table { title: "T".to_owned(), head: &["", "ms", "x"], rows };
        assert_eq!(table.text(), "T\n     ms   x\n  a   1  22\n  b  skipped: no such thing");
        let shown = "### T\n\n|  | ms | x |\n|---|---:|---:|\n| a | 1 | 22 |\n| b | skipped: no such thing |  |\n";
        assert_eq!(table.markdown(), shown);
    }
}
