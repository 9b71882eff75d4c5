//! Clients and workers on the I/O thread: a machine over one connection at a time.

use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pigato_frame::{Context, Frame};

use super::closing::Closing;
use super::cork::CorkWatch;
use super::dealer::{self, Dealer, Transport};
use super::engine::{Endpoint, Engine, Io, Progress, Readiness};
use super::handle::Handle;
use super::mailbox::Mailbox;
use super::peer_machine::{ClientCommand, PeerMachine, WorkerCommand};
use super::socket::{LINGER, OUTBOX_RETRY, OVERDUE_BATCHES};
use super::EventSink;
use crate::client;
use crate::config::{ClientOptions, WorkerOptions};
use crate::entropy::Entropy;
use crate::error::{Error, ErrorCode};
use crate::link::Output;
use crate::protocol::{PeerId, ServiceName};
use crate::worker;

/// Commands and messages dealt with before other endpoints get their turn.
const BATCH: usize = 256;

/// Starts a client that connects to `endpoint`. An endpoint that cannot be used is an error here; a broker that is not
/// there yet is not.
pub fn open_client(
    engine: &Arc<Engine>,
    endpoint: &str,
    options: ClientOptions,
    sink: Box<dyn EventSink<client::Event>>,
) -> Result<Handle<ClientCommand>, Error> {
    let reconnect = options.reconnect;
    let mut machine = client::Machine::new(options, Entropy::from_os());
    machine.start();
    PeerEndpoint::start(engine, endpoint, reconnect, machine, sink)
}

/// Starts a worker for `service` that connects to `endpoint`; errors as for [`open_client`].
pub fn open_worker(
    engine: &Arc<Engine>,
    endpoint: &str,
    service: ServiceName,
    options: WorkerOptions,
    sink: Box<dyn EventSink<worker::Event>>,
) -> Result<Handle<WorkerCommand>, Error> {
    let reconnect = options.reconnect;
    let mut machine = worker::Machine::new(service, options, Entropy::from_os());
    machine.start();
    PeerEndpoint::start(engine, endpoint, reconnect, machine, sink)
}

/// What a machine wants that needs the engine.
enum Transition {
    Connect(PeerId),
    Disconnect,
}

/// Whom nothing is told any more.
struct Nobody;

impl<E> EventSink<E> for Nobody {
    fn deliver(&mut self, _events: &mut Vec<E>) {}
}

/// How long the last messages may wait for room, before the linger time of those that had some.
const LEAVING: Duration = LINGER;

/// The last connection of a machine that has stopped, until what it sent has left.
#[derive(Default)]
struct Leaving {
    dealer: Option<Box<dyn Dealer>>,
    closing: Closing,
    until: Option<Instant>,
    /// Whether everybody knows; only libzmq is waited for.
    is_told: bool,
}

struct PeerEndpoint<M: PeerMachine> {
    machine: M,
    mailbox: Arc<Mailbox<M::Command>>,
    sink: Box<dyn EventSink<M::Event>>,
    /// Before the context, which waits for its sockets when it is dropped.
    dealer: Option<Box<dyn Dealer>>,
    context: Arc<Context>,
    endpoint: String,
    reconnect_max: Duration,
    /// That it has stopped: told after everything else, when no further command is taken.
    last_event: Option<M::Event>,
    /// What the machine wanted next when commands were carried out without the engine.
    held: Option<Transition>,
    /// When a connection without room is tried again.
    retry_at: Option<Instant>,
    cork_watch: CorkWatch,
    leaving: Leaving,
    /// Kept for their memory.
    frames: Vec<Frame>,
    commands: VecDeque<M::Command>,
    events: Vec<M::Event>,
}

