//! Messages for peers that read more slowly than they are written to, in order and within bounds.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use pigato_frame::Frame;

use super::socket::{send, Sent, OUTBOX_RETRY};
use crate::limits;
use crate::protocol::PeerId;

/// The outboxes of a broker's peers; one exists while something waits in it.
#[derive(Default)]
pub(super) struct Outboxes {
    by_peer: HashMap<PeerId, Outbox>,
    retry_at: Option<Instant>,
    /// Peers given up while the machine's outputs are carried out: what it still had to say to them goes the way of what
    /// was thrown away. Else a worker might be handed a request and not learn that another was cancelled for it.
    overflowed: Vec<PeerId>,
}

/// What became of a message.
#[derive(Debug)]
pub(super) enum Delivery {
    /// It is on its way, or waits for its turn.
    Done,
    /// There is no such peer.
    NoPeer,
    /// More waited for the peer than may wait; all of it was thrown away.
    Overflow,
}

#[derive(Default)]
struct Outbox {
    messages: VecDeque<Vec<Frame>>,
    bytes: usize,
}

impl Outboxes {
    /// Sends a message, the peer's identity first, behind what already waits for it. Leaves `frames` empty.
    pub(super) fn send(
        &mut self,
        now: Instant,
        router: &zmq::Socket,
        peer: &PeerId,
        frames: &mut Vec<Frame>,
    ) -> Delivery {
        if !self.by_peer.contains_key(peer) {
            match send(router, frames) {
                Sent::Yes => return Delivery::Done,
                Sent::NoPeer => return Delivery::NoPeer,
                Sent::Full => {}
            }
        }
        let is_within_bounds = self.by_peer.entry(peer.clone()).or_default().push(std::mem::take(frames));
        self.retry_at.get_or_insert(now + OUTBOX_RETRY);
        if is_within_bounds {
            return Delivery::Done;
        }
        self.by_peer.remove(peer);
        self.note_overflow(peer);
        Delivery::Overflow
    }

    /// Notes that a peer was given up.
    pub(super) fn note_overflow(&mut self, peer: &PeerId) {
        self.overflowed.push(peer.clone());
    }

    /// Sends what has room now, if it is time. Returns the peers that are gone.
    pub(super) fn retry(&mut self, now: Instant, router: &zmq::Socket) -> Vec<PeerId> {
        let mut gone = Vec::new();
        if self.retry_at.is_none_or(|at| at > now) {
            return gone;
        }
        self.by_peer.retain(|peer, outbox| match outbox.flush(router) {
            Sent::Yes => false,
            Sent::Full => true,
            Sent::NoPeer => {
                gone.push(peer.clone());
                false
            }
        });
        self.retry_at = (!self.by_peer.is_empty()).then(|| now + OUTBOX_RETRY);
        gone
    }

    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    pub(super) fn has_overflowed(&self, peer: &PeerId) -> bool {
        self.overflowed.contains(peer)
    }

    pub(super) fn forget_overflows(&mut self) {
        self.overflowed.clear();
    }
}

impl Outbox {
    /// Keeps a message; returns whether it is still within bounds.
    fn push(&mut self, frames: Vec<Frame>) -> bool {
        self.bytes += size(&frames);
        self.messages.push_back(frames);
        self.messages.len() <= limits::OUTBOX_MESSAGES && self.bytes <= limits::OUTBOX_BYTES
    }

    /// Sends until all is sent, or nothing more can be.
    fn flush(&mut self, router: &zmq::Socket) -> Sent {
        while let Some(mut frames) = self.messages.pop_front() {
            let bytes = size(&frames);
            match send(router, &mut frames) {
                Sent::Yes => self.bytes -= bytes,
                Sent::Full => {
                    self.messages.push_front(frames);
                    return Sent::Full;
                }
                Sent::NoPeer => return Sent::NoPeer,
            }
        }
        Sent::Yes
    }
}

fn size(frames: &[Frame]) -> usize {
    frames.iter().map(|frame| frame.len()).sum()
}
