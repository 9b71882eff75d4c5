//! Locks, atomics and threads: the real ones, or loom's in a model.

use std::sync::PoisonError;
use std::time::Duration;

#[cfg(not(all(loom, test)))]
pub(crate) use {
    parking_lot::Mutex as Lock,
    parking_lot::MutexGuard as LockGuard,
    std::sync::atomic,
    std::sync::{Condvar, Mutex, MutexGuard},
    thread::Thread,
};

#[cfg(all(loom, test))]
pub(crate) use {
    loom::sync::atomic,
    loom::sync::MutexGuard as LockGuard,
    loom::sync::{Condvar, Mutex, MutexGuard},
    model::{Lock, Thread},
};

/// A lock with a condition, for threads that may sleep for long.
///
/// Uses the standard library's types, which keep all their state in themselves. Those of
/// `parking_lot` register sleeping threads in a table of the process. A forked child would inherit
/// entries of threads that it does not have.
#[derive(Debug)]
pub(crate) struct Monitor<T> {
    state: Mutex<T>,
    changed: Condvar,
}

impl<T> Monitor<T> {
    pub(crate) fn new(state: T) -> Self {
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Ignores poisoning: no code panics with this lock.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until [`Monitor::notify_all`] is called or `timeout` has passed. Returns whether it
    /// has passed.
    pub(crate) fn wait<'a>(&self, guard: MutexGuard<'a, T>, timeout: Duration) -> (MutexGuard<'a, T>, bool) {
        let (guard, result) = self.changed.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner);
        (guard, result.timed_out())
    }

    pub(crate) fn notify_all(&self) {
        self.changed.notify_all();
    }
}

#[cfg(not(all(loom, test)))]
mod thread {
    /// A thread that parks itself and that others unpark.
    #[derive(Debug)]
    pub(crate) struct Thread(std::thread::Thread);

    impl Thread {
        pub(crate) fn current() -> Self {
            Self(std::thread::current())
        }

        /// Only the thread itself calls it.
        pub(crate) fn park(&self) {
            std::thread::park();
        }

        pub(crate) fn unpark(&self) {
            self.0.unpark();
        }
    }
}

#[cfg(all(loom, test))]
mod model {
    use std::time::Instant;

    use super::LockGuard;

    /// A thread's park token. Not loom's own, which also ends waits of the thread for locks.
    #[derive(Debug)]
    pub(crate) struct Thread {
        token: loom::sync::Mutex<bool>,
        changed: loom::sync::Condvar,
    }

    impl Thread {
        pub(crate) fn current() -> Self {
            Self { token: loom::sync::Mutex::new(false), changed: loom::sync::Condvar::new() }
        }

        pub(crate) fn park(&self) {
            let mut token = self.token.lock().unwrap();
            while !std::mem::take(&mut *token) {
                token = self.changed.wait(token).unwrap();
            }
        }

        pub(crate) fn unpark(&self) {
            *self.token.lock().unwrap() = true;
            self.changed.notify_all();
        }
    }

    /// `parking_lot`'s interface on loom's lock.
    #[derive(Debug)]
    pub(crate) struct Lock<T>(loom::sync::Mutex<T>);

    impl<T> Lock<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> LockGuard<'_, T> {
            self.0.lock().unwrap()
        }

        pub(crate) fn try_lock(&self) -> Option<LockGuard<'_, T>> {
            self.0.try_lock().ok()
        }

        /// In a model no time passes.
        pub(crate) fn try_lock_until(&self, _deadline: Instant) -> Option<LockGuard<'_, T>> {
            Some(self.lock())
        }
    }
}
