//! What a program costs beside requests, and how the cost of requests grows: starting, memory, rows, models, and a client
//! that lists everything.

mod instructions;

use std::io;
use std::process::Command;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};

use crate::contender::{Contender, Folders, MODELS, Running, binary};
use crate::failure::{Failure, Result};
use crate::http::{Round, Started, round};
use crate::plan::Plan;
use crate::processes;
use crate::report::{Report, Spread, Table, counted};
use crate::store::{CARS, Database, Postgres};
use crate::workload::Workload;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    Start,
    Rows,
    Models,
    Stream,
    Instructions,
}

impl Scale {
    pub const ALL: [Scale; 5] = [Scale::Start, Scale::Rows, Scale::Models, Scale::Stream, Scale::Instructions];

    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Scale::Start => "start",
            Scale::Rows => "rows",
            Scale::Models => "models",
            Scale::Stream => "stream",
            Scale::Instructions => "instructions",
        }
    }
}

const CLIENTS: u32 = 64;
const CROWD: u32 = 256;
const MANY: u32 = 1_000_000;

/// One run: the options, where things are, and the server.
pub struct Setting<'a> {
    pub plan: &'a Plan,
    pub folders: &'a Folders,
    pub server: Option<&'a Rc<Postgres>>,
    pub database: Database,
}

pub fn run(report: &mut Report, setting: &Setting<'_>, scale: Scale) {
    match scale {
        Scale::Start => start(report, setting),
        Scale::Rows => rows(report, setting),
        Scale::Models => models(report, setting),
        Scale::Stream => stream(report, setting),
        Scale::Instructions => instructions::run(report, setting),
    }
}

impl Setting<'_> {
    fn start(&self, contender: Contender) -> Started {
        let made = if self.plan.built { Ok(()) } else { contender.make(self.folders) };
        Started { contender, running: made.and_then(|()| contender.start(self.folders, self.server)) }
    }

    /// What others are measured by, and Crocus.
    fn two(&self) -> Vec<Started> {
        let all: Vec<Contender> = self.plan.contenders(self.database).collect();
        let few = all.iter().enumerate().filter(|(index, one)| *index == 0 || one.name == "crocus-resource");
        few.map(|(_, contender)| self.start(*contender)).collect()
    }

    fn title(&self, what: &str) -> String {
        format!("{}: {what}", self.database.title())
    }

    fn figures(&self, scale: Scale, programs: Vec<Value>) -> Value {
        json!({"database": self.database.name(), "workload": scale.name(), "programs": programs})
    }
}

fn skipped(contender: &Contender, failure: &Failure) -> (Vec<String>, Value) {
    let row = vec![contender.title.to_owned(), format!("skipped: {failure}")];
    (row, json!({"program": contender.name, "skipped": failure.to_string()}))
}

fn add(report: &mut Report, setting: &Setting<'_>, scale: Scale, table: Table, lines: Vec<(Vec<String>, Value)>) {
    let (rows, programs): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
    report.add(Table { rows, ..table }, setting.figures(scale, programs));
}

fn start(report: &mut Report, setting: &Setting<'_>) {
    let contenders: Vec<Contender> = setting.plan.contenders(setting.database).collect();
    let measured = |contender: &Contender| -> Result<(Spread, Spread, Spread, Option<Spread>)> {
        let (mut took, mut idle, mut after, mut current) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..setting.plan.rounds.rounds {
            let running = setting.start(*contender).running?;
            took.push(running.start.as_secs_f64() * 1e3);
            idle.push(mebibytes(&running));
            round(&running, Workload::GetOne, CARS, CLIENTS, setting.plan.rounds.seconds)?;
            round(&running, Workload::ListAll, CARS, 1, setting.plan.rounds.seconds).ok();
            after.push(mebibytes(&running));
            if contender.name == "crocus" {
                current.push(db_current(setting.folders, &running)?);
            }
        }
        let current = Some(current).filter(|times| !times.is_empty()).map(Spread::of);
        Ok((Spread::of(took), Spread::of(idle), Spread::of(after), current))
    };
    let lines = contenders.iter().map(|contender| match measured(contender) {
        Err(failure) => skipped(contender, &failure),
        Ok((took, idle, after, current)) => {
            let shown = [
                contender.title.to_owned(),
                format!("{:.0}", took.median),
                took.range(0),
                format!("{:.1}", idle.median),
                format!("{:.1}", after.median),
                current.map_or("–".to_owned(), |current| format!("{:.0}", current.median)),
            ];
            let figures = json!({"program": contender.name, "first_answer_ms": took.json(), "idle_mib": idle.json(),
                "after_load_mib": after.json(), "db_current_ms": current.map(Spread::json)});
            (shown.to_vec(), figures)
        }
    });
    let lines = lines.collect();
    let head = &["", "to the first answer, ms", "range", "idle, MiB", "after load, MiB", "`db current`, ms"];
    let table = Table { title: setting.title("Starting, and memory"), head, rows: Vec::new() };
    add(report, setting, Scale::Start, table, lines);
}

