//! A law: whatever is asked of columns that can be NULL, the databases find the rows that a plain reading of SQL's three
//! truths finds in Rust.

use std::cmp::Ordering;

use crocus_orm::{ColumnOperators, Expr, Model, case, literal};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rust_decimal::Decimal;
use tokio::runtime::Runtime;

use crate::database::{Database, each};
use crate::models::{NewSample, Sample, nothing};

/// A row, as far as it is asked about.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    a: Option<i32>,
    b: Option<i64>,
    text: Option<String>,
    truth: Option<bool>,
    decimal: Option<Decimal>,
}

/// A number of 8 bytes.
#[derive(Debug, Clone)]
enum Number {
    A,
    B,
    Value(i64),
    Length(Text),
    Negative(Box<Number>),
    Absolute(Box<Number>),
    Add(Box<Number>, Box<Number>),
    Subtract(Box<Number>, Box<Number>),
    Multiply(Box<Number>, Box<Number>),
    /// By a value that is not 0: the databases differ about that.
    Divide(Box<Number>, i64),
    Remainder(Box<Number>, i64),
    Coalesce(Box<Number>, Box<Number>),
    NullIf(Box<Number>, Box<Number>),
    Case(Box<Condition>, Box<Number>, Box<Number>),
}

#[derive(Debug, Clone)]
enum Text {
    Column,
    Value(String),
    Concat(Box<Text>, Box<Text>),
    Lower(Box<Text>),
    Replace(Box<Text>, String, String),
    Substring(Box<Text>, u16, u16),
}

/// Operators of comparison.
#[derive(Debug, Clone, Copy)]
enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Distinct,
    NotDistinct,
}

#[derive(Debug, Clone)]
enum Condition {
    Truth,
    Constant(bool),
    Numbers(Compare, Number, Number),
    Texts(Compare, Text, Text),
    Decimals(Compare, Decimal),
    Between(Number, Number, Number),
    In(Number, Vec<i64>),
    NotIn(Number, Vec<i64>),
    NumberIsNull(Number),
    TextIsNull(Text),
    StartsWith(Text, String),
    EndsWith(Text, String),
    Contains(Text, String),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

impl Number {
    fn value(&self, row: &Row) -> Option<i64> {
        let two = |one: &Number, other: &Number| Some((one.value(row)?, other.value(row)?));
        match self {
            Number::A => row.a.map(i64::from),
            Number::B => row.b,
            Number::Value(number) => Some(*number),
            Number::Length(text) => text.value(row).map(|text| text.chars().count() as i64),
            Number::Negative(number) => number.value(row).map(|number| -number),
            Number::Absolute(number) => number.value(row).map(i64::abs),
            Number::Add(one, other) => two(one, other).map(|(one, other)| one + other),
            Number::Subtract(one, other) => two(one, other).map(|(one, other)| one - other),
            Number::Multiply(one, other) => two(one, other).map(|(one, other)| one * other),
            Number::Divide(one, other) => one.value(row).map(|one| one / other),
            Number::Remainder(one, other) => one.value(row).map(|one| one % other),
            Number::Coalesce(one, other) => one.value(row).or_else(|| other.value(row)),
            Number::NullIf(one, other) => match (one.value(row), other.value(row)) {
                (Some(one), Some(other)) if one == other => None,
                (one, _) => one,
            },
            Number::Case(condition, then, otherwise) => {
                if condition.value(row) == Some(true) {
                    then.value(row)
                } else {
                    otherwise.value(row)
                }
            }
        }
    }

    fn expr(&self) -> Expr<Option<i64>> {
        match self {
            Number::A => Sample::INT4.cast(),
            Number::B => Sample::INT8.expr(),
            Number::Value(number) => literal(*number).nullable(),
            Number::Length(text) => text.expr().length().cast(),
            Number::Negative(number) => -number.expr(),
            Number::Absolute(number) => number.expr().abs(),
            Number::Add(one, other) => one.expr() + other.expr(),
            Number::Subtract(one, other) => one.expr() - other.expr(),
            Number::Multiply(one, other) => one.expr() * other.expr(),
            Number::Divide(one, other) => one.expr() / *other,
            Number::Remainder(one, other) => one.expr() % *other,
            Number::Coalesce(one, other) => one.expr().coalesce(other.expr()).nullable(),
            Number::NullIf(one, other) => one.expr().nullif(other.expr()),
            Number::Case(condition, then, otherwise) => {
                case().when::<i64>(condition.expr(), then.expr()).otherwise(otherwise.expr()).nullable()
            }
        }
    }
}

impl Text {
    fn value(&self, row: &Row) -> Option<String> {
        match self {
            Text::Column => row.text.clone(),
            Text::Value(text) => Some(text.clone()),
            Text::Concat(one, other) => Some(one.value(row)? + &other.value(row)?),
            Text::Lower(text) => text.value(row).map(|text| text.to_ascii_lowercase()),
            Text::Replace(text, from, to) => text.value(row).map(|text| text.replace(from, to)),
            Text::Substring(text, start, length) => {
                let taken =
                    |text: String| text.chars().skip(usize::from(*start) - 1).take(usize::from(*length)).collect();
                text.value(row).map(taken)
            }
        }
    }

