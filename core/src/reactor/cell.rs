//! An endpoint behind its lock.

use std::fmt;
use std::time::Instant;

use parking_lot::{Mutex, MutexGuard};

use super::endpoint::Endpoint;

/// An endpoint where both the I/O thread and the threads that submit commands can reach it.
///
/// The I/O thread blocks on the lock, and so does a leading thread, which holds no other lock. A thread that submits a
/// command only tries the lock: it may hold locks that sinks need, and sinks run under this lock.
pub(crate) struct Cell(Mutex<Slot>);

pub(super) struct Slot {
    /// `None` once the endpoint has ended.
    pub(super) endpoint: Option<Box<dyn Endpoint>>,
    /// When the I/O thread processes it next.
    pub(super) deadline: Option<Instant>,
    /// Work budget: commands that submitting threads may carry out before the I/O thread has to process the endpoint again.
    pub(super) budget: u32,
    /// Whether a waiting thread leads: it reads the connection instead of the I/O thread.
    pub(super) is_led: bool,
    /// How many further waits leave the reading to the I/O thread, because recent traffic was enough for two threads.
    pub(super) waits_not_led: u32,
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cell")
    }
}

impl Cell {
    pub(super) fn new(endpoint: Box<dyn Endpoint>) -> Self {
        Self(Mutex::new(Slot { endpoint: Some(endpoint), deadline: None, budget: 0, is_led: false, waits_not_led: 0 }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Slot> {
        self.0.lock()
    }

    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, Slot>> {
        self.0.try_lock()
    }

    pub(super) fn try_lock_until(&self, deadline: Instant) -> Option<MutexGuard<'_, Slot>> {
        self.0.try_lock_until(deadline)
    }

    /// Carries out queued commands on the calling thread: one call for each time that the I/O thread processed the endpoint,
    /// and none under heavy traffic, where the I/O thread handles many commands at once more cheaply. Returns whether
    /// nothing is left for the I/O thread.
    pub(super) fn carry_out_commands(&self) -> bool {
        let Some(mut slot) = self.0.try_lock() else { return false };
        if slot.budget == 0 || slot.waits_not_led > 0 {
            return false;
        }
        slot.budget -= 1;
        let known = slot.deadline;
        let Some(endpoint) = &mut slot.endpoint else { return false };
        endpoint.carry_out_commands(Instant::now())
            && endpoint.deadline().is_none_or(|deadline| known.is_some_and(|known| known <= deadline))
    }
}
