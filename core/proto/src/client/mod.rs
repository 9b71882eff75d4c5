//! The client's state machine: takes commands, messages and time, gives messages and events. No sockets, no clock.
//!
//! - *Inputs*: [`Machine::start`], [`Machine::request`], [`Machine::cancel`], [`Machine::grant`],
//!   [`Machine::heartbeat`], [`Machine::stop`] come from the user; [`Machine::handle_connected`],
//!   [`Machine::handle_disconnected`], [`Machine::handle_message`] from the connection; [`Machine::handle_timeout`]
//!   from the clock. Each takes the present time, which must not run backwards.
//! - *Outputs* come from [`Machine::poll_output`], in the order in which they are to take effect, until it gives `None`.
//! - *Time*: when [`Machine::next_deadline`] has passed, call [`Machine::handle_timeout`].
//!
//! Every request ends in exactly one of [`Event::Final`] and [`Event::Failed`].

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
use crate::session::{Due, Link, LinkSettings};

pub use pending::Token;
use pending::{Content, DueRequest, Pending, PendingRequests};

/// Something for the machine's owner to do.
pub type Output = crate::session::PeerOutput<ClientToBroker, Event>;

/// Something that the user wants to know.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The broker has answered for the first time on this connection.
    Connected,
    /// The connection is gone; another one is being made unless the client was stopped.
    Disconnected,
    /// The client has stopped. Nothing follows.
    Stopped,
    /// The broker sent something that breaks the protocol, or a reply that nobody waits for.
    ProtocolError(Malformed),
    /// A partial reply.
    Partial {
        /// Whose.
        token: Token,
        /// The reply.
        payload: Payload,
    },
    /// The final reply; nothing follows for this request.
    Final {
        /// Whose.
        token: Token,
        /// The reply.
        payload: Payload,
    },
    /// The request ended without a reply; nothing follows for it.
    Failed {
        /// Whose.
        token: Token,
        /// Why.
        code: ErrorCode,
    },
}

/// A client without sockets; see the [module's documentation](self).
#[derive(Debug)]
pub struct Machine {
    options: ClientOptions,
    entropy: Entropy,
    link: Link,
    /// What the broker at the other end announced, if it has.
    broker: Option<BrokerHello>,
    pending: PendingRequests,
    /// Requests that were sent and given up while it was not known yet whether the broker understands cancellations.
    given_up: Vec<RequestId>,
    outputs: VecDeque<Output>,
    /// The options frame of the last request that had nothing of its own, and what it says.
    plain_options: Option<((Timeout, bool, Codec), Frame)>,
}

impl Machine {
    /// A client that is not started. The first part of its identities, if the options give none, is drawn from
    /// `entropy`.
    #[must_use]
    pub fn new(options: ClientOptions, mut entropy: Entropy) -> Self {
        let options = options.named(&mut entropy);
        let prefix = options.prefix.clone().unwrap_or_default();
        let link = Link::new(LinkSettings {
            prefix,
            heartbeat: options.heartbeat,
            liveness: options.heartbeat_liveness,
            reconnect: options.reconnect,
        });
        Self {
            options,
            pending: PendingRequests::new(&mut entropy),
            entropy,
            link,
            broker: None,
            given_up: Vec::new(),
            outputs: VecDeque::new(),
            plain_options: None,
        }
    }

    /// Input: start, if not started.
    pub fn start(&mut self) {
        if !self.link.is_started() {
            self.open();
        }
    }

    fn open(&mut self) {
        let identity = self.link.open(&mut self.entropy);
        self.outputs.push_back(Output::Connect(identity));
    }

