//! Handles: how all other threads reach an endpoint.

use std::os::fd::RawFd;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Instant;

use pigato_sync::Refused;

use super::endpoint::Endpoint;
use super::engine::Engine;
use super::shared::Cell;
use crate::error::{Error, ErrorCode};
use crate::limits;

/// The commands of one handle.
pub(crate) type Mailbox<C> = pigato_sync::Mailbox<C, { limits::COMMANDS }>;

type Access<'a, C> = pigato_sync::Access<'a, C, Box<dyn Endpoint>, { limits::COMMANDS }>;

/// A handle to a broker, worker or client on the I/O thread. Any thread may call its methods.
/// Dropping it does not stop the endpoint.
#[derive(Debug)]
pub struct Handle<C> {
    engine: Arc<Engine>,
    mailbox: Arc<Mailbox<C>>,
    cell: Arc<Cell>,
    id: u64,
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
    /// Gives an endpoint to the engine's I/O thread. The endpoint takes its commands from
    /// `mailbox`.
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

    /// Queues a command for the I/O thread. Carries it out on the calling thread instead if there
    /// is little traffic and the I/O thread would have to be woken. Never blocks.
    ///
    /// # Errors
    ///
    /// `C_BUSY` if too many commands are queued, `C_CLOSED` if the endpoint has ended, `E_FORK` in
    /// a forked child.
    pub fn submit(&self, command: C) -> Result<(), Error> {
        self.push(command, false).map_err(|(error, _)| error)
    }

    /// Queues a command that ends something, even if too many are queued.
    ///
    /// # Errors
    ///
    /// `C_CLOSED` if the endpoint has ended, `E_FORK` in a forked child.
    pub fn submit_urgent(&self, command: C) -> Result<(), Error> {
        self.push(command, true).map_err(|(error, _)| error)
    }

    /// Whether the handle was made before a fork and this process is the child. Then the endpoint
    /// does not exist here, and no lock that the handle shares with the I/O thread may be locked,
    /// because that thread may have held it during the fork.
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        self.engine.is_inherited()
    }

    /// Queues a command. Returns it with the error if the queue is full.
    pub(crate) fn try_submit(&self, command: C) -> Result<(), (Error, Option<C>)> {
        self.push(command, false)
    }

    fn push(&self, command: C, urgent: bool) -> Result<(), (Error, Option<C>)> {
        if self.is_inherited() {
            return Err((ErrorCode::Fork.into(), None));
        }
        self.access().submit(command, urgent).map_err(|refused| match refused {
            Refused::Full(command) => (ErrorCode::Busy.into(), Some(command)),
            Refused::Closed => (ErrorCode::Closed.into(), None),
        })
    }

    fn access(&self) -> Access<'_, C> {
        Access { scheduler: self.engine.shared(), mailbox: &self.mailbox, cell: &self.cell, id: self.id }
    }

    /// Runs `give` and hands over all commands that it submits together when it returns.
    pub(crate) fn together<R>(&self, give: impl FnOnce() -> R) -> R {
        if self.is_inherited() {
            return give();
        }
        self.access().together(give)
    }

    /// Holds back commands until `batch` of them have gathered, again and again until the handle is
    /// uncorked; each for about 1 ms at most.
    pub(crate) fn cork(&self, batch: usize) {
        if !self.is_inherited() {
            self.access().cork(batch);
        }
    }

    /// Holds back no more commands, and hands over those that were held back.
    pub(crate) fn uncork(&self) {
        if !self.is_inherited() {
            self.access().uncork();
        }
    }

    /// Returns whether commands are accepted now. If not, `waker` is woken when they are.
    pub(crate) fn wait_for_room(&self, waker: &Waker) -> bool {
        self.mailbox.wait_for_room(waker)
    }

    /// Schedules the endpoint on the I/O thread, when a full sink has room again.
    pub fn wake(&self) {
        self.access().wake();
    }

    /// Reads for the endpoint on the calling thread until `deadline` has passed or `poll` returns
    /// that its wait is over. `poll` waits for the descriptor that it is given, and for what the
    /// caller waits for. Returns `false` at once if the calling thread cannot lead; then the I/O
    /// thread reads, and the caller waits.
    ///
    /// # Blocking
    ///
    /// Blocks as long as `poll` does.
    pub(crate) fn lead(&self, deadline: Option<Instant>, poll: impl Fn(RawFd) -> bool) -> bool {
        !self.is_inherited() && self.access().lead(deadline, poll)
    }

    /// See [`pigato_sync::Access::begin_to_lead`].
    pub(super) fn begin_to_lead(&self) -> bool {
        self.access().begin_to_lead()
    }

    /// See [`pigato_sync::Access::is_busy`].
    pub(super) fn is_busy(&self) -> bool {
        self.access().is_busy()
    }

    /// See [`pigato_sync::Access::read`].
    pub(super) fn read_here(&self) -> Option<RawFd> {
        self.access().read(None)
    }

    /// See [`pigato_sync::Access::end_lead`].
    pub(super) fn end_lead(&self) {
        self.access().end_lead();
    }
}

