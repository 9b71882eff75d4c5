//! What brokers, workers and clients tell, kept for tests to wait for.

use std::sync::mpsc::{channel, Receiver, Sender};
use std::time::Instant;

use super::wait::PATIENCE;

/// The receiving end of a listener.
pub(crate) struct Recorder<E> {
    receiver: Receiver<E>,
    seen: Vec<E>,
}

/// The end for the listener.
pub(crate) struct Teller<E>(Sender<E>);

impl<E> Teller<E> {
    pub(crate) fn tell(&self, event: E) {
        // Fails only when the test is over.
        let _ = self.0.send(event);
    }
}

/// Something to listen with and what it hears.
pub(crate) fn recorder<E>() -> (Teller<E>, Recorder<E>) {
    let (sender, receiver) = channel();
    (Teller(sender), Recorder { receiver, seen: Vec::new() })
}

impl<E: std::fmt::Debug> Recorder<E> {
    /// Waits for an event, passing over others.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, what: &str, mut accepts: impl FnMut(&E) -> bool) -> &E {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(event) = self.receiver.recv_timeout(left) else { panic!("no {what}, but {:?}", self.seen) };
            let is_it = accepts(&event);
            self.seen.push(event);
            if is_it {
                return &self.seen[self.seen.len() - 1];
            }
        }
    }

    /// All that has been told until now.
    pub(crate) fn all(&mut self) -> &[E] {
        self.seen.extend(self.receiver.try_iter());
        &self.seen
    }
}
