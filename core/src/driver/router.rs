//! A broker on the I/O thread: its machine over connections of our own and a ROUTER, and an XPUB for core services.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pigato_frame::{Context, Frame};

use super::bound_broker::{BoundBroker, BrokerCommand};
use super::closing::Closing;
use super::engine::{Endpoint, Engine, Io, Progress, Readiness};
use super::mailbox::Mailbox;
use super::outbox::{Delivery, Outboxes};
use super::server::Server;
use super::socket::{bind, check_bindable, configure, receive, receive_from, system_error, OVERDUE_BATCHES};
use super::tcp::Address;
use super::EventSink;
use crate::broker::{Event, Machine, Message, Output, Persistence};
use crate::config::BrokerOptions;
use crate::entropy::Entropy;
use crate::error::{Error, ErrorCode};
use crate::limits;
use crate::protocol::PeerId;

const SOCKET_SLOT: usize = 0;
const PUBLISHER_SLOT: usize = 1;
const CLOSING_SLOT: usize = 2;
/// And all after it.
const SERVER_SLOT: usize = 3;

/// From so much on, what the system tells may be too old to act upon a deadline.
const LATE: Duration = Duration::from_millis(50);

/// Messages dealt with before other endpoints get their turn.
const BATCH: usize = 256;

/// Messages read before what they lead to is sent. Sent one after the other, libzmq's thread finds several messages for a peer
/// at a time, and needs one system call for them instead of one for each.
const BURST: usize = 16;

/// Starts a broker that listens on all of `endpoints`. What cannot be bound is an error, and then nothing is left. With
/// [`Persistence::On`] it reads nothing until it is given what it stored in an earlier life (`BrokerCommand::Restore`): a
/// request that its client sends again must find the one that is stored.
pub fn open_broker(
    engine: &Arc<Engine>,
    endpoints: &[String],
    options: BrokerOptions,
    persistence: Persistence,
    sink: Box<dyn EventSink<Event>>,
) -> Result<BoundBroker, Error> {
    if endpoints.is_empty() {
        return Err(Error::new(ErrorCode::Endpoint, "a broker needs an endpoint to listen on"));
    }
    let context = engine.context()?;
    let mut endpoints = endpoints.to_vec();
    endpoints.iter().try_for_each(|endpoint| check_bindable(endpoint))?;
    let others: Vec<_> = endpoints.iter_mut().filter(|endpoint| Address::parse(endpoint).is_none()).collect();
    let router = if others.is_empty() { None } else { Some(bind_router(&context, others)?) };
    let server = Server::listen(&mut endpoints, SERVER_SLOT)?;
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
    let machine = Machine::new(options, Entropy::from_os()).persistence(persistence);
    let name = machine.name().to_owned();
    let mailbox = Arc::new(Mailbox::default());
    let endpoint = RouterEndpoint {
        machine,
        mailbox: Arc::clone(&mailbox),
        sink,
        router,
        server,
        publisher,
        context,
        persistence,
        is_restored: persistence == Persistence::Off,
        is_watched: false,
        is_drained: false,
        closing: None,
        outboxes: Outboxes::default(),
        frames: Vec::new(),
        commands: VecDeque::new(),
        events: Vec::new(),
    };
    let handle = engine.adopt(mailbox, Box::new(endpoint));
    let endpoints = endpoints.into_iter().map(as_ipv4).collect();
    Ok(BoundBroker { handle, name, endpoints, intch: intch.map(as_ipv4) })
}

/// libzmq's socket for the endpoints that are its business; their real ports take their places.
fn bind_router(context: &Context, endpoints: Vec<&mut String>) -> Result<zmq::Socket, Error> {
    let router = context.socket(zmq::ROUTER).map_err(system_error)?;
    configure(&router)?;
    let set = || {
        router.set_router_mandatory(true)?;
        router.set_router_handover(true)?;
        router.set_sndhwm(limits::SOCKET_MESSAGES)?;
        router.set_rcvhwm(limits::SOCKET_MESSAGES)
    };
    set().map_err(system_error)?;
    for endpoint in endpoints {
        *endpoint = bind(&router, endpoint)?;
    }
    Ok(router)
}

