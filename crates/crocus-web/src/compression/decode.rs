//! A request's body on its way through a decoder, which stops at the body's limit: a few bytes can stand for a
//! gigabyte.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http_body::Frame;
use http_body_util::Limited;

use super::Coding;

/// The largest window that a body may ask the decoder for, as a power of two: 8 MiB (RFC 9659).
#[cfg(feature = "zstd")]
const WINDOW: u32 = 23;

/// A body that is decompressed as it is read.
pub(crate) struct Decoded {
    inner: Body,
    coding: Coding,
    /// `None` after its end.
    decoder: Option<Decoder>,
    began: bool,
}

/// The body is not what its content coding says.
#[derive(Debug)]
pub(crate) struct Undecodable(&'static str);

impl std::fmt::Display for Undecodable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the body cannot be decoded: it is not whole and valid {}", self.0)
    }
}

impl std::error::Error for Undecodable {}

/// Takes what is decoded until there is no room.
#[derive(Debug)]
struct Sink {
    decoded: Vec<u8>,
    room: usize,
}

impl Write for Sink {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let taken = data.len().min(self.room);
        if taken == 0 && !data.is_empty() {
            return Err(io::Error::other("there is no room"));
        }
        self.room -= taken;
        self.decoded.extend_from_slice(&data[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Decoder {
    #[cfg(feature = "zstd")]
    Zstd(zstd::stream::write::Decoder<'static, Sink>),
    #[cfg(feature = "brotli")]
    Brotli(Box<brotli::DecompressorWriter<Sink>>),
    Gzip(MultiGzDecoder<Sink>),
}

impl Decoder {
    fn new(coding: Coding, room: usize) -> io::Result<Decoder> {
        let sink = Sink { decoded: Vec::new(), room };
        Ok(match coding {
            #[cfg(feature = "zstd")]
            Coding::Zstd => {
                let mut decoder = zstd::stream::raw::Decoder::new()?;
                decoder.set_parameter(zstd::stream::raw::DParameter::WindowLogMax(WINDOW))?;
                Decoder::Zstd(zstd::stream::write::Decoder::with_decoder(sink, decoder))
            }
            #[cfg(feature = "brotli")]
            Coding::Brotli => Decoder::Brotli(Box::new(brotli::DecompressorWriter::new(sink, 4096))),
            Coding::Gzip => Decoder::Gzip(MultiGzDecoder::new(sink)),
        })
    }

    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        match self {
            #[cfg(feature = "zstd")]
            Decoder::Zstd(decoder) => decoder.write_all(data).and_then(|()| decoder.flush()),
            #[cfg(feature = "brotli")]
            Decoder::Brotli(decoder) => decoder.write_all(data).and_then(|()| decoder.flush()),
            Decoder::Gzip(decoder) => decoder.write_all(data).and_then(|()| decoder.flush()),
        }
    }

    /// Makes sure that nothing is missing.
    fn finish(&mut self) -> io::Result<()> {
        match self {
            #[cfg(feature = "zstd")]
            Decoder::Zstd(decoder) => decoder.do_finish(),
            #[cfg(feature = "brotli")]
            Decoder::Brotli(decoder) => decoder.close(),
            Decoder::Gzip(decoder) => decoder.try_finish(),
        }
    }

    fn sink(&mut self) -> &mut Sink {
        match self {
            #[cfg(feature = "zstd")]
            Decoder::Zstd(decoder) => decoder.get_mut(),
            #[cfg(feature = "brotli")]
            Decoder::Brotli(decoder) => decoder.get_mut(),
            Decoder::Gzip(decoder) => decoder.get_mut(),
        }
    }
}

impl Decoded {
    /// The body as it was before; one that is longer than the limit fails with a `LengthLimitError`.
    pub(super) fn body(inner: Body, coding: Coding, limit: usize) -> Body {
        // One byte more than the limit is enough to know.
        match Decoder::new(coding, limit.saturating_add(1)) {
            Ok(decoder) => {
                Body::new(Limited::new(Decoded { inner, coding, decoder: Some(decoder), began: false }, limit))
            }
            Err(error) => Body::from_stream(futures_util::stream::once(async { Err::<Bytes, _>(error) })),
        }
    }
}

impl http_body::Body for Decoded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        loop {
            let Decoded { inner, coding, decoder: slot, began } = &mut *self;
            let Some(decoder) = slot else { return Poll::Ready(None) };
            let (done, is_end) = match ready!(Pin::new(inner).poll_frame(context)) {
                Some(Ok(frame)) => {
                    // Trailers of a body that is read as something else mean nothing any more.
                    let Ok(data) = frame.into_data() else { continue };
                    *began |= !data.is_empty();
                    (decoder.write(&data), false)
                }
                Some(Err(error)) => {
                    *slot = None;
                    return Poll::Ready(Some(Err(error)));
                }
                // Nothing at all is an empty body in every coding.
                None => (if *began { decoder.finish() } else { Ok(()) }, true),
            };
            let sink = decoder.sink();
            let decoded = std::mem::take(&mut sink.decoded);
            let is_full = sink.room == 0;
            if is_end || is_full || done.is_err() {
                *slot = None;
            }
            if done.is_err() && !is_full {
                return Poll::Ready(Some(Err(axum::Error::new(Undecodable(coding.name())))));
            }
            if !decoded.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(decoded.into()))));
            }
        }
    }
}
