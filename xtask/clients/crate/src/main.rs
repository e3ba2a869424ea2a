//! PostgREST's client for Rust, unmodified, against the dealership: `checks URL sqlite|postgresql`.
//!
//! Each check has a name, by which the guide's table refers to it.

use std::error::Error;
use std::fmt::Debug;
use std::process::ExitCode;

use postgrest::{Builder, Postgrest};
use serde_json::{Value, json};

type Outcome = Result<(), Box<dyn Error>>;

const MODEL_3: &str = "Model 3";
const MODEL_S: &str = "Model S";
const OCTAVIA: &str = "Octavia";
const FABIA: &str = "Fabia, \"RS\"";

/// What the checks share, and how they went.
struct Checks {
    client: Postgrest,
    on_postgres: bool,
    passed: usize,
    failed: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, database] = &arguments[..] else {
        eprintln!("usage: checks URL sqlite|postgresql");
        return ExitCode::from(2);
    };
    let client = Postgrest::new(url);
    let mut checks = Checks { client, on_postgres: database == "postgresql", passed: 0, failed: 0 };
    reading(&mut checks).await;
    filters(&mut checks).await;
    writing(&mut checks).await;
    println!("{} of {} checks passed on {database}", checks.passed, checks.passed + checks.failed);
    if checks.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Checks {
    fn note(&mut self, name: &str, outcome: Outcome) {
        match outcome {
            Ok(()) => {
                self.passed += 1;
                println!("ok      {name}");
            }
            Err(error) => {
                self.failed += 1;
                println!("FAILED  {name}\n        {error}");
            }
        }
    }

    fn from(&self, resource: &str) -> Builder {
        self.client.from(resource)
    }

    /// A check that a query answers this.
    async fn answers(&mut self, name: &str, query: Builder, expected: Value) {
        let outcome = answer(query).await.and_then(|(_, _, body)| equal(&body, &expected));
        self.note(name, outcome);
    }

    /// A check of which cars a filter finds.
    async fn finds(&mut self, name: &str, filter: impl FnOnce(Builder) -> Builder, expected: &[&str]) {
        let query = filter(self.from("cars").select("name")).order("id.asc");
        let expected = expected.iter().map(|name| json!({"name": name})).collect();
        self.answers(name, query, expected).await;
    }

    /// A check that a query is refused, with these words.
    async fn refuses(&mut self, name: &str, query: Builder, status: u16, words: &str) {
        let outcome = answer(query).await.and_then(|(actual, _, body)| {
            equal(&actual, &status)?;
            let message = body["message"].as_str().ok_or("there is no message")?;
            if message.contains(words) { Ok(()) } else { Err(format!("`{words}` is not in `{message}`").into()) }
        });
        self.note(name, outcome);
    }

    /// A check of a filter that only PostgreSQL has.
    async fn finds_on_postgres(&mut self, name: &str, filter: impl FnOnce(Builder) -> Builder, expected: &[&str]) {
        if self.on_postgres {
            self.finds(name, filter, expected).await;
        } else {
            let query = filter(self.from("cars").select("name"));
            self.refuses(name, query, 400, "the database behind this resource has no").await;
        }
    }
}

/// The status, `Content-Range` and the body.
async fn answer(query: Builder) -> Result<(u16, String, Value), Box<dyn Error>> {
    let response = query.execute().await?;
    let status = response.status().as_u16();
    let range = response.headers().get("content-range").map(|value| value.to_str().map(str::to_owned));
    let range = range.transpose()?.unwrap_or_default();
    let text = response.text().await?;
    let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? };
    Ok((status, range, body))
}

fn equal<T: PartialEq + Debug>(actual: &T, expected: &T) -> Outcome {
    if actual == expected { Ok(()) } else { Err(format!("expected {expected:?}, got {actual:?}").into()) }
}

