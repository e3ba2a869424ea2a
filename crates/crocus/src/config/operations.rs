//! The settings for what stands around the routes: other origins' pages, the rate limit, what is measured and told.

use std::str::FromStr;
use std::time::Duration;

use crocus_web::http::HeaderName;
use crocus_web::{Collector, Cors, Limits, RateLimit, ServiceOptions};

use super::{Setting, parse, setting};
use crate::error::{Error, Result};

/// What was set.
#[derive(Debug, Clone, Default)]
pub(super) struct Operations {
    compression: Option<Setting<bool>>,
    server_timing: Option<Setting<bool>>,
    metrics: Option<Setting<bool>>,
    otlp_endpoint: Option<Setting<String>>,
    cors_origins: Option<Setting<String>>,
    cors_methods: Option<Setting<String>>,
    cors_headers: Option<Setting<String>>,
    cors_credentials: Option<Setting<bool>>,
    cors_max_age: Option<Setting<u64>>,
    rate_limit: Option<Setting<Rate>>,
    rate_limit_header: Option<Setting<String>>,
}

/// `100/60s`: so many requests in so much time.
#[derive(Debug, Clone, Copy)]
struct Rate {
    quota: u32,
    window: Duration,
}

impl FromStr for Rate {
    type Err = ();

    fn from_str(text: &str) -> Result<Rate, ()> {
        let (quota, window) = text.split_once('/').ok_or(())?;
        let unit = window.find(|letter: char| !letter.is_ascii_digit()).ok_or(())?;
        let (number, unit) = window.split_at(unit);
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 60 * 60,
            _ => return Err(()),
        };
        let number: u64 = if number.is_empty() { 1 } else { number.parse().map_err(drop)? };
        let window = Duration::from_secs(number.checked_mul(seconds).ok_or(())?);
        Ok(Rate { quota: quota.parse().map_err(drop)?, window })
    }
}

