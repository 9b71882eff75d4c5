//! Messages of clients: the broker admits requests, answers heartbeats and cancels requests.

use std::time::{Duration, Instant};

use super::cache::cache_key;
use super::keys::{ClientKey, RequestKey};
use super::rejecters::Rejecters;
use super::requests::{Location, RequestRecord};
use super::{Machine, TimerKey, Violation};
use crate::error::ErrorCode;
use crate::limits;
use crate::protocol::{
    BrokerToClient, BrokerToWorker, ClientHello, ClientToBroker, Frame, Payload, PeerId, ReplyKind, RequestId,
    RequestSettings, ServiceName,
};
use crate::timers::Armed;

/// Longest options frame whose parsed form the broker remembers.
const REMEMBERED_OPTIONS_BYTES: usize = 256;

/// A decoded request before admission.
pub(super) struct Incoming {
    pub(super) service: ServiceName,
    pub(super) id: RequestId,
    pub(super) data: Frame,
    pub(super) options: Frame,
    pub(super) extra: Vec<Frame>,
    pub(super) settings: RequestSettings,
}

impl Machine {
    pub(super) fn handle_client(&mut self, now: Instant, peer: &PeerId, message: ClientToBroker) {
        if let Some(client) = self.clients.find(&self.hasher, peer) {
            self.clients[client].heard(now);
        }
        match message {
            ClientToBroker::Request { service, id, data, options, extra } => {
                let settings = self.settings(&options);
                self.handle_request(now, peer, Incoming { service, id, data, options, extra, settings });
            }
            ClientToBroker::Heartbeat => self.handle_client_heartbeat(now, peer, None),
            ClientToBroker::Hello(hello) => self.handle_client_heartbeat(now, peer, Some(&hello)),
            ClientToBroker::RequestHeartbeat { id, answered } => {
                if answered {
                    self.send_client(peer, BrokerToClient::Heartbeat);
                }
                self.forward_to_worker(peer, &id, |client, id| BrokerToWorker::RequestHeartbeat { client, id });
            }
            ClientToBroker::WorkerLiveness(id) => {
                let text = PeerId::new(id).to_text();
                if let Some(worker) = self.workers.find_by_text(&self.hasher, &text) {
                    self.workers[worker].last_heard = now;
                }
            }
            ClientToBroker::Cancel(id) => {
                if let Some(request) = self.find_clients_request(peer, &id) {
                    self.cancel(now, request);
                }
            }
            ClientToBroker::Credit { id, partials } => self.handle_credit(peer, &id, partials),
        }
    }

    fn settings(&mut self, options: &Frame) -> RequestSettings {
        if self.last_settings.0 == *options {
            return self.last_settings.1.clone();
        }
        let settings = RequestSettings::parse(options);
        if options.len() <= REMEMBERED_OPTIONS_BYTES {
            self.last_settings = (options.detached(), settings.clone());
        }
        settings
    }

    fn handle_client_heartbeat(&mut self, now: Instant, peer: &PeerId, hello: Option<&ClientHello>) {
        let key = self.clients.find_or_insert(&self.hasher, peer);
        let client = &mut self.clients[key];
        client.heartbeat(now, hello);
        let session = client.session;
        if let Some(hello) = hello {
            client.connection = hello.session;
            client.credit = hello.capabilities.credit.then_some(hello.credit);
        }
        self.arm_client(now, key);
        let answer = match hello {
            Some(_) => BrokerToClient::Hello(self.hello(Some(session))),
            None => BrokerToClient::Heartbeat,
        };
        self.send_client(peer, answer);
    }

    fn handle_credit(&mut self, peer: &PeerId, id: &RequestId, partials: u32) {
        let Some(key) = self.find_clients_request(peer, id) else { return };
        let request = &mut self.requests[key];
        request.credit = Some(request.credit.unwrap_or(request.partials) + u64::from(partials));
        if request.worker().is_some_and(|worker| self.workers[worker].can_credit()) {
            self.forward_to_worker(peer, id, |client, id| BrokerToWorker::Credit { client, id, partials });
        }
    }

    /// Sends a message about a request to the worker that has it, if any.
    fn forward_to_worker(
        &mut self,
        client: &PeerId,
        id: &RequestId,
        message: impl FnOnce(PeerId, RequestId) -> BrokerToWorker,
    ) {
        let Some(key) = self.find_clients_request(client, id) else { return };
        let request = &self.requests[key];
        let Some(worker) = request.worker() else { return };
        let told = request.dispatched_as.as_deref().unwrap_or(client).clone();
        let message = message(told, id.clone());
        let peer = self.workers[worker].peer.clone();
        self.send_worker(&peer, message);
    }

    pub(super) fn find_clients_request(&self, peer: &PeerId, id: &RequestId) -> Option<RequestKey> {
        let client = self.clients.find(&self.hasher, peer)?;
        let mut same_id = self.requests.with_id(&self.hasher, id);
        same_id.find(|(_, request)| request.client == client).map(|(key, _)| key)
    }

    fn handle_request(&mut self, now: Instant, peer: &PeerId, incoming: Incoming) {
        self.statistics.requests += 1;
        if self.handle_known(now, peer, &incoming) {
            return;
        }
        if let Some(code) = self.reason_to_refuse(&incoming) {
            return self.refuse(peer, incoming.id.to_frame(), code);
        }
        if let Some(payload) = self.immediate_answer(now, &incoming) {
            let id = incoming.id.to_frame();
            return self.send_client(peer, BrokerToClient::Reply { kind: ReplyKind::Final, id, payload });
        }
        if self.is_full(&incoming) || self.is_store_behind(&incoming.settings) {
            return self.refuse(peer, incoming.id.to_frame(), ErrorCode::QueueFull);
        }
        let client = self.clients.find_or_insert(&self.hasher, peer);
        let timeout = incoming.settings.timeout.duration();
        let request = self.admit(now, client, incoming, timeout);
        self.emit_stored(now, request);
        self.place(now, request);
    }

