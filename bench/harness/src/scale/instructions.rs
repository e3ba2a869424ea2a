//! Instructions a request, counted by callgrind: the same on every machine and beside whatever else it does. They are those of
//! the program alone, without the kernel's and the database's.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::{CLIENTS, Scale, Setting, add, skipped};
use crate::contender::{Contender, Running, succeed};
use crate::failure::{Failure, Result};
use crate::http::round;
use crate::report::{Report, Table};
use crate::store::CARS;
use crate::workload::{Style, Workload};

const WORKLOADS: [Workload; 4] = [Workload::GetOne, Workload::ListPage, Workload::Insert, Workload::Update];

/// Valgrind runs one thread at a time, some fifty times as slowly.
const SECONDS: u32 = 5;

pub(super) fn run(report: &mut Report, setting: &Setting<'_>) {
    let programs = setting.plan.contenders(setting.database);
    // A script's interpreter would be counted without its workers.
    let programs = programs.filter(|one| one.style != Style::PocketBase && !["flask", "fastapi"].contains(&one.name));
    let lines = programs.map(|contender| match counted(setting, &contender) {
        Ok(line) => line,
        Err(failure) => skipped(&contender, &failure),
    });
    let lines = lines.collect();
    let title = setting.title("Thousands of instructions a request, with 1 and 64 clients");
    let head = &["", "get-one, 1", "64", "list-20, 1", "64", "insert, 1", "64", "update, 1", "64"];
    add(report, setting, Scale::Instructions, Table { title, head, rows: Vec::new() }, lines);
}

fn counted(setting: &Setting<'_>, contender: &Contender) -> Result<(Vec<String>, Value)> {
    if !setting.plan.built {
        contender.make(setting.folders)?;
    }
    let valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=callgrind"];
    let running = contender.start_under(&valgrind, setting.folders, setting.server)?;
    let (mut shown, mut figures) = (vec![contender.title.to_owned()], Vec::new());
    let mut dumps = 0;
    for workload in WORKLOADS {
        running.store.reset(CARS)?;
        running.check(workload)?;
        for clients in [1, CLIENTS] {
            // The first round is for what is prepared and allocated once; it can be too short for an answer.
            round(&running, workload, CARS, clients, SECONDS / 2).ok();
            dump(&running, &mut dumps)?;
            let requests = round(&running, workload, CARS, clients, SECONDS)?.requests;
            let each = dump(&running, &mut dumps)? / requests;
            shown.push(format!("{:.1}", each as f64 / 1e3));
            figures.push(json!({"workload": workload.name(), "clients": clients, "instructions": each}));
        }
    }
    Ok((shown, json!({"program": contender.name, "measured": figures})))
}

/// Instructions since the last dump.
fn dump(running: &Running, dumps: &mut u32) -> Result<u64> {
    succeed(Command::new("callgrind_control").args(["--dump", &running.pid().to_string()]))?;
    *dumps += 1;
    let path = running.data.join(format!("callgrind.{dumps}"));
    let text = fs::read_to_string(&path).map_err(Failure::because("callgrind wrote nothing"))?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
    let total = total.and_then(|total| total.trim().parse().ok());
    total.ok_or_else(|| Failure::new(format!("there is no total in `{}`", path.display())))
}
