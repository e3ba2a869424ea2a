//! The ways in which a database is brought from one revision to another.

use std::cell::RefCell;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crocus_migrate::lint::Code;
use crocus_migrate::{
    Direction, Migration, Migrations, Operation, Operations, Options, apply, downgrade, script, upgrade,
};
use crocus_orm::{Dialect, Engine};
use proptest::test_runner::{TestCaseError, TestCaseResult};

/// A way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// In one transaction, without a history.
    Apply,
    /// As `db upgrade` and `db downgrade` do it.
    Run,
    /// By the script of `--sql`.
    Script,
}

/// The revisions, from the base.
pub(crate) const REVISIONS: [&str; 2] = ["a1", "b2"];

thread_local! {
    /// What each revision does: a migration's functions have no other way to it.
    static STEPS: RefCell<[Vec<Operation>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// Says what a revision does.
pub(crate) fn set(revision: usize, operations: &[Operation]) {
    STEPS.with_borrow_mut(|steps| steps[revision] = operations.to_vec());
}

fn forward(op: &mut Operations, revision: usize) {
    STEPS.with_borrow(|steps| steps[revision].iter().for_each(|operation| op.invoke(operation.clone())));
}

fn back(op: &mut Operations, revision: usize) {
    STEPS.with_borrow(|steps| reversed(&steps[revision]).into_iter().for_each(|operation| op.invoke(operation)));
}

pub(crate) fn reversed(operations: &[Operation]) -> Vec<Operation> {
    operations.iter().rev().map(|operation| operation.reverse().unwrap()).collect()
}

fn migrations(revisions: usize) -> Migrations {
    let migration =
        |revision, down_revisions, upgrade: fn(&mut Operations), downgrade: fn(&mut Operations)| Migration {
            revision,
            down_revisions,
            labels: &[],
            depends_on: &[],
            replaces: &[],
            message: "change",
            created: "",
            file: "",
            upgrade,
            downgrade,
        };
    let mut all = vec![
        migration(REVISIONS[0], &[], |op| forward(op, 0), |op| back(op, 0)),
        migration(REVISIONS[1], &["a1"], |op| forward(op, 1), |op| back(op, 1)),
    ];
    all.truncate(revisions);
    Migrations::new("", all)
}

/// Goes over a revision, whose operations are [`set`].
pub(crate) async fn go(engine: &Engine, url: &str, way: Way, revision: usize, direction: Direction) -> TestCaseResult {
    let (before, after) = (["base", REVISIONS[0]][revision], REVISIONS[revision]);
    let options = Options { allow: Code::ALL.to_vec(), ..Options::default() };
    // The second revision is not there while nobody has said what it does.
    let migrations = migrations(revision + 1);
    match (way, direction) {
        (Way::Apply, _) => {
            let steps = STEPS.with_borrow(|steps| match direction {
                Direction::Upgrade => steps[revision].clone(),
                Direction::Downgrade => reversed(&steps[revision]),
            });
            apply(engine, &steps).await.map_err(failed)
        }
        (Way::Run, Direction::Upgrade) => {
            upgrade(engine, &migrations, after, &options, |_| ()).await.map(drop).map_err(failed)
        }
        (Way::Run, Direction::Downgrade) => {
            downgrade(engine, &migrations, before, &options, |_| ()).await.map(drop).map_err(failed)
        }
        (Way::Script, _) => {
            let range = match direction {
                Direction::Upgrade => format!("{before}:{after}"),
                Direction::Downgrade => format!("{after}:{before}"),
            };
            let text = script(&migrations, engine.dialect(), direction, &range, &options).await.map_err(failed)?;
            run(engine, url, &text).await
        }
    }
}

async fn run(engine: &Engine, url: &str, script: &str) -> TestCaseResult {
    if engine.dialect() != Dialect::Postgres {
        let connection = engine.connection().await.unwrap();
        let done = connection.batch(script).await;
        if done.is_err() {
            drop(connection.batch("ROLLBACK").await);
        }
        return done.map_err(|error| TestCaseError::fail(format!("{error} in the script\n{script}")));
    }
    let mut command = Command::new("psql");
    command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(TestCaseError::fail(format!("{errors} in the script\n{script}"))) }
}

pub(crate) fn failed(error: crocus_migrate::Error) -> TestCaseError {
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    TestCaseError::fail(format!("{error}: {cause}"))
}
