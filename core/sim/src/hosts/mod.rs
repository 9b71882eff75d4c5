//! The programs that live in the world: each owns a machine (or speaks by itself), plays its user and has one
//! connection to a broker.

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

/// What the world is about now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Load and faults.
    Faults,
    /// No more faults and no new load; what is there finishes.
    Healing,
    /// New requests, all of which must succeed.
    Probing,
    /// Everybody stops.
    Stopping,
}

/// What a host is given.
#[derive(Debug)]
pub(crate) enum Input {
    /// Begin.
    Start,
    /// The connection that was asked for is up.
    Up,
    /// The connection is gone.
    Down,
    /// A message from the broker.
    Message(Vec<Frame>),
    /// Time has passed.
    Time,
    /// The phase has changed.
    Phase,
    /// Stop, finishing what is there first if that can be done.
    Stop { gracefully: bool },
}

/// What a host wants done.
#[derive(Debug)]
pub(crate) enum Action {
    Connect(PeerId),
    Send(Vec<Frame>),
    Disconnect,
    /// It has stopped and will do nothing more.
    Stopped,
}

/// What a host sees of the world while it deals with an input.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    pub(crate) phase: Phase,
    /// Its number.
    pub(crate) peer: usize,
    /// Its connection's number.
    pub(crate) connection: u64,
    /// When it last got time again after having had none.
    pub(crate) stalled_until: Instant,
    pub(crate) random: &'a mut Random,
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) scenario: &'a Scenario,
    /// Its broker takes as many requests as come.
    pub(crate) is_roomy: bool,
    /// Workers at its broker: what they offer, and who they are at present.
    pub(crate) neighbours: &'a [(&'static str, Option<PeerId>)],
    pub(crate) actions: &'a mut Vec<Action>,
    pub(crate) outcomes: &'a mut Vec<(u64, String)>,
}

pub(crate) trait Host {
    fn handle(&mut self, input: Input, context: &mut Context<'_>);
    fn next_deadline(&self) -> Option<Instant>;
    /// Whether it finds out by itself that its connection is dead.
    fn has_liveness(&self) -> bool;
    /// What its machine still holds.
    fn unfinished(&self) -> usize;
}

/// Makes a host that is not started.
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

/// Things to do later, in order of their time.
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

/// The connection of a peer that is not ours: heartbeats, the broker's silence and reconnecting, as the published
/// packages do it.
#[derive(Debug)]
pub(crate) struct RawLink {
    heartbeat: Duration,
    liveness: u32,
    reconnect: Duration,
    /// Whether it sends heartbeats and notices the broker's silence.
    has_pulse: bool,
    state: RawState,
}

#[derive(Debug, Clone, Copy)]
enum RawState {
    Stopped,
    Waiting(Instant),
    Connecting,
    Up { last_heard: Instant, next_heartbeat: Instant },
}

/// What a raw connection wants done because of the time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RawDue {
    Connect,
    Heartbeat,
    Dead,
}

impl RawLink {
    pub(crate) fn new(plan: &PeerPlan, has_pulse: bool) -> Self {
        let PeerPlan { heartbeat, liveness, reconnect, .. } = *plan;
        Self { heartbeat, liveness, reconnect, has_pulse, state: RawState::Stopped }
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

    pub(crate) fn heard(&mut self, now: Instant) {
        if let RawState::Up { last_heard, .. } = &mut self.state {
            *last_heard = now;
        }
    }

    /// The connection is gone; another follows after a pause.
    pub(crate) fn lost(&mut self, now: Instant) {
        self.state = RawState::Waiting(now + self.reconnect);
    }

    fn dead_at(&self, last_heard: Instant) -> Instant {
        // The broker's interval may be longer than ours, and the published peers do not know it.
        last_heard + self.heartbeat.max(Duration::from_millis(2_500)) * self.liveness
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state {
            RawState::Stopped | RawState::Connecting => None,
            RawState::Waiting(until) => Some(until),
            RawState::Up { last_heard, next_heartbeat } => {
                self.has_pulse.then(|| next_heartbeat.min(self.dead_at(last_heard)))
            }
        }
    }

    pub(crate) fn due(&mut self, now: Instant) -> Option<RawDue> {
        let has_pulse = self.has_pulse;
        match self.state {
            RawState::Waiting(until) if until <= now => Some(RawDue::Connect),
            RawState::Up { last_heard, .. } if has_pulse && self.dead_at(last_heard) <= now => Some(RawDue::Dead),
            RawState::Up { ref mut next_heartbeat, .. } if has_pulse && *next_heartbeat <= now => {
                *next_heartbeat = now + self.heartbeat;
                Some(RawDue::Heartbeat)
            }
            _ => None,
        }
    }
}
