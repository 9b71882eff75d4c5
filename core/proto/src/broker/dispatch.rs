//! Assigns requests to free workers.
//!
//! Invariant after every input: if a worker has room, no request waits that it may take. Therefore:
//!
//! - a new request looks for a free worker once ([`Machine::place`]);
//! - a worker that gets room looks for the oldest waiting request once per free slot
//!   ([`Machine::serve`]);
//! - a queue that gets other workers looks for both until one of them runs out
//!   ([`Machine::serve_queue`]).
//!
//! The only exception is work deferred because too many requests expired at once (see
//! [`expiry`](super::expiry)). Debug builds check this (see `invariants`).

use std::collections::BTreeMap;
use std::time::Instant;

use hashbrown::HashMap;

use super::directory::is_directory;
use super::expiry::ServeTarget;
use super::keys::{QueueKey, RequestKey, WorkerKey};
use super::output::{Message, Output, Queued};
use super::rejecters::Rejecters;
use super::requests::Location;
use super::Machine;
use crate::config::Timeout;
use crate::error::ErrorCode;
use crate::protocol::{BrokerToWorker, Metadata, PeerId};

/// Requests whose target worker cannot take them now, by worker id and in order of arrival.
pub(super) type Orphans = HashMap<String, BTreeMap<u64, RequestKey>, foldhash::quality::FixedState>;

impl Machine {
    /// Dispatches an unplaced request, queues it, or fails it if it does not wait.
    pub(super) fn place(&mut self, now: Instant, key: RequestKey) {
        if self.requests[key].settings.worker_id.is_some() {
            return self.place_targeted(now, key);
        }
        let queue = self.routing.queue(&self.requests[key].service);
        if let Some(worker) = self.best_worker(queue, key) {
            self.dispatch(now, key, worker);
            return self.routing.tidy(queue);
        }
        let nobody = self.reason_unservable(queue, &self.requests[key].rejecters);
        if let Some(code) = nobody.and_then(|code| self.reason_not_to_wait(key, code)) {
            self.routing.tidy(queue);
            return self.fail(now, key, code);
        }
        self.enqueue(queue, key);
    }

    /// Requeues a request whose worker is gone. Returns the queue to serve then; `None` if the
    /// request names its worker.
    pub(super) fn requeue(&mut self, now: Instant, key: RequestKey) -> Option<QueueKey> {
        if self.requests[key].settings.worker_id.is_some() {
            self.place_targeted(now, key);
            return None;
        }
        let queue = self.routing.queue(&self.requests[key].service);
        self.enqueue(queue, key);
        Some(queue)
    }

    fn enqueue(&mut self, queue: QueueKey, key: RequestKey) {
        let request = &mut self.requests[key];
        debug_assert_eq!(request.location, Location::Unplaced);
        request.location = Location::Queued(queue);
        self.routing.enqueue(queue, key, request);
    }

    fn place_targeted(&mut self, now: Instant, key: RequestKey) {
        let request = &self.requests[key];
        debug_assert_eq!(request.location, Location::Unplaced);
        let Some(target) = request.settings.worker_id.clone() else { return };
        let worker = self.workers.find_by_text(&self.hasher, &target).filter(|worker| self.serves(*worker, key));
        let sequence = request.sequence;
        let rejected = worker.is_some_and(|worker| request.rejecters.contains(worker));
        match worker {
            Some(worker) if !rejected && self.workers[worker].has_room() => self.dispatch(now, key, worker),
            Some(worker) if !rejected => {
                self.workers[worker].targeted.insert(sequence, key);
                self.requests[key].location = Location::Targeted(worker);
            }
            _ => {
                let nobody = if rejected { ErrorCode::Rejected } else { ErrorCode::NoWorker };
                if let Some(code) = self.reason_not_to_wait(key, nobody) {
                    return self.fail(now, key, code);
                }
                self.orphans.entry(target).or_default().insert(sequence, key);
                self.requests[key].location = Location::Orphaned;
            }
        }
    }

    pub(super) fn serves(&self, worker: WorkerKey, request: RequestKey) -> bool {
        let worker = &self.workers[worker];
        let Some(pool) = self.routing.pools.get(worker.pool) else { return false };
        pool.offer.covers(&pool.name, &self.requests[request].service)
    }

    /// The error code if none of the registered workers can ever take a request of this queue.
    pub(super) fn reason_unservable(&self, queue: QueueKey, rejecters: &Rejecters) -> Option<ErrorCode> {
        let pools = &self.routing.queues[queue].pools;
        if pools.is_empty() {
            return Some(ErrorCode::NoWorker);
        }
        let mut workers = pools.iter().flat_map(|pool| &self.routing.pools[*pool].workers);
        workers.all(|worker| rejecters.contains(*worker)).then_some(ErrorCode::Rejected)
    }