/// An IPv4 endpoint as it was asked for. The sockets take IPv6 too, and then libzmq writes 127.0.0.1 as
/// `[::ffff:127.0.0.1]`, which peers without IPv6 (all published ones) cannot connect to.
fn as_ipv4(endpoint: String) -> String {
    let mapped = endpoint.strip_prefix("tcp://[::ffff:").and_then(|rest| rest.split_once("]:"));
    match mapped {
        Some((address, port)) if address.parse::<std::net::Ipv4Addr>().is_ok() => format!("tcp://{address}:{port}"),
        _ => endpoint,
    }
}

struct RouterEndpoint {
    machine: Machine,
    mailbox: Arc<Mailbox<BrokerCommand>>,
    sink: Box<dyn EventSink<Event>>,
    /// Both are `None` once they are closed.
    router: Option<zmq::Socket>,
    /// For the connections that are our own business.
    server: Option<Server>,
    publisher: Option<zmq::Socket>,
    closing: Option<Closing>,
    /// After the sockets: it waits for them when it is dropped.
    context: Arc<Context>,
    persistence: Persistence,
    /// Whether nothing from an earlier life is missing.
    is_restored: bool,
    is_watched: bool,
    is_drained: bool,
    outboxes: Outboxes,
    /// Kept for their memory.
    frames: Vec<Frame>,
    commands: VecDeque<BrokerCommand>,
    events: Vec<Event>,
}

