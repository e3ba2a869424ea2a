//! Which pages are let in, and for what.

use axum::http::Method;
use crocus_web::{Cors, ServiceOptions};

use crate::asking::{Answer, Service, one, routes};

const SHOP: &str = "https://shop.example";

async fn service(cors: Option<Cors>) -> Service {
    one(routes(), ServiceOptions { compression: false, cors, ..ServiceOptions::default() }).await
}

async fn preflight(service: &Service, path: &str, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "PATCH"),
        ("access-control-request-headers", "if-match, x-tenant"),
    ];
    service.ask(Method::OPTIONS, path, &headers, "").await
}

#[tokio::test]
async fn without_the_setting_no_page_is_let_in() {
    let service = service(None).await;
    for answer in [preflight(&service, "/cars/1", SHOP).await, service.get("/cars/1", &[("origin", SHOP)]).await] {
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{:?}", answer.headers);
        assert_eq!(answer.header("vary"), "");
    }
}

#[tokio::test]
async fn a_page_of_a_named_origin_is_let_in() {
    let cors = Cors::new([SHOP, "http://localhost:5173"]).unwrap().credentials().unwrap();
    let service = service(Some(cors)).await;
    for origin in [SHOP, "http://localhost:5173"] {
        let answer = service.get("/cars/1", &[("origin", origin)]).await;
        assert_eq!((answer.status.as_u16(), &*answer.text()), (200, "2"));
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert!(answer.header("access-control-expose-headers").contains("etag, location"));
        assert_eq!(answer.header("vary"), "origin");
    }
    for (path, status) in [("/nothing", 404), ("/broken", 500)] {
        let answer = service.get(path, &[("origin", SHOP)]).await;
        assert_eq!((answer.status.as_u16(), &*answer.header("access-control-allow-origin")), (status, SHOP), "{path}");
    }
    for stranger in ["https://shop.example.evil.example", "http://shop.example", "null"] {
        let answer = service.get("/cars/1", &[("origin", stranger)]).await;
        assert_eq!((&*answer.header("access-control-allow-origin"), &*answer.header("vary")), ("", "origin"));
    }
    assert_eq!(service.get("/cars/1", &[]).await.header("vary"), "origin", "a cache must tell them apart");
}

#[tokio::test]
async fn a_preflight_is_answered_before_any_handler() {
    let all = service(Some(Cors::new(["*"]).unwrap().headers(["*"]).unwrap())).await;
    let some = Cors::new([SHOP]).unwrap().methods(["GET"]).unwrap().headers(["Content-Type"]).unwrap();
    let some = service(Some(some.max_age(std::time::Duration::from_secs(5)))).await;
    for path in ["/cars/1", "/nothing"] {
        let answer = preflight(&all, path, SHOP).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert!(answer.header("access-control-allow-methods").contains("PATCH"));
        assert_eq!(answer.header("access-control-allow-headers"), "if-match, x-tenant");
        let answer = preflight(&some, path, SHOP).await;
        assert_eq!(answer.header("access-control-allow-methods"), "GET");
        assert_eq!(answer.header("access-control-allow-headers"), "content-type");
        assert_eq!(answer.header("access-control-max-age"), "5");
        assert!(answer.header("vary").contains("access-control-request-headers"));
        let answer = preflight(&some, path, "https://else.example").await;
        assert_eq!((answer.status.as_u16(), &*answer.header("access-control-allow-methods")), (204, ""));
    }
    // One that is no preflight is for the routes.
    let answer = some.ask(Method::OPTIONS, "/cars/1", &[("origin", SHOP)], "").await;
    assert_eq!(answer.header("allow"), "GET,HEAD,POST");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let new = |origins: &[&'static str]| Cors::new(origins.iter().copied());
    for (origin, reason) in [
        ("https://shop.example/", "it ends after the host and the port"),
        ("shop.example", "it begins with `https://` or `http://`"),
        ("null", "it begins with `https://` or `http://`"),
        ("https://Shop.example", "it is written in lower-case ASCII letters"),
        ("https://shop.example:443", "browsers leave the scheme's own port out"),
        ("https://", "it ends after the host and the port"),
    ] {
        assert_eq!(new(&[origin]).unwrap_err(), format!("`{origin}` is no origin: {reason}"));
    }
    assert!(new(&[]).is_err() && new(&[SHOP, "*"]).is_err());
    assert!(new(&["*"]).unwrap().credentials().unwrap_err().contains("name the origins"));
    let with_credentials = new(&[SHOP]).unwrap().credentials().unwrap();
    assert!(with_credentials.headers(["*"]).unwrap_err().contains("name the headers"));
    assert!(new(&[SHOP]).unwrap().methods(["G T"]).is_err() && new(&[SHOP]).unwrap().headers(["a b"]).is_err());
}