impl Operations {
    /// Sets one of its keys; `false` when the key is not one.
    pub(super) fn set(&mut self, key: &str, value: &str, origin: &str) -> Result<bool> {
        let text = || setting(value.to_owned(), origin);
        match key {
            "compression" => self.compression = setting(parse(key, value, origin, |_| true)?, origin),
            "server_timing" => self.server_timing = setting(parse(key, value, origin, |_| true)?, origin),
            "metrics" => self.metrics = setting(parse(key, value, origin, |_| true)?, origin),
            "otlp_endpoint" => self.otlp_endpoint = text(),
            "cors_origins" => self.cors_origins = text(),
            "cors_methods" => self.cors_methods = text(),
            "cors_headers" => self.cors_headers = text(),
            "cors_credentials" => self.cors_credentials = setting(parse(key, value, origin, |_| true)?, origin),
            "cors_max_age" => self.cors_max_age = setting(parse(key, value, origin, |_| true)?, origin),
            "rate_limit" => self.rate_limit = setting(parse(key, value, origin, |_| true)?, origin),
            "rate_limit_header" => self.rate_limit_header = text(),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What they mean together.
    pub(super) fn service(&self, program: &str, limits: Limits) -> Result<ServiceOptions> {
        let default = ServiceOptions::from(limits);
        let traces = self
            .otlp_endpoint
            .as_ref()
            .map(|endpoint| checked("otlp_endpoint", endpoint, Collector::new(&endpoint.value, program)));
        Ok(ServiceOptions {
            compression: self.compression.as_ref().map_or(default.compression, |setting| setting.value),
            cors: self.cors()?,
            rate_limit: self.rate_limit()?,
            server_timing: self.server_timing.as_ref().map_or(default.server_timing, |setting| setting.value),
            metrics: self.metrics.as_ref().map_or(default.metrics, |setting| setting.value),
            traces: traces.transpose()?,
            ..default
        })
    }

    fn cors(&self) -> Result<Option<Cors>> {
        let Some(origins) = &self.cors_origins else {
            let without = |key: &str, origin: &Option<&str>| match origin {
                Some(origin) => {
                    let text = format!("`{key}` is set without `cors_origins` (from {origin})");
                    Err(Error::new(text)
                        .with_hint("name the origins whose pages are let in, such as https://shop.example"))
                }
                None => Ok(()),
            };
            without("cors_methods", &origin(&self.cors_methods))?;
            without("cors_headers", &origin(&self.cors_headers))?;
            without("cors_credentials", &origin(&self.cors_credentials))?;
            without("cors_max_age", &origin(&self.cors_max_age))?;
            return Ok(None);
        };
        let mut cors = checked("cors_origins", origins, Cors::new(list(&origins.value)))?;
        if let Some(methods) = &self.cors_methods {
            cors = checked("cors_methods", methods, cors.methods(list(&methods.value)))?;
        }
        if let Some(headers) = &self.cors_headers {
            cors = checked("cors_headers", headers, cors.headers(list(&headers.value)))?;
        }
        if let Some(credentials) = self.cors_credentials.as_ref().filter(|setting| setting.value) {
            cors = checked("cors_credentials", credentials, cors.credentials())?;
        }
        if let Some(max_age) = &self.cors_max_age {
            cors = cors.max_age(Duration::from_secs(max_age.value));
        }
        Ok(Some(cors))
    }

    fn rate_limit(&self) -> Result<Option<RateLimit>> {
        let Some(rate) = &self.rate_limit else {
            return match &self.rate_limit_header {
                Some(header) => {
                    let text = format!("`rate_limit_header` is set without `rate_limit` (from {})", header.origin);
                    Err(Error::new(text).with_hint("say how many requests a client may make, such as 100/60s"))
                }
                None => Ok(None),
            };
        };
        let mut limit = checked("rate_limit", rate, RateLimit::new(rate.value.quota, rate.value.window))?;
        if let Some(header) = &self.rate_limit_header {
            let name = HeaderName::from_bytes(header.value.as_bytes());
            let name = name.map_err(|_| format!("`{}` is no header's name", header.value));
            limit = limit.by_header(checked("rate_limit_header", header, name)?);
        }
        Ok(Some(limit))
    }
}

fn origin<T>(setting: &Option<Setting<T>>) -> Option<&str> {
    setting.as_ref().map(|setting| setting.origin.as_str())
}

/// The parts between commas.
fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// Says which setting is refused, and where it stands.
fn checked<T, V>(key: &str, setting: &Setting<T>, value: Result<V, String>) -> Result<V> {
    value.map_err(|reason| Error::new(format!("`{key}`: {reason} (from {})", setting.origin)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::from;

    #[test]
    fn what_stands_around_the_routes_is_set() {
        let toml = "cors_origins = [\"https://shop.example\", \"http://localhost:5173\"]\ncors_credentials = true\n\
                    cors_max_age = 60\nserver_timing = true\nmetrics = false\notlp_endpoint = \"http://127.0.0.1:4318\"\ncompression = false\nrate_limit = \"100/1m\"\n\
                    rate_limit_header = \"x-real-ip\"";
        let options = from(toml, &[]).unwrap().service_options("cars").unwrap();
        assert!(options.cors.is_some() && options.rate_limit.is_some() && options.server_timing);
        assert!(!options.metrics && !options.compression && options.traces.is_some());
        let environment =
            [("CROCUS_CORS_ORIGINS", "https://a.example, https://b.example"), ("CROCUS_RATE_LIMIT", "5/s")];
        let options = from("", &environment).unwrap().service_options("cars").unwrap();
        assert!(options.cors.is_some() && options.rate_limit.is_some() && !options.server_timing && options.metrics);
        let options = from("", &[]).unwrap().service_options("cars").unwrap();
        assert!(options.cors.is_none() && options.rate_limit.is_none());
    }

    #[test]
    fn what_means_nothing_together_is_an_error() {
        for (toml, message) in [
            (
                "cors_origins = [\"*\"]\ncors_credentials = true",
                "`cors_credentials`: credentials cannot be let in from all origins: name the origins (from `crocus.toml`, line 2)",
            ),
            (
                "cors_origins = \"https://a.example/\"",
                "`cors_origins`: `https://a.example/` is no origin: it ends after the host and the port (from `crocus.toml`, line 1)",
            ),
            (
                "cors_origins = [1]",
                "`cors_origins` must be origins such as https://shop.example, or *, not a value of type integer (from `crocus.toml`, line 1)",
            ),
            (
                "otlp_endpoint = \"https://a.example\"",
                "`otlp_endpoint`: `https://a.example` is no collector's address: it begins with `http://`; traces are sent \
                 as they are, to a collector nearby (from `crocus.toml`, line 1)",
            ),
            ("cors_max_age = 1", "`cors_max_age` is set without `cors_origins` (from `crocus.toml`, line 1)"),
            (
                "rate_limit_header = \"a\"",
                "`rate_limit_header` is set without `rate_limit` (from `crocus.toml`, line 1)",
            ),
            (
                "rate_limit = \"100\"",
                "`rate_limit` must be a number of requests and a time, such as 100/60s, not `100` (from `crocus.toml`, line 1)",
            ),
            (
                "rate_limit = \"0/s\"",
                "`rate_limit`: a quota of no requests lets nobody in (from `crocus.toml`, line 1)",
            ),
            (
                "rate_limit = \"5/s\"\nrate_limit_header = \"a b\"",
                "`rate_limit_header`: `a b` is no header's name (from `crocus.toml`, line 2)",
            ),
        ] {
            let error = from(toml, &[]).and_then(|config| config.service_options("cars")).unwrap_err().render();
            assert_eq!(error.lines().next(), Some(&*format!("error: {message}")));
        }
    }
}
