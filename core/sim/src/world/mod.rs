//! The simulated world: brokers and peers, the connections between them, and the clock.
//!
//! The world advances from one due event to the next. [`transport`] carries messages, [`nodes`]
//! passes inputs to brokers and peers and executes their outputs, [`faults`] injects faults, and
//! this module has the phases of a run.

mod faults;
mod nodes;
mod transport;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use pigato_proto::broker;
use pigato_proto::protocol::PeerId;

use crate::hosts::{self, Host, Input, Phase};
use crate::mutation::Mutation;
use crate::network::{Connection, Direction};
use crate::oracle::ledger::Ledger;
use crate::oracle::watch::Watch;
use crate::oracle::Rule;
use crate::random::Random;
use crate::scenario::{BrokerPlan, PeerPlan, Role, Scenario};
use crate::trace::{Event, Trace};

/// Maximum number of steps at one instant, and in a whole run.
const STEPS: (u64, u64) = (50_000, 3_000_000);

/// Longest time in which everything finishes once the faults are over: requests of published
/// clients without a timeout wait 60 s at the broker, and a worker or client whose connection was
/// lost repeatedly may pause for 30 s.
const HEALING: Duration = Duration::from_secs(180);

/// The longest heartbeat interval and a round trip.
const AFTERMATH: Duration = Duration::from_secs(4);

/// Longest time for the probe requests, whose timeout is 60 s.
const PROBING: Duration = Duration::from_secs(70);

/// Longest time until a broker drops the state of a peer that vanished: 3 × the longest heartbeat
/// interval that it accepts.
const FORGETTING: Duration = Duration::from_secs(5 * 24 * 3_600);

/// A scheduled event.
#[derive(Debug, Clone, Copy)]
enum Due {
    /// The first packet of a link arrives.
    Arrival(u64, Direction),
    /// A DEALER tries to reach its ROUTER.
    Handshake(u64),
    StartPeer(usize),
    StartBroker(usize),
    ResumePeer(usize),
    ResumeBroker(usize),
    Fault,
}

struct BrokerNode {
    plan: BrokerPlan,
    machine: Option<broker::Machine>,
    watch: Watch,
    /// The number of its current run.
    run: u64,
    routes: BTreeMap<PeerId, u64>,
    paused_until: Option<Instant>,
    is_stopping: bool,
    /// Whether its outputs wait until all received messages are handled.
    is_reading: bool,
    /// Peers that read too slowly for the current outputs: the transport drops further messages to
    /// them.
    overflowed: BTreeSet<PeerId>,
}

struct PeerNode {
    plan: PeerPlan,
    host: Box<dyn Host>,
    is_on: bool,
    is_stopping: bool,
    connection: Option<u64>,
    paused_until: Option<Instant>,
    stalled_until: Instant,
    /// It cannot connect before this time.
    cut_off_until: Instant,
}

pub(crate) struct World {
    scenario: Scenario,
    random: Random,
    pub(crate) ledger: Ledger,
    pub(crate) trace: Trace,
    mutation: Option<Mutation>,
    origin: Instant,
    now: Instant,
    phase: Phase,
    due: BTreeMap<(Instant, u64), Due>,
    next_due: u64,
    brokers: Vec<BrokerNode>,
    peers: Vec<PeerNode>,
    connections: BTreeMap<u64, Connection>,
    next_connection: u64,
    steps_now: u64,
}

impl World {
    pub(crate) fn new(scenario: Scenario, mut random: Random, mutation: Option<Mutation>, is_verbose: bool) -> Self {
        // Only the origin of the virtual clock: no behaviour depends on its value.
        let origin = Instant::now();
        let brokers = scenario.brokers.iter().map(|plan| BrokerNode {
            plan: plan.clone(),
            machine: None,
            watch: Watch::default(),
            run: 0,
            routes: BTreeMap::new(),
            paused_until: None,
            is_stopping: false,
            is_reading: false,
            overflowed: BTreeSet::new(),
        });
        let brokers = brokers.collect();
        let peers = scenario.peers.iter().map(|plan| PeerNode {
            host: hosts::make(plan, &mut random, mutation),
            plan: plan.clone(),
            is_on: false,
            is_stopping: false,
            connection: None,
            paused_until: None,
            stalled_until: origin,
            cut_off_until: origin,
        });
        let peers = peers.collect();
        Self {
            brokers,
            peers,
            scenario,
            random,
            ledger: Ledger::default(),
            trace: Trace::new(is_verbose),
            mutation,
            origin,
            now: origin,
            phase: Phase::Faults,
            due: BTreeMap::new(),
            next_due: 0,
            connections: BTreeMap::new(),
            next_connection: 0,
            steps_now: 0,
        }
    }

