//! The broker's endpoint: its machine over the transport.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pigato_frame::{Context, Frame};

use crate::broker::{Event, Machine, Output, Persistence};
use crate::reactor::{Endpoint, EventSink, Io, Mailbox, Progress, Readiness};
use crate::transport::{Delivery, Peers, Publisher, OVERDUE_BATCHES};

mod commands;
mod getters;
mod open;
mod shutdown;

pub use commands::{BoundBroker, BrokerCommand};
pub(crate) use getters::broker_getters;
pub use open::open_broker;
use shutdown::Shutdown;

/// A deadline that is late by more than this may be acted upon before the operating system has reported all input: then
/// every connection is read first.
const LATE: Duration = Duration::from_millis(50);

/// Work budget: messages and commands handled before other endpoints get their turn.
const BATCH: usize = 256;

/// Messages read from libzmq before their outputs are sent. Several messages sent in a row cost libzmq's thread one system
/// call instead of one each.
const BURST: usize = 16;

struct BrokerEndpoint {
    machine: Machine,
    mailbox: Arc<Mailbox<BrokerCommand>>,
    sink: Box<dyn EventSink<Event>>,
    peers: Peers,
    /// `None` without the option `intch`, and once it is closed.
    publisher: Option<Publisher>,
    shutdown: Shutdown,
    /// After the sockets: dropping it waits for them.
    context: Arc<Context>,
    persistence: Persistence,
    /// Whether the requests of the previous run are back, if there can be any. No message is read before.
    is_restored: bool,
    is_watched: bool,
    /// Whether the machine has ended; nothing is read and no event is emitted any more.
    is_drained: bool,
    /// Scratch memory.
    frames: Vec<Frame>,
    commands: VecDeque<BrokerCommand>,
    events: Vec<Event>,
}

impl BrokerEndpoint {
    fn new(
        machine: Machine,
        mailbox: Arc<Mailbox<BrokerCommand>>,
        sink: Box<dyn EventSink<Event>>,
        peers: Peers,
        publisher: Option<Publisher>,
        context: Arc<Context>,
        persistence: Persistence,
    ) -> Self {
        Self {
            machine,
            mailbox,
            sink,
            peers,
            publisher,
            shutdown: Shutdown::default(),
            context,
            persistence,
            is_restored: persistence == Persistence::Off,
            is_watched: false,
            is_drained: false,
            frames: Vec::new(),
            commands: VecDeque::new(),
            events: Vec::new(),
        }
    }

    /// Watches all descriptors, the first time.
    fn watch(&mut self, now: Instant, io: &Io<'_>) {
        if std::mem::replace(&mut self.is_watched, true) {
            return;
        }
        let publisher_is_watched =
            self.publisher.as_ref().is_none_or(|publisher| publisher.watch(io, Peers::OWNER_SLOT));
        if !self.peers.watch(io) || !publisher_is_watched {
            self.machine.drain(now, Duration::ZERO);
        }
    }

