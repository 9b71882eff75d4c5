//! The simulated owner of a client's or worker's machine: a virtual clock, and a connection that
//! the machine opens, uses and closes. It checks the invariants after every input.

// Each test binary uses a part of it.
#![allow(dead_code)]

pub(crate) mod client;
pub(crate) mod scenario;
pub(crate) mod worker;

use std::fmt::Debug;
use std::time::{Duration, Instant};

use pigato_proto::protocol::{Frame, PeerId};
use pigato_proto::session::PeerOutput;

/// More deadlines than any scenario needs between two of its steps; a machine that exceeds it is in
/// an endless loop.
const MOST_DEADLINES: usize = 20_000;

/// The common interface of the client's and the worker's machine.
pub(crate) trait Machine {
    type Message: Clone + Debug;
    type Event: Clone + Debug;

    fn start(&mut self);
    fn handle_connected(&mut self, now: Instant);
    fn handle_disconnected(&mut self, now: Instant);
    fn handle_connect_failed(&mut self, now: Instant);
    fn handle_message(&mut self, now: Instant, frames: &mut Vec<Frame>);
    fn handle_timeout(&mut self, now: Instant);
    fn handle_not_reading(&mut self, now: Instant);
    fn next_deadline(&self) -> Option<Instant>;
    fn poll_output(&mut self) -> Option<OutputOf<Self>>;
    fn encode(message: Self::Message, frames: &mut Vec<Frame>);
    fn connection_event(event: &Self::Event) -> Option<ConnectionEvent>;
}

pub(crate) type OutputOf<M> = PeerOutput<<M as Machine>::Message, <M as Machine>::Event>;

/// The events of a machine's connection and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionEvent {
    Connected,
    Disconnected,
    Stopped,
}

macro_rules! machine {
    ($module:ident, $message:ident) => {
        impl Machine for pigato_proto::$module::Machine {
            type Message = pigato_proto::protocol::$message;
            type Event = pigato_proto::$module::Event;

            fn start(&mut self) {
                self.start();
            }
            fn handle_connected(&mut self, now: Instant) {
                self.handle_connected(now);
            }
            fn handle_disconnected(&mut self, now: Instant) {
                self.handle_disconnected(now);
            }
            fn handle_connect_failed(&mut self, now: Instant) {
                self.handle_connect_failed(now);
            }
            fn handle_message(&mut self, now: Instant, frames: &mut Vec<Frame>) {
                self.handle_message(now, frames);
            }
            fn handle_timeout(&mut self, now: Instant) {
                self.handle_timeout(now);
            }
            fn handle_not_reading(&mut self, now: Instant) {
                self.handle_not_reading(now);
            }
            fn next_deadline(&self) -> Option<Instant> {
                self.next_deadline()
            }
            fn poll_output(&mut self) -> Option<OutputOf<Self>> {
                self.poll_output()
            }
            fn encode(message: Self::Message, frames: &mut Vec<Frame>) {
                message.encode(frames);
            }
            fn connection_event(event: &Self::Event) -> Option<ConnectionEvent> {
                match event {
                    Self::Event::Connected => Some(ConnectionEvent::Connected),
                    Self::Event::Disconnected => Some(ConnectionEvent::Disconnected),
                    Self::Event::Stopped => Some(ConnectionEvent::Stopped),
                    _ => None,
                }
            }
        }
    };
}

machine!(client, ClientToBroker);
machine!(worker, WorkerToBroker);

/// Tracks the state of all requests, and so whether an output is allowed.
pub(crate) trait Ledger {
    type Machine: Machine;

    /// Called before the machine handles a message from the broker.
    fn hear(&mut self, frames: &[Frame]);
    fn note(&mut self, output: &OutputOf<Self::Machine>);
    /// Compares the ledger with the machine, after all outputs were noted.
    fn check(&self, machine: &Self::Machine, is_up: bool);
    /// The maximum number of outputs of one input.
    fn most_outputs(&self) -> usize;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connection {
    Closed,
    Opening,
    Up,
}

/// A machine, its clock and its connection.
pub(crate) struct Owner<L: Ledger> {
    pub(crate) machine: L::Machine,
    pub(crate) ledger: L,
    pub(crate) now: Instant,
    /// The identities of all connections so far.
    pub(crate) identities: Vec<PeerId>,
    start: Instant,
    connection: Connection,
    is_connected: bool,
    is_stopped: bool,
}

impl<L: Ledger> Owner<L> {
    pub(crate) fn new(machine: L::Machine, ledger: L) -> Self {
        // Only an origin for the virtual clock: no test waits for the real one.
        #[allow(clippy::disallowed_methods)]
        let start = Instant::now();
        Self {
            machine,
            ledger,
            now: start,
            identities: Vec::new(),
            start,
            connection: Connection::Closed,
            is_connected: false,
            is_stopped: true,
        }
    }

    /// Virtual time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.machine.next_deadline().map(|deadline| deadline - self.start)
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    pub(crate) fn start(&mut self) -> Vec<OutputOf<L::Machine>> {
        self.is_stopped = false;
        self.input(|machine, _| machine.start())
    }

