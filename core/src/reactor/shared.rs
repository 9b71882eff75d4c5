//! What the I/O thread and all other threads share: the inbox, the wake-up and the endpoints behind
//! their locks.

use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::AtomicU64;
use std::sync::Arc;
use std::time::Instant;

use mio::{Poll, Registry, Token};
use parking_lot::Mutex;
use pigato_frame::Context;
use pigato_sync::{Inbox, Scheduler};

use super::endpoint::{Endpoint, Io};

/// The token of the engine's own wake-up; endpoint ids start at 1.
pub(super) const WAKE: Token = Token(0);

/// An endpoint behind its lock.
pub(super) type Cell = pigato_sync::Cell<Box<dyn Endpoint>>;

#[derive(Debug)]
pub(crate) struct Shared {
    /// `None` only while the engine is dropped.
    pub(super) context: Mutex<Option<Arc<Context>>>,
    waker: mio::Waker,
    registry: Registry,
    pub(super) inbox: Inbox<News>,
    pub(super) next_id: AtomicU64,
}

/// What other threads leave for the I/O thread.
#[derive(Default)]
pub(super) struct News {
    pub(super) added: Vec<(u64, Arc<Cell>)>,
    pub(super) ready: Vec<u64>,
    pub(super) stop: bool,
}

impl Shared {
    pub(super) fn new(poll: &Poll, context: Arc<Context>) -> io::Result<Self> {
        Ok(Self {
            context: Mutex::new(Some(context)),
            waker: mio::Waker::new(poll.registry(), WAKE)?,
            registry: poll.registry().try_clone()?,
            inbox: Inbox::default(),
            next_id: AtomicU64::new(1),
        })
    }

    /// Adds news and wakes the I/O thread if it sleeps.
    pub(super) fn post(&self, add: impl FnOnce(&mut News)) {
        self.inbox.post(add, || {
            // Fails only if the I/O thread has ended and closed the descriptor.
            let _ = self.waker.wake();
        });
    }

    fn io(&self, id: u64) -> Io<'_> {
        Io::new(&self.registry, id)
    }
}

impl Scheduler for Shared {
    fn schedule(&self, id: u64) {
        self.post(|news| news.ready.push(id));
    }

    fn is_asleep(&self) -> bool {
        self.inbox.is_asleep()
    }
}

/// Adds the present time and the engine's registry to the calls of the protocols.
impl pigato_sync::Endpoint for Box<dyn Endpoint> {
    type Scheduler = Shared;

    fn carry_out_commands(&mut self) -> bool {
        (**self).carry_out_commands(Instant::now())
    }

    fn release(&mut self, shared: &Shared, id: u64) -> bool {
        (**self).release(&shared.io(id))
    }

    fn released(&self) -> Option<RawFd> {
        (**self).released()
    }

    fn read(&mut self) -> (usize, bool) {
        (**self).read(Instant::now())
    }

    fn take_back(&mut self, shared: &Shared, id: u64) -> bool {
        (**self).take_back(&shared.io(id))
    }

    fn deadline(&self) -> Option<Instant> {
        (**self).deadline()
    }
}
