//! Workers register, send heartbeats and leave.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use hashbrown::HashSet;

use super::keys::WorkerKey;
use super::output::{Event, Loss, Violation};
use super::requests::Location;
use super::tombstones::Tombstones;
use super::workers::WorkerRecord;
use super::{Machine, TimerKey};
use crate::config::Concurrency;
use crate::limits;
use crate::protocol::{BrokerToWorker, PeerId, ServiceName, WorkerHeartbeat, WorkerHello, WorkerToBroker};
use crate::timers::Armed;

/// Identities that got a disconnect and have not registered since: they do not get another.
#[derive(Debug, Default)]
pub(super) struct DisconnectedPeers {
    hashes: HashSet<u64, foldhash::fast::FixedState>,
    order: VecDeque<u64>,
}

impl DisconnectedPeers {
    /// Returns whether the identity is new.
    fn insert(&mut self, hash: u64) -> bool {
        if !self.hashes.insert(hash) {
            return false;
        }
        self.order.push_back(hash);
        if self.order.len() > limits::DISCONNECTED_IDENTITIES {
            if let Some(oldest) = self.order.pop_front() {
                self.hashes.remove(&oldest);
            }
        }
        true
    }

    fn remove(&mut self, hash: u64) {
        if self.hashes.remove(&hash) {
            self.order.retain(|other| *other != hash);
        }
    }

    #[cfg(debug_assertions)]
    pub(super) fn check_invariants(&self) {
        assert_eq!(self.hashes.len(), self.order.len(), "identities told to disconnect");
        assert!(self.order.len() <= limits::DISCONNECTED_IDENTITIES, "too many identities");
    }
}

impl Machine {
    pub(super) fn handle_worker(&mut self, now: Instant, peer: &PeerId, message: WorkerToBroker) {
        if let WorkerToBroker::Ready { service, hello } = message {
            return self.handle_ready(now, peer, &service, hello.as_ref());
        }
        let Some(key) = self.workers.find(&self.hasher, peer) else {
            if message == WorkerToBroker::Disconnect {
                self.send_disconnect(peer);
                return;
            }
            return self.violation(now, peer, Violation::UnknownWorker, true);
        };
        self.workers[key].last_heard = now;
        match message {
            WorkerToBroker::Ready { .. } => {}
            WorkerToBroker::Heartbeat(heartbeat) => self.handle_worker_heartbeat(now, key, heartbeat),
            WorkerToBroker::Reply { kind, client, id, payload } => {
                self.handle_reply(now, key, kind, &client, &id, payload);
            }
            WorkerToBroker::Reject { client, id, .. } => self.handle_reject(now, key, &client, &id),
            WorkerToBroker::Disconnect => self.handle_disconnect(now, key),
        }
    }

    /// Removes a worker that disconnects. The broker answers published workers as it always did. A
    /// worker of version 1 has already closed its connection: an answer would reach nobody and
    /// delay the transport when the broker closes.
    fn handle_disconnect(&mut self, now: Instant, key: WorkerKey) {
        let worker = &self.workers[key];
        if worker.capabilities.is_none() {
            return self.dismiss(now, key, Loss::Disconnected);
        }
        let hash = self.hasher.hash(worker.peer.as_bytes());
        self.disconnected.insert(hash);
        self.worker_lost(now, key, Loss::Disconnected);
    }

    fn handle_ready(&mut self, now: Instant, peer: &PeerId, service: &ServiceName, hello: Option<&WorkerHello>) {
        if let Some(former) = self.workers.find(&self.hasher, peer) {
            self.worker_lost(now, former, Loss::Restarted);
        }
        if self.drain.is_some() {
            self.send_disconnect(peer);
            return;
        }
        if self.workers.len() >= self.options.max_workers {
            return self.violation(now, peer, Violation::TooManyWorkers, true);
        }
        self.disconnected.remove(self.hasher.hash(peer.as_bytes()));
        let service = service.detached();
        let routing = &mut self.routing;
        let own_heartbeat = self.options.heartbeat;
        let key = self.workers.insert_with(&self.hasher, |key| WorkerRecord {
            peer: peer.clone(),
            text: peer.to_text(),
            pool: routing.join(&service, key),
            service: service.clone(),
            concurrency: hello.map_or(Concurrency::default(), |hello| hello.concurrency),
            in_flight: Vec::new(),
            targeted: BTreeMap::new(),
            tombstones: Tombstones::default(),
            last_used: 0,
            free_rank: None,
            capabilities: hello.map(|hello| hello.capabilities),
            heartbeat: hello.map_or(own_heartbeat, |hello| hello.heartbeat.max(own_heartbeat)),
            last_heard: now,
            last_probe: now,
            armed: Armed::default(),
        });
        let answer = hello.map(|_| self.hello(None));
        self.send_worker(peer, BrokerToWorker::Ready(answer));
        self.event(Event::WorkerJoined { worker: peer.clone(), service });
        self.arm_worker(key);
        self.update_free(key);
        self.adopt_orphans(key);
        self.serve(now, key);
        self.directory_changed(now);
    }

