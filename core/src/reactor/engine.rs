//! The I/O thread: waits for sockets, commands and deadlines, and lets the endpoints that have work do it.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use mio::Poll;
use parking_lot::Mutex;
use pigato_frame::{fork_generation, Context};

use super::cell::Cell;
use super::endpoint::Io;
use super::event_loop::EventLoop;
use super::shared::Shared;
use crate::error::{Error, ErrorCode};
use crate::limits;

/// The engine that the process's handles share, with the fork generation that it belongs to.
// A lock for each of the last few generations: one that another thread of the parent held when it forked stays locked in
// the child for ever.
static CURRENT: [Mutex<(u32, Weak<Engine>)>; 16] = [const { Mutex::new((0, Weak::new())) }; 16];

/// One I/O thread and its libzmq context.
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    generation: u32,
}

impl Engine {
    /// The process's engine; started if there is none, or if the one there is belongs to the process this one was
    /// forked from.
    pub fn current() -> Result<Arc<Self>, Error> {
        let generation = fork_generation();
        let mut current = CURRENT[generation as usize % CURRENT.len()].lock();
        if current.0 == generation {
            if let Some(engine) = current.1.upgrade() {
                return Ok(engine);
            }
        }
        let engine =
            Arc::new(Self::start(generation).map_err(|error| Error::new(ErrorCode::System, error.to_string()))?);
        *current = (generation, Arc::downgrade(&engine));
        Ok(engine)
    }

    fn start(generation: u32) -> io::Result<Self> {
        let context = Arc::new(Context::new(limits::SOCKETS, 1).map_err(io::Error::other)?);
        let poll = Poll::new()?;
        let shared = Arc::new(Shared::new(&poll, Arc::clone(&context))?);
        let thread = std::thread::Builder::new().name("pigato-io".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || EventLoop::new(poll, shared, context).run()
        })?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)), generation })
    }

    /// The context to make sockets with.
    pub(crate) fn context(&self) -> Result<Arc<Context>, Error> {
        self.shared.context.lock().clone().ok_or_else(|| Error::from(ErrorCode::Closed))
    }

    /// Adds an endpoint, which the I/O thread starts to run once its handle wakes it. Returns its id.
    pub(super) fn add(&self, cell: Arc<Cell>) -> u64 {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        self.shared.inbox.lock().added.push((id, cell));
        id
    }

    pub(super) fn io(&self, id: u64) -> Io<'_> {
        Io::new(&self.shared.registry, id)
    }

    /// Has an endpoint processed soon.
    pub(super) fn schedule(&self, id: u64) {
        self.shared.inbox.lock().ready.push(id);
        self.shared.wake_thread();
    }

    /// Whether its thread would have to be woken.
    pub(super) fn is_asleep(&self) -> bool {
        self.shared.sleeping.load(Ordering::SeqCst)
    }

    /// Whether this process was forked from the one that the engine belongs to: nothing of it exists here, and nothing that
    /// its thread may have locked at that moment may be locked.
    pub(super) fn is_inherited(&self) -> bool {
        self.generation != fork_generation()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let thread = self.thread.get_mut().take();
        if self.is_inherited() {
            // A forked child: neither the thread nor the sockets exist here.
            std::mem::forget(thread);
            return;
        }
        // The I/O thread keeps the context until its endpoints are closed: ending it before would wait for ever where
        // this is the I/O thread itself, because a sink held the last handle.
        drop(self.shared.context.lock().take());
        self.shared.inbox.lock().stop = true;
        self.shared.sleeping.store(true, Ordering::SeqCst);
        self.shared.wake_thread();
        let Some(thread) = thread else { return };
        if thread.thread().id() != std::thread::current().id() {
            // A panic there has been printed; there is nobody left to hand it to.
            let _ = thread.join();
        }
    }
}
