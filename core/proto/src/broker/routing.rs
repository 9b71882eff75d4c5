//! Bindings between queues and pools.
//!
//! A queue is bound to the pool of its exact name; without one, to the longest wildcard that covers
//! it, or for a version range to every version that satisfies it. Bindings change only when a pool
//! opens or closes, so that a dispatch never searches.

use std::collections::BTreeMap;
use std::ops::Bound;

use hashbrown::HashMap;
use slotmap::SlotMap;

use super::keys::{PoolKey, QueueKey, RequestKey, WorkerKey};
use super::pattern::{Ask, Offer};
use super::pool::Pool;
use super::queue::Queue;
use super::rejecters::Rejecters;
use super::requests::RequestRecord;
use super::workers::FreeRank;
use crate::config::DispatchMode;
use crate::entropy::Entropy;
use crate::index::{ByteHasher, Index};
use crate::protocol::ServiceName;

/// Empty queues that are kept for the next request. Binding a new queue costs half as much as a
/// dispatch; a broker with thousands of services pays that once per name.
const IDLE_QUEUES: usize = 16_384;

type ByBytes<V> = HashMap<Vec<u8>, V, foldhash::quality::FixedState>;

#[derive(Debug)]
pub(super) struct Routing {
    mode: DispatchMode,
    hasher: ByteHasher,
    pub(super) pools: SlotMap<PoolKey, Pool>,
    pub(super) pools_by_name: BTreeMap<ServiceName, PoolKey>,
    pub(super) queues: SlotMap<QueueKey, Queue>,
    queues_by_hash: Index<QueueKey>,
    /// Queues that a wildcard may cover, sorted by name.
    plain_queues: BTreeMap<Vec<u8>, QueueKey>,
    /// Queues for version ranges, by the name before the `@`.
    range_queues: ByBytes<Vec<QueueKey>>,
    /// Pools of versions, by the name before the `@`.
    version_pools: ByBytes<Vec<PoolKey>>,
    /// Number of wildcard pools per length of their prefix.
    prefix_lengths: BTreeMap<usize, usize>,
}

impl Routing {
    pub(super) fn new(mode: DispatchMode, hasher: ByteHasher) -> Self {
        Self {
            mode,
            hasher,
            pools: SlotMap::default(),
            pools_by_name: BTreeMap::new(),
            queues: SlotMap::default(),
            queues_by_hash: Index::default(),
            plain_queues: BTreeMap::new(),
            range_queues: ByBytes::default(),
            version_pools: ByBytes::default(),
            prefix_lengths: BTreeMap::new(),
        }
    }

    /// Adds a worker to the pool of its service. A new pool takes over the queues that it serves.
    pub(super) fn join(&mut self, service: &ServiceName, worker: WorkerKey) -> PoolKey {
        let key = match self.pools_by_name.get(service) {
            Some(key) => *key,
            None => self.open_pool(service),
        };
        self.pools[key].workers.insert(worker);
        key
    }

    fn open_pool(&mut self, service: &ServiceName) -> PoolKey {
        let name = service.detached();
        let key = self.pools.insert(Pool::new(name.clone(), self.mode));
        self.pools_by_name.insert(name, key);
        match self.pools[key].offer.clone() {
            Offer::Exact => {}
            Offer::Wildcard { prefix } => *self.prefix_lengths.entry(prefix.len()).or_default() += 1,
            Offer::Version { base, .. } => self.version_pools.entry(base).or_default().push(key),
        }
        for queue in self.queues_in_reach(key) {
            self.bind(queue);
        }
        key
    }

    /// The best free worker of a queue's pools for which `may_have` holds.
    pub(super) fn best_worker(
        &self,
        queue: QueueKey,
        may_have: impl Fn(WorkerKey) -> bool,
        entropy: &mut Entropy,
    ) -> Option<WorkerKey> {
        let mut best: Option<(FreeRank, WorkerKey)> = None;
        for pool in &self.queues[queue].pools {
            let candidate = self.pools[*pool].free.best(&may_have, entropy);
            best = match (best, candidate) {
                (Some(best), Some(candidate)) => Some(best.min(candidate)),
                (best, candidate) => best.or(candidate),
            };
        }
        best.map(|(_, worker)| worker)
    }

    /// Queues that a pool may serve.
    fn queues_in_reach(&self, pool: PoolKey) -> Vec<QueueKey> {
        let pool = &self.pools[pool];
        let mut reach: Vec<QueueKey> = match &pool.offer {
            Offer::Exact => Vec::new(),
            Offer::Wildcard { prefix } => self
                .plain_queues
                .range::<[u8], _>((Bound::Included(prefix.as_slice()), Bound::Unbounded))
                .take_while(|(queue, _)| queue.starts_with(prefix))
                .map(|(_, key)| *key)
                .collect(),
            Offer::Version { base, .. } => self.range_queues.get(base).cloned().unwrap_or_default(),
        };
        reach.extend(self.find_queue(&pool.name));
        reach
    }

