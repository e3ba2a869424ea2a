//! The load: wrk, with a script for each workload.

use std::path::Path;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::workload::{Asked, Style, Workload};

/// What wrk saw.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub requests: u64,
    /// In microseconds, as all times here.
    pub duration: u64,
    pub p50: u64,
    pub p99: u64,
}

/// The script of a workload on a table of so many rows.
pub fn script(workload: Workload, style: Style, rows: u32) -> String {
    let asked = workload.asked(style);
    let mut choose = String::new();
    let mut least = 0;
    for (percent, request) in &asked {
        least += percent;
        choose += &format!("  if dice <= {least} then\n    return {}\n  end\n", format(request));
    }
    format!(
        r#"local seed = 0
local n = 0
function setup(thread)
  seed = seed + 1
  thread:set("seed", seed)
end
function init()
  math.randomseed(seed)
end
function request()
  local id = math.random(1, {rows})
  local key = string.format("%015d", id)
  local dice = math.random(1, 100)
  n = n + 1
{choose}end
function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("seen %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), failed))
end
"#
    )
}

/// `a${n}b` is `"a" .. n .. "b"`, in Lua's long quotes.
fn lua(text: &str) -> String {
    let mut parts = text.split("${");
    let mut shown = format!("[==[{}]==]", parts.next().unwrap_or_default());
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        shown += &format!(" .. {name} .. [==[{rest}]==]");
    }
    shown
}

fn format(asked: &Asked) -> String {
    let body = asked.body.as_deref().map_or("nil".to_owned(), lua);
    let headers = if asked.body.is_some() {
        "{['content-type'] = 'application/json', ['prefer'] = 'return=representation', \
         ['accept'] = 'application/vnd.pgrst.object+json, application/json;q=0.9'}"
    } else {
        "nil"
    };
    format!("wrk.format('{}', {}, {headers}, {body})", asked.method, lua(&asked.path))
}

/// Loads an address for so many seconds.
pub fn run(wrk: &Path, script: &Path, url: &str, clients: u32, seconds: u32) -> Result<Seen> {
    let output = Command::new(wrk)
        .args(["--threads", "1", "--connections", &clients.to_string(), "--duration", &format!("{seconds}s")])
        .args(["--timeout", "20s", "--script"])
        .arg(script)
        .arg(url)
        .output()
        .map_err(Failure::because("failed to run `wrk`"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("seen "));
    let numbers: Vec<u64> = line.into_iter().flat_map(str::split_whitespace).flat_map(str::parse).collect();
    match numbers[..] {
        [requests, duration, p50, p99, 0] if requests > 0 => Ok(Seen { requests, duration, p50, p99 }),
        [requests, _, _, _, failed] => Err(Failure::new(format!("of {requests} requests {failed} failed"))),
        _ => Err(Failure::new(format!("wrk: {text}{}", String::from_utf8_lossy(&output.stderr)))),
    }
}
