//! The rules of columns against the databases: what a rule refuses, a check refuses too, and where all of a check can be
//! read, the other way round.

use crocus_macros::DbEnum;
use crocus_orm::table::{CheckDef, ColumnDef, ReadJson, Rules, rules};
use crocus_orm::{ColumnValue, Row, Statement, TableDef, Value};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rust_decimal::Decimal;

use crate::database::{Database, each};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, DbEnum)]
#[db_enum(crate = "crocus_orm")]
enum State {
    New,
    Used,
}

/// A table `t` with the column `v`, and these checks.
fn table(column: ColumnDef, checks: &[&str]) -> &'static TableDef {
    let checks = checks.iter().map(|expression| CheckDef {
        name: "t_check",
        expression: String::leak((*expression).to_owned()),
        column: None,
    });
    Box::leak(Box::new(TableDef {
        name: "t",
        schema: None,
        bind: None,
        model: "T",
        comment: None,
        renamed_from: None,
        columns: Box::leak(Box::new([column])),
        uniques: &[],
        indexes: &[],
        checks: Vec::leak(checks.collect()),
        foreign_keys: &[],
    }))
}

/// The column `v`.
fn column<T: ColumnValue>(sql_type: Option<&'static str>) -> ColumnDef {
    ColumnDef {
        name: "v",
        field: "v",
        ty: T::TYPE,
        sql_type,
        collation: None,
        nullable: true,
        primary_key: false,
        identity: false,
        default: None,
        default_with: None,
        generated: None,
        version: false,
        sensitive: false,
        comment: None,
        renamed_from: None,
        from_json: ReadJson::of::<T>(),
    }
}

fn rules_of(column: ColumnDef, checks: &[&str]) -> Rules {
    let table = table(column, checks);
    rules(table, &table.columns[0])
}

/// A check, and whether it can be read as a whole.
type Check = (String, bool);

fn operator() -> impl Strategy<Value = &'static str> {
    select(vec!["<", "<=", ">", ">=", "="])
}

fn number(fractions: bool) -> impl Strategy<Value = String> {
    let whole = select(vec!["0", "1", "-1", "2", "3", "(-2)", "+1", "10"]);
    let fraction = select(vec!["0.5", "-1.25", "1.50", ".5", "2.0"]);
    if fractions { prop_oneof![whole, fraction].boxed() } else { whole.boxed() }.prop_map(str::to_owned)
}

/// A comparison of a number.
fn numeric(fractions: bool, lists: bool) -> BoxedStrategy<Check> {
    let name = || select(vec!["v", "V", "\"v\"", "(v)"]);
    let number = || number(fractions);
    prop_oneof![
        (name(), operator(), number()).prop_map(|(v, op, n)| (format!("{v} {op} {n}"), true)),
        (name(), operator(), number()).prop_map(|(v, op, n)| (format!("{n} {op} {v}"), true)),
        (name(), number(), number()).prop_map(|(v, low, high)| (format!("{v} between {low} AND {high}"), true)),
        (name(), number(), number()).prop_map(move |(v, a, b)| (format!("{v} IN ({a}, {b})"), lists)),
        (name(), number()).prop_map(|(v, n)| (format!("{v} <> {n}"), false)),
        (operator(), number()).prop_map(|(op, n)| (format!("v + 1 {op} {n}"), false)),
        (operator(), number()).prop_map(|(op, n)| (format!("- v {op} {n}"), false)),
        (operator(), number()).prop_map(|(op, n)| (format!("abs(v) {op} {n}"), false)),
        (number(), number()).prop_map(|(low, high)| (format!("v NOT BETWEEN {low} AND {high}"), false)),
    ]
    .boxed()
}

