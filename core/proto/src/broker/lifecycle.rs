//! The end of requests, clients and the broker itself.

use std::time::{Duration, Instant};

use super::keys::{ClientKey, QueueKey, RequestKey, WorkerKey};
use super::output::{Event, Loss};
use super::{Machine, TimerKey};
use crate::error::ErrorCode;
use crate::limits;
use crate::protocol::{BrokerToWorker, PeerId};
use crate::timers::Armed;

/// State of a draining broker.
#[derive(Debug)]
pub(super) struct Drain {
    armed: Armed,
    done: bool,
}

impl Machine {
    /// Ends a request whose client knows the outcome or no longer wants it.
    pub(super) fn end(&mut self, now: Instant, key: RequestKey) {
        self.emit_removed(key);
        self.remove_request(now, key);
    }

    /// Removes a request from every list and serves its former worker.
    pub(super) fn remove_request(&mut self, now: Instant, key: RequestKey) {
        let worker = self.requests[key].worker();
        self.withdraw(key);
        self.detach_from_client(key);
        if let Some(mut request) = self.requests.remove(&self.hasher, key) {
            self.timers.disarm(&mut request.armed);
        }
        if let Some(worker) = worker {
            self.serve(now, worker);
        }
    }

    /// Removes a request from its client's list, and a client without requests and heartbeats.
    pub(super) fn detach_from_client(&mut self, key: RequestKey) {
        let (client_key, slot) = (self.requests[key].client, self.requests[key].client_slot);
        let Some(client) = self.clients.get_mut(client_key) else { return };
        let removed = client.requests.swap_remove(slot);
        debug_assert_eq!(removed, key);
        if let Some(moved) = client.requests.get(slot).copied() {
            self.requests[moved].client_slot = slot;
        }
        if client.requests.is_empty() && client.heartbeats.is_none() {
            self.clients.remove(&self.hasher, client_key);
        }
    }

    /// Ends a request without a reply to its client.
    pub(super) fn abandon(&mut self, now: Instant, key: RequestKey) {
        self.cancel_at_worker(key);
        self.end(now, key);
    }

    /// Cancels a request at its worker and leaves a tombstone, which explains a late reply.
    pub(super) fn cancel_at_worker(&mut self, key: RequestKey) {
        if let Some(worker) = self.requests[key].worker() {
            self.add_tombstone(worker, key);
            self.send_cancel(worker, key);
        }
    }

    /// Sends a cancellation to the worker that has a request, if the worker supports that.
    pub(super) fn send_cancel(&mut self, worker: WorkerKey, key: RequestKey) {
        if self.workers[worker].can_cancel() {
            let peer = self.workers[worker].peer.clone();
            let request = &self.requests[key];
            let (client, id) = (self.client_at_worker(request).clone(), request.id.clone());
            self.send_worker(&peer, BrokerToWorker::Cancel { client, id });
        }
    }

    pub(super) fn cancel(&mut self, now: Instant, key: RequestKey) {
        self.statistics.cancelled += 1;
        self.abandon(now, key);
    }

    /// Requeues or fails a request whose worker is gone. Returns the queue to serve then. A request
    /// that was never sent to the worker always goes back: the worker cannot have begun it.
    pub(super) fn requeue_lost(&mut self, now: Instant, key: RequestKey, was_sent: bool) -> Option<QueueKey> {
        let request = &mut self.requests[key];
        request.dispatched_as = None;
        if !was_sent {
            request.attempt -= 1;
            return self.requeue(now, key);
        }
        if request.settings.retry && request.attempt < limits::ATTEMPTS {
            self.statistics.retries += 1;
            self.requeue(now, key)
        } else {
            self.fail(now, key, ErrorCode::WorkerLost);
            None
        }
    }

