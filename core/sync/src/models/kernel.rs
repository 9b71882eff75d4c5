//! What the operating system does in a model: descriptors, an edge-triggered poll for the I/O
//! thread, polls of other threads.

use loom::sync::{Condvar, Mutex, MutexGuard};

use crate::Signal;

/// One connection's descriptor, the I/O thread's poll, and the polls of two other threads.
#[derive(Debug)]
pub(super) struct Kernel {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Messages that have arrived and were not read.
    unread: Vec<usize>,
    /// Whether the connection is in the I/O thread's set.
    is_watched: bool,
    /// Whether the I/O thread's poll will report the connection.
    has_edge: bool,
    /// Whether the I/O thread's poll was woken.
    is_woken: bool,
    /// Other threads in a poll for the connection.
    readers: usize,
    /// The signals of other threads.
    signals: [bool; 2],
}

/// What the I/O thread's poll reports.
#[derive(Debug, Clone, Copy)]
pub(super) struct Report {
    pub(super) is_connection: bool,
}

impl Kernel {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State::default()), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// A message arrives.
    pub(super) fn arrive(&self, message: usize) {
        let mut state = self.lock();
        state.unread.push(message);
        state.has_edge |= state.is_watched;
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn read(&self) -> Option<usize> {
        let mut state = self.lock();
        (!state.unread.is_empty()).then(|| state.unread.remove(0))
    }

    /// Adds the connection to the I/O thread's set, which reports it at once if it is readable.
    pub(super) fn watch(&self) {
        let mut state = self.lock();
        assert_eq!(state.readers, 0, "another thread still reads");
        state.is_watched = true;
        state.has_edge = !state.unread.is_empty();
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn unwatch(&self) {
        let mut state = self.lock();
        state.is_watched = false;
        state.has_edge = false;
    }

    pub(super) fn is_watched(&self) -> bool {
        self.lock().is_watched
    }

    pub(super) fn wake(&self) {
        self.lock().is_woken = true;
        self.changed.notify_all();
    }

    /// The I/O thread's poll.
    pub(super) fn poll(&self) -> Report {
        let mut state = self.lock();
        while !state.is_woken && !state.has_edge {
            state = self.changed.wait(state).unwrap();
        }
        state.is_woken = false;
        Report { is_connection: std::mem::take(&mut state.has_edge) }
    }

    /// Another thread's poll, for the connection or its signal. Returns whether the signal is
    /// raised.
    pub(super) fn poll_beside(&self, thread: usize) -> bool {
        let mut state = self.lock();
        assert!(!state.is_watched, "the I/O thread reads, too");
        assert_eq!(state.readers, 0, "another thread reads, too");
        state.readers = 1;
        while state.unread.is_empty() && !state.signals[thread] {
            state = self.changed.wait(state).unwrap();
        }
        state.readers = 0;
        state.signals[thread]
    }
}

/// A thread's signal.
#[derive(Debug)]
pub(super) struct KernelSignal(pub(super) std::sync::Arc<Kernel>, pub(super) usize);

impl Signal for KernelSignal {
    fn raise(&self) {
        self.0.lock().signals[self.1] = true;
        self.0.changed.notify_all();
    }

    fn clear(&self) {
        self.0.lock().signals[self.1] = false;
    }
}

/// One thread's descriptor alone.
#[derive(Debug)]
pub(super) struct Pipe {
    bytes: Mutex<usize>,
    changed: Condvar,
}

impl Pipe {
    pub(super) fn new() -> Self {
        Self { bytes: Mutex::new(0), changed: Condvar::new() }
    }

    pub(super) fn is_readable(&self) -> bool {
        *self.bytes.lock().unwrap() > 0
    }

    pub(super) fn poll(&self) {
        let mut bytes = self.bytes.lock().unwrap();
        while *bytes == 0 {
            bytes = self.changed.wait(bytes).unwrap();
        }
    }
}

impl Signal for Pipe {
    fn raise(&self) {
        *self.bytes.lock().unwrap() += 1;
        self.changed.notify_all();
    }

    fn clear(&self) {
        *self.bytes.lock().unwrap() = 0;
    }
}
