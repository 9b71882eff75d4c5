//! The endpoint of a client or worker: its machine over one connection at a time.

use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pigato_frame::{Context, Frame};

use crate::error::Error;
use crate::protocol::PeerId;
use crate::reactor::{CorkWatch, Endpoint, Engine, EventSink, Handle, Io, Mailbox, Progress, Readiness};
use crate::session::PeerOutput;
use crate::transport::{self, BrokerConnection, ConnectBackoff, TransportEvent, OVERDUE_BATCHES, SEND_RETRY};

mod commands;
mod leaving;
mod machine;
mod open;

pub use commands::{ClientCommand, WorkerCommand};
use leaving::Leaving;
use machine::PeerMachine;
pub(crate) use open::service_name;
pub use open::{open_client, open_worker};

/// Work budget: commands and messages handled before other endpoints get their turn.
const BATCH: usize = 256;

/// An output of the machine that needs the engine.
enum Transition {
    Connect(PeerId),
    Disconnect,
}

struct PeerEndpoint<M: PeerMachine> {
    machine: M,
    mailbox: Arc<Mailbox<M::Command>>,
    sink: Box<dyn EventSink<M::Event>>,
    /// Before the context: dropping the context waits for its sockets.
    connection: Option<Box<dyn BrokerConnection>>,
    context: Arc<Context>,
    endpoint: String,
    /// Pauses between attempts while no broker answers.
    backoff: ConnectBackoff,
    /// `Stopped`, which is delivered after everything else.
    last_event: Option<M::Event>,
    /// The next transition, if a submitting thread met one while it carried out commands without the engine.
    held: Option<Transition>,
    /// When to try again to send on a connection without room.
    retry_at: Option<Instant>,
    cork_watch: CorkWatch,
    leaving: Leaving,
    /// Scratch memory.
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
            backoff: ConnectBackoff::new(reconnect),
            connection: None,
            last_event: None,
            held: None,
            retry_at: None,
            cork_watch: CorkWatch::default(),
            leaving: Leaving::default(),
            frames: Vec::new(),
            commands: VecDeque::new(),
            events: Vec::new(),
        };
        // Carries out the first output here, so that its error is the caller's. Further ones are for the I/O thread.
        if let Some(PeerOutput::Connect(identity)) = peer.machine.poll_output() {
            peer.connect(Instant::now(), &identity)?;
        }
        Ok(Handle::adopt(Arc::clone(engine), mailbox, Box::new(peer)))
    }

    fn connect(&mut self, now: Instant, identity: &PeerId) -> Result<(), Error> {
        let connection = transport::connect(&self.context, &self.endpoint, identity, self.backoff)?;
        let is_up = connection.is_up_at_once();
        self.sink.opening(identity.as_bytes());
        self.connection = Some(connection);
        if is_up {
            self.machine.handle_connected(now);
        }
        Ok(())
    }

    /// Carries out the machine's outputs.
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

    /// Carries out the machine's outputs up to the next one that needs the engine, and returns that one.
    fn next_transition(&mut self) -> Option<Transition> {
        if self.held.is_some() {
            return self.held.take();
        }
        while let Some(output) = self.machine.poll_output() {
            match output {
                PeerOutput::Send(message) => {
                    if let Some(connection) = &mut self.connection {
                        self.frames.clear();
                        M::encode(message, &mut self.frames);
                        connection.send(&mut self.frames);
                    }
                }
                PeerOutput::Event(event) if M::is_stopped(&event) => self.last_event = Some(event),
                PeerOutput::Event(event) => self.events.push(event),
                PeerOutput::Connect(identity) => return Some(Transition::Connect(identity)),
                PeerOutput::Disconnect => return Some(Transition::Disconnect),
            }
        }
        None
    }

    fn watch(&mut self, now: Instant, io: &Io<'_>) -> Result<(), Error> {
        self.connection.as_mut().map_or(Ok(()), |connection| connection.watch(now, io))
    }

    fn flush(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.flush();
        }
    }

    fn disconnect(&mut self, io: &Io<'_>) {
        let Some(connection) = self.connection.take() else { return };
        if self.machine.is_started() {
            connection.close(io);
        } else {
            self.leaving.connection = Some(connection);
        }
    }

    fn has_unsent(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.has_unsent())
    }

    fn is_blocked(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.is_blocked())
    }

    /// Handles commands, unless the connection has no room. Returns whether some are left.
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

    fn handle_transport_events(&mut self, now: Instant, io: &Io<'_>) {
        while let Some(transport) =
            self.connection.as_mut().and_then(|connection| connection.transport(now, io, &mut self.frames))
        {
            self.frames.clear();
            match transport {
                TransportEvent::Up => self.machine.handle_connected(now),
                TransportEvent::Down => {
                    // Messages that arrived before the connection was lost count: a stopping broker answers first.
                    while self.receive_batch(now, io, |_| false) {}
                    self.machine.handle_disconnected(now);
                }
            }
            self.carry_out(now, io);
        }
    }

    /// Reads until nothing is left, or the batch or the sink is full. Returns whether there may be more.
    fn receive(&mut self, now: Instant, io: &Io<'_>) -> bool {
        self.receive_batch(now, io, |sink| sink.is_full())
    }

    /// The next message, in `frames`. Returns whether there is one.
    fn receive_message(&mut self) -> bool {
        self.connection.as_mut().is_some_and(|connection| connection.receive(&mut self.frames))
    }

    /// Whether there is input that the sink has room for.
    fn has_more_input(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.has_input()) && !self.sink.is_full()
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
}