    /// Runs the whole simulation; the ledger's verdict records a broken rule.
    pub(crate) fn run(&mut self) {
        for broker in 0..self.brokers.len() {
            let at = self.now + self.random.millis(0..=200);
            self.later(at, Due::StartBroker(broker));
        }
        for peer in 0..self.peers.len() {
            let at = self.now + self.random.millis(0..=400);
            self.later(at, Due::StartPeer(peer));
        }
        if !self.scenario.is_calm {
            let first = self.now + self.random.millis(0..=2 * self.scenario.fault_interval);
            self.later(first, Due::Fault);
        }
        let end = self.origin + self.scenario.duration;
        self.run_until(end, |_| false);
        let rest: [fn(&mut Self); 4] = [Self::finish_faults, Self::probe, Self::stop_peers, Self::stop_brokers];
        for part in rest {
            if !self.is_broken() {
                part(self);
            }
        }
    }

    fn finish_faults(&mut self) {
        self.enter(Phase::Healing);
        self.heal();
        self.demand_within(HEALING, Rule::EverythingEnds, Self::is_settled);
        // Some peers learn only with their next heartbeat that their session has ended.
        self.run_until(self.now + AFTERMATH, |_| false);
        self.demand_within(HEALING, Rule::EverythingEnds, Self::is_settled);
    }

    fn probe(&mut self) {
        self.enter(Phase::Probing);
        self.demand_within(PROBING, Rule::Recovers, |world| world.ledger.open() == 0);
    }

    fn stop_peers(&mut self) {
        self.enter(Phase::Stopping);
        self.stop_some(false);
        self.stop_some(true);
        self.demand_within(FORGETTING, Rule::NothingLeft, Self::is_empty);
    }

    fn is_broken(&self) -> bool {
        self.ledger.verdict.violation().is_some()
    }

    fn world_event(&mut self, text: impl Into<String>) {
        self.trace.push(self.now - self.origin, Event::World(text.into()));
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.world_event(format!("{phase:?}"));
        for peer in 0..self.peers.len() {
            self.give_peer(peer, Input::Phase);
        }
    }

    fn demand_within(&mut self, time: Duration, rule: Rule, is_done: impl Fn(&Self) -> bool) {
        self.run_until(self.now + time, &is_done);
        if !is_done(self) {
            let detail = self.describe();
            self.ledger.verdict.broken(rule, || format!("not within {time:?}: {detail}"));
        }
    }

    /// Describes what prevents the end.
    fn describe(&self) -> String {
        let open: Vec<String> = self
            .ledger
            .open_requests()
            .into_iter()
            .take(5)
            .map(|index| format!("{index}: {:?}", self.ledger.spec(index)))
            .collect();
        let peers: Vec<String> = self
            .peers
            .iter()
            .enumerate()
            .filter(|(_, peer)| !self.is_at_home(peer) || peer.host.unfinished() > 0)
            .map(|(number, peer)| format!("peer {number} {:?} {}", peer.plan.role, peer.host.unfinished()))
            .collect();
        let brokers: Vec<String> = self
            .brokers
            .iter()
            .map(|broker| format!("{:?}", broker.machine.as_ref().map(broker::Machine::statistics)))
            .collect();
        format!("open requests {open:?}; peers {peers:?}; brokers {brokers:?}")
    }

    /// Whether everything that the faults affected works again.
    fn is_settled(&self) -> bool {
        let peers_are = self.peers.iter().all(|peer| self.is_at_home(peer) && peer.host.unfinished() == 0);
        peers_are && self.ledger.open() == 0 && (0..self.brokers.len()).all(|broker| self.knows_its_workers(broker))
    }

    fn is_at_home(&self, peer: &PeerNode) -> bool {
        if peer.plan.role == Role::Hostile {
            return true;
        }
        let connection = peer.connection.and_then(|connection| self.connections.get(&connection));
        let run = self.brokers[peer.plan.broker].run;
        let is_connected =
            connection.is_some_and(|connection| connection.is_healthy() && connection.broker_run == Some(run));
        peer.is_on && !peer.is_stopping && is_connected
    }

    fn knows_its_workers(&self, broker: usize) -> bool {
        let node = &self.brokers[broker];
        let Some(machine) = node.machine.as_ref().filter(|_| !node.is_stopping) else { return false };
        let statistics = machine.statistics();
        let mut known: Vec<PeerId> = machine.inspect_workers().map(|worker| worker.peer).collect();
        let mut present: Vec<PeerId> =
            self.neighbours(broker).into_iter().filter_map(|(_, identity)| identity).collect();
        known.sort_unstable();
        present.sort_unstable();
        statistics.queued + statistics.in_flight == 0 && known == present
    }

