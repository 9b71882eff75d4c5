//! The I/O thread: waits for sockets, commands and deadlines, and lets the endpoints that have work do it.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};
use parking_lot::Mutex;
use pigato_frame::{fork_generation, Context};

use super::handle::{Cell, Handle};
use super::mailbox::Mailbox;
use crate::error::{Error, ErrorCode};
use crate::limits;

/// The engine that the process's handles share, with the fork generation that it belongs to.
// A lock for each of the last few generations: one that another thread of the parent held when it forked stays locked in
// the child for ever.
static CURRENT: [Mutex<(u32, Weak<Engine>)>; 16] = [const { Mutex::new((0, Weak::new())) }; 16];

/// Bits of a token that tell an endpoint's descriptors apart.
const SLOT_BITS: u32 = usize::BITS / 2;

/// The token of the engine's own wake; endpoints count from 1.
const WAKE: Token = Token(0);

/// Descriptors that one call of the system's poll may tell of, and how many calls there are in a turn at most.
const EVENTS_PER_POLL: usize = 1_024;
const POLLS_PER_TURN: usize = 64;

/// How long an ending engine waits for its endpoints to close by themselves.
const SHUTDOWN: Duration = Duration::from_secs(4);

/// One I/O thread and its libzmq context.
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    generation: u32,
}

#[derive(Debug)]
struct Shared {
    /// `None` only while the engine is dropped.
    context: Mutex<Option<Arc<Context>>>,
    waker: mio::Waker,
    registry: Registry,
    /// Whether the thread is, or is about to be, in the system's poll and must be woken for news.
    sleeping: AtomicBool,
    inbox: Mutex<Inbox>,
    next_id: AtomicU64,
}

#[derive(Default)]
struct Inbox {
    added: Vec<(u64, Arc<Cell>)>,
    ready: Vec<u64>,
    stop: bool,
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox").field("ready", &self.ready).field("stop", &self.stop).finish_non_exhaustive()
    }
}

/// Something with sockets and a machine that lives on the I/O thread.
pub(super) trait Endpoint: Send {
    /// Notes which of its descriptors is ready; it is processed next.
    fn ready(&mut self, slot: usize, readiness: Readiness) {
        let _ = (slot, readiness);
    }

    /// Does a bounded amount of whatever there is to do.
    fn process(&mut self, now: Instant, io: &Io<'_>) -> Progress;

    /// Carries out what commands there are on the thread that gave them, as far as that needs neither the engine nor the
    /// sink. Returns whether nothing is left for the I/O thread.
    fn carry_out_commands(&mut self, now: Instant) -> bool {
        let _ = now;
        false
    }

    /// Lets the present thread wait for what arrives instead of the I/O thread. Returns whether there is a connection to wait
    /// for.
    fn release(&mut self, io: &Io<'_>) -> bool {
        let _ = io;
        false
    }

    /// What to wait for, as long as the connection is the one that was released.
    fn released(&self) -> Option<RawFd> {
        None
    }

    /// Reads what has arrived and delivers it. Returns how many messages that were, and whether nothing is left for the I/O
    /// thread.
    fn read(&mut self, now: Instant) -> (usize, bool) {
        let _ = now;
        (0, false)
    }

    /// Has the I/O thread wait for what arrives again. Returns whether that could be done.
    fn take_back(&mut self, io: &Io<'_>) -> bool {
        let _ = io;
        true
    }

    /// When it is to be processed next even if nothing happens.
    fn deadline(&self) -> Option<Instant>;

    /// Ends without delay; called when the engine gives up waiting.
    fn abort(&mut self, io: &Io<'_>);
}

/// What the system says of a descriptor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Readiness {
    pub(super) is_readable: bool,
    pub(super) is_writable: bool,
    /// Whether the peer sends nothing more, or the connection is broken.
    pub(super) is_ending: bool,
}

/// What an endpoint says after having been processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing left to do for now.
    Idle,
    /// There is more to do at once.
    Again,
    /// It has closed its sockets and is to be dropped.
    Done,
}

/// What an endpoint may use of the engine.
pub(super) struct Io<'a> {
    registry: &'a Registry,
    id: u64,
}