    /// Removes a worker from its pool. Returns the queues to serve again: if the pool closes, all
    /// that it served; otherwise those with rejected requests.
    pub(super) fn leave(&mut self, pool: PoolKey, worker: WorkerKey) -> Vec<QueueKey> {
        let Some(entry) = self.pools.get_mut(pool) else { return Vec::new() };
        entry.workers.remove(&worker);
        if !entry.workers.is_empty() {
            return entry.queues_with_rejected();
        }
        let Some(gone) = self.pools.remove(pool) else { return Vec::new() };
        self.pools_by_name.remove(&gone.name);
        match gone.offer {
            Offer::Exact => {}
            Offer::Wildcard { prefix } => {
                let count = self.prefix_lengths.entry(prefix.len()).or_default();
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.prefix_lengths.remove(&prefix.len());
                }
            }
            Offer::Version { base, .. } => remove_from(&mut self.version_pools, &base, pool),
        }
        let queues: Vec<QueueKey> = gone.queues.into_iter().collect();
        for queue in &queues {
            self.bind(*queue);
        }
        queues
    }

    /// The pools that serve a name now.
    fn pools_for(&self, name: &ServiceName, ask: &Ask) -> Vec<PoolKey> {
        if let Some(pool) = self.pools_by_name.get(name) {
            return vec![*pool];
        }
        match ask {
            Ask::Exact => Vec::new(),
            Ask::Plain => self.longest_wildcard(name.as_bytes()).into_iter().collect(),
            Ask::Range { base, range } => {
                let versions = self.version_pools.get(base).map(Vec::as_slice).unwrap_or_default();
                let satisfies = |pool: &&PoolKey| match &self.pools[**pool].offer {
                    Offer::Version { version, .. } => range.satisfies(version),
                    _ => false,
                };
                versions.iter().filter(satisfies).copied().collect()
            }
        }
    }

    fn longest_wildcard(&self, name: &[u8]) -> Option<PoolKey> {
        let lengths = self.prefix_lengths.range(..=name.len()).rev();
        lengths.into_iter().find_map(|(length, _)| {
            let wildcard = [&name[..*length], b"*"].concat();
            let wildcard = ServiceName::new(wildcard.into())?;
            self.pools_by_name.get(&wildcard).copied()
        })
    }

    /// Binds a queue to the pools that serve it now.
    fn bind(&mut self, key: QueueKey) {
        let queue = &self.queues[key];
        let pools = self.pools_for(&queue.name, &queue.ask);
        if pools == queue.pools {
            return;
        }
        let heads: Vec<(Rejecters, u64)> = queue.heads().map(|(lane, head)| (lane.clone(), head)).collect();
        let former = std::mem::replace(&mut self.queues[key].pools, pools.clone());
        for pool in former {
            let Some(pool) = self.pools.get_mut(pool) else { continue };
            pool.queues.remove(&key);
            for (lane, head) in &heads {
                pool.head_changed(key, lane, Some(*head), None);
            }
        }
        for pool in pools {
            let pool = &mut self.pools[pool];
            pool.queues.insert(key);
            for (lane, head) in &heads {
                pool.head_changed(key, lane, None, Some(*head));
            }
        }
    }

    pub(super) fn find_queue(&self, name: &ServiceName) -> Option<QueueKey> {
        let mut candidates = self.queues_by_hash.candidates(self.hasher.hash(name.as_bytes()));
        candidates.find(|key| self.queues[*key].name == *name)
    }

    /// The queue of a name, created if it does not exist.
    pub(super) fn queue(&mut self, name: &ServiceName) -> QueueKey {
        if let Some(key) = self.find_queue(name) {
            return key;
        }
        let name = name.detached();
        let key = self.queues.insert(Queue::new(name.clone()));
        self.queues_by_hash.insert(self.hasher.hash(name.as_bytes()), key);
        match &self.queues[key].ask {
            Ask::Plain => {
                self.plain_queues.insert(name.as_bytes().to_vec(), key);
            }
            Ask::Range { base, .. } => self.range_queues.entry(base.clone()).or_default().push(key),
            Ask::Exact => {}
        }
        self.bind(key);
        key
    }

    /// Removes an empty queue, unless it is worth keeping for the next request.
    pub(super) fn tidy(&mut self, key: QueueKey) {
        let Some(queue) = self.queues.get(key) else { return };
        if !queue.is_empty() || (!queue.pools.is_empty() && self.queues.len() <= IDLE_QUEUES) {
            return;
        }
        let Some(queue) = self.queues.remove(key) else { return };
        self.queues_by_hash.remove(self.hasher.hash(queue.name.as_bytes()), key);
        match &queue.ask {
            Ask::Plain => {
                self.plain_queues.remove(queue.name.as_bytes());
            }
            Ask::Range { base, .. } => remove_from(&mut self.range_queues, base, key),
            Ask::Exact => {}
        }
        for pool in queue.pools {
            self.pools[pool].queues.remove(&key);
        }
    }

    pub(super) fn enqueue(&mut self, queue: QueueKey, key: RequestKey, request: &RequestRecord) {
        let (before, after) = self.queues[queue].insert(key, request);
        self.head_changed(queue, &request.rejecters, before, after);
    }

    pub(super) fn dequeue(&mut self, queue: QueueKey, request: &RequestRecord) {
        let (before, after) = self.queues[queue].remove(request);
        self.head_changed(queue, &request.rejecters, before, after);
    }

    fn head_changed(&mut self, key: QueueKey, lane: &Rejecters, before: Option<u64>, after: Option<u64>) {
        if before != after {
            for pool in &self.queues[key].pools {
                self.pools[*pool].head_changed(key, lane, before, after);
            }
        }
    }
}

fn remove_from<K: Copy + PartialEq>(map: &mut ByBytes<Vec<K>>, base: &[u8], key: K) {
    if let Some(keys) = map.get_mut(base) {
        keys.retain(|other| *other != key);
        if keys.is_empty() {
            map.remove(base);
        }
    }
}
