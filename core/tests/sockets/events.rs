//! Records the events of brokers, workers and clients for tests to wait for.

use std::sync::mpsc::{channel, Receiver, Sender};
use std::time::Instant;

use super::wait::WAIT_TIMEOUT;

/// The receiving end of an event listener.
pub(crate) struct Recorder<E> {
    receiver: Receiver<E>,
    seen: Vec<E>,
}

/// The sending end for the listener.
pub(crate) struct EventSender<E>(Sender<E>);

impl<E> EventSender<E> {
    pub(crate) fn send(&self, event: E) {
        // Fails only after the end of the test.
        let _ = self.0.send(event);
    }
}

/// A sender to listen with and the recorder of its events.
pub(crate) fn recorder<E>() -> (EventSender<E>, Recorder<E>) {
    let (sender, receiver) = channel();
    (EventSender(sender), Recorder { receiver, seen: Vec::new() })
}

impl<E: std::fmt::Debug> Recorder<E> {
    /// Waits for an event that `accepts` returns true for, skipping others.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, what: &str, mut accepts: impl FnMut(&E) -> bool) -> &E {
        let deadline = Instant::now() + WAIT_TIMEOUT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(event) = self.receiver.recv_timeout(left) else { panic!("no {what}, but {:?}", self.seen) };
            let is_wanted = accepts(&event);
            self.seen.push(event);
            if is_wanted {
                return &self.seen[self.seen.len() - 1];
            }
        }
    }

    /// All events so far.
    pub(crate) fn all(&mut self) -> &[E] {
        self.seen.extend(self.receiver.try_iter());
        &self.seen
    }
}
