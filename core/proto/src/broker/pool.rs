//! Pools: the workers that offer one name, and the queues they serve. A pool exists while it has a
//! worker.

use std::collections::{BTreeMap, BTreeSet};

use slotmap::SparseSecondaryMap;

use super::keys::{QueueKey, WorkerKey};
use super::pattern::Offer;
use super::rejecters::Rejecters;
use super::workers::FreeRank;
use crate::config::DispatchMode;
use crate::entropy::Entropy;
use crate::protocol::ServiceName;

#[derive(Debug)]
pub(super) struct Pool {
    pub(super) name: ServiceName,
    pub(super) offer: Offer,
    pub(super) workers: BTreeSet<WorkerKey>,
    pub(super) free: FreeSet,
    /// The queues that are bound to this pool.
    pub(super) queues: BTreeSet<QueueKey>,
    /// Heads of the lanes of these queues, by the lane's rejecters.
    waiting: BTreeMap<Rejecters, BTreeSet<(u64, QueueKey)>>,
}

impl Pool {
    pub(super) fn new(name: ServiceName, mode: DispatchMode) -> Self {
        let offer = Offer::of(&name);
        Self {
            name,
            offer,
            workers: BTreeSet::new(),
            free: FreeSet::new(mode),
            queues: BTreeSet::new(),
            waiting: BTreeMap::new(),
        }
    }

    /// Updates the head of a queue's lane.
    pub(super) fn head_changed(&mut self, queue: QueueKey, lane: &Rejecters, before: Option<u64>, after: Option<u64>) {
        if before == after {
            return;
        }
        if !self.waiting.contains_key(lane) {
            self.waiting.insert(lane.clone(), BTreeSet::new());
        }
        let heads = self.waiting.get_mut(lane).expect("just made");
        if let Some(sequence) = before {
            let was_head = heads.remove(&(sequence, queue));
            debug_assert!(was_head);
        }
        if let Some(sequence) = after {
            heads.insert((sequence, queue));
        }
        if heads.is_empty() {
            self.waiting.remove(lane);
        }
    }

    #[cfg(debug_assertions)]
    pub(super) fn heads(&self) -> usize {
        self.waiting.values().map(BTreeSet::len).sum()
    }

    #[cfg(debug_assertions)]
    pub(super) fn has_head(&self, lane: &Rejecters, sequence: u64, queue: QueueKey) -> bool {
        self.waiting.get(lane).is_some_and(|heads| heads.contains(&(sequence, queue)))
    }

    /// The queues with requests that a worker rejected.
    pub(super) fn queues_with_rejected(&self) -> Vec<QueueKey> {
        let rejected = self.waiting.iter().filter(|(lane, _)| !lane.is_empty());
        rejected.flat_map(|(_, heads)| heads.iter().map(|(_, queue)| *queue)).collect()
    }

    /// The oldest waiting request that this worker may take.
    pub(super) fn oldest_for(&self, worker: WorkerKey) -> Option<(u64, QueueKey, &Rejecters)> {
        self.waiting
            .iter()
            .filter(|(lane, _)| !lane.contains(worker))
            .filter_map(|(lane, heads)| heads.first().map(|(sequence, queue)| (*sequence, *queue, lane)))
            .min_by_key(|(sequence, ..)| *sequence)
    }
}

/// The workers of a pool that have room.
#[derive(Debug)]
pub(super) enum FreeSet {
    Load(BTreeSet<(FreeRank, WorkerKey)>),
    Random { list: Vec<WorkerKey>, positions: SparseSecondaryMap<WorkerKey, usize> },
}

impl FreeSet {
    fn new(mode: DispatchMode) -> Self {
        match mode {
            DispatchMode::Load => Self::Load(BTreeSet::new()),
            DispatchMode::Random => Self::Random { list: Vec::new(), positions: SparseSecondaryMap::new() },
        }
    }

    pub(super) fn insert(&mut self, rank: FreeRank, worker: WorkerKey) {
        match self {
            Self::Load(workers) => {
                let is_new = workers.insert((rank, worker));
                debug_assert!(is_new);
            }
            Self::Random { list, positions } => {
                let former = positions.insert(worker, list.len());
                debug_assert_eq!(former, None);
                list.push(worker);
            }
        }
    }

    pub(super) fn remove(&mut self, rank: FreeRank, worker: WorkerKey) {
        match self {
            Self::Load(workers) => {
                let was_free = workers.remove(&(rank, worker));
                debug_assert!(was_free);
            }
            Self::Random { list, positions } => {
                if let Some(position) = positions.remove(worker) {
                    list.swap_remove(position);
                    if let Some(moved) = list.get(position) {
                        positions.insert(*moved, position);
                    }
                }
            }
        }
    }

    #[cfg(debug_assertions)]
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Load(workers) => workers.len(),
            Self::Random { list, .. } => list.len(),
        }
    }

    #[cfg(debug_assertions)]
    pub(super) fn contains(&self, rank: FreeRank, worker: WorkerKey) -> bool {
        match self {
            Self::Load(workers) => workers.contains(&(rank, worker)),
            Self::Random { list, positions } => {
                positions.get(worker).is_some_and(|position| list.get(*position) == Some(&worker))
            }
        }
    }

    /// The best free worker for which `may_have` holds, with the rank that compares it to the best
    /// of other pools.
    pub(super) fn best(
        &self,
        may_have: impl Fn(WorkerKey) -> bool,
        entropy: &mut Entropy,
    ) -> Option<(FreeRank, WorkerKey)> {
        match self {
            Self::Load(workers) => workers.iter().find(|(_, worker)| may_have(*worker)).copied(),
            Self::Random { list, .. } => {
                if list.is_empty() {
                    return None;
                }
                let start = entropy.below(list.len());
                let turned = list[start..].iter().chain(&list[..start]);
                let worker = turned.copied().find(|worker| may_have(*worker))?;
                Some(((entropy.below(usize::MAX), 0), worker))
            }
        }
    }
}