/// A comparison of a text.
fn textual() -> BoxedStrategy<Check> {
    let text = || select(vec!["'a'", "'it''s'", "''", "'ab'", "' '"]);
    let length = || select(vec!["length(v)", "LENGTH( v )", "(length(\"v\"))"]);
    let some = || 1..4;
    prop_oneof![
        (length(), operator(), some()).prop_map(|(v, op, n)| (format!("{v} {op} {n}"), true)),
        (length(), operator(), some()).prop_map(|(v, op, n)| (format!("{n} {op} {v}"), op != ">" || n > 0)),
        (length(), some(), some()).prop_map(|(v, low, high)| (format!("{v} BETWEEN {low} AND {high}"), true)),
        length().prop_map(|v| (format!("{v} <> 0"), true)),
        length().prop_map(|v| (format!("{v} > -1"), true)),
        text().prop_map(|text| (format!("v = {text}"), true)),
        (text(), text()).prop_map(|(a, b)| (format!("v in ({a},{b})"), true)),
        Just(("v != ''".to_owned(), true)),
        (operator(), text()).prop_map(|(op, text)| (format!("v {op} {text}"), op == "=")),
        Just(("v <> 'a'".to_owned(), false)),
        Just(("v LIKE 'a%'".to_owned(), false)),
        Just(("v || 'x' = 'ax'".to_owned(), false)),
        Just(("lower(v) = 'a' and v = 'a'".to_owned(), false)),
    ]
    .boxed()
}

/// Comparisons with words between them.
fn combined(atom: BoxedStrategy<Check>) -> BoxedStrategy<Check> {
    atom.prop_recursive(3, 12, 2, |inner| {
        let two = || (inner.clone(), inner.clone());
        prop_oneof![
            3 => two().prop_map(|((a, x), (b, y))| (format!("({a}) AND ({b})"), x && y)),
            3 => two().prop_map(|((a, x), (b, y))| (format!("({a} and {b})"), x && y && !has_or(&a) && !has_or(&b))),
            1 => two().prop_map(|((a, _), (b, _))| (format!("{a} OR {b}"), false)),
            1 => inner.clone().prop_map(|(a, _)| (format!("NOT ({a})"), false)),
            1 => two().prop_map(|((a, _), (b, _))| (format!("CASE WHEN {a} THEN {b} ELSE 1 = 1 END"), false)),
            2 => inner.clone().prop_map(|(a, exact)| (format!("( {a} )"), exact)),
        ]
    })
    .boxed()
}

fn has_or(sql: &str) -> bool {
    sql.contains(" OR ")
}

/// Some checks are asked of every value, by the database as by the rules.
async fn hold_alike<T>(column: ColumnDef, words: [&str; 2], values: Vec<T>, checks: BoxedStrategy<Check>)
where
    T: ColumnValue + Clone,
{
    let mut runner = TestRunner::deterministic();
    let checks: Vec<_> = (0..300).map(|_| checks.new_tree(&mut runner).unwrap().current()).collect();
    for db in each().await {
        let word = if db.is_sqlite() { words[0] } else { words[1] };
        db.batch(&format!("CREATE TABLE t (id integer, v {word})")).await;
        let values: Vec<Value> = values.iter().cloned().map(T::into_value).chain([T::null()]).collect();
        for (id, value) in values.iter().enumerate() {
            let insert = "INSERT INTO t VALUES ($1, $2)";
            db.execute(Statement::write(insert, [i32::try_from(id).unwrap().into(), value.clone()])).await.unwrap();
        }
        let mut refused = 0;
        for (check, exact) in &checks {
            let rules = rules_of(column, &[check]);
            // What a check refuses is what is false.
            let sql = format!("SELECT ({check}) IS NOT FALSE FROM t ORDER BY id");
            let held: Vec<bool> = db
                .query(Statement::read(sql, []))
                .await
                .unwrap_or_else(|error| panic!("{db}: {check}: {error}"))
                .iter()
                .map(|row: &Row| row.get(0).unwrap())
                .collect();
            for (value, held) in values.iter().zip(held) {
                let rule = rules.check(value);
                assert!(!(held && rule.is_err()), "{db}: {check} takes {value:?}, but {rule:?}");
                assert!(held || rule.is_err() || !exact, "{db}: {check} refuses {value:?}: {rules:?}");
                refused += usize::from(rule.is_err());
            }
        }
        assert!(refused > 100, "{db}: the rules refuse next to nothing");
    }
}

