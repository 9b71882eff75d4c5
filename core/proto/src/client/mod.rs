//! The client's state machine. Commands, messages and time go in; messages and events come out. No sockets, no clock.
//!
//! - *Inputs*: [`Machine::start`], [`Machine::request`], [`Machine::cancel`], [`Machine::grant`],
//!   [`Machine::heartbeat`], [`Machine::stop`] come from the user; [`Machine::handle_connected`],
//!   [`Machine::handle_disconnected`], [`Machine::handle_message`] from the connection; [`Machine::handle_timeout`]
//!   from the clock. Each takes the present time, which must not run backwards.
//! - *Outputs* come from [`Machine::poll_output`], in the order in which they take effect, until it returns `None`.
//! - *Time*: when [`Machine::next_deadline`] has passed, call [`Machine::handle_timeout`].
//!
//! Every request ends in exactly one of [`Event::Final`] and [`Event::Failed`].

mod event;
mod pending;

use std::collections::VecDeque;
use std::time::Instant;

use crate::config::{ClientOptions, Codec, RequestOptions, Timeout};
use crate::entropy::Entropy;
use crate::error::ErrorCode;
use crate::limits;
use crate::protocol::{
    encode_request_options, BrokerHello, BrokerToClient, Capabilities, ClientHello, ClientToBroker, Frame, Malformed,
    Payload, ReplyKind, RequestId, ServiceName,
};
use crate::session::{Due, Session, SessionSettings};

pub use event::Event;
pub use pending::RequestNumber;
use pending::{Content, DueRequest, PendingRequest, PendingRequests};

/// An output for the machine's owner to carry out.
pub type Output = crate::session::PeerOutput<ClientToBroker, Event>;

/// A client without sockets; see the [module's documentation](self).
#[derive(Debug)]
pub struct Machine {
    options: ClientOptions,
    entropy: Entropy,
    session: Session,
    /// The hello of a version 1 broker.
    broker: Option<BrokerHello>,
    pending: PendingRequests,
    /// Sent requests that ended before the broker's hello: only the hello says whether the broker understands cancellations.
    given_up: Vec<RequestId>,
    outputs: VecDeque<Output>,
    /// The options frame of the last request without options of its own, and its settings.
    plain_options: Option<((Timeout, bool, Codec), Frame)>,
}

impl Machine {
    /// A client that is not started. Without a `prefix` in the options, `entropy` supplies the first part of its identities.
    #[must_use]
    pub fn new(options: ClientOptions, mut entropy: Entropy) -> Self {
        let options = options.named(&mut entropy);
        let prefix = options.prefix.clone().unwrap_or_default();
        let session = Session::new(SessionSettings {
            prefix,
            heartbeat: options.heartbeat,
            liveness: options.heartbeat_liveness,
            reconnect: options.reconnect,
        });
        Self {
            options,
            pending: PendingRequests::new(&mut entropy),
            entropy,
            session,
            broker: None,
            given_up: Vec::new(),
            outputs: VecDeque::new(),
            plain_options: None,
        }
    }

    /// Input: start. Does nothing if it has started.
    pub fn start(&mut self) {
        if !self.session.is_started() {
            self.open();
        }
    }

    fn open(&mut self) {
        let identity = self.session.open(&mut self.entropy);
        self.outputs.push_back(Output::Connect(identity));
    }

    /// Input: make a request. `number` names it from now on and must not be in use. A request made before the connection is
    /// up is sent when it is.
    pub fn request(
        &mut self,
        now: Instant,
        number: RequestNumber,
        service: ServiceName,
        data: Frame,
        options: &RequestOptions,
    ) {
        let bytes = service.as_bytes().len() + data.len();
        let too_many = self.pending.len() >= self.options.max_requests
            || self.pending.bytes().saturating_add(bytes) > self.options.max_request_bytes;
        if !self.session.is_started() {
            return self.event(Event::Failed { number, code: ErrorCode::Closed });
        }
        if too_many {
            return self.event(Event::Failed { number, code: ErrorCode::Busy });
        }
        let timeout = options.timeout.unwrap_or(self.options.timeout);
        let retry = options.retry.unwrap_or(self.options.retry);
        let id = RequestId::make(self.entropy.uuid());
        let options = self.options_frame(options, timeout, retry);
        let timeout = timeout.duration();
        let heartbeat_at = now + self.session.heartbeat();
        let sent = self.session.is_up() && !self.pending.has_unsent();
        let content = Content { service, data, options };
        let kept = if sent {
            let kept = retry.then(|| Box::new(content.clone()));
            self.send(content.message(id.clone()));
            kept
        } else {
            Some(Box::new(content))
        };
        let request = PendingRequest { id, content: kept, timeout, retry, sent, bytes };
        self.pending.insert(number, request, timeout.map(|timeout| now + timeout), heartbeat_at);
    }

