//! CORS: which other origins' pages may use the service (the Fetch standard, "CORS protocol").

use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The headers of answers that a page may read, beside those that every page may.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "etag, location, content-range, link, preference-applied, retry-after, x-request-id, ratelimit, ratelimit-policy, \
     server-timing",
);

/// The methods that a page may use unless it is said otherwise.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, QUERY";

/// The headers that a page may send unless it is said otherwise.
const HEADERS: &str = "accept, accept-language, accept-profile, apikey, authorization, content-language, content-profile, \
                       content-type, idempotency-key, if-match, if-none-match, prefer, range, range-unit, traceparent, \
                       x-client-info, x-request-id";

/// Which other origins' pages may use the service, and for what.
///
/// # Example
/// ```
/// use crocus_web::Cors;
///
/// let cors = Cors::new(["https://shop.example"]).unwrap().credentials().unwrap();
/// assert!(Cors::new(["https://shop.example/"]).is_err(), "an origin has no path");
/// assert!(Cors::new(["*"]).unwrap().credentials().is_err(), "any page could act for its reader");
/// ```
#[derive(Debug, Clone)]
pub struct Cors {
    /// `None` for all.
    origins: Option<Vec<HeaderValue>>,
    methods: HeaderValue,
    /// `None` for those that the page asks for.
    headers: Option<HeaderValue>,
    credentials: bool,
    max_age: HeaderValue,
}

impl Cors {
    /// Lets pages of these origins in, each as `https://shop.example` or `http://localhost:5173`; `*` are all.
    ///
    /// # Errors
    /// When there is none, or one is no origin: the reason in words.
    pub fn new<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<Cors, String> {
        let origins: Vec<&str> = origins.into_iter().collect();
        let origins = match origins[..] {
            [] => return Err("there is no origin".to_owned()),
            ["*"] => None,
            _ => Some(origins.into_iter().map(origin).collect::<Result<_, _>>()?),
        };
        Ok(Cors {
            origins,
            methods: HeaderValue::from_static(METHODS),
            headers: Some(HeaderValue::from_static(HEADERS)),
            credentials: false,
            max_age: HeaderValue::from(600),
        })
    }

    /// The methods that a page may use. Without it they are all that a resource has.
    ///
    /// # Errors
    /// When one is no method.
    pub fn methods<'a>(mut self, methods: impl IntoIterator<Item = &'a str>) -> Result<Cors, String> {
        let method = |text: &str| Method::from_bytes(text.as_bytes()).map_err(|_| format!("`{text}` is no method"));
        let methods = methods.into_iter().map(|text| method(text).map(|method| method.to_string()));
        self.methods = list(methods.collect::<Result<Vec<_>, _>>()?);
        Ok(self)
    }

    /// The headers that a page may send; `*` are all. Without it they are those that a resource understands, and
    /// `authorization`.
    ///
    /// # Errors
    /// When one is no header's name, or all may be sent, and credentials with them.
    pub fn headers<'a>(mut self, headers: impl IntoIterator<Item = &'a str>) -> Result<Cors, String> {
        let headers: Vec<&str> = headers.into_iter().collect();
        let name = |text: &&str| match HeaderName::from_bytes(text.as_bytes()) {
            Ok(name) if *text != "*" => Ok(name.to_string()),
            _ => Err(format!("`{text}` is no header's name")),
        };
        self.headers = match headers[..] {
            ["*"] => None,
            _ => Some(list(headers.iter().map(name).collect::<Result<Vec<_>, _>>()?)),
        };
        self.checked()
    }

    /// Lets pages send cookies and HTTP authentication, and read the answers.
    ///
    /// # Errors
    /// When all origins or all headers are let in: any page could act for whoever reads it.
    pub fn credentials(mut self) -> Result<Cors, String> {
        self.credentials = true;
        self.checked()
    }

    /// How long a browser may keep the answer to a preflight; ten minutes without it.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> Cors {
        self.max_age = HeaderValue::from(max_age.as_secs());
        self
    }

    fn checked(self) -> Result<Cors, String> {
        if self.credentials && self.origins.is_none() {
            return Err("credentials cannot be let in from all origins: name the origins".to_owned());
        }
        if self.credentials && self.headers.is_none() {
            return Err("credentials cannot be let in with all headers: name the headers".to_owned());
        }
        Ok(self)
    }

    /// The answer to a preflight, which no handler sees: it brings no credentials.
    pub(crate) fn preflight(&self, request: &Request) -> Option<Response> {
        let headers = request.headers();
        let asks = request.method() == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !asks {
            return None;
        }
        let mut response = StatusCode::NO_CONTENT.into_response();
        let answer = response.headers_mut();
        if self.allowed(headers.get(header::ORIGIN)).is_some() {
            answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
            let asked = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
            if let Some(allowed) = self.headers.as_ref().or(asked) {
                answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed.clone());
            }
            answer.insert(header::ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        }
        answer.append(
            header::VARY,
            HeaderValue::from_static("access-control-request-method, access-control-request-headers"),
        );
        Some(response)
    }

    /// Adds what every answer says to a page of `origin`, also an answer that is an error.
    pub(crate) fn allow(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if self.origins.is_some() {
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
        let Some(allowed) = self.allowed(origin) else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        if self.credentials {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }

    /// What a page of the origin is told, if it is let in.
    fn allowed(&self, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
        let origin = origin?;
        match &self.origins {
            None => Some(HeaderValue::from_static("*")),
            Some(origins) => origins.contains(origin).then(|| origin.clone()),
        }
    }
}

/// An origin as a browser writes it: browsers compare it letter by letter.
fn origin(text: &str) -> Result<HeaderValue, String> {
    if text == "*" {
        return Err("`*` are all origins, so it stands alone".to_owned());
    }
    let refused = |why: &str| Err(format!("`{text}` is no origin: {why}"));
    let Some((scheme, host)) = text.split_once("://") else {
        return refused("it begins with `https://` or `http://`");
    };
    if host.is_empty() || host.contains(['/', '?', '#', '@']) {
        return refused("it ends after the host and the port");
    }
    let default = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => "",
    };
    if !default.is_empty() && host.ends_with(default) {
        return refused("browsers leave the scheme's own port out");
    }
    let plain = |letter: char| letter.is_ascii_graphic() && !letter.is_ascii_uppercase() && letter != ',';
    match HeaderValue::from_str(text) {
        Ok(value) if text.chars().all(plain) => Ok(value),
        _ => refused("it is written in lower-case ASCII letters"),
    }
}

fn list(names: Vec<String>) -> HeaderValue {
    HeaderValue::try_from(names.join(", ")).expect("methods and header names are made of visible letters")
}
