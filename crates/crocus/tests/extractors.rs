//! What a handler takes from a request beside a model's payload: a struct of the program's own, from the body or from
//! the query string.

use crocus::prelude::*;
use crocus::web::http::{Request, header};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Debug, Serialize, Deserialize)]
struct Wanted {
    doors: u8,
    colors: Option<Vec<Color>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Color {
    name: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Filter {
    page: u8,
    name: Option<String>,
}

fn app() -> App {
    let body = async |Json(wanted): Json<Wanted>| Json(wanted);
    let query = async |Query(filter): Query<Filter>| Json(filter);
    App::new("cars").route("/", post(body).get(query))
}

#[tokio::test]
async fn a_body_is_a_struct_of_the_program() {
    let app = app().test().await;
    let answer = app.post("/", json!({"doors": 4, "colors": [{"name": "red"}]})).await;
    assert_eq!(answer.json(), json!({"doors": 4, "colors": [{"name": "red"}]}));
    for (body, pointer, detail) in [
        (json!({"doors": 300}), "/doors", "invalid value: integer `300`, expected u8"),
        (json!({"doors": 4, "colors": [{"name": "red"}, {"name": 1}]}), "/colors/1/name", "invalid type: integer `1`"),
        (json!({"colors": null}), "", "missing field `doors`"),
    ] {
        let answer = app.post("/", body).await;
        assert_eq!((answer.status().as_u16(), &answer.json()["code"]), (422, &json!("invalid_payload")));
        let error = &answer.json()["errors"][0];
        assert_eq!(error["pointer"], pointer);
        assert!(error["detail"].as_str().unwrap().starts_with(detail), "{error}");
        assert!(!error["detail"].as_str().unwrap().contains("line"), "{error}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_is_a_problem() {
    let app = app().test().await;
    let send = async |kind: &str, body: &'static str| {
        let request = Request::post("/").header(header::CONTENT_TYPE, kind).body(body.into()).unwrap();
        let answer = app.request(request).await;
        (answer.status().as_u16(), answer.json()["code"].as_str().unwrap().to_owned())
    };
    assert_eq!(send("text/plain", "{}").await, (415, "not_json".to_owned()));
    assert_eq!(send("application/json", "{\"doors\": 4").await, (400, "invalid_json".to_owned()));
    assert_eq!(send("application/json", "{\"doors\": 4} {}").await, (400, "invalid_json".to_owned()));
}

#[tokio::test]
async fn a_query_string_is_a_struct_of_the_program() {
    let app = app().test().await;
    assert_eq!(app.get("/?page=2&name=a%20b&other=1").await.json(), json!({"page": 2, "name": "a b"}));
    for (query, detail) in [("?page=x", "page: invalid digit found in string"), ("", "missing field `page`")] {
        let answer = app.get(&format!("/{query}")).await;
        assert_eq!((answer.status().as_u16(), &answer.json()["code"]), (400, &json!("invalid_query")));
        assert_eq!(answer.json()["detail"], detail);
    }
}
