//! The sections of a case's file.

use crocus_migrate::schema::Schema;

use crate::notation;

/// A case as one dialect sees it.
#[derive(Debug, Default)]
pub(crate) struct Case {
    pub(crate) before: Schema,
    pub(crate) after: Schema,
    /// What is done by hand between the two.
    pub(crate) sql: Vec<String>,
    /// What a person says was called otherwise.
    pub(crate) renames: Vec<String>,
    /// What may have been called otherwise; not looked at where there is no such section.
    pub(crate) candidates: Option<Vec<String>>,
    pub(crate) operations: Vec<String>,
    /// What is left alone, where the case says it.
    pub(crate) ignored: Option<String>,
    /// How the upgrade fails, where it shall.
    pub(crate) error: Option<String>,
    /// Why the upgrade has no way back, where it has none.
    pub(crate) irreversible: Option<String>,
    pub(crate) rows_after: Vec<Rows>,
    pub(crate) rows_restored: Vec<Rows>,
}

/// A query of one column of text, and its rows.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) query: String,
    pub(crate) rows: Vec<String>,
}

impl Case {
    pub(crate) fn parse(text: &str, dialect: &str) -> Result<Case, String> {
        let mut case = Case::default();
        let text: String =
            text.lines().filter_map(|line| line_for(line, dialect)).flat_map(|line| [line, "\n"]).collect();
        let mut sections = text.split("--- ");
        let comment = sections.next().unwrap_or_default();
        if !comment.lines().all(|line| line.is_empty() || line.starts_with('#')) {
            return Err("what comes before the first section is not a comment".to_owned());
        }
        for section in sections {
            let (title, body) = section.split_once('\n').unwrap_or((section, ""));
            let lines: Vec<String> = body.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
            match title.trim() {
                "before" => case.before = notation::schema(&lines)?,
                "after" => case.after = notation::schema(&lines)?,
                "sql" => case.sql.push(body.to_owned()),
                "renames" => case.renames = lines,
                "candidates" => case.candidates = Some(lines),
                "operations" => case.operations = lines,
                "ignored" => case.ignored = Some(lines.join(" ")),
                "error" => case.error = Some(lines.join(" ")),
                "irreversible" => case.irreversible = Some(lines.join(" ")),
                "rows after" => case.rows_after.push(Rows::parse(lines)?),
                "rows restored" => case.rows_restored.push(Rows::parse(lines)?),
                "rows" => {
                    case.rows_after.push(Rows::parse(lines.clone())?);
                    case.rows_restored.push(Rows::parse(lines)?);
                }
                other => return Err(format!("there is no section `{other}`")),
            }
        }
        Ok(case)
    }
}

impl Rows {
    fn parse(mut lines: Vec<String>) -> Result<Rows, String> {
        if lines.is_empty() {
            return Err("a section of rows begins with a query".to_owned());
        }
        Ok(Rows { query: lines.remove(0), rows: lines })
    }
}

/// The line without its mark, or nothing where it is marked for another dialect.
fn line_for<'a>(line: &'a str, dialect: &str) -> Option<&'a str> {
    for (mark, of) in [("[sqlite] ", "sqlite"), ("[postgresql] ", "postgresql")] {
        if let Some(rest) = line.trim_start().strip_prefix(mark) {
            return (of == dialect).then_some(rest);
        }
    }
    Some(line)
}
