//! Exact decimals: SQLite keeps them as text, and would calculate with them as binary fractions. The functions have the
//! names of those in SQLite's own shell, where it has them.

use std::cmp::Ordering;

use rusqlite::functions::{Aggregate, Context, FunctionFlags, WindowAggregate};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, Result};
use rust_decimal::{Decimal, RoundingStrategy};

use super::errors;

type Operator = fn(Decimal, Decimal) -> Option<Decimal>;

/// Adds the collation and the functions to a connection.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    connection.create_collation("decimal", compare)?;
    let pure = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let operators: [(&str, Operator); 5] = [
        ("decimal_add", Decimal::checked_add),
        ("decimal_sub", Decimal::checked_sub),
        ("decimal_mul", Decimal::checked_mul),
        ("decimal_div", quotient),
        ("decimal_rem", Decimal::checked_rem),
    ];
    for (name, operator) in operators {
        connection.create_scalar_function(name, 2, pure, move |context| {
            let (Some(left), Some(right)) = (argument(context, 0)?, argument(context, 1)?) else {
                return Ok(None);
            };
            // As for SQLite's own numbers.
            if right.is_zero() && matches!(name, "decimal_div" | "decimal_rem") {
                return Ok(None);
            }
            operator(left, right).map(|result| Some(result.to_string())).ok_or_else(overflow)
        })?;
    }
    connection.create_scalar_function("decimal_abs", 1, pure, |context| {
        Ok(argument(context, 0)?.map(|number| number.abs().to_string()))
    })?;
    connection.create_scalar_function("decimal_round", 2, pure, |context| {
        let (number, digits) = (argument(context, 0)?, context.get::<u32>(1)?);
        Ok(number.map(|number| {
            let mut rounded = number.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
            rounded.rescale(digits);
            rounded.to_string()
        }))
    })?;
    connection.create_window_function("decimal_sum", 1, pure, Total::Sum)?;
    connection.create_window_function("decimal_avg", 1, pure, Total::Average)
}

/// The collation `decimal`: the order of the numbers, not of their digits. What is no decimal number comes first, in the
/// order of the text.
pub(crate) fn compare(one: &str, other: &str) -> Ordering {
    let number = |text: &str| text.parse::<Decimal>().ok();
    match (number(one), number(other)) {
        (None, None) => one.cmp(other),
        (one, other) => one.cmp(&other),
    }
}

/// The quotient with as many digits as PostgreSQL gives it (`select_div_scale` in its `numeric.c`): at least sixteen
/// that count, and as many after the point as either number has.
fn quotient(left: Decimal, right: Decimal) -> Option<Decimal> {
    let quotient = left.checked_div(right)?;
    let (left_weight, left_first) = leading(left);
    let (right_weight, right_first) = leading(right);
    let weight = left_weight - right_weight - i64::from(left_first <= right_first);
    let scale = (16 - weight * 4).max(i64::from(left.scale())).max(i64::from(right.scale())).max(0);
    // More digits than it has are not known.
    let Ok(scale @ 0..=28) = u32::try_from(scale) else { return Some(quotient) };
    let mut rounded = quotient.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(scale);
    Some(rounded)
}

/// The first digit to the base of 10,000, and the power of 10,000 that it counts.
fn leading(number: Decimal) -> (i64, u32) {
    let (mut power, mut rest) = (0, number.abs());
    let base = Decimal::from(10_000);
    if rest.is_zero() {
        return (0, 0);
    }
    while rest >= base {
        rest /= base;
        power += 1;
    }
    while rest < Decimal::ONE {
        rest *= base;
        power -= 1;
    }
    (power, u32::try_from(rest.trunc()).unwrap_or(0))
}

fn argument(context: &Context<'_>, index: usize) -> Result<Option<Decimal>> {
    let text = match context.get_raw(index) {
        ValueRef::Null => return Ok(None),
        ValueRef::Integer(number) => return Ok(Some(number.into())),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
    };
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(Error::UserFunctionError(format!("{text:?} is not a decimal number").into())),
    }
}

fn overflow() -> Error {
    Error::UserFunctionError(errors::DECIMAL_OVERFLOW.into())
}

/// The aggregates.
#[derive(Debug, Clone, Copy)]
enum Total {
    Sum,
    Average,
}

impl Aggregate<(Decimal, u32), Option<String>> for Total {
    fn init(&self, _: &mut Context<'_>) -> Result<(Decimal, u32)> {
        Ok((Decimal::ZERO, 0))
    }

    fn step(&self, context: &mut Context<'_>, (sum, count): &mut (Decimal, u32)) -> Result<()> {
        if let Some(number) = argument(context, 0)? {
            *sum = sum.checked_add(number).ok_or_else(overflow)?;
            *count += 1;
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, mut total: Option<(Decimal, u32)>) -> Result<Option<String>> {
        self.value(total.as_mut())
    }
}

impl WindowAggregate<(Decimal, u32), Option<String>> for Total {
    fn value(&self, total: Option<&mut (Decimal, u32)>) -> Result<Option<String>> {
        Ok(match (self, total) {
            (_, None | Some((_, 0))) => None,
            (Total::Sum, Some((sum, _))) => Some(sum.to_string()),
            (Total::Average, Some((sum, count))) => {
                Some(quotient(*sum, Decimal::from(*count)).ok_or_else(overflow)?.to_string())
            }
        })
    }

    fn inverse(&self, context: &mut Context<'_>, (sum, count): &mut (Decimal, u32)) -> Result<()> {
        if let Some(number) = argument(context, 0)? {
            *sum = sum.checked_sub(number).ok_or_else(overflow)?;
            *count -= 1;
        }
        Ok(())
    }
}
