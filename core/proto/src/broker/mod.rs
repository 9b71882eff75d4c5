//! The broker's state machine: takes messages and time, gives messages and events. No sockets, no clock.
//!
//! - *Inputs* are [`Machine::handle_message`], [`Machine::handle_unroutable`], [`Machine::handle_overflow`],
//!   [`Machine::handle_subscription`], [`Machine::handle_backlog`], [`Machine::handle_timeout`], [`Machine::restore`] and
//!   [`Machine::drain`]; what depends on the present time takes it, and it must not run backwards.
//! - *Outputs* come from [`Machine::poll_output`], in the order in which they are to take effect, until it gives `None`.
//!   Drain them after every input: nothing is lost if that comes later, but messages are delayed and memory grows.
//! - *Time*: when [`Machine::next_deadline`] has passed, call [`Machine::handle_timeout`].
//! - *Getters*: [`Machine::statistics`], [`Machine::directory`], [`Machine::name`].
//!
//! One request's way through the modules: `protocol` decodes it, `intake` checks it and gives it a place, `dispatch`
//! finds a free worker through `routing` (queues and pools) or lets it wait, `replies` passes the answers back, and
//! `lifecycle` ends it when its time, its worker or its client is gone. `persistence` tells of each of these steps where
//! somebody keeps requests.

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

/// A broker without sockets; see the [module's documentation](self).
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
    /// Requests that wait for a worker that is not there, by its id.
    orphans: dispatch::Orphans,
    cache: ReplyCache,
    /// The last options frame and what it says: clients send the same one again and again.
    last_settings: (Frame, RequestSettings),
    disconnected: DisconnectedPeers,
    publication: Publication,
    timers: Timers<TimerKey>,
    budget: WorkBudget,
    outputs: VecDeque<Queued>,
    /// The request that the output polled last hands to a worker, until the next one is polled.
    last_polled: Option<RequestKey>,
    /// Outputs that hand a request to a worker and were not polled.
    unpolled_dispatches: usize,
    /// Counts the requests that workers were given, to tell which worker was given one last.
    dispatch_clock: u64,
    statistics: Statistics,
    /// Numbers arrivals of requests.
    next_sequence: u64,
    drain: Option<lifecycle::Drain>,
    store: StoreState,
    /// Inputs since the last check of the invariants.
    #[cfg(debug_assertions)]
    unchecked_inputs: usize,
}

/// What a deadline is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TimerKey {
    Request(RequestKey),
    Worker(WorkerKey),
    Client(ClientKey),
    Publish,
    Drain,
}

impl Machine {
    /// A broker that knows nobody yet. Its name, if the options give none, is drawn from `entropy`. An interval between
    /// heartbeats that makes no sense becomes the nearest that does.
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

    /// Input: a message from a peer, without its identity frame. Leaves `frames` empty.
    pub fn handle_message(&mut self, now: Instant, peer: &PeerId, frames: &mut Vec<Frame>) {
        match ToBroker::decode(frames) {
            Ok(ToBroker::Client(message)) => self.handle_client(now, peer, message),
            Ok(ToBroker::Worker(message)) => self.handle_worker(now, peer, message),
            Err(error) => {
                if let Some(id) = &error.refused_request {
                    let id = id.as_ref().map(|id| id.to_frame()).unwrap_or_default();
                    self.refuse(peer, id, ErrorCode::BadRequest);
                }
                // A type that is not known may be one of a later version: counted, and nothing else.
                let by_worker = error.side == Some(Side::Worker) && error.malformed != Malformed::Type;
                self.violation(now, peer, Violation::Malformed(error), by_worker);
            }
        }
        self.finish_input(now);
    }

    /// Input: the output polled last could not be sent to this peer, because it has no connection any more; or an earlier one, if
    /// [`Machine::poll_output`] has nothing more. A request that was not sent goes to another worker, whether it has `retry` or
    /// not.
    pub fn handle_unroutable(&mut self, now: Instant, peer: &PeerId) {
        self.statistics.undeliverable += 1;
        self.peer_lost(now, peer, Loss::Unroutable);
        self.finish_input(now);
    }

    /// Input: more is waiting to be sent to this peer than may wait; it was thrown away, and so must be the outputs for
    /// this peer that are still to be last_polled: a peer that gets later messages without the earlier ones is misled.
    pub fn handle_overflow(&mut self, now: Instant, peer: &PeerId) {
        self.statistics.undeliverable += 1;
        self.peer_lost(now, peer, Loss::Overflow);
        self.finish_input(now);
    }

    /// Input: time has passed. Does what is due, at most [`limits::DUE_PER_TURN`] of it: what is left keeps
    /// [`Machine::next_deadline`] in the past. Harmless when nothing is due.
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

    /// When [`Machine::handle_timeout`] is to be called next; `None`: not until another input.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        [self.timers.next(), self.budget.due()].into_iter().flatten().min()
    }

    /// The next thing to do, until there is none.
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

    /// Counters since the start, and what there is now.
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

    /// Ends an input: completes a drain that has nothing left to do.
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

    /// Ends a request that was never taken in.
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
