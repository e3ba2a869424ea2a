//! `cargo xtask docs-browser`: the page `/docs` of the examples in headless Chromium, with no network but the program's
//! own address.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::failure::Failure;
use crate::{cargo, node};

/// The examples, each with a path that can be tried without a parameter.
const EXAMPLES: [(&str, &str); 2] = [("cars", "/cars"), ("dealership", "/owners")];

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Reads and tries the page of each example.
pub(crate) fn run() -> Result<(), Failure> {
    let browser = browser()?;
    let home = node::packages()?;
    for (example, path) in EXAMPLES {
        let folder = home.join(format!("{example}-instance"));
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).map_err(Failure::because("failed to make a folder for the program"))?;
        let build = cargo().args(["build", "--quiet", "--package", example]).status();
        Failure::unless(
            build.map_err(Failure::because("failed to run `cargo build`"))?,
            format!("`{example}` does not compile"),
        )?;
        let program = Program::start(example, &folder)?;
        let picture = home.join(format!("{example}-docs.png"));
        let status = Command::new("node")
            .args(["docs.mjs", &program.url])
            .args([&browser, &picture])
            .arg(path)
            .current_dir(&home)
            .status()
            .map_err(Failure::because("failed to run `node`"))?;
        Failure::unless(status, format!("the page of `{example}` does not work in the browser"))?;
        println!("{example}: {}", picture.display());
    }
    Ok(())
}

fn browser() -> Result<PathBuf, Failure> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&folders).flat_map(|folder| BROWSERS.map(|name| folder.join(name)));
    places.find(|place| place.is_file()).ok_or_else(|| {
        Failure::new("there is no Chromium")
            .hint("install it: `apt-get install chromium` on Debian, or Chrome elsewhere")
    })
}

/// A running example, ended with this value.
struct Program {
    child: Child,
    url: String,
}

impl Program {
    /// Starts it on a free port, on new SQLite files.
    fn start(example: &str, folder: &Path) -> Result<Program, Failure> {
        let target = std::env::var_os("CARGO_TARGET_DIR").map(Into::into);
        let target = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"));
        let mut child = Command::new(target.join("debug").join(example))
            .args(["run", "--port", "0", "--upgrade"])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Failure::because(format!("failed to start `{example}`")))?;
        let lines = child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines).map_while(Result::ok);
        let url = lines
            .filter_map(|line| line.split_whitespace().find(|it| it.starts_with("http://")).map(str::to_owned))
            .next();
        let program = Program { child, url: url.unwrap_or_default() };
        if program.url.is_empty() {
            Err(Failure::new(format!("`{example}` does not say where it listens")))
        } else {
            Ok(program)
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
