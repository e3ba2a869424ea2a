//! A client for HTTP/1.1 that hides nothing: what it is given is what is sent, and an answer that ends too early is an
//! error.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long an answer may take: far more than it needs on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request that is not sent yet.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str) -> Request {
        Request { method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn get(path: &str) -> Request {
        Request::new("GET", path)
    }

    pub(crate) fn head(path: &str) -> Request {
        Request::new("HEAD", path)
    }

    pub(crate) fn post(path: &str) -> Request {
        Request::new("POST", path)
    }

    pub(crate) fn put(path: &str) -> Request {
        Request::new("PUT", path)
    }

    pub(crate) fn delete(path: &str) -> Request {
        Request::new("DELETE", path)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A body of any bytes. Its length is sent unless a header says something else.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Request {
        self.body = body.into();
        self
    }

    /// A body declared as JSON; whether it is, is the caller's choice.
    pub(crate) fn json(self, body: impl Into<Vec<u8>>) -> Request {
        self.header("content-type", "application/json").body(body)
    }

    /// The request as it is sent.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let Request { method, path, headers, body } = self;
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: cars.test\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        let framed = headers.iter().any(|(name, _)| matches!(name.as_str(), "transfer-encoding" | "content-length"));
        if !framed && (!body.is_empty() || matches!(method.as_str(), "POST" | "PUT")) {
            head += &format!("content-length: {}\r\n", body.len());
        }
        head += "\r\n";
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body);
        bytes
    }

    /// Sends it on a connection of its own.
    pub(crate) fn send(&self, address: SocketAddr) -> io::Result<Answer> {
        Connection::open(address)?.ask(self)
    }
}

/// A body in the chunked transfer coding (RFC 9112, section 7.1).
pub(crate) fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut coded = Vec::with_capacity(body.len() + 64);
    for chunk in body.chunks(size) {
        coded.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        coded.extend_from_slice(chunk);
        coded.extend_from_slice(b"\r\n");
    }
    coded.extend_from_slice(b"0\r\n\r\n");
    coded
}

/// An answer, received to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header's value, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body of a success.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The body of an error, which is a problem (RFC 9457) with this status.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], status, "{problem}");
        let code = problem["code"].as_str().unwrap_or_default();
        assert_eq!(problem["type"], format!("/docs/errors#{code}"), "{problem}");
        for member in ["title", "code", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member} of {problem}");
        }
        problem
    }
}

/// A connection, for several requests or for parts of one.
#[derive(Debug)]
pub(crate) struct Connection(BufReader<TcpStream>);

/// The beginning of an answer.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
}

impl Head {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Connection> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Connection(BufReader::new(stream)))
    }

    /// Sends any bytes.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// Sends nothing more.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.0.get_ref().shutdown(Shutdown::Write)
    }

    /// Sends a request and receives its answer.
    pub(crate) fn ask(&mut self, request: &Request) -> io::Result<Answer> {
        self.send(&request.bytes())?;
        self.answer(&request.method)
    }

    /// Receives an answer to a request with this method.
    pub(crate) fn answer(&mut self, method: &str) -> io::Result<Answer> {
        let head = self.head()?;
        let mut body = Vec::new();
        self.body(method, &head)?.read_to_end(&mut body)?;
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    /// Receives the beginning of an answer.
    pub(crate) fn head(&mut self) -> io::Result<Head> {
        loop {
            let line = self.line()?;
            let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
            let status: u16 = status.ok_or_else(|| malformed(&line))?;
            let mut headers = Vec::new();
            loop {
                let line = self.line()?;
                if line.is_empty() {
                    break;
                }
                let (name, value) = line.split_once(':').ok_or_else(|| malformed(&line))?;
                headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
            // 100 and its like announce the answer (RFC 9110, section 15.2).
            if status >= 200 {
                return Ok(Head { status, headers });
            }
        }
    }

    /// The body that follows a head, to be read as it arrives.
    pub(crate) fn body(&mut self, method: &str, head: &Head) -> io::Result<Body<'_>> {
        let state = if method == "HEAD" || matches!(head.status, 204 | 304) {
            State::Ended
        } else if head.header("transfer-encoding") == Some("chunked") {
            State::BeforeChunk
        } else {
            let length = head.header("content-length").and_then(|length| length.parse().ok());
            State::Length(length.ok_or_else(|| malformed("neither a length nor chunks"))?)
        };
        Ok(Body { connection: self, state })
    }

    /// Waits until the server wants the body of a request that has `expect: 100-continue`: it is being worked on.
    pub(crate) fn wanted(&mut self) -> io::Result<()> {
        let lines = (self.line()?, self.line()?);
        if lines.0 == "HTTP/1.1 100 Continue" && lines.1.is_empty() { Ok(()) } else { Err(malformed(&lines.0)) }
    }

    /// Any bytes that arrive.
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_exact(buffer)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        line.strip_suffix("\r\n").map(str::to_owned).ok_or_else(|| cut("a line"))
    }
}

/// A body as it arrives.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    connection: &'a mut Connection,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Length(u64),
    BeforeChunk,
    InChunk(u64),
    Ended,
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let (left, after) = match self.state {
                State::Ended | State::Length(0) => return Ok(0),
                State::Length(left) => (left, State::Length(0)),
                State::InChunk(left) => (left, State::BeforeChunk),
                State::BeforeChunk => {
                    let line = self.connection.line()?;
                    let size = u64::from_str_radix(&line, 16).map_err(|_| malformed(&line))?;
                    if size == 0 {
                        let trailer = self.connection.line()?;
                        self.state = State::Ended;
                        return if trailer.is_empty() { Ok(0) } else { Err(malformed(&trailer)) };
                    }
                    self.state = State::InChunk(size);
                    continue;
                }
            };
            let wanted = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            let read = self.connection.0.read(&mut buffer[..wanted])?;
            if read == 0 && wanted > 0 {
                return Err(cut("a body"));
            }
            self.state = match (left - read as u64, self.state) {
                (0, State::InChunk(_)) => {
                    let end = self.connection.line()?;
                    if !end.is_empty() {
                        return Err(malformed(&end));
                    }
                    after
                }
                (0, _) => after,
                (left, State::InChunk(_)) => State::InChunk(left),
                (left, _) => State::Length(left),
            };
            return Ok(read);
        }
    }
}

fn malformed(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not HTTP/1.1: {text:?}"))
}

fn cut(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("{what} was cut"))
}
