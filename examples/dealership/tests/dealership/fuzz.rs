//! Requests that nobody would write: none makes the program fail, and nothing that a client writes is part of the SQL.
//!
//! `CROCUS_CASES` says how many there are on each database.

use axum::body::Body;
use axum::http::Request;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crocus::orm::Recorded;
use crocus::testing::TestApp;
use serde_json::{Value as Json, json};

use crate::each;

/// What stands in every name and value that is not the grammar's own: none of it may be in a statement's text.
const MARK: &str = "zq'\"$1;--";

/// What names of parameters are made of.
const NAMES: &[&str] = &[
    "select",
    "order",
    "limit",
    "offset",
    "cursor",
    "and",
    "or",
    "not.or",
    "not.and",
    "columns",
    "on_conflict",
    "id",
    "name",
    "year",
    "price",
    "state",
    "equipment",
    "owner_id",
    "version",
    "maker",
    "cars",
    "tags",
    "sales",
    "makers",
    "cars.order",
    "cars.limit",
    "maker.name",
    "cars.tags.name",
    "tags.or",
    ".",
    "->",
    "->>",
    "\"",
    "0",
    "!",
    " ",
    MARK,
    "ü",
    "😀",
    "",
];

/// What values are made of.
const PIECES: &[&str] = &[
    "eq.",
    "neq.",
    "gt.",
    "gte.",
    "lt.",
    "lte.",
    "like.",
    "ilike.",
    "match.",
    "imatch.",
    "in.",
    "is.",
    "isdistinct.",
    "fts.",
    "plfts(english).",
    "cs.",
    "cd.",
    "ov.",
    "sl.",
    "not.",
    "(",
    ")",
    ",",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    "*",
    "%",
    "_",
    ".",
    ":",
    "::",
    "->",
    "->>",
    "!",
    "!inner",
    "!left",
    "...",
    "any",
    "all",
    "eq(any).{",
    "and(",
    "or(",
    "null",
    "true",
    "unknown",
    "asc",
    "desc",
    "nullsfirst",
    ".desc",
    "text",
    "::text",
    "::integer",
    "::numeric",
    "::date",
    ".sum()",
    ".avg()",
    "count()",
    ".max()",
    "id",
    "name",
    "year",
    "price",
    "state",
    "equipment",
    "owner_id",
    "maker",
    "cars",
    "tags",
    "sales",
    "bought",
    "owner",
    "sold_on",
    "makers",
    "cars_maker_id_fkey",
    "*",
    "0",
    "1",
    "-1",
    "4.5",
    "1e999",
    "NaN",
    "9223372036854775808",
    "2147483648",
    "2024-05-01",
    "for_sale",
    "after.",
    "before.",
    "WzEsMV0",
    MARK,
    "ü",
    "😀",
    "\u{202e}",
    " ",
    "\n",
    "",
];

/// Values that are nearly right, so that more of them get further.
const VALUES: &[&str] = &[
    "eq.1",
    "gte.2000",
    "in.(1,2)",
    "like.*a*",
    "is.null",
    "not.is.null",
    "eq(any).{1,2}",
    "id,name",
    "*,maker(*)",
    "name,cars(name,tags(*))",
    "...maker(name)",
    "state,count()",
    "price.desc,id",
    "maker(name).asc",
    "10",
    "0",
    "99999999999",
    "(year.eq.1,name.like.*x)",
    "equipment->0",
    "price::text",
    "cs.[\"radio\"]",
    "after.WzEsMSwxXQ",
];

const PATHS: &[&str] = &[
    "/api/cars",
    "/api/makers",
    "/api/owners",
    "/api/sales",
    "/api/tags",
    "/api/car_tags",
    "/api/audit_entries",
    "/api/cars/1",
    "/api/car_tags/1,1",
    "/api/makers/1/cars",
    "/api/cars/1/tags",
    "/api/audit_entries/x",
];