async fn reading(checks: &mut Checks) {
    let query = checks.from("makers").select("name,cars(name,tags(name))").eq("id", "2");
    let expected =
        json!([{"name": "Škoda", "cars": [{"name": OCTAVIA, "tags": [{"name": "new"}]}, {"name": FABIA, "tags": []}]}]);
    checks.answers("embed nested", query, expected).await;

    let query = checks.from("makers").select("name,cars!inner(name)").eq("cars.year", "2020");
    checks.answers("embed inner", query, json!([{"name": "Škoda", "cars": [{"name": OCTAVIA}]}])).await;

    let query = checks.from("cars").select("builder:makers(name),...owners(owner:name)").eq("id", "3").single();
    checks.answers("embed renamed and spread", query, json!({"builder": {"name": "Škoda"}, "owner": "Ada"})).await;

    let query = checks.from("makers").select("cars(name)").eq("id", "1");
    let query = query.order_with_options("year", Some("cars"), false, false).foreign_table_limit(1, "cars");
    checks.answers("embed ordered and limited", query, json!([{"cars": [{"name": MODEL_S}]}])).await;

    let query = checks.from("cars").select("id").order("maker_id.desc,price");
    checks.answers("order", query, json!([{"id": 4}, {"id": 3}, {"id": 1}, {"id": 2}])).await;

    let query = checks.from("cars").select("id").order_with_options("owner_id", None::<&str>, false, false);
    let query = query.order_with_options("id", None::<&str>, true, false);
    checks.answers("order with options, twice", query, json!([{"id": 4}, {"id": 3}, {"id": 1}, {"id": 2}])).await;

    let query = checks.from("cars").select("id").limit(2);
    checks.answers("limit", query, json!([{"id": 1}, {"id": 2}])).await;

    let query = checks.from("cars").select("id").range(1, 2);
    checks.answers("range", query, json!([{"id": 2}, {"id": 3}])).await;

    let cars = || checks.client.from("cars").select("id");
    let mut outcomes = Vec::new();
    for (name, query) in [
        ("exact_count", cars().exact_count()),
        ("planned_count", cars().planned_count()),
        ("estimated_count", cars().estimated_count()),
    ] {
        let outcome = answer(query).await.and_then(|(_, range, body)| {
            equal(&body, &json!([{"id": 1}]))?;
            let total: u64 = range.rsplit('/').next().unwrap_or_default().parse()?;
            if name == "exact_count" { equal(&total, &4) } else { Ok(()) }
        });
        outcomes.push((name, outcome));
    }
    outcomes.into_iter().for_each(|(name, outcome)| checks.note(name, outcome));

    let query = checks.from("makers").select("name").eq("id", "2").single();
    checks.answers("single", query, json!({"name": "Škoda"})).await;
    checks.refuses("single of several", checks.from("makers").single(), 406, "row").await;
    checks.refuses("single of none", checks.from("makers").eq("id", "99").single(), 406, "row").await;

    checks.refuses("unknown column, refused", checks.from("makers").select("nam"), 400, "`name`").await;
    checks.refuses("unknown resource, refused", checks.from("carz").select("*"), 404, "/api/carz").await;
    checks.refuses("rpc, refused", checks.client.rpc("hello", "{}"), 404, "/api/rpc/hello").await;
}

