//! Which rows are meant: conditions with values of their columns' types.

use crocus_orm::dynamic::{self, Comparison as Compares, DynamicColumn, Search};
use crocus_orm::{Dialect, Expr, IntoExpr};

use super::{Level, Planner};
use crate::grammar::{Comparison, Condition, Operand, Operator, Path, Quantifier, Truth};

impl Planner<'_> {
    /// The condition on a level's rows, unless it has mistakes.
    pub(super) fn condition(&mut self, level: &Level, condition: &Condition, parameter: &str) -> Option<Expr<bool>> {
        match condition {
            Condition::All(conditions) => self.joined(level, conditions, parameter, |one, other| one & other),
            Condition::Any(conditions) => self.joined(level, conditions, parameter, |one, other| one | other),
            Condition::Not(inner) => self.condition(level, inner, parameter).map(|inner| !inner),
            Condition::Compare(comparison) => {
                let (conditions, values) = match &comparison.operand {
                    Operand::List(values) => (1, values.len()),
                    Operand::Quantified(_, values) => (values.len().max(1), values.len()),
                    _ => (1, 1),
                };
                self.conditions += conditions;
                self.values += values;
                match self.comparison(level, comparison, parameter) {
                    Ok(condition) => condition,
                    Err(detail) => {
                        self.mistake(parameter, detail);
                        None
                    }
                }
            }
        }
    }

    /// Several conditions as one; all of them are looked at, also after a mistake.
    fn joined(
        &mut self,
        level: &Level,
        conditions: &[Condition],
        parameter: &str,
        join: fn(Expr<bool>, Expr<bool>) -> Expr<bool>,
    ) -> Option<Expr<bool>> {
        let made: Vec<_> = conditions.iter().map(|condition| self.condition(level, condition, parameter)).collect();
        halved(made.into_iter().collect::<Option<Vec<_>>>()?, join)
    }

    /// `None` where the column has been told to be wrong.
    fn comparison(
        &mut self,
        level: &Level,
        comparison: &Comparison,
        parameter: &str,
    ) -> Result<Option<Expr<bool>>, String> {
        let Comparison { path, operator, operand } = comparison;
        if path.steps.is_empty()
            && level.definition.column(&path.column).is_none()
            && let Some(child) = level.child(&path.column)
        {
            let exists = level.children[child].exists();
            return match operand {
                Operand::Is(Truth::Null) => Ok(Some(!exists)),
                Operand::Is(Truth::NotNull) => Ok(Some(exists)),
                _ => Err(format!("`{path}` is a relationship: it can be asked whether it `is.null` or `not.is.null`")),
            };
        }
        let Some(column) = self.column(level, path, parameter) else { return Ok(None) };
        let read = |text: &str| {
            column.parse(text).map_err(|rule| format!("the value `{}` of `{path}` {rule}", shortened(text)))
        };
        let Some(asked) = asked(*operator, operand) else {
            return Err(format!("`{}` is asked of ranges, and no column is one", operator.word()));
        };
        if !column.supports(asked, self.dialect) {
            return Err(refused(path, *operator, asked, &column));
        }
        Ok(Some(match (operator, operand) {
            (_, Operand::Is(truth)) => match truth {
                Truth::Null | Truth::Unknown => column.is_null(),
                Truth::NotNull => !column.is_null(),
                Truth::True => column.is_true(),
                Truth::False => column.is_false(),
            },
            (_, Operand::List(values)) => {
                column.is_in(values.iter().map(|value| read(value)).collect::<Result<_, _>>()?)
            }
            (_, Operand::Search(language, text)) => {
                let search = match operator {
                    Operator::Plfts => Search::Plain,
                    Operator::Phfts => Search::Phrase,
                    Operator::Wfts => Search::Web,
                    _ => Search::ToTsquery,
                };
                column.search(search, language.clone(), text.clone())
            }
            (_, Operand::Quantified(quantifier, values)) => {
                let values = values.iter().map(|value| match value {
                    Some(value) => compared(&column, *operator, value, &read),
                    // Nothing compares with NULL: the answer is neither true nor false.
                    None => Ok(crocus_orm::null::<bool>().into_expr()),
                });
                let values = values.collect::<Result<Vec<_>, _>>()?;
                let nothing = column.is_in(Vec::new());
                match quantifier {
                    Quantifier::Any => halved(values, |one, other| one | other).unwrap_or(nothing),
                    Quantifier::All => halved(values, |one, other| one & other).unwrap_or(!nothing),
                }
            }
            (_, Operand::Value(value)) => compared(&column, *operator, value, &read)?,
        }))
    }
}