impl<M: PeerMachine + 'static> PeerEndpoint<M> {
    fn start(
        engine: &Arc<Engine>,
        endpoint: &str,
        reconnect: Duration,
        machine: M,
        sink: Box<dyn EventSink<M::Event>>,
    ) -> Result<Handle<M::Command>, Error> {
        let mailbox = Arc::new(Mailbox::default());
        let mut peer = Self {
            machine,
            mailbox: Arc::clone(&mailbox),
            sink,
            context: engine.context()?,
            endpoint: endpoint.to_owned(),
            reconnect_max: reconnect,
            dealer: None,
            last_event: None,
            held: None,
            retry_at: None,
            cork_watch: CorkWatch::default(),
            leaving: Leaving::default(),
            frames: Vec::new(),
            commands: VecDeque::new(),
            events: Vec::new(),
        };
        // The first thing that a machine wants. What it wants after that, at once with `inproc`, is for the I/O thread.
        if let Some(Output::Connect(identity)) = peer.machine.poll_output() {
            peer.connect(Instant::now(), &identity)?;
        }
        Ok(engine.adopt(mailbox, Box::new(peer)))
    }

    fn connect(&mut self, now: Instant, identity: &PeerId) -> Result<(), Error> {
        let dealer = dealer::open(&self.context, &self.endpoint, identity, self.reconnect_max)?;
        let is_up = dealer.is_up_at_once();
        self.sink.opening(identity);
        self.dealer = Some(dealer);
        if is_up {
            self.machine.handle_connected(now);
        }
        Ok(())
    }

    /// Carries out what the machine wants.
    fn carry_out(&mut self, now: Instant, io: &Io<'_>) {
        while let Some(transition) = self.next_transition() {
            match transition {
                Transition::Connect(identity) => {
                    let opened = self.connect(now, &identity).and_then(|()| self.watch(now, io));
                    if opened.is_err() {
                        self.disconnect(io);
                        self.machine.handle_connect_failed(now);
                    }
                }
                Transition::Disconnect => self.disconnect(io),
            }
        }
    }

    /// Carries out what the machine wants, up to the next thing that needs the engine.
    fn next_transition(&mut self) -> Option<Transition> {
        if self.held.is_some() {
            return self.held.take();
        }
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Send(message) => {
                    if let Some(dealer) = &mut self.dealer {
                        self.frames.clear();
                        M::encode(message, &mut self.frames);
                        dealer.send(&mut self.frames);
                    }
                }
                Output::Event(event) if M::is_stopped(&event) => self.last_event = Some(event),
                Output::Event(event) => self.events.push(event),
                Output::Connect(identity) => return Some(Transition::Connect(identity)),
                Output::Disconnect => return Some(Transition::Disconnect),
            }
        }
        None
    }

    fn watch(&mut self, now: Instant, io: &Io<'_>) -> Result<(), Error> {
        self.dealer.as_mut().map_or(Ok(()), |dealer| dealer.watch(now, io))
    }

    fn flush(&mut self) {
        if let Some(dealer) = &mut self.dealer {
            dealer.flush();
        }
    }

    fn disconnect(&mut self, io: &Io<'_>) {
        let Some(dealer) = self.dealer.take() else { return };
        if self.machine.is_started() {
            dealer.close(io);
        } else {
            self.leaving.dealer = Some(dealer);
        }
    }

    fn has_unsent(&self) -> bool {
        self.dealer.as_ref().is_some_and(|dealer| dealer.has_unsent())
    }

    fn is_blocked(&self) -> bool {
        self.dealer.as_ref().is_some_and(|dealer| dealer.is_blocked())
    }

    /// Takes commands, unless the connection has no room for what they would send. Returns whether some are left.
    fn take_commands(&mut self, now: Instant, io: &Io<'_>) -> bool {
        if self.is_blocked() {
            self.mailbox.pass();
            return false;
        }
        let left = self.mailbox.take(&mut self.commands, BATCH);
        while let Some(command) = self.commands.pop_front() {
            self.machine.handle_command(now, command);
            self.carry_out(now, io);
        }
        left
    }

    fn hear_transport(&mut self, now: Instant, io: &Io<'_>) {
        while let Some(transport) = self.dealer.as_mut().and_then(|dealer| dealer.transport(now, io, &mut self.frames))
        {
            self.frames.clear();
            match transport {
                Transport::Up => self.machine.handle_connected(now),
                Transport::Down => {
                    // What came before the connection went counts: a broker that stops answers first.
                    while self.receive_batch(now, io, |_| false) {}
                    self.machine.handle_disconnected(now);
                }
            }
            self.carry_out(now, io);
        }
    }

    /// Reads until there is nothing left, the batch is full or the sink is. Returns whether there may be more.
    fn receive(&mut self, now: Instant, io: &Io<'_>) -> bool {
        self.receive_batch(now, io, |sink| sink.is_full())
    }

    /// The next message, in `frames`. Returns whether there is one.
    fn receive_message(&mut self) -> bool {
        self.dealer.as_mut().is_some_and(|dealer| dealer.receive(&mut self.frames))
    }

    /// Whether there is something to receive that may be received.
    fn has_more_input(&self) -> bool {
        self.dealer.as_ref().is_some_and(|dealer| dealer.has_input()) && !self.sink.is_full()
    }

    fn receive_batch(&mut self, now: Instant, io: &Io<'_>, is_full: impl Fn(&dyn EventSink<M::Event>) -> bool) -> bool {
        for _ in 0..BATCH {
            if is_full(&*self.sink) {
                self.machine.handle_not_reading(now);
                return false;
            }
            if !self.receive_message() {
                return false;
            }
            self.machine.handle_message(now, &mut self.frames);
            self.carry_out(now, io);
            if self.events.len() >= BATCH {
                self.deliver();
            }
        }
        true
    }

    /// Returns whether there was something to deliver.
    fn deliver(&mut self) -> bool {
        let has_events = !self.events.is_empty();
        if has_events {
            self.sink.deliver(&mut self.events);
            self.events.clear();
        }
        has_events
    }

    /// Answers the commands that came too late.
    fn refuse_commands(&mut self, now: Instant, io: &Io<'_>) {
        for command in self.mailbox.close() {
            self.machine.handle_command(now, command);
        }
        self.carry_out(now, io);
        self.deliver();
    }

    /// Tells that it has stopped, once all that it sent has left.
    fn leave(&mut self, now: Instant, io: &Io<'_>) -> Progress {
        self.refuse_commands(now, io);
        // No command is taken any more: nothing is watched for.
        self.cork_watch = CorkWatch::default();
        let leaving = &mut self.leaving;
        let is_late = now >= *leaving.until.get_or_insert(now + LEAVING);
        if let Some(mut dealer) = leaving.dealer.take() {
            dealer.flush();
            if dealer.has_unsent() && !is_late {
                leaving.dealer = Some(dealer);
                self.retry_at = Some(now + OUTBOX_RETRY);
                return Progress::Idle;
            }
            dealer.close_expected(now, &mut leaving.closing, io);
        }
        self.retry_at = leaving.closing.deadline();
        let is_over = leaving.closing.is_over(now, io);
        if is_over || leaving.closing.has_lost_peer() {
            self.tell_end();
        }
        if is_over {
            Progress::Done
        } else {
            Progress::Idle
        }
    }

    fn tell_end(&mut self) {
        self.leaving.is_told = true;
        self.events.extend(self.last_event.take());
        self.deliver();
        // It may hold what keeps the engine.
        self.sink = Box::new(Nobody);
    }
}

