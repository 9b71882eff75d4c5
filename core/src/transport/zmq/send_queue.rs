//! Send queues: messages for slow peers, in order and within bounds.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use pigato_frame::Frame;

use super::socket::{send, Sent};
use crate::limits;
use crate::protocol::PeerId;
use crate::transport::delivery::Delivery;
use crate::transport::settings::SEND_RETRY;

/// The send queues of a broker's peers. A queue exists while it holds messages.
#[derive(Default)]
pub(crate) struct SendQueues {
    by_peer: HashMap<PeerId, SendQueue>,
    retry_at: Option<Instant>,
}

#[derive(Default)]
struct SendQueue {
    messages: VecDeque<Vec<Frame>>,
    bytes: usize,
}

impl SendQueues {
    /// Sends a message, whose first frame is the peer's identity, behind what already waits for the peer. Leaves `frames` empty.
    pub(crate) fn send(
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
        self.retry_at.get_or_insert(now + SEND_RETRY);
        if is_within_bounds {
            return Delivery::Done;
        }
        self.by_peer.remove(peer);
        Delivery::Overflow
    }

    /// Sends what has room now, if it is time to try. Returns the peers that are gone.
    pub(crate) fn retry(&mut self, now: Instant, router: &zmq::Socket) -> Vec<PeerId> {
        let mut gone = Vec::new();
        if self.retry_at.is_none_or(|at| at > now) {
            return gone;
        }
        self.by_peer.retain(|peer, queue| match queue.flush(router) {
            Sent::Yes => false,
            Sent::Full => true,
            Sent::NoPeer => {
                gone.push(peer.clone());
                false
            }
        });
        self.retry_at = (!self.by_peer.is_empty()).then(|| now + SEND_RETRY);
        gone
    }

    pub(crate) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }
}

impl SendQueue {
    /// Queues a message. Returns whether the queue is still within its bounds.
    fn push(&mut self, frames: Vec<Frame>) -> bool {
        self.bytes += size(&frames);
        self.messages.push_back(frames);
        self.messages.len() <= limits::SEND_QUEUE_MESSAGES && self.bytes <= limits::SEND_QUEUE_BYTES
    }

    /// Sends until the queue is empty or there is no room.
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
