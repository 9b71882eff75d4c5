//! Requests that outlive the broker: those with `persist`. The machine keeps nothing itself. It tells whoever keeps them of
//! each as it comes, moves and ends, and takes in again what an earlier life left.

use std::time::Instant;

use super::intake::Incoming;
use super::output::Event;
use super::requests::RequestKey;
use super::Machine;
use crate::config::Timeout;
use crate::error::ErrorCode;
use crate::limits;
use crate::protocol::{Frame, PeerId, RequestId, RequestSettings, ServiceName};

/// Whether somebody keeps the requests with `persist`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Persistence {
    /// Nobody: `persist` means nothing, and there are neither [`Event::Stored`] nor [`Event::Removed`].
    #[default]
    Off,
    /// Whoever is told the events.
    On,
}

/// What has to be kept of a request so that a later life of the broker can go on with it. Client and id together name it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StoredRequest {
    /// Whom the replies go to.
    pub client: PeerId,
    /// What the client calls it.
    pub id: RequestId,
    /// The name that was asked for.
    pub service: ServiceName,
    /// The data, as it came.
    pub data: Frame,
    /// The options, as they came. The codec, `retry` and the timeout stand in there.
    pub options: Frame,
    /// Frames that followed, as they came.
    pub extra: Vec<Frame>,
    /// How many workers it was handed to and lost with, the present one included.
    pub attempt: u32,
    /// The worker that has it.
    pub worker: Option<PeerId>,
    /// How long it had left, at the moment of the event, until it expires. The machine has no clock of its own: whoever
    /// keeps requests notes when they got this, and takes off what has passed before they give it back. Partial replies
    /// prolong a request without an event.
    pub remaining: Timeout,
}

impl StoredRequest {
    /// A request that no worker has had, with all of its time left.
    #[must_use]
    pub fn new(client: PeerId, id: RequestId, service: ServiceName, data: Frame, options: Frame) -> Self {
        let remaining = RequestSettings::parse(&options).timeout;
        Self { client, id, service, data, options, extra: Vec::new(), attempt: 0, worker: None, remaining }
    }
}

/// What the machine knows of whoever keeps requests.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    persistence: Persistence,
    is_behind: bool,
}

impl Machine {
    /// Has [`Event::Stored`] and [`Event::Removed`] told. To be said before the first message.
    #[must_use]
    pub fn persistence(mut self, persistence: Persistence) -> Self {
        self.keeper.persistence = persistence;
        self
    }

    /// Input: whether whoever keeps requests has as many events before them as may wait. While that is so, new requests with
    /// `persist` are refused with `B_QUEUE_FULL`, and it is not told which worker the others go to.
    pub fn handle_backlog(&mut self, is_full: bool) {
        self.keeper.is_behind = is_full;
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
        self.check_drained(now);
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
        let refused = self.objection(&incoming).or_else(|| self.is_full(&incoming).then_some(ErrorCode::QueueFull));
        if let Some(code) = refused {
            self.refuse(&peer, incoming.id.to_frame(), code);
            return self.event(Event::Removed { client: peer, id: incoming.id });
        }
        let client = self.clients.find_or_insert(&self.hasher, &peer);
        let key = self.take_in(now, client, incoming, remaining.duration());
        self.requests[key].attempt = attempt;
        self.note_stored(now, key);
        if self.is_overdue(now, key) {
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
            self.note_stored(now, known);
        }
    }

    /// Whether whoever keeps requests cannot be given one more.
    pub(super) fn is_keeper_behind(&self, settings: &RequestSettings) -> bool {
        settings.persist && self.keeper.is_behind
    }

    fn is_kept(&self, key: RequestKey) -> bool {
        self.keeper.persistence == Persistence::On && self.requests[key].settings.persist
    }

    /// Tells that a request has come or changed its client.
    pub(super) fn note_stored(&mut self, now: Instant, key: RequestKey) {
        if !self.is_kept(key) {
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
    pub(super) fn note_dispatched(&mut self, now: Instant, key: RequestKey) {
        if !self.keeper.is_behind {
            self.note_stored(now, key);
        }
    }

    /// Tells that a request ends here and now, or is no longer its client's.
    pub(super) fn note_removed(&mut self, key: RequestKey) {
        if self.is_kept(key) {
            let request = &self.requests[key];
            let client = self.clients[request.client].peer.clone();
            self.event(Event::Removed { client, id: request.id.clone() });
        }
    }

    /// Leaves a request that this life of the broker cannot finish to the next; returns whether it is kept for that.
    pub(super) fn leave_to_next_life(&mut self, now: Instant, key: RequestKey) -> bool {
        let is_kept = self.is_kept(key);
        if is_kept {
            self.statistics.left += 1;
            self.take_from_worker(key);
            self.forget(now, key);
        }
        is_kept
    }
}
