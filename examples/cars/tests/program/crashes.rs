//! `kill -9` of the program and of PostgreSQL while many clients write: each row that was acknowledged is there.
//!
//! `CARS_TEST_CRASHES` says how often each of them is killed.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crocus_testing::{Cluster, TempDir};

use crate::client::{Connection, Request};
use crate::program::{Program, Server};

/// So many that their rows share commits.
const CLIENTS: usize = 24;

fn crashes() -> u64 {
    std::env::var("CARS_TEST_CRASHES").ok().and_then(|number| number.parse().ok()).unwrap_or(2)
}

/// Writes until something breaks, by both kinds of route. Gives the names of the rows that were acknowledged.
fn write(server: &Server, round: u64, ready: &AtomicBool) -> BTreeSet<String> {
    let acknowledged = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let acknowledged = &acknowledged;
            scope.spawn(move || {
                let path = if client % 2 == 0 { "/cars" } else { "/api/cars" };
                let Ok(mut connection) = Connection::open(server.address()) else { return };
                for number in 0.. {
                    let name = format!("{round} {client} {number}");
                    let car = serde_json::json!({"name": name, "model": "m", "doors": 4}).to_string();
                    match connection.ask(&Request::post(path).json(car)) {
                        Ok(answer) if answer.status < 300 => acknowledged.lock().unwrap().insert(name),
                        _ => return,
                    };
                    if number > 2 {
                        ready.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    acknowledged.into_inner().unwrap()
}

/// Ends a process by `kill -9` once the clients are under way, at another moment in each round.
fn kill(process: &str, round: u64, ready: &AtomicBool) {
    while !ready.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(50 + round * 37 % 90));
    assert!(Command::new("kill").args(["-9", process]).status().unwrap().success());
}

#[test]
fn what_was_acknowledged_survives_the_end_of_the_program() {
    for dialect in ["sqlite", "postgresql"] {
        let mut cluster = None;
        let files = TempDir::new().unwrap();
        let url = if dialect == "sqlite" {
            format!("sqlite:{}", files.path().join("cars.db").display())
        } else {
            let cluster = cluster.insert(Cluster::builder().durable().start().unwrap());
            cluster.create_database("cars").unwrap();
            cluster.url("cars")
        };
        let program = Program::new().database(&url);
        if dialect == "sqlite" {
            program.done(&["db", "create"]);
        }
        program.done(&["db", "upgrade"]);
        let mut acknowledged = BTreeSet::new();
        for round in 0..crashes() {
            let mut server = program.serve(&[]);
            let ready = AtomicBool::new(false);
            let process = server.id().to_string();
            thread::scope(|scope| {
                scope.spawn(|| kill(&process, round, &ready));
                acknowledged.append(&mut write(&server, round, &ready));
            });
            server.wait();
        }
        check(&program, &acknowledged, dialect);
    }
}

#[test]
fn what_was_acknowledged_survives_the_end_of_the_server() {
    let mut cluster = Cluster::builder().durable().start().unwrap();
    cluster.create_database("cars").unwrap();
    let program = Program::new().database(&cluster.url("cars"));
    program.done(&["db", "upgrade"]);
    let server = program.serve(&[]);
    let mut acknowledged = BTreeSet::new();
    for round in 0..crashes() {
        let pid = std::fs::read_to_string(cluster.folder().join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap().to_owned();
        let ready = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| kill(&pid, round, &ready));
            acknowledged.append(&mut write(&server, round, &ready));
        });
        // Until its last process is gone it does not start again.
        cluster.stop_immediate().unwrap();
        let started = (0..50).any(|_| {
            thread::sleep(Duration::from_millis(200));
            cluster.start_again().is_ok()
        });
        assert!(started, "PostgreSQL does not start again");
    }
    drop(server);
    check(&program, &acknowledged, "postgresql");
}

#[track_caller]
fn check(program: &Program, acknowledged: &BTreeSet<String>, dialect: &str) {
    assert!(acknowledged.len() > CLIENTS, "{dialect}: {} rows were acknowledged", acknowledged.len());
    let server = program.serve(&[]);
    let there = server.get("/cars").json();
    let there: BTreeSet<&str> =
        there["cars"].as_array().unwrap().iter().map(|car| car["name"].as_str().unwrap()).collect();
    let lost: Vec<_> = acknowledged.iter().filter(|name| !there.contains(&***name)).collect();
    assert!(lost.is_empty(), "{dialect}: of {} acknowledged rows these are lost: {lost:?}", acknowledged.len());
}
