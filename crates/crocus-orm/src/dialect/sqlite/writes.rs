//! Writes outside of transactions. One that finds the writer free leaves at once; those that come while it is busy wait
//! in one queue, and are committed together: the disk is waited for once.
//!
//! Whoever comes first has the [`Turn`]: it waits for the writer among the transactions that want it, and gives it back
//! when the queue is empty, or between two commits where a transaction waits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use deadpool::managed::{self, Object, Timeouts};
use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::connection::{ended, release, send};
use super::group;
use super::pool::{Manager, checked_out, closed};
use super::running::Driver;
use crate::observe::Watch;
use crate::statement::{Answer, Statement};
use crate::{Error, Result};

/// Writes in one commit at most.
const MOST: usize = 256;

/// The writes that wait.
#[derive(Debug)]
pub(super) struct Writes {
    /// In one commit at most.
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Write>,
    /// The number of the write that came last.
    last: u64,
    /// Whether somebody has the turn.
    is_served: bool,
    /// Whether that one waits for the writer.
    is_waiting: bool,
}

/// A write that waits, or runs.
#[derive(Debug)]
pub(super) struct Write {
    number: u64,
    pub(super) statement: Arc<Statement>,
    /// Gone when its caller is.
    pub(super) caller: Weak<()>,
    told: oneshot::Sender<Told>,
}

/// What a caller hears.
#[derive(Debug)]
enum Told {
    /// The statement was run, and took so long.
    Ran(Result<Answer>, Duration),
    /// There was no connection to run it.
    NotRun(Error),
}

/// A write that was run, and what is to be told of it.
pub(super) struct Done {
    pub(super) write: Write,
    pub(super) result: Result<Answer>,
    pub(super) duration: Duration,
}

/// The right to serve the queue. When it is lost, as with the runtime that it waits in, all that wait are told.
struct Turn {
    writes: Arc<Writes>,
    pool: managed::Pool<Manager>,
    is_over: bool,
}

