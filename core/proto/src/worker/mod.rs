//! The worker's state machine: takes messages, replies and time, gives messages and requests. No sockets, no clock.
//!
//! - *Inputs*: [`Machine::start`], [`Machine::reply`], [`Machine::reject`], [`Machine::set_concurrency`],
//!   [`Machine::heartbeat`], [`Machine::drain`], [`Machine::stop`] come from the user; [`Machine::handle_connected`],
//!   [`Machine::handle_disconnected`], [`Machine::handle_message`] from the connection; [`Machine::handle_timeout`]
//!   from the clock. Each takes the present time, which must not run backwards.
//! - *Outputs* come from [`Machine::poll_output`], in the order in which they are to take effect, until it gives `None`.
//! - *Time*: when [`Machine::next_deadline`] has passed, call [`Machine::handle_timeout`].
//!
//! A request that the user was given ([`Event::Request`]) is live until its final reply, its rejection or
//! [`Event::Cancelled`]; replies to one that is not live go nowhere.

mod active;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::config::{Concurrency, Timeout, WorkerOptions};
use crate::entropy::Entropy;
use crate::limits;
use crate::protocol::{
    BrokerHello, BrokerToWorker, Capabilities, Frame, Malformed, Metadata, Payload, PeerId, ReplyKind, RequestId,
    ServiceName, Status, WorkerHeartbeat, WorkerHello, WorkerToBroker,
};
use crate::session::{Due, Link, LinkSettings};
use crate::timers::{Armed, Timers};

pub use active::Token;
use active::{Active, ActiveRequests};

/// Something for the machine's owner to do.
pub type Output = crate::session::PeerOutput<WorkerToBroker, Event>;

/// A request for the user.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What it is called when replying.
    pub token: Token,
    /// Who asks.
    pub client: PeerId,
    /// The name that was asked for, which a wildcard's worker wants to know.
    pub service: ServiceName,
    /// What the client calls it.
    pub id: RequestId,
    /// The data.
    pub data: Frame,
    /// The client's options: JSON, or nothing.
    pub options: Frame,
    /// What was left of its timeout when the broker sent it; `None`: the broker did not say.
    pub remaining: Option<Timeout>,
    /// 1 for the first worker that got it, 2 for the second, …
    pub attempt: u32,
    /// Partial replies that may be sent before [`Event::Credit`]; `None`: as many as the worker likes.
    pub credit: Option<u32>,
}

/// Why a request is no longer live although it was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelReason {
    /// The client gave up, timed out or vanished.
    Client,
    /// The connection to the broker is gone.
    Disconnected,
    /// The worker was stopped.
    Stopped,
}

/// Something that the user wants to know.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The broker has answered for the first time on this connection.
    Connected,
    /// The connection is gone; another one is being made unless the worker was stopped.
    Disconnected,
    /// The worker has stopped. Nothing follows.
    Stopped,
    /// The broker sent something that breaks the protocol.
    ProtocolError(Malformed),
    /// A request to answer.
    Request(Box<Request>),
    /// Nobody waits for the reply any more.
    Cancelled {
        /// Which request.
        token: Token,
        /// Why.
        reason: CancelReason,
    },
    /// The client still waits for the reply.
    Heartbeat {
        /// Which request.
        token: Token,
    },
    /// More partial replies may be sent.
    Credit {
        /// For which request.
        token: Token,
        /// How many more.
        partials: u32,
    },
}

#[derive(Debug)]
struct Drain {
    armed: Armed,
}

/// A worker without sockets; see the [module's documentation](self).
#[derive(Debug)]
pub struct Machine {
    service: ServiceName,
    options: WorkerOptions,
    entropy: Entropy,
    link: Link,
    /// What the broker announced, if it is of version 1.
    broker: Option<BrokerHello>,
    active: ActiveRequests,
    drain: Option<Drain>,
    timers: Timers<()>,
    outputs: VecDeque<Output>,
}