    /// The error code if a request that no registered worker can take must not wait for others:
    /// because the broker is draining, or because the request fails fast (then the code is
    /// `nobody`).
    pub(super) fn reason_not_to_wait(&self, key: RequestKey, nobody: ErrorCode) -> Option<ErrorCode> {
        if self.drain.is_some() {
            return Some(ErrorCode::Draining);
        }
        self.requests[key].settings.fail_fast.then_some(nobody)
    }

    /// The best free worker for a request of this queue. A worker with a tombstone of the same
    /// client and id comes last: the broker could not tell apart its replies to the two requests.
    fn best_worker(&mut self, queue: QueueKey, key: RequestKey) -> Option<WorkerKey> {
        let tombstone_hash = self.tombstone_hash_of(key);
        let (routing, workers, rejecters) = (&self.routing, &self.workers, &self.requests[key].rejecters);
        let may_have = |worker: WorkerKey| !rejecters.contains(worker);
        let is_clear = |worker: WorkerKey| may_have(worker) && !workers[worker].tombstones.contains(tombstone_hash);
        let clear = routing.best_worker(queue, is_clear, &mut self.entropy);
        clear.or_else(|| routing.best_worker(queue, may_have, &mut self.entropy))
    }

    /// Takes a request out of its location. Its former worker regains a slot but is not served.
    pub(super) fn withdraw(&mut self, key: RequestKey) {
        let request = &mut self.requests[key];
        let sequence = request.sequence;
        match std::mem::replace(&mut request.location, Location::Unplaced) {
            Location::Unplaced => {}
            Location::Queued(queue) => {
                self.routing.dequeue(queue, request);
                self.routing.tidy(queue);
            }
            Location::Targeted(worker) => {
                let removed = self.workers[worker].targeted.remove(&sequence);
                debug_assert_eq!(removed, Some(key));
            }
            Location::Orphaned => {
                let target = request.settings.worker_id.as_deref().unwrap_or_default();
                if let Some(waiting) = self.orphans.get_mut(target) {
                    let removed = waiting.remove(&sequence);
                    debug_assert_eq!(removed, Some(key));
                    if waiting.is_empty() {
                        self.orphans.remove(target);
                    }
                }
            }
            Location::InFlight { worker, slot } => {
                request.dispatched_as = None;
                self.requests.in_flight -= 1;
                let in_flight = &mut self.workers[worker].in_flight;
                let removed = in_flight.swap_remove(slot);
                debug_assert_eq!(removed, key);
                if let Some(moved) = in_flight.get(slot).copied() {
                    self.requests[moved].location = Location::InFlight { worker, slot };
                }
                self.update_free(worker);
            }
        }
    }

    /// Sends an unplaced request to a worker that has room.
    pub(super) fn dispatch(&mut self, now: Instant, key: RequestKey, worker_key: WorkerKey) {
        self.statistics.dispatches += 1;
        let worker = &mut self.workers[worker_key];
        debug_assert!(worker.has_room());
        debug_assert!(!self.requests[key].rejecters.contains(worker_key));
        debug_assert_eq!(self.requests[key].location, Location::Unplaced);
        self.dispatch_clock += 1;
        worker.last_used = self.dispatch_clock;
        let slot = worker.in_flight.len();
        worker.in_flight.push(key);
        self.requests.in_flight += 1;

        let request = &mut self.requests[key];
        request.location = Location::InFlight { worker: worker_key, slot };
        request.attempt += 1;
        let metadata = worker.capabilities.map(|capabilities| Metadata {
            remaining: request
                .expires_at
                .map_or(Timeout::Never, |at| Timeout::After(at.saturating_duration_since(now))),
            attempt: request.attempt,
            credit: request.open_credit().filter(|_| capabilities.credit),
        });
        let peer = worker.peer.clone();
        let message = BrokerToWorker::Request {
            client: self.clients[request.client].peer.clone(),
            service: request.service.clone(),
            id: request.id.clone(),
            data: request.data.clone(),
            options: request.options.clone(),
            extra: request.extra.clone(),
            metadata,
        };
        self.emit_dispatched(now, key);
        let output = Output::Send { peer, message: Message::Worker(message) };
        self.outputs.push_back(Queued { output, request: Some(key) });
        self.unpolled_dispatches += 1;
        self.update_free(worker_key);
    }

