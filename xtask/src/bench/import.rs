//! `cargo xtask bench import`: the commands `import` and `export` of `examples/cars` beside `psql \copy`, alternated on one
//! server, with the memory of all.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crocus_testing::{Cluster, TempDir};

use crate::failure::Failure;
use crate::{cargo, postgres};

/// How often each is run.
const ROUNDS: usize = 5;

/// How often a process is asked for its memory. It tells the most that it ever had.
const ASKED: Duration = Duration::from_millis(5);

const DATABASE: &str = "bench_import";

/// A run: how long it took, and the most memory that it had, in KiB.
#[derive(Debug, Clone, Copy)]
struct Run {
    took: Duration,
    memory: u64,
}

/// Compares them with so many rows.
pub(crate) fn run(rows: u64) -> Result<(), Failure> {
    postgres::ensure_installed()?;
    let build = cargo().args(["build", "--release", "--package", "cars"]).status();
    Failure::unless(build.map_err(Failure::because("failed to run `cargo build`"))?, "`cars` does not compile")?;
    let failed = || Failure::because("failed to start PostgreSQL");
    // As a server is: what is committed is on disk.
    let cluster = Cluster::builder().durable().start().map_err(failed())?;
    let folder = TempDir::new().map_err(Failure::because("failed to make a folder"))?;
    let (file, tenth) = (folder.path().join("cars.csv"), folder.path().join("tenth.csv"));
    write(&file, rows)?;
    write(&tenth, rows / 10)?;
    let on_postgres = cluster.url(DATABASE);
    let cars = |url: &str, arguments: &[&str]| {
        let mut command = Command::new(program());
        command.args(arguments).env("DATABASE_URL", url).current_dir(folder.path());
        command
    };
    let prepare = |url: &str| {
        quietly(&mut cars(url, &["db", "create"]))?;
        quietly(&mut cars(url, &["db", "upgrade"]))
    };
    prepare(&on_postgres)?;
    let sql = |sql: &str| cluster.psql(DATABASE, sql).map_err(Failure::because("failed to ask PostgreSQL"));
    let empty = || {
        sql("TRUNCATE cars RESTART IDENTITY; DROP TABLE IF EXISTS crocus_imports").map(drop)?;
        sql("CHECKPOINT").map(drop)
    };
    let all_there = |expected: u64| match sql("SELECT count(*) FROM cars")?.trim() {
        found if found == expected.to_string() => Ok(()),
        found => Err(Failure::new(format!("{found} rows are there, and not {expected}"))),
    };

    let import = ["import", "cars", "cars.csv", "--quiet"];
    let (mut copied, mut imported, mut on_sqlite) = (Vec::new(), Vec::new(), Vec::new());
    let (mut copied_out, mut exported) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        println!("round {} of {ROUNDS}", round + 1);
        let psql = |way: &str, file: &str| {
            let file = folder.path().join(file);
            let copy = format!("\\copy cars (name, model, doors) {way} '{}' WITH (FORMAT csv, HEADER)", file.display());
            let mut psql = cluster.psql_command(DATABASE);
            psql.arg("-c").arg(copy);
            measured(&mut psql)
        };
        let copy = |runs: &mut Vec<Run>| {
            empty()?;
            runs.push(psql("FROM", "cars.csv")?);
            all_there(rows)
        };
        let import = |runs: &mut Vec<Run>| {
            empty()?;
            runs.push(measured(&mut cars(&on_postgres, &import))?);
            all_there(rows)
        };
        // Who is first does not have the better of it.
        if round % 2 == 0 {
            copy(&mut copied)?;
            import(&mut imported)?;
        } else {
            import(&mut imported)?;
            copy(&mut copied)?;
        }
        let export = ["export", "cars", "--select", "name,model,doors", "--output", "out.csv", "--quiet"];
        copied_out.push(psql("TO", "copied.csv")?);
        exported.push(measured(&mut cars(&on_postgres, &export))?);
        let url = format!("sqlite:{}/{round}.db", folder.path().display());
        prepare(&url)?;
        on_sqlite.push(measured(&mut cars(&url, &["import", "cars", "cars.csv", "--quiet"]))?);
    }
    empty()?;
    let small = measured(&mut cars(&on_postgres, &["import", "cars", "tenth.csv", "--quiet"]))?;
    all_there(rows / 10)?;

    let by_copy = median(&mut copied);
    let mut text = format!("\n{rows} rows of CSV, the median of {ROUNDS} runs each, alternated\n\n");
    text.push_str("                            seconds   rows a second   of \\copy   most memory\n");
    let by_copy_out = median(&mut copied_out);
    for (name, runs, by_copy) in [
        ("psql \\copy FROM", &mut copied, by_copy),
        ("cars import (PostgreSQL)", &mut imported, by_copy),
        ("cars import (SQLite)", &mut on_sqlite, by_copy),
        ("psql \\copy TO", &mut copied_out, by_copy_out),
        ("cars export (PostgreSQL)", &mut exported, by_copy_out),
    ] {
        let Run { took, memory } = median(runs);
        let seconds = took.as_secs_f64();
        let ratio = by_copy.took.as_secs_f64() / seconds;
        let _ = writeln!(
            text,
            "{name:26} {seconds:8.2} {:15.0} {ratio:10.2} {:9.1} MiB",
            rows as f64 / seconds,
            memory as f64 / 1024.0
        );
    }
    let of_small = small.memory as f64 / 1024.0;
    let _ = writeln!(text, "\ncars import (PostgreSQL) of a tenth of the rows: {of_small:.1} MiB");
    print!("{text}");
    Ok(())
}

/// Writes a file with so many rows.
fn write(path: &Path, rows: u64) -> Result<(), Failure> {
    let failed = || Failure::because(format!("failed to write `{}`", path.display()));
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).map_err(failed())?);
    writeln!(file, "name,model,doors").map_err(failed())?;
    for row in 0..rows {
        writeln!(file, "Car number {row},Model {},{}", row % 1_000, row % 6).map_err(failed())?;
    }
    file.flush().map_err(failed())
}

fn program() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(Into::into);
    let target: PathBuf = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"));
    target.join("release/cars")
}

fn quietly(command: &mut Command) -> Result<(), Failure> {
    let output = command.output().map_err(Failure::because("failed to run `cars`"))?;
    Failure::unless(output.status, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Runs a command to its end.
fn measured(command: &mut Command) -> Result<Run, Failure> {
    let begun = Instant::now();
    let child = command.stdout(Stdio::null()).spawn();
    let mut child = child.map_err(Failure::because("failed to run what is measured"))?;
    let mut memory = 0;
    loop {
        let status = child.try_wait().map_err(Failure::because("failed to wait for what is measured"))?;
        let took = begun.elapsed();
        if let Some(status) = status {
            return Failure::unless(status, "what is measured failed").map(|()| Run { took, memory });
        }
        memory = memory.max(most_memory(child.id()));
        std::thread::sleep(ASKED);
    }
}

/// The most memory that a process has had, in KiB ("proc_pid_status").
fn most_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

/// The run in the middle, with the most memory of all.
fn median(runs: &mut [Run]) -> Run {
    runs.sort_by_key(|run| run.took);
    let memory = runs.iter().map(|run| run.memory).max().unwrap_or_default();
    Run { memory, ..runs[runs.len() / 2] }
}