async fn filters(checks: &mut Checks) {
    checks.finds("filter eq", |query| query.eq("name", FABIA), &[FABIA]).await;
    checks.finds("filter neq", |query| query.neq("maker_id", "1"), &[OCTAVIA, FABIA]).await;
    checks.finds("filter gt", |query| query.gt("price", "30000"), &[MODEL_S]).await;
    checks.finds("filter gte", |query| query.gte("price", "30000"), &[MODEL_3, MODEL_S]).await;
    checks.finds("filter lt", |query| query.lt("price", "20000"), &[FABIA]).await;
    checks.finds("filter lte", |query| query.lte("price", "20000"), &[OCTAVIA, FABIA]).await;
    checks.finds("filter like", |query| query.like("name", "Model%"), &[MODEL_3, MODEL_S]).await;
    checks.finds("filter ilike", |query| query.ilike("name", "%OCTAVIA"), &[OCTAVIA]).await;
    checks.finds("filter is", |query| query.is("owner_id", "null"), &[MODEL_3, MODEL_S]).await;
    checks.finds("filter in", |query| query.in_("name", ["Octavia", r#""Fabia, \"RS\"""#]), &[OCTAVIA, FABIA]).await;
    checks.finds("filter not", |query| query.not("is", "owner_id", "null"), &[OCTAVIA, FABIA]).await;
    checks.finds("filter and", |query| query.and("id.gt.1,or(id.lt.3,year.eq.2015)"), &[MODEL_S, FABIA]).await;
    checks.finds("filter or", |query| query.or("id.eq.1,and(year.gt.2019,price.lt.30000)"), &[MODEL_3, OCTAVIA]).await;

    checks.finds_on_postgres("filter cs", |query| query.cs("equipment", r#"["radio"]"#), &[MODEL_3]).await;
    let all = [MODEL_3, MODEL_S, OCTAVIA, FABIA];
    checks.finds_on_postgres("filter cd", |query| query.cd("equipment", r#"["radio","hook"]"#), &all).await;
    checks.finds_on_postgres("filter fts", |query| query.fts("name", "octavia", Some("english")), &[OCTAVIA]).await;
    checks.finds_on_postgres("filter plfts", |query| query.plfts("name", "model 3", None), &[MODEL_3]).await;
    checks.finds_on_postgres("filter phfts", |query| query.phfts("name", "model 3", None), &[MODEL_3]).await;
    checks
        .finds_on_postgres("filter wfts", |query| query.wfts("name", "octavia or fabia", None), &[OCTAVIA, FABIA])
        .await;

    let cars = || checks.client.from("cars").select("name");
    let range = (2000, 2010);
    let ranges = [
        ("filter sl, refused", cars().sl("year", range)),
        ("filter sr, refused", cars().sr("year", range)),
        ("filter nxl, refused", cars().nxl("year", range)),
        ("filter nxr, refused", cars().nxr("year", range)),
        ("filter adj, refused", cars().adj("year", range)),
    ];
    let overlaps = cars().ov("name", "{a,b}");
    for (name, query) in ranges {
        checks.refuses(name, query, 400, "ranges").await;
    }
    checks.refuses("filter ov, refused", overlaps, 400, "lists").await;
}

/// Each check takes away what it adds.
async fn writing(checks: &mut Checks) {
    let query = checks.from("tags").insert(r#"{"name":"red"}"#).select("name");
    checks.answers("insert one", query, json!([{"name": "red"}])).await;

    let query = checks.from("tags").insert(r#"[{"name":"x1"},{"name":"x2"}]"#).select("name");
    checks.answers("insert many", query, json!([{"name": "x1"}, {"name": "x2"}])).await;

    let query = checks.from("tags").update(r#"{"name":"x3"}"#).eq("name", "x2").select("name");
    checks.answers("update", query, json!([{"name": "x3"}])).await;

    let query = checks.from("tags").delete().in_("name", ["red", "x1", "x3"]).select("name").order("name");
    checks.answers("delete", query, json!([{"name": "red"}, {"name": "x1"}, {"name": "x3"}])).await;

    let body = r#"[{"id":3,"name":"Trabant","country":"GDR"},{"id":30,"name":"Jawa","country":"CZ"}]"#;
    let query = checks.from("makers").upsert(body).select("id,country");
    checks.answers("upsert", query, json!([{"id": 3, "country": "GDR"}, {"id": 30, "country": "CZ"}])).await;

    let query =
        checks.from("makers").upsert(r#"{"name":"Trabant","country":"DE"}"#).on_conflict("name").select("id,country");
    checks.answers("upsert on_conflict", query, json!([{"id": 3, "country": "DE"}])).await;

    let query = checks.from("makers").delete().eq("id", "30").single();
    checks.answers("delete, single", query, json!({"id": 30, "name": "Jawa", "country": "CZ"})).await;

    checks
        .refuses(
            "insert refused by a constraint",
            checks.from("tags").insert(r#"{"name":"new"}"#),
            409,
            "there already",
        )
        .await;
    checks.refuses("insert refused by the model", checks.from("cars").insert(r#"{"vin":1}"#), 422, "payload").await;
    checks
        .refuses(
            "update refused without a filter",
            checks.from("makers").update(r#"{"country":"X"}"#),
            400,
            "every row",
        )
        .await;
    checks.refuses("delete refused without a filter", checks.from("makers").delete(), 400, "every row").await;
}
