//! A database, and the program run on it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use crocus::orm::{DatabaseUrl, Engine, Statement};
use crocus_testing::{TempDir, TestDatabase};
use tokio::runtime::Runtime;

use crate::program;

/// One on each database.
pub(crate) fn places() -> [Place; 2] {
    TestDatabase::each().map(Place::new)
}

/// A database of its own, and a folder to run in.
pub(crate) struct Place {
    database: TestDatabase,
    pub(crate) folder: TempDir,
    runtime: Runtime,
}

/// A program that runs.
pub(crate) struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
    read: String,
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    code: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Place {
    pub(crate) fn new(database: TestDatabase) -> Place {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let place = Place { database, folder: TempDir::new().unwrap(), runtime };
        place.block_on(place.url().create_database()).unwrap();
        place
    }

    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    pub(crate) fn dialect(&self) -> &'static str {
        self.database.dialect()
    }

    pub(crate) fn url(&self) -> DatabaseUrl {
        self.database.url().parse().unwrap()
    }

    /// Starts the variant of the program with this name.
    pub(crate) fn start(&self, program: &str, arguments: &[&str]) -> Running {
        self.start_with(program, arguments, &[])
    }

    /// Starts it with more in its environment.
    pub(crate) fn start_with(&self, program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Running {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(arguments)
            .env(program::VARIABLE, program)
            .env("DATABASE_URL", self.database.url())
            .envs(environment.iter().copied())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Running { child, output, read: String::new() }
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Ended {
        self.start(program, arguments).finish()
    }

    /// Runs SQL on the database.
    pub(crate) fn sql(&self, sql: &str) {
        self.block_on(async {
            let engine = Engine::connect(&self.url()).await.unwrap();
            engine.connection().await.unwrap().batch(sql).await.unwrap();
        });
    }

    /// How many revisions are recorded.
    pub(crate) fn revisions(&self) -> usize {
        self.recorded().len()
    }

    /// The revisions that are recorded, by name.
    pub(crate) fn recorded(&self) -> Vec<String> {
        self.block_on(async {
            let engine = Engine::connect(&self.url()).await.unwrap();
            let sql = "SELECT revision FROM crocus_migrations ORDER BY revision";
            let rows = engine.query(Statement::read(sql, [])).await.unwrap();
            rows.iter().map(|row| row.get(0).unwrap()).collect()
        })
    }

    /// The names of the tables, in order.
    pub(crate) fn tables(&self) -> Vec<String> {
        let schema = self.block_on(async {
            let engine = Engine::connect(&self.url()).await.unwrap();
            crocus::migrate::inspect(&engine).await.unwrap()
        });
        let mut tables: Vec<_> = schema.tables.into_iter().map(|table| table.name.to_string()).collect();
        tables.sort();
        tables
    }

    /// How many revisions are applied, where each of them has left both its tables, and no other has left any.
    #[track_caller]
    pub(crate) fn consistent(&self) -> usize {
        let tables = self.tables();
        let applied = if tables.is_empty() { 0 } else { self.revisions() };
        let names = ["a", "b"].iter().flat_map(|letter| (1..=applied).map(move |number| format!("{letter}_{number}")));
        let version = (!tables.is_empty()).then(|| "crocus_migrations".to_owned());
        let expected: Vec<_> = names.chain(version).collect();
        assert_eq!(tables, expected, "with {applied} revisions on {}", self.dialect());
        applied
    }
}

impl Running {
    /// Waits until so many lines were written to standard output.
    pub(crate) fn wait_for_lines(&mut self, number: usize) {
        for _ in 0..number {
            assert!(self.output.read_line(&mut self.read).unwrap() > 0, "it wrote only: {}", self.read);
        }
    }

    /// Sends it SIGINT, as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }

    /// Ends it with SIGKILL. `false`: it had ended by itself.
    pub(crate) fn kill(mut self) -> bool {
        let runs = self.child.try_wait().unwrap().is_none();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        runs
    }

    /// Reads no more of its output, and waits for its end.
    pub(crate) fn hang_up(self) -> Ended {
        drop(self.output);
        let ended = self.child.wait_with_output().unwrap();
        Ended { code: ended.status.code(), output: self.read, errors: String::from_utf8(ended.stderr).unwrap() }
    }

    pub(crate) fn finish(mut self) -> Ended {
        self.output.read_to_string(&mut self.read).unwrap();
        let ended = self.child.wait_with_output().unwrap();
        Ended { code: ended.status.code(), output: self.read, errors: String::from_utf8(ended.stderr).unwrap() }
    }
}

impl Ended {
    /// Its standard output, where it succeeded.
    #[track_caller]
    pub(crate) fn success(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.output
    }

    pub(crate) fn is_success(&self) -> bool {
        self.code == Some(0)
    }

    /// Its standard error, where it failed with 1.
    #[track_caller]
    pub(crate) fn error(&self) -> &str {
        assert_eq!(self.code, Some(1), "{self:#?}");
        &self.errors
    }
}