fn mebibytes(running: &Running) -> f64 {
    processes::memory(running.pid()).0 as f64 / 1024.0
}

/// Milliseconds that the command takes, from its start to its end.
fn db_current(folders: &Folders, running: &Running) -> Result<f64> {
    let mut command = Command::new(binary(folders, ".", "bench-crocus"));
    command.args(["db", "current"]).current_dir(&running.data).env("DATABASE_URL", running.store.url());
    let begun = Instant::now();
    let output = command.output().map_err(Failure::because("failed to run `db current`"))?;
    let took = begun.elapsed().as_secs_f64() * 1e3;
    if output.status.success() { Ok(took) } else { Err(Failure::new(String::from_utf8_lossy(&output.stderr))) }
}

/// Rounds of programs in turns, each with its own rounds.
fn turns(
    setting: &Setting<'_>,
    all: &[Started],
    workload: Workload,
    rows: u32,
    clients: u32,
) -> Vec<Result<Vec<Round>>> {
    let mut found: Vec<Result<Vec<Round>>> = all
        .iter()
        .map(|started| match &started.running {
            Ok(running) => running.check(workload).map(|()| Vec::new()),
            Err(failure) => Err(Failure::new(failure.to_string())),
        })
        .collect();
    for number in 0..setting.plan.rounds.rounds {
        let mut order: Vec<_> = all.iter().zip(&mut found).collect();
        if number % 2 == 1 {
            order.reverse();
        }
        for (started, rounds) in order {
            let (Ok(running), Ok(measured)) = (&started.running, &mut *rounds) else { continue };
            match round(running, workload, rows, clients, setting.plan.rounds.seconds) {
                Ok(round) => measured.push(round),
                Err(failure) => *rounds = Err(failure),
            }
        }
    }
    found
}

const COST: &[&str] = &["", "", "req/s", "range", "p50 us", "p99 us", "cpu us", "db us"];

fn cost(contender: &Contender, what: String, rounds: &[Round]) -> (Vec<String>, Value) {
    let of = |of: fn(&Round) -> f64| Spread::of(rounds.iter().map(of));
    let rate = of(|round| round.rate);
    let shown = vec![
        contender.title.to_owned(),
        what.clone(),
        format!("{:.0}", rate.median),
        rate.range(0),
        format!("{:.0}", of(|round| round.p50).median),
        format!("{:.0}", of(|round| round.p99).median),
        format!("{:.1}", of(|round| round.program).median),
        format!("{:.1}", of(|round| round.database).median),
    ];
    let figures = json!({"program": contender.name, "with": what, "requests_per_second": rate.json(),
        "p50_us": of(|round| round.p50).json(), "p99_us": of(|round| round.p99).json(),
        "program_cpu_us": of(|round| round.program).json(), "database_cpu_us": of(|round| round.database).json()});
    (shown, figures)
}

fn rows(report: &mut Report, setting: &Setting<'_>) {
    let all = setting.two();
    for workload in [Workload::GetOne, Workload::ListPage] {
        let mut lines = Vec::new();
        for rows in setting.plan.rows.iter().copied() {
            for started in &all {
                if let Ok(running) = &started.running
                    && let Err(failure) = running.store.reset(rows)
                {
                    lines.push(skipped(&started.contender, &failure));
                }
            }
            for (started, rounds) in all.iter().zip(turns(setting, &all, workload, rows, CLIENTS)) {
                lines.push(match rounds {
                    Ok(rounds) => cost(&started.contender, counted(rows, "row"), &rounds),
                    Err(failure) => skipped(&started.contender, &failure),
                });
            }
        }
        let title = setting.title(&format!("{} by the size of the table, {CLIENTS} clients", short(workload)));
        add(report, setting, Scale::Rows, Table { title, head: COST, rows: Vec::new() }, lines);
    }
}

fn short(workload: Workload) -> &'static str {
    if workload == Workload::GetOne { "Get one" } else { "List 20" }
}