impl Writes {
    /// Each has a commit of its own, unless they `share` it.
    pub(super) fn new(share: bool) -> Writes {
        Writes { most: if share { MOST } else { 1 }, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many wait, beside the one that does so in the pool.
    pub(super) fn waiting(&self) -> usize {
        let state = self.state();
        state.queue.len().saturating_sub(usize::from(state.is_waiting))
    }

    /// Runs a statement that writes, with others that come at the same time. It waits for its turn so long at most.
    pub(super) async fn write(
        self: &Arc<Self>,
        pool: &managed::Pool<Manager>,
        statement: &Arc<Statement>,
        patience: Duration,
        watch: &Watch,
    ) -> Result<Answer> {
        // What is served goes on to its end, which must come.
        if pool.is_closed() {
            return Err(closed());
        }
        let caller = Arc::new(());
        let (told, mut answer) = oneshot::channel();
        let (number, is_first) = {
            let mut state = self.state();
            state.last += 1;
            let number = state.last;
            state.queue.push_back(Write {
                number,
                statement: statement.clone(),
                caller: Arc::downgrade(&caller),
                told,
            });
            (number, !std::mem::replace(&mut state.is_served, true))
        };
        if is_first {
            Turn { writes: self.clone(), pool: pool.clone(), is_over: false }.start();
        }
        let answer = loop {
            match tokio::time::timeout(patience, &mut answer).await {
                Ok(answer) => break answer,
                // The writer is being opened, and in nobody's use.
                Err(_) if pool.status().size == 0 => {}
                Err(_) if self.withdraw(number) => return Err(Error::all_in_use()),
                // It is running.
                Err(_) => break answer.await,
            }
        };
        let (result, duration) = match answer.map_err(|_| ended())? {
            Told::Ran(result, duration) => (result, duration),
            Told::NotRun(error) => return Err(error),
        };
        watch.round_trip();
        let result = result.map_err(|error| error.redact(statement));
        match &result {
            Ok(answer) => watch.answered_in(0, duration, answer.count()),
            Err(error) => watch.failed_in(0, duration, error),
        }
        result
    }

    /// Takes a write out of the queue. `false`: it is not there any more.
    fn withdraw(&self, number: u64) -> bool {
        let mut state = self.state();
        let place = state.queue.iter().position(|write| write.number == number);
        place.is_some_and(|place| state.queue.remove(place).is_some())
    }

    /// What is run next: one write, or several that can be committed together. Those that nobody waits for are left out.
    fn next(&self, driver: &Driver) -> Vec<Write> {
        let mut next: Vec<Write> = Vec::new();
        let mut state = self.state();
        while next.len() < self.most {
            let Some(write) = state.queue.pop_front() else { break };
            if write.caller.strong_count() == 0 {
                continue;
            }
            let joins = group::joins(driver, &write.statement);
            if !joins && !next.is_empty() {
                state.queue.push_front(write);
                break;
            }
            next.push(write);
            if !joins {
                break;
            }
        }
        next
    }

    /// Puts back what was not run, as it was.
    fn put_back(&self, writes: Vec<Write>) {
        let mut state = self.state();
        for write in writes.into_iter().rev() {
            state.queue.push_front(write);
        }
    }
}

impl Turn {
    fn start(self) {
        let at_once = Timeouts { wait: Some(Duration::ZERO), ..Timeouts::new() };
        // Opening a connection takes longer than one poll.
        let is_idle = self.pool.status().available > 0;
        match is_idle.then(|| self.pool.timeout_get(&at_once).now_or_never()) {
            Some(Some(Ok(connection))) => self.hand_over(connection, Handle::current()),
            _ => drop(tokio::spawn(self.wait())),
        }
    }

    /// Waits for the writer as long as it takes: each write has its own patience.
    async fn wait(mut self) {
        loop {
            self.writes.state().is_waiting = true;
            let result = self.pool.timeout_get(&Timeouts::new()).await;
            self.writes.state().is_waiting = false;
            let error = match checked_out(result) {
                Ok(connection) => return self.hand_over(connection, Handle::current()),
                Err(error) => error,
            };
            let first = {
                let mut state = self.writes.state();
                let first = state.queue.pop_front();
                state.is_served = first.is_some();
                first
            };
            match first {
                Some(first) => first.tell(Told::NotRun(error)),
                None => return self.is_over = true,
            }
        }
    }

    /// Lets the connection's thread serve the queue.
    fn hand_over(self, connection: Object<Manager>, runtime: Handle) {
        // A thread that has ended drops the turn.
        drop(send(connection, move |driver, connection| self.serve(driver, connection, &runtime)));
    }

    fn serve(mut self, driver: &mut Driver, connection: Object<Manager>, runtime: &Handle) {
        let limit = connection.limit();
        loop {
            let (done, rest) = group::run(driver, self.writes.next(driver), limit);
            self.writes.put_back(rest);
            let mut state = self.writes.state();
            if state.queue.is_empty() {
                state.is_served = false;
                // The writer is free before its callers hear of it.
                release(driver, connection);
                drop(state);
                self.is_over = true;
                return tell(done);
            }
            drop(state);
            if self.pool.status().waiting > 0 || !driver.raw.is_autocommit() {
                runtime.spawn(self.wait());
                release(driver, connection);
                return tell(done);
            }
            tell(done);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let left = {
            let mut state = self.writes.state();
            (state.is_served, state.is_waiting) = (false, false);
            std::mem::take(&mut state.queue)
        };
        for write in left {
            write.tell(Told::NotRun(ended()));
        }
    }
}

impl Write {
    fn tell(self, told: Told) {
        // A caller that is gone does not want to know.
        drop(self.told.send(told));
    }
}

fn tell(done: Vec<Done>) {
    for Done { write, result, duration } in done {
        write.tell(Told::Ran(result, duration));
    }
}
