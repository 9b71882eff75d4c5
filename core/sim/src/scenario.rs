//! What a seed chooses before the run: the peers, their options, and how bad the network is.

use std::time::Duration;

use pigato_proto::config::DispatchMode;

use crate::random::Random;

/// Service names that workers may offer.
const OFFERED_NAMES: &[&str] =
    &["echo", "echo.fast", "ech*", "e*", "file*", "math@1.2.0", "math@1.4.2", "math@2.0.0", "$core"];

/// Service names that clients may request; some are never offered.
pub(crate) const REQUESTED_NAMES: &[&str] = &[
    "echo",
    "echo",
    "echo",
    "echo.fast",
    "echo.slow",
    "east",
    "file.read",
    "file",
    "math@^1.2.0",
    "math@1.x",
    "math@*",
    "math@>=1.3.0",
    "math@2.0.0",
    "math@1.2.0",
    "$core",
    "nobody",
    "nobody@1.x",
];

/// The parameters of one run.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub(crate) brokers: Vec<BrokerPlan>,
    pub(crate) peers: Vec<PeerPlan>,
    /// How long load and faults last.
    pub(crate) duration: Duration,
    /// This run has no faults, so that stricter rules apply.
    pub(crate) is_calm: bool,
    /// Mean time between 2 faults, in milliseconds.
    pub(crate) fault_interval: u64,
    pub(crate) faults: Vec<FaultKind>,
    /// Shortest and longest latency of a message, in microseconds.
    pub(crate) latency: (u64, u64),
    /// Number of messages that may wait for a peer before the broker gives it up, and how many of
    /// them the transport keeps.
    pub(crate) send_queue: (usize, usize),
    /// Mean time between 2 requests of a client, in milliseconds.
    pub(crate) request_interval: u64,
    /// Minimum number of requests that each client makes.
    pub(crate) requests: u64,
    /// Longest time that a worker takes for one step, in milliseconds.
    pub(crate) work: u64,
    /// Chances in percent, for each request.
    pub(crate) retry: u32,
    pub(crate) cancel: u32,
    pub(crate) targeted: u32,
    pub(crate) fail_fast: u32,
    pub(crate) reject: u32,
    pub(crate) stuck: u32,
    pub(crate) most_partials: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct BrokerPlan {
    pub(crate) heartbeat: Duration,
    pub(crate) liveness: u32,
    pub(crate) dispatch_mode: DispatchMode,
    /// Maximum number of requests that it holds.
    pub(crate) max_requests: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct PeerPlan {
    pub(crate) broker: usize,
    pub(crate) role: Role,
    pub(crate) heartbeat: Duration,
    pub(crate) liveness: u32,
    pub(crate) reconnect: Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Role {
    Client { max_requests: usize },
    Worker { service: &'static str, concurrency: i64 },
    RawClient(RawClientStyle),
    RawWorker { service: &'static str, concurrency: i64, style: RawWorkerStyle },
    Hostile,
}

/// The protocol of a client that is not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RawClientStyle {
    /// The published npm package: heartbeats; always sends options.
    JavaScript,
    /// The published gem: no heartbeats, options `{}`.
    Ruby,
    /// The published Go package: no heartbeats, an empty options frame.
    Go,
    /// A foreign version 1 client: little credit, cancels.
    Credit,
}

/// The protocol of a worker that is not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RawWorkerStyle {
    /// The options of replies are the literal `undefined`.
    JavaScript,
    /// No options frame.
    Ruby,
    /// Sometimes replies twice or to nothing.
    Broken,
}

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// A connection breaks; both sides, one or none of them notice.
    CutConnection,
    /// Some peers cannot reach their broker for a while; no message is lost.
    Partition,
    /// A client or worker is killed and started again.
    CrashPeer,
    /// A broker is killed and started again with another name.
    CrashBroker,
    /// A client or worker is stopped or drained, and started again.
    StopPeer,
    /// A broker is drained and started again.
    DrainBroker,
    /// A peer or broker handles neither input nor deadlines for a while.
    Pause,
    /// Everybody's clock jumps forward.
    ClockJump,
}

const FAULTS: &[FaultKind] = &[
    FaultKind::CutConnection,
    FaultKind::Partition,
    FaultKind::CrashPeer,
    FaultKind::CrashBroker,
    FaultKind::StopPeer,
    FaultKind::DrainBroker,
    FaultKind::Pause,
    FaultKind::ClockJump,
];

impl Scenario {
    pub(crate) fn choose(random: &mut Random) -> Self {
        let is_calm = random.percent(10);
        // Without faults no heartbeat may be late and no burst may exceed a limit.
        let slowest = if is_calm { 5_000 } else { *random.pick(&[1_000, 5_000, 50_000, 300_000]) };
        let heartbeats = heartbeats(slowest);
        let brokers: Vec<BrokerPlan> =
            (0..if random.percent(80) { 1 } else { 2 }).map(|_| BrokerPlan::choose(random, heartbeats)).collect();
        let peers = brokers.iter().enumerate();
        let choose = |(number, broker)| choose_peers(random, number, broker, is_calm, heartbeats);
        let peers = peers.flat_map(choose).collect();
        let faults = FAULTS.iter().copied().filter(|_| random.percent(60)).collect();
        let kept = if is_calm { 100_000 } else { random.number(4..=40) as usize };
        Self {
            brokers,
            peers,
            duration: Duration::from_millis(random.number(1_000..=12_000)),
            is_calm,
            fault_interval: *random.pick(&[100, 400, 1_000, 3_000]),
            faults,
            latency: (50, slowest),
            send_queue: (kept + random.number(3..=80) as usize, kept),
            request_interval: *random.pick(&[20, 60, 200, 600]),
            requests: if random.percent(5) { 500 } else { random.number(5..=60) },
            work: *random.pick(&[1, 5, 20, 100, 1_500]),
            retry: *random.pick(&[0, 50, 100]),
            cancel: *random.pick(&[0, 5, 30]),
            targeted: *random.pick(&[0, 5, 30]),
            fail_fast: *random.pick(&[0, 5, 40]),
            reject: *random.pick(&[0, 5, 40]),
            stuck: if is_calm { 0 } else { *random.pick(&[0, 2, 10]) },
            most_partials: *random.pick(&[0, 3, 12]),
        }
    }

    /// Whether a worker of one of the offered names may answer a request for this name.
    pub(crate) fn is_served(offers: &[&str], ask: &str) -> bool {
        !crate::oracle::matching::serving(offers.iter().copied(), ask).is_empty()
    }
}

impl BrokerPlan {
    fn choose(random: &mut Random, heartbeats: &[u64]) -> Self {
        Self {
            heartbeat: Duration::from_millis(*random.pick(heartbeats)),
            liveness: random.number(2..=4) as u32,
            dispatch_mode: if random.percent(70) { DispatchMode::Load } else { DispatchMode::Random },
            max_requests: if random.percent(15) { random.number(5..=40) as usize } else { 1_000_000 },
        }
    }
}

/// Heartbeat intervals in milliseconds that are long enough for a heartbeat and its answer at this
/// latency in microseconds.
fn heartbeats(slowest: u64) -> &'static [u64] {
    let all = &[200, 500, 1_000, 2_500];
    if slowest > 100_000 {
        &all[2..]
    } else {
        all
    }
}