    /// Removes the unpolled messages to a lost worker. Returns the requests that were never sent to
    /// it, sorted by key. `is_unreachable`: the last polled output did not reach it either.
    pub(super) fn take_unsent(&mut self, peer: &PeerId, is_unreachable: bool) -> Vec<RequestKey> {
        let mut unsent: Vec<RequestKey> = self.last_polled.filter(|_| is_unreachable).into_iter().collect();
        if self.unpolled_dispatches == 0 {
            return unsent;
        }
        self.outputs.retain(|queued| match (&queued.output, queued.request) {
            (Output::Send { peer: to, .. }, Some(request)) if *to == *peer => {
                unsent.push(request);
                self.statistics.dispatches -= 1;
                self.unpolled_dispatches -= 1;
                false
            }
            _ => true,
        });
        unsent.sort_unstable();
        unsent
    }

    /// Updates a worker's entry in its pool's free set.
    pub(super) fn update_free(&mut self, key: WorkerKey) {
        let Some(worker) = self.workers.get_mut(key) else { return };
        let rank = worker.has_room().then(|| worker.rank());
        if rank == worker.free_rank {
            return;
        }
        let former = std::mem::replace(&mut worker.free_rank, rank);
        let Some(pool) = self.routing.pools.get_mut(worker.pool) else { return };
        if let Some(rank) = former {
            pool.free.remove(rank, key);
        }
        if let Some(rank) = rank {
            pool.free.insert(rank, key);
        }
    }

    /// Fills a worker's free slots with the oldest requests that it may take.
    pub(super) fn serve(&mut self, now: Instant, worker: WorkerKey) {
        while let Some(request) = self.next_for(worker) {
            if !self.dispatch_or_expire(now, request, worker, ServeTarget::Worker(worker)) {
                return;
            }
        }
    }

    fn next_for(&self, key: WorkerKey) -> Option<RequestKey> {
        let worker = self.workers.get(key).filter(|worker| worker.has_room())?;
        let targeted = worker.targeted.first_key_value().map(|(sequence, request)| (*sequence, *request));
        let pooled = self.routing.pools.get(worker.pool).and_then(|pool| {
            let (sequence, queue, lane) = pool.oldest_for(key)?;
            Some((sequence, self.routing.queues[queue].at(lane, sequence)?))
        });
        let oldest = match (targeted, pooled) {
            (Some(targeted), Some(pooled)) => targeted.min(pooled),
            (targeted, pooled) => targeted.or(pooled)?,
        };
        Some(oldest.1)
    }

    /// Dispatches the requests of a queue to free workers, oldest first.
    pub(super) fn serve_queue(&mut self, now: Instant, queue: QueueKey) {
        while let Some((request, worker)) = self.next_in(queue) {
            if !self.dispatch_or_expire(now, request, worker, ServeTarget::Queue(queue)) {
                return;
            }
        }
        self.routing.tidy(queue);
    }

    fn next_in(&mut self, queue: QueueKey) -> Option<(RequestKey, WorkerKey)> {
        let heads = self.routing.queues.get(queue)?.heads();
        let mut heads: Vec<(u64, Rejecters)> = heads.map(|(lane, sequence)| (sequence, lane.clone())).collect();
        heads.sort_unstable();
        heads.into_iter().find_map(|(sequence, lane)| {
            let request = self.routing.queues[queue].at(&lane, sequence)?;
            Some((request, self.best_worker(queue, request)?))
        })
    }

    /// Fails the requests of a queue that no registered worker can take and that do not wait.
    pub(super) fn fail_unservable(&mut self, now: Instant, queue: QueueKey) {
        let Some(entry) = self.routing.queues.get(queue) else { return };
        if !entry.has_fail_fast() && self.drain.is_none() && !is_directory(&entry.name) {
            return;
        }
        let lanes = entry.lanes().filter_map(|(lane, requests)| Some((self.reason_unservable(queue, lane)?, requests)));
        let unservable: Vec<(RequestKey, ErrorCode)> =
            lanes.flat_map(|(nobody, requests)| requests.map(move |request| (request, nobody))).collect();
        for (key, nobody) in unservable {
            let request = &self.requests[key];
            if let Some(answer) = self.directory_answer(&request.service, &request.data) {
                self.conclude(now, key, answer);
            } else if let Some(code) = self.reason_not_to_wait(key, nobody) {
                self.fail(now, key, code);
            }
        }
    }

    /// Assigns to a new worker the requests that wait for it by id.
    pub(super) fn adopt_orphans(&mut self, key: WorkerKey) {
        let text = self.workers[key].text.clone();
        let Some(waiting) = self.orphans.remove(&text) else { return };
        let (served, others) =
            waiting.into_iter().partition::<BTreeMap<_, _>, _>(|(_, request)| self.serves(key, *request));
        for request in served.values() {
            self.requests[*request].location = Location::Targeted(key);
        }
        self.workers[key].targeted = served;
        if !others.is_empty() {
            self.orphans.insert(text, others);
        }
    }
}
