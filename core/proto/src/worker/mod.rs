//! The worker's state machine. Messages, replies and time go in; messages and events come out. No sockets, no clock.
//!
//! - *Inputs*: [`Machine::start`], [`Machine::reply`], [`Machine::reject`], [`Machine::set_concurrency`],
//!   [`Machine::heartbeat`], [`Machine::drain`], [`Machine::stop`] come from the user; [`Machine::handle_connected`],
//!   [`Machine::handle_disconnected`], [`Machine::handle_message`] from the connection; [`Machine::handle_timeout`]
//!   from the clock. Each takes the present time, which must not run backwards.
//! - *Outputs* come from [`Machine::poll_output`], in the order in which they take effect, until it returns `None`.
//! - *Time*: when [`Machine::next_deadline`] has passed, call [`Machine::handle_timeout`].
//!
//! [`Event::Request`] starts a job, which lasts until its final reply, its rejection or [`Event::Cancelled`]. The machine drops
//! replies to a job that has ended.

mod event;
mod jobs;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::config::{Concurrency, WorkerOptions};
use crate::entropy::Entropy;
use crate::limits;
use crate::protocol::{
    BrokerHello, BrokerToWorker, Capabilities, Frame, Malformed, Metadata, Payload, PeerId, ReplyKind, RequestId,
    ServiceName, Status, WorkerHeartbeat, WorkerHello, WorkerToBroker,
};
use crate::session::{Due, Session, SessionSettings};
use crate::timers::{Armed, Timers};

pub use event::{CancelReason, Event, IncomingRequest};
pub use jobs::RequestNumber;
use jobs::{Job, Jobs};

/// An output for the machine's owner to carry out.
pub type Output = crate::session::PeerOutput<WorkerToBroker, Event>;

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
    session: Session,
    /// The hello of a version 1 broker.
    broker: Option<BrokerHello>,
    jobs: Jobs,
    drain: Option<Drain>,
    timers: Timers<()>,
    outputs: VecDeque<Output>,
}