    fn expr(&self) -> Expr<Option<String>> {
        match self {
            Text::Column => Sample::TEXT.expr(),
            Text::Value(text) => literal(text.clone()).nullable(),
            Text::Concat(one, other) => one.expr().concat(other.expr()),
            Text::Lower(text) => text.expr().lower(),
            Text::Replace(text, from, to) => text.expr().replace(from, to),
            Text::Substring(text, start, length) => text.expr().substr(*start, *length),
        }
    }
}

impl Compare {
    fn holds<T: Ord>(self, one: Option<T>, other: Option<T>) -> Option<bool> {
        match self {
            Compare::Distinct => return Some(one != other),
            Compare::NotDistinct => return Some(one == other),
            _ => {}
        }
        let order = one?.cmp(&other?);
        Some(match self {
            Compare::Eq => order == Ordering::Equal,
            Compare::Ne => order != Ordering::Equal,
            Compare::Lt => order == Ordering::Less,
            Compare::Le => order != Ordering::Greater,
            Compare::Gt => order == Ordering::Greater,
            _ => order != Ordering::Less,
        })
    }
}

macro_rules! compared {
    ($operator:expr, $one:expr, $other:expr) => {
        match $operator {
            Compare::Eq => $one.eq($other),
            Compare::Ne => $one.ne($other),
            Compare::Lt => $one.lt($other),
            Compare::Le => $one.le($other),
            Compare::Gt => $one.gt($other),
            Compare::Ge => $one.ge($other),
            Compare::Distinct => $one.is_distinct_from($other),
            Compare::NotDistinct => $one.is_not_distinct_from($other),
        }
    };
}

impl Condition {
    /// True, false, or neither.
    fn value(&self, row: &Row) -> Option<bool> {
        let among = |number: &Number, list: &[i64]| match number.value(row) {
            // There is nothing to compare with.
            _ if list.is_empty() => Some(false),
            number => number.map(|number| list.contains(&number)),
        };
        match self {
            Condition::Truth => row.truth,
            Condition::Constant(truth) => Some(*truth),
            Condition::Numbers(operator, one, other) => operator.holds(one.value(row), other.value(row)),
            Condition::Texts(operator, one, other) => operator.holds(one.value(row), other.value(row)),
            Condition::Decimals(operator, other) => operator.holds(row.decimal, Some(*other)),
            Condition::Between(number, low, high) => {
                let number = number.value(row);
                and(Compare::Ge.holds(number, low.value(row)), Compare::Le.holds(number, high.value(row)))
            }
            Condition::In(number, list) => among(number, list),
            Condition::NotIn(number, list) => among(number, list).map(|found| !found),
            Condition::NumberIsNull(number) => Some(number.value(row).is_none()),
            Condition::TextIsNull(text) => Some(text.value(row).is_none()),
            Condition::StartsWith(text, start) => text.value(row).map(|text| text.starts_with(start)),
            Condition::EndsWith(text, end) => text.value(row).map(|text| text.ends_with(end)),
            Condition::Contains(text, part) => text.value(row).map(|text| text.contains(part)),
            Condition::Not(condition) => condition.value(row).map(|truth| !truth),
            Condition::And(one, other) => and(one.value(row), other.value(row)),
            Condition::Or(one, other) => {
                and(one.value(row).map(|truth| !truth), other.value(row).map(|truth| !truth)).map(|truth| !truth)
            }
        }
    }

