//! The comparison: every program is started, checked and loaded in turns, on one machine, in one run.

mod contender;
mod failure;
mod http;
mod load;
mod orm;
mod plan;
mod processes;
mod report;
mod scale;
mod store;
mod workload;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use contender::{Contender, Folders};
use failure::{Failure, Result};
use http::Started;
use plan::Plan;
use report::Report;
use store::{Database, Postgres};

/// How far a write is from being lost, which is not the same for all.
const FOOT: &str = "PostgreSQL runs with fsync and synchronous_commit on. On SQLite all use a write-ahead log, Crocus and \
    sqlx with synchronous=FULL, PocketBase with NORMAL as it is shipped: its acknowledged writes can be lost with the power.";

fn run() -> Result<()> {
    let plan = Plan::read(std::env::args().skip(1))?;
    let bench = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("BENCH_TARGET").map_or_else(|| bench.join("target"), PathBuf::from);
    fs::create_dir_all(&target).map_err(Failure::because("failed to make the folder of the results"))?;
    let absolute = |folder: &Path| folder.canonicalize().map_err(Failure::because("failed to find a folder"));
    let folders = Folders { bench: absolute(&bench)?, target: absolute(&target)? };
    let mut report = Report::default();
    for database in plan.databases.iter().copied() {
        let server = if database == Database::Postgres { Some(Postgres::start()?) } else { None };
        compare(&mut report, &plan, &folders, server.as_ref(), database);
    }
    report.write(&folders.target, &notes(&plan))?;
    println!("\n{FOOT}\nThe figures are in {0}/results.json and {0}/results.md", folders.target.display());
    Ok(())
}

fn compare(report: &mut Report, plan: &Plan, folders: &Folders, server: Option<&Rc<Postgres>>, database: Database) {
    let start = |contender: Contender| {
        println!("{}: {}", database.title(), contender.title);
        let made = if plan.built { Ok(()) } else { contender.make(folders) };
        Started { contender, running: made.and_then(|()| contender.start(folders, server)) }
    };
    if !plan.workloads.is_empty() {
        let started: Vec<Started> = plan.contenders(database).map(start).collect();
        for workload in plan.workloads.iter().copied() {
            for clients in plan.clients.iter().copied() {
                http::measure(report, &started, workload, clients, plan.rounds);
            }
        }
    }
    orm::run(report, plan, folders, server, database);
    let setting = scale::Setting { plan, folders, server, database };
    for scale in plan.scales.iter().copied() {
        scale::run(report, &setting, scale);
    }
}

/// Where and how it was measured.
fn notes(plan: &Plan) -> Vec<String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let processor = processor.map_or("an unknown processor", |(_, name)| name);
    let rounds = plan.rounds;
    vec![
        format!("{cores} cores ({processor}), shared by the program, its database and the load."),
        format!(
            "Medians of {} rounds of {} s in turns. A ratio is that of a round to the same round of the first program. \
             CPU time is that of a request, in the program and in PostgreSQL's processes.",
            rounds.rounds, rounds.seconds
        ),
        FOOT.to_owned(),
    ]
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
