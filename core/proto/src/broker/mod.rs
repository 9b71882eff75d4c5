//! The broker's state machine. It takes messages and the present time and emits messages and
//! events; it uses no sockets and no clock.
//!
//! - *Inputs*: [`Machine::handle_message`], [`Machine::handle_unroutable`],
//!   [`Machine::handle_overflow`], [`Machine::handle_subscription`], [`Machine::handle_backlog`],
//!   [`Machine::handle_timeout`], [`Machine::restore`] and [`Machine::drain`]. Time-dependent
//!   inputs take the present time, which must not run backwards.
//! - *Outputs*: [`Machine::poll_output`] returns them in the order in which they must take effect,
//!   then `None`. Poll after every input: later is safe, but delays messages and uses memory.
//! - *Time*: call [`Machine::handle_timeout`] when [`Machine::next_deadline`] has passed.
//! - *Getters*: [`Machine::statistics`], [`Machine::directory`], [`Machine::name`].
//!
//! A request's way through the modules: `protocol` decodes it, `admission` checks it, `dispatch`
//! finds a free worker through `routing` (queues and pools) or queues it, `replies` forwards the
//! replies, and `lifecycle` and `expiry` end it when its worker, its client or its time is gone.
//! `persistence` emits an event for each of these steps of a durable request.

mod admission;
mod cache;
mod clients;
mod directory;
mod dispatch;
mod expiry;
#[doc(hidden)]
pub mod inspect;
#[cfg(debug_assertions)]
mod invariants;
mod keys;
mod lifecycle;
mod output;
mod pattern;
mod persistence;
mod pool;
mod queue;
mod registration;
mod rejecters;
mod replies;
mod requests;
mod routing;
mod statistics;
mod stored_request;
mod tombstones;
mod workers;

use std::collections::VecDeque;
use std::time::Instant;

pub use output::{Event, Loss, Message, Output, Violation};
pub use statistics::Statistics;
pub use stored_request::{Persistence, StoredRequest};

use cache::ReplyCache;
use clients::Clients;
use directory::Publication;
use expiry::WorkBudget;
use keys::{ClientKey, RequestKey, WorkerKey};
use output::Queued;
use persistence::StoreState;
use registration::DisconnectedPeers;
use requests::Requests;
use routing::Routing;
use workers::Workers;

use crate::config::BrokerOptions;
use crate::entropy::Entropy;
use crate::error::ErrorCode;
use crate::index::ByteHasher;
use crate::limits;
use crate::protocol::{
    BrokerHello, BrokerToClient, BrokerToWorker, Capabilities, Frame, Malformed, Payload, PeerId, ReplyKind,
    RequestSettings, Side, ToBroker,
};
use crate::timers::Timers;

/// A broker without I/O; see the [module's documentation](self).
#[derive(Debug)]
pub struct Machine {
    options: BrokerOptions,
    name: String,
    entropy: Entropy,
    hasher: ByteHasher,
    workers: Workers,
    clients: Clients,
    requests: Requests,
    routing: Routing,
    /// Requests that wait for an unregistered worker, by its id.
    orphans: dispatch::Orphans,
    cache: ReplyCache,
    /// The last options frame and its parsed form: clients tend to send the same frame every time.
    last_settings: (Frame, RequestSettings),
    disconnected: DisconnectedPeers,
    publication: Publication,
    timers: Timers<TimerKey>,
    budget: WorkBudget,
    outputs: VecDeque<Queued>,
    /// The request that the last polled output dispatches.
    last_polled: Option<RequestKey>,
    /// Number of unpolled outputs that dispatch a request.
    unpolled_dispatches: usize,
    /// Numbers the dispatches, so that the least recently used worker is known.
    dispatch_clock: u64,
    statistics: Statistics,
    /// Numbers the requests in order of arrival.
    next_sequence: u64,
    drain: Option<lifecycle::Drain>,
    store: StoreState,
    /// Inputs since the last check of the invariants.
    #[cfg(debug_assertions)]
    unchecked_inputs: usize,
}

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TimerKey {
    Request(RequestKey),
    Worker(WorkerKey),
    Client(ClientKey),
    Publish,
    Drain,
}

impl Machine {
    /// Creates a broker without peers. Draws a name from `entropy` if the options contain none, and
    /// clamps an invalid heartbeat interval to the nearest valid one.
    #[must_use]
    pub fn new(mut options: BrokerOptions, mut entropy: Entropy) -> Self {
        options.heartbeat = options.heartbeat.clamp(limits::HEARTBEAT.0, limits::HEARTBEAT.1);
        let options = options.named(&mut entropy);
        let name = options.name.clone().unwrap_or_default();
        let hasher = ByteHasher::new(entropy.number());
        Self {
            name,
            workers: Workers::default(),
            clients: Clients::default(),
            requests: Requests::default(),
            routing: Routing::new(options.dispatch_mode, hasher.clone()),
            orphans: dispatch::Orphans::default(),
            cache: ReplyCache::new(options.cache_bytes),
            last_settings: (Frame::default(), RequestSettings::default()),
            disconnected: DisconnectedPeers::default(),
            publication: Publication::default(),
            timers: Timers::default(),
            budget: WorkBudget::default(),
            outputs: VecDeque::new(),
            last_polled: None,
            unpolled_dispatches: 0,
            dispatch_clock: 0,
            statistics: Statistics::default(),
            next_sequence: 0,
            drain: None,
            store: StoreState::default(),
            #[cfg(debug_assertions)]
            unchecked_inputs: 0,
            options,
            entropy,
            hasher,
        }
    }

