//! Requests that outlive the broker: those with `persist`. The machine keeps nothing itself. It tells whoever keeps them of
//! each as it comes, moves and ends, and takes in again what an earlier life left.

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

/// What the machine knows of whoever keeps requests.
#[derive(Debug, Default)]
pub(super) struct StoreState {
    persistence: Persistence,
    is_behind: bool,
}

impl Machine {
    /// Has [`Event::Stored`] and [`Event::Removed`] told. To be said before the first message.
    #[must_use]
    pub fn persistence(mut self, persistence: Persistence) -> Self {
        self.store.persistence = persistence;
        self
    }

    /// Input: whether whoever keeps requests has as many events before them as may wait. While that is so, new requests with
    /// `persist` are refused with `B_QUEUE_FULL`, and it is not told which worker the others go to.
    pub fn handle_backlog(&mut self, is_full: bool) {
        self.store.is_behind = is_full;
    }

    /// Input: what an earlier life stored and did not remove, each as if it had just come, but with the time that it has
    /// left. To be given before the first message: a client that sends one of them again, with `retry`, is then known to
    /// mean the same request. What a client has sent again already is not taken in twice.
    ///
    /// Requests are run again whether or not a worker had them. One that was lost with too many workers already ends with
    /// `B_WORKER_LOST`, one whose time is up is removed.
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
        let key = self.admit(now, client, incoming, remaining.duration());
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

    /// A stored request is here already. Where it came under another identity, only the present one stays stored.
    fn replace_stored(&mut self, now: Instant, known: RequestKey, client: PeerId, id: RequestId) {
        if self.clients[self.requests[known].client].peer != client {
            self.event(Event::Removed { client, id });
            self.emit_stored(now, known);
        }
    }

    /// Whether whoever keeps requests cannot be given one more.
    pub(super) fn is_store_behind(&self, settings: &RequestSettings) -> bool {
        settings.persist && self.store.is_behind
    }

    fn is_durable(&self, key: RequestKey) -> bool {
        self.store.persistence == Persistence::On && self.requests[key].settings.persist
    }

    /// Tells that a request has come or changed its client.
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

    /// Tells that a request goes to a worker. Not worth more memory where many events wait: what is kept then tells of an
    /// earlier worker, or none.
    pub(super) fn emit_dispatched(&mut self, now: Instant, key: RequestKey) {
        if !self.store.is_behind {
            self.emit_stored(now, key);
        }
    }

    /// Tells that a request ends here and now, or is no longer its client's.
    pub(super) fn emit_removed(&mut self, key: RequestKey) {
        if self.is_durable(key) {
            let request = &self.requests[key];
            let client = self.clients[request.client].peer.clone();
            self.event(Event::Removed { client, id: request.id.clone() });
        }
    }

    /// Leaves a request that this life of the broker cannot finish to the next; returns whether it is kept for that.
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