/// A handle that does not keep the engine alive: for sinks, which the engine owns.
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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::mpsc::{channel, Sender};
    use std::time::Duration;

    use pigato_sync::{CorkWatch, Progress};

    use super::super::endpoint::Io;
    use super::*;

    /// The command that ends a [`Recorder`].
    const STOP: u32 = u32::MAX;

    /// Reports its commands, and has no deadline.
    struct Recorder {
        mailbox: Arc<Mailbox<u32>>,
        taken: Sender<u32>,
    }

    impl Endpoint for Recorder {
        fn process(&mut self, _now: Instant, _io: &Io<'_>) -> Progress {
            let mut commands = VecDeque::new();
            self.mailbox.take(&mut commands, usize::MAX);
            let is_over = commands.contains(&STOP);
            for command in commands {
                // Fails only when the test is over.
                let _ = self.taken.send(command);
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

    /// A handle whose cork counts as watched although the I/O thread does not watch it, and its
    /// next carried out command.
    fn unwatched() -> (Handle<u32>, impl Fn() -> u32) {
        let (taken, received) = channel();
        let mailbox = Arc::new(Mailbox::default());
        let engine = Engine::current().unwrap();
        let handle =
            Handle::adopt(engine, Arc::clone(&mailbox), Box::new(Recorder { mailbox: Arc::clone(&mailbox), taken }));
        let next = move || received.recv_timeout(Duration::from_secs(10)).unwrap();
        // Only the first cork wakes the I/O thread.
        handle.cork(usize::MAX);
        CorkWatch::default().renew(Instant::now(), mailbox.cork(), true);
        handle.uncork();
        handle.submit(0).unwrap();
        assert_eq!(next(), 0);
        (handle, next)
    }

    #[test]
    fn uncorking_hands_over_the_held_back_commands() {
        let (handle, next) = unwatched();
        for count in (1..=3).cycle().take(100) {
            handle.cork(usize::MAX);
            for command in 0..count {
                handle.submit(command).unwrap();
            }
            handle.uncork();
            assert!((0..count).all(|command| next() == command));
        }
        handle.submit(STOP).unwrap();
    }

    #[test]
    fn a_whole_batch_is_handed_over() {
        let (handle, next) = unwatched();
        handle.cork(2);
        let mut count = 0;
        for given in (2..=100).step_by(2) {
            handle.submit(given - 1).unwrap();
            handle.submit(given).unwrap();
            // The second may be left: the I/O thread can run once more than it has to, and take the
            // first alone.
            while count < given - 1 {
                count += 1;
                assert_eq!(next(), count);
            }
        }
        handle.uncork();
        handle.submit(STOP).unwrap();
    }
}
