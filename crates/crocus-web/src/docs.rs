//! What tells people and programs about the service: the OpenAPI document at `/openapi.json`, a page to read and try it
//! at `/docs`, and the reference of problems at `/docs/errors`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::openapi::OpenApi;

use crate::openapi;
use crate::problem::reference;
use crate::routing::Route;

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

/// The routes of the document, the page and the reference, but those whose path is one of `taken`.
pub fn docs(document: &OpenApi, taken: &[Route]) -> Router {
    let is_free = |path: &str| taken.iter().all(|route| route.path != path);
    let mut router = Router::new();
    let mut add = |path: &'static str, media_type: &'static str, bytes: Arc<[u8]>, compressed: bool| {
        if !is_free(path) {
            return;
        }
        let tag = entity_tag(&bytes);
        let handler = get(async move |headers: HeaderMap| answer(&headers, media_type, &bytes, &tag, compressed));
        router = std::mem::take(&mut router).route(path, handler);
    };
    add("/openapi.json", "application/json", openapi::to_json(document).into_bytes().into(), false);
    add("/docs/errors", HTML, reference::html().into_bytes().into(), false);
    for (path, media_type, bytes, compressed) in PAGE {
        add(path, media_type, (*bytes).into(), *compressed);
    }
    router
}

/// The bytes are those of this program: as long as it is the same program, they are the same.
fn entity_tag(bytes: &[u8]) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish())).expect("hexadecimal digits are a header's value")
}

fn answer(headers: &HeaderMap, media_type: &'static str, bytes: &Arc<[u8]>, tag: &HeaderValue, gzip: bool) -> Response {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let known = known.flat_map(|value| value.split(',')).map(|one| one.trim().trim_start_matches("W/"));
    let is_known = known.into_iter().any(|one| one == "*" || one.as_bytes() == tag.as_bytes());
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        axum::body::Body::from(bytes.to_vec()).into_response()
    };
    let fixed = HeaderValue::from_static;
    let mut set = |name: HeaderName, value: HeaderValue| drop(response.headers_mut().insert(name, value));
    set(header::ETAG, tag.clone());
    set(header::CACHE_CONTROL, fixed("no-cache"));
    set(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    if !is_known {
        set(header::CONTENT_TYPE, fixed(media_type));
        if gzip {
            set(header::CONTENT_ENCODING, fixed("gzip"));
        }
        if media_type == HTML {
            set(header::CONTENT_SECURITY_POLICY, fixed(POLICY));
            set(header::REFERRER_POLICY, fixed("no-referrer"));
        }
    }
    response
}
