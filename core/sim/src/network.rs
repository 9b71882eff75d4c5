//! Connections like ZeroMQ's over TCP: one between a DEALER and a ROUTER, in order in each
//! direction, delayed at random, lost as a whole.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use pigato_proto::protocol::{Frame, PeerId};

/// The direction of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    ToBroker,
    ToPeer,
}

/// A unit of transfer.
#[derive(Debug)]
pub(crate) enum Packet {
    /// The connection is established; the first packet of every connection.
    Up,
    Message(Vec<Frame>),
    /// The other side is gone; the last packet of every connection whose loss is noticed.
    Close,
}

/// One direction of a connection.
#[derive(Debug)]
pub(crate) struct Link {
    queue: VecDeque<(Instant, Packet)>,
    last_arrival: Instant,
    /// Packets no longer arrive, and neither side is notified.
    is_lost: bool,
    /// No packet arrives before this time; packets sent meanwhile wait.
    blocked_until: Instant,
    /// Whether the arrival of the first packet is scheduled.
    pub(crate) is_armed: bool,
}

impl Link {
    fn new(now: Instant) -> Self {
        Self { queue: VecDeque::new(), last_arrival: now, is_lost: false, blocked_until: now, is_armed: false }
    }

    /// Sends a packet that arrives after `latency`, or later behind earlier packets.
    pub(crate) fn push(&mut self, now: Instant, latency: Duration, packet: Packet) {
        self.last_arrival = self.last_arrival.max(now + latency);
        self.queue.push_back((self.last_arrival, packet));
    }

    /// When the first packet arrives, if it does.
    pub(crate) fn next_arrival(&self) -> Option<Instant> {
        if self.is_lost {
            return None;
        }
        self.queue.front().map(|(at, _)| (*at).max(self.blocked_until))
    }

    pub(crate) fn pop(&mut self) -> Option<Packet> {
        self.queue.pop_front().map(|(_, packet)| packet)
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn truncate(&mut self, length: usize) {
        self.queue.truncate(length);
    }

    pub(crate) fn lose(&mut self) {
        self.is_lost = true;
    }

    /// The operating system reports the connection as dead: packets sent from now on arrive again,
    /// so that the end of the connection can be delivered.
    pub(crate) fn revive(&mut self) {
        self.is_lost = false;
        self.queue.clear();
    }

    pub(crate) fn block(&mut self, until: Instant) {
        self.blocked_until = self.blocked_until.max(until);
    }

    pub(crate) fn unblock(&mut self, now: Instant) {
        self.blocked_until = now;
    }

    /// Swaps the first two packets if both are messages for which `which` returns true.
    pub(crate) fn swap_first(&mut self, which: impl Fn(&[Frame]) -> bool) {
        let fits =
            |packet: Option<&(Instant, Packet)>| matches!(packet, Some((_, Packet::Message(frames))) if which(frames));
        if fits(self.queue.front()) && fits(self.queue.get(1)) {
            self.queue.swap(0, 1);
        }
    }
}

/// A connection, from the attempt to connect to its end on both sides.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) peer: usize,
    pub(crate) broker: usize,
    /// The run of the broker that it is connected to; `None` until it is established.
    pub(crate) broker_run: Option<u64>,
    pub(crate) identity: PeerId,
    /// Whether the peer has been notified that the connection is up.
    pub(crate) is_up: bool,
    pub(crate) dealer_is_open: bool,
    pub(crate) router_is_open: bool,
    pub(crate) to_broker: Link,
    pub(crate) to_peer: Link,
    /// Ids of the requests whose final replies it has delivered.
    pub(crate) finals: BTreeSet<Frame>,
}

impl Connection {
    pub(crate) fn new(now: Instant, peer: usize, broker: usize, identity: PeerId) -> Self {
        Self {
            peer,
            broker,
            broker_run: None,
            identity,
            is_up: false,
            dealer_is_open: true,
            router_is_open: false,
            to_broker: Link::new(now),
            to_peer: Link::new(now),
            finals: BTreeSet::new(),
        }
    }

    pub(crate) fn link(&mut self, direction: Direction) -> &mut Link {
        match direction {
            Direction::ToBroker => &mut self.to_broker,
            Direction::ToPeer => &mut self.to_peer,
        }
    }

    pub(crate) fn is_healthy(&self) -> bool {
        self.is_up && self.dealer_is_open && self.router_is_open && !self.to_broker.is_lost && !self.to_peer.is_lost
    }

    /// Whether both sides have closed it.
    pub(crate) fn is_over(&self) -> bool {
        !self.dealer_is_open && !self.router_is_open
    }
}
