//! Durable requests (`persist`), which outlive the broker. The machine stores nothing itself: it
//! emits an event when such a request arrives, moves or ends, and takes over what a previous run
//! left in the store.

use std::time::Instant;

use super::admission::Incoming;
use super::keys::RequestKey;
use super::output::Event;
use super::stored_request::{Persistence, StoredRequest};
use super::Machine;
use crate::config::Timeout;
use crate::error::ErrorCode;
use crate::limits;
use crate::protocol::{PeerId, RequestId, RequestSettings};

/// What the machine knows of the store.
#[derive(Debug, Default)]
pub(super) struct StoreState {
    persistence: Persistence,
    is_behind: bool,
}

impl Machine {
    /// Enables [`Event::Stored`] and [`Event::Removed`]. Call before the first message.
    #[must_use]
    pub fn persistence(mut self, persistence: Persistence) -> Self {
        self.store.persistence = persistence;
        self
    }

    /// Input: whether the backlog of the store is full. While it is, the broker refuses new
    /// requests with `persist` with `B_QUEUE_FULL`, and emits no [`Event::Stored`] for dispatches.
    pub fn handle_backlog(&mut self, is_full: bool) {
        self.store.is_behind = is_full;
    }

    /// Input: the requests that a previous run stored and did not remove. The broker admits each as
    /// if it had just arrived, with its remaining time. Call before the first message, so that a
    /// client that repeats one of them with `retry` gets the reply of the restored request. A
    /// request that a client has already repeated is not admitted twice.
    ///
    /// Requests run again whether or not a worker had them. A request that was lost with too many
    /// workers ends with `B_WORKER_LOST`; an expired one is removed.
    pub fn restore(&mut self, now: Instant, requests: Vec<StoredRequest>) {
        for request in requests {
            self.restore_one(now, request);
        }
        self.finish_input(now);
    }

    fn restore_one(&mut self, now: Instant, stored: StoredRequest) {
        if self.drain.is_some() {
            return;
        }
        let StoredRequest { client: peer, id, service, data, options, extra, attempt, worker, remaining } = stored;
        let settings = RequestSettings::parse(&options);
        let incoming = Incoming { service, id, data, options, extra, settings };
        if let Some(known) = self.find_known(&peer, &incoming) {
            return self.replace_stored(now, known, peer, incoming.id);
        }
        self.statistics.restored += 1;
        let refused =
            self.reason_to_refuse(&incoming).or_else(|| self.is_full(&incoming).then_some(ErrorCode::QueueFull));
        if let Some(code) = refused {
            self.refuse(&peer, incoming.id.to_frame(), code);
            return self.event(Event::Removed { client: peer, id: incoming.id });
        }
        let client = self.clients.find_or_insert(&self.hasher, &peer);
        // At most the timeout: a request whose store returns more would expire late once renewed.
        let times = [remaining, incoming.settings.timeout].into_iter().filter_map(Timeout::duration);
        let key = self.admit(now, client, incoming, times.min());
        self.requests[key].attempt = attempt;
        self.emit_stored(now, key);
        if self.is_expired(now, key) {
            self.expire(now, key);
        } else if worker.is_some() && attempt >= limits::ATTEMPTS {
            self.fail(now, key, ErrorCode::WorkerLost);
        } else {
            self.place(now, key);
        }
    }

    /// The broker already holds this request. If it belongs to another client identity now, only
    /// that one stays stored.
    fn replace_stored(&mut self, now: Instant, known: RequestKey, client: PeerId, id: RequestId) {
        if self.clients[self.requests[known].client].peer != client {
            self.event(Event::Removed { client, id });
            self.emit_stored(now, known);
        }
    }

    /// Whether the store has no room for this request.
    pub(super) fn is_store_behind(&self, settings: &RequestSettings) -> bool {
        settings.persist && self.store.is_behind
    }

    fn is_durable(&self, key: RequestKey) -> bool {
        self.store.persistence == Persistence::On && self.requests[key].settings.persist
    }

    /// Emits [`Event::Stored`] for a durable request.
    pub(super) fn emit_stored(&mut self, now: Instant, key: RequestKey) {
        if !self.is_durable(key) {
            return;
        }
        let request = &self.requests[key];
        let left = request.expires_at.map(|at| at.saturating_duration_since(now));
        let stored = StoredRequest {
            client: self.clients[request.client].peer.clone(),
            id: request.id.clone(),
            service: request.service.clone(),
            data: request.data.clone(),
            options: request.options.clone(),
            extra: request.extra.clone(),
            attempt: request.attempt,
            worker: request.worker().map(|worker| self.workers[worker].peer.clone()),
            remaining: left.map_or(Timeout::Never, Timeout::After),
        };
        self.event(Event::Stored(Box::new(stored)));
    }

    /// Emits [`Event::Stored`] for a dispatch, unless the store's backlog is full: it is not worth
    /// more memory. The store then knows an earlier worker, or none.
    pub(super) fn emit_dispatched(&mut self, now: Instant, key: RequestKey) {
        if !self.store.is_behind {
            self.emit_stored(now, key);
        }
    }

    /// Emits [`Event::Removed`] for a durable request that ends or moves to another client.
    pub(super) fn emit_removed(&mut self, key: RequestKey) {
        if self.is_durable(key) {
            let request = &self.requests[key];
            let client = self.clients[request.client].peer.clone();
            self.event(Event::Removed { client, id: request.id.clone() });
        }
    }

    /// Leaves a durable request that this run cannot finish in the store. Returns whether it is
    /// durable.
    pub(super) fn leave_in_store(&mut self, now: Instant, key: RequestKey) -> bool {
        let is_durable = self.is_durable(key);
        if is_durable {
            self.statistics.left += 1;
            self.cancel_at_worker(key);
            self.remove_request(now, key);
        }
        is_durable
    }
}