#[tokio::test]
async fn checks_of_integers_are_read() {
    // Within an end of the type, so that `v + 1` and `-v` have a value.
    let values = vec![i32::MIN + 1, -3, -2, -1, 0, 1, 2, 3, 9, 10, 11, i32::MAX - 1];
    hold_alike(column::<i32>(None), ["INTEGER", "integer"], values, combined(numeric(true, true))).await;
    let values = vec![i64::MIN + 1, -2, -1, 0, 1, 2, 3, 10, (1 << 53) + 1, i64::MAX - 1];
    hold_alike(column::<i64>(None), ["BIGINT", "bigint"], values, combined(numeric(false, true))).await;
}

#[tokio::test]
async fn checks_of_floats_are_read() {
    let values = vec![f64::MIN, -1.25, -1.0, 0.0, 5e-324, 0.5, 0.500_000_1, 1.0, 1.5, 2.0, f64::INFINITY];
    hold_alike(column::<f64>(None), ["DOUBLE", "double precision"], values, combined(numeric(true, false))).await;
}

#[tokio::test]
async fn checks_of_decimals_are_read() {
    let values = ["-10", "-1.25", "-1.250", "-1", "0", "0.00", "0.5", "0.50000000000000000001", "1", "1.5", "2", "10"];
    let values = values.map(|text| text.parse::<Decimal>().unwrap()).to_vec();
    let words = ["DECIMAL_TEXT COLLATE decimal", "numeric"];
    hold_alike(column::<Decimal>(None), words, values, combined(numeric(true, true))).await;
}

#[tokio::test]
async fn checks_of_texts_are_read() {
    let values = ["", " ", "a", "A", "a ", "ab", "abc", "abcd", "it's", "it''s", "日本", "🚗🚙", "🚗🚙🚗🚙"];
    let values: Vec<_> = values.map(str::to_owned).to_vec();
    hold_alike(column::<String>(None), ["TEXT", "text"], values.clone(), combined(textual())).await;
    hold_alike(column::<String>(Some("varchar(9)")), ["VARCHAR(9)", "varchar(9)"], values, combined(textual())).await;
}

/// The limits of PostgreSQL's types: what they take is stored as it is, and what they do not is refused or changed.
#[tokio::test]
async fn limits_are_those_of_the_type() {
    let db = Database::postgres().await;
    db.batch("CREATE TABLE t (v varchar(3), n numeric(4, 2), w numeric(3))").await;
    let stores = async |name: &str, value: Value| {
        let sql = format!("INSERT INTO t ({name}) VALUES ($1) RETURNING {name}");
        let rows = db.query(Statement::write(sql, [value.clone()])).await.ok()?;
        Some(match value {
            Value::String(_) => rows[0].get::<String>(0).unwrap().into_value() == value,
            _ => rows[0].get::<Decimal>(0).unwrap().into_value() == value,
        })
    };
    let texts = rules_of(column::<String>(Some("varchar(3)")), &[]);
    for text in ["", "abc", "abcd", "abc ", "日本語", "🚗🚙🚗", "🚗🚙🚗🚙"] {
        let value = Value::from(text);
        assert_eq!(texts.check(&value).is_ok(), stores("v", value).await == Some(true), "{text}");
    }
    for (name, ty) in [("n", "numeric(4, 2)"), ("w", "numeric(3)")] {
        let numbers = rules_of(column::<Decimal>(Some(ty)), &[]);
        for text in ["0", "-99.99", "99.99", "100", "99.991", "99.990", "1.5", "999", "-999", "999.5", "1000", "0.001"]
        {
            let value = text.parse::<Decimal>().unwrap().into_value();
            assert_eq!(numbers.check(&value).is_ok(), stores(name, value).await == Some(true), "{ty}: {text}");
        }
    }
}

