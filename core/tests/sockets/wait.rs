//! Waits that time out.

use std::future::Future;
use std::pin::pin;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// The timeout of every wait in these tests.
pub(crate) const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Returns the future's output; panics if it takes too long.
#[track_caller]
pub(crate) fn within<F: Future>(what: &str, future: F) -> F::Output {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "timed out: {what}");
        thread::park_timeout(left);
    }
}

/// Returns the next item of a channel; panics if it takes too long or the channel is closed.
#[track_caller]
pub(crate) fn receive<T>(what: &str, receiver: &Receiver<T>) -> T {
    match receiver.recv_timeout(WAIT_TIMEOUT) {
        Ok(value) => value,
        Err(RecvTimeoutError::Timeout) => panic!("timed out: {what}"),
        Err(RecvTimeoutError::Disconnected) => panic!("the channel is closed: {what}"),
    }
}

/// Calls `attempt` until it returns a value: for states that no event reports.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(Instant::now() < deadline, "timed out: {what}");
        thread::park_timeout(Duration::from_millis(2));
    }
}

/// Runs something that may hang on its own thread; panics if it hangs.
#[track_caller]
pub(crate) fn finishes<T: Send + 'static>(what: &str, run: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || sender.send(run()));
    receive(what, &receiver)
}