    /// Input: make a request, known to the user as `token` from now on, which must not be in use. A request made
    /// before the connection is up is sent when it is.
    pub fn request(&mut self, now: Instant, token: Token, service: ServiceName, data: Frame, options: &RequestOptions) {
        let bytes = service.as_bytes().len() + data.len();
        let too_many = self.pending.len() >= self.options.max_requests
            || self.pending.bytes().saturating_add(bytes) > self.options.max_request_bytes;
        if !self.link.is_started() {
            return self.event(Event::Failed { token, code: ErrorCode::Closed });
        }
        if too_many {
            return self.event(Event::Failed { token, code: ErrorCode::Busy });
        }
        let timeout = options.timeout.unwrap_or(self.options.timeout);
        let retry = options.retry.unwrap_or(self.options.retry);
        let id = RequestId::make(self.entropy.uuid());
        let options = self.options_frame(options, timeout, retry);
        let timeout = timeout.duration();
        let heartbeat_at = now + self.link.heartbeat();
        let sent = self.link.is_up() && !self.pending.has_unsent();
        let content = Content { service, data, options };
        let kept = if sent {
            let kept = retry.then(|| Box::new(content.clone()));
            self.send(content.message(id.clone()));
            kept
        } else {
            Some(Box::new(content))
        };
        let request = Pending { id, content: kept, timeout, retry, sent, bytes };
        self.pending.insert(token, request, timeout.map(|timeout| now + timeout), heartbeat_at);
    }

    /// The options frame; that of a request with nothing of its own is the same as the one before.
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

    /// Input: the user no longer wants the reply. The request ends with `C_CANCELLED`; unknown tokens are ignored.
    pub fn cancel(&mut self, token: Token) {
        self.give_up(token, ErrorCode::Cancelled);
    }

    /// Input: the user has consumed this many partial replies; the worker may send as many more.
    pub fn grant(&mut self, token: Token, partials: u32) {
        let can_credit = self.broker.as_ref().is_some_and(|broker| broker.capabilities.credit);
        let Some(request) = self.pending.get(token).filter(|request| request.sent) else { return };
        if can_credit && partials > 0 {
            let id = request.id.clone();
            self.send(ClientToBroker::Credit { id, partials });
        }
    }

    /// Input: tell the worker that the reply is still wanted. Happens by itself once a heartbeat interval.
    pub fn heartbeat(&mut self, token: Token) {
        let Some(request) = self.pending.get(token).filter(|request| request.sent) else { return };
        let id = request.id.clone();
        self.send(ClientToBroker::RequestHeartbeat { id, answered: false });
    }

    /// Input: stop. All requests end with `C_CLOSED`.
    pub fn stop(&mut self) {
        if !self.link.is_started() {
            return;
        }
        for token in self.pending.tokens() {
            self.give_up(token, ErrorCode::Closed);
        }
        let link = self.link.stop();
        self.broker = None;
        self.given_up.clear();
        if link.was_open {
            self.outputs.push_back(Output::Disconnect);
        }
        if link.was_confirmed {
            self.event(Event::Disconnected);
        }
        self.event(Event::Stopped);
    }

    /// Input: the connection that was asked for is up.
    pub fn handle_connected(&mut self, now: Instant) {
        if self.link.connected(now) {
            self.send_hello();
            self.send_unsent();
        }
    }

    /// Input: the connection is gone. What was in flight with `retry` will be sent again, the rest ends with
    /// `C_DISCONNECTED`.
    pub fn handle_disconnected(&mut self, now: Instant) {
        if !self.link.is_up() {
            return;
        }
        let was_confirmed = self.link.lost(now, &mut self.entropy);
        self.broker = None;
        self.given_up.clear();
        self.outputs.push_back(Output::Disconnect);
        if was_confirmed {
            self.event(Event::Disconnected);
        }
        self.fail_or_requeue();
    }

    /// Input: the connection that was asked for could not be opened. Another attempt follows.
    pub fn handle_connect_failed(&mut self, now: Instant) {
        if self.link.is_connecting() {
            self.link.lost(now, &mut self.entropy);
        } else {
            self.handle_disconnected(now);
        }
    }

    fn fail_or_requeue(&mut self) {
        for token in self.pending.requeue_retryable() {
            self.finish(token);
            self.event(Event::Failed { token, code: ErrorCode::Disconnected });
        }
    }

