//! Clients that want the same thing at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use crocus::prelude::*;
use crocus::testing::TestApp;
use dealership::models::{Car, NewTag, Tag};

use crate::each;

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body)).unwrap()
}

/// Reads the year of a car and raises it by one, if nobody did meanwhile.
async fn raise(app: &TestApp) -> StatusCode {
    let read = app.get("/api/cars/1?select=year").await;
    let year = read.json()["year"].as_i64().unwrap();
    let tag = read.headers()["etag"].to_str().unwrap().to_owned();
    let body = format!("{{\"year\":{}}}", year + 1);
    let headers = [("if-match", tag.as_str()), ("prefer", "return=minimal")];
    app.request(request("PATCH", "/api/cars/1", &headers, body)).await.status()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_conditional_updates_those_count_that_were_acknowledged() {
    for app in each().await {
        crate::resources::seed(&app).await;
        let app = Arc::new(app);
        let (done, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let clients = (0..20).map(|_| {
            let (app, done, refused) = (app.clone(), done.clone(), refused.clone());
            tokio::spawn(async move {
                for _ in 0..50 {
                    match raise(&app).await {
                        StatusCode::NO_CONTENT => done.fetch_add(1, Ordering::Relaxed),
                        StatusCode::PRECONDITION_FAILED => refused.fetch_add(1, Ordering::Relaxed),
                        other => panic!("{other}"),
                    };
                }
            })
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap();
        }
        let done = i32::try_from(done.load(Ordering::Relaxed)).unwrap();
        let car = Car::get(app.db(), 1).await.unwrap().unwrap();
        assert_eq!((car.year, car.version), (2019 + done, 1 + done));
        assert!(done > 0 && refused.load(Ordering::Relaxed) > 0, "nobody was in anybody's way");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_requests_with_one_key_one_is_done() {
    for app in each().await {
        let app = Arc::new(app);
        let clients = (0..10).map(|_| {
            let app = app.clone();
            tokio::spawn(async move {
                loop {
                    let headers = [("idempotency-key", "\"one\"")];
                    let answer = app.request(request("POST", "/api/tags", &headers, "{\"name\":\"one\"}".into())).await;
                    match answer.status() {
                        StatusCode::CREATED => return answer.headers()["location"].to_str().unwrap().to_owned(),
                        StatusCode::CONFLICT => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
                        other => panic!("{other}: {}", answer.text()),
                    }
                }
            })
        });
        let mut places = Vec::new();
        for client in clients.collect::<Vec<_>>() {
            places.push(client.await.unwrap());
        }
        assert!(places.iter().all(|place| *place == places[0]), "{places:?}");
        assert_eq!(Tag::select().count(app.db()).await.unwrap(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_and_their_number_are_of_one_moment() {
    for app in each().await {
        let app = Arc::new(app);
        let over = Arc::new(AtomicBool::new(false));
        let writer = tokio::spawn({
            let (app, over) = (app.clone(), over.clone());
            async move {
                for round in (1..=9).cycle().take_while(|_| !over.load(Ordering::Relaxed)) {
                    let transaction = app.db().begin().await.unwrap();
                    Tag::delete().execute(&transaction).await.unwrap();
                    let tags = (0..round).map(|number| NewTag { name: format!("{round} {number}") });
                    Tag::insert_many(tags).execute(&transaction).await.unwrap();
                    transaction.commit().await.unwrap();
                }
            }
        });
        let mut numbers = BTreeSet::new();
        for (read, page) in ["", "&offset=0", "&cursor=", "&order=name"].iter().cycle().enumerate() {
            if read > 200 && numbers.len() > 4 {
                break;
            }
            assert!(read < 20_000, "nobody writes meanwhile: {numbers:?}");
            let path = format!("/api/tags?select=name{page}");
            let answer = app.request(request("GET", &path, &[("prefer", "count=exact")], String::new())).await;
            assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text());
            let rows = answer.json().as_array().unwrap().len();
            let range = answer.headers()["content-range"].to_str().unwrap().to_owned();
            assert_eq!(range.split('/').nth(1), Some(&*rows.to_string()), "{path}: {range}");
            numbers.insert(rows);
        }
        over.store(true, Ordering::Relaxed);
        writer.await.unwrap();

        let (app, recorded) = app.recording();
        app.get("/api/tags").await;
        assert_eq!(recorded.statements().len(), 1, "{:?}", recorded.statements());
    }
}
