//! Handles: how all other threads reach an endpoint.

use std::sync::{Arc, Weak};
use std::task::Waker;

use super::cell::Cell;
use super::endpoint::{Endpoint, Io};
use super::engine::Engine;
use super::mailbox::{Mailbox, Refused};
use crate::error::{Error, ErrorCode};

/// A handle to a broker, worker or client on the I/O thread. Dropping it does not stop what is behind it.
#[derive(Debug)]
pub struct Handle<C> {
    pub(super) engine: Arc<Engine>,
    mailbox: Arc<Mailbox<C>>,
    pub(super) cell: Arc<Cell>,
    pub(super) id: u64,
}

impl<C> Clone for Handle<C> {
    fn clone(&self) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
            mailbox: Arc::clone(&self.mailbox),
            cell: Arc::clone(&self.cell),
            id: self.id,
        }
    }
}

impl<C> Handle<C> {
    /// Gives an endpoint to the engine's I/O thread. `mailbox` is the one that the endpoint takes its commands from.
    pub(crate) fn adopt(engine: Arc<Engine>, mailbox: Arc<Mailbox<C>>, endpoint: Box<dyn Endpoint>) -> Self {
        let cell = Arc::new(Cell::new(endpoint));
        let id = engine.add(Arc::clone(&cell));
        let handle = Self { engine, mailbox, cell, id };
        handle.wake();
        handle
    }

    pub(crate) fn downgrade(&self) -> WeakHandle<C> {
        WeakHandle {
            engine: Arc::downgrade(&self.engine),
            mailbox: Arc::clone(&self.mailbox),
            cell: Arc::downgrade(&self.cell),
            id: self.id,
        }
    }

    /// Queues a command for the I/O thread, or carries it out at once where little arrives and that would have to be woken. Never
    /// blocks: `C_BUSY` if too many are queued, `C_CLOSED` if the other side has ended.
    pub fn submit(&self, command: C) -> Result<(), Error> {
        self.push(command, false).map_err(|(error, _)| error)
    }

    /// Queues a command that ends something; it is taken even if too many are queued.
    pub fn submit_urgent(&self, command: C) -> Result<(), Error> {
        self.push(command, true).map_err(|(error, _)| error)
    }

    /// Whether it was made before a fork and this is the child: nothing behind it exists here, and nothing of what it
    /// shares with the I/O thread may be locked, since that thread may have held the lock.
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        self.engine.is_inherited()
    }

    /// Queues a command or gives it back.
    pub(crate) fn try_submit(&self, command: C) -> Result<(), (Error, Option<C>)> {
        self.push(command, false)
    }

    fn push(&self, command: C, urgent: bool) -> Result<(), (Error, Option<C>)> {
        if self.is_inherited() {
            return Err((ErrorCode::Fork.into(), None));
        }
        match self.mailbox.push(command, urgent) {
            Ok(queued) => {
                self.hand_over(queued);
                Ok(())
            }
            Err(Refused::Full(command)) => Err((ErrorCode::Busy.into(), Some(command))),
            Err(Refused::Closed) => Err((ErrorCode::Closed.into(), None)),
        }
    }

    /// Has so many commands carried out, unless something keeps them back: here, if it is one and the I/O thread would have to be
    /// woken for it, or there.
    fn hand_over(&self, queued: usize) {
        if self.mailbox.is_held(queued) || !self.mailbox.schedule() {
            return;
        }
        // A thread that is awake needs no wake; and many at once are cheaper there, in one go.
        let is_done = queued == 1 && self.engine.is_asleep() && self.cell.carry_out_commands();
        if !is_done {
            self.engine.schedule(self.id);
        }
    }

    /// Runs `give`, and has all commands that it gives carried out together when it returns.
    pub(crate) fn together<R>(&self, give: impl FnOnce() -> R) -> R {
        if self.is_inherited() {
            return give();
        }
        self.mailbox.hold();
        let _held = Held(self);
        give()
    }

    /// Has commands wait for each other from now on until `most` have gathered, again and again until the handle is uncorked; none
    /// waits for more than about a millisecond.
    pub(crate) fn cork(&self, most: usize) {
        if !self.is_inherited() && self.mailbox.cork.insert(most.max(1)) {
            self.engine.schedule(self.id);
        }
    }

    /// Has commands carried out as they come again, and at once those that have waited for each other.
    pub(crate) fn uncork(&self) {
        if !self.is_inherited() {
            self.mailbox.cork.remove();
            self.hand_over_all();
        }
    }

    /// Has what was kept back carried out, unless something else still keeps it back.
    fn hand_over_all(&self) {
        match self.mailbox.len() {
            0 => {}
            queued => self.hand_over(queued),
        }
    }

    pub(super) fn io(&self) -> Io<'_> {
        self.engine.io(self.id)
    }

    /// Has `waker` woken when commands are taken again; returns whether they are now.
    pub(crate) fn wait_for_room(&self, waker: &Waker) -> bool {
        self.mailbox.wait_for_room(waker)
    }

    /// Has the endpoint processed soon: after a command, or because a full sink has room again.
    pub fn wake(&self) {
        if self.mailbox.schedule() {
            self.engine.schedule(self.id);
        }
    }
}