    /// The options frame. Requests without options of their own share one.
    fn options_frame(&mut self, options: &RequestOptions, timeout: Timeout, retry: bool) -> Frame {
        if !options.is_plain() {
            return encode_request_options(options, timeout, retry);
        }
        let settings = (timeout, retry, options.codec);
        match &self.plain_options {
            Some((known, frame)) if *known == settings => frame.clone(),
            _ => {
                let frame = encode_request_options(options, timeout, retry);
                self.plain_options = Some((settings, frame.clone()));
                frame
            }
        }
    }

    /// Input: cancel a request. It ends with `C_CANCELLED`. Unknown numbers are ignored.
    pub fn cancel(&mut self, number: RequestNumber) {
        self.give_up(number, ErrorCode::Cancelled);
    }

    /// Input: the user has read this many partial replies; the worker may send as many more.
    pub fn grant(&mut self, number: RequestNumber, partials: u32) {
        let can_credit = self.broker.as_ref().is_some_and(|broker| broker.capabilities.credit);
        let Some(request) = self.pending.get(number).filter(|request| request.sent) else { return };
        if can_credit && partials > 0 {
            let id = request.id.clone();
            self.send(ClientToBroker::Credit { id, partials });
        }
    }

    /// Input: send the worker a request heartbeat. The machine also sends one in each heartbeat interval.
    pub fn heartbeat(&mut self, number: RequestNumber) {
        let Some(request) = self.pending.get(number).filter(|request| request.sent) else { return };
        let id = request.id.clone();
        self.send(ClientToBroker::RequestHeartbeat { id, answered: false });
    }

    /// Input: stop. All requests end with `C_CLOSED`.
    pub fn stop(&mut self) {
        if !self.session.is_started() {
            return;
        }
        for number in self.pending.numbers() {
            self.give_up(number, ErrorCode::Closed);
        }
        let stopped = self.session.stop();
        self.broker = None;
        self.given_up.clear();
        if stopped.was_open {
            self.outputs.push_back(Output::Disconnect);
        }
        if stopped.was_confirmed {
            self.event(Event::Disconnected);
        }
        self.event(Event::Stopped);
    }

    /// Input: the requested connection is up.
    pub fn handle_connected(&mut self, now: Instant) {
        if self.session.connected(now) {
            self.send_hello();
            self.send_unsent();
        }
    }

    /// Input: the connection is lost. Sent requests with `retry` will be sent again; the others end with `C_DISCONNECTED`.
    pub fn handle_disconnected(&mut self, now: Instant) {
        if !self.session.is_up() {
            return;
        }
        let was_confirmed = self.session.lost(now, &mut self.entropy);
        self.broker = None;
        self.given_up.clear();
        self.outputs.push_back(Output::Disconnect);
        if was_confirmed {
            self.event(Event::Disconnected);
        }
        self.fail_or_requeue();
    }

    /// Input: the requested connection could not be opened. Another attempt follows.
    pub fn handle_connect_failed(&mut self, now: Instant) {
        if self.session.is_connecting() {
            self.session.lost(now, &mut self.entropy);
        } else {
            self.handle_disconnected(now);
        }
    }

    fn fail_or_requeue(&mut self) {
        for number in self.pending.requeue_retryable() {
            self.finish(number);
            self.event(Event::Failed { number, code: ErrorCode::Disconnected });
        }
    }

