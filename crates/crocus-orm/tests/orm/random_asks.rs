//! A law: whatever text is given for a value, a pattern or a place, it is refused as the caller's mistake or answered.

use crocus_orm::dynamic::{Comparison, DynamicColumn, Member, Operator, Rows, Search, Source, select};
use crocus_orm::table::Nulls;
use crocus_orm::{ColumnType, Dialect, ErrorKind, Expr, Model, TableDef};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::models::{NewSample, Sample, nothing};
use crate::own_types::{Bike, Lists, bike, with_tables};

const CASES: u32 = 300;

/// What is asked: of the column with this number, with these texts.
#[derive(Debug, Clone)]
struct Ask {
    column: usize,
    steps: Vec<Result<String, i32>>,
    cast: Option<ColumnType>,
    texts: [String; 2],
    bounds: (Option<u64>, Option<u64>),
}

fn texts() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "",
        "0",
        "-0",
        "1",
        "-1",
        "2147483648",
        "9223372036854775808",
        "1e400",
        "-1e-400",
        "NaN",
        "inf",
        "-Infinity",
        "0x10",
        "1_000",
        " 1 ",
        "1.5",
        "79228162514264337593543950336",
        "0.00000000000000000000000000001",
        "true",
        "null",
        "NULL",
        "{}",
        "[]",
        "{1,2}",
        "{\"a\":1}",
        "[1,\"a\",null]",
        "{{1}}",
        "\"",
        "\\",
        "%",
        "_",
        "%\\",
        "(",
        "[",
        "*",
        "a{1,100000}",
        "(?<n>a)\\1",
        "a & b",
        "a b",
        "!",
        "<->",
        "a:*",
        "'a",
        "english",
        "0000-01-01",
        "-000001-01-01",
        "9999-12-31",
        "10000-01-01",
        "2024-02-30",
        "24:00",
        "23:59:60",
        "2024-02-29T23:59:59.9999999Z",
        "9999-12-31T23:59:59.999999999Z",
        "-009999-01-01T00:00:00Z",
        "2024-01-01T00:00:00",
        "infinity",
        "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "red",
        "racing_green",
        "00ff",
        "\u{0}",
        "a\u{0}",
        "\u{10ffff}",
        "'; DROP TABLE samples; --",
        "$1",
        "?",
        ":a",
        "\"\\u0000\"",
    ]);
    let many = (prop::sample::select(vec!["%", "a", "(", "{", "[", "\\", "!", "{1,"]), 1..3000_usize);
    prop_oneof![
        6 => odd.prop_map(str::to_owned),
        2 => any::<String>(),
        2 => "[a-c%_\\\\(){}\\[\\]|&!,\"'0-9.:eE+-]{0,12}",
        1 => many.prop_map(|(text, times)| text.repeat(times)),
    ]
}

fn asks() -> impl Strategy<Value = Ask> {
    use ColumnType::{
        BigInteger, Boolean, Date, DateTime, Decimal, Double, Integer, Json, SmallInteger, Text, Time, Timestamp, Uuid,
    };
    let types = vec![
        SmallInteger,
        Integer,
        BigInteger,
        Double,
        Boolean,
        Text,
        Date,
        Time,
        DateTime,
        Timestamp,
        Uuid,
        Decimal,
        Json,
    ];
    let step = prop_oneof![texts().prop_map(Ok), prop_oneof![any::<i32>(), -2..3_i32].prop_map(Err)];
    let steps = prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(step, 0..3)];
    let cast = prop::option::weighted(0.3, prop::sample::select(types));
    let bound = || prop_oneof![3 => Just(None), 1 => prop_oneof![Just(0), Just(1), any::<u64>()].prop_map(Some)];
    (any::<usize>(), steps, cast, [texts(), texts()], (bound(), bound()))
        .prop_map(|(column, steps, cast, texts, bounds)| Ask { column, steps, cast, texts, bounds })
}

/// Everything that can be asked of the column with these texts there.
fn conditions(column: &DynamicColumn, [one, other]: &[String; 2], dialect: Dialect) -> Vec<Expr<bool>> {
    let can = |operator| column.supports(operator, dialect);
    let mut all = vec![column.is_null()];
    if let Ok(value) = column.parse(one) {
        let comparisons = [Comparison::Eq, Comparison::Ne, Comparison::Distinct, Comparison::Lt, Comparison::Ge];
        let known = if can(Operator::Order) { 5 } else { 3 };
        all.extend(comparisons[..known].iter().map(|comparison| column.compare(*comparison, value.clone())));
        all.push(column.is_in(vec![value.clone(), value.clone()]));
        if can(Operator::Contains) {
            all.extend([column.contains(value.clone()), column.contained_in(value.clone())]);
        }
        if can(Operator::Overlaps) {
            all.push(column.overlaps(value));
        }
    }
    if can(Operator::Like) {
        all.extend([column.like(one.clone()), column.ilike(one.clone())]);
    }
    if can(Operator::Matches) {
        all.extend([column.matches(one.clone()), column.imatches(one.clone())]);
    }
    if can(Operator::Search) {
        for search in [Search::ToTsquery, Search::Plain, Search::Phrase, Search::Web] {
            all.push(column.search(search, None, one.clone()));
            all.push(column.search(search, Some(other.clone()), one.clone()));
        }
    }
    if can(Operator::Truth) {
        all.extend([column.is_true(), column.is_false()]);
    }
    all
}

#[test]
fn whatever_is_asked_is_answered_or_the_caller_s_mistake() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let databases = runtime.block_on(async {
        let databases = with_tables().await;
        for db in &databases {
            let document = serde_json::json!({"a": [1, "b", null], "": "x", "c": {"d": 2.5}});
            for text in
                ["1", "text", "\\", "2024-01-01", "infinity", "24:00", "NaN", "1e40", "99999-01-01", "4000-01-01 BC"]
            {
                let new = NewSample {
                    text: Some(text.into()),
                    json: Some(document.clone()),
                    float: Some(1e300),
                    ..nothing()
                };
                Sample::insert(db.engine(), new).await.unwrap();
            }
            Sample::insert(db.engine(), nothing()).await.unwrap();
            Bike::insert(db.engine(), bike()).await.unwrap();
        }
        databases
    });
    let columns: Vec<(&'static TableDef, DynamicColumn)> = [Sample::TABLE, Lists::TABLE, Bike::TABLE]
        .into_iter()
        .flat_map(|table| table.columns.iter().map(move |column| (table, DynamicColumn::new(table, column))))
        .collect();
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let result = TestRunner::new(config).run(&asks(), |ask| {
        let (table, mut column) = columns[ask.column % columns.len()].clone();
        if column.ty() == ColumnType::Json {
            for step in ask.steps {
                column = match step {
                    Ok(name) => column.member(name),
                    Err(element) => column.element(element),
                };
            }
            if ask.texts[1].len() % 2 == 0 {
                column = column.text();
            }
        }
        if let Some(to) = ask.cast.filter(|to| column.casts_to(*to)) {
            column = column.cast(to);
        }
        for db in &databases {
            for condition in conditions(&column, &ask.texts, db.dialect()) {
                let mut rows = Rows::new(Source::new(table));
                rows.members.push((ask.texts[0].clone(), Member::Value(column.clone())));
                rows.filter.push(condition.clone());
                rows.order.push(column.order(true, Some(Nulls::First)));
                (rows.limit, rows.offset) = ask.bounds;
                let found = runtime.block_on(select(rows).all(db.engine()));
                if let Err(error) = found {
                    prop_assert_eq!(error.kind(), ErrorKind::InvalidValue, "{}: {}: {:?}", db, error, condition);
                }
            }
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
