//! Checks the broker's whole state in debug builds.
//!
//! Each list is compared in one direction entry by entry and in the other by its length, so that a
//! check allocates nothing in nearly all cases.

use super::keys::{QueueKey, RequestKey, WorkerKey};
use super::requests::{Location, RequestRecord};
use super::workers::WorkerRecord;
use super::Machine;
use crate::limits;

/// Records that each input pays for: a state with more of them is checked after every n-th input.
const RECORDS_PER_INPUT: usize = 32;

/// A state with more records is not checked: tests with a million requests would become slow.
const MAX_RECORDS: usize = 4_096;

impl Machine {
    /// Checks what holds after every input, if enough inputs have passed since the last check.
    pub(super) fn check_invariants(&mut self) {
        self.unchecked_inputs += 1;
        let records = self.records();
        if records > MAX_RECORDS || self.unchecked_inputs * RECORDS_PER_INPUT < records {
            return;
        }
        self.unchecked_inputs = 0;
        self.check_workers();
        self.check_pools();
        self.check_queues();
        self.check_requests();
        self.check_clients();
        self.check_outputs();
        self.cache.check_invariants();
        self.disconnected.check_invariants();
        self.publication.check_invariants(&self.timers);
    }

    fn records(&self) -> usize {
        let peers = self.workers.len() + self.clients.len();
        let routes = self.routing.queues.len() + self.routing.pools.len();
        peers + routes + self.requests.len() + self.outputs.len() + self.cache.len()
    }

    fn check_workers(&self) {
        let mut in_flight = 0;
        for (key, worker) in self.workers.iter() {
            assert_eq!(self.workers.find(&self.hasher, &worker.peer), Some(key), "index of workers");
            for (slot, request) in worker.in_flight.iter().enumerate() {
                let location = self.requests[*request].location;
                assert_eq!(location, Location::InFlight { worker: key, slot }, "{request:?} in flight at {key:?}");
            }
            for (sequence, request) in &worker.targeted {
                let record = &self.requests[*request];
                assert_eq!(record.location, Location::Targeted(key), "{request:?} waits for {key:?}");
                assert_eq!(record.sequence, *sequence, "order of {request:?}");
            }
            in_flight += worker.in_flight.len();
            worker.tombstones.check_invariants();
            self.check_free(key, worker);
            self.check_worker_timer(key, worker);
        }
        assert_eq!(self.requests.in_flight, in_flight, "requests in flight");
    }

    fn check_free(&self, key: WorkerKey, worker: &WorkerRecord) {
        let pool = &self.routing.pools[worker.pool];
        assert!(pool.workers.contains(&key) && pool.name == worker.service, "pool of {key:?}");
        let rank = worker.has_room().then(|| worker.rank());
        assert_eq!(worker.free_rank, rank, "rank of {key:?}");
        if let Some(rank) = rank {
            assert!(pool.free.contains(rank, key), "{key:?} has room and is not in the free set");
        }
        if rank.is_some() && !self.budget.has_deferred() {
            assert!(worker.targeted.is_empty(), "{key:?} has room and a request waits for it");
            assert_eq!(pool.oldest_for(key), None, "{key:?} has room and a request waits in its pool");
        }
    }

    fn check_worker_timer(&self, key: WorkerKey, worker: &WorkerRecord) {
        let heartbeat = self.options.heartbeat;
        let probe_at = worker.probe_at(heartbeat) + heartbeat / limits::LIVENESS_SLACK;
        let due = worker.liveness_deadline(self.options.heartbeat_liveness).min(probe_at);
        assert!(self.timers.fires_by(&worker.armed, due), "timer of {key:?}");
    }

    fn check_pools(&self) {
        let (mut workers, mut free, mut bindings, mut heads) = (0, 0, 0, 0);
        for (key, pool) in &self.routing.pools {
            assert!(!pool.workers.is_empty(), "{key:?} has no worker");
            assert_eq!(self.routing.pools_by_name.get(&pool.name), Some(&key), "name of {key:?}");
            workers += pool.workers.len();
            free += pool.free.len();
            bindings += pool.queues.len();
            heads += pool.heads();
        }
        assert_eq!(self.routing.pools_by_name.len(), self.routing.pools.len(), "names of pools");
        assert_eq!(workers, self.workers.len(), "workers in pools");
        let has_room = self.workers.iter().filter(|(_, worker)| worker.has_room()).count();
        assert_eq!(free, has_room, "workers in free sets");
        let queues = self.routing.queues.values();
        assert_eq!(bindings, queues.clone().map(|queue| queue.pools.len()).sum::<usize>(), "bindings");
        assert_eq!(
            heads,
            queues.map(|queue| queue.pools.len() * queue.heads().count()).sum::<usize>(),
            "heads in pools"
        );
    }

