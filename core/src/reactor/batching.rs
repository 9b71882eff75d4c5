//! Commands that wait for each other on their way to the I/O thread, so that it is woken once for all of them.
//!
//! Who corks a handle may be kept from uncorking it, by whatever else the processor has to do. So the I/O thread looks into
//! the mailbox of a corked handle once a [`CORK`] by itself, and once after each delivery to a handle that was ever corked, whose
//! consumer is likely to cork it again: that is what being woken for many commands at a time costs.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long a command may wait in a corked mailbox.
const CORK: Duration = Duration::from_millis(1);

/// The cork of one mailbox.
#[derive(Debug, Default)]
pub(crate) struct Cork {
    /// How many commands are handed over all the same; 0 while it is out.
    most: AtomicUsize,
    /// Whether it was ever in: nothing has to be watched where nobody corks.
    is_known: AtomicBool,
    /// Whether the I/O thread will look into the mailbox in time without being told.
    is_watched: AtomicBool,
}

impl Cork {
    /// Keeps back fewer than `most` commands from now on. Returns whether the I/O thread has to be told, so that it watches.
    pub(crate) fn insert(&self, most: usize) -> bool {
        self.is_known.store(true, Ordering::Relaxed);
        self.most.store(most, Ordering::SeqCst);
        !self.is_watched.load(Ordering::SeqCst)
    }

    pub(crate) fn remove(&self) {
        self.most.store(0, Ordering::SeqCst);
    }

    /// Whether so many commands have to wait.
    pub(crate) fn keeps_back(&self, commands: usize) -> bool {
        commands < self.most.load(Ordering::SeqCst)
    }

    fn is_in(&self) -> bool {
        self.keeps_back(0)
    }
}

/// What the I/O thread knows of a cork.
#[derive(Debug, Default)]
pub(crate) struct CorkWatch {
    until: Option<Instant>,
}

impl CorkWatch {
    /// When the mailbox is to be looked into.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.until
    }

    /// Goes on watching, or ceases to, after the mailbox was looked into. Where events were delivered, their consumer is
    /// likely to cork: it then need not wake the I/O thread for it.
    pub(crate) fn renew(&mut self, now: Instant, cork: &Cork, has_delivered: bool) {
        if !cork.is_known.load(Ordering::Relaxed) || self.until.is_some_and(|until| until > now) {
            return;
        }
        let is_watched = has_delivered || {
            cork.is_watched.store(false, Ordering::SeqCst);
            // Corked after this, the I/O thread is told.
            cork.is_in()
        };
        if is_watched {
            cork.is_watched.store(true, Ordering::SeqCst);
        }
        self.until = is_watched.then(|| now + CORK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_micros(1);

    #[test]
    fn a_cork_that_nobody_watches_is_told_of_and_watched_until_it_is_out() {
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
        assert!(cork.insert(usize::MAX), "nobody watches any more");
    }

    #[test]
    fn delivered_events_are_watched_for_no_longer_than_a_cork_may_be_in() {
        let (cork, mut watch, start) = (Cork::default(), CorkWatch::default(), Instant::now());
        watch.renew(start, &cork, true);
        assert_eq!(watch.deadline(), None, "nobody has ever corked");
        cork.insert(usize::MAX);
        cork.remove();
        watch.renew(start, &cork, true);
        watch.renew(start + MOMENT, &cork, true);
        assert_eq!(watch.deadline(), Some(start + CORK), "later events do not put it off");
        assert!(!cork.insert(usize::MAX));
        cork.remove();
        watch.renew(start + CORK, &cork, false);
        assert_eq!(watch.deadline(), None);
    }
}
