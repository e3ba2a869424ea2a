//! Who goes at once, and who waits to go together with others: no timer holds anybody back.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::Result;
use crate::statement::Answer;

/// How long one waits for those before him to end, and how much longer where they usually take long: a multiple of that.
/// Then he goes another way.
const PATIENCE: Duration = Duration::from_millis(20);
const MORE: u32 = 4;

/// What comes of waiting: an answer, or none, and then nothing was done.
pub(super) type Outcome = Option<Result<Answer>>;

/// One under way at a time, alone or for many, and those who wait, each with what he asks.
#[derive(Debug)]
pub(super) struct Queue<T> {
    /// What is slower than this is not usual.
    slowest: Duration,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    is_under_way: bool,
    waiting: VecDeque<Waiting<T>>,
    next: u64,
    usual: Duration,
}

/// One who waits.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    number: u64,
    pub(super) asked: T,
    pub(super) answer: oneshot::Sender<Outcome>,
}

/// A turn: whoever has it asks, and then takes those who have come meanwhile.
#[derive(Debug)]
pub(super) enum Turn {
    /// He goes at once, and alone.
    Now,
    Wait(u64, oneshot::Receiver<Outcome>),
}

impl<T> Queue<T> {
    pub(super) fn new(slowest: Duration) -> Queue<T> {
        let state = State { is_under_way: false, waiting: VecDeque::new(), next: 0, usual: Duration::ZERO };
        Queue { slowest, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(&self, asked: impl FnOnce() -> T) -> Turn {
        let mut state = self.state();
        if !std::mem::replace(&mut state.is_under_way, true) {
            return Turn::Now;
        }
        let (answer, receiver) = oneshot::channel();
        let number = state.next;
        state.next += 1;
        state.waiting.push_back(Waiting { number, asked: asked(), answer });
        Turn::Wait(number, receiver)
    }

    /// How long a turn takes, about.
    pub(super) fn usual(&self) -> Duration {
        self.state().usual
    }

    /// Waits for the answer; goes away after a while, if nobody has begun to ask.
    pub(super) async fn wait(&self, number: u64, mut answer: oneshot::Receiver<Outcome>) -> Outcome {
        let patience = PATIENCE + MORE * self.usual();
        match timeout(patience, &mut answer).await {
            Ok(answer) => answer.ok().flatten(),
            Err(_) => {
                let left = {
                    let waiting = &mut self.state().waiting;
                    waiting.iter().position(|one| one.number == number).map(|place| waiting.remove(place))
                };
                if left.is_some() { None } else { answer.await.ok().flatten() }
            }
        }
    }

    /// Ends a turn that has begun then: gives those who go next, at most so many. Where there are none, the turn is over.
    pub(super) fn next(&self, begun: Instant, most: usize) -> Vec<Waiting<T>> {
        let mut state = self.state();
        state.usual = (7 * state.usual + begun.elapsed().min(self.slowest)) / 8;
        // Those who do not wait any more are not asked for.
        state.waiting.retain(|one| !one.answer.is_closed());
        let many = state.waiting.len().min(most);
        let next: Vec<_> = state.waiting.drain(..many).collect();
        state.is_under_way = !next.is_empty();
        next
    }
}
