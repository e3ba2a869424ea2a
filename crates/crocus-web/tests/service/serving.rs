//! What only a real connection shows: who asks, and what is sent over the wire.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::header;
use axum::{Router, routing};
use crocus_web::{RateLimit, ServiceOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};

use crate::asking::one;

/// Asks from an address of this machine's own network, and gives the local port and the whole answer.
async fn ask(server: SocketAddr, from: &str, request: &str) -> (u16, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    let mut stream = socket.connect(server).await.unwrap();
    let port = stream.local_addr().unwrap().port();
    stream.write_all(format!("{request}\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    (port, String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn a_handler_and_the_rate_limit_know_who_asks() {
    let who = async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string();
    let rate_limit = Some(RateLimit::new(1, Duration::from_secs(3600)).unwrap());
    let options = ServiceOptions { rate_limit, ..ServiceOptions::default() };
    let service = one(Router::new().route("/who", routing::get(who)), options).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(crocus_web::serve(listener, service.router.clone()));
    for from in ["127.0.0.1", "127.0.0.2"] {
        let (port, answer) = ask(address, from, "GET /who HTTP/1.1").await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(&format!("\r\n\r\n{from}:{port}")), "{answer}");
        let (_, answer) = ask(address, from, "GET /who HTTP/1.1").await;
        assert!(answer.starts_with("HTTP/1.1 429 "), "{from}: {answer}");
    }
    server.abort();
}

#[tokio::test]
async fn a_compressed_answer_is_framed_and_that_of_head_has_no_body() {
    let text = async || ([(header::CONTENT_TYPE, "text/plain")], "text ".repeat(1000));
    let service = one(Router::new().route("/text", routing::get(text)), ServiceOptions::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(crocus_web::serve(listener, service.router.clone()));
    let (_, answer) = ask(address, "127.0.0.1", "GET /text HTTP/1.1\r\nAccept-Encoding: gzip").await;
    assert!(answer.contains("content-encoding: gzip\r\n") && answer.contains("transfer-encoding: chunked\r\n"));
    assert!(answer.ends_with("\r\n0\r\n\r\n") && !answer.contains("content-length"), "{answer}");
    let (_, head) = ask(address, "127.0.0.1", "HEAD /text HTTP/1.1\r\nAccept-Encoding: gzip").await;
    assert!(head.contains("content-encoding: gzip\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(!head.contains("content-length"), "{head}");
    server.abort();
}
