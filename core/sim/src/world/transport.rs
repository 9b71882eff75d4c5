//! How connections are established, used and lost.

use pigato_proto::protocol::{Frame, PeerId};

use super::{Due, World};
use crate::hosts::Input;
use crate::mutation::Mutation;
use crate::network::{Connection, Direction, Packet};
use crate::oracle::Rule;
use crate::scenario::Role;
use crate::trace::Event;

impl World {
    fn latency(&mut self) -> std::time::Duration {
        let (least, most) = self.scenario.latency;
        self.random.micros(least..=most)
    }

    pub(super) fn connect(&mut self, peer: usize, identity: PeerId) {
        let number = self.next_connection;
        self.next_connection += 1;
        let broker = self.peers[peer].plan.broker;
        self.connections.insert(number, Connection::new(self.now, peer, broker, identity));
        self.peers[peer].connection = Some(number);
        let at = self.now + self.latency();
        self.later(at, Due::Handshake(number));
    }

    /// A DEALER retries until it reaches its broker, as libzmq does.
    pub(super) fn shake_hands(&mut self, number: u64) {
        let Some(connection) = self.connections.get_mut(&number).filter(|connection| connection.dealer_is_open) else {
            self.connections.remove(&number);
            return;
        };
        let (peer, broker) = (connection.peer, connection.broker);
        let node = &mut self.brokers[broker];
        let cut_off_until = self.peers[peer].cut_off_until;
        if node.machine.is_none() || cut_off_until > self.now {
            let pause = self.random.millis(20..=120);
            return self.later(cut_off_until.max(self.now) + pause, Due::Handshake(number));
        }
        connection.broker_run = Some(node.run);
        connection.router_is_open = true;
        node.routes.insert(connection.identity.clone(), number);
        self.push(number, Direction::ToPeer, Packet::Up);
    }

    /// Whether libzmq re-establishes a connection without notifying the peer: it does if the
    /// connection breaks before the peer was notified that it is up.
    pub(super) fn is_made_again(&mut self, number: u64) -> bool {
        let Some(connection) = self.connections.get_mut(&number) else { return false };
        if connection.is_up || !connection.dealer_is_open || connection.broker_run.is_none() {
            return false;
        }
        connection.broker_run = None;
        connection.router_is_open = false;
        connection.to_broker.revive();
        connection.to_peer.revive();
        self.brokers[connection.broker].routes.remove(&connection.identity);
        let at = self.now + self.random.millis(20..=2_000);
        self.later(at, Due::Handshake(number));
        true
    }

    /// Sends a packet on a link.
    pub(super) fn push(&mut self, number: u64, direction: Direction, packet: Packet) {
        let (now, latency) = (self.now, self.latency());
        let Some(connection) = self.connections.get_mut(&number) else { return };
        connection.link(direction).push(now, latency, packet);
        self.arm(number, direction);
    }

