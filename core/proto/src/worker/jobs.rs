//! The jobs of a worker: requests that it has received and not finished.

use std::collections::VecDeque;

use crate::entropy::Entropy;
use crate::index::{ByteHasher, Index, Map};
use crate::protocol::{Payload, PeerId, ReplyKind, RequestId};

/// The number by which the user names a job. A worker never reuses one.
pub type RequestNumber = u64;

/// A request while the worker has it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) client: PeerId,
    pub(super) id: RequestId,
    /// Partial replies that may still be sent; `None`: any number.
    credit: Option<u64>,
    /// Replies that wait for credit, and the replies behind them.
    pub(super) backlog: VecDeque<(ReplyKind, Payload)>,
}

impl Job {
    pub(super) fn new(client: PeerId, id: RequestId, credit: Option<u32>) -> Self {
        Self { client, id, credit: credit.map(u64::from), backlog: VecDeque::new() }
    }

    /// Whether the user has given the final reply, which may still wait for credit.
    pub(super) fn is_answered(&self) -> bool {
        self.backlog.back().is_some_and(|(kind, _)| *kind == ReplyKind::Final)
    }

    /// Returns the reply if it may be sent now, and queues it otherwise.
    pub(super) fn submit(&mut self, kind: ReplyKind, payload: Payload) -> Option<Payload> {
        if self.backlog.is_empty() && self.spend(kind) {
            return Some(payload);
        }
        self.backlog.push_back((kind, payload));
        None
    }

    /// The next queued reply, if the credit allows it.
    pub(super) fn next_reply(&mut self) -> Option<(ReplyKind, Payload)> {
        let kind = self.backlog.front()?.0;
        if self.spend(kind) {
            self.backlog.pop_front()
        } else {
            None
        }
    }

    /// Takes the credit for a reply of this kind. Returns whether there was enough.
    fn spend(&mut self, kind: ReplyKind) -> bool {
        match (kind, &mut self.credit) {
            (ReplyKind::Partial, Some(0)) => return false,
            (ReplyKind::Partial, Some(credit)) => *credit -= 1,
            _ => {}
        }
        true
    }
}

/// All jobs of a worker, by number and by client and request id.
#[derive(Debug)]
pub(super) struct Jobs {
    slots: Map<RequestNumber, Job>,
    hasher: ByteHasher,
    by_id: Index<RequestNumber>,
    next_number: RequestNumber,
}

impl Jobs {
    pub(super) fn new(entropy: &mut Entropy) -> Self {
        let hasher = ByteHasher::new(entropy.number());
        Self { slots: Map::default(), hasher, by_id: Index::default(), next_number: 0 }
    }

    fn hash(&self, client: &PeerId, id: &RequestId) -> u64 {
        self.hasher.hash_pair(client.as_bytes(), id.as_bytes())
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn find(&self, client: &PeerId, id: &RequestId) -> Option<RequestNumber> {
        let mut candidates = self.by_id.candidates(self.hash(client, id));
        candidates.find(|number| {
            let job = &self.slots[number];
            job.client == *client && job.id == *id
        })
    }

    pub(super) fn get_mut(&mut self, number: RequestNumber) -> Option<&mut Job> {
        self.slots.get_mut(&number)
    }

    pub(super) fn insert(&mut self, job: Job) -> RequestNumber {
        self.next_number += 1;
        self.by_id.insert(self.hash(&job.client, &job.id), self.next_number);
        self.slots.insert(self.next_number, job);
        self.next_number
    }

    pub(super) fn remove(&mut self, number: RequestNumber) -> Option<Job> {
        let job = self.slots.remove(&number)?;
        self.by_id.remove(self.hash(&job.client, &job.id), number);
        Some(job)
    }

    /// Adds credit to a job. A job without a limit has one from then on.
    pub(super) fn add_credit(&mut self, number: RequestNumber, partials: u32) {
        if let Some(job) = self.slots.get_mut(&number) {
            job.credit = Some(job.credit.unwrap_or(0).saturating_add(u64::from(partials)));
        }
    }

    /// Removes all jobs and returns their numbers, the oldest first.
    pub(super) fn clear(&mut self) -> Vec<RequestNumber> {
        let mut numbers: Vec<RequestNumber> = self.slots.drain().map(|(number, _)| number).collect();
        self.by_id = Index::default();
        numbers.sort_unstable();
        numbers
    }
}
