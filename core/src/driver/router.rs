//! A broker on the I/O thread: its machine over a ROUTER, and an XPUB for core services.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pigato_frame::Frame;
use serde_json::{Map, Value};

use super::engine::{Endpoint, Engine, Handle, Io, Progress};
use super::mailbox::Mailbox;
use super::socket::{configure, endpoint_error, receive, send, system_error, Sent, OUTBOX_RETRY};
use super::EventSink;
use crate::broker::{Event, Machine, Output, Statistics};
use crate::config::BrokerOptions;
use crate::entropy::Entropy;
use crate::error::{Error, ErrorCode};
use crate::limits;
use crate::protocol::PeerId;

const SOCKET_SLOT: usize = 0;
const PUBLISHER_SLOT: usize = 1;

/// Messages dealt with before other endpoints get their turn.
const BATCH: usize = 256;

/// What a broker may be told.
pub enum BrokerCommand {
    /// Hand over the counters, on the I/O thread.
    Statistics(Box<dyn FnOnce(Statistics) + Send>),
    /// Hand over the directory, on the I/O thread.
    Directory(Box<dyn FnOnce(Map<String, Value>) + Send>),
    /// Finish what was accepted until this time has passed, then stop. Ends with `Event::Drained`.
    Drain(Duration),
}

impl fmt::Debug for BrokerCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Statistics(_) => "Statistics",
            Self::Directory(_) => "Directory",
            Self::Drain(_) => "Drain",
        })
    }
}

/// A broker that listens.
#[derive(Debug)]
pub struct BoundBroker {
    /// For commands.
    pub handle: Handle<BrokerCommand>,
    /// Its name.
    pub name: String,
    /// Where it listens, with the ports that `*` became.
    pub endpoints: Vec<String>,
    /// Where it publishes.
    pub intch: Option<String>,
}

/// Starts a broker that listens on all of `endpoints`. What cannot be bound is an error, and then nothing is left.
pub fn open_broker(
    engine: &Arc<Engine>,
    endpoints: &[String],
    options: BrokerOptions,
    sink: Box<dyn EventSink<Event>>,
) -> Result<BoundBroker, Error> {
    if endpoints.is_empty() {
        return Err(Error::new(ErrorCode::Endpoint, "a broker needs an endpoint to listen on"));
    }
    let context = engine.context()?;
    let router = context.socket(zmq::ROUTER).map_err(system_error)?;
    configure(&router)?;
    let set = || {
        router.set_router_mandatory(true)?;
        router.set_router_handover(true)?;
        router.set_sndhwm(limits::SOCKET_MESSAGES)?;
        router.set_rcvhwm(limits::SOCKET_MESSAGES)
    };
    set().map_err(system_error)?;
    let endpoints = endpoints.iter().map(|endpoint| bind(&router, endpoint)).collect::<Result<Vec<_>, _>>()?;
    let (publisher, intch) = match &options.intch {
        None => (None, None),
        Some(intch) => {
            let publisher = context.socket(zmq::XPUB).map_err(system_error)?;
            configure(&publisher)?;
            publisher.set_xpub_verbose(true).map_err(system_error)?;
            let bound = bind(&publisher, intch)
                .map_err(|error| Error::new(error.code(), format!("intch {}, or run without one", error.detail())))?;
            (Some(publisher), Some(bound))
        }
    };
    let machine = Machine::new(options, Entropy::from_os());
    let name = machine.name().to_owned();
    let mailbox = Arc::new(Mailbox::default());
    let endpoint = RouterEndpoint {
        machine,
        mailbox: Arc::clone(&mailbox),
        sink,
        router,
        publisher,
        bound: endpoints.clone(),
        is_watched: false,
        is_drained: false,
        outboxes: Outboxes::default(),
        frames: Vec::new(),
        commands: VecDeque::new(),
        events: Vec::new(),
    };
    Ok(BoundBroker { handle: engine.adopt(mailbox, Box::new(endpoint)), name, endpoints, intch })
}

/// Binds and returns the endpoint with its real port.
fn bind(socket: &zmq::Socket, endpoint: &str) -> Result<String, Error> {
    socket.bind(endpoint).map_err(|error| endpoint_error(endpoint, error))?;
    let bound = socket.get_last_endpoint().map_err(system_error)?;
    Ok(bound.unwrap_or_else(|_| endpoint.to_owned()))
}

struct RouterEndpoint {
    machine: Machine,
    mailbox: Arc<Mailbox<BrokerCommand>>,
    sink: Box<dyn EventSink<Event>>,
    router: zmq::Socket,
    publisher: Option<zmq::Socket>,
    bound: Vec<String>,
    is_watched: bool,
    is_drained: bool,
    outboxes: Outboxes,
    /// Kept for their memory.
    frames: Vec<Frame>,
    commands: VecDeque<BrokerCommand>,
    events: Vec<Event>,
}

/// Messages for peers that read more slowly than they are written to, in order.
#[derive(Default)]
struct Outboxes {
    by_peer: HashMap<PeerId, Outbox>,
    retry_at: Option<Instant>,
}

#[derive(Default)]
struct Outbox {
    messages: VecDeque<Vec<Frame>>,
    bytes: usize,
}

impl Outbox {
    /// Keeps a message; returns whether it is still within bounds.
    fn push(&mut self, frames: Vec<Frame>) -> bool {
        self.bytes += size(&frames);
        self.messages.push_back(frames);
        self.messages.len() <= limits::OUTBOX_MESSAGES && self.bytes <= limits::OUTBOX_BYTES
    }
}

fn size(frames: &[Frame]) -> usize {
    frames.iter().map(|frame| frame.len()).sum()
}

