//! Which values a column takes, as far as its description says: the range of its type, the limits of the database's own
//! type, the values of an enum, and the checks that can be read (`condition`). No database is asked.
//!
//! A check that cannot be read gives no rule: what passes here may still be refused by the database.

mod condition;
mod exact;

use self::condition::{Condition, Literal as Read, Subject};
use super::{ColumnDef, ColumnType, TableDef};
use crate::expr::node::Binary;
use crate::json::Rule;
use crate::value::{Value, is_null};

pub use self::exact::Exact;

/// Which values a column takes, besides NULL.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    /// The smallest number.
    pub min: Option<Bound>,
    /// The largest number.
    pub max: Option<Bound>,
    /// How many digits a number has after the point, at most.
    pub scale: Option<u32>,
    /// How many characters a text has, at least: Unicode's scalar values, as both databases count them.
    pub min_length: Option<u32>,
    /// How many characters a text has, at most.
    pub max_length: Option<u32>,
    /// The only values there are.
    pub one_of: Option<Vec<Literal>>,
}

/// An end of a range of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// The number.
    pub number: Exact,
    /// Whether the number itself is outside.
    pub exclusive: bool,
}

/// One of a column's only values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// A number.
    Number(Exact),
    /// A text, or a value of an enum.
    Text(String),
}

/// Which values a column of a table takes, besides NULL. The limits of PostgreSQL's own types hold on SQLite too, where
/// only the program keeps them.
pub fn rules(table: &TableDef, column: &ColumnDef) -> Rules {
    let mut rules = Rules::of_type(column);
    for check in table.checks {
        for condition in condition::read(check.expression, column.name) {
            rules.take(column, condition);
        }
    }
    rules
}

impl Rules {
    fn of_type(column: &ColumnDef) -> Rules {
        let between = |min: i64, max: i64| Rules {
            min: Some(Bound { number: min.into(), exclusive: false }),
            max: Some(Bound { number: max.into(), exclusive: false }),
            ..Rules::default()
        };
        match (column.ty, limits(column).as_deref()) {
            (ColumnType::SmallInteger, _) => between(i16::MIN.into(), i16::MAX.into()),
            (ColumnType::Integer, _) => between(i32::MIN.into(), i32::MAX.into()),
            (ColumnType::BigInteger, _) => between(i64::MIN, i64::MAX),
            (ColumnType::Enum(of), _) => {
                let values = of.values.iter().map(|value| Literal::Text((*value).to_owned())).collect();
                Rules { one_of: Some(values), ..Rules::default() }
            }
            (ColumnType::Text, Some([length])) => Rules { max_length: Some(*length), ..Rules::default() },
            (ColumnType::Decimal, Some([digits, rest @ ..])) => {
                let scale = rest.first().copied().unwrap_or_default();
                // PostgreSQL's numbers can be larger than a program's decimals.
                let end = match Exact::power_of_ten(digits.saturating_sub(scale)) {
                    Some(number) => Bound { number, exclusive: true },
                    None => Bound { number: Exact::LARGEST, exclusive: false },
                };
                Rules { scale: Some(scale), ..Rules::within(end) }
            }
            (ColumnType::Decimal, _) => Rules::within(Bound { number: Exact::LARGEST, exclusive: false }),
            _ => Rules::default(),
        }
    }

    /// Numbers up to an end, above and below 0.
    fn within(end: Bound) -> Rules {
        Rules { min: Some(Bound { number: end.number.negated(), ..end }), max: Some(end), ..Rules::default() }
    }

    /// Adds what a check says of the column, where it means the same on both databases.
    fn take(&mut self, column: &ColumnDef, condition: Condition) {
        let number = matches!(
            column.ty,
            ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger | ColumnType::Decimal
        );
        // With a collation, or filled with spaces, texts can be equal that are not the same.
        let plain = is_plain(column);
        match condition {
            Condition { subject: Subject::Value, operator, literal: Read::Number(literal) }
                if number || (column.ty == ColumnType::Double && literal.is_double()) =>
            {
                self.compare(operator, literal);
            }
            Condition { subject: Subject::Value, operator, literal: Read::Text(text) } if plain => match operator {
                Binary::Eq => self.limit(vec![Literal::Text(text)]),
                Binary::Ne if text.is_empty() && column.ty == ColumnType::Text => self.at_least(1),
                _ => {}
            },
            Condition { subject: Subject::Length, operator, literal: Read::Number(literal) }
                if column.ty == ColumnType::Text && !is_padded(column) =>
            {
                self.measure(operator, literal);
            }
            Condition { subject: Subject::Value, literal: Read::List(list), .. } => {
                let numbers = list.iter().all(|item| matches!(item, Literal::Number(_))) && number;
                let texts = list.iter().all(|item| matches!(item, Literal::Text(_))) && plain;
                if numbers || texts {
                    self.limit(list);
                }
            }
            _ => {}
        }
    }

    fn compare(&mut self, operator: Binary, number: Exact) {
        let (bound, end) = (|exclusive| Bound { number, exclusive }, operator);
        match end {
            Binary::Gt => self.from(bound(true)),
            Binary::Ge => self.from(bound(false)),
            Binary::Lt => self.to(bound(true)),
            Binary::Le => self.to(bound(false)),
            Binary::Eq => {
                self.from(bound(false));
                self.to(bound(false));
            }
            _ => {}
        }
    }