impl Machine {
    /// A worker for `service` that is not started. Without a `prefix` in the options, `entropy` supplies the first part of its
    /// identities.
    #[must_use]
    pub fn new(service: ServiceName, options: WorkerOptions, mut entropy: Entropy) -> Self {
        let options = options.named(&mut entropy);
        let prefix = options.prefix.clone().unwrap_or_default();
        let session = Session::new(SessionSettings {
            prefix,
            heartbeat: options.heartbeat,
            liveness: options.heartbeat_liveness,
            reconnect: options.reconnect,
        });
        Self {
            service,
            options,
            jobs: Jobs::new(&mut entropy),
            entropy,
            session,
            broker: None,
            drain: None,
            timers: Timers::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Input: start. Does nothing if it has started.
    pub fn start(&mut self) {
        if !self.session.is_started() {
            self.drain = None;
            self.open();
        }
    }

    fn open(&mut self) {
        let identity = self.session.open(&mut self.entropy);
        self.outputs.push_back(Output::Connect(identity));
    }

    /// Input: a reply to a job. Partial replies beyond the credit, and replies behind them, wait for more credit. Returns
    /// whether the job exists and has no final reply yet.
    pub fn reply(&mut self, now: Instant, number: RequestNumber, kind: ReplyKind, mut payload: Payload) -> bool {
        let Some(job) = self.jobs.get_mut(number).filter(|job| !job.is_answered()) else { return false };
        // Published peers expect an options frame in every reply.
        payload.options.get_or_insert_with(|| Frame::from("{}"));
        if let Some(payload) = job.submit(kind, payload) {
            self.send_reply(now, number, kind, payload);
        }
        true
    }

    /// Sends queued replies as far as the credit allows.
    fn flush(&mut self, now: Instant, number: RequestNumber) {
        while let Some((kind, payload)) = self.jobs.get_mut(number).and_then(Job::next_reply) {
            self.send_reply(now, number, kind, payload);
        }
    }

    fn send_reply(&mut self, now: Instant, number: RequestNumber, kind: ReplyKind, payload: Payload) {
        if kind == ReplyKind::Final {
            let Some(Job { client, id, .. }) = self.jobs.remove(number) else { return };
            self.send(WorkerToBroker::Reply { kind, client, id, payload });
            self.check_drained(now);
        } else if let Some(job) = self.jobs.get_mut(number) {
            let (client, id) = (job.client.clone(), job.id.clone());
            self.send(WorkerToBroker::Reply { kind, client, id, payload });
        }
    }

    /// Input: reject a request, so that another worker answers it. Returns whether the job exists and has no final reply yet.
    pub fn reject(&mut self, now: Instant, number: RequestNumber, reason: Frame) -> bool {
        if self.jobs.get_mut(number).is_none_or(|job| job.is_answered()) {
            return false;
        }
        let Some(job) = self.jobs.remove(number) else { return false };
        self.send_reject(job.client, job.id, reason);
        self.check_drained(now);
        true
    }

    fn send_reject(&mut self, client: PeerId, id: RequestId, reason: Frame) {
        let payload = Payload::new(Status::Ok, reason, Frame::from("{}"));
        self.send(WorkerToBroker::Reject { client, id, payload });
    }

    /// Input: change the number of concurrent jobs. Announces it to the broker at once.
    pub fn set_concurrency(&mut self, concurrency: Concurrency) {
        self.options.concurrency = concurrency;
        self.heartbeat(false);
    }

    /// Input: send a heartbeat now. With `update`, a core service asks for a publication of the directory. The machine sends a
    /// heartbeat in each interval by itself.
    pub fn heartbeat(&mut self, update: bool) {
        if self.session.is_up() {
            let concurrency = Some(self.options.concurrency);
            self.send(WorkerToBroker::Heartbeat(WorkerHeartbeat { concurrency, update }));
        }
    }

    /// Input: stop when all jobs are answered, after `timeout` at the latest. Rejects new requests, so that other workers get
    /// them.
    pub fn drain(&mut self, now: Instant, timeout: Duration) {
        if !self.session.is_started() {
            return;
        }
        let drain = self.drain.get_or_insert(Drain { armed: Armed::default() });
        self.timers.disarm(&mut drain.armed);
        self.timers.arm((), &mut drain.armed, now + timeout.min(limits::DURATION));
        self.check_drained(now);
    }

    fn check_drained(&mut self, now: Instant) {
        if self.drain.is_some() && self.jobs.is_empty() {
            self.stop(now);
        }
    }

    /// Input: stop now. Cancels all jobs; the broker gives those with `retry` to other workers.
    pub fn stop(&mut self, _now: Instant) {
        if !self.session.is_started() {
            return;
        }
        if self.session.is_up() {
            self.send(WorkerToBroker::Disconnect);
        }
        if let Some(mut drain) = self.drain.take() {
            self.timers.disarm(&mut drain.armed);
        }
        let stopped = self.session.stop();
        self.broker = None;
        if stopped.was_open {
            self.outputs.push_back(Output::Disconnect);
        }
        self.cancel_all(CancelReason::Stopped);
        if stopped.was_confirmed {
            self.event(Event::Disconnected);
        }
        self.event(Event::Stopped);
    }

    /// Input: the requested connection is up.
    pub fn handle_connected(&mut self, now: Instant) {
        if self.session.connected(now) {
            let hello = WorkerHello {
                capabilities: Capabilities::ALL,
                heartbeat: self.session.heartbeat(),
                concurrency: self.options.concurrency,
            };
            self.send(WorkerToBroker::Ready { service: self.service.clone(), hello: Some(hello) });
            // A published broker learns the concurrency from heartbeats alone.
            self.heartbeat(false);
        }
    }

    /// Input: the connection is lost. Cancels all jobs. Another session, with a new identity, follows.
    pub fn handle_disconnected(&mut self, now: Instant) {
        if !self.session.is_up() {
            return;
        }
        let was_confirmed = self.session.lost(now, &mut self.entropy);
        self.broker = None;
        self.outputs.push_back(Output::Disconnect);
        self.cancel_all(CancelReason::Disconnected);
        if was_confirmed {
            self.event(Event::Disconnected);
        }
        self.check_drained(now);
    }

    /// Input: the requested connection could not be opened. Another attempt follows.
    pub fn handle_connect_failed(&mut self, now: Instant) {
        if self.session.is_connecting() {
            self.session.lost(now, &mut self.entropy);
        } else {
            self.handle_disconnected(now);
        }
    }

    fn cancel_all(&mut self, reason: CancelReason) {
        for number in self.jobs.clear() {
            self.event(Event::Cancelled { number, reason });
        }
    }

    /// Input: a message from the broker. Leaves `frames` empty.
    pub fn handle_message(&mut self, now: Instant, frames: &mut Vec<Frame>) {
        if !self.session.is_up() {
            frames.clear();
            return;
        }
        let message = BrokerToWorker::decode(frames);
        // A peer that takes this worker for a broker does not confirm the session.
        let is_for_us = !message.as_ref().is_err_and(|error| error.malformed == Malformed::Side);
        if is_for_us && self.session.heard(now) {
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
                    self.session.announced(hello.heartbeat);
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
                if let Some(number) = self.jobs.find(&client, &id) {
                    self.event(Event::Heartbeat { number });
                }
            }
            BrokerToWorker::Disconnect => self.handle_disconnected(now),
            BrokerToWorker::Cancel { client, id } => {
                self.forget(&client, &id);
                self.check_drained(now);
            }
            BrokerToWorker::Credit { client, id, partials } => {
                if let Some(number) = self.jobs.find(&client, &id) {
                    self.jobs.add_credit(number, partials);
                    self.event(Event::Credit { number, partials });
                    self.flush(now, number);
                }
            }
        }
    }

    /// Ends a job that the broker has taken back: it was cancelled, or will run again.
    fn forget(&mut self, client: &PeerId, id: &RequestId) {
        if let Some(number) = self.jobs.find(client, id) {
            self.jobs.remove(number);
            self.event(Event::Cancelled { number, reason: CancelReason::Client });
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
        let number = self.jobs.insert(Job::new(client.clone(), id.clone(), credit));
        self.event(Event::Request(Box::new(IncomingRequest {
            number,
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

    /// Input: nothing is read at present, because the user's queue of events is full. The broker's silence means nothing until
    /// reading continues.
    pub fn handle_not_reading(&mut self, now: Instant) {
        self.session.not_listening(now);
    }

    /// Input: time has passed. Does what is due, if anything.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(due) = self.session.due(now) {
            match due {
                Due::Connect => self.open(),
                Due::Heartbeat => self.heartbeat(false),
                Due::Dead => {
                    // If the broker was only slow, it need not wait for a worker that has another identity by then.
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

    /// Whether the worker has started and not stopped.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.session.is_started()
    }

    /// When to call [`Machine::handle_timeout`] next; `None`: not before another input.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        [self.session.deadline(), self.timers.next()].into_iter().flatten().min()
    }

    /// Output: the next one; `None` when there are no more.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The number of jobs.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.jobs.len()
    }

    fn send(&mut self, message: WorkerToBroker) {
        self.outputs.push_back(Output::Send(message));
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}
