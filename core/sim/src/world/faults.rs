//! Faults and how they end.

use super::{Due, World};
use crate::hosts::{Input, Phase};
use crate::network::{Direction, Packet};
use crate::scenario::FaultKind;

impl World {
    /// Injects one fault and schedules the next.
    pub(super) fn fault(&mut self) {
        if self.phase != Phase::Faults {
            return;
        }
        let pause = self.random.millis(1..=2 * self.scenario.fault_interval);
        self.later(self.now + pause, Due::Fault);
        if self.scenario.faults.is_empty() {
            return;
        }
        let kind = *self.random.pick(&self.scenario.faults);
        let peer = self.random.number(0..=self.peers.len() as u64 - 1) as usize;
        let broker = self.peers[peer].plan.broker;
        match kind {
            FaultKind::CutConnection => self.cut_connection(peer),
            FaultKind::Partition => self.partition(),
            FaultKind::CrashPeer => self.crash_peer(peer),
            FaultKind::CrashBroker => self.crash_broker(broker),
            FaultKind::StopPeer => self.stop_peer(peer),
            FaultKind::DrainBroker => self.drain_some_broker(broker),
            FaultKind::Pause => self.pause(peer, broker),
            FaultKind::ClockJump => self.jump(),
        }
    }

    fn cut_connection(&mut self, peer: usize) {
        let Some(number) = self.peers[peer].connection else { return };
        let peer_notices = self.random.percent(50);
        let broker_notices = self.random.percent(50);
        self.world_event(format!(
            "connection #{number} of peer {peer} breaks; the peer notices: {peer_notices}, the broker: {broker_notices}"
        ));
        self.cut(number, peer_notices, broker_notices);
    }

    /// Breaks a connection. Packets in transit to a side that notices may still arrive.
    fn cut(&mut self, number: u64, peer_notices: bool, broker_notices: bool) {
        if self.is_made_again(number) {
            return;
        }
        let what_arrives = self.random.number(0..=3) as usize;
        for (direction, notices) in [(Direction::ToPeer, peer_notices), (Direction::ToBroker, broker_notices)] {
            let Some(connection) = self.connections.get_mut(&number) else { return };
            if connection.broker_run.is_none() {
                return;
            }
            let link = connection.link(direction);
            if notices {
                link.truncate(what_arrives);
                self.push(number, direction, Packet::Close);
            } else {
                link.lose();
            }
        }
    }

    fn partition(&mut self) {
        let until = self.now + self.random.millis(20..=8_000);
        let share = *self.random.pick(&[10, 50, 100]);
        let peers: Vec<usize> = (0..self.peers.len()).filter(|_| self.random.percent(share)).collect();
        self.world_event(format!("peers {peers:?} are partitioned for {:?}", until - self.now));
        for peer in peers {
            self.peers[peer].cut_off_until = until;
            let connection = self.peers[peer].connection.and_then(|number| self.connections.get_mut(&number));
            if let Some(connection) = connection {
                connection.to_broker.block(until);
                connection.to_peer.block(until);
            }
        }
    }

    /// Kills a peer. Its connection is closed, unless the whole computer fails.
    fn crash_peer(&mut self, peer: usize) {
        if !self.peers[peer].is_on {
            return;
        }
        let is_noticed = self.random.percent(70);
        self.world_event(format!("peer {peer} is killed; the broker's side notices: {is_noticed}"));
        self.peers[peer].is_on = false;
        self.ledger.client_died(peer);
        if let Some(number) = self.peers[peer].connection.filter(|_| !is_noticed) {
            if let Some(connection) = self.connections.get_mut(&number) {
                connection.to_broker.lose();
            }
        }
        self.disconnect(peer);
        self.renew_peer(peer);
        let at = self.now + self.random.millis(0..=3_000);
        self.later(at, Due::StartPeer(peer));
    }

