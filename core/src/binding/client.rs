//! A client of the binding core.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::identity::CurrentIdentity;
use super::pull;
use crate::api::{failure, outcome};
use crate::client::{Event, Token};
use crate::config::{ClientOptions, RequestOptions};
use crate::endpoint::{open_client, service_name, ClientCommand};
use crate::error::{Error, ErrorCode};
use crate::limits;
use crate::protocol::{Frame, Payload, ReplyKind};
use crate::reactor::{Engine, EventQueue, EventSink, ExternalWait, Handle};
use crate::{PeerEvent, Reply, RequestError};
use pigato_proto::index::Map;

/// When a partial reply counts as read, so that the worker may send another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// As soon as [`Client::poll`] returns it: for programs that handle events in order.
    AsPolled,
    /// When [`Client::consumed`] reports it: for bindings with a queue for each request.
    AsConsumed,
}

/// An event of a client.
#[derive(Debug)]
pub enum ClientEvent {
    /// The connection has changed.
    Peer(PeerEvent),
    /// A reply; the last event of its request if [`Reply::is_final`].
    Reply {
        /// The request or job.
        token: Token,
        /// The reply.
        reply: Reply,
    },
    /// A request has failed. It is its last event, unless the error is a [partial reply](RequestError::is_final).
    Failed {
        /// The request.
        token: Token,
        /// The error.
        error: RequestError,
    },
}

/// A client on the I/O thread. Dropping it stops it; unanswered requests end without an event.
#[derive(Debug)]
pub struct Client {
    handle: Handle<ClientCommand>,
    queue: EventQueue<Event>,
    own_wait: ExternalWait,
    identity: CurrentIdentity,
    grant: Grant,
    next_token: AtomicU64,
    /// The pending requests, with how far their partial replies were read.
    unanswered: Mutex<Map<Token, Reading>>,
    endpoint: String,
    is_connected: AtomicBool,
}

/// How far the partial replies to a pending request were read.
#[derive(Debug, Default)]
struct Reading {
    /// Returned by `poll` and not reported as consumed.
    unread: u32,
    /// Consumed and not granted again yet.
    consumed: u32,
}

struct Sink {
    queue: EventQueue<Event>,
    identity: CurrentIdentity,
}

impl EventSink<Event> for Sink {
    fn deliver(&mut self, events: &mut Vec<Event>) {
        self.queue.deliver(events);
    }

    fn opening(&mut self, identity: &[u8]) {
        self.identity.set(identity);
    }

    fn is_full(&self) -> bool {
        self.queue.is_full()
    }
}

impl Client {
    /// Starts a client for the broker at `endpoint`. The broker need not run yet: the client sends requests as
    /// soon as it is connected.
    ///
    /// # Errors
    ///
    /// `E_ENDPOINT` for an invalid endpoint, `E_OPTION` for an invalid prefix, `E_SYSTEM` if the system has no threads or sockets
    /// left.
    pub fn start(endpoint: &str, options: ClientOptions, grant: Grant) -> Result<Self, Error> {
        let queue = EventQueue::new().map_err(|error| Error::new(ErrorCode::System, error.to_string()))?;
        let identity = CurrentIdentity::default();
        let sink = Sink { queue: queue.clone(), identity: identity.clone() };
        let handle = open_client(&Engine::current()?, endpoint, options, Box::new(sink))?;
        Ok(Self {
            handle,
            queue,
            own_wait: ExternalWait::default(),
            identity,
            grant,
            next_token: AtomicU64::new(1),
            unanswered: Mutex::default(),
            endpoint: endpoint.to_owned(),
            is_connected: AtomicBool::new(false),
        })
    }