    /// Input: a message from a peer, without its identity frame. Empties `frames`.
    pub fn handle_message(&mut self, now: Instant, peer: &PeerId, frames: &mut Vec<Frame>) {
        match ToBroker::decode(frames) {
            Ok(ToBroker::Client(message)) => self.handle_client(now, peer, message),
            Ok(ToBroker::Worker(message)) => self.handle_worker(now, peer, message),
            Err(error) => {
                if let Some(id) = &error.refused_request {
                    let id = id.as_ref().map(|id| id.to_frame()).unwrap_or_default();
                    self.refuse(peer, id, ErrorCode::BadRequest);
                }
                // An unknown type may belong to a later version: it is counted, and the worker
                // stays.
                let by_worker = error.side == Some(Side::Worker) && error.malformed != Malformed::Type;
                self.violation(now, peer, Violation::Malformed(error), by_worker);
            }
        }
        self.finish_input(now);
    }

    /// Input: the output polled last could not be sent to this peer because its connection is gone;
    /// or an earlier output, if [`Machine::poll_output`] has returned `None` since. A request that
    /// was not sent goes to another worker, with or without `retry`.
    pub fn handle_unroutable(&mut self, now: Instant, peer: &PeerId) {
        self.statistics.undeliverable += 1;
        self.peer_lost(now, peer, Loss::Unroutable);
        self.finish_input(now);
    }

    /// Input: the send queue of this peer was full, and the caller dropped it. The caller must also
    /// drop the outputs for this peer that it has not polled yet: the peer must not receive later
    /// messages without the earlier ones.
    pub fn handle_overflow(&mut self, now: Instant, peer: &PeerId) {
        self.statistics.undeliverable += 1;
        self.peer_lost(now, peer, Loss::Overflow);
        self.finish_input(now);
    }

    /// Input: time has passed. Handles at most [`limits::DUE_PER_TURN`] timers; if more are due,
    /// [`Machine::next_deadline`] stays in the past. Has no effect when nothing is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let deferred = self.budget.begin();
        for _ in 0..limits::DUE_PER_TURN {
            let Some(key) = self.timers.pop_due(now) else { break };
            match key {
                TimerKey::Request(request) => self.request_timer(now, request),
                TimerKey::Worker(worker) => self.worker_timer(now, worker),
                TimerKey::Client(client) => self.client_timer(now, client),
                TimerKey::Publish => self.publish_timer(now),
                TimerKey::Drain => self.drain_timer(now),
            }
        }
        self.serve_deferred(now, deferred);
        self.finish_input(now);
    }

    /// When to call [`Machine::handle_timeout`]; `None`: not before another input.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        [self.timers.next(), self.budget.due()].into_iter().flatten().min()
    }

    /// The next output; `None` when there is no more.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.last_polled = self.outputs.front().and_then(|queued| queued.request);
        self.unpolled_dispatches -= usize::from(self.last_polled.is_some());
        self.outputs.pop_front().map(|queued| queued.output)
    }

    /// The broker's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Counters since the start, and gauges of the present state.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        Statistics {
            workers: self.workers.len(),
            clients: self.clients.len(),
            queued: self.requests.len() - self.requests.in_flight,
            in_flight: self.requests.in_flight,
            request_bytes: self.requests.bytes,
            cache_bytes: self.cache.bytes(),
            ..self.statistics
        }
    }

    /// Runs at the end of every input.
    fn finish_input(&mut self, now: Instant) {
        self.check_drained(now);
        #[cfg(debug_assertions)]
        self.check_invariants();
    }

    fn hello(&self, session: Option<u64>) -> BrokerHello {
        let (heartbeat, name) = (self.options.heartbeat, self.name.clone());
        BrokerHello { capabilities: Capabilities::ALL, heartbeat, name, session }
    }

    fn send_client(&mut self, peer: &PeerId, message: BrokerToClient) {
        self.output(Output::Send { peer: peer.clone(), message: Message::Client(message) });
    }

    fn send_worker(&mut self, peer: &PeerId, message: BrokerToWorker) {
        self.output(Output::Send { peer: peer.clone(), message: Message::Worker(message) });
    }

    /// Replies with an error to a request that was not admitted.
    fn refuse(&mut self, peer: &PeerId, id: Frame, code: ErrorCode) {
        self.statistics.errors += 1;
        let payload = Payload::broker_error(code);
        self.send_client(peer, BrokerToClient::Reply { kind: ReplyKind::Final, id, payload });
    }

    fn event(&mut self, event: Event) {
        self.output(Output::Event(event));
    }

    fn output(&mut self, output: Output) {
        self.outputs.push_back(Queued { output, request: None });
    }
}
