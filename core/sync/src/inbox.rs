//! What other threads leave for the I/O thread, and its sleep.
//!
//! ```text
//!  any thread: post                          I/O thread: fall_asleep
//!  1. lock: add the news                     a. swap is_asleep to true
//!  2. swap is_asleep to false                b. lock: is there news?
//!  3. it was true: wake                      c. none: poll, until a wake, a descriptor or a deadline
//!                                            d. wake_up: swap it to false, then take the news
//! ```
//!
//! The lock orders the two. If 1 precedes b, the I/O thread sees the news. If b precedes 1, then a
//! precedes 2, and the other thread sees that the I/O thread sleeps. All writes of `is_asleep` are
//! swaps: they have one order, and each sees the one before it. A superfluous wake-up costs one
//! turn of the loop.

use std::fmt;

use crate::primitives::atomic::{AtomicBool, Ordering};
use crate::primitives::Lock;

/// News for one thread that sleeps in a poll.
pub struct Inbox<N> {
    news: Lock<N>,
    /// Whether the thread polls, or is about to, and must be woken for news.
    is_asleep: AtomicBool,
}

impl<N> fmt::Debug for Inbox<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("is_asleep", &self.is_asleep).finish_non_exhaustive()
    }
}

impl<N: Default> Default for Inbox<N> {
    fn default() -> Self {
        Self { news: Lock::new(N::default()), is_asleep: AtomicBool::new(false) }
    }
}

impl<N> Inbox<N> {
    /// Adds news by `add`. Calls `wake` if the I/O thread must be woken for it.
    pub fn post(&self, add: impl FnOnce(&mut N), wake: impl FnOnce()) {
        self.edit(add);
        if self.is_asleep.swap(false, Ordering::AcqRel) {
            wake();
        }
    }

    /// Runs `edit` on the news under the lock and wakes nobody: for the I/O thread, and for news
    /// that can wait.
    pub fn edit<R>(&self, edit: impl FnOnce(&mut N) -> R) -> R {
        edit(&mut self.news.lock())
    }

    /// Whether news would have to wake the I/O thread. A hint: the answer may be old.
    pub fn is_asleep(&self) -> bool {
        self.is_asleep.load(Ordering::Relaxed)
    }

    /// The I/O thread is about to sleep. Returns whether it may: there is no news.
    pub fn fall_asleep(&self, has_news: impl FnOnce(&N) -> bool) -> bool {
        self.is_asleep.swap(true, Ordering::AcqRel);
        !has_news(&self.news.lock())
    }

    /// The I/O thread is awake, and will look into the inbox before it sleeps again.
    pub fn wake_up(&self) {
        self.is_asleep.swap(false, Ordering::AcqRel);
    }
}
