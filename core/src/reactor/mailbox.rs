//! The commands of one handle, on their way to the I/O thread.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Waker;

use parking_lot::Mutex;

use super::batching::Cork;
use crate::limits;

/// A bounded queue that knows whether its reader has been told of it.
#[derive(Debug)]
pub(crate) struct Mailbox<C> {
    queue: Mutex<Queue<C>>,
    /// Whether the endpoint is on the engine's list, or about to look into the queue anyway.
    scheduled: AtomicBool,
    /// Callers that will see to it that the queue is looked into once they have added all they have.
    holders: AtomicUsize,
    pub(crate) cork: Cork,
}

#[derive(Debug)]
struct Queue<C> {
    commands: VecDeque<C>,
    /// Who waits for room.
    waiting: Vec<Waker>,
    closed: bool,
}

/// Why a command was not taken. Gives it back.
#[derive(Debug)]
pub(crate) enum Refused<C> {
    Full(C),
    Closed,
}

impl<C> Default for Mailbox<C> {
    fn default() -> Self {
        let queue = Queue { commands: VecDeque::new(), waiting: Vec::new(), closed: false };
        Self {
            queue: Mutex::new(queue),
            scheduled: AtomicBool::new(false),
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

impl<C> Mailbox<C> {
    /// Adds a command. With `urgent` the bound does not count: for commands that end something and whose number is
    /// bounded by what they end. Returns how many there are now.
    pub(crate) fn push(&self, command: C, urgent: bool) -> Result<usize, Refused<C>> {
        let mut queue = self.queue.lock();
        if queue.closed {
            return Err(Refused::Closed);
        }
        if !urgent && queue.commands.len() >= limits::COMMANDS {
            return Err(Refused::Full(command));
        }
        queue.commands.push_back(command);
        Ok(queue.commands.len())
    }

    /// Has `waker` woken when there is room; returns whether there is some already.
    pub(crate) fn wait_for_room(&self, waker: &Waker) -> bool {
        let mut queue = self.queue.lock();
        if queue.closed || queue.commands.len() < limits::COMMANDS {
            return true;
        }
        if !queue.waiting.iter().any(|other| other.will_wake(waker)) {
            queue.waiting.push(waker.clone());
        }
        false
    }

    pub(crate) fn hold(&self) {
        self.holders.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn release(&self) {
        self.holders.fetch_sub(1, Ordering::SeqCst);
    }

    /// How many commands there are.
    pub(crate) fn len(&self) -> usize {
        self.queue.lock().commands.len()
    }

    /// Whether somebody else will see to so many commands.
    pub(crate) fn is_held(&self, commands: usize) -> bool {
        self.holders.load(Ordering::SeqCst) > 0 || self.cork.keeps_back(commands)
    }

    /// Whether the caller is the one to put the endpoint on the engine's list.
    pub(crate) fn schedule(&self) -> bool {
        !self.scheduled.swap(true, Ordering::AcqRel)
    }

    /// Moves up to `most` commands to `into`; returns whether some are left.
    pub(crate) fn take(&self, into: &mut VecDeque<C>, most: usize) -> bool {
        self.scheduled.store(false, Ordering::Release);
        let mut queue = self.queue.lock();
        let left = queue.take(into, most);
        let waiting = std::mem::take(&mut queue.waiting);
        drop(queue);
        waiting.into_iter().for_each(Waker::wake);
        left
    }

    /// Takes nothing; who schedules from now on is heard all the same.
    pub(crate) fn pass(&self) {
        self.scheduled.store(false, Ordering::Release);
    }

    /// As [`Mailbox::take`], unless somebody is to be told that there is room: that is done on the I/O thread alone.
    pub(crate) fn take_unless_awaited(&self, into: &mut VecDeque<C>, most: usize) -> Option<bool> {
        let mut queue = self.queue.lock();
        if !queue.waiting.is_empty() {
            return None;
        }
        // Under the lock: what is queued after it was taken has to be scheduled again.
        self.scheduled.store(false, Ordering::Release);
        Some(queue.take(into, most))
    }

    /// Refuses all further commands and returns those that nobody will carry out.
    pub(crate) fn close(&self) -> VecDeque<C> {
        let mut queue = self.queue.lock();
        queue.closed = true;
        let left = std::mem::take(&mut queue.commands);
        let waiting = std::mem::take(&mut queue.waiting);
        drop(queue);
        waiting.into_iter().for_each(Waker::wake);
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_kept_back_while_somebody_holds_or_corks_the_mailbox() {
        let mailbox = Mailbox::<()>::default();
        assert!(!mailbox.is_held(1));
        mailbox.cork.insert(3);
        assert!(mailbox.is_held(2));
        assert!(!mailbox.is_held(3), "as many as were to gather");
        mailbox.hold();
        assert!(mailbox.is_held(3));
        mailbox.cork.remove();
        assert!(mailbox.is_held(1));
        mailbox.release();
        assert!(!mailbox.is_held(1));
    }
}
