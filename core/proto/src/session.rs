//! The session of a client or worker: the state of its connection to the broker, its heartbeats, its end and the pause before
//! the next one.
//!
//! ```text
//!              open                 connected             lost (silence, broken connection)
//!  Stopped ──────────► Connecting ────────────► Up ─────────────────────────────► Waiting
//!     ▲                    ▲                                                         │
//!     └─ stop (any state)  └───────────────────── open, when the pause is over ──────┘
//! ```
//!
//! Each session has an identity of its own, so that the broker never mistakes a new session for the former one.

use std::time::{Duration, Instant};

use crate::config::liveness_timeout;
use crate::entropy::Entropy;
use crate::limits;
use crate::protocol::PeerId;

/// An output of a client's or worker's machine, for its caller to carry out.
#[derive(Debug, Clone, PartialEq)]
pub enum PeerOutput<Message, Event> {
    /// Open a connection with this identity. Call `handle_connected` when it is up.
    Connect(PeerId),
    /// Send a message on the connection.
    Send(Message),
    /// Close the connection after everything sent has left.
    Disconnect,
    /// Pass an event to the user.
    Event(Event),
}

/// Settings of a session.
#[derive(Debug, Clone)]
pub(crate) struct SessionSettings {
    /// First part of each identity.
    pub(crate) prefix: String,
    /// Time between two heartbeats.
    pub(crate) heartbeat: Duration,
    /// Heartbeats that the broker may miss.
    pub(crate) liveness: u32,
    /// First pause after a lost session.
    pub(crate) reconnect: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Stopped,
    /// The pause before the next connection.
    Waiting {
        until: Instant,
    },
    /// The machine has asked for a connection, which is not up yet.
    Connecting,
    Up {
        since: Instant,
        last_heard: Instant,
        next_heartbeat: Instant,
        /// Whether the broker has sent anything in this session.
        confirmed: bool,
    },
}

/// What is due because time has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Open a connection.
    Connect,
    /// Send a heartbeat.
    Heartbeat,
    /// The broker was silent for the liveness timeout.
    Dead,
}

#[derive(Debug)]
pub(crate) struct Session {
    settings: SessionSettings,
    state: State,
    /// The interval that the broker has announced; zero before.
    brokers_heartbeat: Duration,
    /// Connections begun so far.
    opened: u64,
    /// Sessions in a row that were lost without having lasted.
    failures: u32,
}

/// The state of a session when it was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stopped {
    /// Whether there was a connection, up or not.
    pub(crate) was_open: bool,
    /// Whether the broker had sent anything on it.
    pub(crate) was_confirmed: bool,
}

/// Shortest pause before the next session, whatever the settings say.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

impl Session {
    /// Clamps intervals and pauses to their bounds.
    pub(crate) fn new(mut settings: SessionSettings) -> Self {
        settings.heartbeat = settings.heartbeat.clamp(limits::HEARTBEAT.0, limits::HEARTBEAT.1);
        settings.reconnect = settings.reconnect.clamp(SHORTEST_PAUSE, limits::DURATION);
        Self { settings, state: State::Stopped, brokers_heartbeat: Duration::ZERO, opened: 0, failures: 0 }
    }

    /// Time between two heartbeats.
    pub(crate) fn heartbeat(&self) -> Duration {
        self.settings.heartbeat
    }

    /// Begins a session and returns its identity.
    pub(crate) fn open(&mut self, entropy: &mut Entropy) -> PeerId {
        self.state = State::Connecting;
        self.opened += 1;
        self.brokers_heartbeat = Duration::ZERO;
        PeerId::make(&self.settings.prefix, entropy.uuid())
    }

    pub(crate) fn stop(&mut self) -> Stopped {
        self.failures = 0;
        match std::mem::replace(&mut self.state, State::Stopped) {
            State::Stopped | State::Waiting { .. } => Stopped { was_open: false, was_confirmed: false },
            State::Connecting => Stopped { was_open: true, was_confirmed: false },
            State::Up { confirmed, .. } => Stopped { was_open: true, was_confirmed: confirmed },
        }
    }

    /// The number of the current session, counted from 1.
    pub(crate) fn opened(&self) -> u64 {
        self.opened
    }

    pub(crate) fn is_started(&self) -> bool {
        self.state != State::Stopped
    }

    pub(crate) fn is_connecting(&self) -> bool {
        self.state == State::Connecting
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    /// The transport is up. Returns whether it was not up before.
    pub(crate) fn connected(&mut self, now: Instant) -> bool {
        if self.state != State::Connecting {
            return false;
        }
        let next_heartbeat = now + self.settings.heartbeat;
        self.state = State::Up { since: now, last_heard: now, next_heartbeat, confirmed: false };
        true
    }

    /// The broker sent something. Returns whether that is the first message of this session.
    pub(crate) fn heard(&mut self, now: Instant) -> bool {
        match &mut self.state {
            State::Up { last_heard, confirmed, .. } => {
                *last_heard = now;
                !std::mem::replace(confirmed, true)
            }
            _ => false,
        }
    }

    /// The peer does not read at present, so the broker's silence means nothing.
    pub(crate) fn not_listening(&mut self, now: Instant) {
        if let State::Up { last_heard, .. } = &mut self.state {
            *last_heard = now;
        }
    }

    pub(crate) fn announced(&mut self, heartbeat: Duration) {
        self.brokers_heartbeat = heartbeat;
    }

    /// The session has ended. The next one follows at once if this one lasted for `reconnect` at least, otherwise after a
    /// pause that doubles each time. Returns whether the broker had sent anything.
    pub(crate) fn lost(&mut self, now: Instant, entropy: &mut Entropy) -> bool {
        let (lasted, confirmed) = match self.state {
            State::Up { since, confirmed, .. } => {
                (confirmed && now.saturating_duration_since(since) >= self.settings.reconnect, confirmed)
            }
            _ => (false, false),
        };
        self.failures = if lasted { 0 } else { self.failures.saturating_add(1) };
        self.state = State::Waiting { until: now + self.pause(entropy) };
        confirmed
    }

    /// `reconnect`, doubled with each failure up to 30 s, less a jitter of up to a quarter so that peers do not reconnect in
    /// lockstep.
    fn pause(&self, entropy: &mut Entropy) -> Duration {
        let Some(doublings) = self.failures.checked_sub(1) else { return Duration::ZERO };
        let limit = limits::RECONNECT.max(self.settings.reconnect);
        let full = self.settings.reconnect.saturating_mul(1 << doublings.min(16)).min(limit);
        full - full.mul_f64(entropy.below(256) as f64 / 1_024.0)
    }

    fn dead_at(&self, last_heard: Instant) -> Instant {
        let interval = self.settings.heartbeat.max(self.brokers_heartbeat);
        last_heard + liveness_timeout(interval, self.settings.liveness)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Stopped | State::Connecting => None,
            State::Waiting { until } => Some(until),
            State::Up { last_heard, next_heartbeat, .. } => Some(self.dead_at(last_heard).min(next_heartbeat)),
        }
    }

    /// The next thing that is due; call it until it returns `None`.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Due> {
        match self.state {
            State::Waiting { until } if until <= now => Some(Due::Connect),
            State::Up { last_heard, .. } if self.dead_at(last_heard) <= now => Some(Due::Dead),
            State::Up { ref mut next_heartbeat, .. } if *next_heartbeat <= now => {
                *next_heartbeat = now + self.settings.heartbeat;
                Some(Due::Heartbeat)
            }
            _ => None,
        }
    }
}
