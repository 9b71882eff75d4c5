//! Events for a consumer that pulls, and the readiness of its descriptor.
//!
//! ```text
//!                 extend / close, if watched or polled: raise
//!   not readable ─────────────────────────────────────────────► readable
//!   not readable ◄───────────────────────────────────────────── readable
//!                 take leaves no event, and not closed: clear
//! ```
//!
//! `is_readable` is the state of the descriptor and changes with it, under the lock. Raising costs
//! a system call, so it happens only if the descriptor matters: at any time (`is_watched`), or
//! while a thread polls it (`is_polled`). `set_watched` and `resume_poll` raise for events that
//! came before, and `begin_poll` refuses a poll then. So: **between calls, a watched or polled
//! descriptor is readable exactly if there are events or the queue is closed.**
//!
//! Threads in `wait` need no descriptor. They sleep on the condition. No thread begins to sleep
//! while there is news, so the event that ends the quiet notifies all of them, and later ones need
//! not.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::Instant;

use crate::primitives::Monitor;
use crate::Signal;

/// A queue of events. `BOUND` is the length from which on it counts as full; events are accepted
/// all the same.
#[derive(Debug)]
pub struct EventQueue<E, S, const BOUND: usize> {
    state: Monitor<State<E>>,
    signal: S,
}

#[derive(Debug)]
struct State<E> {
    events: VecDeque<E>,
    /// Whether the consumer may wait for the descriptor at any time.
    is_watched: bool,
    /// No events will come; every wait ends.
    is_closed: bool,
    /// The number of threads in [`EventQueue::wait`].
    waiting: usize,
    /// Whether a thread waits for the descriptor now.
    is_polled: bool,
    /// Whether the descriptor is readable.
    is_readable: bool,
    ready: Option<Ready>,
}

impl<E> State<E> {
    /// Whether a wait is over.
    fn has_news(&self) -> bool {
        !self.events.is_empty() || self.is_closed
    }
}

/// A function that is called whenever a queue stops being empty.
#[derive(Clone)]
pub struct Ready(Arc<dyn Fn() + Send + Sync>);

impl Ready {
    /// Wraps a function.
    pub fn new(function: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(function))
    }

    fn call(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ready")
    }
}

impl<E, S: Signal, const BOUND: usize> EventQueue<E, S, BOUND> {
    /// An empty queue. `signal` makes its descriptor readable.
    pub fn new(signal: S) -> Self {
        let state = State {
            events: VecDeque::new(),
            is_watched: false,
            is_closed: false,
            waiting: 0,
            is_polled: false,
            is_readable: false,
            ready: None,
        };
        Self { state: Monitor::new(state), signal }
    }

    /// The signal that makes the descriptor readable.
    pub fn signal(&self) -> &S {
        &self.signal
    }

    fn make_readable(&self, state: &mut State<E>) {
        if !mem::replace(&mut state.is_readable, true) {
            self.signal.raise();
        }
    }

    /// Makes the descriptor readable for news, if it matters.
    fn inform(&self, state: &mut State<E>) {
        if state.is_watched || state.is_polled {
            self.make_readable(state);
        }
    }

    /// Adds events and informs the consumer, if it is not informed already.
    pub fn extend(&self, events: impl Iterator<Item = E>) {
        let mut state = self.state.lock();
        let had_news = state.has_news();
        state.events.extend(events);
        if had_news || state.events.is_empty() {
            return;
        }
        self.inform(&mut state);
        let ready = state.ready.clone();
        let has_waiters = state.waiting > 0;
        drop(state);
        if let Some(ready) = ready {
            ready.call();
        }
        if has_waiters {
            self.state.notify_all();
        }
    }

    /// Ends every wait, now and later: the descriptor stays readable.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        // Does not call `ready`, which announces events: its owner has just taken the last one.
        self.inform(&mut state);
        drop(state);
        self.state.notify_all();
    }

    /// Whether the queue was closed.
    pub fn is_closed(&self) -> bool {
        self.state.lock().is_closed
    }

    /// Whether the queue holds as many events as it should.
    pub fn is_full(&self) -> bool {
        self.state.lock().events.len() >= BOUND
    }

    /// Sets the callback for when the queue stops being empty. Calls it at once if the queue has events.
    pub fn on_ready(&self, ready: &Ready) {
        let mut state = self.state.lock();
        state.ready = Some(ready.clone());
        let has_events = !state.events.is_empty();
        drop(state);
        if has_events {
            ready.call();
        }
    }

    /// Moves up to `most` events to `into`, oldest first. Returns the number, and whether the queue
    /// was full.
    pub fn drain(&self, into: &mut Vec<E>, most: usize) -> (usize, bool) {
        self.take(&mut self.state.lock(), into, most)
    }

    fn take(&self, state: &mut State<E>, into: &mut Vec<E>, most: usize) -> (usize, bool) {
        let was_full = state.events.len() >= BOUND;
        let count = state.events.len().min(most);
        into.extend(state.events.drain(..count));
        if !state.has_news() && mem::take(&mut state.is_readable) {
            self.signal.clear();
        }
        (count, was_full)
    }

    /// As [`EventQueue::drain`], but waits until `deadline` for the first event, unless the queue
    /// is closed.
    ///
    /// # Blocking
    ///
    /// Blocks until there are events, the queue is closed or `deadline` has passed.
    pub fn wait(&self, into: &mut Vec<E>, most: usize, deadline: Instant) -> (usize, bool) {
        let mut state = self.state.lock();
        while !state.has_news() {
            state.waiting += 1;
            let (guard, is_late) = self.state.wait(state, deadline.saturating_duration_since(Instant::now()));
            state = guard;
            state.waiting -= 1;
            if is_late {
                break;
            }
        }
        // Under the same lock, or another thread might take the events that ended the wait.
        self.take(&mut state, into, most)
    }

    /// As [`EventQueue::drain`] if a wait is over: there are events, the queue is closed or
    /// `is_over`. `None` otherwise.
    pub fn drain_if(&self, is_over: bool, into: &mut Vec<E>, most: usize) -> Option<(usize, bool)> {
        let mut state = self.state.lock();
        (is_over || state.has_news()).then(|| self.take(&mut state, into, most))
    }

    /// Makes the next event raise the descriptor, until [`EventQueue::end_poll`].
    /// Returns `false` if there is nothing to wait for: there are events, or the queue is closed.
    ///
    /// One thread polls at a time: the one that leads the endpoint.
    pub fn begin_poll(&self) -> bool {
        let mut state = self.state.lock();
        let is_quiet = !state.has_news();
        state.is_polled |= is_quiet;
        is_quiet
    }

    /// Ends what [`EventQueue::begin_poll`] began. Returns whether it had begun, and whether a wait
    /// is over.
    pub fn end_poll(&self) -> (bool, bool) {
        let mut state = self.state.lock();
        (mem::take(&mut state.is_polled), state.has_news())
    }

    /// Begins again what [`EventQueue::end_poll`] ended, for a thread that may still wait.
    pub fn resume_poll(&self) {
        let mut state = self.state.lock();
        state.is_polled = true;
        if state.has_news() {
            self.make_readable(&mut state);
        }
    }

    /// Sets whether the consumer may wait for the descriptor at any time, or only between
    /// `begin_poll` and `end_poll`.
    pub fn set_watched(&self, is_watched: bool) {
        let mut state = self.state.lock();
        state.is_watched = is_watched;
        if is_watched && state.has_news() {
            self.make_readable(&mut state);
        }
    }
}
