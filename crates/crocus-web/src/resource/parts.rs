//! A body that is there in parts, so that its length is known: each part's memory is free as soon as it was sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// What is left of a body.
struct Parts {
    parts: std::vec::IntoIter<Bytes>,
    bytes: u64,
}

/// A body of these parts.
pub(super) fn body(mut parts: Vec<Bytes>) -> Body {
    if parts.len() == 1 {
        return Body::from(parts.remove(0));
    }
    let bytes = parts.iter().map(|part| part.len() as u64).sum();
    Body::new(Parts { parts: parts.into_iter(), bytes })
}

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let part = self.parts.next();
        self.bytes -= part.as_ref().map_or(0, |part| part.len() as u64);
        Poll::Ready(part.map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.parts.as_slice().is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes)
    }
}