    fn crash_broker(&mut self, broker: usize) {
        if self.brokers[broker].machine.is_none() {
            return;
        }
        let is_noticed = self.random.percent(60);
        self.world_event(format!("broker {broker} is killed; its peers notice: {is_noticed}"));
        self.close_broker(broker, is_noticed);
    }

    fn stop_peer(&mut self, peer: usize) {
        let node = &mut self.peers[peer];
        if !node.is_on || node.is_stopping || node.paused_until.is_some() {
            return;
        }
        node.is_stopping = true;
        let gracefully = self.random.percent(60);
        self.world_event(format!("peer {peer} is stopped, gracefully: {gracefully}"));
        self.give_peer(peer, Input::Stop { gracefully });
    }

    fn drain_some_broker(&mut self, broker: usize) {
        let node = &self.brokers[broker];
        if node.machine.is_some() && !node.is_stopping && node.paused_until.is_none() {
            let timeout = self.random.millis(0..=3_000);
            self.drain_broker(broker, timeout);
        }
    }

    /// Suspends a peer or a broker for a while: it handles neither input nor deadlines.
    fn pause(&mut self, peer: usize, broker: usize) {
        let most = *self.random.pick(&[50, 1_000, 12_000]);
        let time = self.random.millis(1..=most);
        let until = self.now + time;
        if self.random.percent(20) {
            if self.brokers[broker].machine.is_some() && self.brokers[broker].paused_until.is_none() {
                self.world_event(format!("broker {broker} is paused for {time:?}"));
                self.brokers[broker].paused_until = Some(until);
                self.later(until, Due::ResumeBroker(broker));
            }
        } else if self.peers[peer].is_on && self.peers[peer].paused_until.is_none() {
            self.world_event(format!("peer {peer} is paused for {time:?}"));
            self.peers[peer].paused_until = Some(until);
            self.later(until, Due::ResumePeer(peer));
        }
    }

    /// Advances everybody's clock at once, as after the suspension of a computer.
    fn jump(&mut self) {
        let time = self.random.millis(100..=20_000);
        self.now += time;
        self.world_event(format!("the clock jumps forward by {time:?}"));
        for peer in &mut self.peers {
            peer.stalled_until = self.now;
        }
    }

    /// Ends all faults: everything runs, and all packets sent from now on arrive. A peer without a
    /// liveness timeout is notified that its connection is dead, as the operating system eventually
    /// does.
    pub(super) fn heal(&mut self) {
        let now = self.now;
        for broker in 0..self.brokers.len() {
            if self.brokers[broker].paused_until.is_some() {
                self.brokers[broker].paused_until = Some(now);
                self.resume_broker(broker);
            }
            self.start_broker(broker);
        }
        let connections: Vec<u64> = self.connections.keys().copied().collect();
        for number in connections {
            self.unblock(number);
        }
        for peer in 0..self.peers.len() {
            self.peers[peer].cut_off_until = now;
            if self.peers[peer].paused_until.is_some() {
                self.peers[peer].paused_until = Some(now);
                self.resume_peer(peer);
            }
            self.start_peer(peer);
            self.report_dead_connection(peer);
        }
    }

    fn report_dead_connection(&mut self, peer: usize) {
        let Some(number) = self.peers[peer].connection.filter(|_| !self.peers[peer].host.has_liveness()) else {
            return;
        };
        let is_dead = self.connections.get(&number).is_some_and(|connection| {
            connection.broker_run.is_some()
                && (!connection.is_healthy() || connection.broker_run != Some(self.brokers[connection.broker].run))
        });
        if is_dead {
            self.world_event(format!("peer {peer} learns that connection #{number} is dead"));
            if let Some(connection) = self.connections.get_mut(&number) {
                connection.to_peer.revive();
                connection.to_broker.revive();
            }
            self.push(number, Direction::ToPeer, Packet::Close);
            self.push(number, Direction::ToBroker, Packet::Close);
        }
    }
}
