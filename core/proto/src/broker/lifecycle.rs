//! How requests end: by a reply, with their time, with their worker or with their client; and how the broker itself
//! stops.

use std::time::{Duration, Instant};

use super::keys::{ClientKey, QueueKey, RequestKey, WorkerKey};
use super::output::{Event, Loss};
use super::{Machine, TimerKey};
use crate::error::ErrorCode;
use crate::limits;
use crate::protocol::{BrokerToWorker, PeerId};
use crate::timers::Armed;

/// A broker that is stopping.
#[derive(Debug)]
pub(super) struct Drain {
    armed: Armed,
    done: bool,
}

impl Machine {
    /// Ends a request whose outcome its client knows or no longer wants.
    pub(super) fn end(&mut self, now: Instant, key: RequestKey) {
        self.emit_removed(key);
        self.remove_request(now, key);
    }

    /// Takes a request off every list. Its worker gets the next one.
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

    /// Takes a request off its client's list; a client without requests or heartbeats is forgotten.
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

    /// Ends a request that its client no longer waits for, without telling the client.
    pub(super) fn abandon(&mut self, now: Instant, key: RequestKey) {
        self.cancel_at_worker(key);
        self.end(now, key);
    }

    /// Has the worker that has a request drop it, and its reply if it sends one nevertheless.
    pub(super) fn cancel_at_worker(&mut self, key: RequestKey) {
        if let Some(worker) = self.requests[key].worker() {
            self.add_tombstone(worker, key);
            self.send_cancel(worker, key);
        }
    }

    /// Tells the worker that has a request to drop it, if it is one that understands that.
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

    /// Puts a request whose worker is gone back where it was asked for, or ends it. Returns the queue that it is in. One that
    /// the worker was never sent cannot have been begun.
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

    /// Looks after a client that has sent a heartbeat when it would be gone: nearly always it is alive, and then it need not
    /// be exactly then.
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

    /// Cancels all requests of a client that is gone and forgets it.
    fn client_lost(&mut self, now: Instant, key: ClientKey, reason: Loss) {
        let client = self.clients[key].peer.clone();
        // What waits goes first: else a worker that becomes free would be handed it. The last request takes the client
        // with it if nothing else keeps it.
        for request in self.waiting_first(self.clients[key].requests.clone()) {
            self.cancel(now, request);
        }
        if let Some(mut gone) = self.clients.remove(&self.hasher, key) {
            self.timers.disarm(&mut gone.armed);
        }
        self.event(Event::ClientLeft { client, reason });
    }

    /// These requests, those that wait for a worker before those in flight.
    fn waiting_first(&self, mut requests: Vec<RequestKey>) -> Vec<RequestKey> {
        requests.sort_by_key(|request| self.requests[*request].worker().is_some());
        requests
    }

    /// A peer that can no longer be reached, whichever kind it is.
    pub(super) fn peer_lost(&mut self, now: Instant, peer: &PeerId, reason: Loss) {
        if let Some(worker) = self.workers.find(&self.hasher, peer) {
            self.worker_lost(now, worker, reason);
        }
        if let Some(client) = self.clients.find(&self.hasher, peer) {
            self.client_lost(now, client, reason);
        }
    }

    /// Input: stop. What was accepted is finished until `deadline`, new requests are refused with `B_DRAINING`; then
    /// all workers are told to disconnect and [`Event::Drained`] follows. What is kept for a later life and not finished is
    /// left to it: it stays stored, and its client is told nothing. A second call moves the deadline.
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

    /// Whether it was told to stop.
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

    /// Ends a drain when nothing is left to finish. Called at the end of every input, so that nothing follows the
    /// last event.
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
