//! What is left when a test process ends without running its destructors: nothing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crocus_testing::{Cluster, TempDir};

const HOW: &str = "CLEAN_UP_TEST";

#[test]
#[ignore = "not a test of its own: the others run it in a process that they then end"]
fn victim() {
    let Ok(how) = env::var(HOW) else { return };
    let cluster = Cluster::start().unwrap();
    println!("\nVICTIM {} {}", cluster.port(), cluster.folder().display());
    match how.as_str() {
        "exit" => std::process::exit(0),
        "abort" => std::process::abort(),
        _ => thread::sleep(Duration::from_secs(600)),
    }
}

fn start(how: &str, place: Option<&Path>) -> Child {
    let place = place.map_or_else(env::temp_dir, Path::to_owned);
    Command::new(env::current_exe().unwrap())
        .env("TMPDIR", place)
        .args(["--exact", "victim", "--ignored", "--nocapture"])
        .env(HOW, how)
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Ends a process that holds a cluster, and waits until the cluster is gone.
#[track_caller]
fn assert_nothing_stays(how: &str, end: impl FnOnce(&mut Child)) {
    let mut child = start(how, None);
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let line = stdout.lines().map(Result::unwrap).find(|line| line.starts_with("VICTIM")).expect("the cluster starts");
    let (port, folder) = line["VICTIM ".len()..].split_once(' ').unwrap();
    let port: u16 = port.parse().unwrap();

    end(&mut child);
    child.wait().unwrap();
    let answers = || TcpStream::connect(("127.0.0.1", port)).is_ok();
    wait_until(|| !Path::new(folder).exists() && !answers());
}

#[track_caller]
fn wait_until(condition: impl Fn() -> bool) {
    for _ in 0..200 {
        if condition() {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("something of a cluster is still there after 20 seconds");
}

#[test]
fn after_a_kill() {
    assert_nothing_stays("sleep", |child| child.kill().unwrap());
}

#[test]
fn after_an_interrupt_of_the_whole_process_group() {
    assert_nothing_stays("sleep", |child| {
        let number = child.id().to_string();
        let status = Command::new("sh").args(["-c", "kill -INT -$0", &number]).status();
        assert!(status.unwrap().success());
    });
}

#[test]
fn after_an_exit_without_destructors() {
    assert_nothing_stays("exit", |_| {});
    assert_nothing_stays("abort", |_| {});
}

#[test]
fn after_a_kill_at_any_moment_of_the_start() {
    let place = TempDir::new().unwrap();
    // The server's account must get to its folder.
    fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
    for delay in [10, 100, 300, 600, 900, 1200] {
        let mut child = start("sleep", Some(place.path()));
        thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let left = || fs::read_dir(place.path()).unwrap().count();
    wait_until(|| left() == 0);
    thread::sleep(Duration::from_secs(1));
    assert_eq!(left(), 0, "something was made after the clean-up");
}