fn models(report: &mut Report, setting: &Setting<'_>) {
    if !setting.plan.has("crocus-resource") {
        return;
    }
    let programs = MODELS.into_iter().map(|one| Contender { database: setting.database, ..one });
    let all: Vec<Started> = programs.map(|one| setting.start(one)).collect();
    for workload in [Workload::GetOne, Workload::ListPage] {
        let measured = all.iter().zip(turns(setting, &all, workload, CARS, CLIENTS));
        let lines = measured.map(|(started, rounds)| match (rounds, &started.running) {
            (Ok(rounds), Ok(running)) => {
                let start =
                    format!("first answer after {} ms, {:.0} MiB", running.start.as_millis(), mebibytes(running));
                cost(&started.contender, start, &rounds)
            }
            (Err(failure), _) => skipped(&started.contender, &failure),
            (_, Err(failure)) => skipped(&started.contender, failure),
        });
        let lines = lines.collect();
        let title = setting.title(&format!("{} by the number of models, {CLIENTS} clients", short(workload)));
        add(report, setting, Scale::Models, Table { title, head: COST, rows: Vec::new() }, lines);
    }
}

fn stream(report: &mut Report, setting: &Setting<'_>) {
    let mut lines = Vec::new();
    // One after the other: a million rows each would fight for memory otherwise.
    for started in setting.two() {
        lines.push(match started.running.and_then(|running| beside_lists(setting, &running)) {
            Ok(line) => line,
            Err(failure) => skipped(&started.contender, &failure),
        });
    }
    let what = format!("Get one, {CROWD} clients, while one client lists {} in a loop", counted(MANY, "row"));
    let head = &["", "p99 us alone", "p99 us beside", "ratio", "range", "req/s alone", "req/s beside", "listed, MiB"];
    let table = Table { title: setting.title(&what), head, rows: Vec::new() };
    add(report, setting, Scale::Stream, table, lines);
}

fn beside_lists(setting: &Setting<'_>, running: &Running) -> Result<(Vec<String>, Value)> {
    running.store.reset(MANY)?;
    let listed = AtomicU64::new(0);
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    // wrk counts no request that is unanswered at the end, so that a round has to be longer than a list holds up others.
    let one = || round(running, Workload::GetOne, MANY, CROWD, 3 * setting.plan.rounds.seconds);
    for _ in 0..setting.plan.rounds.rounds {
        alone.push(one()?);
        beside.push(while_listing(running, &listed, one)?);
    }
    let contender = &running.contender;
    let ratio = Spread::of(alone.iter().zip(&beside).map(|(alone, beside)| beside.p99 / alone.p99));
    let p99 = |rounds: &[Round]| Spread::of(rounds.iter().map(|round| round.p99));
    let rate = |rounds: &[Round]| Spread::of(rounds.iter().map(|round| round.rate));
    let listed = listed.load(Ordering::Relaxed) as f64 / f64::from(1 << 20);
    let shown = vec![
        contender.title.to_owned(),
        format!("{:.0}", p99(&alone).median),
        format!("{:.0}", p99(&beside).median),
        format!("{:.2}", ratio.median),
        ratio.range(2),
        format!("{:.0}", rate(&alone).median),
        format!("{:.0}", rate(&beside).median),
        format!("{listed:.0}"),
    ];
    let figures = json!({"program": contender.name, "p99_ratio": ratio.json(), "p99_us_alone": p99(&alone).json(),
        "p99_us_beside": p99(&beside).json(), "listed_mib": listed});
    Ok((shown, figures))
}

/// Does something while one client lists all rows again and again. The client reads as fast as it can and keeps nothing.
fn while_listing<T>(running: &Running, listed: &AtomicU64, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let done = AtomicBool::new(false);
    let url = format!("{}{}", running.url, Workload::every(running.contender.style));
    thread::scope(|scope| {
        let lister = scope.spawn(|| -> Result<()> {
            while !done.load(Ordering::Relaxed) {
                let response = ureq::get(&url).call().map_err(Failure::because(&url))?;
                let mut chunks = response.into_body().into_reader();
                let mut stop = Until { chunks: &mut chunks, done: &done };
                let bytes = io::copy(&mut stop, &mut io::sink()).map_err(Failure::because("the list broke off"))?;
                listed.fetch_add(bytes, Ordering::Relaxed);
            }
            Ok(())
        });
        let worked = work();
        done.store(true, Ordering::Relaxed);
        lister.join().map_err(|_| Failure::new("the client that lists panicked"))??;
        worked
    })
}

/// Ends when the work is done, in the middle of a list.
struct Until<'a, R> {
    chunks: R,
    done: &'a AtomicBool,
}

impl<R: io::Read> io::Read for Until<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.done.load(Ordering::Relaxed) { Ok(0) } else { self.chunks.read(buffer) }
    }
}
