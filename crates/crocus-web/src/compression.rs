//! Content codings (RFC 9110, 8.4): which one an answer gets, what becomes of its entity tag, and which ones a body may
//! bring.
//!
//! A strong entity tag names bytes, so a compressed representation has one of its own: the coding's name stands at its
//! end (RFC 9110, 8.8.3.3). Handlers know nothing of it: what they compare is their own tag again.

mod decode;
mod encode;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::Problem;
pub(crate) use decode::{Decoded, Undecodable};
use encode::Encoded;

/// Answers shorter than this fit into one packet as they are.
const WORTH_IT: u64 = 1024;

/// What conditions compare entity tags.
const CONDITIONS: [HeaderName; 3] = [header::IF_MATCH, header::IF_NONE_MATCH, header::IF_RANGE];

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    #[cfg(feature = "zstd")]
    Zstd,
    #[cfg(feature = "brotli")]
    Brotli,
    Gzip,
}

impl Coding {
    /// The ones that there are; the first of those that a client likes alike is taken.
    const ALL: &[Coding] = &[
        #[cfg(feature = "zstd")]
        Coding::Zstd,
        #[cfg(feature = "brotli")]
        Coding::Brotli,
        Coding::Gzip,
    ];

    fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "zstd")]
            Coding::Zstd => "zstd",
            #[cfg(feature = "brotli")]
            Coding::Brotli => "br",
            Coding::Gzip => "gzip",
        }
    }

    fn of(name: &str) -> Option<Coding> {
        let name = if name.eq_ignore_ascii_case("x-gzip") { "gzip" } else { name };
        Coding::ALL.iter().copied().find(|coding| coding.name().eq_ignore_ascii_case(name))
    }

    /// The end of an entity tag in this coding.
    fn end_of_tag(self) -> &'static str {
        match self {
            #[cfg(feature = "zstd")]
            Coding::Zstd => "-zstd\"",
            #[cfg(feature = "brotli")]
            Coding::Brotli => "-br\"",
            Coding::Gzip => "-gzip\"",
        }
    }

    /// The one that a client likes most, if it likes one as well as none.
    fn accepted(headers: &HeaderMap) -> Option<Coding> {
        let (mut weights, mut any, mut plain) = ([None; Coding::ALL.len()], None, None);
        for value in headers.get_all(header::ACCEPT_ENCODING) {
            for item in value.to_str().ok()?.split(',') {
                let (name, weight) = weighted(item)?;
                match name {
                    "*" => any = Some(weight),
                    name if name.eq_ignore_ascii_case("identity") => plain = Some(weight),
                    name => {
                        let place =
                            Coding::of(name).and_then(|coding| Coding::ALL.iter().position(|one| *one == coding));
                        if let Some(place) = place {
                            weights[place] = Some(weight);
                        }
                    }
                }
            }
        }
        let weight = |place: usize| weights[place].or(any).unwrap_or(0);
        let mut best = None;
        for (place, coding) in Coding::ALL.iter().enumerate() {
            if weight(place) > best.map_or(plain.unwrap_or(1).max(1) - 1, |(_, weight)| weight) {
                best = Some((*coding, weight(place)));
            }
        }
        best.map(|(coding, _)| coding)
    }
}

/// `gzip;q=0.5` as the name and thousandths (RFC 9110, 12.4.2). A header that is not understood asks for nothing.
fn weighted(item: &str) -> Option<(&str, u16)> {
    let (name, parameters) = item.split_once(';').map_or((item, None), |(name, rest)| (name, Some(rest)));
    let weight = match parameters.map(str::trim) {
        None => 1000,
        Some(parameter) => {
            let number: f32 = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))?.parse().ok()?;
            if !(0.0..=1.0).contains(&number) {
                return None;
            }
            // No more than three digits are significant, and the range is checked.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 1000")]
            {
                (number * 1000.0).round() as u16
            }
        }
    };
    Some((name.trim(), weight))
}

/// What a request has asked for, before its handler sees it.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    coding: Option<Coding>,
    /// The conditions that named a compressed representation.
    if_none_match: Option<HeaderValue>,
}

impl Wanted {
    /// Reads what the client accepts, and gives the handler its own entity tags to compare.
    pub(crate) fn of(headers: &mut HeaderMap) -> Wanted {
        let mut wanted = Wanted { coding: Coding::accepted(headers), if_none_match: None };
        if !headers.keys().any(|name| CONDITIONS.contains(name)) {
            return wanted;
        }
        for name in CONDITIONS {
            let Some(value) = headers.get(&name).and_then(|value| value.to_str().ok()) else { continue };
            if !Coding::ALL.iter().any(|coding| value.contains(coding.end_of_tag())) {
                continue;
            }
            let plain =
                Coding::ALL.iter().fold(value.to_owned(), |tags, coding| tags.replace(coding.end_of_tag(), "\""));
            let Ok(plain) = HeaderValue::try_from(plain) else { continue };
            let given = headers.insert(name.clone(), plain);
            if name == header::IF_NONE_MATCH {
                wanted.if_none_match = given;
            }
        }
        wanted
    }