impl RouterEndpoint {
    fn carry_out(&mut self, now: Instant, io: &Io<'_>) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Send { peer, .. } if self.outboxes.has_overflowed(&peer) => {}
                Output::Send { peer, message } => {
                    let delivery = self.send(now, io, &peer, message);
                    match delivery {
                        Delivery::Done => {}
                        Delivery::NoPeer => self.machine.handle_unroutable(now, &peer),
                        Delivery::Overflow => self.machine.handle_overflow(now, &peer),
                    }
                }
                Output::Publish(mut frame) => {
                    if let Some(publisher) = &self.publisher {
                        // Each publication is the whole directory: one that finds no room is made up by the next.
                        let _ = frame.send(publisher, false);
                    }
                }
                // It is the last: what does not reach a peer after it is nobody's concern.
                Output::Event(event) if !self.is_drained => {
                    self.is_drained = event == Event::Drained;
                    self.events.push(event);
                }
                Output::Event(_) => {}
            }
        }
        self.outboxes.forget_overflows();
    }

    /// Sends a message to a peer, behind what already waits for it.
    fn send(&mut self, now: Instant, io: &Io<'_>, peer: &PeerId, message: Message) -> Delivery {
        if let Some(server) = &mut self.server {
            if let Some(key) = server.find(peer) {
                self.frames.clear();
                message.encode(&mut self.frames);
                let delivery = server.send(io, key, &mut self.frames);
                if let Delivery::Overflow = delivery {
                    self.outboxes.note_overflow(peer);
                }
                return delivery;
            }
        }
        let Some(router) = &self.router else { return Delivery::NoPeer };
        self.frames.clear();
        self.frames.push(peer.to_frame());
        message.encode(&mut self.frames);
        self.outboxes.send(now, router, peer, &mut self.frames)
    }

    fn retry_outboxes(&mut self, now: Instant) {
        let Some(router) = &self.router else { return };
        for peer in self.outboxes.retry(now, router) {
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
            BrokerCommand::Restore(requests) => {
                self.is_restored = true;
                if let Some(server) = &mut self.server {
                    server.renew_handshakes(now);
                }
                self.machine.restore(now, requests);
            }
            BrokerCommand::Drain(timeout) => self.machine.drain(now, timeout),
        }
    }

    /// Deals with what has come, a bounded part of it. Returns whether there may be more.
    fn receive(&mut self, now: Instant, io: &Io<'_>) -> bool {
        if self.persistence == Persistence::On {
            self.machine.handle_backlog(self.sink.is_full());
        }
        let again = self.receive_from_server(now, io);
        self.receive_from_router(now, io) | again
    }

    fn receive_from_server(&mut self, now: Instant, io: &Io<'_>) -> bool {
        if let Some(server) = &mut self.server {
            server.begin_turn();
        }
        for _ in 0..BATCH {
            if self.is_drained || !self.is_restored {
                return false;
            }
            let Some(server) = &mut self.server else { return false };
            let Some(peer) = server.receive(io, &mut self.frames) else { return server.has_more() };
            let has_read_all = server.has_read_all();
            self.machine.handle_message(now, &peer, &mut self.frames);
            self.carry_out(now, io);
            if has_read_all {
                self.flush();
            }
        }
        true
    }

    fn flush(&mut self) {
        if let Some(server) = &mut self.server {
            server.flush();
        }
    }

    fn receive_from_router(&mut self, now: Instant, io: &Io<'_>) -> bool {
        // While it drains, nothing may be read after what ends that.
        let most = if self.machine.is_draining() { 1 } else { BURST };
        // A message that comes alone is answered before the socket is looked at again.
        let (mut burst, mut unanswered) = (1, 0);
        for _ in 0..BATCH {
            if self.is_drained || !self.is_restored {
                return false;
            }
            let Some(router) = &self.router else { return false };
            match receive_from(router, &mut self.frames) {
                Some(peer) => {
                    if let Some(server) = &mut self.server {
                        server.give_up(io, &peer);
                    }
                    self.machine.handle_message(now, &peer, &mut self.frames);
                    unanswered += 1;
                }
                None if unanswered == 0 => return false,
                // Sending takes notice of what has come meanwhile, and then the descriptor tells nobody of it: the last
                // thing done to a socket is to find it empty.
                None => burst = unanswered,
            }
            if unanswered >= burst {
                self.carry_out(now, io);
                (burst, unanswered) = (most, 0);
            }
        }
        self.carry_out(now, io);
        true
    }

    /// Publishes for those who have just subscribed. Without this, one that comes late would hear nothing until the
    /// next change. Returns whether there may be more of them.
    fn greet_subscribers(&mut self, now: Instant, io: &Io<'_>) -> bool {
        let mut frames = Vec::new();
        for _ in 0..BATCH {
            if !self.publisher.as_ref().is_some_and(|publisher| receive(publisher, &mut frames)) {
                return false;
            }
            if frames.first().is_some_and(|frame| frame.first() == Some(&1)) {
                self.machine.handle_subscription(now);
                self.carry_out(now, io);
            }
        }
        true
    }

    fn deliver(&mut self) {
        if !self.events.is_empty() {
            self.sink.deliver(&mut self.events);
            self.events.clear();
        }
    }

    /// Takes no further command, and deals with those that came too late.
    fn refuse_commands(&mut self, now: Instant) {
        for command in self.mailbox.close() {
            self.handle_command(now, command);
        }
    }

    /// Ends everything but the wait for the sockets; [`Event::Drained`] is told after that.
    fn close(&mut self, now: Instant, io: &Io<'_>) -> Closing {
        self.refuse_commands(now);
        let mut closing = Closing::begin(now);
        if let Some(server) = &mut self.server {
            server.end_listening(io);
        }
        for socket in self.router.take().into_iter().chain(self.publisher.take()) {
            unwatch(&socket, io);
            closing.expect_end_of(now, &self.context, &socket, io, CLOSING_SLOT);
        }
        closing
    }

    fn end_server(&mut self, io: &Io<'_>) {
        if let Some(mut server) = self.server.take() {
            server.flush();
            server.unwatch(io);
        }
    }

    fn finish_closing(&mut self, now: Instant, io: &Io<'_>) -> Progress {
        let mut closing = match self.closing.take() {
            Some(closing) => closing,
            None => self.close(now, io),
        };
        let has_written_all = self.server.as_mut().is_none_or(|server| server.has_written_all());
        if !closing.is_over(now, io) || !(has_written_all || closing.is_late(now)) {
            self.closing = Some(closing);
            return Progress::Idle;
        }
        self.end_server(io);
        self.deliver();
        Progress::Done
    }
}

