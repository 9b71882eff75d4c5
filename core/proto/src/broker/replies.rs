//! What workers answer: replies are passed on by the broker's own record, rejects put back.

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
                    // If this answered the earlier request, the worker is not done with the present one.
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

    /// A reject that may mean an earlier request under the same id: then the worker is at work on this one, which goes
    /// elsewhere only if it may run twice.
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

    /// Whether the worker may still answer an earlier request of the same client under the same id, which the broker
    /// ended: nobody can tell its reply to that one from its reply to this one.
    fn is_ambiguous_at(&self, worker: WorkerKey, key: RequestKey) -> bool {
        self.workers[worker].tombstones.contains(self.tombstone_hash_of(key))
    }

    /// The request that a worker means: by its id among those that the worker has. The client's identity only tells
    /// two clients' requests of the same id apart; a worker may hand back one that the client no longer has.
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

    /// What a request would be among those that its worker had when the broker ended them.
    pub(super) fn tombstone_hash_of(&self, key: RequestKey) -> u64 {
        let request = &self.requests[key];
        self.tombstone_hash(self.client_at_worker(request), &request.id)
    }

    /// Whom a request's worker is told that it is from.
    pub(super) fn client_at_worker<'a>(&'a self, request: &'a RequestRecord) -> &'a PeerId {
        request.dispatched_as.as_deref().unwrap_or(&self.clients[request.client].peer)
    }

    /// Remembers that a request at a worker was ended by the broker, so that a late reply is told from a wrong one.
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

    /// Sends a reply's frames, as they came, to the request's client.
    fn pass_on(&mut self, key: RequestKey, kind: ReplyKind, payload: Payload) {
        let request = &self.requests[key];
        let id = request.id.to_frame();
        let peer = self.clients[request.client].peer.clone();
        self.send_client(&peer, BrokerToClient::Reply { kind, id, payload });
    }

    /// Keeps a reply in the cache if its worker asked for that. A reply that came in parts is not kept: half of it
    /// would be an answer that no worker gave.
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

    /// Ends a request with an error that the broker makes; only that the broker stops is no reason to end one that is kept.
    pub(super) fn fail(&mut self, now: Instant, key: RequestKey, code: ErrorCode) {
        if code == ErrorCode::Draining && self.leave_in_store(now, key) {
            return;
        }
        self.statistics.errors += 1;
        self.conclude(now, key, Payload::broker_error(code));
    }

    /// Ends a request with a final reply.
    pub(super) fn conclude(&mut self, now: Instant, key: RequestKey, payload: Payload) {
        self.pass_on(key, ReplyKind::Final, payload);
        self.end(now, key);
    }
}
