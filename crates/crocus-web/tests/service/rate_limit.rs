//! How many requests a client may make. Time stands still here, and is moved by hand.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderName, Request};
use crocus_web::{Cors, RateLimit, ServiceOptions};

use crate::asking::{Answer, Service, one, routes};

fn limit() -> RateLimit {
    RateLimit::new(2, Duration::from_secs(10)).unwrap()
}

async fn service(limit: RateLimit) -> Service {
    let service = one(routes(), ServiceOptions { rate_limit: Some(limit), ..ServiceOptions::default() }).await;
    tokio::time::pause();
    service
}

/// From a peer's address, perhaps with a header of its own.
async fn from(service: &Service, peer: &str, header: Option<(&str, &str)>) -> Answer {
    let mut request = Request::get("/nothing");
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let peer: SocketAddr = peer.parse().unwrap();
    service.send(request.extension(ConnectInfo(peer)).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_client_is_told_where_it_stands_and_stopped() {
    let service = service(limit()).await;
    let ask = async || {
        let answer = from(&service, "192.0.2.1:1", None).await;
        assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=2;w=10");
        (answer.status.as_u16(), answer.header("ratelimit"), answer.header("retry-after"))
    };
    let told = |status, limit: &str, wait: &str| (status, limit.to_owned(), wait.to_owned());
    assert_eq!(ask().await, told(404, "\"default\";r=1;t=5", ""));
    assert_eq!(ask().await, told(404, "\"default\";r=0;t=10", ""));
    assert_eq!(ask().await, told(429, "\"default\";r=0;t=10", "5"));
    assert_eq!(from(&service, "192.0.2.1:2", None).await.code(), "too_many_requests");
    tokio::time::advance(Duration::from_secs(3)).await;
    assert_eq!(ask().await, told(429, "\"default\";r=0;t=7", "2"));
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(ask().await.0, 404);
    assert_eq!(ask().await.0, 429);
}

#[tokio::test]
async fn clients_are_told_apart_by_their_address() {
    let service = service(RateLimit::new(1, Duration::from_secs(10)).unwrap()).await;
    for (peer, status) in [
        ("192.0.2.1:1", 404),
        ("192.0.2.1:9", 429),
        ("[::ffff:192.0.2.1]:1", 429),
        ("192.0.2.2:1", 404),
        ("[2001:db8:0:1::1]:1", 404),
        // Another address of the same subscriber, and another subscriber.
        ("[2001:db8:0:1::2]:1", 429),
        ("[2001:db8:0:2::1]:1", 404),
    ] {
        let answer = from(&service, peer, Some(("x-forwarded-for", peer))).await;
        assert_eq!(answer.status.as_u16(), status, "{peer}");
    }
}

#[tokio::test]
async fn behind_a_proxy_they_are_told_apart_by_its_header() {
    let limit = RateLimit::new(1, Duration::from_secs(10)).unwrap();
    let service = service(limit.by_header(HeaderName::from_static("x-forwarded-for"))).await;
    for (peer, header, status) in [
        ("192.0.2.1:1", Some("203.0.113.1"), 404),
        ("192.0.2.2:1", Some("203.0.113.1"), 429),
        ("192.0.2.2:1", Some("203.0.113.2"), 404),
        // What the client itself has written stands before what the proxy has seen.
        ("192.0.2.2:1", Some("198.51.100.1, 203.0.113.2"), 429),
        ("192.0.2.3:1", None, 404),
        ("192.0.2.3:1", Some(" "), 429),
    ] {
        let answer = from(&service, peer, header.map(|value| ("x-forwarded-for", value))).await;
        assert_eq!(answer.status.as_u16(), status, "{peer} {header:?}");
    }
}

#[tokio::test]
async fn preflights_and_those_who_look_after_the_program_are_let_in() {
    let cors = Some(Cors::new(["*"]).unwrap());
    let options = ServiceOptions { rate_limit: Some(limit()), cors, ..ServiceOptions::default() };
    let ready = crocus_web::health(std::sync::Arc::new(|| Box::pin(async { Ok(()) })));
    let service = one(routes().merge(ready), options).await;
    tokio::time::pause();
    for _ in 0..3 {
        for path in ["/healthz", "/readyz", "/metrics"] {
            assert_eq!(service.get(path, &[]).await.status.as_u16(), 200, "{path}");
        }
        let headers = [("origin", "https://shop.example"), ("access-control-request-method", "GET")];
        let answer = service.ask(axum::http::Method::OPTIONS, "/nothing", &headers, "").await;
        assert_eq!(answer.status.as_u16(), 204);
    }
    let page = [("origin", "https://shop.example")];
    for status in [404, 404, 429] {
        let answer = service.get("/nothing", &page).await;
        assert_eq!((answer.status.as_u16(), &*answer.header("access-control-allow-origin")), (status, "*"));
    }
}

#[test]
fn a_limit_that_means_nothing_is_refused() {
    assert!(RateLimit::new(0, Duration::from_secs(1)).is_err());
    assert!(RateLimit::new(1, Duration::from_millis(999)).is_err());
    assert!(RateLimit::new(u32::MAX, Duration::from_secs(86_401)).is_err());
}