    fn from(&mut self, bound: Bound) {
        let narrower = |now: &Bound| (bound.number, bound.exclusive) > (now.number, now.exclusive);
        if self.min.as_ref().is_none_or(narrower) {
            self.min = Some(bound);
        }
    }

    fn to(&mut self, bound: Bound) {
        let narrower = |now: &Bound| (bound.number, !bound.exclusive) < (now.number, !now.exclusive);
        if self.max.as_ref().is_none_or(narrower) {
            self.max = Some(bound);
        }
    }

    /// Takes only the lower half of the numbers that the column's type has above 0.
    pub(crate) fn at_most_half(&mut self, column: &ColumnDef) {
        let half = match column.ty {
            ColumnType::SmallInteger => i64::from(i16::MAX / 2),
            ColumnType::Integer => i64::from(i32::MAX / 2),
            _ => i64::MAX / 2,
        };
        self.to(Bound { number: half.into(), exclusive: false });
    }

    /// What is said of the number of characters.
    fn measure(&mut self, operator: Binary, number: Exact) {
        let Some(length) = number.as_length() else { return };
        match operator {
            Binary::Gt => self.at_least(length.saturating_add(1)),
            Binary::Ge => self.at_least(length),
            Binary::Lt if length > 0 => self.at_most(length - 1),
            Binary::Le => self.at_most(length),
            Binary::Eq => {
                self.at_least(length);
                self.at_most(length);
            }
            Binary::Ne if length == 0 => self.at_least(1),
            _ => {}
        }
    }

    fn at_least(&mut self, length: u32) {
        if length > 0 {
            self.min_length = Some(self.min_length.map_or(length, |now| now.max(length)));
        }
    }

    fn at_most(&mut self, length: u32) {
        self.max_length = Some(self.max_length.map_or(length, |now| now.min(length)));
    }

    fn limit(&mut self, values: Vec<Literal>) {
        match &mut self.one_of {
            Some(all) => all.retain(|value| values.contains(value)),
            None => self.one_of = Some(values),
        }
    }

    /// Checks a value of the column. NULL breaks no rule.
    ///
    /// # Errors
    /// The rule that it breaks: `must be at least 0`.
    pub fn check(&self, value: &Value) -> Result<(), Rule> {
        if is_null(value) {
            return Ok(());
        }
        if let Value::String(Some(text)) = value {
            self.check_length(text.chars().count())?;
        }
        if let Some(bound) = self.min.filter(|bound| !bound.number.is_below(value, bound.exclusive)) {
            let words = if bound.exclusive { "more than" } else { "at least" };
            return Err(format!("must be {words} {}", bound.number).into());
        }
        if let Some(bound) = self.max.filter(|bound| !bound.number.is_above(value, bound.exclusive)) {
            let words = if bound.exclusive { "less than" } else { "at most" };
            return Err(format!("must be {words} {}", bound.number).into());
        }
        if let (Some(scale), Some(number)) = (self.scale, Exact::of(value))
            && number.scale() > scale
        {
            return Err(match scale {
                0 => "must be a whole number".into(),
                1 => "must have at most 1 digit after the point".into(),
                _ => format!("must have at most {scale} digits after the point").into(),
            });
        }
        match &self.one_of {
            Some(values) if !values.iter().any(|known| known.is(value)) => {
                let values: Vec<_> = values.iter().map(Literal::to_string).collect();
                Err(format!("must be one of {}", values.join(", ")).into())
            }
            _ => Ok(()),
        }
    }

    fn check_length(&self, length: usize) -> Result<(), Rule> {
        let fits = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        let characters = |number: u32| if number == 1 { "character" } else { "characters" };
        match (self.min_length, self.max_length) {
            (Some(1), _) if length == 0 => Err("must not be empty".into()),
            (Some(min), _) if length < fits(min) => {
                Err(format!("must be at least {min} {}, not {length}", characters(min)).into())
            }
            (_, Some(max)) if length > fits(max) => {
                Err(format!("must be at most {max} {}, not {length}", characters(max)).into())
            }
            _ => Ok(()),
        }
    }
}

impl Literal {
    fn is(&self, value: &Value) -> bool {
        match (self, value) {
            (Literal::Text(known), Value::String(Some(text))) => known == text,
            (Literal::Number(known), value) => Exact::of(value) == Some(*known),
            _ => false,
        }
    }
}

impl std::fmt::Display for Literal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Literal::Number(number) => number.fmt(f),
            Literal::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// The numbers in the parentheses of the database's own type.
fn limits(column: &ColumnDef) -> Option<Vec<u32>> {
    let (_, rest) = column.sql_type?.split_once('(')?;
    let (limits, _) = rest.split_once(')')?;
    limits.split(',').map(|limit| limit.trim().parse().ok()).collect()
}

/// Whether the database fills its texts with spaces.
fn is_padded(column: &ColumnDef) -> bool {
    column.sql_type.is_some_and(|name| {
        let word = name.split_once('(').map_or(name, |(word, _)| word).trim();
        matches!(word, "char" | "character")
    })
}

/// Whether texts are equal only when they are the same.
fn is_plain(column: &ColumnDef) -> bool {
    let is_caseless = column.sql_type.is_some_and(|name| name == "citext");
    match column.ty {
        ColumnType::Text => column.collation.is_none() && !is_padded(column) && !is_caseless,
        ColumnType::Enum(_) => true,
        _ => false,
    }
}