    /// Carries out the machine's outputs.
    fn carry_out(&mut self, now: Instant, io: &Io<'_>) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Send { peer, .. } if self.peers.has_overflowed(&peer) => {}
                Output::Send { peer, message } => {
                    let encode = |frames: &mut Vec<Frame>| message.encode(frames);
                    match self.peers.send(now, io, &peer, &mut self.frames, encode) {
                        Delivery::Done => {}
                        Delivery::NoPeer => self.machine.handle_unroutable(now, &peer),
                        Delivery::Overflow => self.machine.handle_overflow(now, &peer),
                    }
                }
                Output::Publish(frame) => {
                    if let Some(publisher) = &self.publisher {
                        publisher.publish(frame);
                    }
                }
                // `Drained` is the last event. Events after it report messages that no longer reach a peer.
                Output::Event(event) if !self.is_drained => {
                    self.is_drained = event == Event::Drained;
                    self.events.push(event);
                }
                Output::Event(_) => {}
            }
        }
        self.peers.forget_overflows();
    }

    fn retry_sending(&mut self, now: Instant) {
        for peer in self.peers.retry(now) {
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
                if let Some(listener) = self.peers.listener() {
                    listener.renew_handshakes(now);
                }
                self.machine.restore(now, requests);
            }
            BrokerCommand::Drain(timeout) => self.machine.drain(now, timeout),
        }
    }

    /// Handles a bounded part of the input. Returns whether there may be more.
    fn receive(&mut self, now: Instant, io: &Io<'_>) -> bool {
        if self.persistence == Persistence::On {
            self.machine.handle_backlog(self.sink.is_full());
        }
        let again = self.receive_from_tcp(now, io);
        self.receive_from_router(now, io) | again
    }

    fn receive_from_tcp(&mut self, now: Instant, io: &Io<'_>) -> bool {
        if let Some(listener) = self.peers.listener() {
            listener.begin_turn();
        }
        for _ in 0..BATCH {
            if self.is_drained || !self.is_restored {
                return false;
            }
            let Some(listener) = self.peers.listener() else { return false };
            let Some(peer) = listener.receive(io, &mut self.frames) else { return listener.has_more() };
            let has_read_all = listener.has_read_all();
            self.machine.handle_message(now, &peer, &mut self.frames);
            self.carry_out(now, io);
            if has_read_all {
                self.peers.flush();
            }
        }
        true
    }

    fn receive_from_router(&mut self, now: Instant, io: &Io<'_>) -> bool {
        // While the broker drains, nothing may be read after the message that ends the drain.
        let longest_burst = if self.machine.is_draining() { 1 } else { BURST };
        // A message that arrives alone is answered before the socket is checked again.
        let (mut burst, mut unanswered) = (1, 0);
        for _ in 0..BATCH {
            if self.is_drained || !self.is_restored {
                return false;
            }
            match self.peers.receive_from_router(io, &mut self.frames) {
                Some(peer) => {
                    self.machine.handle_message(now, &peer, &mut self.frames);
                    unanswered += 1;
                }
                None if unanswered == 0 => return false,
                // Sending clears the edge-triggered readiness of a ROUTER, so the last operation on it must find it empty.
                None => burst = unanswered,
            }
            if unanswered >= burst {
                self.carry_out(now, io);
                (burst, unanswered) = (longest_burst, 0);
            }
        }
        self.carry_out(now, io);
        true
    }

    /// Publishes the directory for new subscribers, which would otherwise hear nothing until the next change. Returns whether
    /// there may be more of them.
    fn greet_subscribers(&mut self, now: Instant, io: &Io<'_>) -> bool {
        for _ in 0..BATCH {
            let Some(publisher) = &self.publisher else { return false };
            let Some(subscribes) = publisher.receive(&mut self.frames) else { return false };
            if subscribes {
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
}

impl Endpoint for BrokerEndpoint {
    fn ready(&mut self, slot: usize, readiness: Readiness) {
        self.peers.ready(slot, readiness);
    }

    fn process(&mut self, now: Instant, io: &Io<'_>) -> Progress {
        if self.is_drained {
            return self.shut_down(now, io);
        }
        self.watch(now, io);
        if let Some(listener) = self.peers.listener() {
            listener.accept(now, io);
        }
        if let Some(deadline) = self.machine.next_deadline().filter(|deadline| *deadline <= now) {
            // Input that has arrived was in time, even if this thread is late.
            if let Some(listener) = self.peers.listener().filter(|_| now >= deadline + LATE) {
                listener.look_everywhere();
            }
            (0..OVERDUE_BATCHES).all(|_| self.receive(now, io));
            self.machine.handle_timeout(now);
        }
        self.retry_sending(now);
        let mut again = self.take_commands(now);
        self.carry_out(now, io);
        again |= self.receive(now, io);
        // Last: publishing clears the readiness that reports subscriptions.
        again |= self.greet_subscribers(now, io);
        if self.is_drained {
            return self.shut_down(now, io);
        }
        let is_restored = self.is_restored;
        if let Some(listener) = self.peers.listener().filter(|_| is_restored) {
            listener.expire(now, io);
        }
        self.peers.flush();
        self.deliver();
        if again {
            Progress::Again
        } else {
            Progress::Idle
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.shutdown.deadline().or_else(|| {
            [self.machine.next_deadline(), self.peers.deadline(self.is_restored)].into_iter().flatten().min()
        })
    }

    fn abort(&mut self, io: &Io<'_>) {
        self.abort_shutdown(io);
    }
}
