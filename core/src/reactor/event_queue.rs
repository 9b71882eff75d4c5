//! Events for a consumer that pulls: a descriptor that is readable while there are some, and many at once.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pigato_frame::fork_generation;

use super::handle::Handle;
use super::poll::poll_either;
use super::sink::EventSink;
use crate::limits;

/// A bounded queue of events that makes a file descriptor readable.
///
/// Clones share the queue: one goes to the I/O thread as the handle's sink, the other to the consumer. Any thread may
/// call [`EventQueue::drain`], several at once each get events of their own.
#[derive(Debug)]
pub struct EventQueue<E> {
    shared: Arc<Shared<E>>,
}

// Threads sleep here, perhaps for long: with the standard library's lock and condition, which keep all they know in themselves. Those
// of `parking_lot` enter who sleeps in a table of the process's, and a forked child would inherit entries of threads that it does
// not have, in memory that its own threads take.
#[derive(Debug)]
struct Shared<E> {
    state: Mutex<State<E>>,
    arrived: Condvar,
    /// Readable while the queue is not empty, once somebody has asked for it: written when the queue stops being empty,
    /// read when it becomes so.
    readable: UnixStream,
    signal: UnixStream,
    /// That of the process that made it.
    generation: u32,
}

impl<E> Shared<E> {
    /// Nothing panics with the lock.
    fn lock(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct State<E> {
    events: VecDeque<E>,
    /// Whether the consumer has been told that there are events.
    is_signalled: bool,
    /// Whether the descriptor was asked for: two system calls for each time that the queue fills are saved if not.
    is_watched: bool,
    /// Nothing is waited for any more.
    is_closed: bool,
    /// Threads within [`EventQueue::wait`].
    waiting: usize,
    /// Whether a thread polls the descriptor, and the socket beside it.
    is_polled: bool,
    /// Whether a byte makes the descriptor readable.
    is_readable: bool,
    on_ready: Option<OnReady>,
}

impl<E> State<E> {
    /// Whether a wait is over: there are events, or never will be any.
    fn has_news(&self) -> bool {
        !self.events.is_empty() || self.is_closed
    }
}

/// Called whenever a queue stops being empty.
#[derive(Clone)]
struct OnReady(Arc<dyn Fn() + Send + Sync>);

impl fmt::Debug for OnReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnReady")
    }
}

impl<E> Clone for EventQueue<E> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<E> EventQueue<E> {
    /// An empty queue.
    pub fn new() -> io::Result<Self> {
        let (readable, signal) = UnixStream::pair()?;
        readable.set_nonblocking(true)?;
        signal.set_nonblocking(true)?;
        let state = Mutex::new(State {
            events: VecDeque::new(),
            is_signalled: false,
            is_watched: false,
            is_closed: false,
            waiting: 0,
            is_polled: false,
            is_readable: false,
            on_ready: None,
        });
        Ok(Self {
            shared: Arc::new(Shared {
                state,
                arrived: Condvar::new(),
                readable,
                signal,
                generation: fork_generation(),
            }),
        })
    }

