//! What tells people and programs about the service: the OpenAPI document at `/openapi.json`, a page to read and try it
//! at `/docs`, and the reference of problems at `/docs/errors`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use utoipa::openapi::OpenApi;

use crate::problem::reference;
use crate::routing::Route;
use crate::{Problem, Result, openapi};

/// The page runs no script but its own, asks nobody but this server, and stands in nobody's frame. Swagger UI sets
/// styles of single elements.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";

/// A file of the page: its path, its media type, and whether it is compressed.
type File = (&'static str, &'static str, &'static [u8], bool);

#[cfg(feature = "docs")]
const PAGE: &[File] = &[
    ("/docs", HTML, include_bytes!("docs/index.html"), false),
    ("/docs/start.js", "text/javascript; charset=utf-8", include_bytes!("docs/start.js"), false),
    (
        "/docs/swagger-ui-bundle.js",
        "text/javascript; charset=utf-8",
        include_bytes!("docs/swagger-ui-bundle.js.gz"),
        true,
    ),
    ("/docs/swagger-ui.css", "text/css; charset=utf-8", include_bytes!("docs/swagger-ui.css.gz"), true),
    ("/docs/LICENSES.txt", "text/plain; charset=utf-8", include_bytes!("docs/LICENSES.txt"), false),
];

#[cfg(not(feature = "docs"))]
const PAGE: &[File] = &[];

/// A file that is served. Most programs are started much more often than their pages are read: until then a file is not
/// made, and no page of memory has it.
struct Served {
    media_type: &'static str,
    is_compressed: bool,
    make: Box<dyn Fn() -> Bytes + Send + Sync>,
    made: OnceLock<(Bytes, HeaderValue)>,
}

/// The routes of the document, the page and the reference, but those whose path is one of `taken`. The document is made
/// when somebody asks for it.
pub fn docs(document: impl Fn() -> OpenApi + Send + Sync + 'static, taken: &[Route]) -> Router {
    let mut router = Router::new();
    let mut add = |path: &'static str, media_type, is_compressed, make: Box<dyn Fn() -> Bytes + Send + Sync>| {
        if taken.iter().any(|route| route.path == path) {
            return;
        }
        let file = Arc::new(Served { media_type, is_compressed, make, made: OnceLock::new() });
        let handler = get(move |headers: HeaderMap| {
            let file = file.clone();
            async move { file.answer(&headers).await }
        });
        router = std::mem::take(&mut router).route(path, handler);
    };
    add("/openapi.json", "application/json", false, Box::new(move || openapi::to_json(&document()).into()));
    add("/docs/errors", HTML, false, Box::new(|| reference::html().into()));
    for (path, media_type, bytes, is_compressed) in PAGE {
        add(path, media_type, *is_compressed, Box::new(|| Bytes::from_static(bytes)));
    }
    router
}

impl Served {
    /// The file and its tag. Of a large program the document takes a while, in which a thread of requests has to do others.
    async fn file(self: &Arc<Served>) -> Result<(Bytes, HeaderValue)> {
        if let Some(made) = self.made.get() {
            return Ok(made.clone());
        }
        let file = self.clone();
        let make = move || {
            let new = || {
                let bytes = (file.make)();
                let tag = entity_tag(&bytes);
                (bytes, tag)
            };
            file.made.get_or_init(new).clone()
        };
        tokio::task::spawn_blocking(make)
            .await
            .map_err(|error| Problem::internal(format!("a file was not made: {error}")))
    }

    async fn answer(self: &Arc<Served>, headers: &HeaderMap) -> Result<Response> {
        let (bytes, tag) = self.file().await?;
        let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let known = known.flat_map(|value| value.split(',')).map(|one| one.trim().trim_start_matches("W/"));
        let is_known = known.into_iter().any(|one| one == "*" || one.as_bytes() == tag.as_bytes());
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            axum::body::Body::from(bytes).into_response()
        };
        let fixed = HeaderValue::from_static;
        let mut set = |name: HeaderName, value: HeaderValue| drop(response.headers_mut().insert(name, value));
        set(header::ETAG, tag);
        set(header::CACHE_CONTROL, fixed("no-cache"));
        set(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
        if !is_known {
            set(header::CONTENT_TYPE, fixed(self.media_type));
            if self.is_compressed {
                set(header::CONTENT_ENCODING, fixed("gzip"));
            }
            if self.media_type == HTML {
                set(header::CONTENT_SECURITY_POLICY, fixed(POLICY));
                set(header::REFERRER_POLICY, fixed("no-referrer"));
            }
        }
        Ok(response)
    }
}

/// The bytes are those of this program: as long as it is the same program, they are the same.
fn entity_tag(bytes: &[u8]) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish())).expect("hexadecimal digits are a header's value")
}
