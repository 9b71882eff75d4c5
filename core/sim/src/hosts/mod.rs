//! The programs in the simulated world. Each drives a state machine (or speaks the protocol
//! itself), plays its user and has one connection to a broker.

mod client;
mod hostile;
mod jobs;
mod load;
mod raw_client;
mod raw_worker;
mod worker;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pigato_proto::protocol::{Frame, PeerId};

use crate::mutation::Mutation;
use crate::oracle::ledger::Ledger;
use crate::random::Random;
use crate::scenario::{PeerPlan, Role, Scenario};

/// The phase of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Load and faults.
    Faults,
    /// No more faults and no new load; open requests finish.
    Healing,
    /// New requests, all of which must succeed.
    Probing,
    /// All peers stop.
    Stopping,
}

/// An input to a host.
#[derive(Debug)]
pub(crate) enum Input {
    /// Start.
    Start,
    /// The requested connection is established.
    Up,
    /// The connection is lost.
    Down,
    /// A message from the broker.
    Message(Vec<Frame>),
    /// A deadline has passed.
    Time,
    /// The phase has changed.
    Phase,
    /// Stop, after finishing current work if `gracefully` and possible.
    Stop { gracefully: bool },
}

/// What a host asks the world to do.
#[derive(Debug)]
pub(crate) enum Action {
    Connect(PeerId),
    Send(Vec<Frame>),
    Disconnect,
    /// The host has stopped and does nothing more.
    Stopped,
}

/// What a host can access while it handles an input.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    pub(crate) phase: Phase,
    /// The host's number.
    pub(crate) peer: usize,
    /// The number of the host's connection.
    pub(crate) connection: u64,
    /// When the host last resumed after a pause.
    pub(crate) stalled_until: Instant,
    pub(crate) random: &'a mut Random,
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) scenario: &'a Scenario,
    /// The broker's request limit is higher than the number of requests in the run.
    pub(crate) broker_has_room: bool,
    /// The workers of its broker: service name and current identity.
    pub(crate) neighbours: &'a [(&'static str, Option<PeerId>)],
    pub(crate) actions: &'a mut Vec<Action>,
    pub(crate) outcomes: &'a mut Vec<(u64, String)>,
}

pub(crate) trait Host {
    fn handle(&mut self, input: Input, context: &mut Context<'_>);
    fn next_deadline(&self) -> Option<Instant>;
    /// Whether the host itself detects that its connection is dead.
    fn has_liveness(&self) -> bool;
    /// Number of requests that its machine still holds.
    fn unfinished(&self) -> usize;
}

/// Creates a host that is not yet started.
pub(crate) fn make(plan: &PeerPlan, random: &mut Random, mutation: Option<Mutation>) -> Box<dyn Host> {
    match &plan.role {
        Role::Client { max_requests } => {
            Box::new(client::ClientHost::new(plan, *max_requests, random.entropy(), mutation))
        }
        Role::Worker { service, concurrency } => {
            Box::new(worker::WorkerHost::new(plan, service, *concurrency, random.entropy()))
        }
        Role::RawClient(style) => Box::new(raw_client::RawClient::new(plan, *style, random.entropy())),
        Role::RawWorker { service, concurrency, style } => {
            Box::new(raw_worker::RawWorker::new(plan, service, *concurrency, *style, random.entropy()))
        }
        Role::Hostile => Box::new(hostile::Hostile::new(random.entropy())),
    }
}

/// Tasks in order of their time.
#[derive(Debug)]
pub(crate) struct Tasks<T> {
    queue: BTreeMap<(Instant, u64), T>,
    next: u64,
}

impl<T> Default for Tasks<T> {
    fn default() -> Self {
        Self { queue: BTreeMap::new(), next: 0 }
    }
}

impl<T> Tasks<T> {
    pub(crate) fn at(&mut self, time: Instant, task: T) {
        self.queue.insert((time, self.next), task);
        self.next += 1;
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|((time, _), _)| *time)
    }

    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<T> {
        if self.next()? > now {
            return None;
        }
        self.queue.pop_first().map(|(_, task)| task)
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
    }
}

pub(crate) fn earliest(times: impl IntoIterator<Item = Option<Instant>>) -> Option<Instant> {
    times.into_iter().flatten().min()
}

/// The session of a published or foreign peer: heartbeats, the liveness timeout and reconnecting,
/// as the published packages implement them.
#[derive(Debug)]
pub(crate) struct RawSession {
    heartbeat: Duration,
    liveness: u32,
    reconnect: Duration,
    /// Whether the peer sends heartbeats and applies the liveness timeout.
    sends_heartbeats: bool,
    state: RawState,
}

#[derive(Debug, Clone, Copy)]
enum RawState {
    Stopped,
    Waiting(Instant),
    Connecting,
    Up { last_heard: Instant, next_heartbeat: Instant },
}

/// What is due on a raw session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RawDue {
    Connect,
    Heartbeat,
    Dead,
}

impl RawSession {
    pub(crate) fn new(plan: &PeerPlan, sends_heartbeats: bool) -> Self {
        let PeerPlan { heartbeat, liveness, reconnect, .. } = *plan;
        Self { heartbeat, liveness, reconnect, sends_heartbeats, state: RawState::Stopped }
    }

    pub(crate) fn heartbeat(&self) -> Duration {
        self.heartbeat
    }

    pub(crate) fn connecting(&mut self) {
        self.state = RawState::Connecting;
    }

    pub(crate) fn stop(&mut self) {
        self.state = RawState::Stopped;
    }

    pub(crate) fn up(&mut self, now: Instant) {
        self.state = RawState::Up { last_heard: now, next_heartbeat: now };
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, RawState::Up { .. })
    }

    pub(crate) fn note_message(&mut self, now: Instant) {
        if let RawState::Up { last_heard, .. } = &mut self.state {
            *last_heard = now;
        }
    }

    /// The connection is lost; the peer reconnects after a pause.
    pub(crate) fn lost(&mut self, now: Instant) {
        self.state = RawState::Waiting(now + self.reconnect);
    }

    fn dead_at(&self, last_heard: Instant) -> Instant {
        // The broker's interval may be longer than ours, and published peers do not know it.
        last_heard + self.heartbeat.max(Duration::from_millis(2_500)) * self.liveness
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state {
            RawState::Stopped | RawState::Connecting => None,
            RawState::Waiting(until) => Some(until),
            RawState::Up { last_heard, next_heartbeat } => {
                self.sends_heartbeats.then(|| next_heartbeat.min(self.dead_at(last_heard)))
            }
        }
    }

    pub(crate) fn due(&mut self, now: Instant) -> Option<RawDue> {
        let sends_heartbeats = self.sends_heartbeats;
        match self.state {
            RawState::Waiting(until) if until <= now => Some(RawDue::Connect),
            RawState::Up { last_heard, .. } if sends_heartbeats && self.dead_at(last_heard) <= now => {
                Some(RawDue::Dead)
            }
            RawState::Up { ref mut next_heartbeat, .. } if sends_heartbeats && *next_heartbeat <= now => {
                *next_heartbeat = now + self.heartbeat;
                Some(RawDue::Heartbeat)
            }
            _ => None,
        }
    }
}