impl Io<'_> {
    /// Has the endpoint processed when `descriptor` becomes readable. `slot` tells an endpoint's descriptors apart.
    pub(super) fn watch(&self, descriptor: RawFd, slot: usize) -> io::Result<()> {
        self.register(descriptor, slot, Interest::READABLE)
    }

    /// The same for a connection, when it becomes writable too.
    pub(super) fn watch_stream(&self, descriptor: RawFd, slot: usize) -> io::Result<()> {
        self.register(descriptor, slot, Interest::READABLE | Interest::WRITABLE)
    }

    fn register(&self, descriptor: RawFd, slot: usize, interest: Interest) -> io::Result<()> {
        let token = Token(((self.id as usize) << SLOT_BITS) | slot);
        self.registry.register(&mut SourceFd(&descriptor), token, interest)
    }

    pub(super) fn unwatch(&self, descriptor: RawFd) {
        // Fails only for a descriptor that is not watched, and then there is nothing to undo.
        let _ = self.registry.deregister(&mut SourceFd(&descriptor));
    }
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
        let shared = Arc::new(Shared {
            context: Mutex::new(Some(Arc::clone(&context))),
            waker: mio::Waker::new(poll.registry(), WAKE)?,
            registry: poll.registry().try_clone()?,
            sleeping: AtomicBool::new(false),
            inbox: Mutex::default(),
            next_id: AtomicU64::new(1),
        });
        let thread = std::thread::Builder::new().name("pigato-io".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || Loop::new(poll, shared, context).run()
        })?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)), generation })
    }

    /// The context to make sockets with.
    pub(super) fn context(&self) -> Result<Arc<Context>, Error> {
        self.shared.context.lock().clone().ok_or_else(|| Error::from(ErrorCode::Closed))
    }

    /// Gives an endpoint to the I/O thread. `mailbox` is the one it takes its commands from.
    pub(super) fn adopt<C>(self: &Arc<Self>, mailbox: Arc<Mailbox<C>>, endpoint: Box<dyn Endpoint>) -> Handle<C> {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let cell = Arc::new(Cell::new(endpoint));
        self.shared.inbox.lock().added.push((id, Arc::clone(&cell)));
        let handle = Handle::new(Arc::clone(self), mailbox, cell, id);
        handle.wake();
        handle
    }

    pub(super) fn io(&self, id: u64) -> Io<'_> {
        Io { registry: &self.shared.registry, id }
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