    /// Makes a request and returns its number, by which events name it and which is never reused. The data is JSON, or bytes with
    /// [`Codec::Raw`](crate::Codec::Raw) in the options.
    ///
    /// # Errors
    ///
    /// `E_OPTION` for an invalid service name, `C_BUSY` when too many commands wait for the I/O thread, `C_CLOSED` after a stop.
    pub fn request(&self, service: impl Into<Frame>, data: Frame, options: RequestOptions) -> Result<Token, Error> {
        self.refuse_fork()?;
        let service = service_name(service)?;
        let token = self.next_token.fetch_add(1, Ordering::Relaxed);
        // Before its events, which several threads may handle at once, in any order.
        self.unanswered.lock().insert(token, Reading::default());
        let command = ClientCommand::Request { token, service, data, options: Box::new(options) };
        self.handle.submit(command).inspect_err(|_| {
            self.unanswered.lock().remove(&token);
        })?;
        Ok(token)
    }

    /// Cancels a request: it ends with `C_CANCELLED`, and so does its job. Has no effect on a request that has ended.
    pub fn cancel(&self, token: Token) -> Result<(), Error> {
        self.handle.submit_urgent(ClientCommand::Cancel(token))
    }

    /// Tells the worker that the reply is still wanted. The client does so in each heartbeat interval by itself.
    pub fn heartbeat(&self, token: Token) -> Result<(), Error> {
        self.handle.submit_urgent(ClientCommand::Heartbeat(token))
    }

    /// Reports that partial replies were read, so that the worker may send more. Replies beyond those that `poll` returned do not count.
    ///
    /// # Errors
    ///
    /// `E_ARGUMENT` with [`Grant::AsPolled`], where `poll` grants by itself.
    pub fn consumed(&self, token: Token, partials: u32) -> Result<(), Error> {
        self.refuse_fork()?;
        if self.grant == Grant::AsPolled {
            return Err(Error::new(ErrorCode::Argument, "partial replies count as read when they are polled"));
        }
        self.note_consumed(token, partials)
    }

    fn note_consumed(&self, token: Token, partials: u32) -> Result<(), Error> {
        let mut unanswered = self.unanswered.lock();
        let Some(reading) = unanswered.get_mut(&token) else { return Ok(()) };
        let partials = partials.min(reading.unread);
        reading.unread -= partials;
        reading.consumed += partials;
        if reading.consumed < limits::CREDIT_PARTIALS / 2 {
            return Ok(());
        }
        let partials = std::mem::take(&mut reading.consumed);
        drop(unanswered);
        self.handle.submit_urgent(ClientCommand::Grant { token, partials })
    }

    /// Runs `give`. The commands that it submits to this handle reach the I/O thread together when it returns: for bindings that pass
    /// many commands in one call.
    pub fn together<R>(&self, give: impl FnOnce() -> R) -> R {
        self.handle.together(give)
    }

    /// Batches commands of this handle until [`Client::uncork`], so that they wake the I/O thread once: for programs that handle many
    /// events on several threads. A command waits for at most about 1 ms, unless the connection has no room. Corks do not nest:
    /// corking twice has the effect of one cork, and any thread's `uncork` ends it. While a handle is corked, the I/O thread wakes up each
    /// millisecond. Has no effect in a forked child.
    pub fn cork(&self) {
        self.cork_up_to(usize::MAX);
    }

    /// As [`Client::cork`], but sends a batch whenever it has `most` commands: for threads that run one after the other, so that the other
    /// side can start with the first batch.
    pub fn cork_up_to(&self, most: usize) {
        self.handle.cork(most);
    }

    /// Ends batching and sends the waiting commands.
    pub fn uncork(&self) {
        self.handle.uncork();
    }

    /// Checks that this is the process that created the handle.
    ///
    /// # Errors
    ///
    /// `E_FORK` in a forked child.
    pub fn refuse_fork(&self) -> Result<(), Error> {
        if self.handle.is_inherited() {
            return Err(ErrorCode::Fork.into());
        }
        Ok(())
    }

    /// The identity of the current session, or of the last one. Each session has another one. Empty in a forked child.
    #[must_use]
    pub fn identity(&self) -> Vec<u8> {
        if self.handle.is_inherited() {
            return Vec::new();
        }
        self.identity.get()
    }

