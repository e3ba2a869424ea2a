//! The comparison: every program is started, checked and loaded in turns, on one machine, in one run. PostgreSQL only as yet.

mod contender;
mod failure;
mod load;
mod processes;
mod report;
mod workload;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crocus_testing::Cluster;

use contender::{Contender, POSTGRES, Running};
use failure::{Failure, Result};
use report::{Cell, Round};
use workload::Workload;

/// What is compared, and how often.
struct Plan {
    workloads: Vec<Workload>,
    clients: Vec<u32>,
    contenders: Vec<Contender>,
    rounds: u32,
    seconds: u32,
}

impl Plan {
    fn read(arguments: impl Iterator<Item = String>) -> Result<Plan> {
        let mut plan = Plan {
            workloads: Workload::ALL.to_vec(),
            clients: vec![1, 8, 64, 256],
            contenders: POSTGRES.to_vec(),
            rounds: 5,
            seconds: 3,
        };
        let mut arguments = arguments;
        while let Some(name) = arguments.next() {
            if name == "--quick" {
                (plan.clients, plan.rounds, plan.seconds) = (vec![1, 64], 3, 1);
                continue;
            }
            let value = arguments.next().ok_or_else(|| Failure::new(format!("`{name}` needs a value")))?;
            let words = || value.split(',').map(str::trim);
            let number = |text: &str| text.parse::<u32>().map_err(Failure::because(format!("`{name} {text}`")));
            match name.as_str() {
                "--only" => {
                    let known: Vec<_> = Workload::ALL.iter().map(|workload| workload.name()).collect();
                    let find = |word| Workload::ALL.into_iter().find(|workload| workload.name() == word);
                    let found = words().map(|word| find(word).ok_or(word)).collect::<Result<_, _>>();
                    plan.workloads = found.map_err(|word| unknown("workload", word, &known))?;
                }
                "--programs" => {
                    let known: Vec<_> = POSTGRES.iter().map(|contender| contender.name).collect();
                    let find = |word| POSTGRES.into_iter().find(|contender| contender.name == word);
                    let found = words().map(|word| find(word).ok_or(word)).collect::<Result<_, _>>();
                    plan.contenders = found.map_err(|word| unknown("program", word, &known))?;
                }
                "--clients" => plan.clients = words().map(number).collect::<Result<_>>()?,
                "--rounds" => plan.rounds = number(&value)?,
                "--seconds" => plan.seconds = number(&value)?,
                _ => return Err(Failure::new(format!("there is no option `{name}`"))),
            }
        }
        Ok(plan)
    }
}

fn unknown(what: &str, word: &str, known: &[&str]) -> Failure {
    Failure::new(format!("there is no {what} `{word}`: there are {}", known.join(", ")))
}

/// A program that runs, or why it does not.
type Started = (Contender, Result<Running, Failure>);

fn run() -> Result<()> {
    let plan = Plan::read(std::env::args().skip(1))?;
    let bench = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("BENCH_TARGET").map_or_else(|| bench.join("target"), PathBuf::from);
    fs::create_dir_all(&target).map_err(Failure::because("failed to make the folder of the results"))?;
    let cluster = Cluster::builder().durable().setting("max_connections", "400").start();
    let cluster = cluster.map_err(Failure::because("failed to start PostgreSQL"))?;
    let server = fs::read_to_string(cluster.folder().join("data/postmaster.pid"));
    let server = server.ok().and_then(|text| text.lines().next()?.parse::<u32>().ok());
    let server = server.ok_or_else(|| Failure::new("PostgreSQL does not say its process"))?;
    cluster.create_database("cars").map_err(Failure::because("failed to make a database"))?;
    for sql in [workload::TABLE, &workload::fill()] {
        cluster.psql("cars", sql).map_err(Failure::because("failed to make the table"))?;
    }

    let started: Vec<Started> = plan
        .contenders
        .iter()
        .map(|contender| {
            println!("{}", contender.title);
            let running = contender.make(&bench, &target).and_then(|()| contender.start(&bench, &target, &cluster));
            (*contender, running)
        })
        .collect();

    let mut results = Vec::new();
    for workload in plan.workloads.iter().copied() {
        for clients in plan.clients.iter().copied() {
            let cells = measure(&plan, &cluster, server, &target, workload, clients, &started)?;
            report::print(workload.title(), clients, &cells);
            results.push(report::json(workload.name(), clients, &cells));
        }
    }
    println!("\nstart to first answer, memory now");
    for (contender, running) in &started {
        if let Ok(running) = running {
            let (now, _) = processes::memory(running.pid());
            println!("  {:34} {:>6} ms {:>8.1} MiB", contender.title, running.start.as_millis(), now as f64 / 1024.0);
        }
    }
    let path = target.join("results.json");
    let text = serde_json::to_string_pretty(&results).map_err(Failure::because("failed to write the results"))?;
    fs::write(&path, text).map_err(Failure::because("failed to write the results"))?;
    println!("\nThe figures are in {}", path.display());
    Ok(())
}

/// Rounds of a workload, the programs in turns: in each round in the other direction.
fn measure(
    plan: &Plan,
    cluster: &Cluster,
    server: u32,
    target: &Path,
    workload: Workload,
    clients: u32,
    started: &[Started],
) -> Result<Vec<Cell>> {
    let mut cells: Vec<Cell> = Vec::new();
    for (contender, running) in started {
        let failure = match running {
            Ok(running) => contender::reset(cluster, running).and_then(|()| running.check(workload)).err(),
            Err(failure) => Some(Failure::new(failure.to_string())),
        };
        cells.push(Cell {
            name: contender.name,
            title: contender.title,
            rounds: Vec::new(),
            peak: 0,
            failure: failure.map(|failure| failure.to_string()),
        });
    }
    for round in 0..plan.rounds {
        let mut order: Vec<usize> = (0..started.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let ((contender, Ok(running)), None) = (&started[index], &cells[index].failure) else { continue };
            if workload.writes() {
                contender::reset(cluster, running)?;
            }
            let path = target.join("script.lua");
            fs::write(&path, load::script(workload, contender.style)).map_err(Failure::because("failed to write"))?;
            let before = (processes::cpu(running.pid()), processes::cpu(server));
            match load::run(Path::new("wrk"), &path, &running.url, clients, plan.seconds) {
                Err(failure) => cells[index].failure = Some(failure.to_string()),
                Ok(seen) => {
                    let after = (processes::cpu(running.pid()), processes::cpu(server));
                    let each = |micros: u64| micros as f64 / seen.requests as f64;
                    cells[index].rounds.push(Round {
                        rate: seen.requests as f64 / (seen.duration as f64 / 1e6),
                        p50: seen.p50 as f64,
                        p99: seen.p99 as f64,
                        program: each(after.0 - before.0),
                        database: each(after.1 - before.1),
                    });
                    cells[index].peak = processes::memory(running.pid()).1;
                }
            }
        }
    }
    Ok(cells)
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
