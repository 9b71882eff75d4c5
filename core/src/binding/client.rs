//! A client whose events are pulled.

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
    /// As soon as [`Client::poll`] hands it out: for programs that deal with events as they come.
    AsPolled,
    /// When [`Client::consumed`] says so: for bindings that keep a queue for each request.
    AsConsumed,
}

/// Something that a client's user wants to know.
#[derive(Debug)]
pub enum ClientEvent {
    /// About the connection.
    Peer(PeerEvent),
    /// A reply; the last event of its request if [`Reply::is_final`].
    Reply {
        /// To which request.
        token: Token,
        /// The reply.
        reply: Reply,
    },
    /// A request has failed; its last event, unless the error is a [partial reply](RequestError::is_final).
    Failed {
        /// Which one.
        token: Token,
        /// How.
        error: RequestError,
    },
}

/// A client on the I/O thread. Dropping it stops it; what is unanswered ends without an event.
#[derive(Debug)]
pub struct Client {
    handle: Handle<ClientCommand>,
    queue: EventQueue<Event>,
    own_wait: ExternalWait,
    identity: CurrentIdentity,
    grant: Grant,
    next_token: AtomicU64,
    /// What was read of each request that has not ended.
    unanswered: Mutex<Map<Token, Reading>>,
    endpoint: String,
    is_connected: AtomicBool,
}

/// How far the partial replies to a request were read.
#[derive(Debug, Default)]
struct Reading {
    /// Handed out and not consumed.
    unread: u32,
    /// Consumed and not granted again.
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
    /// Starts a client for the broker at `endpoint`. An endpoint that cannot be used is an error; a broker that is not there
    /// yet is not: requests made until then are sent when it is.
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

    /// Makes a request and returns its number, which events call it by and which is never used again. The data is JSON, or
    /// bytes with [`Codec::Raw`](crate::Codec::Raw) in the options. `E_OPTION` for a service name that is none, `C_BUSY` when too
    /// much waits for the I/O thread, `C_CLOSED` after a stop.
    pub fn request(&self, service: impl Into<Frame>, data: Frame, options: RequestOptions) -> Result<Token, Error> {
        self.refuse_fork()?;
        let service = service_name(service)?;
        let token = self.next_token.fetch_add(1, Ordering::Relaxed);
        // Before its events, which several threads may deal with at once, in any order.
        self.unanswered.lock().insert(token, Reading::default());
        let command = ClientCommand::Request { token, service, data, options: Box::new(options) };
        self.handle.submit(command).inspect_err(|_| {
            self.unanswered.lock().remove(&token);
        })?;
        Ok(token)
    }

    /// Ends a request with `C_CANCELLED`; its worker is told. Does nothing to one that has ended.
    pub fn cancel(&self, token: Token) -> Result<(), Error> {
        self.handle.submit_urgent(ClientCommand::Cancel(token))
    }

    /// Tells the worker that the reply is still wanted. Happens by itself once a heartbeat interval.
    pub fn heartbeat(&self, token: Token) -> Result<(), Error> {
        self.handle.submit_urgent(ClientCommand::Heartbeat(token))
    }

    /// Lets the worker send as many more partial replies as were read, in helpings; more than were handed out do not count.
    /// `E_ARGUMENT` with [`Grant::AsPolled`], where it happens by itself.
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

    /// Runs `give`; the commands that it gives to this handle reach the I/O thread together when it returns. For bindings that
    /// cross their border once for many.
    pub fn together<R>(&self, give: impl FnOnce() -> R) -> R {
        self.handle.together(give)
    }

    /// Has what is given to this handle from now on wait for each other, until [`Client::uncork`]: for programs that deal with many
    /// events at a time on several threads, so that they wake the I/O thread once. Nothing waits for more than about a
    /// millisecond, unless the connection has no room. Corked twice is corked once, and one thread's uncorking ends another's
    /// cork. Left corked, the I/O thread wakes up each millisecond. Does nothing in a child of the process that started it.
    pub fn cork(&self) {
        self.cork_up_to(usize::MAX);
    }

    /// As [`Client::cork`], but what waits is sent whenever there are `most` of it: for threads that run one after the other, so that
    /// the other side has something to do when the first few have had their turn.
    pub fn cork_up_to(&self, most: usize) {
        self.handle.cork(most);
    }

    /// Ends what [`Client::cork`] began, and sends what has waited.
    pub fn uncork(&self) {
        self.handle.uncork();
    }

    /// `E_FORK` in a child of the process that started it.
    pub fn refuse_fork(&self) -> Result<(), Error> {
        if self.handle.is_inherited() {
            return Err(ErrorCode::Fork.into());
        }
        Ok(())
    }

    /// The identity of the present connection, or of the last one: another one after each reconnection. Empty in a child of
    /// the process that started it.
    #[must_use]
    pub fn identity(&self) -> Vec<u8> {
        if self.handle.is_inherited() {
            return Vec::new();
        }
        self.identity.get()
    }

    /// Has `wake` called whenever there are events again after there were none: for event loops that watch no descriptors.
    /// It is called on the I/O thread, or within another thread's `poll` or `begin_wait`, and must not block.
    pub fn on_ready(&self, wake: impl Fn() + Send + Sync + 'static) {
        if !self.handle.is_inherited() {
            self.queue.on_ready(wake);
        }
    }

    /// A descriptor that is readable while there are events. Wait for it, never read from it.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.queue.descriptor()
    }

    /// Begins a wait by the caller's own means: returns the descriptor to wait for, or nothing if `poll` has something at once.
    /// Which descriptor that is may change from wait to wait. Between this and [`Client::end_wait`], `poll` reads the connection
    /// itself where that is faster, and the descriptor of [`Client::descriptor`] is not readable then. One thread of a handle
    /// waits so at a time; call this before each of its waits.
    #[must_use]
    pub fn begin_wait(&self) -> Option<RawFd> {
        self.own_wait.begin(&self.handle, &self.queue)
    }

    /// Ends what [`Client::begin_wait`] began, when its thread has what it waits for. Does nothing if nothing was begun.
    pub fn end_wait(&self) {
        self.own_wait.end(&self.handle, &self.queue);
    }

    /// Moves up to `most` events to `into`, the oldest first, waiting up to `timeout` for the first. Returns how many.
    /// Several threads may poll at once; each gets events of its own. `C_CLOSED` once nothing can follow.
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
            // The only possible error says that the client has stopped.
            let _ = self.note_consumed(token, 1);
        }
    }

    fn connection(&self, is_connected: bool, event: PeerEvent) -> ClientEvent {
        self.is_connected.store(is_connected, Ordering::Release);
        ClientEvent::Peer(event)
    }

    /// Stops it: all unanswered requests end with `C_CLOSED`, then comes [`PeerEvent::Stopped`]. `C_CLOSED` if it has stopped
    /// already.
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
        // The only possible error says that it has stopped.
        let _ = self.stop();
    }
}
