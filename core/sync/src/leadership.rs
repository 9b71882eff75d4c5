//! Leader/followers: a waiting thread reads the connection itself, so that what it waits for needs
//! no wake-up of another thread.
//!
//! ```text
//!                begin_to_lead: release                    read, poll, read, …
//!  I/O thread ──────────────────────────► leading thread ◄────────────────────┐
//!   watches     (cell lock; is_led)          reads       ─────────────────────┘
//!      ▲                                       │ its wait is over, or the connection is no more
//!      └───────────────────────────────────────┘
//!                end_lead: take_back (cell lock)
//! ```
//!
//! `is_led` admits one leader, and `release` takes the descriptor out of the I/O thread's set under
//! the same lock. So the descriptor has one reader. `take_back` puts it back; a descriptor that is
//! readable then is reported at once, so nothing that arrived meanwhile is overlooked. A second
//! waiting thread that is refused the lead sleeps: the leader or, after it, the I/O thread delivers
//! its event.
//!
//! Where much arrives at once the leader gives the reading up for a number of waits: two threads
//! are faster then. Deadlines, connections and commands from other threads stay with the I/O
//! thread. After each read the leader schedules it if something is left for it. See Schmidt et al.,
//! *Pattern-Oriented Software Architecture*, volume 2, "Leader/Followers".

use std::os::fd::RawFd;
use std::time::Instant;

use crate::access::Access;
use crate::cell::{Endpoint, Scheduler, Slot};

/// Work budget after a thread has led: commands that submitting threads may carry out before the
/// I/O thread has to process the endpoint.
const BUDGET: u32 = 8;

/// Messages in one read from which on two threads are faster than one.
const BUSY: usize = if cfg!(loom) { 2 } else { 3 };

/// Waits that are left to the I/O thread before a thread leads again.
const WAITS_NOT_LED: u32 = if cfg!(loom) { 1 } else { 64 };

impl<C, E: Endpoint, const BOUND: usize> Access<'_, C, E, BOUND> {
    /// Reads for the endpoint on the calling thread until `deadline` has passed or `poll` returns
    /// that its wait is over. `poll` waits for the descriptor that it is given, and for what the
    /// caller waits for. Returns `false` at once if the calling thread cannot lead: another one
    /// does, there is no connection or too much traffic. Then the I/O thread reads.
    ///
    /// # Blocking
    ///
    /// Blocks as long as `poll` does.
    pub fn lead(self, deadline: Option<Instant>, poll: impl Fn(RawFd) -> bool) -> bool {
        if !self.begin_to_lead() {
            return false;
        }
        while self
            .read(deadline)
            .is_some_and(|descriptor| !poll(descriptor) && deadline.is_none_or(|deadline| Instant::now() < deadline))
        {
        }
        self.end_lead();
        true
    }

    /// Takes the descriptor from the I/O thread. Returns whether the calling thread leads now,
    /// until [`Access::end_lead`].
    pub fn begin_to_lead(self) -> bool {
        let Some(mut slot) = self.cell.try_lock() else { return false };
        if slot.waits_not_led > 0 {
            slot.waits_not_led -= 1;
            return false;
        }
        let Slot { endpoint, is_led, .. } = &mut *slot;
        let Some(endpoint) = endpoint.as_mut().filter(|_| !*is_led) else { return false };
        *is_led = endpoint.release(self.scheduler, self.id);
        *is_led
    }

    /// Whether so much has arrived that a leader should give the reading back. A hint: `false`
    /// while the lock is taken.
    pub fn is_busy(self) -> bool {
        self.cell.try_lock().is_some_and(|slot| slot.waits_not_led > 0)
    }

    /// Reads and delivers what has arrived. Returns the descriptor to wait for; `None` if the
    /// released connection has ended, or `deadline` has passed before the lock was free.
    ///
    /// # Blocking
    ///
    /// Blocks while another thread runs the endpoint.
    pub fn read(self, deadline: Option<Instant>) -> Option<RawFd> {
        let mut slot = match deadline {
            Some(deadline) => self.cell.try_lock_until(deadline)?,
            None => self.cell.lock(),
        };
        let endpoint = slot.endpoint.as_mut()?;
        let (count, is_done) = endpoint.read();
        let descriptor = endpoint.released();
        let is_done = is_done && !slot.has_earlier_deadline();
        if count >= BUSY {
            slot.waits_not_led = WAITS_NOT_LED;
        }
        slot.budget = BUDGET;
        drop(slot);
        if !is_done {
            self.scheduler.schedule(self.id);
        }
        descriptor
    }

    /// Gives the descriptor back to the I/O thread.
    ///
    /// # Blocking
    ///
    /// Blocks while another thread runs the endpoint.
    pub fn end_lead(self) {
        let mut slot = self.cell.lock();
        slot.is_led = false;
        let is_watched = slot.endpoint.as_mut().is_none_or(|endpoint| endpoint.take_back(self.scheduler, self.id));
        drop(slot);
        if !is_watched {
            // The I/O thread meets the same failure and ends the connection.
            self.scheduler.schedule(self.id);
        }
    }
}