impl<M: PeerMachine + 'static> Endpoint for PeerEndpoint<M> {
    fn ready(&mut self, _slot: usize, readiness: Readiness) {
        for dealer in self.dealer.iter_mut().chain(&mut self.leaving.dealer) {
            dealer.ready(readiness);
        }
    }

    fn process(&mut self, now: Instant, io: &Io<'_>) -> Progress {
        if self.last_event.is_some() || self.leaving.is_told {
            return self.leave(now, io);
        }
        if self.watch(now, io).is_err() {
            self.machine.handle_disconnected(now);
        }
        if self.machine.next_deadline().is_some_and(|deadline| deadline <= now) {
            // What has arrived came in time, even if this thread is late.
            self.hear_transport(now, io);
            if let Some(dealer) = &mut self.dealer {
                dealer.ready(Readiness { is_readable: true, is_writable: false, is_ending: false });
            }
            (0..OVERDUE_BATCHES).all(|_| self.receive(now, io) || self.has_more_input());
            self.machine.handle_timeout(now);
        }
        self.carry_out(now, io);
        // Both sockets are read after a connection was opened: libzmq makes their descriptors readable only for those
        // who have found them empty before.
        self.hear_transport(now, io);
        self.flush();
        let mut again = self.take_commands(now, io);
        self.flush();
        again |= self.receive(now, io);
        self.flush();
        let has_delivered = self.deliver();
        self.cork_watch.renew(now, &self.mailbox.cork, has_delivered);
        if self.last_event.is_some() {
            return self.leave(now, io);
        }
        again |= self.has_more_input();
        let tells_of_room = self.dealer.as_ref().is_some_and(|dealer| dealer.tells_of_room());
        self.retry_at = (self.has_unsent() && !tells_of_room).then(|| now + OUTBOX_RETRY);
        if again {
            Progress::Again
        } else {
            Progress::Idle
        }
    }

    fn carry_out_commands(&mut self, now: Instant) -> bool {
        if self.held.is_some() || self.is_blocked() {
            return false;
        }
        let Some(left) = self.mailbox.take_unless_awaited(&mut self.commands, BATCH) else { return false };
        while self.held.is_none() {
            let Some(command) = self.commands.pop_front() else { break };
            self.machine.handle_command(now, command);
            self.held = self.next_transition();
        }
        self.flush();
        let is_done = !left && self.held.is_none() && self.events.is_empty() && self.last_event.is_none();
        // What arrived may have been noted while sending, and then the descriptor tells nobody of it.
        is_done && !self.has_unsent() && !self.dealer.as_ref().is_some_and(|dealer| dealer.has_input())
    }

    fn release(&mut self, io: &Io<'_>) -> bool {
        self.held.is_none() && self.dealer.as_mut().is_some_and(|dealer| dealer.release(io))
    }

    fn released(&self) -> Option<RawFd> {
        self.dealer.as_ref().and_then(|dealer| dealer.released())
    }

    fn read(&mut self, now: Instant) -> (usize, bool) {
        for count in 0..BATCH {
            if self.held.is_some() || self.sink.is_full() {
                break;
            }
            if !self.receive_message() {
                self.flush();
                self.deliver();
                // What is lost, or cut short, is the I/O thread's.
                let is_over =
                    self.released().is_none() || self.dealer.as_ref().is_some_and(|dealer| dealer.has_input());
                return (count, self.last_event.is_none() && !self.has_unsent() && !is_over);
            }
            self.machine.handle_message(now, &mut self.frames);
            self.held = self.next_transition();
        }
        self.flush();
        self.deliver();
        (BATCH, false)
    }

    fn take_back(&mut self, io: &Io<'_>) -> bool {
        self.dealer.as_mut().is_none_or(|dealer| dealer.take_back(io).is_ok())
    }

    fn deadline(&self) -> Option<Instant> {
        let dealer = self.dealer.as_ref().and_then(|dealer| dealer.deadline());
        let cork = self.cork_watch.deadline();
        [self.machine.next_deadline(), self.retry_at, cork, dealer].into_iter().flatten().min()
    }

    fn abort(&mut self, io: &Io<'_>) {
        let now = Instant::now();
        self.machine.stop(now);
        self.refuse_commands(now, io);
        if let Some(dealer) = self.leaving.dealer.take() {
            dealer.close(io);
        }
        self.tell_end();
    }
}

/// A service name, if it can be one.
pub(crate) fn service_name(name: impl Into<Frame>) -> Result<ServiceName, Error> {
    ServiceName::new(name.into()).ok_or_else(|| Error::new(ErrorCode::Option, "a service name has 1 to 255 bytes"))
}