    /// Arms the liveness timer of a client that sends heartbeats. The timer may fire early and
    /// shares its time with those of other clients: nearly all clients turn out to be alive.
    pub(super) fn arm_client(&mut self, now: Instant, key: ClientKey) {
        let client = &mut self.clients[key];
        let heartbeat = self.options.heartbeat;
        let Some(deadline) = client.liveness_deadline(heartbeat, self.options.heartbeat_liveness) else { return };
        let slack = heartbeat / limits::LIVENESS_SLACK;
        let shared = self.timers.shared(deadline - slack, slack);
        let look_at = if shared > now { shared } else { deadline };
        self.timers.arm(TimerKey::Client(key), &mut client.armed, look_at);
    }

    pub(super) fn client_timer(&mut self, now: Instant, key: ClientKey) {
        let Some(client) = self.clients.get_mut(key) else { return };
        client.armed.fired();
        match client.liveness_deadline(self.options.heartbeat, self.options.heartbeat_liveness) {
            Some(deadline) if deadline <= now => self.client_lost(now, key, Loss::Silent),
            _ => self.arm_client(now, key),
        }
    }

    /// Cancels all requests of a lost client and removes it.
    fn client_lost(&mut self, now: Instant, key: ClientKey, reason: Loss) {
        let client = self.clients[key].peer.clone();
        // Waiting requests first: otherwise a worker that becomes free would get one of them.
        // Removing the last request may remove the client.
        for request in self.waiting_first(self.clients[key].requests.clone()) {
            self.cancel(now, request);
        }
        if let Some(mut gone) = self.clients.remove(&self.hasher, key) {
            self.timers.disarm(&mut gone.armed);
        }
        self.event(Event::ClientLeft { client, reason });
    }

    /// Sorts requests that wait for a worker before those in flight.
    fn waiting_first(&self, mut requests: Vec<RequestKey>) -> Vec<RequestKey> {
        requests.sort_by_key(|request| self.requests[*request].worker().is_some());
        requests
    }

    /// Removes an unreachable peer, be it a worker, a client or both.
    pub(super) fn peer_lost(&mut self, now: Instant, peer: &PeerId, reason: Loss) {
        if let Some(worker) = self.workers.find(&self.hasher, peer) {
            self.worker_lost(now, worker, reason);
        }
        if let Some(client) = self.clients.find(&self.hasher, peer) {
            self.client_lost(now, client, reason);
        }
    }

    /// Input: stop. The broker refuses new requests with `B_DRAINING` and finishes accepted ones
    /// for at most `timeout`. Then it sends all workers a disconnect and emits [`Event::Drained`].
    /// Unfinished durable requests stay in the store for the next run, without a reply to their
    /// clients. A further call changes the deadline.
    pub fn drain(&mut self, now: Instant, timeout: Duration) {
        let drain = self.drain.get_or_insert(Drain { armed: Armed::default(), done: false });
        if drain.done {
            return;
        }
        self.timers.disarm(&mut drain.armed);
        self.timers.arm(TimerKey::Drain, &mut drain.armed, now + timeout.min(limits::DURATION));
        let orphans: Vec<RequestKey> = self.orphans.values().flat_map(|waiting| waiting.values().copied()).collect();
        for request in orphans {
            self.fail(now, request, ErrorCode::Draining);
        }
        for queue in self.routing.queues.keys().collect::<Vec<_>>() {
            self.fail_unservable(now, queue);
        }
        self.finish_input(now);
    }

    /// Whether [`Machine::drain`] was called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.is_some()
    }

    pub(super) fn drain_timer(&mut self, now: Instant) {
        if let Some(drain) = &mut self.drain {
            drain.armed.fired();
        }
        for request in self.waiting_first(self.requests.keys()) {
            self.fail(now, request, ErrorCode::Draining);
        }
    }

    /// Completes a drain when no request is left. Runs at the end of every input, so that no output
    /// follows [`Event::Drained`].
    pub(super) fn check_drained(&mut self, now: Instant) {
        let Some(drain) = &mut self.drain else { return };
        if drain.done || self.requests.len() > 0 {
            return;
        }
        drain.done = true;
        self.timers.disarm(&mut drain.armed);
        for worker in self.workers.keys() {
            self.dismiss(now, worker, Loss::BrokerStopped);
        }
        self.publish_pending(now);
        self.event(Event::Drained);
    }
}
