//! Spans of requests, as a collector gets them.

use crocus_web::{Collector, ServiceOptions};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::asking::{one, routes};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The path and the body of the next request to a collector.
async fn received(listener: &TcpListener) -> (String, Value) {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    stream.read_line(&mut first).await.unwrap();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
    (first.trim_end().to_owned(), serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn each_request_is_a_span_of_its_callers_trace() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/", listener.local_addr().unwrap());
    let traces = Some(Collector::new(&endpoint, "cars").unwrap());
    let service = one(routes(), ServiceOptions { traces, ..ServiceOptions::default() }).await;
    let caller = |flags: &str| format!("00-{TRACE}-00f067aa0ba902b7-{flags}");
    service.get("/cars/7", &[("traceparent", &caller("01"))]).await;
    service.get("/broken", &[]).await;
    service.get("/cars/8", &[("traceparent", &caller("00"))]).await;
    service.get("/nothing", &[("traceparent", "nonsense")]).await;

    let mut spans = Vec::new();
    while spans.len() < 3 {
        let (request, body) = received(&listener).await;
        assert_eq!(request, "POST /v1/traces HTTP/1.1");
        let resource = &body["resourceSpans"][0];
        assert_eq!(resource["resource"]["attributes"][0]["value"]["stringValue"], "cars");
        spans.extend(resource["scopeSpans"][0]["spans"].as_array().unwrap().clone());
    }
    let names: Vec<_> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["GET /cars/{id}", "GET /broken", "GET"], "its caller does not keep the third");
    assert_eq!((&spans[0]["traceId"], &spans[0]["parentSpanId"]), (&json!(TRACE), &json!("00f067aa0ba902b7")));
    assert_eq!(spans[0]["kind"], 2);
    let attribute = |span: &Value, key: &str| {
        let found = span["attributes"].as_array().unwrap().iter().find(|attribute| attribute["key"] == key);
        found.map(|attribute| attribute["value"].clone())
    };
    assert_eq!(attribute(&spans[0], "http.route"), Some(json!({"stringValue": "/cars/{id}"})));
    assert_eq!(attribute(&spans[0], "url.path"), Some(json!({"stringValue": "/cars/7"})));
    assert_eq!(attribute(&spans[0], "http.response.status_code"), Some(json!({"intValue": "200"})));
    assert_eq!((&spans[0]["status"], &spans[1]["status"]), (&json!({}), &json!({"code": 2})));
    assert_eq!((&spans[2]["status"], attribute(&spans[2], "http.route")), (&json!({}), None));
    assert_ne!(spans[1]["traceId"], spans[2]["traceId"]);
    for span in &spans {
        let time = |name: &str| span[name].as_str().unwrap().parse::<u128>().unwrap();
        assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"));
        assert!(span["parentSpanId"].is_null() || span["traceId"] == TRACE);
    }
}

#[tokio::test]
async fn a_collector_that_is_away_stops_nothing() {
    // Nobody listens there.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let traces = Some(Collector::new(&endpoint, "cars").unwrap());
    let service = one(routes(), ServiceOptions { traces, ..ServiceOptions::default() }).await;
    for _ in 0..5_000 {
        assert_eq!(service.get("/nothing", &[]).await.status.as_u16(), 404);
    }
}

#[test]
fn what_is_no_collectors_address_is_refused() {
    for endpoint in ["", "collector", "https://collector.example", "http://", "grpc://x:4317"] {
        assert!(Collector::new(endpoint, "cars").is_err(), "{endpoint}");
    }
}