    /// The requested connection is established.
    pub(crate) fn connected(&mut self) -> Vec<OutputOf<L::Machine>> {
        if self.connection == Connection::Opening {
            self.connection = Connection::Up;
        }
        self.input(Machine::handle_connected)
    }

    /// The connection is lost.
    pub(crate) fn lost(&mut self) -> Vec<OutputOf<L::Machine>> {
        self.input(Machine::handle_disconnected)
    }

    /// The requested connection cannot be established.
    pub(crate) fn connect_failed(&mut self) -> Vec<OutputOf<L::Machine>> {
        if self.connection == Connection::Opening {
            self.connection = Connection::Closed;
        }
        self.input(Machine::handle_connect_failed)
    }

    pub(crate) fn receive(&mut self, mut frames: Vec<Frame>) -> Vec<OutputOf<L::Machine>> {
        self.ledger.hear(&frames);
        self.input(|machine, now| {
            machine.handle_message(now, &mut frames);
            assert!(frames.is_empty(), "the machine takes all frames");
        })
    }

    pub(crate) fn handle_timeout(&mut self) -> Vec<OutputOf<L::Machine>> {
        self.input(|machine, now| {
            machine.handle_timeout(now);
            let next = machine.next_deadline();
            assert!(next.is_none_or(|next| next > now), "a handled deadline is still due");
        })
    }

    /// Advances the time. Handles every deadline exactly when it is due; `answer` returns the
    /// broker's answer to a message that the machine sends then.
    pub(crate) fn advance(
        &mut self,
        duration: Duration,
        answer: impl Fn(&<L::Machine as Machine>::Message) -> Option<Vec<Frame>>,
    ) -> Vec<OutputOf<L::Machine>> {
        let until = self.now + duration;
        let mut all = Vec::new();
        for _ in 0..MOST_DEADLINES {
            let Some(deadline) = self.machine.next_deadline().filter(|deadline| *deadline <= until) else {
                self.now = until;
                return all;
            };
            self.now = self.now.max(deadline);
            for output in self.handle_timeout() {
                let answer = match &output {
                    PeerOutput::Send(message) => answer(message),
                    _ => None,
                };
                all.push(output);
                all.extend(answer.into_iter().flat_map(|frames| self.receive(frames)));
            }
        }
        panic!("the machine did not become idle within {MOST_DEADLINES} deadlines");
    }

    /// Passes an input to the machine and returns its outputs.
    pub(crate) fn input(&mut self, input: impl FnOnce(&mut L::Machine, Instant)) -> Vec<OutputOf<L::Machine>> {
        let most = self.ledger.most_outputs();
        input(&mut self.machine, self.now);
        let outputs: Vec<_> = std::iter::from_fn(|| self.machine.poll_output()).take(most + 1).collect();
        assert!(outputs.len() <= most, "more outputs than one input can cause");
        for output in &outputs {
            self.check(output);
            self.ledger.note(output);
        }
        self.ledger.check(&self.machine, self.connection == Connection::Up);
        outputs
    }

    fn check(&mut self, output: &OutputOf<L::Machine>) {
        match output {
            PeerOutput::Connect(identity) => {
                assert!(!self.is_stopped, "a connection after the stop");
                assert_eq!(self.connection, Connection::Closed, "two connections at once");
                assert!(!self.identities.contains(identity), "an identity was reused");
                self.identities.push(identity.clone());
                self.connection = Connection::Opening;
            }
            PeerOutput::Send(message) => assert_eq!(self.connection, Connection::Up, "no connection for {message:?}"),
            PeerOutput::Disconnect => {
                assert_ne!(self.connection, Connection::Closed, "no connection to close");
                self.connection = Connection::Closed;
            }
            PeerOutput::Event(event) => match L::Machine::connection_event(event) {
                Some(ConnectionEvent::Connected) => {
                    assert!(!std::mem::replace(&mut self.is_connected, true), "connected twice");
                    assert_eq!(self.connection, Connection::Up);
                }
                Some(ConnectionEvent::Disconnected) => {
                    assert!(std::mem::replace(&mut self.is_connected, false), "disconnected without a connection");
                }
                Some(ConnectionEvent::Stopped) => {
                    assert!(!std::mem::replace(&mut self.is_stopped, true), "stopped twice");
                    assert!(!self.is_connected, "stopped while connected");
                    assert_eq!(self.connection, Connection::Closed, "stopped with a connection");
                    assert_eq!(self.machine.next_deadline(), None, "deadlines after the end");
                }
                None => {}
            },
        }
    }
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Frames from text, separated by `|`.
pub(crate) fn frames(text: &str) -> Vec<Frame> {
    text.split('|').map(Frame::from).collect()
}

/// Frames as text, separated by `|`; frames that are not UTF-8 as `0x…`.
pub(crate) fn text<'a>(frames: impl IntoIterator<Item = &'a Frame>) -> String {
    let frame_text = |frame: &'a Frame| match std::str::from_utf8(frame) {
        Ok(text) => text.to_owned(),
        Err(_) => frame.iter().fold(String::from("0x"), |text, byte| format!("{text}{byte:02x}")),
    };
    frames.into_iter().map(frame_text).collect::<Vec<_>>().join("|")
}
