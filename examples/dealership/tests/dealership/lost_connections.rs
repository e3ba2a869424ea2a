//! Requests whose connection is cut, and which their client sends again: over TCP, as clients meet it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use crocus::orm::{Engine, Statement};
use crocus::prelude::*;
use crocus::testing::{Answer, TestApp};
use dealership::models::Tag;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::each;

/// How often each way is tried.
const ROUNDS: u64 = 100;

/// When a client's connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// In the middle of the body.
    InBody,
    /// Some time after the request was sent.
    Some,
    /// While the request waits in its transaction for another one.
    InTransaction,
    /// When the answer begins.
    InAnswer,
}

/// The program on a port of its own.
async fn serve(app: &TestApp) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(crocus::web::serve(listener, app.service()));
    address
}

fn body(name: &str) -> String {
    format!("{{\"name\":\"{name}\"}}")
}

/// Numbers from 0 to below `end`, the same in each run: what happens meanwhile is random enough.
fn spread(round: u64, end: u64) -> u64 {
    round.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23) % end
}

/// Sends a request and cuts its connection.
async fn send_and_cut(app: &TestApp, address: SocketAddr, name: &str, cut: Cut, round: u64) {
    let body = body(name);
    let head = format!(
        "POST /api/tags HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\nidempotency-key: \"{name}\"\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    let sent = if cut == Cut::InBody { usize::try_from(spread(round, body.len() as u64)).unwrap() } else { body.len() };
    let other = match cut {
        Cut::InTransaction => {
            let transaction = app.db().begin().await.unwrap();
            // The same name: the request waits for what becomes of it, on SQLite for the right to write.
            Tag::insert(&transaction, dealership::models::NewTag { name: name.to_owned() }).await.unwrap();
            Some(transaction)
        }
        _ => None,
    };
    stream.write_all(format!("{head}{}", &body[..sent]).as_bytes()).await.unwrap();
    match cut {
        Cut::InAnswer => drop(stream.read_u8().await.unwrap()),
        Cut::InBody | Cut::Some => tokio::time::sleep(Duration::from_micros(spread(round, 6_000))).await,
        Cut::InTransaction => tokio::time::sleep(Duration::from_micros(5_000 + spread(round, 5_000))).await,
    }
    drop(stream);
    if let Some(other) = other {
        other.rollback().await.unwrap();
    }
}

/// Sends a request again, as long as the first one is being done or the database is away.
async fn again(app: &TestApp, name: &str) -> Answer {
    for _ in 0..1_000 {
        let request = Request::post("/api/tags")
            .header("content-type", "application/json")
            .header("idempotency-key", format!("\"{name}\""))
            .body(Body::from(body(name)))
            .unwrap();
        let answer = app.request(request).await;
        match answer.status() {
            StatusCode::CREATED => return answer,
            StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE => {
                let code = answer.json()["code"].as_str().unwrap().to_owned();
                let known = ["idempotency_key_in_flight", "database_unavailable", "outcome_unknown"];
                assert!(known.contains(&&*code), "{name}: {}", answer.text());
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            other => panic!("{name}: {other}: {}", answer.text()),
        }
    }
    panic!("{name}: it is not done");
}

fn location(answer: &Answer) -> String {
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// Whether the request was done before it was sent again. Whatever it was: one row is there, where the answers say.
async fn done_once(app: &TestApp, name: &str) -> bool {
    let (second, third) = (again(app, name).await, again(app, name).await);
    assert_eq!(location(&second), location(&third), "{name}");
    let tags = Tag::select().filter(Tag::NAME.eq(name)).all(app.db()).await.unwrap();
    assert_eq!(tags.iter().map(|tag| format!("/api/tags/{}", tag.id)).collect::<Vec<_>>(), [location(&second)]);
    assert!(third.headers().contains_key("idempotency-replayed"), "{name}");
    second.headers().contains_key("idempotency-replayed")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_that_is_sent_again_after_its_connection_was_cut_makes_one_row() {
    for app in each().await {
        let address = serve(&app).await;
        for cut in [Cut::InBody, Cut::Some, Cut::InTransaction, Cut::InAnswer] {
            for round in 0..ROUNDS {
                let name = format!("{cut:?}-{round}");
                send_and_cut(&app, address, &name, cut, round).await;
                let was_done = done_once(&app, &name).await;
                match cut {
                    Cut::InBody => assert!(!was_done, "{name}: without all of its body"),
                    Cut::InAnswer => assert!(was_done, "{name}: it was answered"),
                    Cut::Some | Cut::InTransaction => {}
                }
            }
        }
        assert_eq!(Tag::select().count(app.db()).await.unwrap(), 4 * ROUNDS);
    }
}

const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                         AND pid <> pg_backend_pid()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_that_is_sent_again_after_the_database_went_away_makes_one_row() {
    let [_, app] = each().await;
    let app = Arc::new(app);
    let over = Arc::new(AtomicBool::new(false));
    let killer = Engine::connect(app.db().url()).await.unwrap();
    let killing = tokio::spawn({
        let over = over.clone();
        async move {
            let mut killed = 0;
            for round in 0.. {
                if over.load(Ordering::Relaxed) {
                    return killed;
                }
                killed += killer.query(Statement::read(TERMINATE, [])).await.unwrap().len();
                tokio::time::sleep(Duration::from_micros(5_000 + spread(round, 20_000))).await;
            }
            killed
        }
    });
    let clients = (0..4).map(|client| {
        let app = app.clone();
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let name = format!("{client}-{round}");
                assert_eq!(location(&again(&app, &name).await), location(&again(&app, &name).await), "{name}");
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    assert!(killing.await.unwrap() > 10, "no connection was killed");
    // A second row of a name would have been refused, and nobody was.
    assert_eq!(Tag::select().count(app.db()).await.unwrap(), 4 * ROUNDS);
}

const TERMINATE_WAITING: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                                 WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// Row by row, and the database goes away in the middle of the list: that is no row's mistake.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_whose_connection_is_lost_is_not_written_at_all() {
    let [_, app] = each().await;
    let app = Arc::new(app);
    let other = app.db().begin().await.unwrap();
    Tag::insert(&other, dealership::models::NewTag { name: "c".to_owned() }).await.unwrap();
    let posted = tokio::spawn({
        let app = app.clone();
        async move {
            let request = Request::post("/api/tags").header("content-type", "application/json");
            let request = request.header("prefer", "handling=lenient").header("idempotency-key", "\"list\"");
            let body = "[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":7},{\"name\":\"c\"},{\"name\":\"d\"}]";
            app.request(request.body(Body::from(body)).unwrap()).await
        }
    });
    let killer = Engine::connect(app.db().url()).await.unwrap();
    for round in 0.. {
        assert!(round < 1_000, "nobody waits");
        if !killer.query(Statement::read(TERMINATE_WAITING, [])).await.unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let answer = posted.await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text());
    assert_eq!(answer.json()["code"], "database_unavailable");
    other.rollback().await.unwrap();
    assert_eq!(Tag::select().count(app.db()).await.unwrap(), 0);
}
