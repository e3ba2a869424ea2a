//! The rate limit: how many requests a client may make, told in the `RateLimit` fields
//! (draft-ietf-httpapi-ratelimit-headers).
//!
//! Each client has a bucket of tokens that fills up evenly. A bucket is one number, the time at which it will be full,
//! so a client that has not been seen for a while is the same as one that has never been seen, and can be forgotten.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use crate::Problem;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The list of addresses that a request has come by.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Parts of the memory, each under a lock of its own. A power of two.
const SHARDS: usize = 16;

/// How many clients a part remembers in each of its two generations: however many there are, they take about 40 MB.
const GENERATION: usize = 32 * 1024;

/// How many requests a client may make: so many at once, and so many in a window, evenly, from then on.
#[derive(Debug, Clone)]
pub struct RateLimit {
    quota: u32,
    window: Duration,
    header: Option<HeaderName>,
}

impl RateLimit {
    /// So many requests in a window.
    ///
    /// # Errors
    /// When there are none, or the window is shorter than a second: the reason in words.
    pub fn new(quota: u32, window: Duration) -> Result<RateLimit, String> {
        if quota == 0 {
            return Err("a quota of no requests lets nobody in".to_owned());
        }
        if window < Duration::from_secs(1) || window > Duration::from_secs(24 * 60 * 60) {
            return Err("the window is from a second to a day".to_owned());
        }
        Ok(RateLimit { quota, window, header: None })
    }

    /// Tells clients apart by a header that the proxy before the program sets, such as `x-real-ip`: of
    /// `x-forwarded-for` by its last address. A client without a proxy could write there what it likes. Requests that
    /// lack the header are told apart by the address that they come from, as all are without this.
    #[must_use]
    pub fn by_header(mut self, header: HeaderName) -> RateLimit {
        self.header = Some(header);
        self
    }
}

/// The clients' buckets.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    limit: RateLimit,
    policy: HeaderValue,
    start: Instant,
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

/// The times at which buckets will be full, in nanoseconds since the start, by the client's hash. A full generation
/// becomes the old one; clients of the old one that do not come back are forgotten with it.
#[derive(Debug, Default)]
struct Shard {
    young: HashMap<u64, u64>,
    old: HashMap<u64, u64>,
}

/// What is left to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    remaining: u32,
    /// Until the bucket is full.
    reset: Duration,
    /// Until there is a token, where there was none.
    wait: Option<Duration>,
}

impl RateLimiter {
    pub(crate) fn new(limit: RateLimit) -> RateLimiter {
        let policy = format!("\"default\";q={};w={}", limit.quota, limit.window.as_secs());
        RateLimiter {
            limit,
            policy: HeaderValue::try_from(policy).expect("numbers are a header's value"),
            start: Instant::now(),
            hasher: RandomState::new(),
            shards: Default::default(),
        }
    }

    /// Takes a token of the request's client.
    pub(crate) fn take(&self, request: &Request) -> Standing {
        let now = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.take_at(self.client(request), now)
    }

    fn take_at(&self, client: u64, now: u64) -> Standing {
        let window = u64::try_from(self.limit.window.as_nanos()).unwrap_or(u64::MAX);
        let token = window / u64::from(self.limit.quota);
        let shard = &self.shards[client as usize % SHARDS];
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let full = shard.full_at(client).unwrap_or(0).max(now);
        let taken = full + token;
        if taken - now > window {
            let wait = Some(Duration::from_nanos(taken - now - window));
            return Standing { remaining: 0, reset: Duration::from_nanos(full - now), wait };
        }
        shard.young.insert(client, taken);
        let remaining = u32::try_from((window - (taken - now)) / token).unwrap_or(self.limit.quota);
        Standing { remaining, reset: Duration::from_nanos(taken - now), wait: None }
    }

    /// Who asks. What a client sends is hashed with keys that it does not know: it takes no memory, and nobody can
    /// find another's hash.
    fn client(&self, request: &Request) -> u64 {
        if let Some(value) = self.limit.header.as_ref().and_then(|name| last(request.headers(), name)) {
            return self.hasher.hash_one(value);
        }
        match request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical()) {
            // One subscriber has a network of 64 bits (RFC 6177), and would have as many buckets.
            Some(IpAddr::V6(address)) => self.hasher.hash_one(&address.octets()[..8]),
            Some(IpAddr::V4(address)) => self.hasher.hash_one(address.octets()),
            None => 0,
        }
    }

    /// Tells a client where it stands.
    pub(crate) fn tell(&self, standing: Standing, headers: &mut HeaderMap) {
        let limit = format!("\"default\";r={};t={}", standing.remaining, seconds(standing.reset));
        headers.insert(LIMIT, HeaderValue::try_from(limit).expect("numbers are a header's value"));
        headers.insert(POLICY, self.policy.clone());
    }

    /// The answer to a client that has no token left.
    pub(crate) fn refuse(&self, standing: Standing) -> Option<Response> {
        let wait = seconds(standing.wait?);
        let (quota, window) = (self.limit.quota, self.limit.window.as_secs());
        let detail = format!("more than {quota} requests in {window} s: wait {wait} s before the next");
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests").with_detail(detail);
        let mut response = problem.into_response();
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
        Some(response)
    }
}

impl Shard {
    /// When the client's bucket will be full, which keeps the client from being forgotten.
    fn full_at(&mut self, client: u64) -> Option<u64> {
        if let Some(full) = self.young.get(&client) {
            return Some(*full);
        }
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        let full = self.old.get(&client).copied();
        self.young.extend(full.map(|full| (client, full)));
        full
    }
}

/// The header's value, of a list of addresses the one that the proxy next to us has seen.
fn last<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let value = headers.get_all(name).iter().next_back()?.as_bytes();
    let last = if *name == FORWARDED_FOR { value.rsplit(|byte| *byte == b',').next()? } else { value };
    Some(last.trim_ascii()).filter(|value| !value.is_empty())
}

/// Whole seconds, not too few.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_bucket_fills_evenly() {
        let limiter = RateLimiter::new(RateLimit::new(3, Duration::from_secs(6)).unwrap());
        let take = |client, at| {
            let standing = limiter.take_at(client, at);
            (standing.remaining, seconds(standing.reset), standing.wait.map(seconds))
        };
        assert_eq!([take(1, 0), take(1, 0), take(1, 0)], [(2, 2, None), (1, 4, None), (0, 6, None)]);
        assert_eq!(take(1, SECOND / 2), (0, 6, Some(2)));
        assert_eq!(take(2, SECOND / 2), (2, 2, None), "another client");
        assert_eq!(take(1, 2 * SECOND), (0, 6, None), "one token is back");
        assert_eq!(take(1, 100 * SECOND), (2, 2, None), "never more than the quota");
    }

    #[test]
    fn a_million_clients_do_not_fill_the_memory() {
        let limiter = RateLimiter::new(RateLimit::new(1, Duration::from_secs(60)).unwrap());
        for client in 0..3_000_000_u64 {
            assert_eq!(limiter.take_at(client, client).wait, None);
            // It comes again and again, so it is not forgotten among the many.
            if client > 0 && client % 100_000 == 0 {
                assert!(limiter.take_at(0, client).wait.is_some(), "after {client}");
            }
        }
        let kept = limiter.shards.iter().map(|shard| {
            let shard = shard.lock().unwrap();
            shard.young.len() + shard.old.len()
        });
        assert!(kept.sum::<usize>() <= 2 * SHARDS * (GENERATION + 1));
    }
}