    /// Input: a message from the broker. Leaves `frames` empty.
    pub fn handle_message(&mut self, now: Instant, frames: &mut Vec<Frame>) {
        if !self.link.is_up() {
            frames.clear();
            return;
        }
        let message = BrokerToClient::decode(frames);
        // Whoever takes this side for the other one has not confirmed the connection.
        let is_for_us = !message.as_ref().is_err_and(|error| error.malformed == Malformed::Side);
        if is_for_us && self.link.heard(now) {
            self.event(Event::Connected);
        }
        match message {
            // No announcement: a published broker.
            Ok(BrokerToClient::Heartbeat) => self.given_up.clear(),
            Ok(BrokerToClient::Hello(hello)) => self.handle_hello(now, hello),
            Ok(BrokerToClient::Reply { kind, id, payload }) => self.handle_reply(now, kind, id, payload),
            Err(error) => self.event(Event::ProtocolError(error.malformed)),
        }
    }

    /// Takes note of what the broker can do. Another name than before means another broker, another session one that
    /// had given this client up: neither knows of what was sent.
    fn handle_hello(&mut self, now: Instant, hello: BrokerHello) {
        let is_another =
            self.broker.as_ref().is_some_and(|known| (&known.name, known.session) != (&hello.name, hello.session));
        self.link.announced(hello.heartbeat);
        self.broker = Some(hello);
        if is_another {
            return self.handle_disconnected(now);
        }
        self.send_cancellations();
    }

    fn handle_reply(&mut self, now: Instant, kind: ReplyKind, id: Frame, payload: Payload) {
        let token = RequestId::new(id).and_then(|id| self.pending.find(&id));
        let Some(token) = token else { return self.event(Event::ProtocolError(Malformed::RequestId)) };
        match kind {
            ReplyKind::Partial => {
                self.pending.restart_timeout(now, token);
                self.event(Event::Partial { token, payload });
            }
            ReplyKind::Final if self.waits_for_next_broker(token, &payload) => {}
            ReplyKind::Final => {
                self.finish(token);
                self.event(Event::Final { token, payload });
            }
        }
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
                Due::Heartbeat => self.send_hello(),
                Due::Dead => self.handle_disconnected(now),
            }
        }
        while let Some(due) = self.pending.pop_due(now, self.link.heartbeat()) {
            match due {
                DueRequest::Expired(token) => self.give_up(token, ErrorCode::Timeout),
                DueRequest::Heartbeat(token) if self.link.is_up() => self.heartbeat(token),
                DueRequest::Heartbeat(_) => {}
            }
        }
    }

    /// Whether it has not stopped.
    pub fn is_started(&self) -> bool {
        self.link.is_started()
    }

    /// When [`Machine::handle_timeout`] is to be called next; `None`: not until another input.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        [self.link.deadline(), self.pending.next_deadline()].into_iter().flatten().min()
    }

    /// The next thing to do, until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Requests without an outcome.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.pending.len()
    }

    /// Ends a request from this side and tells a broker that understands it.
    fn give_up(&mut self, token: Token, code: ErrorCode) {
        let Some(request) = self.finish(token) else { return };
        if request.sent && self.link.is_up() {
            self.given_up.push(request.id);
            self.send_cancellations();
        }
        self.event(Event::Failed { token, code });
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

    /// Whether a broker that is stopping gives a request back that may be run again. It stays in flight, so that it is
    /// sent to the next broker as after a crash of this one.
    fn waits_for_next_broker(&self, token: Token, payload: &Payload) -> bool {
        payload.is_broker_error(ErrorCode::Draining) && self.pending.get(token).is_some_and(|request| request.retry)
    }

    fn finish(&mut self, token: Token) -> Option<Pending> {
        self.pending.remove(token)
    }

    fn send_unsent(&mut self) {
        if !self.link.is_up() {
            return;
        }
        while let Some(message) = self.pending.next_unsent() {
            self.send(message);
        }
    }

    fn send_hello(&mut self) {
        self.send(ClientToBroker::Hello(ClientHello {
            capabilities: Capabilities::ALL,
            heartbeat: self.link.heartbeat(),
            credit: limits::CREDIT_PARTIALS,
            session: Some(self.link.opened()),
        }));
    }

    fn send(&mut self, message: ClientToBroker) {
        self.outputs.push_back(Output::Send(message));
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}
