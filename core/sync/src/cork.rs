//! Batching: commands are held back so that one wake-up of the I/O thread carries many.
//!
//! A thread that corks a handle may be kept from uncorking it, because the processor has other
//! work. So the I/O thread looks into the mailbox of a corked handle once per [`CORK`]. It also
//! looks once after each delivery to a handle that was ever corked, because the consumer is likely
//! to cork it again: that saves a wake-up for the next cork.
//!
//! ```text
//!  insert (any thread)                       renew (I/O thread, after it took the commands)
//!  1. batch = N                              a. swap is_watched to false
//!  2. read-modify-write is_watched           b. batch > 0?
//!  3. it was false: wake the I/O thread      c. yes: is_watched = true, look again in one CORK
//! ```
//!
//! 2 and a are read-modify-writes of one atomic. If 2 comes first, a acquires 1 and b sees the
//! cork. If a comes first, 2 reads `false`, and the I/O thread is woken.

use std::time::{Duration, Instant};

use crate::primitives::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How long a command may wait in a corked mailbox.
pub const CORK: Duration = Duration::from_millis(1);

/// The cork of one mailbox.
#[derive(Debug)]
pub struct Cork {
    /// Number of commands that end the wait of a corked batch; 0: no cork.
    batch: AtomicUsize,
    /// Whether the mailbox was ever corked. If not, the I/O thread need not watch it.
    is_known: AtomicBool,
    /// Whether the I/O thread looks into the mailbox within a [`CORK`] without a wake-up.
    is_watched: AtomicBool,
}

impl Default for Cork {
    fn default() -> Self {
        Self { batch: AtomicUsize::new(0), is_known: AtomicBool::new(false), is_watched: AtomicBool::new(false) }
    }
}

impl Cork {
    /// Holds back fewer than `batch` commands from now on. Returns whether the I/O thread must be
    /// woken to watch the mailbox.
    #[inline]
    pub fn insert(&self, batch: usize) -> bool {
        self.is_known.store(true, Ordering::Relaxed);
        self.batch.store(batch, Ordering::Release);
        !self.is_watched.fetch_or(false, Ordering::AcqRel)
    }

    /// Holds nothing back from now on. The caller then hands over what is in the mailbox.
    #[inline]
    pub fn remove(&self) {
        self.batch.store(0, Ordering::Release);
    }

    /// Whether this number of commands is held back.
    #[inline]
    pub fn holds_back(&self, commands: usize) -> bool {
        commands < self.batch.load(Ordering::Acquire)
    }

    fn is_in(&self) -> bool {
        self.holds_back(0)
    }
}

/// When the I/O thread looks into a corked mailbox next. The I/O thread alone uses it.
#[derive(Debug, Default)]
pub struct CorkWatch {
    until: Option<Instant>,
}

impl CorkWatch {
    /// When the endpoint must take commands even if nothing schedules it.
    pub fn deadline(&self) -> Option<Instant> {
        self.until
    }

    /// Continues or ends the watch, after the endpoint took commands. `has_delivered`: the consumer
    /// got events and is likely to cork.
    pub fn renew(&mut self, now: Instant, cork: &Cork, has_delivered: bool) {
        if !cork.is_known.load(Ordering::Relaxed) || self.until.is_some_and(|until| until > now) {
            return;
        }
        let is_watched = has_delivered || {
            cork.is_watched.swap(false, Ordering::AcqRel);
            // A later cork wakes the I/O thread.
            cork.is_in()
        };
        if is_watched {
            cork.is_watched.swap(true, Ordering::AcqRel);
        }
        self.until = is_watched.then(|| now + CORK);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_micros(1);

    #[test]
    fn an_unwatched_cork_wakes_the_io_thread_which_watches_until_it_is_removed() {
        let (cork, mut watch, start) = (Cork::default(), CorkWatch::default(), Instant::now());
        assert!(cork.insert(usize::MAX));
        watch.renew(start, &cork, false);
        assert_eq!(watch.deadline(), Some(start + CORK));
        assert!(!cork.insert(usize::MAX), "it is watched");
        watch.renew(start + CORK, &cork, false);
        assert_eq!(watch.deadline(), Some(start + CORK * 2));
        cork.remove();
        watch.renew(start + CORK * 2, &cork, false);
        assert_eq!(watch.deadline(), None);
        assert!(cork.insert(usize::MAX), "the watch has ended");
    }

    #[test]
    fn a_delivery_starts_a_watch_of_one_cork_time_on_a_handle_that_was_ever_corked() {
        let (cork, mut watch, start) = (Cork::default(), CorkWatch::default(), Instant::now());
        watch.renew(start, &cork, true);
        assert_eq!(watch.deadline(), None, "never corked");
        cork.insert(usize::MAX);
        cork.remove();
        watch.renew(start, &cork, true);
        watch.renew(start + MOMENT, &cork, true);
        assert_eq!(watch.deadline(), Some(start + CORK), "later events do not prolong it");
        assert!(!cork.insert(usize::MAX));
        cork.remove();
        watch.renew(start + CORK, &cork, false);
        assert_eq!(watch.deadline(), None);
    }
}
