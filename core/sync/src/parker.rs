//! Where a thread sleeps until it is woken.
//!
//! ```text
//!              wake: unpark the thread
//!   AWAKE ──────────────────────────────► WOKEN
//!    │ ▲ ◄──────────────────────────────── │ ▲
//!    │ │        park or poll returns         │
//!    │ │                                     │ wake: raise the signal
//!    │ └── poll returns: descriptor ──┐      │
//!    └── poll begins ─────────────► POLLING ─┘
//! ```
//!
//! A wake-up is a swap to `WOKEN`; the value that was there names the means of waking. The sleeper
//! returns only after a swap to `AWAKE`, and that swap returns `WOKEN` if a wake-up came since the
//! last one. So a wake-up before the sleep ends it, and several before it count as one. A signal
//! can be raised late, after the poll that it was for: it ends the next poll early, and the caller
//! looks again.

use crate::primitives::atomic::{AtomicU8, Ordering};
use crate::primitives::Thread;
use crate::Signal;

/// Not woken. The thread runs, or sleeps in `park`.
const AWAKE: u8 = 0;
/// Not woken. The thread polls, or is about to.
const POLLING: u8 = 1;
/// Woken since the thread last looked.
const WOKEN: u8 = 2;

/// The sleep of one thread. Only this thread calls [`Parker::park`] and [`Parker::poll`]; any
/// thread calls [`Parker::wake`].
#[derive(Debug)]
pub struct Parker<S> {
    thread: Thread,
    state: AtomicU8,
    signal: S,
}

impl<S: Signal> Parker<S> {
    /// The parker of the current thread. `signal` ends its polls.
    pub fn new(signal: S) -> Self {
        Self { thread: Thread::current(), state: AtomicU8::new(AWAKE), signal }
    }

    /// The signal that ends a poll.
    pub fn signal(&self) -> &S {
        &self.signal
    }

    /// Ends the current sleep, or the next one. Costs a system call only if the thread sleeps.
    pub fn wake(&self) {
        match self.state.swap(WOKEN, Ordering::AcqRel) {
            // No system call unless the thread is parked.
            AWAKE => self.thread.unpark(),
            POLLING => self.signal.raise(),
            _ => {}
        }
    }

    /// Sleeps until a wake-up; returns at once after one since the last sleep.
    ///
    /// # Blocking
    ///
    /// Blocks until another thread calls [`Parker::wake`].
    pub fn park(&self) {
        while self.state.swap(AWAKE, Ordering::AcqRel) != WOKEN {
            self.thread.park();
        }
    }

    /// Calls `poll`, unless there was a wake-up since the last sleep. `poll` waits for the signal
    /// and for a descriptor of its own, and returns whether the signal was raised. Returns whether
    /// there was a wake-up.
    ///
    /// # Blocking
    ///
    /// Blocks as long as `poll` does.
    pub fn poll(&self, poll: impl FnOnce(&S) -> bool) -> bool {
        let begins = self.state.compare_exchange(AWAKE, POLLING, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if begins && poll(&self.signal) {
            self.signal.clear();
        }
        self.state.swap(AWAKE, Ordering::AcqRel) == WOKEN
    }
}
