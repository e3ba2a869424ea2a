//! `order=name.desc.nullslast,maker(name)`: what rows are ordered by.

use std::fmt;
use std::str::FromStr;

use crocus_orm::table::Nulls;

use super::path::Path;
use super::scan::{Expected, Result, Scan, nearest, write_list, write_name};

/// What rows are ordered by, the first thing first: the text of the parameter `order`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order(pub Vec<Term>);

/// One thing that rows are ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The relationship whose row has the column, where it is not the row's own: `maker` in `maker(name)`.
    pub relation: Option<String>,
    /// The column.
    pub path: Path,
    /// From which end.
    pub direction: Direction,
    /// Where NULLs stand, where it is said: otherwise they are the largest values.
    pub nulls: Option<Nulls>,
}

/// From which end rows are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// From the smallest to the largest.
    #[default]
    Ascending,
    /// From the largest to the smallest.
    Descending,
}

impl Order {
    /// Goes on with another order; what rows are ordered by already is not said again.
    pub(super) fn extend(&mut self, order: Order) {
        for term in order.0 {
            if !self.0.contains(&term) {
                self.0.push(term);
            }
        }
    }
}

impl FromStr for Order {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Order> {
        let mut scan = Scan::new(text);
        let terms = scan.list(Term::read)?;
        scan.end()?;
        Ok(Order(terms))
    }
}

impl Term {
    fn read(scan: &mut Scan<'_>) -> Result<Term> {
        let path = Path::read(scan)?;
        let (relation, path) = match scan.peek() {
            Some('(') if path.steps.is_empty() => (Some(path.column), scan.within(Path::read)?),
            _ => (None, path),
        };
        let mut term = Term { relation, path, direction: Direction::Ascending, nulls: None };
        let mut known: &[&str] = &["asc", "desc", "nullsfirst", "nullslast"];
        while scan.skip(".") {
            let here = *scan;
            known = match scan.take(|character| character.is_alphanumeric()) {
                "asc" if known.contains(&"asc") => &known[2..],
                "desc" if known.contains(&"desc") => {
                    term.direction = Direction::Descending;
                    &known[2..]
                }
                "nullsfirst" if !known.is_empty() => {
                    term.nulls = Some(Nulls::First);
                    &[]
                }
                "nullslast" if !known.is_empty() => {
                    term.nulls = Some(Nulls::Last);
                    &[]
                }
                word => {
                    let words: Vec<_> = known.iter().map(|word| format!("`{word}`")).collect();
                    let what = if words.is_empty() { "nothing more".to_owned() } else { words.join(", ") };
                    let suggestion = nearest(word, known.iter().copied()).map(str::to_owned);
                    return Err(Expected { suggestion, ..here.expected(what) });
                }
            };
        }
        Ok(term)
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, &self.0)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.relation {
            Some(relation) => {
                write_name(f, relation)?;
                write!(f, "({})", self.path)?;
            }
            None => write!(f, "{}", self.path)?,
        }
        f.write_str(match self.direction {
            Direction::Ascending => "",
            Direction::Descending => ".desc",
        })?;
        f.write_str(match self.nulls {
            None => "",
            Some(Nulls::First) => ".nullsfirst",
            Some(Nulls::Last) => ".nullslast",
        })
    }
}