    /// Compresses the answer where that is wanted and worth it.
    pub(crate) fn apply(&self, mut response: Response) -> Response {
        if response.status() == StatusCode::NOT_MODIFIED {
            response.headers_mut().append(header::VARY, HeaderValue::from_name(header::ACCEPT_ENCODING));
            self.restore_tag(response.headers_mut());
            return response;
        }
        // A handler of HEAD says how long the body would be, and sends none.
        let said = response.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let length: Option<u64> = said.or(response.body().size_hint().upper());
        // What is short everybody gets as it is.
        if length.is_some_and(|length| length < WORTH_IT) || !is_compressible(response.headers()) {
            return response;
        }
        let (mut parts, body) = response.into_parts();
        let headers = &mut parts.headers;
        headers.append(header::VARY, HeaderValue::from_name(header::ACCEPT_ENCODING));
        let Some(coding) = self.coding else { return Response::from_parts(parts, body) };
        let body = match Encoded::new(body, coding) {
            Ok(body) => body,
            Err(body) => return Response::from_parts(parts, body),
        };
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::ACCEPT_RANGES);
        if let Some(tag) = headers.get(header::ETAG).and_then(|tag| with_end(tag, coding)) {
            headers.insert(header::ETAG, tag);
        }
        Response::from_parts(parts, Body::new(body))
    }

    /// A client that asked with the tag of a compressed representation hears that very tag: it has that one.
    fn restore_tag(&self, headers: &mut HeaderMap) {
        let Some(given) = self.if_none_match.as_ref().and_then(|given| given.to_str().ok()) else { return };
        let Some(tag) = headers.get(header::ETAG) else { return };
        let first = self.coding.into_iter().chain(Coding::ALL.iter().copied());
        let known = first.filter_map(|coding| with_end(tag, coding));
        if let Some(known) = known.into_iter().find(|tag| tag.to_str().is_ok_and(|tag| given.contains(tag))) {
            headers.insert(header::ETAG, known);
        }
    }
}

/// `"3"` as `"3-gzip"`. A weak tag names what is meant, whatever its bytes.
fn with_end(tag: &HeaderValue, coding: Coding) -> Option<HeaderValue> {
    let text = tag.to_str().ok()?.strip_suffix('"').filter(|text| text.starts_with('"'))?;
    HeaderValue::try_from(format!("{text}{}", coding.end_of_tag())).ok()
}

/// Whether an answer is text, is whole, and may be transformed. Images and archives are compressed already.
fn is_compressible(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if headers.contains_key(header::CONTENT_ENCODING)
        // A range of bytes is one of the representation that was asked for; a range of rows is a text like any other.
        || text(header::CONTENT_RANGE).starts_with("bytes")
        || text(header::CACHE_CONTROL).contains("no-transform")
    {
        return false;
    }
    let media_type = text(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let Some((kind, subtype)) = media_type.split_once('/') else { return false };
    kind == "text"
        || subtype.ends_with("+json")
        || subtype.ends_with("+xml")
        || (kind == "application"
            && ["json", "x-ndjson", "ndjson", "javascript", "xml", "wasm", "yaml", "openapi"].contains(&subtype))
}

/// Gives the handler the body as it was before it was compressed, of `limit` bytes at most, or refuses its coding.
pub(crate) fn decode(request: &mut Request, limit: usize) -> Option<Response> {
    // Without a body there is nothing that the header could be about.
    if request.body().is_end_stream() {
        return None;
    }
    let mut codings = request.headers().get_all(header::CONTENT_ENCODING).iter();
    let name = codings.next()?.to_str().unwrap_or("?").trim();
    let coding = match Coding::of(name) {
        Some(coding) if codings.next().is_none() => Some(coding),
        None if name.is_empty() || name.eq_ignore_ascii_case("identity") => None,
        _ => return Some(unknown(name)),
    };
    let headers = request.headers_mut();
    headers.remove(header::CONTENT_ENCODING);
    if let Some(coding) = coding {
        headers.remove(header::CONTENT_LENGTH);
        let body = std::mem::take(request.body_mut());
        *request.body_mut() = Decoded::body(body, coding, limit);
    }
    None
}

/// A 415 that says what would do (RFC 9110, 15.5.16).
fn unknown(name: &str) -> Response {
    let known = Coding::ALL.iter().rev().map(|coding| coding.name()).collect::<Vec<_>>().join(", ");
    let detail =
        format!("the body's content coding `{name}` is not understood: send it as it is, or as one of {known}");
    let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unknown_content_coding").with_detail(detail);
    let mut response = problem.into_response();
    if let Ok(known) = HeaderValue::try_from(known) {
        response.headers_mut().insert(header::ACCEPT_ENCODING, known);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coding_that_a_client_likes_most_is_taken() {
        let best = Coding::ALL[0].name();
        for (accepted, expected) in [
            (None, ""),
            (Some(""), ""),
            (Some("gzip"), "gzip"),
            (Some("GZIP"), "gzip"),
            (Some("x-gzip"), "gzip"),
            (Some("deflate, gzip;q=1.0, *;q=0.5"), "gzip"),
            (Some("*"), best),
            (Some("gzip, br, zstd"), best),
            (Some("gzip;q=0.9, br;q=0.8, zstd;q=0.8"), "gzip"),
            (Some("gzip;q=0"), ""),
            (Some("gzip;q=0.001"), "gzip"),
            (Some("*;q=0"), ""),
            (Some("gzip;q=0.5, identity"), ""),
            (Some("gzip;q=0.5, identity;q=0.5"), "gzip"),
            (Some("identity;q=0, gzip;q=0.1"), "gzip"),
            (Some("deflate"), ""),
            (Some("gzip;q=2"), ""),
            (Some("gzip;level=9"), ""),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(accepted.map(|accepted| (header::ACCEPT_ENCODING, accepted.parse().unwrap())));
            let coding = Coding::accepted(&headers).map_or("", Coding::name);
            assert_eq!(coding, expected, "{accepted:?}");
        }
    }
}
