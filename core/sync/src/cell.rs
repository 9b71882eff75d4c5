//! An endpoint behind its lock, and what the I/O thread does with it.
//!
//! The I/O thread, a leading thread and submitting threads run the endpoint under one lock. The
//! first two block on it and hold no other lock then. A submitting thread only tries the lock: it
//! may hold locks that sinks need, and sinks run under this one.

use std::fmt;
use std::mem;
use std::os::fd::RawFd;
use std::time::Instant;

use crate::primitives::{Lock, LockGuard};

/// What the I/O thread offers to other threads.
pub trait Scheduler {
    /// Schedules the endpoint with this id on the I/O thread, and wakes the thread if it sleeps.
    fn schedule(&self, id: u64);

    /// Whether [`Scheduler::schedule`] would have to wake the I/O thread. A hint: the answer may be
    /// old.
    fn is_asleep(&self) -> bool;
}

/// What other threads than the I/O thread do with an endpoint. Every call is under the lock of its
/// cell.
pub trait Endpoint {
    /// The I/O thread that processes it.
    type Scheduler: Scheduler;

    /// Carries out queued commands, as far as that needs neither the I/O thread nor the sink.
    /// Returns whether nothing is left for the I/O thread.
    fn carry_out_commands(&mut self) -> bool;

    /// Removes the connection's descriptor from those that the I/O thread watches. Returns whether
    /// there was one.
    fn release(&mut self, scheduler: &Self::Scheduler, id: u64) -> bool;

    /// The released descriptor, as long as its connection is the current one.
    fn released(&self) -> Option<RawFd>;

    /// Reads and delivers input. Returns the number of messages, and whether nothing is left for
    /// the I/O thread.
    fn read(&mut self) -> (usize, bool);

    /// Returns the descriptor to the I/O thread's poll. Returns whether that worked.
    fn take_back(&mut self, scheduler: &Self::Scheduler, id: u64) -> bool;

    /// When the I/O thread must process it even if nothing happens.
    fn deadline(&self) -> Option<Instant>;
}

/// The outcome of a turn of an endpoint on the I/O thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left to do for now.
    Idle,
    /// There is more to do at once.
    Again,
    /// The endpoint has closed its sockets; the engine drops it.
    Done,
}

/// What a turn of an endpoint has changed for the I/O thread.
#[derive(Debug)]
pub struct Processed<E> {
    /// The endpoint's own report.
    pub progress: Progress,
    /// The deadline that the I/O thread knew before.
    pub previous_deadline: Option<Instant>,
    /// The deadline that replaces it.
    pub deadline: Option<Instant>,
    /// The endpoint, if it has ended. Drop it without holding a lock: it may own the last handle of
    /// another endpoint.
    pub ended: Option<E>,
}

/// An endpoint where the I/O thread and all threads with a handle can reach it.
pub struct Cell<E>(Lock<Slot<E>>);

pub(crate) struct Slot<E> {
    /// `None` once the endpoint has ended.
    pub(crate) endpoint: Option<E>,
    /// When the I/O thread processes it next.
    known_deadline: Option<Instant>,
    /// Work budget: commands that submitting threads may carry out before the I/O thread has to
    /// process the endpoint again.
    pub(crate) budget: u32,
    /// Whether a waiting thread leads: it reads the connection instead of the I/O thread.
    pub(crate) is_led: bool,
    /// How many further waits leave the reading to the I/O thread, because recent traffic was
    /// enough for two threads.
    pub(crate) waits_not_led: u32,
}

impl<E> fmt::Debug for Cell<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cell")
    }
}

impl<E> Cell<E> {
    /// A cell with an endpoint.
    pub fn new(endpoint: E) -> Self {
        Self(Lock::new(Slot {
            endpoint: Some(endpoint),
            known_deadline: None,
            budget: 0,
            is_led: false,
            waits_not_led: 0,
        }))
    }

    pub(crate) fn lock(&self) -> LockGuard<'_, Slot<E>> {
        self.0.lock()
    }

    pub(crate) fn try_lock(&self) -> Option<LockGuard<'_, Slot<E>>> {
        self.0.try_lock()
    }

    pub(crate) fn try_lock_until(&self, deadline: Instant) -> Option<LockGuard<'_, Slot<E>>> {
        self.0.try_lock_until(deadline)
    }

    /// Runs `edit` on the endpoint, unless it has ended. The I/O thread calls it.
    pub fn edit(&self, edit: impl FnOnce(&mut E)) {
        if let Some(endpoint) = &mut self.lock().endpoint {
            edit(endpoint);
        }
    }

    /// Takes the endpoint out, as if it had ended. The I/O thread calls it.
    pub fn take(&self) -> Option<E> {
        self.lock().endpoint.take()
    }

    /// Notes that the I/O thread has forgotten the endpoint's deadline, because it has passed.
    pub fn forget_deadline(&self) {
        self.lock().known_deadline = None;
    }
}

impl<E: Endpoint> Cell<E> {
    /// Gives the endpoint its turn on the I/O thread. Returns `None` if it has ended before.
    pub fn process(&self, process: impl FnOnce(&mut E) -> Progress) -> Option<Processed<E>> {
        let mut slot = self.lock();
        let endpoint = slot.endpoint.as_mut()?;
        let progress = process(endpoint);
        let is_done = progress == Progress::Done;
        let deadline = if is_done { None } else { endpoint.deadline() };
        let previous_deadline = mem::replace(&mut slot.known_deadline, deadline);
        slot.budget = slot.budget.max(1);
        let ended = if is_done { slot.endpoint.take() } else { None };
        Some(Processed { progress, previous_deadline, deadline, ended })
    }
}

impl<E: Endpoint> Slot<E> {
    /// Whether the I/O thread has to learn of an earlier deadline.
    pub(crate) fn has_earlier_deadline(&self) -> bool {
        let deadline = self.endpoint.as_ref().and_then(Endpoint::deadline);
        deadline.is_some_and(|deadline| self.known_deadline.is_none_or(|known| deadline < known))
    }
}
