//! Running data steps, and passing on what they say of their progress.

use std::time::{Duration, Instant};

use crocus_orm::{Connection, Error, ErrorKind};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::data::{Data, DataFuture, DataResult, DataStep, Run};
use crate::runner::Step;

/// How often progress is passed on.
const SAY_EVERY: Duration = Duration::from_secs(1);

/// Runs a step once, in the transaction that is open. `false`: it has to be run again.
pub(super) async fn run(
    connection: &Connection,
    step: &DataStep,
    on_step: &mut impl FnMut(Step<'_>),
) -> crocus_orm::Result<bool> {
    let (sender, receiver) = unbounded_channel();
    let data = Data::new(connection, &sender);
    let done = match &step.run {
        Run::Once(run) => listen(run(data), receiver, step, on_step).await.map(|()| true),
        Run::Batches(run) => listen(run(data), receiver, step, on_step).await.map(|written| written == 0),
    };
    done.map_err(|error| match error.downcast::<Error>() {
        // The database's own: whether it is a conflict decides what happens next.
        Ok(error) => *error,
        Err(error) => Error::new(ErrorKind::Database, error.to_string()).with_source(error),
    })
}

async fn listen<T>(
    mut run: DataFuture<'_, T>,
    mut progress: UnboundedReceiver<(u64, u64)>,
    step: &DataStep,
    on_step: &mut impl FnMut(Step<'_>),
) -> DataResult<T> {
    let mut said: Option<Instant> = None;
    let mut say = |(done, total)| {
        if done == total || said.is_none_or(|said| said.elapsed() > SAY_EVERY) {
            said = Some(Instant::now());
            on_step(Step::Progress { name: &step.name, done, total });
        }
    };
    loop {
        tokio::select! {
            biased;
            Some(place) = progress.recv() => say(place),
            result = &mut run => {
                while let Ok(place) = progress.try_recv() {
                    say(place);
                }
                return result;
            }
        }
    }
}
