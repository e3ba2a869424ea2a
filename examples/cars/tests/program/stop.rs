//! The end of the program: what was begun is finished, what was acknowledged is kept, a second signal does not wait.

use std::collections::HashSet;
use std::net::TcpStream;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Connection, Request};
use crate::many_rows::{assert_complete, fill};
use crate::program::{Cars, Program};

#[test]
fn no_acknowledged_write_is_lost_under_load() {
    for signal in ["TERM", "INT"] {
        for mut cars in Cars::each() {
            let acknowledged = Mutex::new(Vec::new());
            let address = cars.address();
            thread::scope(|scope| {
                for client in 0..6 {
                    let acknowledged = &acknowledged;
                    scope.spawn(move || {
                        // Half of the clients keep their connection.
                        let mut kept = (client % 2 == 0).then(|| Connection::open(address).unwrap());
                        for number in 0.. {
                            let name = format!("car {number} of client {client}");
                            let car = json!({"name": name, "model": "m", "doors": 4}).to_string();
                            let request = Request::post("/cars").json(car);
                            let answer = match &mut kept {
                                Some(connection) => connection.ask(&request),
                                None => request.send(address),
                            };
                            match answer {
                                Ok(answer) => {
                                    answer.json();
                                    acknowledged.lock().unwrap().push(name);
                                }
                                // The program has stopped.
                                Err(_) => return,
                            }
                        }
                    });
                }
                let deadline = Instant::now() + Duration::from_secs(60);
                while acknowledged.lock().unwrap().len() < 200 && Instant::now() < deadline {
                    thread::sleep(Duration::from_millis(5));
                }
                cars.signal(signal);
                assert_eq!(cars.server.wait().code(), Some(0), "{}", cars.log());
            });
            let acknowledged = acknowledged.into_inner().unwrap();
            assert!(acknowledged.len() >= 200, "{}", acknowledged.len());

            let list = cars.program.serve(&[]).get("/cars").json();
            let stored: HashSet<_> =
                list["cars"].as_array().unwrap().iter().map(|car| car["name"].as_str().unwrap()).collect();
            for name in &acknowledged {
                assert!(stored.contains(name.as_str()), "{name} was acknowledged and is not there");
            }
        }
    }
}

#[test]
fn requests_in_flight_are_finished() {
    const ROWS: u32 = 300_000;
    for mut cars in Cars::each() {
        fill(&cars, ROWS);
        // A list of which nothing is read yet: far more than the system keeps for a socket.
        let mut list = Connection::open(cars.address()).unwrap();
        list.send(&Request::get("/cars").bytes()).unwrap();
        let head = list.head().unwrap();
        // A request whose body is on its way.
        let car = r#"{"name":"The last one","model":"m","doors":4}"#;
        let request = Request::post("/cars").json(car).header("expect", "100-continue").bytes();
        let (begin, rest) = request.split_at(request.len() - 10);
        let mut post = Connection::open(cars.address()).unwrap();
        post.send(begin).unwrap();
        post.wanted().unwrap();
        // Connections on which nothing is asked do not hold up the stop.
        let _unused = Connection::open(cars.address()).unwrap();
        let mut used = Connection::open(cars.address()).unwrap();
        used.ask(&Request::get("/")).unwrap().json();

        cars.terminate();
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(cars.address()).is_ok() {
            assert!(Instant::now() < deadline, "connections are accepted still");
            thread::sleep(Duration::from_millis(5));
        }
        post.send(rest).unwrap();
        let answer = post.answer("POST").unwrap();
        assert_eq!(answer.json()["message"], "car The last one has been created successfully.");
        assert!(cars.server.is_running());
        assert_complete(list.body("GET", &head).unwrap(), ROWS);
        assert_eq!(cars.server.wait().code(), Some(0), "{}", cars.log());

        let server = cars.program.serve(&[]);
        assert_eq!(server.get(&format!("/cars/{}", ROWS + 1)).json()["car"]["name"], "The last one");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for mut cars in Cars::each() {
        let request = Request::post("/cars").json("{").header("content-length", "100").header("expect", "100-continue");
        let mut stuck = Connection::open(cars.address()).unwrap();
        stuck.send(&request.bytes()).unwrap();
        stuck.wanted().unwrap();
        cars.terminate();
        assert!(cars.server.is_running());
        cars.signal("TERM");
        assert_eq!(cars.server.wait().code(), Some(1));
        let text = "error: failed to serve: a second signal came, and requests in flight are lost";
        assert!(cars.log().contains(text), "{}", cars.log());
        assert!(stuck.answer("POST").is_err());
    }
}

#[test]
fn a_stop_without_requests_is_clean() {
    for cars in Cars::each() {
        cars.create("Model S", "Tesla", 4);
        let Cars { server, program, database: _database } = cars;
        server.stop();
        let server = program.serve(&[]);
        assert_eq!(server.get("/cars").json()["count"], 1);
        server.stop();
    }
}

#[test]
fn half_a_request_does_not_hold_up_the_stop_for_ever() {
    let program = Program::new();
    let mut server = program.serve(&[]);
    let mut half = Connection::open(server.address()).unwrap();
    half.send(b"GET /cars HTT").unwrap();
    // It was accepted before a later connection that is answered.
    server.get("/").json();
    server.terminate();
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
    assert!(half.answer("GET").is_err());
}