impl RouterEndpoint {
    fn carry_out(&mut self, now: Instant) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Send { peer, message } => {
                    self.frames.push(peer.to_frame());
                    message.encode(&mut self.frames);
                    self.send(now, &peer);
                }
                Output::Publish(frame) => {
                    if let Some(publisher) = &self.publisher {
                        // Each publication is the whole directory: one that finds no room is made up by the next.
                        let _ = frame.send(publisher, false);
                    }
                }
                Output::Event(event) => {
                    self.is_drained |= event == Event::Drained;
                    self.events.push(event);
                }
            }
        }
    }

    /// Sends `self.frames` to a peer, behind what already waits for it.
    fn send(&mut self, now: Instant, peer: &PeerId) {
        if !self.outboxes.by_peer.contains_key(peer) {
            match send(&self.router, &mut self.frames) {
                Sent::Yes => return,
                Sent::NoPeer => return self.machine.handle_unroutable(now, peer),
                Sent::Full => {}
            }
        }
        let frames = self.frames.drain(..).collect();
        let is_within_bounds = self.outboxes.by_peer.entry(peer.clone()).or_default().push(frames);
        self.outboxes.retry_at.get_or_insert(now + OUTBOX_RETRY);
        if !is_within_bounds {
            self.outboxes.by_peer.remove(peer);
            self.machine.handle_overflow(now, peer);
        }
    }

    fn retry_outboxes(&mut self, now: Instant) {
        if self.outboxes.retry_at.is_none_or(|at| at > now) {
            return;
        }
        let mut gone = Vec::new();
        self.outboxes.by_peer.retain(|peer, outbox| {
            while let Some(mut frames) = outbox.messages.pop_front() {
                let bytes = size(&frames);
                match send(&self.router, &mut frames) {
                    Sent::Yes => outbox.bytes -= bytes,
                    Sent::Full => {
                        outbox.messages.push_front(frames);
                        return true;
                    }
                    Sent::NoPeer => {
                        gone.push(peer.clone());
                        return false;
                    }
                }
            }
            false
        });
        self.outboxes.retry_at = (!self.outboxes.by_peer.is_empty()).then(|| now + OUTBOX_RETRY);
        for peer in gone {
            self.machine.handle_unroutable(now, &peer);
        }
    }

    fn take_commands(&mut self, now: Instant) -> bool {
        let left = self.mailbox.take(&mut self.commands, BATCH);
        while let Some(command) = self.commands.pop_front() {
            self.handle_command(now, command);
        }
        left
    }

    fn handle_command(&mut self, now: Instant, command: BrokerCommand) {
        match command {
            BrokerCommand::Statistics(answer) => answer(self.machine.statistics()),
            BrokerCommand::Directory(answer) => answer(self.machine.directory()),
            BrokerCommand::Drain(timeout) => self.machine.drain(now, timeout),
        }
    }

    fn receive(&mut self, now: Instant) -> bool {
        for _ in 0..BATCH {
            if self.is_drained || !receive(&self.router, &mut self.frames) {
                return false;
            }
            let peer = PeerId::new(self.frames.remove(0));
            self.machine.handle_message(now, &peer, &mut self.frames);
            self.carry_out(now);
        }
        true
    }

    /// Publishes for those who have just subscribed. Without this, one that comes late would hear nothing until the
    /// next change.
    fn greet_subscribers(&mut self, now: Instant) {
        let mut frames = Vec::new();
        let mut has_new = false;
        while self.publisher.as_ref().is_some_and(|publisher| receive(publisher, &mut frames)) {
            has_new |= frames.first().is_some_and(|frame| frame.first() == Some(&1));
        }
        if has_new {
            self.machine.handle_subscription(now);
            self.carry_out(now);
        }
    }

    fn deliver(&mut self) {
        if !self.events.is_empty() {
            self.sink.deliver(&mut self.events);
            self.events.clear();
        }
    }

    fn close(&mut self, now: Instant, io: &Io<'_>) {
        for command in self.mailbox.close() {
            self.handle_command(now, command);
        }
        self.deliver();
        for socket in std::iter::once(&self.router).chain(&self.publisher) {
            if let Ok(descriptor) = socket.get_fd() {
                io.unwatch(descriptor);
            }
        }
        for endpoint in &self.bound {
            // Fails for what libzmq has unbound itself; the socket is closed right after in any case.
            let _ = self.router.unbind(endpoint);
        }
    }
}

impl Endpoint for RouterEndpoint {
    fn process(&mut self, now: Instant, io: &Io<'_>) -> Progress {
        if !std::mem::replace(&mut self.is_watched, true) {
            let watch =
                |socket: &zmq::Socket, slot| socket.get_fd().is_ok_and(|descriptor| io.watch(descriptor, slot).is_ok());
            let publisher_is_watched = self.publisher.as_ref().is_none_or(|publisher| watch(publisher, PUBLISHER_SLOT));
            if !watch(&self.router, SOCKET_SLOT) || !publisher_is_watched {
                self.machine.drain(now, Duration::ZERO);
            }
        }
        if self.machine.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.machine.handle_timeout(now);
        }
        self.retry_outboxes(now);
        let mut again = self.take_commands(now);
        self.carry_out(now);
        self.greet_subscribers(now);
        again |= self.receive(now);
        self.deliver();
        if self.is_drained {
            self.close(now, io);
            Progress::Done
        } else if again {
            Progress::Again
        } else {
            Progress::Idle
        }
    }

    fn deadline(&self) -> Option<Instant> {
        [self.machine.next_deadline(), self.outboxes.retry_at].into_iter().flatten().min()
    }

    fn abort(&mut self, io: &Io<'_>) {
        let now = Instant::now();
        self.machine.drain(now, Duration::ZERO);
        self.machine.handle_timeout(now);
        self.carry_out(now);
        self.close(now, io);
    }
}