    /// Input: a message from the broker. Leaves `frames` empty.
    pub fn handle_message(&mut self, now: Instant, frames: &mut Vec<Frame>) {
        if !self.session.is_up() {
            frames.clear();
            return;
        }
        let message = BrokerToClient::decode(frames);
        // A peer that takes this client for a broker does not confirm the session.
        let is_for_us = !message.as_ref().is_err_and(|error| error.malformed == Malformed::Side);
        if is_for_us && self.session.heard(now) {
            self.event(Event::Connected);
        }
        match message {
            // A published broker, which sends no hello and understands no cancellation.
            Ok(BrokerToClient::Heartbeat) => self.given_up.clear(),
            Ok(BrokerToClient::Hello(hello)) => self.handle_hello(now, hello),
            Ok(BrokerToClient::Reply { kind, id, payload }) => self.handle_reply(now, kind, id, payload),
            Err(error) => self.event(Event::ProtocolError(error.malformed)),
        }
    }

    /// Notes what the broker can do. Another name means another broker; another session number means that the broker had dropped
    /// this client's state. Neither knows the requests that were sent.
    fn handle_hello(&mut self, now: Instant, hello: BrokerHello) {
        let is_another =
            self.broker.as_ref().is_some_and(|known| (&known.name, known.session) != (&hello.name, hello.session));
        self.session.announced(hello.heartbeat);
        self.broker = Some(hello);
        if is_another {
            return self.handle_disconnected(now);
        }
        self.send_cancellations();
    }

    fn handle_reply(&mut self, now: Instant, kind: ReplyKind, id: Frame, payload: Payload) {
        let number = RequestId::new(id).and_then(|id| self.pending.find(&id));
        let Some(number) = number else { return self.event(Event::ProtocolError(Malformed::RequestId)) };
        match kind {
            ReplyKind::Partial => {
                self.pending.restart_timeout(now, number);
                self.event(Event::Partial { number, payload });
            }
            ReplyKind::Final if self.waits_for_next_broker(number, &payload) => {}
            ReplyKind::Final => {
                self.finish(number);
                self.event(Event::Final { number, payload });
            }
        }
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
                Due::Heartbeat => self.send_hello(),
                Due::Dead => self.handle_disconnected(now),
            }
        }
        while let Some(due) = self.pending.pop_due(now, self.session.heartbeat()) {
            match due {
                DueRequest::Expired(number) => self.give_up(number, ErrorCode::Timeout),
                DueRequest::Heartbeat(number) if self.session.is_up() => self.heartbeat(number),
                DueRequest::Heartbeat(_) => {}
            }
        }
    }

    /// Whether the client has started and not stopped.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.session.is_started()
    }

    /// When to call [`Machine::handle_timeout`] next; `None`: not before another input.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        [self.session.deadline(), self.pending.next_deadline()].into_iter().flatten().min()
    }

    /// Output: the next one; `None` when there are no more.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The number of pending requests.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.pending.len()
    }

    /// Ends a request from this side, and cancels it at a broker that understands cancellations.
    fn give_up(&mut self, number: RequestNumber, code: ErrorCode) {
        let Some(request) = self.finish(number) else { return };
        if request.sent && self.session.is_up() {
            self.given_up.push(request.id);
            self.send_cancellations();
        }
        self.event(Event::Failed { number, code });
    }

    fn send_cancellations(&mut self) {
        let Some(broker) = &self.broker else { return };
        let can_cancel = broker.capabilities.cancel;
        for id in std::mem::take(&mut self.given_up) {
            if can_cancel {
                self.send(ClientToBroker::Cancel(id));
            }
        }
    }

    /// Whether a stopping broker returns a request with `retry`. The request stays pending and is sent to the next broker, as
    /// after a crash of this one.
    fn waits_for_next_broker(&self, number: RequestNumber, payload: &Payload) -> bool {
        payload.is_broker_error(ErrorCode::Draining) && self.pending.get(number).is_some_and(|request| request.retry)
    }

    fn finish(&mut self, number: RequestNumber) -> Option<PendingRequest> {
        self.pending.remove(number)
    }

    fn send_unsent(&mut self) {
        if !self.session.is_up() {
            return;
        }
        while let Some(message) = self.pending.next_unsent() {
            self.send(message);
        }
    }

    fn send_hello(&mut self) {
        self.send(ClientToBroker::Hello(ClientHello {
            capabilities: Capabilities::ALL,
            heartbeat: self.session.heartbeat(),
            credit: limits::CREDIT_PARTIALS,
            session: Some(self.session.opened()),
        }));
    }

    fn send(&mut self, message: ClientToBroker) {
        self.outputs.push_back(Output::Send(message));
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}
