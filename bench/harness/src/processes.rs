//! What processes have cost: CPU time and memory of a process and all that it started, as `/proc` has them.

use std::collections::HashMap;
use std::fs;

/// The kernel's unit of CPU time for programs, in microseconds: `sysconf(_SC_CLK_TCK)` is 100 on Linux.
const TICK: u64 = 10_000;

struct Stat {
    parent: u32,
    /// Of the process, and of its children that have ended.
    ticks: u64,
}

/// CPU time that a process and its descendants have used, in microseconds.
pub fn cpu(root: u32) -> u64 {
    let all = all();
    tree(root, &all).iter().filter_map(|pid| all.get(pid)).map(|stat| stat.ticks * TICK).sum()
}

/// Memory that a process and its descendants have of their own, in KiB: now, and at most so far. Memory that they share is
/// counted once each, so that the sum for PostgreSQL would mislead.
pub fn memory(root: u32) -> (u64, u64) {
    let field = |status: &str, name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let all = all();
    let each = tree(root, &all).into_iter().filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/status")).ok());
    each.fold((0, 0), |(now, peak), status| {
        (now + field(&status, "VmRSS:").unwrap_or(0), peak + field(&status, "VmHWM:").unwrap_or(0))
    })
}

fn tree(root: u32, all: &HashMap<u32, Stat>) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(all.iter().filter(|(_, stat)| stat.parent == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found
}

fn all() -> HashMap<u32, Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| Some((pid, stat(pid)?))).collect()
}

/// `proc_pid_stat(5)`: the fields follow the name, which stands in parentheses and may have any character.
fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let ticks = (11..15).map(number).sum::<Option<u64>>()?;
    Some(Stat { parent: u32::try_from(number(1)?).ok()?, ticks })
}
