//! A broker, a virtual clock and named peers that exchange real frames with it.
//!
//! Messages are written as in the protocol document, frames separated by `|`:
//! `world.send("c1", "C|2|echo|r1|1|{}")`. [`World::received`] returns messages in the same form.
//! After every input the world collects the broker's outputs and checks the invariants (see
//! `world_checks.rs`). When the world is dropped, it stops the broker, which must then have no state
//! left.

#[path = "world_checks.rs"]
mod checks;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use pigato_proto::broker::{Event, Loss, Machine, Output, Persistence, Statistics, StoredRequest};
use pigato_proto::config::BrokerOptions;
use pigato_proto::entropy::Entropy;
use pigato_proto::protocol::{
    BrokerToClient, BrokerToWorker, ClientToBroker, Frame, Payload, PeerId, ReplyKind, RequestId, WorkerToBroker,
};

use checks::Ledger;

/// More steps than any scenario needs between two of its own; a broker that exceeds it is in an
/// endless loop.
const MOST_STEPS: usize = 100_000;

pub(crate) struct World {
    machine: Machine,
    start: Instant,
    now: Instant,
    inboxes: BTreeMap<PeerId, Vec<Vec<Frame>>>,
    events: Vec<Event>,
    publications: Vec<String>,
    outputs: Vec<Output>,
    /// Peers to which sends fail.
    cut_off: BTreeSet<PeerId>,
    /// Whether the outputs of inputs wait for more inputs.
    is_held: bool,
    ledger: Ledger,
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn id(name: impl AsRef<[u8]>) -> PeerId {
    PeerId::new(Frame::copy_from_slice(name.as_ref()))
}

/// Frames as text, separated by `|`; frames that are not UTF-8 as `0x…`.
fn text(frames: &[Frame]) -> String {
    let frame_text = |frame: &Frame| match std::str::from_utf8(frame) {
        Ok(text) => text.to_owned(),
        Err(_) => frame.iter().fold(String::from("0x"), |text, byte| format!("{text}{byte:02x}")),
    };
    frames.iter().map(frame_text).collect::<Vec<_>>().join("|")
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(BrokerOptions::default())
    }

    pub(crate) fn with(options: BrokerOptions) -> Self {
        Self::made(options, Persistence::Off)
    }

    /// A world whose broker has a store.
    pub(crate) fn persistent(options: BrokerOptions) -> Self {
        Self::made(options, Persistence::On)
    }

    fn made(options: BrokerOptions, persistence: Persistence) -> Self {
        // Only an origin for the virtual clock: no test waits for the real one.
        #[allow(clippy::disallowed_methods)]
        let start = Instant::now();
        let machine = Machine::new(options.name("B-test".to_owned()), Entropy::from_number(1)).persistence(persistence);
        Self {
            machine,
            start,
            now: start,
            inboxes: BTreeMap::new(),
            events: Vec::new(),
            publications: Vec::new(),
            outputs: Vec::new(),
            cut_off: BTreeSet::new(),
            is_held: false,
            ledger: Ledger::default(),
        }
    }

    // Time.

