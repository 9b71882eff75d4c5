//! Starts brokers and peers, passes inputs to them and executes their outputs.

use std::time::Duration;

use pigato_proto::broker::{self, Event as BrokerEvent, Message, Output};
use pigato_proto::config::BrokerOptions;
use pigato_proto::protocol::{BrokerToWorker, Frame, PeerId};

use super::{Due, World};
use crate::hosts::{self, Action, Context, Input, Phase};
use crate::mutation::Mutation;
use crate::network::{Direction, Packet};
use crate::oracle::watch::Watch;
use crate::oracle::Rule;
use crate::trace::Event;

/// More requests than all clients make after the faults.
const ENOUGH_REQUESTS: usize = 1_000;

impl World {
    pub(super) fn start_broker(&mut self, broker: usize) {
        if self.brokers[broker].machine.is_some() {
            return;
        }
        self.world_event(format!("broker {broker} starts"));
        let node = &mut self.brokers[broker];
        let options = BrokerOptions::default()
            .heartbeat(node.plan.heartbeat)
            .heartbeat_liveness(node.plan.liveness)
            .dispatch_mode(node.plan.dispatch_mode)
            .max_requests(node.plan.max_requests);
        node.machine = Some(broker::Machine::new(options, self.random.entropy()));
        node.watch = Watch::default();
        node.run += 1;
        node.is_stopping = false;
        node.is_reading = false;
        node.paused_until = None;
        node.routes.clear();
    }

    pub(super) fn start_peer(&mut self, peer: usize) {
        let node = &mut self.peers[peer];
        if node.is_on || self.phase == Phase::Stopping {
            return;
        }
        node.is_on = true;
        node.is_stopping = false;
        node.paused_until = None;
        node.stalled_until = self.now;
        self.world_event(format!("peer {peer} starts"));
        self.give_peer(peer, Input::Start);
    }

    /// Recreates a peer that was killed, without its former state.
    pub(super) fn renew_peer(&mut self, peer: usize) {
        self.peers[peer].host = hosts::make(&self.peers[peer].plan, &mut self.random, self.mutation);
    }

    pub(super) fn resume_peer(&mut self, peer: usize) {
        let now = self.now;
        let node = &mut self.peers[peer];
        if node.paused_until.is_some_and(|until| until <= now) {
            node.paused_until = None;
            node.stalled_until = now;
            self.world_event(format!("peer {peer} goes on"));
        }
    }

    pub(super) fn resume_broker(&mut self, broker: usize) {
        let now = self.now;
        let node = &mut self.brokers[broker];
        if node.paused_until.is_some_and(|until| until <= now) {
            node.paused_until = None;
            self.world_event(format!("broker {broker} goes on"));
        }
    }

    /// Passes an input to a peer and executes its outputs. The peer handles its deadlines before
    /// its user's commands, but after messages from its connection.
    pub(super) fn give_peer(&mut self, peer: usize, input: Input) {
        let node = &self.peers[peer];
        if !node.is_on {
            return;
        }
        let is_late = node.host.next_deadline().is_some_and(|at| at <= self.now);
        let is_time = matches!(input, Input::Time);
        let is_wish = matches!(input, Input::Phase | Input::Stop { .. });
        if is_time {
            self.trace.push(self.now - self.origin, Event::PeerTime { peer });
        } else if is_late && is_wish && node.paused_until.is_none() {
            self.give_peer(peer, Input::Time);
        }
        if !self.peers[peer].is_on {
            return;
        }
        let neighbours = self.neighbours(self.peers[peer].plan.broker);
        let (mut actions, mut outcomes) = (Vec::new(), Vec::new());
        let node = &mut self.peers[peer];
        let mut context = Context {
            now: self.now,
            phase: self.phase,
            peer,
            connection: node.connection.unwrap_or(u64::MAX),
            stalled_until: node.stalled_until,
            random: &mut self.random,
            ledger: &mut self.ledger,
            scenario: &self.scenario,
            broker_has_room: self.brokers[node.plan.broker].plan.max_requests > ENOUGH_REQUESTS,
            neighbours: &neighbours,
            actions: &mut actions,
            outcomes: &mut outcomes,
        };
        node.host.handle(input, &mut context);
        for (request, text) in outcomes {
            self.trace.push(self.now - self.origin, Event::Outcome { request, text });
        }
        for action in actions {
            match action {
                Action::Connect(identity) => self.connect(peer, identity),
                Action::Send(frames) => {
                    if let Some(connection) = self.peers[peer].connection {
                        self.push(connection, Direction::ToBroker, Packet::Message(frames));
                    }
                }
                Action::Disconnect => self.disconnect(peer),
                Action::Stopped => self.peer_stopped(peer),
            }
        }
    }

    fn peer_stopped(&mut self, peer: usize) {
        self.disconnect(peer);
        self.peers[peer].is_on = false;
        self.world_event(format!("peer {peer} has stopped"));
        let is_over = self.phase > Phase::Healing || self.peers[peer].plan.role == crate::scenario::Role::Hostile;
        if !is_over {
            if self.random.percent(50) {
                self.renew_peer(peer);
            }
            let at = self.now + self.random.millis(0..=1_500);
            self.later(at, Due::StartPeer(peer));
        }
    }

    pub(super) fn give_broker_time(&mut self, broker: usize) {
        self.trace.push(self.now - self.origin, Event::BrokerTime { broker });
        let now = self.now;
        if let Some(machine) = &mut self.brokers[broker].machine {
            machine.handle_timeout(now);
        }
        self.carry_out(broker);
    }