    fn check_queues(&self) {
        for (key, queue) in &self.routing.queues {
            assert_eq!(self.routing.find_queue(&queue.name), Some(key), "index of queues");
            if let Some(pool) = self.routing.pools_by_name.get(&queue.name) {
                assert_eq!(queue.pools, [*pool], "{key:?} is not bound to the pool of its name");
            }
            for pool in &queue.pools {
                let pool = &self.routing.pools[*pool];
                assert!(pool.queues.contains(&key), "{key:?} is bound one way");
                assert!(queue.heads().all(|(lane, head)| pool.has_head(lane, head, key)), "heads of {key:?}");
            }
            queue.check_invariants(key, &self.requests);
            self.check_waiting(key);
        }
    }

    /// No request waits that no worker can take and that does not wait for others.
    fn check_waiting(&self, queue: QueueKey) {
        let entry = &self.routing.queues[queue];
        if self.budget.has_deferred() {
            return;
        }
        assert!(!entry.is_empty() || !entry.pools.is_empty(), "{queue:?} is of no use");
        for (lane, requests) in entry.lanes() {
            let Some(code) = self.reason_unservable(queue, lane) else { continue };
            for request in requests {
                let reason = self.reason_not_to_wait(request, code);
                assert_eq!(reason, None, "{request:?} waits and no worker can take it");
            }
        }
    }

    fn check_requests(&self) {
        let (mut bytes, mut queued, mut targeted, mut orphaned) = (0, 0, 0, 0);
        for (key, request) in self.requests.iter() {
            bytes += request.bytes;
            let client = &self.clients[request.client];
            assert_eq!(client.requests.get(request.client_slot), Some(&key), "{key:?} in its client's list");
            match request.location {
                Location::Unplaced => panic!("{key:?} is nowhere"),
                Location::Queued(_) => queued += 1,
                Location::Targeted(_) => targeted += 1,
                Location::Orphaned => {
                    orphaned += 1;
                    self.check_orphan(key, request);
                }
                Location::InFlight { worker, slot } => {
                    assert_eq!(self.workers[worker].in_flight.get(slot), Some(&key), "{key:?} at its worker");
                }
            }
            if let Some(expires_at) = request.expires_at {
                assert!(self.timers.fires_by(&request.armed, expires_at), "timer of {key:?}");
            }
        }
        assert_eq!(self.requests.bytes, bytes, "bytes of requests");
        assert_eq!(self.routing.queues.values().map(|queue| queue.len()).sum::<usize>(), queued, "requests in queues");
        assert_eq!(self.workers.iter().map(|(_, worker)| worker.targeted.len()).sum::<usize>(), targeted, "targeted");
        assert_eq!(self.orphans.values().map(|waiting| waiting.len()).sum::<usize>(), orphaned, "orphans");
        assert!(self.orphans.values().all(|waiting| !waiting.is_empty()), "an empty list of orphans");
    }

    fn check_orphan(&self, key: RequestKey, request: &RequestRecord) {
        let target = request.settings.worker_id.as_deref().unwrap_or_default();
        let entry = self.orphans.get(target).and_then(|waiting| waiting.get(&request.sequence));
        assert_eq!(entry, Some(&key), "{key:?} among the orphans");
        assert!(!request.settings.fail_fast && self.drain.is_none(), "{key:?} waits for a worker that is not there");
        let worker = self.workers.find_by_text(&self.hasher, target);
        let takes = worker.filter(|worker| self.serves(*worker, key) && !request.rejecters.contains(*worker));
        assert_eq!(takes, None, "the worker of {key:?} is there");
    }

    fn check_clients(&self) {
        let mut requests = 0;
        for (key, client) in self.clients.iter() {
            assert_eq!(self.clients.find(&self.hasher, &client.peer), Some(key), "index of clients");
            assert!(!client.requests.is_empty() || client.heartbeats.is_some(), "{key:?} is of no use");
            requests += client.requests.len();
            let deadline = client.liveness_deadline(self.options.heartbeat, self.options.heartbeat_liveness);
            if let Some(deadline) = deadline {
                assert!(self.timers.fires_by(&client.armed, deadline), "timer of {key:?}");
            }
        }
        assert_eq!(requests, self.requests.len(), "requests of clients");
    }

    fn check_outputs(&self) {
        let dispatches = self.outputs.iter().filter(|queued| queued.request.is_some()).count();
        assert_eq!(self.unpolled_dispatches, dispatches, "dispatches that were not polled");
    }
}