impl Shared {
    fn wake_thread(&self) {
        if self.sleeping.swap(false, Ordering::SeqCst) {
            // Can fail only if the descriptor is gone, and then so is the thread.
            let _ = self.waker.wake();
        }
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

/// What the I/O thread keeps to itself.
struct Loop {
    poll: Poll,
    shared: Arc<Shared>,
    endpoints: HashMap<u64, Arc<Cell>>,
    deadlines: BTreeSet<(Instant, u64)>,
    /// Endpoints to process in this turn, and whether each is in already.
    active: Vec<u64>,
    stopping_since: Option<Instant>,
    /// The last field, because dropping the last reference waits until all sockets are closed.
    _context: Arc<Context>,
}

impl Loop {
    fn new(poll: Poll, shared: Arc<Shared>, context: Arc<Context>) -> Self {
        Self {
            poll,
            shared,
            endpoints: HashMap::new(),
            deadlines: BTreeSet::new(),
            active: Vec::new(),
            stopping_since: None,
            _context: context,
        }
    }

    fn run(&mut self) {
        let mut events = Events::with_capacity(EVENTS_PER_POLL);
        loop {
            self.collect();
            let now = Instant::now();
            while let Some((at, id)) = self.deadlines.first().copied().filter(|(at, _)| *at <= now) {
                self.deadlines.remove(&(at, id));
                if let Some(cell) = self.endpoints.get(&id) {
                    cell.lock().deadline = None;
                }
                self.active.push(id);
            }
            self.process_active();
            // Not after the wait: the last endpoint may just have ended, and then nothing wakes this thread.
            if self.is_over(now) {
                break;
            }
            self.wait(&mut events);
        }
        for (id, cell) in self.endpoints.drain() {
            if let Some(mut endpoint) = cell.lock().endpoint.take() {
                endpoint.abort(&Io { registry: self.poll.registry(), id });
            }
        }
    }

    /// Takes over what other threads left.
    fn collect(&mut self) {
        let mut inbox = self.shared.inbox.lock();
        self.endpoints.extend(inbox.added.drain(..));
        self.active.append(&mut inbox.ready);
        if inbox.stop && self.stopping_since.is_none() {
            self.stopping_since = Some(Instant::now());
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        self.stopping_since.is_some_and(|since| self.endpoints.is_empty() || now >= since + SHUTDOWN)
    }

    fn process_active(&mut self) {
        let mut active = std::mem::take(&mut self.active);
        active.sort_unstable();
        active.dedup();
        for id in active.drain(..) {
            self.process(id);
        }
        if self.active.is_empty() {
            // Keeps the allocation for the next turn.
            self.active = active;
        }
    }

    fn process(&mut self, id: u64) {
        let Some(cell) = self.endpoints.get(&id) else { return };
        let mut slot = cell.lock();
        let Some(endpoint) = &mut slot.endpoint else { return };
        let progress = endpoint.process(Instant::now(), &Io { registry: self.poll.registry(), id });
        let deadline = if progress == Progress::Done { None } else { endpoint.deadline() };
        if deadline != slot.deadline {
            self.deadlines.extend(deadline.map(|at| (at, id)));
            if let Some(at) = std::mem::replace(&mut slot.deadline, deadline) {
                self.deadlines.remove(&(at, id));
            }
        }
        slot.allowance = slot.allowance.max(1);
        match progress {
            Progress::Idle => {}
            Progress::Again => self.active.push(id),
            Progress::Done => {
                let ended = slot.endpoint.take();
                drop(slot);
                self.endpoints.remove(&id);
                // Not under the lock: it may hold the last handle of another endpoint.
                drop(ended);
            }
        }
    }

    /// Waits for the next thing to happen and notes which endpoints it concerns.
    fn wait(&mut self, events: &mut Events) {
        let mut timeout = Some(Duration::ZERO);
        if self.active.is_empty() {
            self.shared.sleeping.store(true, Ordering::SeqCst);
            let has_news = {
                let inbox = self.shared.inbox.lock();
                !inbox.ready.is_empty() || !inbox.added.is_empty() || (inbox.stop && self.stopping_since.is_none())
            };
            if !has_news {
                timeout = self.time_to_sleep();
            }
        }
        // Interrupted by a signal, it says nothing of what is there; a full list says only part of it. What has come is noted before
        // a deadline that has passed is acted upon.
        for _ in 0..POLLS_PER_TURN {
            let is_whole = self.poll.poll(events, timeout).is_ok() && events.iter().count() < EVENTS_PER_POLL;
            self.shared.sleeping.store(false, Ordering::SeqCst);
            self.note(events);
            if is_whole {
                break;
            }
            timeout = Some(Duration::ZERO);
        }
    }

    fn note(&mut self, events: &mut Events) {
        for event in events.iter().filter(|event| event.token() != WAKE) {
            let id = (event.token().0 >> SLOT_BITS) as u64;
            let is_ending = event.is_read_closed() || event.is_error();
            let is_readable = event.is_readable() || is_ending;
            let readiness = Readiness { is_readable, is_writable: event.is_writable(), is_ending };
            if let Some(cell) = self.endpoints.get(&id) {
                if let Some(endpoint) = &mut cell.lock().endpoint {
                    endpoint.ready(event.token().0 & ((1 << SLOT_BITS) - 1), readiness);
                }
            }
            self.active.push(id);
        }
        events.clear();
    }

    fn time_to_sleep(&self) -> Option<Duration> {
        if self.stopping_since.is_some() && self.endpoints.is_empty() {
            return Some(Duration::ZERO);
        }
        let shutdown = self.stopping_since.map(|since| since + SHUTDOWN);
        let next = self.deadlines.first().map(|(at, _)| *at);
        let until = [next, shutdown].into_iter().flatten().min()?;
        Some(until.saturating_duration_since(Instant::now()))
    }
}
