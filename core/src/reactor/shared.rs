//! What the I/O thread and all other threads share: the inbox and the wake-up.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

use mio::{Poll, Registry, Token};
use parking_lot::Mutex;
use pigato_frame::Context;

use super::cell::Cell;

/// The token of the engine's own wake; endpoints count from 1.
pub(super) const WAKE: Token = Token(0);

#[derive(Debug)]
pub(super) struct Shared {
    /// `None` only while the engine is dropped.
    pub(super) context: Mutex<Option<Arc<Context>>>,
    waker: mio::Waker,
    pub(super) registry: Registry,
    /// Whether the thread is, or is about to be, in the system's poll and must be woken for news.
    pub(super) sleeping: AtomicBool,
    pub(super) inbox: Mutex<Inbox>,
    pub(super) next_id: AtomicU64,
}

#[derive(Default)]
pub(super) struct Inbox {
    pub(super) added: Vec<(u64, Arc<Cell>)>,
    pub(super) ready: Vec<u64>,
    pub(super) stop: bool,
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox").field("ready", &self.ready).field("stop", &self.stop).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(poll: &Poll, context: Arc<Context>) -> io::Result<Self> {
        Ok(Self {
            context: Mutex::new(Some(context)),
            waker: mio::Waker::new(poll.registry(), WAKE)?,
            registry: poll.registry().try_clone()?,
            sleeping: AtomicBool::new(false),
            inbox: Mutex::default(),
            next_id: AtomicU64::new(1),
        })
    }

    pub(super) fn wake_thread(&self) {
        if self.sleeping.swap(false, Ordering::SeqCst) {
            // Can fail only if the descriptor is gone, and then so is the thread.
            let _ = self.waker.wake();
        }
    }
}
