//! The life of the I/O thread: from the first handle to the last.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use mio::Poll;
use parking_lot::Mutex;
use pigato_frame::{fork_generation, Context};

use super::event_loop::EventLoop;
use super::shared::{Cell, Shared};
use crate::error::{Error, ErrorCode};
use crate::limits;

/// The engine that all handles of the process share, with its fork generation.
// One lock for each of the last few generations: a lock that another thread of the parent held
// during the fork stays locked in the child forever.
static CURRENT: [Mutex<(u32, Weak<Engine>)>; 16] = [const { Mutex::new((0, Weak::new())) }; 16];

/// One I/O thread and its libzmq context.
///
/// Dropping the last reference stops the thread and waits for its end, for 4 seconds at most.
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    generation: u32,
}

impl Engine {
    /// The engine of this process. Starts one if none runs, or if the one that runs belongs to the
    /// process that forked this one.
    ///
    /// # Errors
    ///
    /// `E_SYSTEM` if the process can start no more threads or open no more descriptors.
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

    /// The libzmq context, to open sockets with.
    pub(crate) fn context(&self) -> Result<Arc<Context>, Error> {
        self.shared.context.lock().clone().ok_or_else(|| Error::from(ErrorCode::Closed))
    }

    /// Adds an endpoint, which the I/O thread starts to process once its handle wakes it. Returns
    /// its id.
    pub(super) fn add(&self, cell: Arc<Cell>) -> u64 {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        self.shared.inbox.edit(|news| news.added.push((id, cell)));
        id
    }

    /// What handles share with the I/O thread.
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Whether this process was forked from the one that the engine belongs to. Then neither its
    /// thread nor its sockets exist here, and no lock that its thread may have held during the fork
    /// may be locked.
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
        // The I/O thread keeps the context until its endpoints are closed. Dropping the last
        // reference here would wait forever if this is the I/O thread itself, because a sink held
        // the last handle.
        drop(self.shared.context.lock().take());
        self.shared.post(|news| news.stop = true);
        let Some(thread) = thread else { return };
        if thread.thread().id() != std::thread::current().id() {
            // A panic of the thread has been printed, and no caller is left to report it to.
            let _ = thread.join();
        }
    }
}