impl Machine {
    /// A worker for `service`, not started. The first part of its identities, if the options give none, is drawn from
    /// `entropy`.
    #[must_use]
    pub fn new(service: ServiceName, options: WorkerOptions, mut entropy: Entropy) -> Self {
        let options = options.named(&mut entropy);
        let prefix = options.prefix.clone().unwrap_or_default();
        let link = Link::new(LinkSettings {
            prefix,
            heartbeat: options.heartbeat,
            liveness: options.heartbeat_liveness,
            reconnect: options.reconnect,
        });
        Self {
            service,
            options,
            active: ActiveRequests::new(&mut entropy),
            entropy,
            link,
            broker: None,
            drain: None,
            timers: Timers::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Input: start, if not started.
    pub fn start(&mut self) {
        if !self.link.is_started() {
            self.drain = None;
            self.open();
        }
    }

    fn open(&mut self) {
        let identity = self.link.open(&mut self.entropy);
        self.outputs.push_back(Output::Connect(identity));
    }

    /// Input: a reply to a live request. Partial replies beyond the credit, and what follows them, wait for more.
    /// Returns whether the request was live.
    pub fn reply(&mut self, now: Instant, token: Token, kind: ReplyKind, mut payload: Payload) -> bool {
        let Some(request) = self.active.get_mut(token).filter(|request| !request.is_answered()) else { return false };
        // The published peers count the frames of a reply.
        payload.options.get_or_insert_with(|| Frame::from("{}"));
        if let Some(payload) = request.submit(kind, payload) {
            self.send_reply(now, token, kind, payload);
        }
        true
    }

    /// Sends what the credit allows of the replies that were kept.
    fn flush(&mut self, now: Instant, token: Token) {
        while let Some((kind, payload)) = self.active.get_mut(token).and_then(Active::next_reply) {
            self.send_reply(now, token, kind, payload);
        }
    }

    fn send_reply(&mut self, now: Instant, token: Token, kind: ReplyKind, payload: Payload) {
        if kind == ReplyKind::Final {
            let Some(Active { client, id, .. }) = self.active.remove(token) else { return };
            self.send(WorkerToBroker::Reply { kind, client, id, payload });
            self.check_drained(now);
        } else if let Some(request) = self.active.get_mut(token) {
            let (client, id) = (request.client.clone(), request.id.clone());
            self.send(WorkerToBroker::Reply { kind, client, id, payload });
        }
    }

    /// Input: somebody else is to answer. Returns whether the request was live.
    pub fn reject(&mut self, now: Instant, token: Token, reason: Frame) -> bool {
        if self.active.get_mut(token).is_none_or(|request| request.is_answered()) {
            return false;
        }
        let Some(request) = self.active.remove(token) else { return false };
        self.send_reject(request.client, request.id, reason);
        self.check_drained(now);
        true
    }

    fn send_reject(&mut self, client: PeerId, id: RequestId, reason: Frame) {
        let payload = Payload::new(Status::Ok, reason, Frame::from("{}"));
        self.send(WorkerToBroker::Reject { client, id, payload });
    }

    /// Input: take this many requests at a time from now on. The broker is told at once.
    pub fn set_concurrency(&mut self, concurrency: Concurrency) {
        self.options.concurrency = concurrency;
        self.heartbeat(false);
    }

    /// Input: send a sign of life now; with `update`, a core service asks for a publication of the directory. Signs of
    /// life are sent by themselves once a heartbeat interval.
    pub fn heartbeat(&mut self, update: bool) {
        if self.link.is_up() {
            let concurrency = Some(self.options.concurrency);
            self.send(WorkerToBroker::Heartbeat(WorkerHeartbeat { concurrency, update }));
        }
    }

    /// Input: stop once the live requests are answered, after `timeout` at the latest. New requests are rejected, so
    /// that other workers get them.
    pub fn drain(&mut self, now: Instant, timeout: Duration) {
        if !self.link.is_started() {
            return;
        }
        let drain = self.drain.get_or_insert(Drain { armed: Armed::default() });
        self.timers.disarm(&mut drain.armed);
        self.timers.arm((), &mut drain.armed, now + timeout.min(limits::DURATION));
        self.check_drained(now);
    }

    fn check_drained(&mut self, now: Instant) {
        if self.drain.is_some() && self.active.is_empty() {
            self.stop(now);
        }
    }

    /// Input: stop now. Live requests are cancelled here; the broker gives those with `retry` to other workers.
    pub fn stop(&mut self, _now: Instant) {
        if !self.link.is_started() {
            return;
        }
        if self.link.is_up() {
            self.send(WorkerToBroker::Disconnect);
        }
        if let Some(mut drain) = self.drain.take() {
            self.timers.disarm(&mut drain.armed);
        }
        let link = self.link.stop();
        self.broker = None;
        if link.was_open {
            self.outputs.push_back(Output::Disconnect);
        }
        self.cancel_all(CancelReason::Stopped);
        if link.was_confirmed {
            self.event(Event::Disconnected);
        }
        self.event(Event::Stopped);
    }

    /// Input: the connection that was asked for is up.
    pub fn handle_connected(&mut self, now: Instant) {
        if self.link.connected(now) {
            let hello = WorkerHello {
                capabilities: Capabilities::ALL,
                heartbeat: self.link.heartbeat(),
                concurrency: self.options.concurrency,
            };
            self.send(WorkerToBroker::Ready { service: self.service.clone(), hello: Some(hello) });
            // A published broker learns the concurrency from heartbeats alone.
            self.heartbeat(false);
        }
    }

    /// Input: the connection is gone. All live requests are cancelled; another connection, with a new identity, follows.
    pub fn handle_disconnected(&mut self, now: Instant) {
        if !self.link.is_up() {
            return;
        }
        let was_confirmed = self.link.lost(now, &mut self.entropy);
        self.broker = None;
        self.outputs.push_back(Output::Disconnect);
        self.cancel_all(CancelReason::Disconnected);
        if was_confirmed {
            self.event(Event::Disconnected);
        }
        self.check_drained(now);
    }

    /// Input: the connection that was asked for could not be opened. Another attempt follows.
    pub fn handle_connect_failed(&mut self, now: Instant) {
        if self.link.is_connecting() {
            self.link.lost(now, &mut self.entropy);
        } else {
            self.handle_disconnected(now);
        }
    }

    fn cancel_all(&mut self, reason: CancelReason) {
        for token in self.active.clear() {
            self.event(Event::Cancelled { token, reason });
        }
    }

    /// Input: a message from the broker. Leaves `frames` empty.
    pub fn handle_message(&mut self, now: Instant, frames: &mut Vec<Frame>) {
        if !self.link.is_up() {
            frames.clear();
            return;
        }
        let message = BrokerToWorker::decode(frames);
        // Whoever takes this side for the other one has not confirmed the connection.
        let is_for_us = !message.as_ref().is_err_and(|error| error.malformed == Malformed::Side);
        if is_for_us && self.link.heard(now) {
            self.event(Event::Connected);
        }
        match message {
            Ok(message) => self.handle_decoded(now, message),
            Err(error) => self.event(Event::ProtocolError(error.malformed)),
        }
    }

    fn handle_decoded(&mut self, now: Instant, mut message: BrokerToWorker) {
        if self.broker.is_some() {
            message.take_metadata();
        }
        match message {
            BrokerToWorker::Ready(hello) => {
                if let Some(hello) = &hello {
                    self.link.announced(hello.heartbeat);
                }
                self.broker = hello;
            }
            BrokerToWorker::Request { client, service, id, data, options, metadata, .. } => {
                self.forget(&client, &id);
                if self.drain.is_some() {
                    self.send_reject(client, id, Frame::from("\"stopping\""));
                    self.check_drained(now);
                } else {
                    self.accept(client, service, id, data, options, metadata);
                }
            }
            BrokerToWorker::Heartbeat => {}
            BrokerToWorker::RequestHeartbeat { client, id } => {
                if let Some(token) = self.active.find(&client, &id) {
                    self.event(Event::Heartbeat { token });
                }
            }
            BrokerToWorker::Disconnect => self.handle_disconnected(now),
            BrokerToWorker::Cancel { client, id } => {
                self.forget(&client, &id);
                self.check_drained(now);
            }
            BrokerToWorker::Credit { client, id, partials } => {
                if let Some(token) = self.active.find(&client, &id) {
                    self.active.add_credit(token, partials);
                    self.event(Event::Credit { token, partials });
                    self.flush(now, token);
                }
            }
        }
    }

    /// Ends a request that the broker no longer counts as this worker's: it was cancelled, or is to be run anew.
    fn forget(&mut self, client: &PeerId, id: &RequestId) {
        if let Some(token) = self.active.find(client, id) {
            self.active.remove(token);
            self.event(Event::Cancelled { token, reason: CancelReason::Client });
        }
    }

    fn accept(
        &mut self,
        client: PeerId,
        service: ServiceName,
        id: RequestId,
        data: Frame,
        options: Frame,
        metadata: Option<Metadata>,
    ) {
        let credit = metadata.and_then(|metadata| metadata.credit);
        let token = self.active.insert(Active::new(client.clone(), id.clone(), credit));
        self.event(Event::Request(Box::new(Request {
            token,
            client,
            service,
            id,
            data,
            options,
            remaining: metadata.map(|metadata| metadata.remaining),
            attempt: metadata.map_or(1, |metadata| metadata.attempt),
            credit,
        })));
    }

    /// Input: messages are not being read, because their receiver has more than enough. Until they are again, the broker's
    /// silence means nothing.
    pub fn handle_not_reading(&mut self, now: Instant) {
        self.link.not_listening(now);
    }

    /// Input: time has passed. Does what is due; harmless when nothing is.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(due) = self.link.due(now) {
            match due {
                Due::Connect => self.open(),
                Due::Heartbeat => self.heartbeat(false),
                Due::Dead => {
                    // A broker that was only slow does not wait for a worker that has another identity by then.
                    self.send(WorkerToBroker::Disconnect);
                    self.handle_disconnected(now);
                }
            }
        }
        if self.timers.pop_due(now).is_some() {
            if let Some(drain) = &mut self.drain {
                drain.armed.fired();
            }
            self.stop(now);
        }
    }

    /// Whether it has not stopped.
    pub fn is_started(&self) -> bool {
        self.link.is_started()
    }

    /// When [`Machine::handle_timeout`] is to be called next; `None`: not until another input.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        [self.link.deadline(), self.timers.next()].into_iter().flatten().min()
    }

    /// The next thing to do, until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Requests that are live.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.active.len()
    }

    fn send(&mut self, message: WorkerToBroker) {
        self.outputs.push_back(Output::Send(message));
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}
