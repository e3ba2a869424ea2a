//! Who goes at once, and who waits to go together with others: no timer holds anybody back.

use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::Result;
use crate::statement::Answer;

/// How long those who wait do so for what is under way, and how much longer where that usually takes long: a multiple of
/// it. Then they go another way.
const PATIENCE: Duration = Duration::from_millis(20);
const MORE: u32 = 4;

/// What comes of waiting: an answer, or none, and then nothing was done.
pub(super) type Outcome = Option<Result<Answer>>;

/// What is done for many at once.
pub(super) trait Together: Send + Sync + Sized + 'static {
    /// What each of them asks.
    type Asked: Send + 'static;

    /// How many go together at most.
    const MOST: usize;

    /// What takes longer is not usual.
    const SLOWEST: Duration;

    fn queue(&self) -> &Queue<Self::Asked>;

    /// Asks for all of them, and tells each. Who is not told goes another way.
    fn answer(&self, waiting: Vec<Waiting<Self::Asked>>) -> impl Future<Output = ()> + Send;

    /// Takes a turn, or waits for those who have one.
    fn enter(self: &Arc<Self>, asked: impl FnOnce() -> Self::Asked) -> Turn<Self> {
        let mut state = self.queue().state();
        if std::mem::replace(&mut state.is_under_way, true) {
            let (answer, receiver) = oneshot::channel();
            state.waiting.push_back(Waiting { asked: asked(), answer });
            return Turn::Wait(receiver);
        }
        Turn::Now(Going { together: self.clone(), begun: Instant::now() })
    }
}

/// One under way at a time, alone or for many, and those who wait, each with what he asks.
#[derive(Debug)]
pub(super) struct Queue<T>(Mutex<State<T>>);

#[derive(Debug)]
struct State<T> {
    is_under_way: bool,
    waiting: VecDeque<Waiting<T>>,
    usual: Duration,
}

/// One who waits.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    pub(super) asked: T,
    pub(super) answer: oneshot::Sender<Outcome>,
}

pub(super) enum Turn<B: Together> {
    /// He goes at once, and alone.
    Now(Going<B>),
    /// He is told by those who go for him.
    Wait(oneshot::Receiver<Outcome>),
}

/// A turn. At its end those go who have come meanwhile, and so on until nobody waits, also where the one who has begun it
/// goes away.
pub(super) struct Going<B: Together> {
    together: Arc<B>,
    begun: Instant,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue(Mutex::new(State { is_under_way: false, waiting: VecDeque::new(), usual: Duration::ZERO }))
    }
}

impl<T> Queue<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a turn takes, about.
    pub(super) fn usual(&self) -> Duration {
        self.state().usual
    }

    /// Ends a turn that has begun then: gives those who go next. Where there are none, nobody is under way.
    fn next(&self, begun: Instant, most: usize, slowest: Duration) -> Vec<Waiting<T>> {
        let mut state = self.state();
        state.usual = (7 * state.usual + begun.elapsed().min(slowest)) / 8;
        // Those who do not wait any more are not asked for.
        state.waiting.retain(|one| !one.answer.is_closed());
        let many = state.waiting.len().min(most);
        let next: Vec<_> = state.waiting.drain(..many).collect();
        state.is_under_way = !next.is_empty();
        next
    }
}

impl<B: Together> Going<B> {
    /// Does what the turn is for. Where that takes long, those who wait for its end go another way.
    pub(super) async fn watch<T>(&self, mut turn: Pin<&mut (impl Future<Output = T> + Send)>) -> T {
        loop {
            let patience = PATIENCE + MORE * self.together.queue().usual();
            match timeout(patience, turn.as_mut()).await {
                Ok(ended) => return ended,
                Err(_) => self.together.queue().state().waiting.clear(),
            }
        }
    }
}

impl<B: Together> Drop for Going<B> {
    fn drop(&mut self) {
        let waiting = self.together.queue().next(self.begun, B::MOST, B::SLOWEST);
        if waiting.is_empty() {
            return;
        }
        let going = Going { together: self.together.clone(), begun: Instant::now() };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move { going.watch(pin!(going.together.answer(waiting))).await })),
            // Without a runtime they all go another way.
            Err(_) => drop(waiting),
        }
    }
}
