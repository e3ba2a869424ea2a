//! An answer's body on its way through an encoder. What came together leaves together, so that a streamed list stays
//! one.

use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::http::HeaderMap;
use bytes::Bytes;
use flate2::write::GzEncoder;
use http_body::Frame;

use super::Coding;

/// How much is compressed at a time: far less than a millisecond's work, since other requests wait meanwhile.
const PIECE: usize = 32 * 1024;

/// A body that is compressed as it is sent.
pub(super) struct Encoded {
    inner: Body,
    /// What has arrived and is not compressed yet.
    rest: Bytes,
    /// `None` after its end.
    encoder: Option<Encoder>,
    trailers: Option<HeaderMap>,
}

/// The codings' encoders, each at a level that costs about as much time as writing the rows as JSON.
enum Encoder {
    #[cfg(feature = "zstd")]
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    #[cfg(feature = "brotli")]
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
    Gzip(GzEncoder<Vec<u8>>),
}

impl Encoder {
    /// `None`: there is no memory for it.
    fn new(coding: Coding) -> Option<Encoder> {
        Some(match coding {
            #[cfg(feature = "zstd")]
            Coding::Zstd => Encoder::Zstd(zstd::stream::write::Encoder::new(Vec::new(), 3).ok()?),
            #[cfg(feature = "brotli")]
            Coding::Brotli => Encoder::Brotli(Box::new(brotli::CompressorWriter::new(Vec::new(), 4096, 4, 19))),
            Coding::Gzip => Encoder::Gzip(GzEncoder::new(Vec::new(), flate2::Compression::new(4))),
        })
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            #[cfg(feature = "zstd")]
            Encoder::Zstd(encoder) => encoder,
            #[cfg(feature = "brotli")]
            Encoder::Brotli(encoder) => encoder,
            Encoder::Gzip(encoder) => encoder,
        }
    }

    /// What there is to be sent.
    fn take(&mut self) -> Vec<u8> {
        std::mem::take(match self {
            #[cfg(feature = "zstd")]
            Encoder::Zstd(encoder) => encoder.get_mut(),
            #[cfg(feature = "brotli")]
            Encoder::Brotli(encoder) => encoder.get_mut(),
            Encoder::Gzip(encoder) => encoder.get_mut(),
        })
    }

    fn finish(self) -> std::io::Result<Vec<u8>> {
        match self {
            #[cfg(feature = "zstd")]
            Encoder::Zstd(encoder) => encoder.finish(),
            #[cfg(feature = "brotli")]
            Encoder::Brotli(encoder) => Ok(encoder.into_inner()),
            Encoder::Gzip(encoder) => encoder.finish(),
        }
    }
}

impl Encoded {
    pub(super) fn new(inner: Body, coding: Coding) -> Result<Encoded, Body> {
        match Encoder::new(coding) {
            Some(encoder) => Ok(Encoded { inner, rest: Bytes::new(), encoder: Some(encoder), trailers: None }),
            None => Err(inner),
        }
    }
}

impl http_body::Body for Encoded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        loop {
            let Encoded { inner, rest, encoder: slot, trailers } = &mut *self;
            let Some(encoder) = slot else {
                return Poll::Ready(trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
            };
            if rest.is_empty() {
                match ready!(Pin::new(&mut *inner).poll_frame(context)) {
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => *rest = data,
                        Err(frame) => *trailers = frame.into_trailers().ok(),
                    },
                    // What was cut must not end as if it were whole.
                    Some(Err(error)) => {
                        *slot = None;
                        return Poll::Ready(Some(Err(error)));
                    }
                    None => {
                        let end = slot.take().map(Encoder::finish).transpose().map_err(axum::Error::new);
                        return Poll::Ready(end.transpose().map(|end| end.map(|end| Frame::data(end.into()))));
                    }
                }
                continue;
            }
            let piece = rest.split_to(rest.len().min(PIECE));
            let is_last = rest.is_empty();
            let writer = encoder.writer();
            let written = writer.write_all(&piece).and_then(|()| if is_last { writer.flush() } else { Ok(()) });
            if let Err(error) = written {
                *slot = None;
                return Poll::Ready(Some(Err(axum::Error::new(error))));
            }
            let data = encoder.take();
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(data.into()))));
            }
        }
    }
}