    fn handle_worker_heartbeat(&mut self, now: Instant, key: WorkerKey, heartbeat: WorkerHeartbeat) {
        let worker = &mut self.workers[key];
        let peer = worker.peer.clone();
        let is_core_service = worker.service.as_bytes().starts_with(b"$");
        let former = worker.concurrency;
        worker.concurrency = heartbeat.concurrency.unwrap_or(former);
        let has_changed = worker.concurrency != former;
        self.send_worker(&peer, BrokerToWorker::Heartbeat);
        if has_changed {
            self.update_free(key);
            self.serve(now, key);
        }
        if is_core_service && heartbeat.update {
            self.directory_changed(now);
        }
    }

    fn arm_worker(&mut self, key: WorkerKey) {
        let worker = &mut self.workers[key];
        let heartbeat = self.options.heartbeat;
        let slack = heartbeat / limits::LIVENESS_SLACK;
        let probe_at = self.timers.shared(worker.probe_at(heartbeat), slack);
        let silent_at = worker.liveness_deadline(self.options.heartbeat_liveness);
        self.timers.arm(TimerKey::Worker(key), &mut worker.armed, silent_at.min(probe_at));
    }

    pub(super) fn worker_timer(&mut self, now: Instant, key: WorkerKey) {
        let Some(worker) = self.workers.get_mut(key) else { return };
        worker.armed.fired();
        if worker.liveness_deadline(self.options.heartbeat_liveness) <= now {
            return self.dismiss(now, key, Loss::Silent);
        }
        if worker.probe_at(self.options.heartbeat) <= now {
            worker.last_probe = now;
            let peer = worker.peer.clone();
            self.send_worker(&peer, BrokerToWorker::Heartbeat);
        }
        self.arm_worker(key);
    }

    /// Removes a worker that may still be connected and sends it a disconnect.
    pub(super) fn dismiss(&mut self, now: Instant, key: WorkerKey, reason: Loss) {
        let peer = self.workers[key].peer.clone();
        self.send_disconnect(&peer);
        self.worker_lost(now, key, reason);
    }

    /// Sends `W|5`, once per registration of an identity.
    fn send_disconnect(&mut self, peer: &PeerId) {
        if self.disconnected.insert(self.hasher.hash(peer.as_bytes())) {
            self.send_worker(peer, BrokerToWorker::Disconnect);
        }
    }

    /// Counts a protocol violation. The broker sends a disconnect to a worker that commits one.
    pub(super) fn violation(&mut self, now: Instant, peer: &PeerId, violation: Violation, by_worker: bool) {
        self.statistics.protocol_errors += 1;
        self.event(Event::ProtocolError { peer: peer.clone(), error: violation });
        if !by_worker {
            return;
        }
        match self.workers.find(&self.hasher, peer) {
            Some(worker) => self.dismiss(now, worker, Loss::ProtocolError),
            None => self.send_disconnect(peer),
        }
    }

    /// Removes a worker and places its requests again.
    pub(super) fn worker_lost(&mut self, now: Instant, key: WorkerKey, reason: Loss) {
        let Some(worker) = self.workers.get_mut(key) else { return };
        let in_flight = std::mem::take(&mut worker.in_flight);
        let targeted = std::mem::take(&mut worker.targeted);
        self.requests.in_flight -= in_flight.len();
        let Some(mut worker) = self.workers.remove(&self.hasher, key) else { return };
        self.timers.disarm(&mut worker.armed);
        if let (Some(rank), Some(pool)) = (worker.free_rank, self.routing.pools.get_mut(worker.pool)) {
            pool.free.remove(rank, key);
        }
        let mut queues = self.routing.leave(worker.pool, key);
        let unsent = self.take_unsent(&worker.peer, matches!(reason, Loss::Unroutable | Loss::Overflow));
        self.event(Event::WorkerLeft { worker: worker.peer, service: worker.service, reason });
        for request in in_flight.iter().chain(targeted.values()) {
            self.requests[*request].location = Location::Unplaced;
        }
        for request in targeted.into_values() {
            self.place(now, request);
        }
        // All of them return to their queues before any is dispatched, so that the oldest goes
        // first.
        for request in in_flight {
            let was_sent = unsent.binary_search(&request).is_err();
            queues.extend(self.requeue_lost(now, request, was_sent));
        }
        queues.sort_unstable();
        queues.dedup();
        for queue in queues {
            self.serve_queue(now, queue);
            self.fail_unservable(now, queue);
        }
        self.directory_changed(now);
    }
}