const HEADERS: &[(&str, &str)] = &[
    ("range", "0-1"),
    ("range", "5-"),
    ("range", "9-1"),
    ("range", "bytes=0-1"),
    ("prefer", "count=exact"),
    ("prefer", "count=planned, handling=strict"),
    ("prefer", "count=estimated"),
    ("prefer", "nonsense=1, handling=strict"),
    ("accept", "text/csv"),
    ("accept", "application/vnd.pgrst.object+json"),
    ("accept", "application/x-ndjson;q=0.5, */*;q=0"),
    ("if-none-match", "*"),
    ("if-none-match", "W/\"1"),
    ("x-customer", "1"),
];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => select(NAMES).prop_map(str::to_owned), 1 => vec(select(NAMES), 1..4).prop_map(|names| names.concat())]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => vec(select(PIECES), 0..8).prop_map(|pieces| pieces.concat()),
        2 => select(VALUES).prop_map(str::to_owned),
        1 => (select(VALUES), select(PIECES), any::<prop::sample::Index>()).prop_map(|(value, piece, at)| {
            let mut value = value.to_owned();
            value.insert_str(at.index(value.len() + 1), piece);
            value
        }),
        1 => any::<String>(),
    ]
}

type Asked = (&'static str, Vec<(String, String)>, Vec<(&'static str, &'static str)>);

fn asked() -> impl Strategy<Value = Asked> {
    (select(PATHS), vec((name(), value()), 0..4), vec(select(HEADERS), 0..2))
}

fn request((path, pairs, headers): &Asked) -> Request<Body> {
    let encode = |text: &str| {
        text.bytes().fold(String::new(), |text, byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' => text + &char::from(byte).to_string(),
            byte => text + &format!("%{byte:02X}"),
        })
    };
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let mut request = Request::builder().uri(format!("{path}?{}", pairs.join("&")));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

/// How many requests there are on each database.
fn cases() -> usize {
    std::env::var("CROCUS_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000)
}

/// Asks, and holds that it did not fail, and that nothing marked is in a statement's text. Gives the status.
async fn hold(app: &TestApp, recorded: &Recorded, asked: &Asked) -> u16 {
    let answer = app.request(request(asked)).await;
    let status = answer.status().as_u16();
    assert!(status < 500, "{status} to {asked:?}: {}\n{:?}", answer.text(), recorded.statements());
    for statement in recorded.statements() {
        let sql = statement.sql.to_string();
        assert!(!sql.contains("zq"), "{asked:?} is part of {sql}");
    }
    recorded.clear();
    status
}

#[tokio::test]
async fn no_query_makes_it_fail_or_is_part_of_the_sql() {
    let cases = cases();
    let mut runner = TestRunner::default();
    for app in each().await {
        crate::resources::seed(&app).await;
        let (app, recorded) = app.recording();
        let mut found = std::collections::BTreeMap::new();
        for _ in 0..cases {
            let asked = asked().new_tree(&mut runner).unwrap().current();
            *found.entry(hold(&app, &recorded, &asked).await).or_insert(0) += 1;
        }
        assert!(found.get(&200).is_some_and(|good| *good > cases / 20), "too few are understood: {found:?}");
    }
}

/// Lists of every kind of key that a cursor holds: path, selection, order.
const LISTS: &[(&str, &str, &str)] = &[
    ("/api/cars", "*", "id"),
    ("/api/cars", "*", "price.desc.nullsfirst"),
    ("/api/cars", "*", "state,year.desc"),
    ("/api/cars", "*", "equipment->>0.asc.nullslast"),
    ("/api/cars", "*,maker(name)", "maker(name).desc,price"),
    ("/api/makers", "*", "name.desc"),
    ("/api/sales", "*", "sold_on,id.desc"),
    ("/api/car_tags", "*", "tag_id,car_id"),
];

/// What may stand in a cursor in place of a value.
fn in_cursor() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        select(PIECES).prop_map(Json::from),
        any::<String>().prop_map(Json::from),
        Just(json!([MARK, 1])),
        Just(json!({ MARK: null })),
    ]
}

