//! How a thread with a handle reaches an endpoint: it submits commands, and runs the endpoint where
//! that saves a wake-up.
//!
//! ```text
//!  submit ──► push into the mailbox
//!               │ held back by `together` or a cork? ── yes ──► done: release, uncork or the I/O thread hand it over
//!               │ a run is scheduled already? ───────── yes ──► done
//!               ▼
//!             one command, the I/O thread sleeps, the cell's lock is free, budget left?
//!               │ yes                             │ no
//!               ▼                                 ▼
//!             run the endpoint here ── rest ──► Scheduler::schedule ──► inbox ──► I/O thread
//! ```
//!
//! The thread that won `Mailbox::schedule` must end in one of the two boxes at the bottom. In the
//! left one the endpoint takes the commands itself (`take_unless_awaited` or `take`), which
//! re-opens the schedule for later commands.

use crate::cell::{Cell, Endpoint, Scheduler};
use crate::mailbox::{Mailbox, Refused};

/// What a handle holds, borrowed for one call.
#[derive(Debug)]
pub struct Access<'a, C, E: Endpoint, const BOUND: usize> {
    /// The I/O thread.
    pub scheduler: &'a E::Scheduler,
    /// The endpoint's commands.
    pub mailbox: &'a Mailbox<C, BOUND>,
    /// The endpoint.
    pub cell: &'a Cell<E>,
    /// The endpoint's id at the I/O thread.
    pub id: u64,
}

impl<C, E: Endpoint, const BOUND: usize> Clone for Access<'_, C, E, BOUND> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C, E: Endpoint, const BOUND: usize> Copy for Access<'_, C, E, BOUND> {}

impl<C, E: Endpoint, const BOUND: usize> Access<'_, C, E, BOUND> {
    /// Queues a command for the I/O thread, or carries it out here. Never blocks on the endpoint.
    ///
    /// # Errors
    ///
    /// As [`Mailbox::push`].
    pub fn submit(self, command: C, urgent: bool) -> Result<(), Refused<C>> {
        let queued = self.mailbox.push(command, urgent)?;
        self.hand_over(queued);
        Ok(())
    }

    /// Hands over this number of queued commands, unless they are held back or a run is scheduled
    /// already.
    fn hand_over(self, queued: usize) {
        if self.mailbox.is_held(queued) || !self.mailbox.schedule() {
            return;
        }
        // An I/O thread that is awake needs no wake-up, and it carries out many commands at once
        // more cheaply.
        let is_done = queued == 1 && self.scheduler.is_asleep() && self.carry_out_commands();
        if !is_done {
            self.scheduler.schedule(self.id);
        }
    }

    /// Carries out queued commands on the calling thread, once for each turn of the endpoint on the
    /// I/O thread, and never under heavy traffic. Returns whether nothing is left for the I/O
    /// thread.
    fn carry_out_commands(self) -> bool {
        let Some(mut slot) = self.cell.try_lock() else { return false };
        if slot.budget == 0 || slot.waits_not_led > 0 {
            return false;
        }
        slot.budget -= 1;
        let Some(endpoint) = &mut slot.endpoint else { return false };
        endpoint.carry_out_commands() && !slot.has_earlier_deadline()
    }

    /// Runs `give` and hands over the commands that it submits together when it returns, or panics.
    pub fn together<R>(self, give: impl FnOnce() -> R) -> R {
        self.mailbox.hold();
        let _held = Held(self);
        give()
    }

    /// Holds back commands until `batch` of them have gathered, again and again until
    /// [`Access::uncork`].
    pub fn cork(self, batch: usize) {
        if self.mailbox.cork().insert(batch.max(1)) {
            self.scheduler.schedule(self.id);
        }
    }

    /// Holds back no more commands, and hands over those in the queue.
    pub fn uncork(self) {
        self.mailbox.cork().remove();
        self.hand_over_all();
    }

    fn hand_over_all(self) {
        match self.mailbox.len() {
            0 => {}
            queued => self.hand_over(queued),
        }
    }

    /// Schedules the endpoint on the I/O thread.
    pub fn wake(self) {
        if self.mailbox.schedule() {
            self.scheduler.schedule(self.id);
        }
    }
}

/// Releases the mailbox when dropped.
struct Held<'a, C, E: Endpoint, const BOUND: usize>(Access<'a, C, E, BOUND>);

impl<C, E: Endpoint, const BOUND: usize> Drop for Held<'_, C, E, BOUND> {
    fn drop(&mut self) {
        self.0.mailbox.release();
        self.0.hand_over_all();
    }
}