/// Conditions joined as a tree of little depth, whatever their number: databases have a limit of it, and so has a stack.
pub(super) fn halved(
    mut conditions: Vec<Expr<bool>>,
    join: fn(Expr<bool>, Expr<bool>) -> Expr<bool>,
) -> Option<Expr<bool>> {
    let second = conditions.split_off(conditions.len().div_ceil(2));
    match conditions.len() {
        0 | 1 if second.is_empty() => conditions.pop(),
        _ => Some(join(halved(conditions, join)?, halved(second, join)?)),
    }
}

/// What an operator asks of a column; `None` of those that ask it of ranges.
fn asked(operator: Operator, operand: &Operand) -> Option<dynamic::Operator> {
    use Operator as O;
    Some(match operator {
        O::Eq | O::Neq | O::In | O::IsDistinct => dynamic::Operator::Compare,
        O::Gt | O::Gte | O::Lt | O::Lte => dynamic::Operator::Order,
        O::Like | O::Ilike => dynamic::Operator::Like,
        O::Match | O::Imatch => dynamic::Operator::Matches,
        O::Is => match operand {
            // NULL can be asked of everything.
            Operand::Is(Truth::Null | Truth::NotNull) => dynamic::Operator::Compare,
            _ => dynamic::Operator::Truth,
        },
        O::Fts | O::Plfts | O::Phfts | O::Wfts => dynamic::Operator::Search,
        O::Cs | O::Cd => dynamic::Operator::Contains,
        O::Ov => dynamic::Operator::Overlaps,
        O::Sl | O::Sr | O::Nxr | O::Nxl | O::Adj => return None,
    })
}

/// Why an operator cannot be asked of a column.
fn refused(path: &Path, operator: Operator, asked: dynamic::Operator, column: &DynamicColumn) -> String {
    let word = operator.word();
    let of = match asked {
        dynamic::Operator::Compare => "everything",
        dynamic::Operator::Order => "what has an order, and neither of documents nor of lists",
        dynamic::Operator::Like | dynamic::Operator::Matches if !column.is_text() => "text",
        dynamic::Operator::Contains if column.supports(asked, Dialect::Postgres) => return lacks(word),
        dynamic::Operator::Contains => "documents and lists",
        dynamic::Operator::Overlaps if column.supports(asked, Dialect::Postgres) => return lacks(word),
        dynamic::Operator::Overlaps => "lists",
        dynamic::Operator::Search if column.supports(asked, Dialect::Postgres) => return lacks(word),
        dynamic::Operator::Search => "text and documents",
        dynamic::Operator::Truth => "truth values",
        dynamic::Operator::Like | dynamic::Operator::Matches => return lacks(word),
    };
    format!("`{word}` is asked of {of}; `{path}` is none")
}

fn lacks(word: &str) -> String {
    format!("the database behind this resource has no `{word}`")
}

/// A comparison with one value.
fn compared(
    column: &DynamicColumn,
    operator: Operator,
    text: &str,
    read: &dyn Fn(&str) -> Result<crocus_orm::Value, String>,
) -> Result<Expr<bool>, String> {
    let compares = |comparison| read(text).map(|value| column.compare(comparison, value));
    match operator {
        Operator::Eq => compares(Compares::Eq),
        Operator::Neq => compares(Compares::Ne),
        Operator::Gt => compares(Compares::Gt),
        Operator::Gte => compares(Compares::Ge),
        Operator::Lt => compares(Compares::Lt),
        Operator::Lte => compares(Compares::Le),
        Operator::IsDistinct => compares(Compares::Distinct),
        // `*` needs no percent-encoding in a URL.
        Operator::Like => Ok(column.like(text.replace('*', "%"))),
        Operator::Ilike => Ok(column.ilike(text.replace('*', "%"))),
        Operator::Match => Ok(column.matches(text.to_owned())),
        Operator::Imatch => Ok(column.imatches(text.to_owned())),
        Operator::Cs => read(text).map(|value| column.contains(value)),
        Operator::Cd => read(text).map(|value| column.contained_in(value)),
        Operator::Ov => read(text).map(|value| column.overlaps(value)),
        other => Err(format!("`{}` cannot be asked here", other.word())),
    }
}

/// A value as an error shows it.
fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(40).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