    /// A descriptor that is readable while there are events. Wait for it, never read from it.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        // In a forked child the lock may be held for ever, and nothing will come.
        if self.shared.generation == fork_generation() {
            self.set_watched(true);
        }
        self.readable()
    }

    fn make_readable(&self, state: &mut State<E>) {
        if !std::mem::replace(&mut state.is_readable, true) {
            // Cannot fail for want of room: there is never more than one byte.
            let _ = (&self.shared.signal).write(&[1]);
        }
    }

    /// Has `wake` called whenever the queue stops being empty, and at once if it is not empty now: for languages whose event
    /// loop watches no descriptors. It is called on the I/O thread, or on one that waits for the events, and must neither block
    /// nor use the queue.
    pub fn on_ready(&self, wake: impl Fn() + Send + Sync + 'static) {
        let wake = OnReady(Arc::new(wake));
        let mut state = self.shared.lock();
        state.on_ready = Some(wake.clone());
        let is_ready = !state.events.is_empty();
        drop(state);
        if is_ready {
            (wake.0)();
        }
    }

    /// Moves up to `most` events to `into`, the oldest first, without waiting. Returns how many, and whether the queue
    /// was full: then call [`Handle::wake`](super::Handle::wake), so that reading goes on.
    pub fn drain(&self, into: &mut Vec<E>, most: usize) -> (usize, bool) {
        self.take(&mut self.shared.lock(), into, most)
    }

    fn take(&self, state: &mut State<E>, into: &mut Vec<E>, most: usize) -> (usize, bool) {
        let was_full = state.events.len() >= limits::EVENTS;
        let count = state.events.len().min(most);
        into.extend(state.events.drain(..count));
        if state.events.is_empty() && state.is_signalled && !state.is_closed {
            state.is_signalled = false;
            if std::mem::take(&mut state.is_readable) {
                // One byte was written and is there; anything else would be a byte too many, never one too few.
                let _ = (&self.shared.readable).read(&mut [0; 8]);
            }
        }
        (count, was_full)
    }

    /// As [`EventQueue::drain`], but waits up to `timeout` for the first event, unless the queue is closed.
    pub fn wait(&self, into: &mut Vec<E>, most: usize, timeout: Duration) -> (usize, bool) {
        let deadline = Instant::now() + timeout.min(limits::DURATION);
        let mut state = self.shared.lock();
        while state.events.is_empty() && !state.is_closed {
            state.waiting += 1;
            let left = deadline.saturating_duration_since(Instant::now());
            let waited = self.shared.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
            state = waited.0;
            state.waiting -= 1;
            if waited.1.timed_out() {
                break;
            }
        }
        // Under the same lock, or another thread might take the events that ended the wait.
        self.take(&mut state, into, most)
    }

    /// As [`EventQueue::wait`], but works for the endpoint behind `handle` meanwhile, if it may.
    pub(crate) fn wait_for_peer<C>(
        &self,
        handle: &Handle<C>,
        into: &mut Vec<E>,
        most: usize,
        timeout: Duration,
    ) -> (usize, bool) {
        let deadline = Instant::now() + timeout.min(limits::DURATION);
        loop {
            let mut state = self.shared.lock();
            if !state.events.is_empty() || state.is_closed || Instant::now() >= deadline {
                return self.take(&mut state, into, most);
            }
            drop(state);
            if !handle.lead(Some(deadline), |socket| self.poll_beside(socket, deadline)) {
                return self.wait(into, most, deadline.saturating_duration_since(Instant::now()));
            }
        }
    }

    /// Waits for events, or for `socket` to become readable. Returns whether there are events, or never will be.
    fn poll_beside(&self, socket: RawFd, deadline: Instant) -> bool {
        if !self.begin_poll() {
            return true;
        }
        poll_either([socket, self.shared.readable.as_raw_fd()], Some(deadline));
        let mut state = self.shared.lock();
        state.is_polled = false;
        state.has_news()
    }

    /// Has the descriptor become readable from now on when events come. Returns false if there is nothing to wait for: there
    /// are some, or never will be any.
    pub(super) fn begin_poll(&self) -> bool {
        let mut state = self.shared.lock();
        let is_quiet = !state.has_news();
        // Not taken from another thread that polls.
        state.is_polled |= is_quiet;
        is_quiet
    }

    /// Ends what [`EventQueue::begin_poll`] began. Returns whether it had begun.
    pub(super) fn end_poll(&self) -> bool {
        std::mem::take(&mut self.shared.lock().is_polled)
    }

    /// Begins again what [`EventQueue::end_poll`] ended, for a thread that may still wait.
    pub(super) fn resume_poll(&self) {
        let mut state = self.shared.lock();
        state.is_polled = true;
        if state.has_news() {
            self.make_readable(&mut state);
        }
    }

    /// Says whether somebody waits for the descriptor at any time, or only between `begin_poll` and `end_poll`.
    pub(super) fn set_watched(&self, is_watched: bool) {
        let mut state = self.shared.lock();
        state.is_watched = is_watched;
        if is_watched && state.is_signalled {
            self.make_readable(&mut state);
        }
    }

    /// The descriptor, whoever waits for it.
    pub(super) fn readable(&self) -> RawFd {
        self.shared.readable.as_raw_fd()
    }
}

impl<E> EventQueue<E> {
    /// Notes that there are events, for who watches the descriptor too. Returns who is to be called when the lock is free.
    fn signal(&self, state: &mut State<E>) -> Option<OnReady> {
        if state.is_watched || state.is_polled {
            self.make_readable(state);
        }
        if std::mem::replace(&mut state.is_signalled, true) {
            return None;
        }
        state.on_ready.clone()
    }

    /// Ends all waiting, now and later: the descriptor stays readable.
    pub(crate) fn close(&self) {
        let mut state = self.shared.lock();
        state.is_closed = true;
        // Not who is called when there are events: they have just taken the last one.
        self.signal(&mut state);
        drop(state);
        self.shared.arrived.notify_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.shared.lock().is_closed
    }

    /// Adds one event, whether the queue is full or not.
    pub(crate) fn push(&self, event: E) {
        self.extend(std::iter::once(event));
    }

    /// Adds events and wakes the consumer, if it is not awake already.
    pub(crate) fn extend(&self, events: impl Iterator<Item = E>) {
        let mut state = self.shared.lock();
        state.events.extend(events);
        if state.events.is_empty() {
            return;
        }
        let wake = self.signal(&mut state);
        let has_waiters = state.waiting > 0;
        drop(state);
        if let Some(OnReady(wake)) = wake {
            wake();
        }
        if has_waiters {
            self.shared.arrived.notify_all();
        }
    }
}

impl<E: Send> EventSink<E> for EventQueue<E> {
    fn deliver(&mut self, events: &mut Vec<E>) {
        self.extend(events.drain(..));
    }

    fn is_full(&self) -> bool {
        self.shared.lock().events.len() >= limits::EVENTS
    }
}