/// The text between the brackets of a link to the next page, as a cursor.
fn next(link: &str) -> Option<Json> {
    let cursor = link.split("cursor=after.").nth(1)?.split(['&', '>']).next()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

#[tokio::test]
async fn no_cursor_makes_it_fail_or_is_part_of_the_sql() {
    let cases = cases();
    let mut runner = TestRunner::default();
    for app in each().await {
        crate::resources::seed(&app).await;
        let mut cursors = Vec::new();
        for (path, select, order) in LISTS {
            let answer = app.get(&format!("{path}?limit=1&select={select}&order={}", order.replace('>', "%3E"))).await;
            let link = answer.headers().get("link").map_or("", |link| link.to_str().unwrap()).to_owned();
            let cursor = next(&link).unwrap_or_else(|| panic!("{path} in {order} has no next page: {link}"));
            cursors.push((*path, *select, *order, cursor));
        }
        let (app, recorded) = app.recording();
        let changed = (select(cursors), any::<prop::sample::Index>(), in_cursor(), select(&["after", "before"][..]));
        let mut found = std::collections::BTreeMap::new();
        for _ in 0..cases {
            let ((path, select, order, mut cursor), at, value, word) = changed.new_tree(&mut runner).unwrap().current();
            // The first two are the cursor's version, and the print of the list's order.
            let keys = cursor.as_array_mut().unwrap();
            let at = 2 + at.index(keys.len() - 2);
            keys[at] = value;
            let cursor = format!("{word}.{}", URL_SAFE_NO_PAD.encode(cursor.to_string()));
            let pairs = [("limit", "2"), ("select", select), ("order", order), ("cursor", &cursor)];
            let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
            *found.entry(hold(&app, &recorded, &(path, pairs, Vec::new())).await).or_insert(0) += 1;
        }
        assert!(found.get(&200).is_some_and(|good| *good > cases / 20), "too few are understood: {found:?}");
    }
}

/// As many conditions as may be, as deep in each other as may be, in everything that may be embedded: on the stack of a
/// worker, and in the databases' own limits.
#[tokio::test]
async fn the_largest_query_is_answered() {
    let deep = |of: &str| (0..31).fold(of.to_owned(), |inner, _| format!("not.or({inner},id.eq.1)"));
    let many: Vec<_> = (0..400).map(|number| format!("id.eq.{number}")).collect();
    let queries = [
        format!("or=({})", many.join(",")),
        format!("and=({})", many.join(",")),
        format!("and=({})", deep("name.eq.x")),
        format!("id=eq(any).{{{}}}", (0..400).map(|number| number.to_string()).collect::<Vec<_>>().join(",")),
        format!("id=in.({})", (0..4_999).map(|number| number.to_string()).collect::<Vec<_>>().join(",")),
        many.iter().map(|condition| condition.replacen('.', "=", 1)).collect::<Vec<_>>().join("&"),
        "select=id,cars(id,sales(id,car(id,owner(id))))".to_owned(),
        format!("select=id,cars(id,sales(id,car(id,owner(id,name))))&cars.sales.car.owner.and=({})", deep("name.eq.x")),
        format!("select={}", (0..500).map(|number| format!("m{number}:name")).collect::<Vec<_>>().join(",")),
        format!("select=id,cars({})", (0..400).map(|number| format!("m{number}:vin")).collect::<Vec<_>>().join(",")),
    ];
    for app in each().await {
        crate::resources::seed(&app).await;
        for query in &queries {
            let query = query.replace('{', "%7B").replace('}', "%7D");
            let answer = app.get(&format!("/api/makers?{query}")).await;
            assert_eq!(answer.status(), 200, "{}: {}", &query[..query.len().min(80)], answer.text());
            let path = format!("/api/makers?{query}&name=eq.nobody");
            if !query.starts_with("select") {
                let answer = app.patch(&path, serde_json::json!({"country": "XX"})).await;
                assert_eq!(answer.status(), 204, "{}: {}", &query[..query.len().min(80)], answer.text());
            }
        }
    }
}
