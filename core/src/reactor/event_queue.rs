//! Events for a consumer that pulls: a descriptor that is readable while there are events, and many
//! at once.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pigato_frame::fork_generation;
use pigato_sync::Ready;

use super::handle::Handle;
use super::poll::poll_either;
use super::sink::EventSink;
use super::socket_pair::SocketPair;
use crate::limits;

/// A bounded queue of events that makes a file descriptor readable.
///
/// Clones share the queue: one goes to the I/O thread as the handle's sink, the other to the
/// consumer. Any thread may call
/// [`EventQueue::drain`]; several at once each get different events.
#[derive(Debug)]
pub struct EventQueue<E> {
    shared: Arc<Shared<E>>,
}

#[derive(Debug)]
struct Shared<E> {
    queue: pigato_sync::EventQueue<E, SocketPair, { limits::EVENTS }>,
    /// The fork generation of the process that made it.
    generation: u32,
}

impl<E> Clone for EventQueue<E> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<E> EventQueue<E> {
    /// An empty queue.
    ///
    /// # Errors
    ///
    /// If the process can open no more descriptors.
    pub fn new() -> io::Result<Self> {
        let queue = pigato_sync::EventQueue::new(SocketPair::new()?);
        Ok(Self { shared: Arc::new(Shared { queue, generation: fork_generation() }) })
    }

    /// A descriptor that is readable while there are events. Wait for it, never read from it.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        // In a forked child the lock may be held forever, and no events will come.
        if self.shared.generation == fork_generation() {
            self.set_watched(true);
        }
        self.readable()
    }

    /// Calls `wake` whenever the queue stops being empty, and at once if it is not empty now: for
    /// languages whose event loop watches no descriptors. `wake` runs on the I/O thread, or on a
    /// thread that waits for the events. It must neither block nor use the queue.
    pub fn on_ready(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.shared.queue.on_ready(&Ready::new(wake));
    }

    /// Moves up to `most` events to `into`, oldest first, without waiting. Returns the number of
    /// events, and whether the queue was full: then call [`Handle::wake`](super::Handle::wake), so
    /// that reading continues.
    pub fn drain(&self, into: &mut Vec<E>, most: usize) -> (usize, bool) {
        self.shared.queue.drain(into, most)
    }

    /// As [`EventQueue::drain`], but waits up to `timeout` for the first event, unless the queue is
    /// closed.
    ///
    /// # Blocking
    ///
    /// Blocks until there are events, the queue is closed or `timeout` has passed.
    pub fn wait(&self, into: &mut Vec<E>, most: usize, timeout: Duration) -> (usize, bool) {
        self.shared.queue.wait(into, most, Instant::now() + timeout.min(limits::DURATION))
    }

    /// As [`EventQueue::wait`], but leads the endpoint behind `handle` meanwhile, if it may.
    pub(crate) fn wait_for_peer<C>(
        &self,
        handle: &Handle<C>,
        into: &mut Vec<E>,
        most: usize,
        timeout: Duration,
    ) -> (usize, bool) {
        let deadline = Instant::now() + timeout.min(limits::DURATION);
        loop {
            if let Some(taken) = self.shared.queue.drain_if(Instant::now() >= deadline, into, most) {
                return taken;
            }
            if !handle.lead(Some(deadline), |socket| self.poll_beside(socket, deadline)) {
                return self.shared.queue.wait(into, most, deadline);
            }
        }
    }

    /// Waits for events, or until `socket` is readable or `deadline` has passed. Returns whether
    /// the wait for events is over.
    fn poll_beside(&self, socket: RawFd, deadline: Instant) -> bool {
        if !self.begin_poll() {
            return true;
        }
        poll_either([socket, self.readable()], Some(deadline));
        let (_, is_over) = self.shared.queue.end_poll();
        is_over
    }

    /// See [`pigato_sync::EventQueue::begin_poll`].
    pub(super) fn begin_poll(&self) -> bool {
        self.shared.queue.begin_poll()
    }

    /// Ends what [`EventQueue::begin_poll`] began. Returns whether it had begun.
    pub(super) fn end_poll(&self) -> bool {
        self.shared.queue.end_poll().0
    }

    /// See [`pigato_sync::EventQueue::resume_poll`].
    pub(super) fn resume_poll(&self) {
        self.shared.queue.resume_poll();
    }

    /// See [`pigato_sync::EventQueue::set_watched`].
    pub(super) fn set_watched(&self, is_watched: bool) {
        self.shared.queue.set_watched(is_watched);
    }

    /// The descriptor, without a change to whether it is watched.
    pub(super) fn readable(&self) -> RawFd {
        self.shared.queue.signal().as_raw_fd()
    }

    /// Ends every wait, now and later: the descriptor stays readable.
    pub(crate) fn close(&self) {
        self.shared.queue.close();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.shared.queue.is_closed()
    }

    /// Adds one event, whether the queue is full or not.
    pub(crate) fn push(&self, event: E) {
        self.extend(std::iter::once(event));
    }

    /// Adds events and wakes the consumer, if it is not awake already.
    pub(crate) fn extend(&self, events: impl Iterator<Item = E>) {
        self.shared.queue.extend(events);
    }
}

impl<E: Send> EventSink<E> for EventQueue<E> {
    fn deliver(&mut self, events: &mut Vec<E>) {
        self.extend(events.drain(..));
    }

    fn is_full(&self) -> bool {
        self.shared.queue.is_full()
    }
}