    /// Handles a request that the broker already holds, and returns whether it does. Either the
    /// client sent it twice, or a client that reconnected sent it again with `retry` and takes over
    /// the run in progress. A delayed copy from the client's former connection changes nothing: it
    /// must not take the reply away from the present connection.
    fn handle_known(&mut self, now: Instant, peer: &PeerId, incoming: &Incoming) -> bool {
        let Some(key) = self.find_known(peer, incoming) else { return false };
        let client = self.clients.find(&self.hasher, peer);
        let request = &self.requests[key];
        if Some(request.client) == client {
            let resent = request.settings.retry && incoming.settings.retry;
            if !resent {
                self.violation(now, peer, Violation::DuplicateRequest, false);
            }
            return true;
        }
        let connection = client.and_then(|client| self.clients[client].connection);
        let is_current = connection >= self.clients[request.client].connection;
        if is_current {
            self.rebind(now, key, peer);
        }
        true
    }

    /// The request under the same id that belongs to this client, or that this one repeats.
    pub(super) fn find_known(&self, peer: &PeerId, incoming: &Incoming) -> Option<RequestKey> {
        let client = self.clients.find(&self.hasher, peer);
        let mut same_id = self.requests.with_id(&self.hasher, &incoming.id);
        let known = same_id.find(|(_, request)| {
            let resent = request.settings.retry
                && incoming.settings.retry
                && request.service == incoming.service
                && request.data == incoming.data;
            Some(request.client) == client || resent
        });
        known.map(|(key, _)| key)
    }

    fn rebind(&mut self, now: Instant, key: RequestKey, peer: &PeerId) {
        self.emit_removed(key);
        let former = self.clients[self.requests[key].client].peer.clone();
        self.detach_from_client(key);
        let client = self.clients.find_or_insert(&self.hasher, peer);
        let request = &mut self.requests[key];
        request.client = client;
        request.client_slot = self.clients[client].requests.len();
        if request.worker().is_some() {
            request.dispatched_as.get_or_insert_with(|| Box::new(former));
        }
        request.expires_at = request.timeout().map(|timeout| now + timeout);
        // A restored request does not know how many partial replies its client reads ahead.
        let allowed = self.clients[client].credit.map(|credit| request.partials + u64::from(credit));
        request.credit = request.credit.or(allowed);
        self.clients[client].requests.push(key);
        self.emit_stored(now, key);
    }

    /// The error code with which the broker refuses a request, whatever its state.
    pub(super) fn reason_to_refuse(&self, incoming: &Incoming) -> Option<ErrorCode> {
        if self.drain.is_some() {
            return Some(ErrorCode::Draining);
        }
        if incoming.data.len() > self.options.max_body_bytes {
            return Some(ErrorCode::TooLarge);
        }
        None
    }

    /// Whether the broker has no room for one more request.
    pub(super) fn is_full(&self, incoming: &Incoming) -> bool {
        let bytes = self.requests.bytes.saturating_add(incoming.len_bytes());
        self.requests.len() >= self.options.max_requests || bytes > self.options.max_request_bytes
    }

    fn immediate_answer(&mut self, now: Instant, incoming: &Incoming) -> Option<Payload> {
        if let Some(answer) = self.directory_answer(&incoming.service, &incoming.data) {
            return Some(answer);
        }
        let settings = &incoming.settings;
        if settings.no_cache || settings.worker_id.is_some() || self.cache.is_empty() {
            return None;
        }
        let key = cache_key(&self.hasher, &incoming.service, &incoming.data);
        let hit = self.cache.get(now, key, &incoming.service, &incoming.data, settings.codec)?;
        self.statistics.cache_hits += 1;
        Some(hit)
    }

    pub(super) fn admit(
        &mut self,
        now: Instant,
        client: ClientKey,
        incoming: Incoming,
        timeout: Option<Duration>,
    ) -> RequestKey {
        let bytes = incoming.len_bytes();
        let is_crowded = self.requests.len() >= limits::ATTACHED_REQUESTS;
        let incoming = if is_crowded { incoming.detached() } else { incoming };
        let Incoming { service, id, data, options, extra, settings } = incoming;
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let entry = &mut self.clients[client];
        let request = RequestRecord {
            client,
            client_slot: entry.requests.len(),
            dispatched_as: None,
            id,
            service,
            data,
            options,
            extra,
            expires_at: timeout.map(|timeout| now + timeout),
            settings,
            location: Location::Unplaced,
            sequence,
            armed: Armed::default(),
            rejecters: Rejecters::default(),
            attempt: 0,
            credit: entry.credit.map(u64::from),
            partials: 0,
            bytes,
        };
        let expires_at = request.expires_at;
        let key = self.requests.insert(&self.hasher, request);
        entry.requests.push(key);
        if let Some(expires_at) = expires_at {
            self.timers.arm(TimerKey::Request(key), &mut self.requests[key].armed, expires_at);
        }
        key
    }
}

impl Incoming {
    /// Copies the frames, so that a waiting request does not keep receive buffers alive.
    fn detached(self) -> Self {
        Self {
            service: self.service.detached(),
            id: self.id.detached(),
            data: self.data.detached(),
            options: self.options.detached(),
            extra: self.extra.iter().map(Frame::detached).collect(),
            settings: self.settings,
        }
    }

    fn len_bytes(&self) -> usize {
        let extra: usize = self.extra.iter().map(|frame| frame.len()).sum();
        self.service.as_bytes().len() + self.id.as_bytes().len() + self.data.len() + self.options.len() + extra
    }
}
