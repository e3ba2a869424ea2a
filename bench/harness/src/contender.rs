//! Who is compared: how each is built and started, and whether it answers what it should.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crocus_testing::Cluster;
use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::workload::{self, Style, Workload};

/// How a program comes to be.
#[derive(Debug, Clone, Copy)]
enum Made {
    /// A package of `bench/`, or of `bench/peers/`.
    Cargo { workspace: &'static str, package: &'static str },
    /// A folder of `bench/peers/` with an `app.py`, the packages it needs, and how it is served on how many workers.
    Python { folder: &'static str, packages: &'static [&'static str], serve: &'static [&'static str] },
}

#[derive(Debug, Clone, Copy)]
pub struct Contender {
    /// As on the command line.
    pub name: &'static str,
    pub title: &'static str,
    pub style: Style,
    made: Made,
}

const fn cargo(name: &'static str, title: &'static str, workspace: &'static str, package: &'static str) -> Contender {
    Contender { name, title, style: Style::Written, made: Made::Cargo { workspace, package } }
}

/// The first is what the others are measured by.
pub const POSTGRES: [Contender; 10] = [
    cargo("limit", "the limit: tokio-postgres by hand", "peers", "bench-limit"),
    Contender { style: Style::Resource, ..cargo("crocus-resource", "Crocus, generated resource", ".", "bench-crocus") },
    cargo("crocus", "Crocus, handlers by hand", ".", "bench-crocus"),
    cargo("deadpool", "axum + deadpool-postgres", "peers", "bench-deadpool"),
    cargo("sqlx", "axum + sqlx", "peers", "bench-sqlx"),
    cargo("seaorm", "axum + SeaORM", "peers", "bench-seaorm"),
    cargo("diesel", "axum + diesel-async", "peers", "bench-diesel"),
    cargo("toasty", "axum + Toasty", "peers", "bench-toasty"),
    Contender {
        name: "flask",
        title: "Flask + SQLAlchemy, gunicorn",
        style: Style::Written,
        made: Made::Python {
            folder: "flask",
            packages: &["flask", "flask-sqlalchemy", "psycopg2-binary", "gunicorn"],
            serve: &["gunicorn", "--workers", "4", "--log-level", "warning", "--bind", "127.0.0.1:PORT", "app:app"],
        },
    },
    Contender {
        name: "fastapi",
        title: "FastAPI + SQLAlchemy + asyncpg",
        style: Style::Written,
        made: Made::Python {
            folder: "fastapi",
            packages: &["fastapi", "sqlalchemy[asyncio]", "asyncpg", "uvicorn[standard]"],
            serve: &["uvicorn", "--workers", "2", "--log-level", "warning", "--port", "PORT", "app:app"],
        },
    },
];

/// A program that runs until its value is dropped.
pub struct Running {
    pub contender: Contender,
    pub url: String,
    /// From the start of the process to its first answer.
    pub start: Duration,
    pub database: String,
    child: Child,
}

impl Contender {
    /// Compiles or installs it.
    pub fn make(&self, bench: &Path, target: &Path) -> Result<()> {
        match self.made {
            Made::Cargo { workspace, package } => {
                let folder = bench.join(workspace);
                let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
                build.args(["build", "--release", "--quiet", "--package", package]).current_dir(&folder);
                succeed(build.arg("--target-dir").arg(target_of(target, workspace)))
            }
            Made::Python { folder, packages, .. } => {
                let home = target.join("python").join(folder);
                if !home.join("bin/python").is_file() {
                    succeed(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
                }
                let options = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
                succeed(Command::new(home.join("bin/python")).args(options).args(packages))
            }
        }
    }

    /// Starts it on a database of its own, made from the one with the cars, and waits for its first answer.
    pub fn start(&self, bench: &Path, target: &Path, cluster: &Cluster) -> Result<Running> {
        // Some of the names are SQL's own.
        let database = format!("bench_{}", self.name.replace('-', "_"));
        let made = cluster.psql("postgres", &format!("CREATE DATABASE {database} TEMPLATE cars"));
        made.map_err(Failure::because("failed to make a database"))?;
        let port = free_port()?;
        let mut command = match self.made {
            Made::Cargo { workspace, package } => {
                let folder = target.join("run").join(self.name);
                fs::create_dir_all(&folder).map_err(Failure::because("failed to make a folder"))?;
                let mut command = Command::new(target_of(target, workspace).join("release").join(package));
                command.current_dir(folder);
                if package == "bench-crocus" {
                    command.arg("run").env("CROCUS_METRICS", "true");
                }
                command
            }
            Made::Python { folder, serve, .. } => {
                let bin = target.join("python").join(folder).join("bin");
                let mut command = Command::new(bin.join(serve[0]));
                command.args(serve[1..].iter().map(|word| word.replace("PORT", &port.to_string())));
                command.current_dir(bench.join("peers").join(folder)).env("PYTHONDONTWRITEBYTECODE", "1");
                command
            }
        };
        let log = target.join(format!("{}.log", self.name));
        let log = File::create(&log).map_err(Failure::because("failed to make a log"))?;
        let log_too = log.try_clone().map_err(Failure::because("failed to make a log"))?;
        // SQLAlchemy and sqlx know no `postgres:`.
        let url = cluster.url(&database).replacen("postgres:", "postgresql:", 1);
        command.env("DATABASE_URL", url).env("PORT", port.to_string()).env("CROCUS_PORT", port.to_string());
        let begun = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(log).stderr(log_too).spawn();
        let child = child.map_err(Failure::because(format!("failed to start `{}`", self.name)))?;
        let url = format!("http://127.0.0.1:{port}");
        let mut running = Running { contender: *self, url, start: Duration::ZERO, database, child };
        while running.ask(Workload::GetOne).is_err() {
            if begun.elapsed() > Duration::from_secs(30) {
                return Err(Failure::new(format!(
                    "`{}` does not answer; see its log in `{}`",
                    self.name,
                    target.display()
                )));
            }
            thread::sleep(Duration::from_millis(1));
        }
        running.start = begun.elapsed();
        Ok(running)
    }
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Holds that it answers what it should.
    pub fn check(&self, workload: Workload) -> Result<()> {
        let mut found = self.ask(workload)?;
        let expected = workload.expected();
        for row in &mut found {
            if let (Some(row), true) = (row.as_object_mut(), matches!(workload, Workload::Insert | Workload::Update)) {
                row.remove("id");
            }
        }
        let equal = found == expected;
        let (shown, name) = (Value::from(found).to_string(), self.contender.name);
        let shown: String = shown.chars().take(300).collect();
        if equal { Ok(()) } else { Err(Failure::new(format!("`{name}` answers otherwise: {shown}"))) }
    }

    /// What it answers, where the numbers that change are 7.
    fn ask(&self, workload: Workload) -> Result<Vec<Value>> {
        let (_, asked) = workload.asked(self.contender.style).remove(0);
        let fill = |text: &str| text.replace("${id}", "7").replace("${n}", "7");
        let url = format!("{}{}", self.url, fill(&asked.path));
        let failed = || Failure::because(format!("{} {url}", asked.method));
        let mut response = match &asked.body {
            None => ureq::get(&url).call().map_err(failed())?,
            Some(body) => {
                let request = if asked.method == "POST" { ureq::post(&url) } else { ureq::put(&url) };
                let accept = "application/vnd.pgrst.object+json, application/json;q=0.9";
                let request = request.header("content-type", "application/json").header("accept", accept);
                request.header("prefer", "return=representation").send(fill(body)).map_err(failed())?
            }
        };
        let text = response.body_mut().with_config().limit(100 << 20).read_to_string().map_err(failed())?;
        match serde_json::from_str(&text).map_err(Failure::because(&url))? {
            Value::Array(rows) => Ok(rows),
            row => Ok(vec![row]),
        }
    }
}

impl Drop for Running {
    /// Gunicorn and uvicorn end their workers when they are asked to end, and not when they are killed.
    fn drop(&mut self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        let begun = Instant::now();
        while asked.is_ok() && begun.elapsed() < Duration::from_secs(5) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn target_of(target: &Path, workspace: &str) -> PathBuf {
    target.join(if workspace == "." { "crocus" } else { workspace })
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(Failure::because("failed to find a port"))
}

fn succeed(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let output = command.output().map_err(Failure::because(format!("failed to run {shown}")))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().rfind(|line| line.contains("error")).or(text.lines().last()).unwrap_or_default();
    Err(Failure::new(format!("{shown} failed: {last}")))
}

/// Undoes what was written, so that each workload finds the same table.
pub fn reset(cluster: &Cluster, running: &Running) -> Result<()> {
    for sql in ["TRUNCATE cars RESTART IDENTITY", &workload::fill(), "VACUUM ANALYZE cars"] {
        cluster.psql(&running.database, sql).map_err(Failure::because("failed to reset a table"))?;
    }
    Ok(())
}
