//! An example that runs as long as its value lives, on databases of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::cargo;
use crate::failure::Failure;

/// A running example, ended with this value.
pub(crate) struct Program {
    child: Child,
    /// Where it listens: `http://127.0.0.1:40123`.
    pub(crate) url: String,
}

impl Program {
    /// Compiles an example, and starts it in an empty folder, on a free port: on SQLite files there, or on new databases of
    /// a PostgreSQL server whose URLs `database` gives for a name.
    pub(crate) fn start(
        example: &str,
        folder: &Path,
        database: Option<&dyn Fn(&str) -> String>,
    ) -> Result<Program, Failure> {
        let build = cargo().args(["build", "--quiet", "--package", example]).status();
        let build = build.map_err(Failure::because("failed to run `cargo build`"))?;
        Failure::unless(build, format!("`{example}` does not compile"))?;
        drop(std::fs::remove_dir_all(folder));
        std::fs::create_dir_all(folder).map_err(Failure::because("failed to make a folder for the program"))?;
        let command = |arguments: &[&str]| {
            let mut command = Command::new(binary(example));
            command.args(arguments).current_dir(folder).stderr(Stdio::null());
            if let Some(database) = database {
                let url = |name: &str| database(&format!("{example}_{name}"));
                command.env("DATABASE_URL", url("main")).env("DATABASE_URL_AUDIT", url("audit"));
            }
            command
        };
        let failed = || Failure::because(format!("failed to start `{example}`"));
        if database.is_some() {
            let status = command(&["db", "create"]).stdout(Stdio::null()).status().map_err(failed())?;
            Failure::unless(status, format!("`{example} db create` failed"))?;
        }
        let mut child =
            command(&["run", "--port", "0", "--upgrade"]).stdout(Stdio::piped()).spawn().map_err(failed())?;
        let lines = child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines).map_while(Result::ok);
        let mut urls = lines
            .filter_map(|line| line.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned));
        let url = urls.next();
        let program = Program { child, url: url.unwrap_or_default() };
        if program.url.is_empty() {
            return Err(Failure::new(format!("`{example}` does not say where it listens")));
        }
        Ok(program)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn binary(example: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(Into::into);
    let target: PathBuf = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"));
    target.join("debug").join(example)
}
