//! Runs the binary: commands that end, and the server, each in a scratch folder and with none of the user's settings.

use std::ffi::OsString;
use std::io::Read;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crocus_testing::{TempDir, TestDatabase, postgres};
use serde_json::Value;

use crate::client::{Answer, Request};

/// How long anything may take: far more than it needs on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program with its settings, and the folder that it runs in.
#[derive(Debug)]
pub(crate) struct Program {
    binary: PathBuf,
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Program {
    /// The program in an empty folder, without any settings.
    pub(crate) fn new() -> Program {
        Program::at(env!("CARGO_BIN_EXE_cars"))
    }

    /// Another build of the program.
    pub(crate) fn at(binary: impl Into<PathBuf>) -> Program {
        Program { binary: binary.into(), folder: TempDir::new().unwrap(), variables: Vec::new() }
    }

    /// With an environment variable.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Program {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With the database of a URL.
    pub(crate) fn database(self, url: &str) -> Program {
        self.variable("DATABASE_URL", url)
    }

    /// With a file in its folder.
    pub(crate) fn file(self, name: &str, text: &str) -> Program {
        std::fs::write(self.folder().join(name), text).unwrap();
        self
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command to its end.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let mut process = self.start(arguments);
        let status = process.wait();
        Ended { status, stdout: process.stdout.all(), stderr: process.stderr.all() }
    }

    /// Runs a command that must succeed, and gives what it printed.
    #[track_caller]
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert!(ended.status.success(), "{arguments:?}: {ended:?}");
        ended.stdout
    }

    /// Starts the server on a free port, with the rest of the arguments of `run`, and waits for its address.
    #[track_caller]
    pub(crate) fn serve(&self, arguments: &[&str]) -> Server {
        self.serve_as(&[&["run", "--port", "0"], arguments].concat())
    }

    /// Starts the server with all the arguments, and waits for its address.
    #[track_caller]
    pub(crate) fn serve_as(&self, arguments: &[&str]) -> Server {
        let mut process = self.start(arguments);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let panel = process.stdout.now();
            let address = panel.split_once(" is at http://").and_then(|(_, rest)| rest.split_once('\n'));
            if let Some((address, _)) = address {
                return Server { address: address.parse().unwrap(), process };
            }
            if process.child.try_wait().unwrap().is_some() || Instant::now() > deadline {
                panic!("the server did not start: {panel}{}", process.stderr.now());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The command, not started yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            if is_setting(&name) {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder())
            .stdin(Stdio::null());
        command
    }

    fn start(&self, arguments: &[&str]) -> Process {
        let mut child = self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = Captured::start(child.stdout.take().unwrap());
        let stderr = Captured::start(child.stderr.take().unwrap());
        Process { child, stdout, stderr }
    }
}

fn is_setting(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    name == "DATABASE_URL" || name == "RUST_LOG" || name.starts_with("CROCUS_")
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// It failed with exit code 1 and said just this: `error: ...` on a line, then `hint: ...` where there is one.
    #[track_caller]
    pub(crate) fn refused(&self, error: &str, hint: Option<&str>) {
        let hint = hint.map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
        assert_eq!(self.stderr, format!("error: {error}\n{hint}"));
        assert_eq!(self.stdout, "");
        assert_eq!(self.status.code(), Some(1));
    }
}

/// A running server. It is ended on drop.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    process: Process,
}

impl Server {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    #[track_caller]
    pub(crate) fn ask(&self, request: &Request) -> Answer {
        match request.send(self.address) {
            Ok(answer) => answer,
            Err(error) => panic!("{} {}: {error}; {}", request.method, request.path, self.log()),
        }
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(&Request::get(path))
    }

    /// Adds a car.
    #[track_caller]
    pub(crate) fn create(&self, name: &str, model: &str, doors: i32) {
        let car = serde_json::json!({"name": name, "model": model, "doors": doors});
        let answer = self.ask(&Request::post("/cars").json(car.to_string()));
        assert_eq!(answer.json()["message"], format!("car {name} has been created successfully."));
    }

    /// What it printed when it started.
    pub(crate) fn panel(&self) -> String {
        self.process.stdout.now()
    }

    /// What it logged until now.
    pub(crate) fn log(&self) -> String {
        self.process.stderr.now()
    }

    /// Waits for a line of the log, and gives it.
    #[track_caller]
    pub(crate) fn logged(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = self.log();
            // The last line may be on its way still.
            let whole = &log[..log.rfind('\n').map_or(0, |end| end + 1)];
            let lines = whole.lines().map(|line| match serde_json::from_str(line) {
                Ok(line) => line,
                Err(error) => panic!("a line of the log is not JSON: {error}: {line}"),
            });
            if let Some(line) = lines.into_iter().find(&wanted) {
                return line;
            }
            assert!(Instant::now() < deadline, "the line is not in the log:\n{log}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.child.id().to_string();
        assert!(Command::new("sh").args(["-c", r#"kill -s "$0" "$1""#, name, &id]).status().unwrap().success());
    }

    /// Asks it to stop, and waits until it has noticed.
    #[track_caller]
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
        self.logged(|line| line["message"] == "stopping: requests in flight are finished");
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.child.id()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.process.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.process.wait()
    }

    /// Stops it as an operator would.
    #[track_caller]
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        assert_eq!(self.wait().code(), Some(0), "{}", self.log());
    }

    /// The most memory that it ever had resident, in KiB (proc(5), `VmHWM`).
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }
}

/// A server on an empty database that has the tables.
#[derive(Debug)]
pub(crate) struct Cars {
    // Dropped in this order: the database can only go when nobody uses it.
    pub(crate) server: Server,
    pub(crate) program: Program,
    pub(crate) database: TestDatabase,
}

impl Cars {
    /// One on each dialect.
    pub(crate) fn each() -> impl Iterator<Item = Cars> {
        Cars::each_with(|program| program)
    }

    /// One on each dialect, with settings.
    pub(crate) fn each_with(settings: impl Fn(Program) -> Program) -> impl Iterator<Item = Cars> {
        TestDatabase::each().into_iter().map(move |database| {
            // A failed test shows it.
            println!("on {}:", database.dialect());
            let program = settings(Program::new().database(database.url()));
            program.done(&["db", "create"]);
            Cars { server: program.serve(&["--upgrade"]), program, database }
        })
    }
}

impl Deref for Cars {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

/// Runs SQL without the program.
#[track_caller]
pub(crate) fn execute(database: &TestDatabase, sql: &str) {
    if database.dialect() == "sqlite" {
        rusqlite::Connection::open(database.name()).unwrap().execute_batch(sql).unwrap();
    } else {
        postgres().psql(database.name(), sql).unwrap();
    }
}

/// A child process, ended on drop.
#[derive(Debug)]
struct Process {
    child: Child,
    stdout: Captured,
    stderr: Captured,
}

impl Process {
    #[track_caller]
    fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // What it said last may be on its way still.
                self.stdout.all();
                self.stderr.all();
                return status;
            }
            assert!(Instant::now() < deadline, "it did not end: {}{}", self.stdout.now(), self.stderr.now());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail for one that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process wrote, read as it comes: a full pipe would stop the process.
#[derive(Debug)]
struct Captured {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Captured {
    fn start(mut from: impl Read + Send + 'static) -> Captured {
        let text = Arc::new(Mutex::new(Vec::new()));
        let shared = text.clone();
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                shared.lock().unwrap().extend_from_slice(&buffer[..read]);
            }
        });
        Captured { text, reader: Some(reader) }
    }

    fn now(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    /// To its end, which comes when the process has ended.
    fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.now()
    }
}
