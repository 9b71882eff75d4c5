//! A client of the binding core.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::identity::CurrentIdentity;
use super::peer_methods::peer_methods;
use super::pull;
use crate::api::{failure, outcome};
use crate::client::{Event, RequestNumber};
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
        number: RequestNumber,
        /// The reply.
        reply: Reply,
    },
    /// A request has failed. It is its last event, unless the error is a [partial reply](RequestError::is_final).
    Failed {
        /// The request.
        number: RequestNumber,
        /// The error.
        error: RequestError,
    },
}

/// A client on the I/O thread. Dropping it stops it; pending requests end without an event.
#[derive(Debug)]
pub struct Client {
    handle: Handle<ClientCommand>,
    queue: EventQueue<Event>,
    external_wait: ExternalWait,
    identity: CurrentIdentity,
    grant: Grant,
    next_number: AtomicU64,
    /// The pending requests, with how far their partial replies were read.
    pending: Mutex<Map<RequestNumber, PendingRequest>>,
    endpoint: String,
    is_connected: AtomicBool,
}

/// How far the partial replies to a pending request were read.
#[derive(Debug, Default)]
struct PendingRequest {
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
            external_wait: ExternalWait::default(),
            identity,
            grant,
            next_number: AtomicU64::new(1),
            pending: Mutex::default(),
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
    pub fn request(
        &self,
        service: impl Into<Frame>,
        data: Frame,
        options: RequestOptions,
    ) -> Result<RequestNumber, Error> {
        self.refuse_fork()?;
        let service = service_name(service)?;
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        // Before its events, which several threads may handle at once, in any order.
        self.pending.lock().insert(number, PendingRequest::default());
        let command = ClientCommand::Request { number, service, data, options: Box::new(options) };
        self.handle.submit(command).inspect_err(|_| {
            self.pending.lock().remove(&number);
        })?;
        Ok(number)
    }

    /// Cancels a request: it ends with `C_CANCELLED`, and so does its job. Has no effect on a request that has ended.
    pub fn cancel(&self, number: RequestNumber) -> Result<(), Error> {
        self.handle.submit_urgent(ClientCommand::Cancel(number))
    }

    /// Sends the worker a request heartbeat: the reply is still wanted. The client also sends one in each interval.
    pub fn heartbeat(&self, number: RequestNumber) -> Result<(), Error> {
        self.handle.submit_urgent(ClientCommand::Heartbeat(number))
    }

    /// Reports that partial replies were read, so that the worker may send more. Replies beyond those that `poll` returned do not count.
    ///
    /// # Errors
    ///
    /// `E_ARGUMENT` with [`Grant::AsPolled`], where `poll` grants by itself.
    pub fn consumed(&self, number: RequestNumber, partials: u32) -> Result<(), Error> {
        self.refuse_fork()?;
        if self.grant == Grant::AsPolled {
            return Err(Error::new(ErrorCode::Argument, "partial replies count as read when they are polled"));
        }
        self.note_consumed(number, partials)
    }

    fn note_consumed(&self, number: RequestNumber, partials: u32) -> Result<(), Error> {
        let mut pending = self.pending.lock();
        let Some(request) = pending.get_mut(&number) else { return Ok(()) };
        let partials = partials.min(request.unread);
        request.unread -= partials;
        request.consumed += partials;
        if request.consumed < limits::CREDIT_PARTIALS / 2 {
            return Ok(());
        }
        let partials = std::mem::take(&mut request.consumed);
        drop(pending);
        self.handle.submit_urgent(ClientCommand::Grant { number, partials })
    }

    peer_methods!();

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
        let count = self.external_wait.take(&self.handle, &self.queue, timeout, pull)?;
        into.extend(events.into_iter().map(|event| self.translate(event)));
        Ok(count)
    }

    fn translate(&self, event: Event) -> ClientEvent {
        match event {
            Event::Partial { number, payload } => {
                self.note_handed_out(number);
                replied(number, ReplyKind::Partial, payload)
            }
            Event::Final { number, payload } => {
                self.pending.lock().remove(&number);
                replied(number, ReplyKind::Final, payload)
            }
            Event::Failed { number, code } => {
                self.pending.lock().remove(&number);
                let error = failure(code, &self.endpoint, self.is_connected.load(Ordering::Acquire));
                ClientEvent::Failed { number, error: error.into() }
            }
            Event::Connected => self.connection(true, PeerEvent::Connected),
            Event::Disconnected => self.connection(false, PeerEvent::Disconnected),
            Event::Stopped => ClientEvent::Peer(PeerEvent::Stopped),
            Event::ProtocolError(malformed) => ClientEvent::Peer(PeerEvent::ProtocolError(malformed)),
        }
    }

    fn note_handed_out(&self, number: RequestNumber) {
        if let Some(request) = self.pending.lock().get_mut(&number) {
            request.unread = request.unread.saturating_add(1);
        }
        if self.grant == Grant::AsPolled {
            // The only possible error is that the client has stopped.
            let _ = self.note_consumed(number, 1);
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

fn replied(number: RequestNumber, kind: ReplyKind, payload: Payload) -> ClientEvent {
    match outcome(kind, payload) {
        Ok(reply) => ClientEvent::Reply { number, reply },
        Err(error) => ClientEvent::Failed { number, error },
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The only possible error is that it has stopped.
        let _ = self.stop();
    }
}
