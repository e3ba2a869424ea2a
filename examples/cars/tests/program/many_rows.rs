//! Lists that are larger than memory may be: complete, streamed, and given up when nobody reads them.

use std::io::{BufReader, Read};
use std::thread;

use crate::client::{Connection, Request};
use crate::program::{Cars, execute};

/// Adds cars with the ids from 1, as `row` has them.
pub(crate) fn fill(cars: &Cars, rows: u32) {
    let numbers = match cars.database.dialect() {
        "sqlite" => format!(
            "(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows})
            SELECT n FROM numbers)"
        ),
        _ => format!("generate_series(1, {rows}) AS numbers(n)"),
    };
    let columns = "'Model ' || n, 'Maker ' || (n % 100), n % 6";
    execute(&cars.database, &format!("INSERT INTO cars (name, model, doors) SELECT {columns} FROM {numbers}"));
}

/// The JSON of a row that `fill` has added.
fn row(n: u32) -> String {
    format!(r#"{{"name":"Model {n}","model":"Maker {}","doors":{}}}"#, n % 100, n % 6)
}

/// Reads a list to its end, and compares every byte.
pub(crate) fn assert_complete(body: impl Read, rows: u32) {
    let mut body = BufReader::with_capacity(64 * 1024, body);
    let mut expect = |text: String| {
        let mut read = vec![0; text.len()];
        body.read_exact(&mut read).unwrap();
        assert_eq!(String::from_utf8_lossy(&read), text);
    };
    expect(r#"{"cars":["#.to_owned());
    for n in 1..=rows {
        expect(row(n));
        expect(if n < rows { "," } else { "]," }.to_owned());
    }
    expect(format!(r#""count":{rows}}}"#));
    let mut rest = String::new();
    body.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

const MILLION: u32 = 1_000_000;

#[test]
fn a_million_rows_are_listed_in_little_memory() {
    for cars in Cars::each() {
        fill(&cars, MILLION);
        let request = Request::get("/cars");
        for _ in 0..2 {
            let mut connection = Connection::open(cars.address()).unwrap();
            connection.send(&request.bytes()).unwrap();
            let head = connection.head().unwrap();
            assert_eq!(head.status, 200);
            assert_complete(connection.body("GET", &head).unwrap(), MILLION);
        }
        // More often than the engine has connections: whoever asks for the head only, or goes away, holds none.
        for _ in 0..20 {
            let answer = cars.ask(&Request::head("/cars"));
            assert_eq!((answer.status, answer.body.len()), (200, 0));
        }
        for _ in 0..20 {
            let mut connection = Connection::open(cars.address()).unwrap();
            connection.send(&request.bytes()).unwrap();
            let head = connection.head().unwrap();
            let mut some = vec![0; 100_000];
            connection.body("GET", &head).unwrap().read_exact(&mut some).unwrap();
        }
        assert_eq!(cars.get("/cars/1000000").text(), format!(r#"{{"message":"success","car":{}}}"#, row(MILLION)));
        cars.create("One more", "m", 4);
        #[cfg(target_os = "linux")]
        {
            let peak = cars.peak_memory();
            println!("peak resident memory on {}: {peak} KiB", cars.database.dialect());
            assert!(peak < 64 * 1024, "{peak} KiB");
        }
    }
}

#[test]
fn clients_that_do_not_read_do_not_stop_the_others() {
    for cars in Cars::each() {
        fill(&cars, 200_000);
        // Fewer than the engine has connections: each holds one until it reads or is given up.
        let waiting: Vec<_> = (0..12)
            .map(|_| {
                let mut connection = Connection::open(cars.address()).unwrap();
                connection.send(&Request::get("/cars").bytes()).unwrap();
                let head = connection.head().unwrap();
                (connection, head)
            })
            .collect();
        cars.create("One more", "m", 4);
        cars.get("/cars/1").json();
        // All at a time: one that is not read for long is given up.
        thread::scope(|scope| {
            for (mut connection, head) in waiting {
                scope.spawn(move || {
                    let mut text = String::new();
                    connection.body("GET", &head).unwrap().read_to_string(&mut text).unwrap();
                    // The table as it was when the list began, or with the car that was added since.
                    let whole = [200_000, 200_001].map(|count| format!(r#"],"count":{count}}}"#));
                    assert!(whole.iter().any(|end| text.ends_with(end)), "{}", &text[text.len() - 100..]);
                });
            }
        });
    }
}
