//! Entity tags: which state of a row, or of a list, a client has seen (RFC 9110, 8.8.3 and 13.1).
//!
//! The tag of a row has two parts, `"3-5f2a..."`: its state, which a write is held to, and what was sent of it. Every
//! representation of a row so has a tag of its own, and any of them will do for `If-Match`.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::task::yield_now;

use crate::Problem;

/// How many parts of a list are digested in one go: half a megabyte, which takes less than a millisecond.
const TURN: usize = 8;

/// The entity tag of an answer, with its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EntityTag(String);

/// What a client says about the state of what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// `*`: whatever it is, if there is anything.
    Any,
    /// One of these tags, as they stand between the quotes; weak ones are marked.
    OneOf(Vec<(bool, String)>),
}

/// 96 bits of the SHA-256 of these bytes: enough that no two states of a row ever have the same.
pub(super) fn digest(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(DIGITS);
    add_digits(&mut text, &Sha256::digest(bytes));
    text
}

/// The hexadecimal digits that are kept of a hash.
const DIGITS: usize = 24;

fn add_digits(text: &mut String, hash: &[u8]) {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half & 15)]);
    for byte in &hash[..DIGITS / 2] {
        text.push(digit(byte >> 4));
        text.push(digit(*byte));
    }
}

impl EntityTag {
    /// Of a list, of which these rows were sent, in parts. After some the thread does something else first.
    pub(super) async fn of_list(parts: &[Bytes], range: &str) -> EntityTag {
        let mut digest = Sha256::new();
        for (index, part) in parts.iter().enumerate() {
            if index % TURN == TURN - 1 {
                yield_now().await;
            }
            digest.update(part);
        }
        EntityTag::new("", &digest.chain_update(range).finalize())
    }

    /// Of a row in this state, of which this was sent.
    pub(super) fn of_row(state: &str, body: &[u8]) -> EntityTag {
        EntityTag::new(state, &Sha256::digest(body))
    }

    fn new(state: &str, hash: &[u8]) -> EntityTag {
        let mut text = String::with_capacity(state.len() + DIGITS + 3);
        text.push('"');
        if !state.is_empty() {
            text.push_str(state);
            text.push('-');
        }
        add_digits(&mut text, hash);
        text.push('"');
        EntityTag(text)
    }

    /// As a header.
    pub(super) fn into_header(self) -> (HeaderName, HeaderValue) {
        (header::ETAG, HeaderValue::try_from(self.0).unwrap_or(HeaderValue::from_static("\"\"")))
    }

    /// Whether the client has this very answer: then it gets a 304. Weak tags count (RFC 9110, 13.1.2).
    pub(super) fn is_known(&self, headers: &HeaderMap) -> bool {
        match condition(headers, &header::IF_NONE_MATCH) {
            Some(Condition::Any) => true,
            Some(Condition::OneOf(tags)) => tags.iter().any(|(_, tag)| tag == self.0.trim_matches('"')),
            None => false,
        }
    }
}

impl Condition {
    /// Whether a row in this state is what the client has seen. Weak tags do not count (RFC 9110, 13.1.1).
    pub(super) fn holds(&self, state: &str) -> bool {
        match self {
            Condition::Any => true,
            Condition::OneOf(tags) => tags.iter().any(|(is_weak, tag)| !is_weak && self::state(tag) == state),
        }
    }

    /// The states that it names.
    pub(super) fn states(&self) -> Vec<&str> {
        match self {
            Condition::Any => Vec::new(),
            Condition::OneOf(tags) => tags.iter().filter(|(weak, _)| !weak).map(|(_, tag)| state(tag)).collect(),
        }
    }
}

fn state(tag: &str) -> &str {
    tag.split_once('-').map_or(tag, |(state, _)| state)
}

/// Refuses headers that are no lists of entity tags: a client that forgets the quotes would never know.
///
/// # Errors
/// A 400 that names the header.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Problem> {
    for (name, value) in headers {
        if [header::IF_MATCH, header::IF_NONE_MATCH].contains(name) && value != "*" && !is_list(value) {
            let text = format!("`{name}` must be `*`, or entity tags with their quotes, as in `\"3-5f2a\"`");
            return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_entity_tag").with_detail(text));
        }
    }
    Ok(())
}

/// Whether it is one entity tag or several.
fn is_list(value: &HeaderValue) -> bool {
    let mut rest = value.to_str().unwrap_or_default().trim();
    let mut tags = 0;
    while let Some((tag, more)) =
        rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"').and_then(|text| text.split_once('"'))
    {
        tags += usize::from(!tag.contains(char::is_whitespace));
        rest = more.trim_start();
        match rest.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None => return tags > 0 && rest.is_empty(),
        }
    }
    false
}

/// What a header says; `None` where it is not there.
pub(super) fn condition(headers: &HeaderMap, name: &HeaderName) -> Option<Condition> {
    let mut tags = Vec::new();
    let mut found = false;
    for value in headers.get_all(name) {
        found = true;
        let mut rest = value.to_str().unwrap_or_default().trim();
        if rest == "*" {
            return Some(Condition::Any);
        }
        while !rest.is_empty() {
            let (is_weak, text) = rest.strip_prefix("W/").map_or((false, rest), |text| (true, text));
            // What is no tag matches nothing.
            let Some((tag, more)) = text.strip_prefix('"').and_then(|text| text.split_once('"')) else { break };
            tags.push((is_weak, tag.to_owned()));
            rest = more.trim_start().trim_start_matches(',').trim_start();
        }
    }
    found.then_some(Condition::OneOf(tags))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_tag_is_that_of_the_text_however_it_is_parted_and_others_have_their_turn() {
        let parts: Vec<Bytes> = (0..3 * TURN).map(|part| format!("part {part}").into()).collect();
        let whole = [Bytes::from(parts.concat())];
        assert_eq!(EntityTag::of_list(&parts, "0-1/*").await, EntityTag::of_list(&whole, "0-1/*").await);
        assert!(EntityTag::of_list(&whole, "0-1/*").now_or_never().is_some());
        assert!(EntityTag::of_list(&parts, "0-1/*").now_or_never().is_none());
    }
}