    /// The workers of a broker and their current identities.
    fn neighbours(&self, broker: usize) -> Vec<(&'static str, Option<PeerId>)> {
        let workers = self.peers.iter().filter(|peer| peer.plan.broker == broker);
        let identity = |peer: &PeerNode| {
            let connection = peer.connection.and_then(|connection| self.connections.get(&connection));
            connection.map(|connection| connection.identity.clone())
        };
        workers
            .filter_map(|peer| match peer.plan.role {
                Role::Worker { service, .. } | Role::RawWorker { service, .. } => Some((service, identity(peer))),
                _ => None,
            })
            .collect()
    }

    fn stop_some(&mut self, workers: bool) {
        for peer in 0..self.peers.len() {
            let is_worker = matches!(self.peers[peer].plan.role, Role::Worker { .. } | Role::RawWorker { .. });
            if is_worker == workers {
                self.peers[peer].is_stopping = true;
                let gracefully = self.random.percent(50);
                self.give_peer(peer, Input::Stop { gracefully });
            }
        }
    }

    /// Whether all peers have stopped and no broker holds state of them.
    fn is_empty(&self) -> bool {
        let peers_are_done = self.peers.iter().all(|peer| !peer.is_on && peer.host.unfinished() == 0);
        let is_empty = |broker: &BrokerNode| {
            let statistics = broker.machine.as_ref().map(broker::Machine::statistics).unwrap_or_default();
            let left = [statistics.queued, statistics.in_flight, statistics.request_bytes, statistics.clients];
            left.iter().sum::<usize>() + statistics.workers == 0
        };
        peers_are_done && self.brokers.iter().all(is_empty)
    }

    /// Stops the brokers, which have nothing left to do and so stop at once.
    fn stop_brokers(&mut self) {
        for broker in 0..self.brokers.len() {
            self.drain_broker(broker, Duration::from_secs(1));
            let is_up = self.brokers[broker].machine.is_some();
            self.ledger.verdict.demand(Rule::EverythingEnds, !is_up, || format!("idle broker {broker} does not stop"));
        }
    }

    fn later(&mut self, at: Instant, due: Due) {
        self.due.insert((at, self.next_due), due);
        self.next_due += 1;
    }

    /// Advances the time until `end`, until `is_done`, or until a rule is broken.
    fn run_until(&mut self, end: Instant, is_done: impl Fn(&Self) -> bool) {
        while !self.is_broken() && !is_done(self) {
            let Some(next) = self.next_time().filter(|next| *next <= end) else {
                self.now = self.now.max(end);
                return;
            };
            if next > self.now {
                self.now = next;
                self.steps_now = 0;
            }
            self.steps_now += 1;
            let is_stuck = self.steps_now > STEPS.0 || self.trace.steps() > STEPS.1;
            self.ledger.verdict.demand(Rule::Livelock, !is_stuck, || String::from("too many steps"));
            self.step();
        }
    }

    fn next_time(&self) -> Option<Instant> {
        let due = self.due.first_key_value().map(|((at, _), _)| *at);
        let peers = (0..self.peers.len()).filter_map(|peer| self.peer_deadline(peer));
        let brokers = (0..self.brokers.len()).filter_map(|broker| self.broker_deadline(broker));
        due.into_iter().chain(peers).chain(brokers).min()
    }

    fn peer_deadline(&self, peer: usize) -> Option<Instant> {
        let node = &self.peers[peer];
        node.host.next_deadline().filter(|_| node.is_on && node.paused_until.is_none())
    }

    fn broker_deadline(&self, broker: usize) -> Option<Instant> {
        let node = &self.brokers[broker];
        let machine = node.machine.as_ref().filter(|_| node.paused_until.is_none())?;
        if node.is_reading {
            return Some(self.now);
        }
        machine.next_deadline()
    }

    /// Handles one event that is due. Packets that have arrived take precedence over deadlines, as
    /// in the reactor: a message that arrived in time counts, even if its receiver was paused or
    /// the clock jumped.
    fn step(&mut self) {
        let now = self.now;
        if let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= now) {
            let due = entry.remove();
            return self.happen(due);
        }
        if let Some(broker) =
            (0..self.brokers.len()).find(|broker| self.broker_deadline(*broker).is_some_and(|at| at <= now))
        {
            return self.give_broker_time(broker);
        }
        if let Some(peer) = (0..self.peers.len()).find(|peer| self.peer_deadline(*peer).is_some_and(|at| at <= now)) {
            self.give_peer(peer, Input::Time);
        }
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Arrival(connection, direction) => self.arrive(connection, direction),
            Due::Handshake(connection) => self.shake_hands(connection),
            Due::StartPeer(peer) => self.start_peer(peer),
            Due::StartBroker(broker) => self.start_broker(broker),
            Due::ResumePeer(peer) => self.resume_peer(peer),
            Due::ResumeBroker(broker) => self.resume_broker(broker),
            Due::Fault => self.fault(),
        }
    }
}