fn unwatch(socket: &zmq::Socket, io: &Io<'_>) {
    if let Ok(descriptor) = socket.get_fd() {
        io.unwatch(descriptor);
    }
}

impl Endpoint for RouterEndpoint {
    fn ready(&mut self, slot: usize, readiness: Readiness) {
        if let Some(server) = &mut self.server {
            server.ready(slot, readiness);
        }
    }

    fn process(&mut self, now: Instant, io: &Io<'_>) -> Progress {
        if self.is_drained {
            return self.finish_closing(now, io);
        }
        if !std::mem::replace(&mut self.is_watched, true) {
            let watch =
                |socket: &zmq::Socket, slot| socket.get_fd().is_ok_and(|descriptor| io.watch(descriptor, slot).is_ok());
            let publisher_is_watched = self.publisher.as_ref().is_none_or(|publisher| watch(publisher, PUBLISHER_SLOT));
            let router_is_watched = self.router.as_ref().is_none_or(|router| watch(router, SOCKET_SLOT));
            let server_is_watched = self.server.as_mut().is_none_or(|server| server.watch(io));
            if !router_is_watched || !publisher_is_watched || !server_is_watched {
                self.machine.drain(now, Duration::ZERO);
            }
        }
        if let Some(server) = &mut self.server {
            server.accept(now, io);
        }
        if let Some(deadline) = self.machine.next_deadline().filter(|deadline| *deadline <= now) {
            // What has arrived came in time, even if this thread is late.
            if let Some(server) = self.server.as_mut().filter(|_| now >= deadline + LATE) {
                server.look_everywhere();
            }
            (0..OVERDUE_BATCHES).all(|_| self.receive(now, io));
            self.machine.handle_timeout(now);
        }
        self.retry_outboxes(now);
        let mut again = self.take_commands(now);
        self.carry_out(now, io);
        again |= self.receive(now, io);
        // The last to read: publishing takes notice of subscriptions that came meanwhile, and nothing would tell of them.
        again |= self.greet_subscribers(now, io);
        if self.is_drained {
            return self.finish_closing(now, io);
        }
        if let Some(server) = self.server.as_mut().filter(|_| self.is_restored) {
            server.expire(now, io);
        }
        self.flush();
        self.deliver();
        if again {
            Progress::Again
        } else {
            Progress::Idle
        }
    }

    fn deadline(&self) -> Option<Instant> {
        if let Some(closing) = &self.closing {
            return closing.deadline();
        }
        let server = self.server.as_ref().and_then(|server| server.deadline(self.is_restored));
        [self.machine.next_deadline(), self.outboxes.retry_at(), server].into_iter().flatten().min()
    }

    fn abort(&mut self, io: &Io<'_>) {
        let now = Instant::now();
        self.machine.drain(now, Duration::ZERO);
        while self.machine.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.machine.handle_timeout(now);
        }
        self.carry_out(now, io);
        self.refuse_commands(now);
        for socket in self.router.take().into_iter().chain(self.publisher.take()) {
            unwatch(&socket, io);
        }
        self.end_server(io);
        self.deliver();
    }
}

#[cfg(test)]
mod tests {
    use super::as_ipv4;

    #[test]
    fn an_ipv4_endpoint_is_told_as_one() {
        assert_eq!(as_ipv4("tcp://[::ffff:127.0.0.1]:5".to_owned()), "tcp://127.0.0.1:5");
        for other in ["tcp://[::1]:5", "tcp://[::]:5", "tcp://[::ffff:x]:5", "ipc:///tmp/x", "inproc://x"] {
            assert_eq!(as_ipv4(other.to_owned()), other);
        }
    }
}