    /// Calls `wake` whenever the queue of events stops being empty: for event loops that watch no descriptors. It runs on the I/O
    /// thread, or within another thread's `poll` or `begin_wait`, and must not block.
    pub fn on_ready(&self, wake: impl Fn() + Send + Sync + 'static) {
        if !self.handle.is_inherited() {
            self.queue.on_ready(wake);
        }
    }

    /// A descriptor that is readable while there are events. Wait for it; never read from it.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.queue.descriptor()
    }

    /// Begins an external wait: returns the descriptor to wait for, or `None` if `poll` has events at once. The descriptor may
    /// change between waits. Between this call and [`Client::end_wait`], `poll` reads the connection
    /// itself where that is faster, and the descriptor of [`Client::descriptor`] is not readable. Only one thread of a
    /// handle may be in an external wait; it calls this before each wait.
    #[must_use]
    pub fn begin_wait(&self) -> Option<RawFd> {
        self.own_wait.begin(&self.handle, &self.queue)
    }

    /// Ends an external wait. Has no effect without one.
    pub fn end_wait(&self) {
        self.own_wait.end(&self.handle, &self.queue);
    }

    /// Moves up to `most` events to `into`, the oldest first, and waits up to `timeout` for the first. Returns their number. Several
    /// threads may poll at once; each gets different events.
    ///
    /// # Errors
    ///
    /// `C_CLOSED` when no event can follow, `E_FORK` in a forked child.
    ///
    /// # Blocking
    ///
    /// Blocks the calling thread for at most `timeout`.
    pub fn poll(&self, into: &mut Vec<ClientEvent>, most: usize, timeout: Duration) -> Result<usize, Error> {
        let mut events = Vec::new();
        let is_last = |event: &Event| *event == Event::Stopped;
        let pull = || pull(&self.handle, &self.queue, &mut events, most, timeout, is_last);
        let count = self.own_wait.take(&self.handle, &self.queue, timeout, pull)?;
        into.extend(events.into_iter().map(|event| self.translate(event)));
        Ok(count)
    }

    fn translate(&self, event: Event) -> ClientEvent {
        match event {
            Event::Partial { token, payload } => {
                self.note_handed_out(token);
                replied(token, ReplyKind::Partial, payload)
            }
            Event::Final { token, payload } => {
                self.unanswered.lock().remove(&token);
                replied(token, ReplyKind::Final, payload)
            }
            Event::Failed { token, code } => {
                self.unanswered.lock().remove(&token);
                let error = failure(code, &self.endpoint, self.is_connected.load(Ordering::Acquire));
                ClientEvent::Failed { token, error: error.into() }
            }
            Event::Connected => self.connection(true, PeerEvent::Connected),
            Event::Disconnected => self.connection(false, PeerEvent::Disconnected),
            Event::Stopped => ClientEvent::Peer(PeerEvent::Stopped),
            Event::ProtocolError(malformed) => ClientEvent::Peer(PeerEvent::ProtocolError(malformed)),
        }
    }

    fn note_handed_out(&self, token: Token) {
        if let Some(reading) = self.unanswered.lock().get_mut(&token) {
            reading.unread = reading.unread.saturating_add(1);
        }
        if self.grant == Grant::AsPolled {
            // The only possible error is that the client has stopped.
            let _ = self.note_consumed(token, 1);
        }
    }

    fn connection(&self, is_connected: bool, event: PeerEvent) -> ClientEvent {
        self.is_connected.store(is_connected, Ordering::Release);
        ClientEvent::Peer(event)
    }

    /// Stops the client. Unanswered requests end with `C_CLOSED`, then [`PeerEvent::Stopped`] follows.
    ///
    /// # Errors
    ///
    /// `C_CLOSED` if it has stopped already.
    pub fn stop(&self) -> Result<(), Error> {
        self.handle.submit_urgent(ClientCommand::Stop)
    }
}

fn replied(token: Token, kind: ReplyKind, payload: Payload) -> ClientEvent {
    match outcome(kind, payload) {
        Ok(reply) => ClientEvent::Reply { token, reply },
        Err(error) => ClientEvent::Failed { token, error },
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The only possible error is that it has stopped.
        let _ = self.stop();
    }
}
