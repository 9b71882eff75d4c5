//! The commands of one handle, on their way to the endpoint.
//!
//! ```text
//!  any thread                                the thread that runs the endpoint
//!  1. lock: push                             a. swap is_scheduled to false
//!  2. held back? then stop                   b. lock: take commands, take the wakers
//!  3. swap is_scheduled to true              c. wake the threads that wait for room
//!  4. it was false: schedule the endpoint
//! ```
//!
//! If 1 precedes b, the command is taken. If b precedes 1, then a precedes 3, and a new run is
//! scheduled.
//!
//! Held back (2): `hold` counts threads that are about to submit more. Each calls `release` and
//! then looks at the queue itself. A thread that saw the count above 0 has pushed before the last
//! holder looks.
//!
//! Room: a thread that finds the queue full leaves its waker under the lock that `take` and `close`
//! take.

use std::collections::VecDeque;
use std::mem;
use std::task::Waker;

use crate::primitives::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::primitives::Lock;
use crate::Cork;

/// A queue of at most `BOUND` commands, urgent ones not counted.
#[derive(Debug)]
pub struct Mailbox<C, const BOUND: usize> {
    queue: Lock<Queue<C>>,
    /// Whether the endpoint will run and take commands.
    is_scheduled: AtomicBool,
    /// Threads that hand over the queue themselves once they have added their commands.
    holders: AtomicUsize,
    cork: Cork,
}

#[derive(Debug)]
struct Queue<C> {
    commands: VecDeque<C>,
    /// Of the threads and tasks that wait for room.
    wakers: Vec<Waker>,
    is_closed: bool,
}

/// Why a command was refused.
#[derive(Debug)]
pub enum Refused<C> {
    /// The queue is full. Returns the command.
    Full(C),
    /// The endpoint has ended.
    Closed,
}

impl<C, const BOUND: usize> Default for Mailbox<C, BOUND> {
    fn default() -> Self {
        let queue = Queue { commands: VecDeque::new(), wakers: Vec::new(), is_closed: false };
        Self {
            queue: Lock::new(queue),
            is_scheduled: AtomicBool::new(false),
            holders: AtomicUsize::new(0),
            cork: Cork::default(),
        }
    }
}

impl<C> Queue<C> {
    fn take(&mut self, into: &mut VecDeque<C>, most: usize) -> bool {
        let count = self.commands.len().min(most);
        into.extend(self.commands.drain(..count));
        !self.commands.is_empty()
    }
}

impl<C, const BOUND: usize> Mailbox<C, BOUND> {
    /// Adds a command. The bound does not count for an `urgent` one: for commands that end
    /// something, whose number is bounded by what they end. Returns the number of commands in the
    /// queue.
    ///
    /// # Errors
    ///
    /// [`Refused::Full`] at the bound, [`Refused::Closed`] after [`Mailbox::close`].
    pub fn push(&self, command: C, urgent: bool) -> Result<usize, Refused<C>> {
        let mut queue = self.queue.lock();
        if queue.is_closed {
            return Err(Refused::Closed);
        }
        if !urgent && queue.commands.len() >= BOUND {
            return Err(Refused::Full(command));
        }
        queue.commands.push_back(command);
        Ok(queue.commands.len())
    }

    /// Returns whether a command would be accepted, or refused forever. If not, `waker` is woken
    /// when that has changed.
    pub fn wait_for_room(&self, waker: &Waker) -> bool {
        let mut queue = self.queue.lock();
        if queue.is_closed || queue.commands.len() < BOUND {
            return true;
        }
        if !queue.wakers.iter().any(|other| other.will_wake(waker)) {
            queue.wakers.push(waker.clone());
        }
        false
    }

    /// Begins to hold commands back, until [`Mailbox::release`].
    pub fn hold(&self) {
        self.holders.fetch_add(1, Ordering::AcqRel);
    }

    /// Ends what [`Mailbox::hold`] began. The caller then hands over what is in the queue.
    pub fn release(&self) {
        self.holders.fetch_sub(1, Ordering::AcqRel);
    }

    /// The cork that holds commands back.
    pub fn cork(&self) -> &Cork {
        &self.cork
    }

    /// The number of commands in the queue.
    pub fn len(&self) -> usize {
        self.queue.lock().commands.len()
    }

    /// Whether the queue is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this number of commands is held back: another thread or the I/O thread will hand
    /// them over.
    pub fn is_held(&self, commands: usize) -> bool {
        self.holders.load(Ordering::Acquire) > 0 || self.cork.holds_back(commands)
    }

    /// Returns whether the caller must schedule the endpoint; otherwise a run is due already.
    pub fn schedule(&self) -> bool {
        !self.is_scheduled.swap(true, Ordering::AcqRel)
    }

    /// Moves up to `most` commands to `into` and wakes the threads that wait for room. Returns
    /// whether commands are left; then the caller takes again.
    pub fn take(&self, into: &mut VecDeque<C>, most: usize) -> bool {
        self.is_scheduled.swap(false, Ordering::AcqRel);
        let mut queue = self.queue.lock();
        let is_left = queue.take(into, most);
        let wakers = mem::take(&mut queue.wakers);
        drop(queue);
        wakers.into_iter().for_each(Waker::wake);
        is_left
    }

    /// Takes nothing, and has later commands schedule a run again. The caller takes the present
    /// ones later by itself.
    pub fn pass(&self) {
        self.is_scheduled.swap(false, Ordering::AcqRel);
    }

    /// As [`Mailbox::take`], but takes nothing and returns `None` if threads wait for room: only
    /// the I/O thread wakes them.
    pub fn take_unless_awaited(&self, into: &mut VecDeque<C>, most: usize) -> Option<bool> {
        let mut queue = self.queue.lock();
        if !queue.wakers.is_empty() {
            return None;
        }
        // Under the lock: a command that is pushed after this schedules a run again.
        self.is_scheduled.swap(false, Ordering::AcqRel);
        Some(queue.take(into, most))
    }

    /// Refuses all further commands. Returns those that were not taken.
    pub fn close(&self) -> VecDeque<C> {
        let mut queue = self.queue.lock();
        queue.is_closed = true;
        let left = mem::take(&mut queue.commands);
        let wakers = mem::take(&mut queue.wakers);
        drop(queue);
        wakers.into_iter().for_each(Waker::wake);
        left
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn commands_are_held_back_while_a_thread_holds_or_corks_the_mailbox() {
        let mailbox = Mailbox::<(), 8>::default();
        assert!(!mailbox.is_held(1));
        mailbox.cork().insert(3);
        assert!(mailbox.is_held(2));
        assert!(!mailbox.is_held(3), "a whole batch");
        mailbox.hold();
        assert!(mailbox.is_held(3));
        mailbox.cork().remove();
        assert!(mailbox.is_held(1));
        mailbox.release();
        assert!(!mailbox.is_held(1));
    }
}