    /// Schedules the arrival of a link's first packet.
    fn arm(&mut self, number: u64, direction: Direction) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let link = connection.link(direction);
        if link.is_armed {
            return;
        }
        if let Some(at) = link.next_arrival() {
            link.is_armed = true;
            self.later(at, Due::Arrival(number, direction));
        }
    }

    /// Delivers packets that a partition held up.
    pub(super) fn unblock(&mut self, number: u64) {
        let now = self.now;
        for direction in [Direction::ToBroker, Direction::ToPeer] {
            let Some(connection) = self.connections.get_mut(&number) else { return };
            let link = connection.link(direction);
            link.unblock(now);
            link.is_armed = false;
            self.arm(number, direction);
        }
    }

    /// The first packet of a link arrives, unless it is still held up or its receiver is paused.
    pub(super) fn arrive(&mut self, number: u64, direction: Direction) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let (peer, broker, run) = (connection.peer, connection.broker, connection.broker_run);
        let link = connection.link(direction);
        link.is_armed = false;
        let Some(at) = link.next_arrival() else { return };
        if at > self.now {
            return self.arm(number, direction);
        }
        let paused_until = match direction {
            Direction::ToBroker => self.brokers[broker].paused_until,
            Direction::ToPeer => self.peers[peer].paused_until,
        };
        if let Some(until) = paused_until.filter(|until| *until > self.now) {
            link.block(until);
            return self.arm(number, direction);
        }
        if self.mutation == Some(Mutation::SwapPartials) && direction == Direction::ToPeer {
            link.swap_first(|frames| frames.len() > 1 && frames[0] == "C" && frames[1] == "6");
        }
        let Some(packet) = link.pop() else { return };
        self.arm(number, direction);
        match direction {
            Direction::ToBroker if self.brokers[broker].machine.is_some() && run == Some(self.brokers[broker].run) => {
                self.arrive_at_broker(number, packet);
            }
            Direction::ToBroker => {}
            Direction::ToPeer => self.arrive_at_peer(number, packet),
        }
        self.tidy(number);
    }

    fn arrive_at_broker(&mut self, number: u64, packet: Packet) {
        let Some(connection) = self.connections.get_mut(&number).filter(|connection| connection.router_is_open) else {
            return;
        };
        let (peer, broker, identity) = (connection.peer, connection.broker, connection.identity.clone());
        match packet {
            Packet::Message(frames) => {
                let event = Event::ToBroker { peer, connection: number, frames: frames.clone() };
                self.trace.push(self.now - self.origin, event);
                if self.drops_for_mutation(&frames) {
                    return;
                }
                self.give_broker_message(broker, &identity, frames);
            }
            Packet::Close => {
                connection.router_is_open = false;
                self.brokers[broker].routes.remove(&identity);
            }
            Packet::Up => {}
        }
    }

    fn drops_for_mutation(&mut self, frames: &[Frame]) -> bool {
        let is_request = frames.len() > 1 && frames[0] == "C" && frames[1] == "2";
        self.mutation == Some(Mutation::DropRequest) && is_request && self.random.percent(15)
    }

    fn arrive_at_peer(&mut self, number: u64, packet: Packet) {
        let Some(connection) = self.connections.get_mut(&number).filter(|connection| connection.dealer_is_open) else {
            return;
        };
        let peer = connection.peer;
        let at = self.now - self.origin;
        match packet {
            Packet::Up => {
                connection.is_up = true;
                self.trace.push(at, Event::Connection { peer, connection: number, what: "up" });
                self.give_peer(peer, Input::Up);
            }
            Packet::Message(frames) => {
                self.trace.push(at, Event::ToPeer { peer, connection: number, frames: frames.clone() });
                for frames in self.mutated(frames) {
                    self.note_final(number, &frames);
                    self.give_peer(peer, Input::Message(frames));
                }
            }
            Packet::Close => {
                connection.dealer_is_open = false;
                self.trace.push(at, Event::Connection { peer, connection: number, what: "down" });
                self.give_peer(peer, Input::Down);
            }
        }
    }

    /// Checks that a client receives one final reply for each request id. Only hostile peers use an
    /// id twice on one connection.
    fn note_final(&mut self, number: u64, frames: &[Frame]) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let is_final = frames.len() > 3 && frames[0] == "C" && frames[1] == "3";
        if !is_final || self.peers[connection.peer].plan.role == Role::Hostile {
            return;
        }
        let is_first = connection.finals.insert(frames[3].clone());
        self.ledger.verdict.demand(Rule::OneOutcome, is_first, || format!("two final replies to {:?}", frames[3]));
    }

    /// The messages that a peer receives instead of `frames` under the current mutation.
    fn mutated(&self, mut frames: Vec<Frame>) -> Vec<Vec<Frame>> {
        let is = |side: &str, message_type: &str| frames.len() > 5 && frames[0] == side && frames[1] == message_type;
        match self.mutation {
            Some(Mutation::DuplicateFinal) if is("C", "3") => vec![frames.clone(), frames],
            Some(Mutation::DuplicateDispatch) if is("W", "2") => vec![frames.clone(), frames],
            Some(Mutation::ExtraCredit) if is("W", "2") => vec![with_more_credit(frames)],
            Some(Mutation::CorruptReply) if is("C", "3") => {
                let flip = |byte: &u8| if *byte == b'x' { b'y' } else { *byte };
                frames[5] = frames[5].iter().map(flip).collect::<Vec<u8>>().into();
                vec![frames]
            }
            _ => vec![frames],
        }
    }

    /// The peer closes its side after its messages have left.
    pub(super) fn disconnect(&mut self, peer: usize) {
        let Some(number) = self.peers[peer].connection.take() else { return };
        if let Some(connection) = self.connections.get_mut(&number) {
            connection.dealer_is_open = false;
            if connection.router_is_open {
                self.push(number, Direction::ToBroker, Packet::Close);
            }
        }
        self.tidy(number);
    }

    /// Removes a connection that both sides have closed.
    pub(super) fn tidy(&mut self, number: u64) {
        if self.connections.get(&number).is_some_and(Connection::is_over) {
            self.connections.remove(&number);
        }
    }
}

/// Raises the credit in the metadata (the last frame, if present) of a request.
fn with_more_credit(mut frames: Vec<Frame>) -> Vec<Frame> {
    const KEY: &str = "\"credit\":";
    if let Some(metadata) = frames.last_mut() {
        let text = String::from_utf8_lossy(metadata).replace(KEY, &format!("{KEY}9"));
        *metadata = Frame::from(text);
    }
    frames
}
