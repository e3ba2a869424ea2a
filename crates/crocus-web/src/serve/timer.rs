//! The timer of a connection: one of the runtime's for all the heads that come over it.
//!
//! hyper sets a timer for each request's head, and takes it away when the head is there. The runtime's own would go into its
//! queue and out of it each time; and one that rings sooner than all others wakes the thread that waits for the next.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt;

/// What a connection's waits share. It is for one task, which all its waits wake.
#[derive(Debug, Clone, Default)]
pub(super) struct Timer(Arc<Mutex<Option<Pin<Box<tokio::time::Sleep>>>>>);

/// A wait until a time. The timer may ring sooner, for an earlier wait: then it is set anew.
struct Wait {
    timer: Timer,
    until: Instant,
}

impl rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, until: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Wait { timer: self.clone(), until })
    }

    fn now(&self) -> Instant {
        // The runtime's clock, which tests can stop.
        tokio::time::Instant::now().into_std()
    }
}

impl rt::Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let until = tokio::time::Instant::from_std(self.until);
        let mut timer = self.timer.0.lock().unwrap_or_else(PoisonError::into_inner);
        let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if timer.deadline() > until {
            timer.as_mut().reset(until);
        }
        loop {
            ready!(timer.as_mut().poll(context));
            if timer.deadline() >= until {
                return Poll::Ready(());
            }
            timer.as_mut().reset(until);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use hyper::rt::Timer as _;
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_at_its_time_and_not_at_that_of_an_earlier_one() {
        let timer = Timer::default();
        let begun = timer.now();
        let mut early = timer.sleep(Duration::from_secs(10));
        assert!(early.as_mut().now_or_never().is_none());
        drop(early);
        advance(Duration::from_secs(4)).await;
        timer.sleep(Duration::from_secs(10)).await;
        assert_eq!((timer.now() - begun).as_secs(), 14);
        timer.sleep(Duration::from_secs(10)).await;
        assert_eq!((timer.now() - begun).as_secs(), 24);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_is_shorter_than_the_one_before_it_is_not_too_long() {
        let timer = Timer::default();
        let begun = timer.now();
        let mut long = timer.sleep(Duration::from_secs(10));
        assert!(long.as_mut().now_or_never().is_none());
        timer.sleep(Duration::from_secs(3)).await;
        assert_eq!((timer.now() - begun).as_secs(), 3);
    }
}
