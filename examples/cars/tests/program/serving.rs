//! What surrounds every request: its id, its line in the log, its time limit, health, HTTP/2.

use std::io::Write;
use std::net::TcpListener;

use crate::client::{Connection, Request};
use crate::program::{Cars, Program, execute};

#[test]
fn a_request_keeps_its_id_or_gets_one() {
    for cars in Cars::each() {
        for id in ["7", "a-b_c.d:e/f", &"x".repeat(128)] {
            let answer = cars.ask(&Request::get("/cars").header("x-request-id", id));
            assert_eq!(answer.header("x-request-id"), Some(id));
            // Errors have it too.
            let answer = cars.ask(&Request::get("/nothing").header("x-request-id", id));
            assert_eq!(answer.header("x-request-id"), Some(id));
        }
        let mut made = Vec::new();
        // What a log cannot take is replaced: too long, empty, with spaces, not ASCII.
        for id in [None, None, Some("x".repeat(129).as_str()), Some(""), Some("a b"), Some("ü")] {
            let request = Request::get("/");
            let request = match id {
                Some(id) => request.header("x-request-id", id),
                None => request,
            };
            let answer = cars.ask(&request);
            let id = answer.header("x-request-id").unwrap().to_owned();
            assert!(id.len() >= 8 && id.bytes().all(|byte| byte.is_ascii_graphic()), "{id}");
            assert!(!made.contains(&id), "{id} came twice");
            made.push(id);
        }
    }
}

