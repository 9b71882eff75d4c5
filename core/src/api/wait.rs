//! Waits for a future on the calling thread: the base of all blocking methods.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::reactor::{Handle, Parker};

pub(super) fn wait_for<F: Future>(future: F) -> F::Output {
    wait(future, Parker::park)
}

/// As [`wait_for`], for a future that the endpoint behind `handle` completes. The thread leads meanwhile: it reads the connection.
pub(super) fn wait_for_peer<C, F: Future>(handle: &Handle<C>, future: F) -> F::Output {
    wait(future, |sleeper| {
        if !sleeper.can_poll() || !handle.lead(None, |descriptor| sleeper.poll(descriptor)) {
            sleeper.park();
        }
    })
}

fn wait<F: Future>(future: F, mut sleep: impl FnMut(&Parker)) -> F::Output {
    let sleeper = Parker::current();
    let waker = sleeper.waker();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        sleep(&sleeper);
    }
}

/// Adds a waker unless it is in the list.
pub(super) fn remember(wakers: &mut Vec<Waker>, waker: &Waker) {
    if !wakers.iter().any(|known| known.will_wake(waker)) {
        wakers.push(waker.clone());
    }
}
