//! The record of a run: a hash that distinguishes runs, and the last events for the report of a
//! failure.

use std::collections::hash_map::DefaultHasher;
use std::collections::VecDeque;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use pigato_proto::protocol::Frame;

/// Number of events kept for the report of a failure.
const KEPT: usize = 60;

/// One event.
#[derive(Debug, Clone, Hash)]
pub(crate) enum Event {
    /// A peer's message arrives at its broker.
    ToBroker { peer: usize, connection: u64, frames: Vec<Frame> },
    /// A broker's message arrives at a peer.
    ToPeer { peer: usize, connection: u64, frames: Vec<Frame> },
    /// A peer is notified about its connection.
    Connection { peer: usize, connection: u64, what: &'static str },
    /// A broker could not send to an identity.
    Undeliverable { broker: usize, overflow: bool, identity: Frame },
    /// A peer handles its deadlines.
    PeerTime { peer: usize },
    /// A broker handles its deadlines.
    BrokerTime { broker: usize },
    /// An action of the world: a fault, a start, a change of phase.
    World(String),
    /// The outcome of a request at its client.
    Outcome { request: u64, text: String },
}

#[derive(Debug)]
pub(crate) struct Trace {
    hasher: DefaultHasher,
    last: VecDeque<(Duration, Event)>,
    steps: u64,
    is_verbose: bool,
}

impl Trace {
    pub(crate) fn new(is_verbose: bool) -> Self {
        Self { hasher: DefaultHasher::new(), last: VecDeque::with_capacity(KEPT + 1), steps: 0, is_verbose }
    }

    pub(crate) fn push(&mut self, at: Duration, event: Event) {
        self.steps += 1;
        (at, &event).hash(&mut self.hasher);
        if self.is_verbose {
            println!("{}", line(at, &event));
        }
        self.last.push_back((at, event));
        if self.last.len() > KEPT {
            self.last.pop_front();
        }
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hasher.finish()
    }

    pub(crate) fn last_lines(&self) -> Vec<String> {
        self.last.iter().map(|(at, event)| line(*at, event)).collect()
    }
}

fn line(at: Duration, event: &Event) -> String {
    format!("{:>14.6} {event}", at.as_secs_f64())
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ToBroker { peer, connection, frames } => {
                write!(f, "peer {peer} > broker  (#{connection}) {}", Frames(frames))
            }
            Self::ToPeer { peer, connection, frames } => {
                write!(f, "peer {peer} < broker  (#{connection}) {}", Frames(frames))
            }
            Self::Connection { peer, connection, what } => write!(f, "peer {peer} connection #{connection} {what}"),
            Self::Undeliverable { broker, overflow, identity } => {
                write!(f, "broker {broker} cannot send to {identity:?}{}", if *overflow { ": overflow" } else { "" })
            }
            Self::PeerTime { peer } => write!(f, "peer {peer} time"),
            Self::BrokerTime { broker } => write!(f, "broker {broker} time"),
            Self::World(text) => write!(f, "=== {text}"),
            Self::Outcome { request, text } => write!(f, "--- request {request} ends: {text}"),
        }
    }
}

/// Frames as one line, separated as in the protocol document.
struct Frames<'a>(&'a [Frame]);

impl fmt::Display for Frames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, frame) in self.0.iter().enumerate() {
            let separator = if position > 0 { "|" } else { "" };
            match std::str::from_utf8(frame) {
                Ok(text) if !text.chars().any(char::is_control) => {
                    let shown: String = text.chars().take(60).collect();
                    write!(f, "{separator}{shown}{}", if shown.len() < text.len() { "…" } else { "" })?;
                }
                _ => write!(f, "{separator}<{} bytes>", frame.len())?,
            }
        }
        Ok(())
    }
}