    fn expr(&self) -> Expr<bool> {
        match self {
            Condition::Truth => Sample::TRUTH.eq(true),
            Condition::Constant(truth) => literal(*truth),
            Condition::Numbers(operator, one, other) => compared!(operator, one.expr(), other.expr()),
            Condition::Texts(operator, one, other) => compared!(operator, one.expr(), other.expr()),
            Condition::Decimals(operator, other) => compared!(operator, Sample::DECIMAL, *other),
            Condition::Between(number, low, high) => number.expr().between(low.expr(), high.expr()),
            Condition::In(number, list) => number.expr().is_in(list.iter().copied()),
            Condition::NotIn(number, list) => number.expr().not_in(list.iter().copied()),
            Condition::NumberIsNull(number) => number.expr().is_null(),
            Condition::TextIsNull(text) => text.expr().is_null(),
            Condition::StartsWith(text, start) => text.expr().starts_with(start),
            Condition::EndsWith(text, end) => text.expr().ends_with(end),
            Condition::Contains(text, part) => text.expr().contains(part),
            Condition::Not(condition) => !condition.expr(),
            Condition::And(one, other) => one.expr() & other.expr(),
            Condition::Or(one, other) => one.expr() | other.expr(),
        }
    }
}

/// False where either is false, and otherwise nothing where either is nothing.
fn and(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// Text with everything that a pattern could take for something else.
fn texts() -> impl Strategy<Value = String> {
    proptest::sample::select(vec!["", "a", "A", "b", "%", "_", "\\", "a%", "_b", "\\%", "'", "?", "$1", "ab", "É"])
        .prop_map(str::to_owned)
}

fn decimals() -> impl Strategy<Value = Decimal> {
    (-30_i64..30, 0_u32..3).prop_map(|(number, scale)| Decimal::new(number, scale))
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let some = proptest::option::weighted(0.7, -4_i32..5);
    let big = proptest::option::weighted(0.7, -4_i64..5);
    let text = proptest::option::weighted(0.7, texts());
    let truth = proptest::option::of(any::<bool>());
    let decimal = proptest::option::weighted(0.7, decimals());
    let row =
        (some, big, text, truth, decimal).prop_map(|(a, b, text, truth, decimal)| Row { a, b, text, truth, decimal });
    proptest::collection::vec(row, 1..8)
}

fn text() -> impl Strategy<Value = Text> {
    let leaf = prop_oneof![3 => Just(Text::Column), 1 => texts().prop_map(Text::Value)];
    leaf.prop_recursive(2, 6, 2, |inner| {
        let boxed = move || inner.clone().prop_map(Box::new);
        let from = texts().prop_filter("PostgreSQL and SQLite replace nothing by nothing", |from| !from.is_empty());
        prop_oneof![
            (boxed(), boxed()).prop_map(|(one, other)| Text::Concat(one, other)),
            boxed().prop_map(Text::Lower),
            (boxed(), from, texts()).prop_map(|(text, from, to)| Text::Replace(text, from, to)),
            (boxed(), 1_u16..4, 0_u16..3).prop_map(|(text, start, length)| Text::Substring(text, start, length)),
        ]
    })
}

fn compare() -> impl Strategy<Value = Compare> {
    use Compare::{Distinct, Eq, Ge, Gt, Le, Lt, Ne, NotDistinct};
    proptest::sample::select(vec![Eq, Ne, Lt, Le, Gt, Ge, Distinct, NotDistinct])
}

fn number(depth: u32) -> BoxedStrategy<Number> {
    let leaf = prop_oneof![
        3 => Just(Number::A),
        3 => Just(Number::B),
        2 => (-5_i64..6).prop_map(Number::Value),
        1 => text().prop_map(Number::Length),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let boxed = || number(depth - 1).prop_map(Box::new);
    let two = || (boxed(), boxed());
    let divisor = || proptest::sample::select(vec![-3_i64, -2, -1, 1, 2, 3]);
    prop_oneof![
        4 => leaf,
        1 => boxed().prop_map(Number::Negative),
        1 => boxed().prop_map(Number::Absolute),
        1 => two().prop_map(|(one, other)| Number::Add(one, other)),
        1 => two().prop_map(|(one, other)| Number::Subtract(one, other)),
        1 => two().prop_map(|(one, other)| Number::Multiply(one, other)),
        1 => (boxed(), divisor()).prop_map(|(one, other)| Number::Divide(one, other)),
        1 => (boxed(), divisor()).prop_map(|(one, other)| Number::Remainder(one, other)),
        1 => two().prop_map(|(one, other)| Number::Coalesce(one, other)),
        1 => two().prop_map(|(one, other)| Number::NullIf(one, other)),
        1 => (condition(depth - 1), two()).prop_map(|(condition, (then, otherwise))| {
            Number::Case(Box::new(condition), then, otherwise)
        }),
    ]
    .boxed()
}

fn condition(depth: u32) -> BoxedStrategy<Condition> {
    let number = || number(depth.min(2));
    let list = || proptest::collection::vec(-4_i64..5, 0..4);
    // PostgreSQL orders text by its locale: only whether it is the same is asked.
    let same = proptest::sample::select(vec![Compare::Eq, Compare::Ne, Compare::Distinct, Compare::NotDistinct]);
    let leaf = prop_oneof![
        1 => Just(Condition::Truth),
        1 => any::<bool>().prop_map(Condition::Constant),
        4 => (compare(), number(), number()).prop_map(|(operator, one, other)| Condition::Numbers(operator, one, other)),
        2 => (same, text(), text()).prop_map(|(operator, one, other)| Condition::Texts(operator, one, other)),
        2 => (compare(), decimals()).prop_map(|(operator, other)| Condition::Decimals(operator, other)),
        1 => (number(), number(), number()).prop_map(|(number, low, high)| Condition::Between(number, low, high)),
        1 => (number(), list()).prop_map(|(number, list)| Condition::In(number, list)),
        1 => (number(), list()).prop_map(|(number, list)| Condition::NotIn(number, list)),
        1 => number().prop_map(Condition::NumberIsNull),
        1 => text().prop_map(Condition::TextIsNull),
        1 => (text(), texts()).prop_map(|(text, start)| Condition::StartsWith(text, start)),
        1 => (text(), texts()).prop_map(|(text, end)| Condition::EndsWith(text, end)),
        1 => (text(), texts()).prop_map(|(text, part)| Condition::Contains(text, part)),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let boxed = || condition(depth - 1).prop_map(Box::new);
    prop_oneof![
        3 => leaf,
        1 => boxed().prop_map(Condition::Not),
        2 => (boxed(), boxed()).prop_map(|(one, other)| Condition::And(one, other)),
        2 => (boxed(), boxed()).prop_map(|(one, other)| Condition::Or(one, other)),
    ]
    .boxed()
}

/// Puts the rows in the place of those before, under the numbers from 0 on.
async fn fill(db: &Database, rows: &[Row]) {
    let transaction = db.begin().await.unwrap();
    Sample::delete().execute(&transaction).await.unwrap();
    for (number, row) in rows.iter().cloned().enumerate() {
        let new = NewSample {
            int2: Some(i16::try_from(number).unwrap()),
            int4: row.a,
            int8: row.b,
            text: row.text,
            truth: row.truth,
            decimal: row.decimal,
            ..nothing()
        };
        Sample::insert(&transaction, new).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

/// Asserts that a database finds what it should, and that it answers the truths themselves too.
async fn ask(db: &Database, rows: &[Row], condition: &Condition) -> Result<(), TestCaseError> {
    let truths: Vec<_> = rows.iter().map(|row| condition.value(row)).collect();
    let answered = Sample::select().columns(condition.expr().nullable()).order_by(Sample::INT2.asc());
    prop_assert_eq!(answered.all(db.engine()).await.unwrap(), truths.clone(), "{}: {:?}", db, condition);
    let found =
        Sample::select().columns(Sample::INT2.coalesce(0)).filter(condition.expr()).order_by(Sample::INT2.asc());
    let expected: Vec<i16> =
        (0..).zip(&truths).filter(|(_, truth)| **truth == Some(true)).map(|(row, _)| row).collect();
    prop_assert_eq!(found.all(db.engine()).await.unwrap(), expected, "{}: {:?}", db, condition);
    Ok(())
}

#[test]
fn random_filters_find_what_three_truths_say() {
    let runtime = Runtime::new().unwrap();
    let databases = runtime.block_on(each());
    let mut runner = TestRunner::new(Config { cases: 96, failure_persistence: None, ..Config::default() });
    let conditions = proptest::collection::vec(condition(3), 8);
    runner
        .run(&(rows(), conditions), |(rows, conditions)| {
            runtime.block_on(async {
                for db in &databases {
                    fill(db, &rows).await;
                    for condition in &conditions {
                        ask(db, &rows, condition).await?;
                    }
                }
                Ok(())
            })
        })
        .unwrap();
    drop(databases);
}
