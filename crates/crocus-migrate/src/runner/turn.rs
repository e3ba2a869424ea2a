//! Turning round: what an upgrade has left half-way is undone by a downgrade.
//!
//! The steps that are done are undone by the last ones of the revision's `downgrade`, where each of these undoes one of
//! those. The revision is then one that is half undone, and the downgrade goes on with it as with any other.

use crocus_orm::{Connection, Dialect};

use super::{begin, job};
use crate::execute::whole_steps;
use crate::history::{self, Applied};
use crate::operation::Operation;
use crate::progress::{Position, Progress};
use crate::revision::{Graph, Migration};
use crate::runner::{Direction, Options};
use crate::{Error, ErrorKind, Result};

/// The revision that an upgrade has left half-way.
pub(super) fn half_applied(graph: &Graph, recorded: &Applied) -> Option<usize> {
    let is_it =
        |progress: &str| Progress::parse(progress).is_some_and(|progress| progress.direction == Direction::Upgrade);
    let found = recorded.records().iter().find(|record| record.progress.as_deref().is_some_and(is_it))?;
    graph.position(&found.revision)
}

/// Records a revision that is half applied as one that is half undone.
pub(super) async fn turn_round(
    connection: &Connection,
    migration: &Migration,
    downgrade: &[Operation],
    options: &Options,
    recorded: &Applied,
) -> Result<()> {
    let operations = migration.operations(migration.upgrade)?;
    let left = job(migration, Direction::Upgrade, &operations, options, recorded)?;
    let done = left.start.operation.min(operations.len());
    let refused = |why: String| {
        let kept = left.start.kept().unwrap_or_else(|| "step 1 has begun".to_owned());
        let text = format!("{} is half applied: {kept}", left.what);
        Error::new(ErrorKind::History, text).with_hint(format!("`db upgrade` goes on with it; {why}"))
    };
    if let Some(step) = not_undone(&operations[..done], downgrade) {
        let (number, operation) = (step + 1, &operations[step]);
        return Err(refused(format!(
            "it cannot be undone from here, since its `downgrade` has no step of its own that undoes step {number}, \
             {operation}"
        )));
    }
    // A failure at the first step of a downgrade says that all of the revision is applied.
    let is_first = done == downgrade.len() && done < operations.len();
    if is_first || connection.dialect() != Dialect::Postgres || !whole_steps(connection, &left).await? {
        return Err(refused(
            "it cannot be undone from here, since it is not known what is done of the next step".to_owned(),
        ));
    }
    let at = Position { operation: downgrade.len() - done, part: 0 };
    let progress = Progress { direction: Direction::Downgrade, at }.with_operations(downgrade);
    begin(connection, &mut |_| ()).await?;
    history::set_progress(connection, migration, &options.program, Some(&progress)).await?;
    Ok(connection.batch("COMMIT").await?)
}

/// The last of these operations that is not undone by its counterpart at the end of a downgrade.
fn not_undone(done: &[Operation], downgrade: &[Operation]) -> Option<usize> {
    let counterpart = |at: usize| downgrade.len().checked_sub(at + 1).and_then(|place| downgrade.get(place));
    (0..done.len()).rev().find(|at| !counterpart(*at).is_some_and(|undo| undo.undoes(&done[*at])))
}
