//! A resource's list that is sent in parts: what comes is one text, whatever its form.

use crocus::prelude::*;
use crocus::testing::{Answer, TestApp};
use crocus::web::http::{Request, header};
use crocus::web::resource::{Resource, ResourceLimits};
use serde_json::{Value, json};

/// A car.
#[derive(Debug, Clone, Model)]
#[model(table = "cars")]
struct Car {
    #[model(primary_key)]
    id: i32,
    name: String,
    color: Option<String>,
}

/// Many times as many as are in a part.
const CARS: i32 = 4_000;

async fn ask(app: &TestApp, accept: &str, tag: Option<&str>) -> Answer {
    let request = Request::get("/api/cars?limit=4000").header(header::ACCEPT, accept);
    let request = tag.into_iter().fold(request, |request, tag| request.header(header::IF_NONE_MATCH, tag));
    app.request(request.body(String::new().into()).expect("the request is one")).await
}

fn rows() -> impl Iterator<Item = Value> {
    (1..=CARS).map(|id| json!({"id": id, "name": format!("Car \"{id}\", {}", "x".repeat(40)), "color": null}))
}

#[tokio::test]
async fn a_long_list_is_one_text_with_its_length_and_its_tag() {
    let server = crocus_testing::postgres().url("postgres");
    for server in [None, Some(server)] {
        let cars = Resource::<Car>::new().limits(ResourceLimits { rows: 4_000, ..Default::default() });
        let app = App::new("cars").model::<Car>().resource_with("/api/cars", cars).test_on(server.as_deref()).await;
        let new: Vec<_> = rows().map(|row| json!({"name": row["name"]})).collect();
        assert_eq!(app.post("/api/cars", new.into()).await.status().as_u16(), 201);

        let whole = ask(&app, "application/json", None).await;
        assert!(whole.json().as_array().unwrap().iter().cloned().eq(rows()), "{}", &whole.text()[..300]);
        assert_eq!(whole.headers()[header::CONTENT_LENGTH].to_str().unwrap(), whole.text().len().to_string());
        let tag = whole.headers()[header::ETAG].to_str().unwrap();
        assert_eq!(ask(&app, "application/json", Some(tag)).await.status().as_u16(), 304);
        app.delete("/api/cars/4000").await;
        assert_ne!(ask(&app, "application/json", None).await.headers()[header::ETAG].to_str().unwrap(), tag);

        let left = CARS as usize - 1;
        let stripped = ask(&app, "application/vnd.pgrst.array+json;nulls=stripped", None).await.json();
        let expected = rows().take(left).map(|row| json!({"id": row["id"], "name": row["name"]}));
        assert!(stripped.as_array().unwrap().iter().cloned().eq(expected));
        let lines = ask(&app, "application/x-ndjson", None).await.text();
        assert!(lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).eq(rows().take(left)));
        let table = ask(&app, "text/csv", None).await.text();
        assert!(table.starts_with("id,name,color\n1,\"Car \"\"1\"\", x"), "{}", &table[..80]);
        assert_eq!(table.lines().count(), left + 1);
    }
}