/// A handle that keeps nothing alive: for sinks, which would keep their own engine.
#[derive(Debug)]
pub(crate) struct WeakHandle<C> {
    engine: Weak<Engine>,
    mailbox: Arc<Mailbox<C>>,
    cell: Weak<Cell>,
    id: u64,
}

impl<C> WeakHandle<C> {
    /// The handle, if its engine is still there.
    pub(crate) fn upgrade(&self) -> Option<Handle<C>> {
        let (engine, cell) = (self.engine.upgrade()?, self.cell.upgrade()?);
        Some(Handle { engine, mailbox: Arc::clone(&self.mailbox), cell, id: self.id })
    }
}

/// Ends a hold, even if what was done meanwhile has panicked.
struct Held<'a, C>(&'a Handle<C>);

impl<C> Drop for Held<'_, C> {
    fn drop(&mut self) {
        self.0.mailbox.release();
        self.0.hand_over_all();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::mpsc::{channel, Sender};
    use std::time::{Duration, Instant};

    use super::super::batching::CorkWatch;
    use super::super::endpoint::Progress;
    use super::*;

    /// The command that ends a [`Teller`].
    const OVER: u32 = u32::MAX;

    /// Tells what it is given, and looks for nothing by itself.
    struct Teller {
        mailbox: Arc<Mailbox<u32>>,
        told: Sender<u32>,
    }

    impl Endpoint for Teller {
        fn process(&mut self, _now: Instant, _io: &Io<'_>) -> Progress {
            let mut commands = VecDeque::new();
            self.mailbox.take(&mut commands, usize::MAX);
            let is_over = commands.contains(&OVER);
            for command in commands {
                // Fails only when the test is over.
                let _ = self.told.send(command);
            }
            if is_over {
                Progress::Done
            } else {
                Progress::Idle
            }
        }

        fn deadline(&self) -> Option<Instant> {
            None
        }

        fn abort(&mut self, _io: &Io<'_>) {}
    }

    /// A handle whose I/O thread believes that it watches the cork, and does not; and what it is given.
    fn unwatched() -> (Handle<u32>, impl Fn() -> u32) {
        let (told, heard) = channel();
        let mailbox = Arc::new(Mailbox::default());
        let engine = Engine::current().unwrap();
        let handle =
            Handle::adopt(engine, Arc::clone(&mailbox), Box::new(Teller { mailbox: Arc::clone(&mailbox), told }));
        let next = move || heard.recv_timeout(Duration::from_secs(10)).unwrap();
        // It is told of the first cork, and of no other.
        handle.cork(usize::MAX);
        CorkWatch::default().renew(Instant::now(), &mailbox.cork, true);
        handle.uncork();
        handle.submit(0).unwrap();
        assert_eq!(next(), 0);
        (handle, next)
    }

    #[test]
    fn uncorking_hands_over_what_has_waited() {
        let (handle, next) = unwatched();
        for count in (1..=3).cycle().take(100) {
            handle.cork(usize::MAX);
            for command in 0..count {
                handle.submit(command).unwrap();
            }
            handle.uncork();
            assert!((0..count).all(|command| next() == command));
        }
        handle.submit(OVER).unwrap();
    }

    #[test]
    fn as_many_as_were_to_gather_are_handed_over() {
        let (handle, next) = unwatched();
        handle.cork(2);
        let mut told = 0;
        for given in (2..=100).step_by(2) {
            handle.submit(given - 1).unwrap();
            handle.submit(given).unwrap();
            // One of the two may be left: the I/O thread can look once more than it was told to, and take the first alone.
            while told < given - 1 {
                told += 1;
                assert_eq!(next(), told);
            }
        }
        handle.uncork();
        handle.submit(OVER).unwrap();
    }
}
