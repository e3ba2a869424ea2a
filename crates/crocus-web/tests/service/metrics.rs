//! What is told at `/metrics`.

use std::collections::{HashMap, HashSet};

use axum::Router;
use axum::http::Method;
use crocus_web::ServiceOptions;

use crate::asking::{Service, each, one, routes};

/// The samples by name and labels, after a check of the text's grammar.
async fn scraped(service: &Service) -> HashMap<String, f64> {
    let answer = service.get("/metrics", &[]).await;
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text();
    assert!(text.ends_with('\n'));
    let (mut families, mut samples) = (HashSet::new(), HashMap::new());
    let mut family = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            family = rest.split(' ').next().unwrap().to_owned();
            assert!(families.insert(family.clone()), "{family} stands in two places");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, family);
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with(&family), "{name} is not of {family}");
            assert!(samples.insert(name.to_owned(), value.parse().unwrap()).is_none(), "{name} is there twice");
        }
    }
    samples
}

#[tokio::test]
async fn requests_are_counted_by_method_template_and_class() {
    for service in each(ServiceOptions::default()).await {
        for id in 0..5 {
            service.get(&format!("/cars/{id}"), &[]).await;
        }
        service.ask(Method::POST, "/cars/1", &[], "").await;
        service.ask(Method::DELETE, "/cars/1", &[], "").await;
        service.get("/broken", &[]).await;
        let samples = scraped(&service).await;
        let requests = |labels: &str| samples.get(&format!("crocus_http_requests_total{{{labels}}}")).copied();
        assert_eq!(requests(r#"method="GET",route="/cars/{id}",status="2xx""#), Some(5.0));
        assert_eq!(requests(r#"method="POST",route="/cars/{id}",status="2xx""#), Some(1.0));
        assert_eq!(requests(r#"method="DELETE",route="/cars/{id}",status="4xx""#), Some(1.0));
        assert_eq!(requests(r#"method="GET",route="/broken",status="5xx""#), Some(1.0));
        let duration = |suffix: &str| samples[&format!("crocus_http_request_duration_seconds_{suffix}")];
        assert_eq!(duration(r#"count{method="GET",route="/cars/{id}"}"#), 5.0);
        assert_eq!(duration(r#"bucket{method="GET",route="/cars/{id}",le="+Inf"}"#), 5.0);
        assert!(duration(r#"bucket{method="GET",route="/cars/{id}",le="10"}"#) == 5.0);
        assert!(duration(r#"sum{method="GET",route="/cars/{id}"}"#) > 0.0);
        assert_eq!(samples["crocus_http_requests_in_flight"], 1.0, "the scrape itself");
    }
}

#[tokio::test]
async fn databases_and_the_process_are_told_of() {
    for service in each(ServiceOptions::default()).await {
        service.get("/cars/1", &[]).await;
        service.get("/broken", &[]).await;
        let samples = scraped(&service).await;
        // The start has asked for a sign of life.
        assert_eq!(samples[r#"crocus_db_statements_total{bind="default",kind="select"}"#], 4.0);
        assert_eq!(samples[r#"crocus_db_statements_failed_total{bind="default"}"#], 1.0);
        assert_eq!(samples[r#"crocus_db_statement_duration_seconds_count{bind="default"}"#], 4.0);
        // On PostgreSQL three of the sixteen are shared by statements outside of transactions.
        let (pool, most) = match service.engine.dialect() {
            crocus_orm::Dialect::Sqlite => ("readers", 16.0),
            _ => ("primary", 13.0),
        };
        let connections =
            |state: &str| samples[&format!(r#"crocus_db_connections{{bind="default",pool="{pool}",state="{state}"}}"#)];
        assert_eq!((connections("idle"), connections("used")), (1.0, 0.0));
        assert_eq!(samples[&format!(r#"crocus_db_connections_max{{bind="default",pool="{pool}"}}"#)], most);
        assert_eq!(samples[&format!(r#"crocus_db_connections_waiting{{bind="default",pool="{pool}"}}"#)], 0.0);
        assert!(samples["process_start_time_seconds"] > 1.7e9);
        if cfg!(target_os = "linux") {
            assert!(samples["process_resident_memory_bytes"] > 1e6 && samples["process_threads"] >= 1.0);
            assert!(samples["process_open_fds"] >= 3.0 && samples["process_cpu_seconds_total"] > 0.0);
        }
    }
}

#[tokio::test]
async fn a_client_cannot_make_new_series() {
    let service = one(routes(), ServiceOptions::default()).await;
    let ask = async |name: String| {
        service.get(&format!("/{name}?{name}"), &[]).await;
        let method = Method::from_bytes(name.to_ascii_uppercase().as_bytes()).unwrap();
        service.ask(method, &format!("/cars/{name}"), &[], "").await;
    };
    ask("first".to_owned()).await;
    scraped(&service).await;
    let before = scraped(&service).await.len();
    for number in 0..50 {
        ask(format!("unknown{number}")).await;
    }
    let samples = scraped(&service).await;
    assert_eq!(samples.len(), before, "{:?}", samples.keys());
    assert_eq!(samples[r#"crocus_http_requests_total{method="GET",route="none",status="4xx"}"#], 51.0);
    assert_eq!(samples[r#"crocus_http_requests_total{method="other",route="/cars/{id}",status="4xx"}"#], 51.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_threads_are_added_up() {
    let service = one(Router::new().route("/a", axum::routing::get(async || "a")), ServiceOptions::default()).await;
    let tasks = (0..8).map(|_| {
        let mut router = service.router.clone();
        tokio::spawn(async move {
            for _ in 0..250 {
                let request = axum::http::Request::get("/a").body(axum::body::Body::empty()).unwrap();
                let Ok(_) = tower_service::Service::call(&mut router, request).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let samples = scraped(&service).await;
    assert_eq!(samples[r#"crocus_http_requests_total{method="GET",route="/a",status="2xx"}"#], 2000.0);
    assert_eq!(samples["crocus_http_requests_in_flight"], 1.0);
}

#[tokio::test]
async fn they_can_be_switched_off() {
    let service = one(routes(), ServiceOptions { metrics: false, ..ServiceOptions::default() }).await;
    assert_eq!(service.get("/metrics", &[]).await.status.as_u16(), 404);
}