#[test]
fn what_is_broken_is_said() {
    let text = || column::<String>(None);
    let said = |column: ColumnDef, checks: &[&str], value: Value| {
        rules_of(column, checks).check(&value).unwrap_err().into_owned()
    };
    let doors = |checks: &[&str], value: i32| said(column::<i32>(None), checks, value.into());
    assert_eq!(doors(&["v >= 0"], -1), "must be at least 0");
    assert_eq!(doors(&["v > 0", "v < 5"], 0), "must be more than 0");
    assert_eq!(doors(&["v between 0 and 5"], 6), "must be at most 5");
    assert_eq!(doors(&["v >= 1886 AND v < 2100"], 2100), "must be less than 2100");
    assert_eq!(doors(&["v IN (2, 4)"], 3), "must be one of 2, 4");
    assert_eq!(said(text(), &["length(v) > 0"], "".into()), "must not be empty");
    assert_eq!(said(text(), &["length(v) >= 2"], "a".into()), "must be at least 2 characters, not 1");
    assert_eq!(said(text(), &["length(v) <= 1"], "ab".into()), "must be at most 1 character, not 2");
    assert_eq!(said(text(), &["v IN ('a', 'b')"], "c".into()), "must be one of \"a\", \"b\"");
    let long = "x".repeat(23).into();
    assert_eq!(said(column::<String>(Some("varchar(20)")), &[], long), "must be at most 20 characters, not 23");
    let price =
        |text: &str| said(column::<Decimal>(Some("numeric(4, 2)")), &[], text.parse::<Decimal>().unwrap().into());
    assert_eq!(price("1.234"), "must have at most 2 digits after the point");
    assert_eq!(price("100"), "must be less than 100");
    let state = rules_of(column::<State>(None), &["v <> 'used'", "v IN ('used')"]);
    assert_eq!(state.check(&"new".into()).unwrap_err(), "must be one of \"used\"");
    assert_eq!(state.check(&Value::String(None)), Ok(()));
}

/// What means another thing than it seems, or not the same on every database, gives no rule.
#[test]
fn what_cannot_be_read_gives_no_rule() {
    let nothing = rules_of(column::<String>(None), &[]);
    for check in [
        "w = 'a'",
        "V.v = 'a'",
        "\"V\" = 'a'",
        "v = E'a'",
        "v = 'a' -- 'b'",
        "v = /* */ 'a'",
        "v COLLATE \"C\" = 'a'",
        "v = 'a' COLLATE nocase",
        "v = 'a'::text",
        "'a' < v",
        "v = ANY (ARRAY['a'])",
        "v = 'a",
        "v @> 'a'",
        "v=-'a'",
        "length(v) > 1e3",
        "length(v) > 0x1",
        "length(v + 1) > 3",
        "length(v) > 1 > 0",
        "(v = 'a') = (v = 'b')",
        "v IN (SELECT 'a')",
        "v IN ('a') IS FALSE",
        "NOT v = 'a'",
        "not length(v) > 2",
        "v = 'a' IS NOT TRUE",
        "v",
        "",
        ")(",
    ] {
        assert_eq!(rules_of(column::<String>(None), &[check]), nothing, "{check}");
    }
    // Texts that are equal without being the same.
    let caseless = ColumnDef { collation: Some("NOCASE"), ..column::<String>(None) };
    for column in [caseless, column::<String>(Some("citext")), column::<String>(Some("char(3)"))] {
        assert_eq!(rules_of(column, &["v = 'a'", "v <> ''"]), rules_of(column, &[]), "{column:?}");
    }
    assert_eq!(rules_of(column::<bool>(None), &["v = 1"]), Rules::default());
    assert_eq!(rules_of(column::<Vec<i32>>(None), &["v = 1"]), Rules::default());
}
