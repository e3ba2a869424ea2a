//! What the system knows of the process, under the names that Prometheus's own libraries give it. Elsewhere than on
//! Linux it is the time of the start alone.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use super::text::Text;

/// The unit of the times in `/proc/self/stat`, the same on every Linux (`man 7 time`, USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn write(text: &mut Text, start: SystemTime) {
    let mut one = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            text.family(name, kind, help);
            text.sample(name, &[], value);
        }
    };
    let start = start.duration_since(UNIX_EPOCH).ok().map(|start| start.as_secs_f64());
    one("process_start_time_seconds", "gauge", "When the service was started, since the Unix epoch.", start);
    one("process_cpu_seconds_total", "counter", "Time on all processors, of the program and of the system.", cpu());
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory = number(&status, "VmRSS:").map(|kibibytes| kibibytes * 1024.0);
    one("process_resident_memory_bytes", "gauge", "Memory that is resident.", memory);
    one("process_threads", "gauge", "Threads of the process.", number(&status, "Threads:"));
    #[expect(clippy::cast_precision_loss, reason = "there are never so many")]
    let files = fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as f64);
    one("process_open_fds", "gauge", "Open file descriptors.", files);
}

/// The fields 14 and 15 (`man 5 proc_pid_stat`), counted from behind the name, which may have spaces.
fn cpu() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

fn number(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
