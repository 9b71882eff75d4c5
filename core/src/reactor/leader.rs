//! Waiting threads that work for their endpoint: what they wait for then needs no other thread to be woken.
//!
//! The thread takes the socket's descriptor from the I/O thread, waits for it itself, and gives it back when its wait is
//! over. Where much arrives at once it leaves the work to the I/O thread: two are faster then. Everything else stays with the I/O thread: deadlines, connections, commands that came from elsewhere.

use std::os::fd::RawFd;
use std::time::Instant;

use super::cell::Slot;
use super::handle::Handle;

/// Commands that are carried out where they are given before the I/O thread has to help, after a waiting thread was at work.
const BUDGET: u32 = 8;

/// Messages read at once from which on two threads are faster than one.
const BUSY: usize = 3;

/// How many waits are left to the I/O thread before a thread tries again.
const WAITS_NOT_LED: u32 = 64;

impl<C> Handle<C> {
    /// Reads for the endpoint on the present thread until `deadline` has passed, or `poll` says that what it waits for has
    /// come. `poll` waits for the descriptor that it is given, and for that. Returns false at once if it cannot be, because
    /// another thread is at it or there is no connection: then the I/O thread reads, and the caller waits.
    pub(crate) fn lead(&self, deadline: Option<Instant>, poll: impl Fn(RawFd) -> bool) -> bool {
        if self.is_inherited() || !self.begin_to_lead() {
            return false;
        }
        while self
            .read_here(deadline)
            .is_some_and(|descriptor| !poll(descriptor) && deadline.is_none_or(|deadline| Instant::now() < deadline))
        {
        }
        self.end_lead();
        true
    }

    pub(super) fn begin_to_lead(&self) -> bool {
        let Some(mut slot) = self.cell.try_lock() else { return false };
        if slot.waits_not_led > 0 {
            slot.waits_not_led -= 1;
            return false;
        }
        let Slot { endpoint, is_led, .. } = &mut *slot;
        let Some(endpoint) = endpoint.as_mut().filter(|_| !*is_led) else { return false };
        *is_led = endpoint.release(&self.io());
        *is_led
    }

    /// Whether so much has arrived that a thread that leads had better give the reading back.
    pub(super) fn is_busy(&self) -> bool {
        self.cell.try_lock().is_some_and(|slot| slot.waits_not_led > 0)
    }

    /// Reads what there is. Returns what to wait for; nothing if the connection that was taken is no more.
    pub(super) fn read_here(&self, deadline: Option<Instant>) -> Option<RawFd> {
        let mut slot = match deadline {
            Some(deadline) => self.cell.try_lock_until(deadline)?,
            None => self.cell.lock(),
        };
        let Slot { endpoint, deadline: known, .. } = &mut *slot;
        let endpoint = endpoint.as_mut()?;
        let (count, is_done) = endpoint.read(Instant::now());
        let is_done =
            is_done && endpoint.deadline().is_none_or(|deadline| known.is_some_and(|known| known <= deadline));
        let descriptor = endpoint.released();
        if count >= BUSY {
            slot.waits_not_led = WAITS_NOT_LED;
        }
        slot.budget = BUDGET;
        drop(slot);
        if !is_done {
            self.engine.schedule(self.id);
        }
        descriptor
    }

    pub(super) fn end_lead(&self) {
        let mut slot = self.cell.lock();
        slot.is_led = false;
        let is_watched = slot.endpoint.as_mut().is_none_or(|endpoint| endpoint.take_back(&self.io()));
        drop(slot);
        if !is_watched {
            // The I/O thread meets the same failure, and ends the connection.
            self.engine.schedule(self.id);
        }
    }
}