#[test]
fn each_request_is_one_line_of_json_in_the_log() {
    for cars in Cars::each() {
        let line = |request: Request, id: &str| {
            cars.ask(&request.header("x-request-id", id));
            cars.logged(|line| line["request_id"] == id)
        };
        let created = line(Request::post("/cars").json(r#"{"name":"n","model":"m","doors":4}"#), "created");
        assert_eq!((&created["method"], &created["path"]), (&"POST".into(), &"/cars".into()));
        assert_eq!((&created["status"], &created["level"]), (&200.into(), &"INFO".into()));
        assert_eq!(created["target"], "crocus::request");
        assert!(created["micros"].is_u64() && created["timestamp"].is_string(), "{created}");

        let found = line(Request::get("/cars/1?secret=1"), "found");
        assert_eq!((&found["path"], &found["route"]), (&"/cars/1".into(), &"/cars/{id}".into()));
        assert_eq!(line(Request::get("/nothing"), "unknown")["status"], 404);
        assert_eq!(line(Request::new("BREW", "/cars"), "wrong")["status"], 405);
        assert_eq!(line(Request::post("/cars").json("{"), "malformed")["status"], 400);
        let forged = line(Request::get("/cars/%0a%7B%22level%22:%22ERROR%22%7D"), "forged");
        assert_eq!(forged["status"], 404);

        let lines = cars.log().lines().filter(|line| line.contains("crocus::request")).count();
        assert_eq!(lines, 6, "{}", cars.log());
    }
}

#[test]
fn the_log_can_be_silenced() {
    let program = Program::new().variable("RUST_LOG", "off");
    let server = program.serve(&[]);
    server.get("/cars").json();
    server.get("/nothing").problem(404);
    assert_eq!(server.log(), "");
    let program = Program::new().variable("RUST_LOG", "crocus::request=error");
    let server = program.serve(&["-vv"]);
    server.get("/cars").json();
    assert_eq!(server.log(), "");
}

#[test]
fn what_is_not_the_clients_fault_is_500_and_says_nothing_of_itself() {
    for cars in Cars::each() {
        cars.get("/cars").json();
        execute(&cars.database, "ALTER TABLE cars RENAME TO lorries");
        for (number, request) in [
            Request::get("/cars"),
            Request::get("/cars/1"),
            Request::post("/cars").json(r#"{"name":"n","model":"m","doors":4}"#),
            Request::delete("/cars/1"),
        ]
        .into_iter()
        .enumerate()
        {
            let id = format!("request-{number}");
            let answer = cars.ask(&request.header("x-request-id", &id));
            let problem = answer.problem(500);
            assert_eq!(problem["code"], "internal_error");
            let detail = "the server failed to answer; the request's id is in the header `x-request-id`";
            assert_eq!(problem["detail"], detail);
            assert_eq!(answer.header("x-request-id"), Some(id.as_str()));
            let line = cars.logged(|line| line["request_id"] == id.as_str());
            assert_eq!(line["level"], "ERROR");
            assert!(line["cause"].as_str().is_some_and(|cause| cause.contains("cars")), "{line}");
        }
        execute(&cars.database, "ALTER TABLE lorries RENAME TO cars");
        cars.get("/cars").json();
    }
}

#[test]
fn ready_means_that_the_migrations_are_applied() {
    for cars in Cars::each() {
        let ok = |path| assert_eq!(cars.get(path).text(), r#"{"status":"ok"}"#);
        ok("/healthz");
        ok("/readyz");
        let not_ready = |detail: &str| {
            let answer = cars.get("/readyz");
            let problem = answer.problem(503);
            assert_eq!((&problem["code"], &problem["detail"]), (&"not_ready".into(), &detail.into()));
            assert!(answer.header("retry-after").is_some());
            ok("/healthz");
        };
        cars.program.done(&["db", "downgrade"]);
        not_ready("the database is behind by 1 pending revision");
        cars.program.done(&["db", "upgrade"]);
        ok("/readyz");
        execute(&cars.database, "INSERT INTO crocus_migrations (revision, message) VALUES ('f00d', 'unknown')");
        not_ready("the database's revision is not one of this program's");
        execute(&cars.database, "DELETE FROM crocus_migrations WHERE revision = 'f00d'");
        ok("/readyz");
        cars.create("Model S", "Tesla", 4);
    }
}

#[test]
fn a_body_that_does_not_come_times_out() {
    for cars in Cars::each_with(|program| program.variable("CROCUS_REQUEST_TIMEOUT", "1")) {
        let request = Request::post("/cars").json(r#"{"name":"#).header("content-length", "100");
        let mut connection = Connection::open(cars.address()).unwrap();
        connection.send(&request.bytes()).unwrap();
        let answer = connection.answer("POST").unwrap();
        let problem = answer.problem(503);
        assert_eq!(problem["code"], "timeout");
        assert_eq!(problem["detail"], "the request took longer than 1 s: what it asked for may have been done, or not");
        assert!(answer.header("retry-after").is_some());
        cars.create("Model S", "Tesla", 4);
    }
}

#[test]
fn a_connection_serves_several_requests() {
    for cars in Cars::each() {
        let mut connection = Connection::open(cars.address()).unwrap();
        for number in 1..=50 {
            let post = Request::post("/cars").json(r#"{"name":"n","model":"m","doors":4}"#);
            assert_eq!(connection.ask(&post).unwrap().status, 200);
            assert_eq!(connection.ask(&Request::get("/cars")).unwrap().json()["count"], number);
            assert_eq!(connection.ask(&Request::post("/cars").json("{")).unwrap().status, 400);
            assert_eq!(connection.ask(&Request::head("/cars")).unwrap().status, 200);
        }
        // Sent at once, answered in turn.
        let many: Vec<u8> = ["/", "/cars/1", "/nothing"].iter().flat_map(|path| Request::get(path).bytes()).collect();
        connection.send(&many).unwrap();
        for status in [200, 200, 404] {
            assert_eq!(connection.answer("GET").unwrap().status, status);
        }
    }
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// Receives a frame: its kind, its stream and its payload.
fn receive(connection: &mut Connection) -> (u8, u8, Vec<u8>) {
    let mut head = [0; 9];
    connection.receive(&mut head).unwrap();
    let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
    connection.receive(&mut payload).unwrap();
    (head[3], head[8], payload)
}

#[test]
fn http_2_is_spoken_with_whoever_begins_with_it() {
    const DATA: u8 = 0;
    const HEADERS: u8 = 1;
    const SETTINGS: u8 = 4;
    const END_STREAM_AND_HEADERS: u8 = 0x5;
    for cars in Cars::each() {
        let mut connection = Connection::open(cars.address()).unwrap();
        connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        connection.send(&frame(SETTINGS, 0, 0, &[])).unwrap();
        let (kind, stream, _) = receive(&mut connection);
        assert_eq!((kind, stream), (SETTINGS, 0));
        // `:method: GET`, `:scheme: http`, `:path: /` and a literal `:authority` (RFC 7541, appendix A).
        let mut headers = vec![0x82, 0x86, 0x84, 0x41, 9];
        headers.write_all(b"cars.test").unwrap();
        connection.send(&frame(HEADERS, END_STREAM_AND_HEADERS, 1, &headers)).unwrap();
        let mut of_stream = || loop {
            let (kind, stream, payload) = receive(&mut connection);
            if stream == 1 {
                return (kind, payload);
            }
        };
        let (kind, payload) = of_stream();
        // `:status: 200` is the first field.
        assert_eq!((kind, payload[0]), (HEADERS, 0x88));
        let (kind, payload) = of_stream();
        assert_eq!((kind, payload.as_slice()), (DATA, &br#"{"hello":"world"}"#[..]));
    }
}

#[test]
fn it_listens_where_it_is_told() {
    let program = Program::new().variable("CROCUS_HOST", "0.0.0.0");
    let server = program.serve(&[]);
    let port = server.address().port();
    assert_eq!(server.address().to_string(), format!("0.0.0.0:{port}"));
    Request::get("/").send(([127, 0, 0, 1], port).into()).unwrap().json();
    if TcpListener::bind("[::1]:0").is_ok() {
        let program = Program::new();
        let server = program.serve(&["--host", "::1"]);
        assert!(server.address().is_ipv6(), "{}", server.panel());
        server.get("/").json();
    }
}
