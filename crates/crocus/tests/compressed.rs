//! A resource whose answers are compressed: what its clients know of a row is good for a write and for a cache.

use crocus::prelude::*;
use crocus::testing::{Answer, TestApp};
use crocus::web::http::{Method, Request, header};
use serde_json::json;

/// A car, with a text that is worth compressing.
#[derive(Debug, Clone, Model, serde::Serialize)]
#[model(table = "cars")]
struct Car {
    #[model(primary_key)]
    id: i32,
    #[model(version)]
    version: i32,
    description: String,
}

async fn ask(app: &TestApp, method: Method, headers: &[(header::HeaderName, &str)], body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri("/api/cars/1");
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    app.request(request.body(body.to_owned().into()).expect("the request is one")).await
}

#[tokio::test]
async fn the_tag_of_a_compressed_row_is_a_condition_like_any_other() {
    let server = crocus_testing::postgres().url("postgres");
    for server in [None, Some(server)] {
        let app = App::new("cars").model::<Car>().resource::<Car>("/api/cars").test_on(server.as_deref()).await;
        let answer = app.post("/api/cars", json!({"description": "fast ".repeat(1000)})).await;
        assert_eq!(answer.status().as_u16(), 201, "{}", answer.text());

        let gzip = (header::ACCEPT_ENCODING, "gzip");
        let answer = ask(&app, Method::GET, std::slice::from_ref(&gzip), "").await;
        assert_eq!(answer.headers()[header::CONTENT_ENCODING], "gzip");
        let tag = answer.headers()[header::ETAG].to_str().unwrap().to_owned();
        assert!(tag.ends_with("-gzip\""), "{tag}");
        let plain = ask(&app, Method::GET, &[], "").await;
        assert_eq!(plain.headers()[header::ETAG].to_str().unwrap(), tag.replace("-gzip", ""));

        let answer = ask(&app, Method::GET, &[gzip, (header::IF_NONE_MATCH, &tag)], "").await;
        assert_eq!((answer.status().as_u16(), answer.headers()[header::ETAG].to_str().unwrap()), (304, &*tag));

        let json = (header::CONTENT_TYPE, "application/merge-patch+json");
        let condition = [json, (header::IF_MATCH, &*tag)];
        let change = r#"{"description": "slow"}"#;
        let first = ask(&app, Method::PATCH, &condition, change).await;
        assert!(first.status().is_success(), "{} {}", first.status(), first.text());
        let second = ask(&app, Method::PATCH, &condition, r#"{"description": "lost"}"#).await;
        assert_eq!(second.status().as_u16(), 412, "{}", second.text());
        assert_eq!(ask(&app, Method::GET, &[], "").await.json()["description"], "slow");
    }
}
