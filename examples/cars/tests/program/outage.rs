//! The database goes away and comes back while clients go on: problems in between, and the same process works again.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crocus_testing::{Cluster, postgres};

use crate::client::Request;
use crate::program::{Cars, Program, Server};

/// Asks again and again until enough has been seen.
struct Loop<'a> {
    server: &'a Server,
    /// How often each status came in a row, the last at the end.
    runs: Mutex<Vec<(u16, usize)>>,
    created: Mutex<Vec<String>>,
    enough: AtomicBool,
}

/// Lets its loops end, also when the test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Loop<'_> {
    fn new(server: &Server) -> Loop<'_> {
        Loop { server, runs: Mutex::default(), created: Mutex::default(), enough: AtomicBool::new(false) }
    }

    /// A client: reads and writes, and checks that each answer is a success or a problem as the contract has it.
    fn client(&self, client: usize) {
        let _end = End(&self.enough);
        for number in 0.. {
            let name = format!("car {number} of client {client}");
            let car = serde_json::json!({"name": name, "model": "m", "doors": 4}).to_string();
            for request in [
                Request::post("/cars").json(&*car),
                Request::get("/cars"),
                Request::get("/cars/1"),
                Request::put("/cars/1").json(r#"{"name":"first","model":"m","doors":4}"#),
                Request::get("/readyz"),
                Request::get("/healthz"),
            ] {
                if self.enough.load(Ordering::Relaxed) {
                    return;
                }
                let answer = self.server.ask(&request);
                let what = format!("{} {}", request.method, request.path);
                match answer.status {
                    200 => drop(answer.json()),
                    503 => {
                        assert_ne!(request.path, "/healthz");
                        let seconds: Option<u32> = answer.header("retry-after").and_then(|text| text.parse().ok());
                        assert!(seconds.is_some(), "{what}");
                        let problem = answer.problem(503);
                        let code = problem["code"].as_str().unwrap();
                        let unsure = code == "outcome_unknown" && matches!(&*request.method, "POST" | "PUT");
                        assert!(unsure || code == "database_unavailable", "{what}: {problem}");
                        assert!(!answer.text().contains("secret") && !answer.text().contains("127.0.0.1"), "{problem}");
                    }
                    other => panic!("{what}: {other} {}; {}", answer.text(), self.server.log()),
                }
                if answer.status == 200 && request.method == "POST" {
                    self.created.lock().unwrap().push(name.clone());
                }
                if request.path == "/healthz" {
                    continue;
                }
                let mut runs = self.runs.lock().unwrap();
                match runs.last_mut() {
                    Some((status, times)) if *status == answer.status => *times += 1,
                    _ => runs.push((answer.status, 1)),
                }
            }
        }
    }

    /// Waits until the answers of all clients have had this status so many times in a row.
    fn until(&self, status: u16, times: usize) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let runs = self.runs.lock().unwrap().clone();
            if runs.last().is_some_and(|(last, length)| *last == status && *length >= times) {
                return;
            }
            assert!(!self.enough.load(Ordering::Relaxed), "a client has failed");
            assert!(Instant::now() < deadline, "no {times} answers {status} in a row: {runs:?}; {}", self.server.log());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn requests_work_again_when_the_server_is_back() {
    let mut cluster = Cluster::start().unwrap();
    cluster.create_database("cars").unwrap();
    let program = Program::new().database(&cluster.url("cars"));
    let mut server = program.serve(&["--upgrade"]);
    server.create("first", "m", 4);

    let client = Loop::new(&server);
    thread::scope(|scope| {
        let _end = End(&client.enough);
        for number in 0..4 {
            let client = &client;
            scope.spawn(move || client.client(number));
        }
        client.until(200, 50);
        cluster.stop().unwrap();
        client.until(503, 50);
        cluster.start_again().unwrap();
        client.until(200, 50);
        // Once more, in the middle of whatever is under way.
        cluster.stop_immediate().unwrap();
        client.until(503, 50);
        cluster.start_again().unwrap();
        client.until(200, 50);
        // And so briefly that perhaps nobody asked meanwhile.
        cluster.restart().unwrap();
        client.until(200, 50);
    });

    let created = client.created.into_inner().unwrap();
    let list = server.get("/cars").json();
    let stored: Vec<_> = list["cars"].as_array().unwrap().iter().map(|car| car["name"].as_str().unwrap()).collect();
    for name in &created {
        assert!(stored.contains(&name.as_str()), "{name} was acknowledged and is not there");
    }
    assert!(server.is_running());
    let log = server.log();
    assert!(!log.contains("secret"), "the log shows the password");
    assert!(!log.contains("panicked"), "{log}");
    server.stop();
}

#[test]
fn a_start_without_the_server_fails_at_once() {
    let mut cluster = Cluster::start().unwrap();
    cluster.create_database("cars").unwrap();
    let program = Program::new().database(&cluster.url("cars"));
    program.done(&["db", "upgrade"]);
    cluster.stop().unwrap();
    let ended = program.run(&["run", "--port", "0"]);
    assert_eq!(ended.status.code(), Some(1));
    let error = format!("error: failed to connect to PostgreSQL at 127.0.0.1:{}", cluster.port());
    assert!(ended.stderr.starts_with(&error), "{ended:?}");
    cluster.start_again().unwrap();
    program.serve(&[]).get("/cars").json();
}

/// Holds every write to the table up, from another process or connection.
enum Lock {
    Sqlite(#[expect(dead_code, reason = "kept for its drop")] rusqlite::Connection),
    Postgres(Child),
}

impl Lock {
    fn of(cars: &Cars) -> Lock {
        if cars.database.dialect() == "sqlite" {
            let connection = rusqlite::Connection::open(cars.database.name()).unwrap();
            connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            return Lock::Sqlite(connection);
        }
        let mut psql = postgres().psql_command(cars.database.name());
        psql.args(["--quiet", "--no-align", "--tuples-only"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = psql.spawn().unwrap();
        let lock = b"BEGIN; LOCK TABLE cars IN EXCLUSIVE MODE; SELECT 'locked';\n";
        child.stdin.as_mut().unwrap().write_all(lock).unwrap();
        let mut answer = [0; 7];
        child.stdout.as_mut().unwrap().read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"locked\n");
        Lock::Postgres(child)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Lock::Postgres(child) = self {
            // Its session ends with its input, and the lock with the session.
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

#[test]
fn requests_that_wait_for_a_lock_time_out_and_free_their_connections() {
    for cars in Cars::each_with(|program| program.variable("CROCUS_REQUEST_TIMEOUT", "1")) {
        let car = |name: &str| Request::post("/cars").json(format!(r#"{{"name":"{name}","model":"m","doors":4}}"#));
        let lock = Lock::of(&cars);
        // More than the engine has connections.
        thread::scope(|scope| {
            for _ in 0..24 {
                scope.spawn(|| {
                    let answer = cars.ask(&car("held up"));
                    let problem = answer.problem(503);
                    assert_eq!(problem["code"], "timeout");
                    assert!(problem["detail"].as_str().unwrap().ends_with("may have been done, or not"), "{problem}");
                    assert!(answer.header("retry-after").is_some());
                });
            }
        });
        drop(lock);
        // Those that were held up may be done now, before others have their turn.
        let deadline = Instant::now() + Duration::from_secs(60);
        let through = (0..)
            .map(|attempt| format!("attempt {attempt}"))
            .find(|name| {
                assert!(Instant::now() < deadline, "{}", cars.log());
                cars.ask(&car(name)).status == 200
            })
            .unwrap();
        let list = cars.get("/cars").json();
        let found = list["cars"].as_array().unwrap().iter().filter(|car| car["name"] == through.as_str()).count();
        assert_eq!(found, 1, "{list}");
    }
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    // Accepts connections, as the system does for whoever listens, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let program = Program::new().database(&format!("postgresql://ada:secret@127.0.0.1:{port}/cars"));
    let ended = program.run(&["db", "current"]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.stderr.starts_with(&format!("error: failed to connect to PostgreSQL at 127.0.0.1:{port}: ")),
        "{ended:?}"
    );
    assert!(!ended.stderr.contains("secret"));
}
