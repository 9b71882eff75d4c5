//! The loop of the I/O thread: waits for descriptors, commands and deadlines, and processes the endpoints that have work.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Poll};
use pigato_frame::Context;

use super::cell::Cell;
use super::endpoint::{endpoint_and_slot, Io, Progress, Readiness};
use super::shared::{Shared, WAKE};

/// Descriptors that one call of the system's poll reports at most, and the number of such calls in one turn.
const EVENTS_PER_POLL: usize = 1_024;
const POLLS_PER_TURN: usize = 64;

/// How long an ending engine waits for its endpoints to close by themselves.
const SHUTDOWN: Duration = Duration::from_secs(4);

/// What the I/O thread keeps to itself.
pub(super) struct EventLoop {
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

impl EventLoop {
    pub(super) fn new(poll: Poll, shared: Arc<Shared>, context: Arc<Context>) -> Self {
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

    pub(super) fn run(&mut self) {
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
                endpoint.abort(&Io::new(self.poll.registry(), id));
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
        let progress = endpoint.process(Instant::now(), &Io::new(self.poll.registry(), id));
        let deadline = if progress == Progress::Done { None } else { endpoint.deadline() };
        if deadline != slot.deadline {
            self.deadlines.extend(deadline.map(|at| (at, id)));
            if let Some(at) = std::mem::replace(&mut slot.deadline, deadline) {
                self.deadlines.remove(&(at, id));
            }
        }
        slot.budget = slot.budget.max(1);
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
            let (id, slot) = endpoint_and_slot(event.token());
            let is_ending = event.is_read_closed() || event.is_error();
            let is_readable = event.is_readable() || is_ending;
            let readiness = Readiness { is_readable, is_writable: event.is_writable(), is_ending };
            if let Some(cell) = self.endpoints.get(&id) {
                if let Some(endpoint) = &mut cell.lock().endpoint {
                    endpoint.ready(slot, readiness);
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
