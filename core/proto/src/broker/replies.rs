//! Messages of workers about requests: the broker forwards replies and places rejected requests
//! again.

use std::time::Instant;

use super::cache::cache_key;
use super::keys::{RequestKey, WorkerKey};
use super::requests::{Location, RequestRecord};
use super::{Machine, Violation};
use crate::error::ErrorCode;
use crate::protocol::{BrokerToClient, Payload, PeerId, ReplyKind, RequestId, Status};

impl Machine {
    pub(super) fn handle_reply(
        &mut self,
        now: Instant,
        worker: WorkerKey,
        kind: ReplyKind,
        client: &PeerId,
        id: &RequestId,
        payload: Payload,
    ) {
        let Some(key) = self.request_at(worker, client, id) else {
            return self.unexpected_reply(now, worker, kind, client, id);
        };
        match kind {
            ReplyKind::Partial => {
                self.statistics.partial_replies += 1;
                let request = &mut self.requests[key];
                request.partials += 1;
                request.expires_at = request.timeout().map(|timeout| now + timeout);
                self.pass_on(key, kind, payload);
            }
            ReplyKind::Final => {
                self.statistics.replies += 1;
                if self.is_ambiguous_at(worker, key) {
                    // If this replies to the earlier request, the worker still runs the present
                    // one.
                    self.send_cancel(worker, key);
                } else {
                    self.remember(now, key, &payload);
                }
                self.conclude(now, key, payload);
            }
        }
    }

    pub(super) fn handle_reject(&mut self, now: Instant, worker: WorkerKey, client: &PeerId, id: &RequestId) {
        let Some(key) = self.request_at(worker, client, id) else {
            return self.unexpected_reply(now, worker, ReplyKind::Final, client, id);
        };
        self.statistics.rejects += 1;
        if self.is_ambiguous_at(worker, key) {
            return self.handle_ambiguous_reject(now, worker, key);
        }
        self.withdraw(key);
        let request = &mut self.requests[key];
        request.rejecters.insert(worker);
        request.attempt -= 1;
        self.serve(now, worker);
        self.place(now, key);
    }

    /// Handles a reject that may mean an earlier request under the same id. The worker may be
    /// running this request, so that it goes to another worker only with `retry`.
    fn handle_ambiguous_reject(&mut self, now: Instant, worker: WorkerKey, key: RequestKey) {
        self.send_cancel(worker, key);
        self.withdraw(key);
        let request = &mut self.requests[key];
        request.rejecters.insert(worker);
        let may_run_again = request.settings.retry;
        self.serve(now, worker);
        if may_run_again {
            self.place(now, key);
        } else {
            self.fail(now, key, ErrorCode::WorkerLost);
        }
    }

    /// Whether the worker may still reply to an earlier request of the same client and id, which
    /// the broker ended. Its replies to the two requests look the same.
    fn is_ambiguous_at(&self, worker: WorkerKey, key: RequestKey) -> bool {
        self.workers[worker].tombstones.contains(self.tombstone_hash_of(key))
    }

    /// The request that a worker's message means, found by id among the worker's requests. The
    /// client identity only separates requests of several clients under the same id: a worker may
    /// return an identity that the client no longer has.
    fn request_at(&self, worker: WorkerKey, client: &PeerId, id: &RequestId) -> Option<RequestKey> {
        let mut only = None;
        let mut count = 0;
        for (key, request) in self.requests.with_id(&self.hasher, id) {
            if !matches!(request.location, Location::InFlight { worker: at, .. } if at == worker) {
                continue;
            }
            if self.client_at_worker(request) == client {
                return Some(key);
            }
            only = Some(key);
            count += 1;
        }
        let ended = || self.workers[worker].tombstones.may_explain(self.tombstone_hash(client, id));
        only.filter(|_| count == 1 && !ended())
    }

    fn tombstone_hash(&self, client: &PeerId, id: &RequestId) -> u64 {
        self.hasher.hash_pair(client.as_bytes(), id.as_bytes())
    }

    /// The hash under which this request's tombstone is filed.
    pub(super) fn tombstone_hash_of(&self, key: RequestKey) -> u64 {
        let request = &self.requests[key];
        self.tombstone_hash(self.client_at_worker(request), &request.id)
    }

    /// The client identity under which the worker knows a request.
    pub(super) fn client_at_worker<'a>(&'a self, request: &'a RequestRecord) -> &'a PeerId {
        request.dispatched_as.as_deref().unwrap_or(&self.clients[request.client].peer)
    }

    /// Remembers that the broker ended a request while a worker had it, so that a late reply is not
    /// a protocol violation.
    pub(super) fn add_tombstone(&mut self, worker: WorkerKey, key: RequestKey) {
        let hash = self.tombstone_hash_of(key);
        self.workers[worker].tombstones.insert(hash);
    }

    fn unexpected_reply(&mut self, now: Instant, worker: WorkerKey, kind: ReplyKind, client: &PeerId, id: &RequestId) {
        let hash = self.tombstone_hash(client, id);
        let entry = &mut self.workers[worker];
        if entry.tombstones.may_explain(hash) {
            self.statistics.late_replies += 1;
            if kind == ReplyKind::Final {
                entry.tombstones.remove(hash);
                self.update_free(worker);
            }
            return;
        }
        let peer = entry.peer.clone();
        self.violation(now, &peer, Violation::UnexpectedReply, true);
    }

    /// Forwards a reply unchanged to the request's client.
    fn pass_on(&mut self, key: RequestKey, kind: ReplyKind, payload: Payload) {
        let request = &self.requests[key];
        let id = request.id.to_frame();
        let peer = self.clients[request.client].peer.clone();
        self.send_client(&peer, BrokerToClient::Reply { kind, id, payload });
    }

    /// Caches a reply if its worker allows that. A reply with partial replies is not cached: the
    /// final one alone is not the whole answer.
    fn remember(&mut self, now: Instant, key: RequestKey, payload: &Payload) {
        let request = &self.requests[key];
        if request.partials > 0 || request.settings.worker_id.is_some() {
            return;
        }
        let Some(time) = payload.parsed_options().cache else { return };
        if payload.parsed_status() == Status::Ok {
            let hash = cache_key(&self.hasher, &request.service, &request.data);
            self.cache.insert(now + time, hash, &request.service, &request.data, request.settings.codec, payload);
        }
    }

    /// Ends a request with an error of the broker. Durable requests do not fail because the broker
    /// stops: they stay in the store.
    pub(super) fn fail(&mut self, now: Instant, key: RequestKey, code: ErrorCode) {
        if code == ErrorCode::Draining && self.leave_in_store(now, key) {
            return;
        }
        self.statistics.errors += 1;
        self.conclude(now, key, Payload::broker_error(code));
    }

    /// Sends a request's final reply and ends it.
    pub(super) fn conclude(&mut self, now: Instant, key: RequestKey, payload: Payload) {
        self.pass_on(key, ReplyKind::Final, payload);
        self.end(now, key);
    }
}