fn choose_peers(
    random: &mut Random,
    number: usize,
    broker: &BrokerPlan,
    is_calm: bool,
    heartbeats: &[u64],
) -> Vec<PeerPlan> {
    let mut roles = Vec::new();
    for _ in 0..random.number(1..=4) {
        let max_requests = if random.percent(20) { random.number(1..=10) as usize } else { 1_000_000 };
        roles.push(Role::Client { max_requests });
    }
    for _ in 0..random.number(1..=6) {
        let service = *random.pick(OFFERED_NAMES);
        let concurrency = *random.pick(&[1, 1, 2, 3, 10, -1]);
        let style = *random.pick(&[RawWorkerStyle::JavaScript, RawWorkerStyle::Ruby, RawWorkerStyle::Broken]);
        roles.push(if random.percent(70) {
            Role::Worker { service, concurrency }
        } else if is_calm && style == RawWorkerStyle::Broken {
            Role::RawWorker { service, concurrency, style: RawWorkerStyle::Ruby }
        } else {
            Role::RawWorker { service, concurrency, style }
        });
    }
    for style in [RawClientStyle::JavaScript, RawClientStyle::Ruby, RawClientStyle::Go, RawClientStyle::Credit] {
        if random.percent(35) {
            roles.push(Role::RawClient(style));
        }
    }
    if !is_calm && random.percent(40) {
        roles.push(Role::Hostile);
    }
    let mut plan = |role| PeerPlan {
        broker: number,
        heartbeat: match role {
            // The published peers do not announce their interval, so it must equal the broker's.
            Role::RawWorker { .. } | Role::RawClient(RawClientStyle::JavaScript) => broker.heartbeat,
            _ => Duration::from_millis(*random.pick(heartbeats)),
        },
        role,
        liveness: random.number(2..=4) as u32,
        reconnect: Duration::from_millis(*random.pick(&[50, 300, 1_000])),
    };
    roles.into_iter().map(&mut plan).collect()
}
