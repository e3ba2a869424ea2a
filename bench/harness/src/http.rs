//! Requests: the programs of a database, loaded in turns.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::contender::{Contender, Running};
use crate::failure::{Failure, Result};
use crate::report::{Ratio, Report, Spread, Table, counted};
use crate::store::CARS;
use crate::workload::Workload;
use crate::{load, processes};

/// A program that runs, or why it does not.
pub struct Started {
    pub contender: Contender,
    pub running: Result<Running>,
}

/// How often and how long.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    pub rounds: u32,
    pub seconds: u32,
}

/// One round of one program.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    pub requests: u64,
    /// Requests a second.
    pub rate: f64,
    /// In microseconds.
    pub p50: f64,
    pub p99: f64,
    /// CPU time a request in the program and in the database's own process, in microseconds.
    pub program: f64,
    pub database: f64,
}

/// One workload of one program with so many clients.
struct Cell {
    contender: Contender,
    rounds: Vec<Round>,
    /// Memory at most so far, in KiB.
    peak: u64,
    /// Why there are no rounds.
    failure: Option<String>,
}

/// Loads a program for one round, and says what it cost.
pub fn round(running: &Running, workload: Workload, rows: u32, clients: u32, seconds: u32) -> Result<Round> {
    let script = running.data.join("script.lua");
    let text = load::script(workload, running.contender.style, rows);
    fs::write(&script, text).map_err(Failure::because("failed to write"))?;
    let cpu = || (processes::cpu(running.pid()), running.store.pid().map_or(0, processes::cpu));
    let before = cpu();
    let seen = load::run(Path::new("wrk"), &script, &running.url, clients, seconds)?;
    let after = cpu();
    let each = |micros: u64| micros as f64 / seen.requests as f64;
    Ok(Round {
        requests: seen.requests,
        rate: seen.requests as f64 / (seen.duration as f64 / 1e6),
        p50: seen.p50 as f64,
        p99: seen.p99 as f64,
        program: each(after.0.saturating_sub(before.0)),
        database: each(after.1.saturating_sub(before.1)),
    })
}

/// Rounds of a workload, the programs in turns: in each round in the other direction.
pub fn measure(report: &mut Report, started: &[Started], workload: Workload, clients: u32, rounds: Rounds) {
    let mut cells: Vec<Cell> = Vec::new();
    for Started { contender, running } in started {
        let failure = match running {
            Ok(running) => running.store.reset(CARS).and_then(|()| running.check(workload)).err(),
            Err(failure) => Some(Failure::new(failure.to_string())),
        };
        let failure = failure.map(|failure| failure.to_string());
        cells.push(Cell { contender: *contender, rounds: Vec::new(), peak: 0, failure });
    }
    for number in 0..rounds.rounds {
        let mut order: Vec<usize> = (0..started.len()).collect();
        if number % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let (Ok(running), None) = (&started[index].running, &cells[index].failure) else { continue };
            let ready = if workload.writes() { running.store.reset(CARS) } else { Ok(()) };
            let measured = ready.and_then(|()| round(running, workload, CARS, clients, rounds.seconds));
            match measured {
                Err(failure) => cells[index].failure = Some(failure.to_string()),
                Ok(round) => {
                    cells[index].rounds.push(round);
                    cells[index].peak = processes::memory(running.pid()).1;
                }
            }
        }
    }
    tell(report, workload, clients, &cells);
}

/// The first of the programs is what the others are measured by.
fn tell(report: &mut Report, workload: Workload, clients: u32, cells: &[Cell]) {
    let Some(first) = cells.first() else { return };
    let database = first.contender.database;
    let heading = format!("{}: {}", database.title(), workload.title());
    let title = format!("{heading}, {}", counted(clients, "client"));
    let head = &["", "ratio", "range", "req/s", "p50 us", "p99 us", "cpu us", "db us", "peak MiB"];
    let rows = cells.iter().map(|cell| row(cell, first)).collect();
    let programs: Vec<Value> = cells.iter().map(|cell| figures(cell, first)).collect();
    for cell in cells {
        // Without rounds of the first program there is nothing to measure by.
        let known = cell.failure.is_none() && first.failure.is_none();
        let shown = if known { format!("{:.2}", ratio(cell, first).median) } else { "–".to_owned() };
        report.ratio(Ratio {
            database: database.title(),
            clients,
            workload: workload.name(),
            program: cell.contender.title,
            shown,
        });
    }
    let figures =
        json!({"database": database.name(), "workload": workload.name(), "clients": clients, "programs": programs});
    report.add(Table { title, head, rows }, figures);
}

/// The ratio of each round to the same round of what is measured by: what the machine does meanwhile cancels out.
fn ratio(cell: &Cell, by: &Cell) -> Spread {
    Spread::of(cell.rounds.iter().zip(&by.rounds).map(|(round, by)| round.rate / by.rate))
}

fn spread(cell: &Cell, of: fn(&Round) -> f64) -> Spread {
    Spread::of(cell.rounds.iter().map(of))
}

fn row(cell: &Cell, first: &Cell) -> Vec<String> {
    let title = cell.contender.title;
    if let Some(failure) = &cell.failure {
        return vec![title.to_owned(), format!("skipped: {failure}")];
    }
    let (ratio, median) = (ratio(cell, first), |of| spread(cell, of).median);
    vec![
        title.to_owned(),
        format!("{:.2}", ratio.median),
        ratio.range(2),
        format!("{:.0}", median(|round| round.rate)),
        format!("{:.0}", median(|round| round.p50)),
        format!("{:.0}", median(|round| round.p99)),
        format!("{:.1}", median(|round| round.program)),
        format!("{:.1}", median(|round| round.database)),
        format!("{:.1}", cell.peak as f64 / 1024.0),
    ]
}

fn figures(cell: &Cell, first: &Cell) -> Value {
    if let Some(failure) = &cell.failure {
        return json!({"program": cell.contender.name, "skipped": failure});
    }
    json!({
        "program": cell.contender.name, "rounds": cell.rounds.len(),
        "ratio": ratio(cell, first).json(),
        "requests_per_second": spread(cell, |round| round.rate).json(),
        "p50_us": spread(cell, |round| round.p50).json(),
        "p99_us": spread(cell, |round| round.p99).json(),
        "program_cpu_us": spread(cell, |round| round.program).json(),
        "database_cpu_us": spread(cell, |round| round.database).json(),
        "peak_kib": cell.peak,
    })
}