impl<M: PeerMachine + 'static> Endpoint for PeerEndpoint<M> {
    fn ready(&mut self, _slot: usize, readiness: Readiness) {
        for connection in self.connection.iter_mut().chain(&mut self.leaving.connection) {
            connection.ready(readiness);
        }
    }

    fn process(&mut self, now: Instant, io: &Io<'_>) -> Progress {
        if self.last_event.is_some() || self.leaving.is_last_event_delivered {
            return self.leave(now, io);
        }
        if self.watch(now, io).is_err() {
            self.machine.handle_disconnected(now);
        }
        if self.machine.next_deadline().is_some_and(|deadline| deadline <= now) {
            // Input that has arrived was in time, even if this thread is late.
            self.handle_transport_events(now, io);
            if let Some(connection) = &mut self.connection {
                connection.ready(Readiness { is_readable: true, is_writable: false, is_ending: false });
            }
            (0..OVERDUE_BATCHES).all(|_| self.receive(now, io) || self.has_more_input());
            self.machine.handle_timeout(now);
        }
        self.carry_out(now, io);
        // Both sockets must be read after a connection was opened: libzmq reports readiness only after a socket was found empty.
        self.handle_transport_events(now, io);
        self.flush();
        let mut again = self.take_commands(now, io);
        self.flush();
        again |= self.receive(now, io);
        self.flush();
        let has_delivered = self.deliver();
        self.cork_watch.renew(now, self.mailbox.cork(), has_delivered);
        if self.last_event.is_some() {
            return self.leave(now, io);
        }
        again |= self.has_more_input();
        let tells_of_room = self.connection.as_ref().is_some_and(|connection| connection.tells_of_room());
        self.retry_at = (self.has_unsent() && !tells_of_room).then(|| now + SEND_RETRY);
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
        // Sending may have consumed the readiness of new input; then the descriptor does not report it.
        is_done && !self.has_unsent() && !self.connection.as_ref().is_some_and(|connection| connection.has_input())
    }

    fn release(&mut self, io: &Io<'_>) -> bool {
        self.held.is_none() && self.connection.as_mut().is_some_and(|connection| connection.release(io))
    }

    fn released(&self) -> Option<RawFd> {
        self.connection.as_ref().and_then(|connection| connection.released())
    }

    fn read(&mut self, now: Instant) -> (usize, bool) {
        for count in 0..BATCH {
            if self.held.is_some() || self.sink.is_full() {
                break;
            }
            if !self.receive_message() {
                self.flush();
                self.deliver();
                // A lost connection is for the I/O thread.
                let is_over = self.released().is_none()
                    || self.connection.as_ref().is_some_and(|connection| connection.has_input());
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
        self.connection.as_mut().is_none_or(|connection| connection.take_back(io).is_ok())
    }

    fn deadline(&self) -> Option<Instant> {
        let connection = self.connection.as_ref().and_then(|connection| connection.deadline());
        let cork = self.cork_watch.deadline();
        [self.machine.next_deadline(), self.retry_at, cork, connection].into_iter().flatten().min()
    }

    fn abort(&mut self, io: &Io<'_>) {
        let now = Instant::now();
        self.machine.stop(now);
        self.refuse_commands(now, io);
        if let Some(connection) = self.leaving.connection.take() {
            connection.close(io);
        }
        self.deliver_last_event();
    }
}
