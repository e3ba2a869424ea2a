//! Answers and bodies that are compressed: the same table of cases for each coding that is compiled in.

use std::io::{Read, Write};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, header};
use axum::response::IntoResponse;
use axum::{Router, routing};
use crocus_web::{Json, Limits, ServiceOptions};
use futures_util::StreamExt;
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tower_service::Service as _;

use crate::asking::{Answer, Service, one};

/// The codings with what undoes and does them.
type Codings = Vec<(&'static str, fn(&[u8]) -> Vec<u8>, fn(&[u8]) -> Vec<u8>)>;

fn codings() -> Codings {
    #[allow(unused_mut, reason = "without the features there is nothing to add")]
    let mut all: Codings = vec![("gzip", gunzip, gzip)];
    #[cfg(feature = "zstd")]
    all.push(("zstd", |data| zstd::decode_all(data).unwrap(), |data| zstd::encode_all(data, 0).unwrap()));
    #[cfg(feature = "brotli")]
    all.push(("br", unbrotli, to_brotli));
    all
}

fn gunzip(data: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(data).read_to_end(&mut plain).unwrap();
    plain
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

#[cfg(feature = "brotli")]
fn unbrotli(data: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    brotli::Decompressor::new(data, 4096).read_to_end(&mut plain).unwrap();
    plain
}

#[cfg(feature = "brotli")]
fn to_brotli(data: &[u8]) -> Vec<u8> {
    let mut coded = Vec::new();
    brotli::CompressorReader::new(data, 4096, 5, 22).read_to_end(&mut coded).unwrap();
    coded
}

fn text() -> String {
    (0..5_000).map(|number| format!("{{\"id\":{number}}}\n")).collect()
}

const JSON: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

/// What handlers know of entity tags: their own, and how to compare them.
async fn tagged(headers: HeaderMap) -> impl IntoResponse {
    let conditions = headers.get(header::IF_NONE_MATCH).map(|value| value.to_str().unwrap().to_owned());
    let tag = [(header::ETAG, "\"3\"")];
    match conditions {
        Some(tags) if tags.contains("\"3\"") => (axum::http::StatusCode::NOT_MODIFIED, tag).into_response(),
        _ => (tag, JSON, text()).into_response(),
    }
}

fn routes() -> Router {
    let of = |content_type: &'static str| routing::get(async move || ([(header::CONTENT_TYPE, content_type)], text()));
    let echo = async |Json(value): Json<serde_json::Value>| Json(value);
    Router::new()
        .route("/json", of("application/json; charset=utf-8"))
        .route("/csv", of("text/csv"))
        .route("/rows", of("application/x-ndjson"))
        .route("/object", of("application/vnd.pgrst.object+json"))
        .route("/image", of("image/png"))
        .route("/zip", of("application/zip"))
        .route("/short", routing::get(async || (JSON, "{}")))
        .route("/fixed", routing::get(async || ([(header::CACHE_CONTROL, "no-transform")], JSON, text())))
        .route("/coded", routing::get(async || ([(header::CONTENT_ENCODING, "aes128gcm")], JSON, text())))
        .route("/bytes", routing::get(async || ([(header::CONTENT_RANGE, "bytes 0-9/99")], JSON, text())))
        .route("/page", routing::get(async || ([(header::CONTENT_RANGE, "0-9/99")], JSON, text())))
        .route(
            "/head",
            of("text/csv")
                .head(async || ([(header::CONTENT_LENGTH, text().len())], [(header::CONTENT_TYPE, "text/csv")])),
        )
        .route("/weak", routing::get(async || ([(header::ETAG, "W/\"3\"")], JSON, text())))
        .route("/tagged", routing::get(tagged))
        .route("/matches", routing::put(async |headers: HeaderMap| headers[header::IF_MATCH].as_bytes().to_vec()))
        .route("/echo", routing::post(echo))
        .route("/length", routing::post(async |body: Bytes| body.len().to_string()))
}

async fn service() -> Service {
    let limits = Limits { body: 100_000, ..Limits::default() };
    one(routes(), ServiceOptions::from(limits)).await
}

async fn get(service: &Service, path: &str, accepted: &str) -> Answer {
    service.get(path, &[("accept-encoding", accepted)]).await
}

#[tokio::test]
async fn text_is_compressed_where_the_client_accepts_it() {
    let service = service().await;
    for (coding, decode, _) in codings() {
        for path in ["/json", "/csv", "/rows", "/object", "/page", "/head"] {
            let answer = get(&service, path, coding).await;
            assert_eq!((answer.status.as_u16(), &*answer.header("content-encoding")), (200, coding), "{path}");
            assert_eq!((&*answer.header("vary"), &*answer.header("content-length")), ("accept-encoding", ""), "{path}");
            assert!(answer.body.len() < text().len() / 3, "{path}: {} bytes", answer.body.len());
            assert_eq!(decode(&answer.body), text().as_bytes(), "{path}");
            let head = service.ask(Method::HEAD, path, &[("accept-encoding", coding)], "").await;
            assert!(head.body.is_empty());
            for name in ["content-encoding", "vary", "content-length", "content-type"] {
                assert_eq!(head.header(name), answer.header(name), "{path}: {name}");
            }
        }
        for accepted in ["", "identity", &format!("{coding};q=0")] {
            let answer = get(&service, "/json", accepted).await;
            assert_eq!((&*answer.header("content-encoding"), answer.text()), ("", text()), "{accepted}");
            assert_eq!(answer.header("vary"), "accept-encoding", "a cache must tell them apart");
        }
    }
}

#[tokio::test]
async fn what_is_short_or_compressed_or_must_stay_as_it_is_does() {
    let service = service().await;
    for (path, coding, vary) in [
        ("/short", "", ""),
        ("/image", "", ""),
        ("/zip", "", ""),
        ("/fixed", "", ""),
        ("/coded", "aes128gcm", ""),
        ("/bytes", "", ""),
    ] {
        let answer = get(&service, path, "gzip").await;
        assert_eq!((&*answer.header("content-encoding"), &*answer.header("vary")), (coding, vary), "{path}");
    }
    let options = ServiceOptions { compression: false, ..ServiceOptions::default() };
    let off = one(routes(), options).await;
    let answer = get(&off, "/json", "gzip").await;
    assert_eq!((&*answer.header("content-encoding"), &*answer.header("vary")), ("", ""));
}

#[tokio::test]
async fn a_compressed_representation_has_an_entity_tag_of_its_own() {
    let service = service().await;
    assert_eq!(get(&service, "/tagged", "").await.header("etag"), "\"3\"");
    for (coding, ..) in codings() {
        let own = format!("\"3-{coding}\"");
        assert_eq!(get(&service, "/tagged", coding).await.header("etag"), own);
        assert_eq!(get(&service, "/weak", coding).await.header("etag"), "W/\"3\"");
        // What the client has, in whichever coding, is what it is told of.
        for (given, told) in
            [(own.clone(), own.as_str()), (format!("\"1\", {own}"), &own), ("\"3\"".to_owned(), "\"3\"")]
        {
            for accepted in [coding, ""] {
                let headers = [("accept-encoding", accepted), ("if-none-match", &given)];
                let answer = service.get("/tagged", &headers).await;
                assert_eq!((answer.status.as_u16(), &*answer.header("etag")), (304, told), "{given} {accepted}");
                assert_eq!(answer.header("vary"), "accept-encoding");
            }
        }
        // A write on the condition of either tag is one on the condition of the handler's own.
        let given = format!("\"1\", {own}");
        let answer = service.ask(Method::PUT, "/matches", &[("if-match", &given)], "").await;
        assert_eq!(answer.header("if-match"), "");
        assert_eq!(answer.text(), "\"1\", \"3\"");
    }
}

#[tokio::test]
async fn a_streamed_answer_stays_streamed() {
    for (coding, decode, _) in codings() {
        let gate = Arc::new(Semaphore::new(1));
        let opened = gate.clone();
        let stream = async move || {
            let rows = futures_util::stream::iter(0..3).then(move |number| {
                let gate = gate.clone();
                async move {
                    gate.acquire().await.unwrap().forget();
                    Ok::<_, std::io::Error>(format!("row {number}\n"))
                }
            });
            ([(header::CONTENT_TYPE, "text/plain")], Body::from_stream(rows))
        };
        let mut service = one(Router::new().route("/", routing::get(stream)), ServiceOptions::default()).await;
        let request = axum::http::Request::get("/").header("accept-encoding", coding).body(Body::empty()).unwrap();
        let Ok(response) = service.router.call(request).await;
        let mut body = response.into_body();
        let mut received = Vec::new();
        for _ in 0..3 {
            // The next row is not there before this one has arrived.
            let frame = body.frame().await.unwrap().unwrap();
            assert!(frame.data_ref().is_some_and(|data| !data.is_empty()), "{coding}");
            received.extend_from_slice(&frame.into_data().unwrap());
            opened.add_permits(1);
        }
        received.extend_from_slice(&body.collect().await.unwrap().to_bytes());
        assert_eq!(decode(&received), b"row 0\nrow 1\nrow 2\n", "{coding}");
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_does_not_end_as_if_it_were_whole() {
    let cut = async || {
        let rows = [Ok("row"), Err(std::io::Error::other("the database is gone"))];
        ([(header::CONTENT_TYPE, "text/plain")], Body::from_stream(futures_util::stream::iter(rows)))
    };
    let mut service = one(Router::new().route("/", routing::get(cut)), ServiceOptions::default()).await;
    for (coding, ..) in codings() {
        let request = axum::http::Request::get("/").header("accept-encoding", coding).body(Body::empty()).unwrap();
        let Ok(response) = service.router.call(request).await;
        assert!(response.into_body().collect().await.is_err(), "{coding}");
    }
}

async fn post(service: &Service, path: &str, coding: &str, body: Vec<u8>) -> Answer {
    let headers = [("content-type", "application/json"), ("content-encoding", coding)];
    service.ask(Method::POST, path, &headers, body).await
}

#[tokio::test]
async fn a_body_may_be_compressed() {
    let service = service().await;
    let json = format!("{{\"names\":[{}\"x\"]}}", "\"Model 3\",".repeat(4_000)).into_bytes();
    for (coding, _, encode) in codings() {
        for name in [coding, &coding.to_uppercase()] {
            let answer = post(&service, "/echo", name, encode(&json)).await;
            assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &json[..]), "{name}");
            let answer = post(&service, "/length", name, encode(&json)).await;
            assert_eq!((answer.status.as_u16(), answer.text()), (200, json.len().to_string()), "{name}");
        }
        assert_eq!(post(&service, "/length", coding, Vec::new()).await.text(), "0");
        // Twice the same: two members, which are one body.
        if coding == "gzip" {
            let twice = [encode(&json), encode(&json)].concat();
            assert_eq!(post(&service, "/length", coding, twice).await.text(), (2 * json.len()).to_string());
        }
    }
    for none in ["identity", ""] {
        assert_eq!(post(&service, "/echo", none, b"{}".to_vec()).await.text(), "{}");
    }
}

#[tokio::test]
async fn a_bomb_is_too_large_and_what_cannot_be_decoded_is_refused() {
    let service = service().await;
    for (coding, _, encode) in codings() {
        let exact = format!("\"{}\"", "x".repeat(99_998)).into_bytes();
        assert_eq!(post(&service, "/echo", coding, encode(&exact)).await.status.as_u16(), 200, "{coding}");
        let bomb = encode(&vec![b' '; 50_000_000]);
        assert!(bomb.len() < 60_000, "{coding}: {}", bomb.len());
        let answer = post(&service, "/echo", coding, bomb.clone()).await;
        assert_eq!((answer.status.as_u16(), &*answer.code()), (413, "body_too_large"), "{coding}");
        // axum's own extractors count it too.
        assert_eq!(post(&service, "/length", coding, bomb).await.status.as_u16(), 413, "{coding}");
        let whole = encode(&exact);
        for (wrong, why) in [
            (whole[..whole.len() - 5].to_vec(), "the end is missing"),
            (b"{\"plain\": true}".to_vec(), "it is not compressed"),
            ([whole.clone(), b"and more".to_vec()].concat(), "there is more behind it"),
        ] {
            let answer = post(&service, "/echo", coding, wrong).await;
            assert_eq!((answer.status.as_u16(), &*answer.code()), (400, "invalid_content_coding"), "{coding}: {why}");
        }
    }
}

#[tokio::test]
async fn an_unknown_coding_is_refused_with_the_known_ones() {
    let service = service().await;
    let without_body = service.get("/short", &[("content-encoding", "deflate")]).await;
    assert_eq!(without_body.status.as_u16(), 200);
    for coding in ["deflate", "compress", "gzip, gzip", "?"] {
        let answer = post(&service, "/echo", coding, b"{}".to_vec()).await;
        assert_eq!((answer.status.as_u16(), &*answer.code()), (415, "unknown_content_coding"), "{coding}");
        let known: Vec<_> = codings().into_iter().map(|(name, ..)| name).collect();
        let told = answer.header("accept-encoding");
        assert!(told.split(", ").all(|name| known.contains(&name)) && told.starts_with("gzip"), "{told}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn no_bytes_make_a_decoder_panic(noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300), cut in 0..200_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for (coding, _, encode) in codings() {
                let router = crocus_web::service(
                    routes(),
                    crocus_orm::Engine::new(&"sqlite::memory:".parse().unwrap(), &Default::default()),
                    ServiceOptions::default(),
                );
                // Noise, and a good beginning with noise behind it.
                let mut begun = encode(text().as_bytes());
                begun.truncate(cut);
                begun.extend_from_slice(&noise);
                for body in [noise.clone(), begun] {
                    let request = axum::http::Request::post("/length").header("content-encoding", coding);
                    let Ok(response) = router.clone().call(request.body(Body::from(body)).unwrap()).await;
                    let status = response.status().as_u16();
                    proptest::prop_assert!([200, 400].contains(&status), "{coding}: {status}");
                }
            }
            Ok(())
        })?;
    }
}
