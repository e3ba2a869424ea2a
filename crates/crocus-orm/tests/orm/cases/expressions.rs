//! Expressions: one value of one row each, and conditions.

use crocus_orm::{ColumnOperators, Expr, Model, case as when, literal, now, null, raw};
use jiff::civil::{DateTime, Time};
use rust_decimal::Decimal;
use serde_json::json;

use super::tables::Vehicle as V;
use super::{Case, case, value};

/// The numbers of the vehicles for which a condition is true.
fn ids(name: &'static str, condition: Expr<bool>, expected: &'static str) -> Case {
    case(name, V::select().columns(V::ID).filter(condition).order_by(V::ID.asc()), expected)
}

/// The names of the vehicles for which a condition is true.
fn names(name: &'static str, condition: Expr<bool>, expected: &'static str) -> Case {
    case(name, V::select().columns((V::NAME,)).filter(condition).order_by(V::ID.asc()), expected)
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(super) fn cases() -> Vec<Case> {
    [
        comparisons(),
        text(),
        numbers(),
        decimals(),
        choices(),
        conversions(),
        dates(),
        json_values(),
        arrays(),
        raw_sql(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn comparisons() -> Vec<Case> {
    vec![
        ids("eq: two columns", V::DOORS.eq(V::SEATS), "[1]"),
        ids("ne: two columns, NULL is neither", V::DOORS.ne(V::SEATS), "[3]"),
        ids("lt: columns of different tables' nullability", V::SEATS.gt(V::DOORS), "[3]"),
        ids("is_distinct_from: a value", V::SEATS.is_distinct_from(2), "[2, 3, 4]"),
        ids("is_distinct_from: none", V::SEATS.is_distinct_from(None), "[1, 3]"),
        ids("is_distinct_from: some", V::SEATS.is_distinct_from(Some(5)), "[1, 2, 4]"),
        ids("is_not_distinct_from: none", V::SEATS.is_not_distinct_from(None), "[2, 4]"),
        ids("is_not_distinct_from: a column", V::DOORS.is_not_distinct_from(V::SEATS), "[1]"),
        ids("is_distinct_from: text", V::NOTE.is_distinct_from("star"), "[1, 2, 4]"),
        ids("not_in", V::DOORS.not_in([2, 5]), "[3, 4]"),
        ids("not_in: no values", V::DOORS.not_in(Vec::<i32>::new()), "[1, 2, 3, 4]"),
        ids("not_in: NULL is neither in nor out", V::SEATS.not_in([2]), "[3]"),
        ids("is_in: columns", V::DOORS.is_in([V::SEATS.expr()]), "[1]"),
        ids("between: columns", literal(3).between(V::DOORS, V::SEATS), "[]"),
        ids("between: an expression", (V::DOORS + 1).between(3, 5), "[1, 3]"),
        ids("a bool column is a condition", V::SOLD.expr(), "[1]"),
        ids("a bool column negated", !V::SOLD, "[2, 3, 4]"),
        ids("a bool column and a condition", V::SOLD & V::DOORS.gt(1), "[1]"),
        ids("a bool column or a condition", V::SOLD | V::DOORS.eq(5), "[1, 2]"),
        ids("a condition and a bool column", V::DOORS.gt(1) & V::SOLD, "[1]"),
        value("a condition is a value", 1, V::DOORS.eq(2), "[true]"),
        value("a condition of NULL is NULL", 2, V::SEATS.eq(2).nullable(), "[None]"),
        ids("a value compared with a value", literal(1).eq(1), "[1, 2, 3, 4]"),
        ids("text compared with text", literal("a".to_owned()).eq("b"), "[]"),
        ids("is_null of an expression", (V::SEATS + 1).is_null(), "[2, 4]"),
    ]
}

fn text() -> Vec<Case> {
    vec![
        names("like: case", V::NAME.like("road%"), "[]"),
        names(
            "not_like: case",
            V::NAME.not_like("road%"),
            r#"[("Roadster",), ("Wagon",), ("Étoile",), ("100%_a\\b",)]"#,
        ),
        names("not_like", V::NAME.not_like("Road%"), r#"[("Wagon",), ("Étoile",), ("100%_a\\b",)]"#),
        names("ilike", V::NAME.ilike("%WAG%"), r#"[("Wagon",)]"#),
        names("like: text put together", V::NAME.concat("!").like("%n!"), r#"[("Wagon",)]"#),
        names(
            "ilike: text put together",
            V::NAME.concat("!").ilike(literal("%N".to_owned()).concat("!")),
            r#"[("Wagon",)]"#,
        ),
        names("ilike: a column", V::NAME.ilike(V::NOTE.coalesce("wagon")), r#"[("Wagon",)]"#),
        ids("starts_with", V::NAME.starts_with("Ro"), "[1]"),
        ids("starts_with: case", V::NAME.starts_with("ro"), "[]"),
        ids("starts_with: no pattern", V::NAME.starts_with("100%_"), "[4]"),
        ids("starts_with: percent is itself", V::NAME.starts_with("%"), "[]"),
        ids("starts_with: nothing", V::NAME.starts_with(""), "[1, 2, 3, 4]"),
        ids("ends_with", V::NAME.ends_with("on"), "[2]"),
        ids("ends_with: a backslash", V::NAME.ends_with("\\b"), "[4]"),
        ids("ends_with: nothing", V::NAME.ends_with(""), "[1, 2, 3, 4]"),
        ids("ends_with: longer than the text", V::NAME.ends_with("the Wagon"), "[]"),
        ids("contains", V::NAME.contains("ago"), "[2]"),
        ids("contains: case", V::NAME.contains("AGO"), "[]"),
        ids("contains: an underscore is itself", V::NAME.contains("_"), "[4]"),
        ids("contains: letters beyond ASCII", V::NAME.contains("É"), "[3]"),
        ids("contains: NULL is neither", !V::NOTE.contains("red"), "[3]"),
        ids("contains: nothing", V::NOTE.contains(""), "[1, 3]"),
        ids("matches", V::NOTE.matches("red -slow"), "[1]"),
        value("concat", 1, V::NAME.concat("!"), r#"["Roadster!"]"#),
        value("concat: a column that is NULL", 2, V::NOTE.concat(V::NAME), "[None]"),
        value("concat: a literal first", 1, literal("the ".to_owned()).concat(V::NAME), r#"["the Roadster"]"#),
        value("lower", 1, V::NAME.lower(), r#"["roadster"]"#),
        value("upper", 1, V::NAME.upper(), r#"["ROADSTER"]"#),
        value("length: characters, not bytes", 3, V::NAME.length(), "[6]"),
        value("length: NULL", 2, V::NOTE.length(), "[None]"),
        value("trim", 1, V::NOTE.trim(), r#"[Some("red and fast")]"#),
        value("substr", 3, V::NAME.substr(1, 2), r#"["Ét"]"#),
        value("substr: past the end", 2, V::NAME.substr(4, 9), r#"["on"]"#),
        value("replace", 2, V::NAME.replace("a", "oo"), r#"["Woogon"]"#),
        ids("functions in conditions", V::NAME.lower().eq("wagon") | V::NAME.length().eq(6), "[2, 3]"),
    ]
}

fn numbers() -> Vec<Case> {
    vec![
        value("add", 1, V::DOORS + 1, "[3]"),
        value("add: columns", 1, V::DOORS + V::DOORS, "[4]"),
        value("add: NULL on the right", 2, V::DOORS + V::SEATS, "[None]"),
        value("add: NULL on the left", 1, V::SEATS + V::DOORS, "[Some(4)]"),
        value("add: i16", 1, V::SMALL + 1, "[8]"),
        value("add: i64", 1, V::BIG + 1, "[5000000001]"),
        value("add: f64", 1, V::WEIGHT + 0.5, "[4.5]"),
        value("subtract", 1, V::DOORS - 5, "[-3]"),
        value("subtract: from the left", 2, V::DOORS - 1 - 1, "[3]"),
        value("subtract: what is in parentheses", 2, V::DOORS - (V::DOORS - 1), "[1]"),
        value("multiply", 2, V::DOORS * 3, "[15]"),
        value("multiply: a sum", 2, (V::DOORS + 1) * 2, "[12]"),
        value("divide: without a fraction", 2, V::DOORS / 2, "[2]"),
        value("divide: towards zero", 2, -V::DOORS / 2, "[-2]"),
        value("divide: from the left", 2, V::DOORS * 4 / 3, "[6]"),
        value("divide: by a quotient", 2, V::DOORS / (V::DOORS / 2), "[2]"),
        value("divide: f64", 2, V::WEIGHT / 2.0, "[-1.25]"),
        value("divide: by zero", 2, (V::DOORS / 0).nullable(), "division by zero"),
        value("remainder", 2, V::DOORS % 3, "[2]"),
        value("remainder: the sign of the left", 2, -V::DOORS % 3, "[-2]"),
        value("negative", 2, -V::DOORS, "[-5]"),
        value("negative: a sum", 2, -(V::DOORS + V::DOORS), "[-10]"),
        value("negative: twice", 2, -(-V::DOORS), "[5]"),
        value("abs", 2, V::WEIGHT.abs(), "[2.5]"),
        value("abs: i32", 2, (-V::DOORS).abs(), "[5]"),
        value("round: a half goes away from zero", 2, V::WEIGHT.round(0), "[-3.0]"),
        value("round: f64", 1, (V::WEIGHT / 3.0).round(2), "[1.33]"),
        ids("arithmetic in conditions", (V::DOORS * 2).ge(8), "[2, 3]"),
        ids("arithmetic compared with a column", (V::DOORS * 2).gt(V::SEATS), "[1, 3]"),
    ]
}

fn decimals() -> Vec<Case> {
    vec![
        value("decimal add", 1, V::PRICE + decimal("0.10"), "[10.60]"),
        value("decimal add: exact", 4, V::PRICE + decimal("0.2"), "[0.3]"),
        value("decimal subtract", 1, V::PRICE - V::DISCOUNT, "[Some(8.00)]"),
        value("decimal multiply", 1, V::PRICE * decimal("3"), "[31.50]"),
        value("decimal divide", 2, V::PRICE / decimal("3"), "[3.0000000000000000]"),
        value("decimal divide: digits", 3, V::PRICE / decimal("3"), "[33.3333333333333333]"),
        value("decimal divide: small", 4, V::PRICE / decimal("3"), "[0.03333333333333333333]"),
        value("decimal remainder", 1, V::PRICE % decimal("3"), "[1.50]"),
        value("decimal negative", 1, -V::PRICE, "[-10.50]"),
        value("decimal abs", 1, (-V::PRICE).abs(), "[10.50]"),
        value("decimal round", 1, V::PRICE.round(0), "[11]"),
        value("decimal round: more digits", 1, V::PRICE.round(3), "[10.500]"),
        value("decimal NULL", 2, V::DISCOUNT + decimal("1"), "[None]"),
        ids("decimal eq: by number", V::DISCOUNT.eq(decimal("1.00")), "[3]"),
        ids("decimal lt: by number", V::PRICE.lt(decimal("10")), "[2, 4]"),
        ids("decimal between: by number", V::PRICE.between(decimal("9.0"), decimal("10.5")), "[1, 2]"),
        ids("decimal in: by number", V::PRICE.is_in([decimal("9.00"), decimal("0.10")]), "[2, 4]"),
        ids("decimal distinct: by number", V::DISCOUNT.is_not_distinct_from(decimal("1.000")), "[3]"),
        ids("decimal arithmetic: negative", (-(V::PRICE + V::PRICE)).lt(decimal("-20")), "[1, 3]"),
        ids("decimal coalesce: by number", V::DISCOUNT.coalesce(decimal("1.0")).eq(decimal("1.00")), "[2, 3, 4]"),
        ids("decimal arithmetic in conditions", (V::PRICE * decimal("2")).gt(decimal("20.5")), "[1, 3]"),
        case("decimal order", V::select().columns(V::ID).order_by(V::PRICE.asc()), "[4, 2, 1, 3]"),
        case("decimal order: descending", V::select().columns(V::ID).order_by(V::PRICE.desc()), "[3, 1, 2, 4]"),
        case("decimal sum", V::select().columns(V::PRICE.sum()), "[Some(119.60)]"),
        case("decimal avg", V::select().columns(V::PRICE.avg()), "[Some(29.9000000000000000)]"),
        case("decimal min and max", V::select().columns((V::PRICE.min(), V::PRICE.max())), "[(Some(0.1), Some(100))]"),
        case(
            "decimal sum over a window",
            V::select().columns(V::PRICE.sum().over(crocus_orm::window().order_by(V::ID.asc()))).order_by(V::ID.asc()),
            "[Some(10.50), Some(19.50), Some(119.50), Some(119.60)]",
        ),
    ]
}

fn choices() -> Vec<Case> {
    let size = || when().when(V::DOORS.ge(4), "family").when(V::DOORS.eq(2), "sport");
    vec![
        value("case", 1, size().otherwise("?"), r#"["sport"]"#),
        value("case: the first that is true", 2, size().otherwise("?"), r#"["family"]"#),
        value("case: otherwise", 4, size().otherwise("?"), r#"["?"]"#),
        value("case: otherwise NULL", 4, size().end(), "[None]"),
        value("case: columns", 1, when().when(V::SOLD, V::NAME).otherwise("for sale"), r#"["Roadster"]"#),
        value("case: numbers", 1, when().when(V::SOLD, 1).otherwise(0), "[1]"),
        ids("case: in a condition", size().otherwise("?").eq("sport"), "[1]"),
        value("coalesce", 2, V::NOTE.coalesce("none"), r#"["none"]"#),
        value("coalesce: twice", 2, V::SEATS.coalesce(V::SEATS).coalesce(V::DOORS), "[5]"),
        value("coalesce: only values", 1, null::<i32>().coalesce(7), "[7]"),
        value("nullif", 1, V::DOORS.nullif(2), "[None]"),
        value("nullif: another", 2, V::DOORS.nullif(2), "[Some(5)]"),
        value("nullif: decimals by number", 3, V::DISCOUNT.nullif(decimal("1.00")), "[None]"),
        value("literal", 1, literal(1), "[1]"),
        value("literal: text", 1, literal("a".to_owned()), r#"["a"]"#),
        value("literal: a truth", 1, literal(true), "[true]"),
        value("literal: a decimal", 1, literal(decimal("1.50")), "[1.50]"),
        value("literal: a date", 1, literal(jiff::civil::date(2024, 2, 29)), "[2024-02-29]"),
        value("literal: JSON", 1, literal(json!([1])), "[Array [Number(1)]]"),
        value("null", 1, null::<String>(), "[None]"),
    ]
}

fn conversions() -> Vec<Case> {
    vec![
        value("cast: integer to text", 2, V::DOORS.cast::<String>(), r#"["5"]"#),
        value("cast: a truth to text", 1, V::SOLD.cast::<String>(), r#"["true"]"#),
        value("cast: double to text", 1, V::WEIGHT.cast::<String>(), r#"["4"]"#),
        value("cast: text to integer", 1, literal("42".to_owned()).cast::<i64>(), "[42]"),
        value("cast: double to integer", 2, V::WEIGHT.cast::<i32>(), "[-2]"),
        value("cast: decimal to integer", 1, V::PRICE.cast::<i32>(), "[10]"),
        value("cast: integer to double", 2, V::DOORS.cast::<f64>() / 2.0, "[2.5]"),
        value("cast: integer to decimal", 2, V::DOORS.cast::<Decimal>() / decimal("2"), "[2.5000000000000000]"),
        value("cast: NULL", 2, V::SEATS.cast::<Option<String>>(), "[None]"),
        value("cast: an instant's date", 1, V::SHOWN.cast::<jiff::civil::Date>(), "[2024-02-29]"),
        value("nullable", 1, V::DOORS.nullable(), "[Some(2)]"),
    ]
}

fn dates() -> Vec<Case> {
    vec![
        value("year", 1, V::BUILT.year(), "[2024]"),
        value("month", 1, V::BUILT.month(), "[2]"),
        value("day", 1, V::BUILT.day(), "[29]"),
        value("weekday: ISO's", 1, V::BUILT.weekday(), "[4]"),
        value("day_of_year", 1, V::BUILT.day_of_year(), "[60]"),
        value("parts of a date and time", 1, (V::SHOWN.year(), V::SHOWN.hour(), V::SHOWN.minute()), "[(2024, 23, 59)]"),
        value("second: not rounded", 1, V::SHOWN.second(), "[59]"),
        value("weekday: of a last moment", 1, V::SHOWN.weekday(), "[4]"),
        value(
            "parts of a time",
            1,
            (V::OPENS.hour(), V::OPENS.minute(), V::OPENS.second()),
            "[(Some(7), Some(8), Some(9))]",
        ),
        value(
            "parts of an instant",
            1,
            (V::SEEN.year(), V::SEEN.hour(), V::SEEN.day_of_year()),
            "[(Some(2024), Some(23), Some(366))]",
        ),
        value("parts of NULL", 2, (V::SEEN.year(), V::OPENS.hour()), "[(None, None)]"),
        ids("parts in conditions", V::BUILT.year().eq(2024) & V::SHOWN.second().gt(58) & V::SEEN.month().eq(12), "[1]"),
        ids("dates compared", V::BUILT.lt(jiff::civil::date(2024, 3, 1)), "[1, 2, 3, 4]"),
        ids("times compared", V::OPENS.ge(Time::constant(7, 8, 9, 0)), "[1]"),
        ids("date and time compared", V::SHOWN.gt(DateTime::constant(2024, 2, 29, 23, 59, 59, 0)), "[1, 2, 3, 4]"),
        ids("now: is after", now().gt(V::SEEN), "[1]"),
        value("now: is read", 1, now().year().ge(2025), "[true]"),
    ]
}

fn json_values() -> Vec<Case> {
    let path = |keys: &[&'static str]| V::DATA.json_path(keys.iter().copied());
    vec![
        value("json: text", 1, path(&["text"]).text(), r#"[Some("it")]"#),
        value("json: a number as text", 1, path(&["engine", "power"]).text(), r#"[Some("90")]"#),
        value("json: a truth as text", 1, path(&["open"]).text(), r#"[Some("true")]"#),
        value("json: null is NULL", 1, path(&["nothing"]).text(), "[None]"),
        value("json: nothing is NULL", 1, path(&["no", "such"]).text(), "[None]"),
        value("json: an object as text", 1, path(&["engine"]).text(), r#"[Some("{\"power\": 90}")]"#),
        value("json: an integer", 1, path(&["engine", "power"]).get::<i32>(), "[Some(90)]"),
        value("json: a double", 1, path(&["ratio"]).get::<f64>(), "[Some(2.5)]"),
        value("json: an integer as a double", 1, path(&["engine", "power"]).get::<f64>(), "[Some(90.0)]"),
        value("json: a truth", 1, path(&["open"]).get::<bool>(), "[Some(true)]"),
        value("json: an item", 1, path(&["colours"]).index(1).text(), r#"[Some("blue")]"#),
        value("json: JSON", 1, path(&["colours"]).json(), r#"[Some(Array [String("red"), String("blue")])]"#),
        value("json: a string as JSON", 1, path(&["text"]).json(), r#"[Some(String("it"))]"#),
        value("json: null as JSON is NULL", 1, path(&["nothing"]).json(), "[None]"),
        value(
            "json: a key after an index",
            1,
            literal(json!([{"a": 1}])).json_path([""; 0]).index(0).key("a").get::<i64>(),
            "[Some(1)]",
        ),
        ids("json: in a condition", path(&["engine", "power"]).get::<i32>().gt(50), "[1]"),
        ids("json_contains", V::DATA.json_contains(json!({"engine": {"power": 90}})), "[1]"),
    ]
}

fn arrays() -> Vec<Case> {
    vec![
        ids("array_contains", V::SIZES.array_contains(vec![3, 1]), "[1]"),
        ids("overlaps", V::SIZES.overlaps(vec![3, 9]), "[1, 2]"),
        ids("any_of", V::DOORS.any_of(V::SIZES), "[1]"),
        value("an array is read", 1, V::SIZES, "[[1, 2, 3]]"),
    ]
}

fn raw_sql() -> Vec<Case> {
    vec![
        value("raw", 1, raw::<i32>("doors + 1", []), "[3]"),
        value("raw: values", 1, raw::<i32>("doors + $1 - $2", [5.into(), 1.into()]), "[6]"),
        value("raw: a value twice", 1, raw::<i32>("doors + $1 + $1", [5.into()]), "[12]"),
        value("raw: quotes", 1, raw::<String>("'a $1 ? b'", []), r#"["a $1 ? b"]"#),
        ids("raw: a condition", raw::<bool>("length(name) = $1", [5.into()]), "[2]"),
        ids("raw: beside others", raw::<i32>("doors", []).eq(5) & !V::SOLD, "[2]"),
        value(
            "raw: too few values",
            1,
            raw::<i32>("doors + $2", [5.into()]),
            "the SQL `doors + $2` has $2, and was given 1 values",
        ),
        value(
            "raw: too many values",
            1,
            raw::<i32>("doors", [5.into()]),
            "the SQL `doors` uses 0 values, and was given 1",
        ),
    ]
}
