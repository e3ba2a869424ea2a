//! The law of squashing, on random histories of three migrations: what stands for two of them leads to the same
//! catalogue as the two, and back.

use std::cell::RefCell;

use crocus_migrate::schema::Schema;
use crocus_migrate::{Applied, Migration, Migrations, Operation, Operations, apply};
use crocus_orm::Engine;
use proptest::test_runner::{TestCaseError, TestCaseResult};

use crate::way::{failed, reversed};
use crate::{Place, catalogue, same};

thread_local! {
    /// What each migration does: its functions have no other way to it.
    static STEPS: RefCell<[Vec<Operation>; 3]> = const { RefCell::new([Vec::new(), Vec::new(), Vec::new()]) };
}

fn forward(op: &mut Operations, number: usize) {
    STEPS.with_borrow(|steps| steps[number].iter().for_each(|operation| op.invoke(operation.clone())));
}

fn back(op: &mut Operations, number: usize) {
    STEPS.with_borrow(|steps| reversed(&steps[number]).into_iter().for_each(|operation| op.invoke(operation)));
}

/// What stands for two of three migrations with these steps, both ways.
fn squash(steps: &[Vec<Operation>; 3], range: &str) -> (Vec<Operation>, Vec<Operation>) {
    STEPS.set(steps.clone());
    let migration = |revision, down_revisions, upgrade, downgrade| Migration {
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
    let list = vec![
        migration("a1", &[], |op| forward(op, 0), |op| back(op, 0)),
        migration("b2", &["a1"], |op| forward(op, 1), |op| back(op, 1)),
        migration("c3", &["b2"], |op| forward(op, 2), |op| back(op, 2)),
    ];
    let migrations = Migrations::new("", list);
    let squashed = migrations.graph().unwrap().squash(range, "squash", None, &Applied::default()).unwrap();
    (squashed.upgrade().to_vec(), squashed.downgrade().to_vec())
}

/// From nothing to the first schema, on to the second, and back to the first by a migration of its own. Gives how many
/// steps squashing has saved.
pub(crate) async fn hold(place: &Place<'_>, before: &Schema, after: &Schema) -> Result<usize, TestCaseError> {
    let engine = place.engine;
    let mut steps = <[Vec<Operation>; 3]>::default();
    let mut there = vec![catalogue::lines(engine).await];
    for (number, models) in [before, after, before].into_iter().enumerate() {
        steps[number] = place.compared(models).await?.operations;
        go(engine, &steps[number]).await.map_err(|error| said(error, &steps[number]))?;
        there.push(catalogue::lines(engine).await);
    }
    for number in (0..3).rev() {
        go(engine, &reversed(&steps[number])).await?;
        is_at(engine, &there[number]).await?;
    }
    let mut saved = 0;
    for (first, range) in [(0, "a1:b2"), (1, "b2:c3")] {
        let (upgrade, downgrade) = squash(&steps, range);
        saved += steps[first].len() + steps[first + 1].len() - upgrade.len();
        for earlier in &steps[..first] {
            go(engine, earlier).await?;
        }
        go(engine, &upgrade).await.map_err(|error| said(error, &upgrade))?;
        is_at(engine, &there[first + 2]).await.map_err(|error| said(error, &upgrade))?;
        go(engine, &downgrade).await.map_err(|error| said(error, &downgrade))?;
        is_at(engine, &there[first]).await.map_err(|error| said(error, &downgrade))?;
        for earlier in steps[..first].iter().rev() {
            go(engine, &reversed(earlier)).await?;
        }
    }
    Ok(saved)
}

async fn go(engine: &Engine, steps: &[Operation]) -> TestCaseResult {
    apply(engine, steps).await.map_err(failed)
}

async fn is_at(engine: &Engine, wanted: &[String]) -> TestCaseResult {
    same(&catalogue::lines(engine).await, wanted)
}

fn said(error: TestCaseError, steps: &[Operation]) -> TestCaseError {
    let steps: Vec<_> = steps.iter().map(ToString::to_string).collect();
    TestCaseError::fail(format!("{error}\nby {steps:#?}"))
}
