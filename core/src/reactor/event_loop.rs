//! The loop of the I/O thread: waits for descriptors, commands and deadlines, and processes the
//! endpoints that have work.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Poll};
use pigato_frame::Context;
use pigato_sync::Progress;

use super::endpoint::{endpoint_and_slot, Io, Readiness};
use super::shared::{Cell, News, Shared, WAKE};

/// The number of descriptors that one call of the system's poll reports at most.
const EVENTS_PER_POLL: usize = 1_024;
/// The number of such calls before the endpoints are processed.
const POLLS_PER_TURN: usize = 64;

/// How long a stopping engine waits for its endpoints to close by themselves.
const SHUTDOWN: Duration = Duration::from_secs(4);

/// The state that the I/O thread shares with no other thread.
pub(super) struct EventLoop {
    poll: Poll,
    shared: Arc<Shared>,
    endpoints: HashMap<u64, Arc<Cell>>,
    deadlines: BTreeSet<(Instant, u64)>,
    /// Endpoints to process in this turn, perhaps more than once in the list.
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
                    cell.forget_deadline();
                }
                self.active.push(id);
            }
            self.process_active();
            // Before the wait: the last endpoint may just have ended, and then nothing wakes this
            // thread.
            if self.is_over(now) {
                break;
            }
            self.wait(&mut events);
        }
        for (id, cell) in self.endpoints.drain() {
            if let Some(mut endpoint) = cell.take() {
                endpoint.abort(&Io::new(self.poll.registry(), id));
            }
        }
    }

    /// Takes new endpoints, ready endpoints and the stop flag from the inbox.
    fn collect(&mut self) {
        let Self { shared, endpoints, active, stopping_since, .. } = self;
        shared.inbox.edit(|news| {
            endpoints.extend(news.added.drain(..));
            active.append(&mut news.ready);
            if news.stop && stopping_since.is_none() {
                *stopping_since = Some(Instant::now());
            }
        });
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
        let io = Io::new(self.poll.registry(), id);
        let Some(processed) = cell.process(|endpoint| endpoint.process(Instant::now(), &io)) else { return };
        if processed.deadline != processed.previous_deadline {
            self.deadlines.extend(processed.deadline.map(|at| (at, id)));
            if let Some(at) = processed.previous_deadline {
                self.deadlines.remove(&(at, id));
            }
        }
        match processed.progress {
            Progress::Idle => {}
            Progress::Again => self.active.push(id),
            Progress::Done => {
                self.endpoints.remove(&id);
                drop(processed.ended);
            }
        }
    }

    /// Waits for descriptors, news or a deadline, and notes the endpoints concerned.
    fn wait(&mut self, events: &mut Events) {
        let mut timeout = Some(Duration::ZERO);
        if self.active.is_empty() && self.shared.inbox.fall_asleep(|news| self.concerns(news)) {
            timeout = self.time_to_sleep();
        }
        // A poll that a signal interrupts reports nothing, and a full list is only a part. All
        // readiness is noted before a deadline that has passed is acted upon.
        for _ in 0..POLLS_PER_TURN {
            let is_complete = self.poll.poll(events, timeout).is_ok() && events.iter().count() < EVENTS_PER_POLL;
            self.shared.inbox.wake_up();
            self.note(events);
            if is_complete {
                break;
            }
            timeout = Some(Duration::ZERO);
        }
    }

    /// Whether the news is any for this thread.
    fn concerns(&self, news: &News) -> bool {
        !news.ready.is_empty() || !news.added.is_empty() || (news.stop && self.stopping_since.is_none())
    }

    fn note(&mut self, events: &mut Events) {
        for event in events.iter().filter(|event| event.token() != WAKE) {
            let (id, slot) = endpoint_and_slot(event.token());
            let is_ending = event.is_read_closed() || event.is_error();
            let is_readable = event.is_readable() || is_ending;
            let readiness = Readiness { is_readable, is_writable: event.is_writable(), is_ending };
            if let Some(cell) = self.endpoints.get(&id) {
                cell.edit(|endpoint| endpoint.ready(slot, readiness));
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
