//! `cargo xtask clients`: PostgREST's own clients, unmodified, drive the dealership on SQLite and on PostgreSQL. The checks
//! are in `clients`, a program for each language.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use crocus_testing::Cluster;

use crate::failure::Failure;
use crate::program::Program;
use crate::{cargo, node, postgres, python};

/// A language, what is missing when it is not installed, and how its program is made ready.
struct Client {
    name: &'static str,
    needs: &'static str,
    is_there: fn() -> bool,
    prepare: fn(&Path) -> Result<Command, Failure>,
}

const CLIENTS: [Client; 3] = [
    Client {
        name: "JavaScript",
        needs: "Node 20 or later, with npm",
        is_there: node::is_installed,
        prepare: javascript,
    },
    Client {
        name: "Python",
        needs: "Python 3.11 or later, with `venv`",
        is_there: python::is_installed,
        prepare: python,
    },
    Client { name: "Rust", needs: "cargo", is_there: || true, prepare: rust },
];

/// Runs every client against both databases. One whose language is not installed is told and left out, but not where `CI`
/// is set.
pub(crate) fn run() -> Result<(), Failure> {
    postgres::ensure_installed()?;
    let server = Cluster::start().map_err(Failure::because("failed to start PostgreSQL"))?;
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/clients");
    fs::create_dir_all(&home).map_err(Failure::because(format!("failed to make `{}`", home.display())))?;
    let mut failed = Vec::new();
    for client in CLIENTS {
        if !(client.is_there)() {
            if std::env::var_os("CI").is_some() {
                return Err(Failure::new(format!("{} is missing", client.needs)));
            }
            println!("{}: not run, because {} is missing", client.name, client.needs);
            continue;
        }
        // Each has databases of its own: the checks write.
        let url = |name: &str| server.url(&format!("{}_{name}", client.name.to_lowercase()));
        for (database, urls) in [("sqlite", None), ("postgresql", Some(&url as &dyn Fn(&str) -> String))] {
            println!("\n{} on {database}", client.name);
            let program = Program::start("dealership", &home.join("instance"), urls)?;
            seed(&program.url)?;
            let url = format!("{}/api", program.url.trim_end_matches('/'));
            let mut command = (client.prepare)(&home)?;
            let status = command.args([&url, database]).status();
            let status = status.map_err(Failure::because(format!("failed to run {command:?}")))?;
            if !status.success() {
                failed.push(format!("{} on {database}", client.name));
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(Failure::new(format!("checks failed: {}", failed.join(", ")))) }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

fn javascript(home: &Path) -> Result<Command, Failure> {
    let changed = copy(home, &["package.json", "package-lock.json", "checks.mjs"])?;
    if changed || !home.join("node_modules").is_dir() {
        let options = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
        finish(Command::new("npm").args(options).current_dir(home))?;
    }
    let mut command = Command::new("node");
    command.arg("checks.mjs").current_dir(home);
    Ok(command)
}

fn python(_: &Path) -> Result<Command, Failure> {
    let requirements = source().join("requirements.txt");
    let mut command = Command::new(python::with_requirements("clients-python", &requirements)?);
    command.arg(source().join("checks.py"));
    Ok(command)
}

fn rust(home: &Path) -> Result<Command, Failure> {
    let manifest = source().join("crate/Cargo.toml");
    let target = home.join("crate");
    finish(
        cargo()
            .args(["build", "--quiet", "--locked", "--manifest-path"])
            .arg(manifest)
            .arg("--target-dir")
            .arg(&target),
    )?;
    Ok(Command::new(target.join("debug/checks")))
}

/// Copies files of the sources; whether the first two are others than were there.
fn copy(home: &Path, files: &[&str]) -> Result<bool, Failure> {
    let mut changed = false;
    for (at, file) in files.iter().enumerate() {
        let (from, to) = (source().join(file), home.join(file));
        changed |= at < 2 && fs::read(&from).ok() != fs::read(&to).ok();
        fs::copy(&from, &to).map_err(Failure::because(format!("failed to write `{}`", to.display())))?;
    }
    Ok(changed)
}

fn finish(command: &mut Command) -> Result<(), Failure> {
    let shown = format!("{command:?}");
    let status = command.status().map_err(Failure::because(format!("failed to run {shown}")))?;
    Failure::unless(status, format!("{shown} failed"))
        .map_err(|failure| failure.hint("a package registry must be within reach"))
}

/// Adds what the cases of the dealership begin with.
fn seed(url: &str) -> Result<(), Failure> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/dealership/tests/cases/seed.http");
    let text = fs::read_to_string(&path).map_err(Failure::because(format!("failed to read `{}`", path.display())))?;
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    for request in text.split("\n\n") {
        let mut lines = request.lines().map(|line| line.trim_start_matches('>').trim());
        let (first, body) = (lines.next().unwrap_or_default(), lines.collect::<String>());
        let head =
            format!("{first} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json");
        let message = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let mut answer = String::new();
        let mut ask = || {
            let mut stream = TcpStream::connect(address)?;
            stream.write_all(message.as_bytes())?;
            stream.read_to_string(&mut answer)
        };
        ask().map_err(Failure::because(format!("failed to send `{first}`")))?;
        if !answer.starts_with("HTTP/1.1 201") {
            return Err(Failure::new(format!("`{first}` was answered: {answer}")));
        }
    }
    Ok(())
}