    pub(super) fn give_broker_message(&mut self, broker: usize, peer: &PeerId, mut frames: Vec<Frame>) {
        let now = self.now;
        let node = &mut self.brokers[broker];
        let Some(machine) = &mut node.machine else { return };
        node.watch.before_message(peer, &frames);
        if self.mutation == Some(Mutation::ExtraConcurrency) {
            exaggerate(&mut frames);
        }
        let is_from_client = frames.first().is_some_and(|side| *side == b"C"[..]);
        machine.handle_message(now, peer, &mut frames);
        // Like the reactor, which sends after it has read several messages. Not after a worker's
        // message, because the worker's concurrency is checked each time that it may have changed.
        node.is_reading = is_from_client && !machine.is_draining() && self.random.percent(50);
        if !node.is_reading {
            self.carry_out(broker);
        }
    }

    /// Drains a broker: it finishes its requests and stops.
    pub(super) fn drain_broker(&mut self, broker: usize, timeout: Duration) {
        let now = self.now;
        self.world_event(format!("broker {broker} drains"));
        let node = &mut self.brokers[broker];
        node.is_stopping = true;
        if let Some(machine) = &mut node.machine {
            machine.drain(now, timeout);
        }
        self.carry_out(broker);
    }

    /// Executes a broker's outputs until there are none, then checks its state.
    fn carry_out(&mut self, broker: usize) {
        let mut has_drained = false;
        let mut outputs = 0_u64;
        self.brokers[broker].is_reading = false;
        self.brokers[broker].overflowed.clear();
        while let Some(output) = self.brokers[broker].machine.as_mut().and_then(broker::Machine::poll_output) {
            outputs += 1;
            self.ledger.verdict.demand(Rule::Livelock, outputs < 1_000_000, || String::from("outputs without end"));
            if self.is_broken() {
                return;
            }
            self.brokers[broker].watch.check_output(&mut self.ledger.verdict, &output);
            if self.scenario.is_calm && self.phase <= Phase::Probing && Watch::is_fault(&output) {
                self.ledger.verdict.broken(Rule::Recovers, || format!("no fault in this run, but {output:?}"));
            }
            match output {
                Output::Send { peer, message } => self.send_from_broker(broker, &peer, message),
                Output::Event(event) => has_drained |= event == BrokerEvent::Drained,
                Output::Publish(_) => {}
            }
        }
        let node = &mut self.brokers[broker];
        if let Some(machine) = &node.machine {
            node.watch.check_state(&mut self.ledger.verdict, machine);
        }
        if has_drained {
            self.close_broker(broker, true);
        }
    }

    fn send_from_broker(&mut self, broker: usize, peer: &PeerId, message: Message) {
        let is_disconnect = message == Message::Worker(BrokerToWorker::Disconnect);
        if is_disconnect && self.mutation == Some(Mutation::DoubleDisconnect) {
            let again = Output::Send { peer: peer.clone(), message: message.clone() };
            self.brokers[broker].watch.check_output(&mut self.ledger.verdict, &again);
        }
        let now = self.now;
        let (most, kept) = self.scenario.send_queue;
        let node = &mut self.brokers[broker];
        if node.overflowed.contains(peer) {
            return;
        }
        let Some(machine) = &mut node.machine else { return };
        let Some(number) = node.routes.get(peer).copied() else {
            machine.handle_unroutable(now, peer);
            let event = Event::Undeliverable { broker, overflow: false, identity: peer.to_frame() };
            return self.trace.push(now - self.origin, event);
        };
        let mut frames = Vec::new();
        message.encode(&mut frames);
        self.push(number, Direction::ToPeer, Packet::Message(frames));
        let Some(connection) = self.connections.get_mut(&number) else { return };
        // Slow reading is a fault and ends with the others: after them, messages may queue without
        // limit.
        if self.phase == Phase::Faults && connection.to_peer.len() > most {
            connection.to_peer.truncate(kept);
            self.brokers[broker].overflowed.insert(peer.clone());
            if let Some(machine) = &mut self.brokers[broker].machine {
                machine.handle_overflow(now, peer);
            }
            let event = Event::Undeliverable { broker, overflow: true, identity: peer.to_frame() };
            self.trace.push(now - self.origin, event);
        }
    }

    /// Ends a run of a broker: its connections close, and its peers are notified if `is_noticed`.
    pub(super) fn close_broker(&mut self, broker: usize, is_noticed: bool) {
        let node = &mut self.brokers[broker];
        node.machine = None;
        node.paused_until = None;
        node.is_stopping = false;
        let routes = std::mem::take(&mut node.routes);
        for number in routes.into_values() {
            if self.is_made_again(number) {
                continue;
            }
            let Some(connection) = self.connections.get_mut(&number) else { continue };
            connection.router_is_open = false;
            if is_noticed {
                self.push(number, Direction::ToPeer, Packet::Close);
            } else {
                connection.to_peer.lose();
            }
            self.tidy(number);
        }
        if self.phase <= Phase::Healing {
            let at = self.now + self.random.millis(0..=2_000);
            self.later(at, Due::StartBroker(broker));
        }
    }
}

/// Raises the concurrency in a worker's announcement by 1.
fn exaggerate(frames: &mut [Frame]) {
    const KEY: &str = r#""concurrency":"#;
    for frame in frames.iter_mut() {
        let Ok(text) = std::str::from_utf8(frame) else { continue };
        let Some((before, after)) = text.split_once(KEY) else { continue };
        let digits = after.len() - after.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
        let Ok(number) = after[..digits].parse::<u32>() else { continue };
        *frame = Frame::from(format!("{before}{KEY}{}{}", number + 1, &after[digits..]));
    }
}