    /// Virtual time since the start of the world.
    pub(crate) fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    /// The broker's next deadline, as time since the start of the world.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.machine.next_deadline().map(|deadline| deadline - self.start)
    }

    /// Advances the time; handles every deadline exactly when it is due.
    pub(crate) fn advance(&mut self, duration: Duration) {
        let until = self.now + duration;
        for _ in 0..MOST_STEPS {
            match self.machine.next_deadline().filter(|deadline| *deadline <= until) {
                Some(deadline) => self.handle_timeout_at(self.now.max(deadline)),
                None => {
                    self.now = until;
                    return;
                }
            }
        }
        panic!("the broker did not become idle within {MOST_STEPS} deadlines");
    }

    /// Advances the time without calling the broker, as if its thread were held up.
    pub(crate) fn stall(&mut self, duration: Duration) {
        self.now += duration;
    }

    /// Advances the time while these workers send heartbeats.
    pub(crate) fn advance_with<const N: usize>(&mut self, duration: Duration, workers: [&str; N]) {
        let until = self.now + duration;
        while self.now < until {
            self.advance(ms(2_000).min(until - self.now));
            for worker in workers {
                self.send(worker, "W|4||{}");
            }
        }
    }

    fn handle_timeout_at(&mut self, at: Instant) {
        self.now = at;
        self.machine.handle_timeout(at);
        let next = self.machine.next_deadline();
        assert!(next.is_none_or(|next| next > at), "a handled deadline is still due");
        self.collect();
    }

    /// Runs one turn of the broker now, which may leave deadlines due.
    pub(crate) fn turn(&mut self) {
        self.machine.handle_timeout(self.now);
        self.collect();
    }

    // Messages from peers.

    /// Sends a message written with `|` between its frames.
    pub(crate) fn send(&mut self, peer: impl AsRef<[u8]>, message: &str) {
        self.send_frames(peer, message.split('|'));
    }

    pub(crate) fn send_frames<F: AsRef<[u8]>>(&mut self, peer: impl AsRef<[u8]>, frames: impl IntoIterator<Item = F>) {
        let frames = frames.into_iter().map(|frame| Frame::copy_from_slice(frame.as_ref())).collect();
        self.deliver(&id(peer), frames);
    }

    pub(crate) fn send_client(&mut self, peer: impl AsRef<[u8]>, message: ClientToBroker) {
        let mut frames = Vec::new();
        message.encode(&mut frames);
        self.deliver(&id(peer), frames);
    }

    pub(crate) fn send_worker(&mut self, peer: impl AsRef<[u8]>, message: WorkerToBroker) {
        let mut frames = Vec::new();
        message.encode(&mut frames);
        self.deliver(&id(peer), frames);
    }

    /// Messages to this peer fail from now on, and each failure is reported to the broker.
    pub(crate) fn cut_off(&mut self, peer: &str) {
        self.cut_off.insert(id(peer));
    }

    /// The broker reads all messages that `send` sends before it sends any.
    pub(crate) fn together(&mut self, send: impl FnOnce(&mut Self)) {
        self.is_held = true;
        send(self);
        self.is_held = false;
        self.collect();
    }

    pub(crate) fn unroutable(&mut self, peer: impl AsRef<[u8]>) {
        self.machine.handle_unroutable(self.now, &id(peer));
        self.collect();
    }

    pub(crate) fn overflow(&mut self, peer: impl AsRef<[u8]>) {
        self.machine.handle_overflow(self.now, &id(peer));
        self.collect();
    }

    pub(crate) fn drain(&mut self, timeout: Duration) {
        self.ledger.is_draining = true;
        self.machine.drain(self.now, timeout);
        self.collect();
    }

    /// Restores requests that a previous run stored.
    pub(crate) fn restore(&mut self, requests: Vec<StoredRequest>) {
        for request in &requests {
            self.note_request(&request.client, request.id.to_frame());
            if !self.ledger.is_draining {
                self.ledger.stored.insert((request.client.clone(), request.id.clone()));
            }
        }
        self.machine.restore(self.now, requests);
        self.collect();
    }

    pub(crate) fn backlog(&mut self, is_full: bool) {
        self.machine.handle_backlog(is_full);
    }

    /// A new subscriber of the publications.
    pub(crate) fn subscribe(&mut self) {
        self.machine.handle_subscription(self.now);
        self.collect();
    }

    fn deliver(&mut self, peer: &PeerId, mut frames: Vec<Frame>) {
        self.note_sent(peer, frames.clone());
        self.machine.handle_message(self.now, peer, &mut frames);
        assert!(frames.is_empty(), "the broker takes all frames");
        self.collect();
    }

    // Clients.

    pub(crate) fn request(&mut self, client: impl AsRef<[u8]>, service: &str, id: &str) {
        self.request_with(client, service, id, "{}");
    }

    pub(crate) fn request_with(&mut self, client: impl AsRef<[u8]>, service: &str, id: &str, options: &str) {
        self.send(client, &format!("C|2|{service}|{id}|1|{options}"));
    }

    /// Sends a request that the broker is to recognise as one it already has.
    pub(crate) fn resend_with(&mut self, client: impl AsRef<[u8]>, service: &str, id: &str, options: &str) {
        self.ledger.resends += 1;
        self.request_with(client, service, id, options);
    }

    /// A version 1 client announces itself; `members` are further members of its hello.
    pub(crate) fn hello(&mut self, client: &str, members: &str) {
        self.send(client, &format!(r#"C|4|{{"v":1,"caps":["cancel","credit","codec"]{members}}}"#));
        self.take_first(client, |message| message.starts_with("C|4|{"));
    }

    // Workers.

    /// A published worker, with a concurrency of 100 until it changes it.
    pub(crate) fn worker(&mut self, worker: impl AsRef<[u8]>, service: &str) {
        self.send(&worker, &format!("W|1|{service}"));
        self.take_first(worker, |message| message == "W|1");
    }

    /// A version 1 worker without capabilities, with this concurrency from the start.
    pub(crate) fn worker_of(&mut self, worker: &str, service: &str, concurrency: i64) {
        self.announce(worker, service, &format!(r#""caps":[],"concurrency":{concurrency}"#));
    }

    /// A version 1 worker with all capabilities.
    pub(crate) fn modern_worker(&mut self, worker: &str, service: &str) {
        self.announce(worker, service, r#""caps":["cancel","credit","codec"]"#);
    }

    fn announce(&mut self, worker: &str, service: &str, members: &str) {
        self.send(worker, &format!(r#"W|1|{service}|{{"v":1,{members}}}"#));
        self.take_first(worker, |message| message.starts_with("W|1|{"));
    }

    /// A heartbeat with the worker's concurrency.
    pub(crate) fn limit(&mut self, worker: &str, concurrency: i64) {
        self.send(worker, &format!(r#"W|4||{{"concurrency":{concurrency}}}"#));
    }

    /// Answers a request that was delivered to the worker.
    pub(crate) fn reply(&mut self, worker: impl AsRef<[u8]>, request: &str) {
        self.answer(worker, "3", request, "0|2|{}");
    }

    pub(crate) fn partial(&mut self, worker: impl AsRef<[u8]>, request: &str) {
        self.answer(worker, "6", request, "0|2|{}");
    }

    pub(crate) fn reject(&mut self, worker: impl AsRef<[u8]>, request: &str) {
        self.answer(worker, "7", request, "0|\"no\"|{}");
    }

    /// Sends `W|type|clientId|""|request|rest`, with the client that the worker received.
    pub(crate) fn answer(&mut self, worker: impl AsRef<[u8]>, message_type: &str, request: &str, rest: &str) {
        let key = (id(&worker), request.as_bytes().to_vec());
        let clients = self.ledger.delivered.get_mut(&key).expect("a request delivered to this worker");
        let client = if message_type == "6" { clients[0].clone() } else { clients.remove(0) };
        let mut frames = vec![Frame::from("W"), Frame::from(message_type), client.to_frame(), Frame::default()];
        frames.push(Frame::from(request));
        frames.extend(rest.split('|').map(Frame::from));
        if clients.is_empty() {
            self.ledger.delivered.remove(&key);
        }
        self.deliver(&key.0, frames);
    }

    // The outputs to peers, publications and events. Each call returns those since the last call.

    /// The messages sent to a peer.
    pub(crate) fn received(&mut self, peer: impl AsRef<[u8]>) -> Vec<String> {
        self.raw(peer).iter().map(|frames| text(frames)).collect()
    }

    pub(crate) fn raw(&mut self, peer: impl AsRef<[u8]>) -> Vec<Vec<Frame>> {
        self.inboxes.remove(&id(peer)).unwrap_or_default()
    }

    /// The ids of the requests delivered to a worker.
    pub(crate) fn jobs(&mut self, worker: impl AsRef<[u8]>) -> Vec<String> {
        let messages = self.raw(worker).into_iter().map(|mut frames| BrokerToWorker::decode(&mut frames));
        let job = |message| match message {
            Ok(BrokerToWorker::Request { id, .. }) => Some(String::from_utf8_lossy(id.as_bytes()).into_owned()),
            _ => None,
        };
        messages.filter_map(job).collect()
    }

    /// The outcomes of a client's requests: `r1 ok`, `r1 partial` or `r1` and an error code.
    pub(crate) fn outcomes(&mut self, client: impl AsRef<[u8]>) -> Vec<String> {
        let messages = self.raw(client).into_iter().map(|mut frames| BrokerToClient::decode(&mut frames));
        messages.filter_map(|message| outcome(message.expect("a message that a client understands"))).collect()
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The reasons why workers left.
    pub(crate) fn losses(&mut self) -> Vec<Loss> {
        let reason = |event| match event {
            Event::WorkerLeft { reason, .. } => Some(reason),
            _ => None,
        };
        self.events().into_iter().filter_map(reason).collect()
    }

    pub(crate) fn publications(&mut self) -> Vec<String> {
        std::mem::take(&mut self.publications)
    }

    /// All outputs of the broker, in order.
    pub(crate) fn outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    pub(crate) fn directory(&self) -> String {
        serde_json::Value::Object(self.machine.directory()).to_string()
    }

    pub(crate) fn statistics(&self) -> Statistics {
        self.machine.statistics()
    }

    fn take_first(&mut self, peer: impl AsRef<[u8]>, wanted: impl Fn(&str) -> bool) {
        let inbox = self.inboxes.entry(id(peer)).or_default();
        let at = inbox.iter().position(|frames| wanted(&text(frames))).expect("an answer to the announcement");
        inbox.remove(at);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.settle();
        }
    }
}

fn outcome(message: BrokerToClient) -> Option<String> {
    let BrokerToClient::Reply { kind, id, payload } = message else { return None };
    let id = text(&[id]);
    Some(match kind {
        ReplyKind::Partial => format!("{id} partial"),
        ReplyKind::Final if *payload.status == *b"-1" => format!("{id} {}", error_code(&payload)),
        ReplyKind::Final => format!("{id} ok"),
    })
}

/// The code of an error reply; a reply made by the broker must say so in its options.
fn error_code(payload: &Payload) -> String {
    let code: String = serde_json::from_slice(&payload.data).expect("the code as a JSON string");
    if code.starts_with("B_") {
        let options = text(&[payload.options.clone().expect("options")]);
        assert!(options.starts_with(r#"{"origin":"broker","message":""#), "{options}");
    }
    code
}

/// A request's id, for messages built from the protocol's types.
pub(crate) fn request_id(id: &str) -> RequestId {
    RequestId::new(Frame::from(id)).expect("1 to 255 bytes")
}

/// `prefix1` to `prefix<count>`, sorted by number.
pub(crate) fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("{prefix}{number}")).collect()
}

/// The same strings, sorted, for comparisons that ignore the order.
pub(crate) fn sorted(items: impl IntoIterator<Item = String>) -> Vec<String> {
    items.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}
