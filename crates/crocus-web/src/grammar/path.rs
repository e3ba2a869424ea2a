//! `document->parts->0->>name`: a column, and the way into the JSON document in it.

use std::fmt;

use super::scan::{Result, Scan, write_name};

/// A column, or something in its JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The column's name.
    pub column: String,
    /// The steps into the document, from the outside in; none where the column itself is meant.
    pub steps: Vec<Step>,
    /// Whether the last step gives text (`->>`), and not JSON.
    pub as_text: bool,
}

/// A step into a JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To the member of an object.
    Member(String),
    /// To an element of an array, from 0; from the end where it is negative, from -1.
    Element(i32),
}

impl Path {
    /// A column itself.
    pub fn column(name: impl Into<String>) -> Path {
        Path { column: name.into(), steps: Vec::new(), as_text: false }
    }

    pub(super) fn read(scan: &mut Scan<'_>) -> Result<Path> {
        let mut path = Path::column(scan.name("a column")?);
        while !path.as_text && scan.skip("->") {
            path.as_text = scan.skip(">");
            path.steps.push(Step::read(scan)?);
        }
        Ok(path)
    }
}

impl Step {
    fn read(scan: &mut Scan<'_>) -> Result<Step> {
        let mut ahead = *scan;
        let sign = if ahead.skip("-") { "-" } else { "" };
        let digits = ahead.take(|character| character.is_ascii_digit());
        let ends = ahead.peek().is_none_or(|next| !next.is_alphanumeric() && !matches!(next, '_' | '$' | ' '));
        if !digits.is_empty()
            && ends
            && let Ok(at) = format!("{sign}{digits}").parse()
        {
            *scan = ahead;
            return Ok(Step::Element(at));
        }
        scan.name("a member's name or an element's number").map(Step::Member)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name(f, &self.column)?;
        for (at, step) in self.steps.iter().enumerate() {
            let is_last = at + 1 == self.steps.len();
            f.write_str(if is_last && self.as_text { "->>" } else { "->" })?;
            match step {
                Step::Element(at) => write!(f, "{at}")?,
                // In quotes it is no element.
                Step::Member(name) if name.starts_with(|first: char| first.is_ascii_digit()) => {
                    super::scan::write_quoted(f, name)?;
                }
                Step::Member(name) => write_name(f, name)?,
            }
        }
        Ok(())
    }
}
