//! The records of a world and the invariants that it checks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pigato_proto::broker::{Event, Message, Output, Statistics, Violation};
use pigato_proto::config::Concurrency;
use pigato_proto::protocol::{
    BrokerToClient, BrokerToWorker, ClientToBroker, DecodeError, Frame, PeerId, ReplyKind, RequestId, ToBroker,
    WorkerToBroker,
};

use super::{text, World, MOST_STEPS};

/// The records that the checks need.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) registered: BTreeSet<PeerId>,
    /// The highest concurrency since the worker last announced itself.
    pub(super) most_in_flight: BTreeMap<PeerId, u64>,
    /// Workers that received a disconnect since they last announced themselves.
    pub(super) disconnected: BTreeSet<PeerId>,
    /// The clients named to a worker with a request, by the worker and the request's id, the oldest
    /// first.
    pub(super) delivered: BTreeMap<(PeerId, Vec<u8>), Vec<PeerId>>,
    /// Requests without a final reply, by client and id.
    pub(super) unanswered: BTreeMap<(PeerId, Frame), usize>,
    pub(super) finals: u64,
    /// Requests that were refused before they were counted.
    pub(super) malformed_requests: u64,
    pub(super) duplicates: u64,
    /// Requests that continued an existing one.
    pub(super) resends: u64,
    pub(super) drained: usize,
    pub(super) is_draining: bool,
    /// The content of the store.
    pub(super) stored: BTreeSet<(PeerId, RequestId)>,
}

impl World {
    pub(super) fn note_sent(&mut self, peer: &PeerId, mut frames: Vec<Frame>) {
        match ToBroker::decode(&mut frames) {
            Ok(ToBroker::Worker(WorkerToBroker::Ready { hello, .. })) => {
                let concurrency = hello.map_or(Concurrency::default(), |hello| hello.concurrency);
                self.ledger.most_in_flight.insert(peer.clone(), most(concurrency));
                self.ledger.disconnected.remove(peer);
            }
            Ok(ToBroker::Worker(WorkerToBroker::Heartbeat(heartbeat))) => {
                let announced = heartbeat.concurrency.map_or(0, most);
                let most_in_flight = self.ledger.most_in_flight.entry(peer.clone()).or_default();
                *most_in_flight = announced.max(*most_in_flight);
            }
            Ok(ToBroker::Client(ClientToBroker::Request { id, .. })) => self.note_request(peer, id.to_frame()),
            Err(DecodeError { refused_request: Some(id), .. }) => {
                self.note_request(peer, id.map(|id| id.to_frame()).unwrap_or_default());
            }
            _ => {}
        }
    }

    pub(super) fn note_request(&mut self, client: &PeerId, id: Frame) {
        *self.ledger.unanswered.entry((client.clone(), id)).or_default() += 1;
    }

    /// Takes all outputs of the broker and checks them.
    pub(super) fn collect(&mut self) {
        if self.is_held {
            return;
        }
        let mut outputs = 0;
        while let Some(output) = self.machine.poll_output() {
            outputs += 1;
            assert!(outputs < MOST_STEPS, "the broker emits outputs without end");
            self.outputs.push(output.clone());
            match output {
                Output::Send { peer, .. } if self.cut_off.contains(&peer) => {
                    self.machine.handle_unroutable(self.now, &peer);
                }
                Output::Send { peer, message } => {
                    let frames = encoded(message.clone());
                    match message {
                        Message::Client(message) => self.note_client_message(&peer, message),
                        Message::Worker(message) => self.note_worker_message(&peer, message),
                    }
                    self.inboxes.entry(peer).or_default().push(frames);
                }
                Output::Publish(frame) => self.publications.push(text(&[frame])),
                Output::Event(event) => {
                    self.note_event(&event);
                    self.events.push(event);
                }
            }
        }
        self.check();
    }

    fn note_client_message(&mut self, peer: &PeerId, message: BrokerToClient) {
        let BrokerToClient::Reply { kind, id, .. } = message else { return };
        let unanswered = self.ledger.unanswered.get_mut(&(peer.clone(), id)).filter(|count| **count > 0);
        let unanswered = unanswered.expect("a reply to a pending request of this client");
        if kind == ReplyKind::Final {
            *unanswered -= 1;
            self.ledger.finals += 1;
        }
    }

    fn note_worker_message(&mut self, peer: &PeerId, message: BrokerToWorker) {
        let ledger = &mut self.ledger;
        match message {
            BrokerToWorker::Ready(_) => {
                assert!(ledger.registered.insert(peer.clone()), "{peer} was already registered");
            }
            BrokerToWorker::Disconnect => {
                assert!(ledger.disconnected.insert(peer.clone()), "{peer} received a second disconnect");
            }
            _ => assert!(!ledger.disconnected.contains(peer), "{peer} received a disconnect before {message:?}"),
        }
        if let BrokerToWorker::Request { client, id, .. } = message {
            assert!(ledger.registered.contains(peer), "{peer} received a request, but is not registered");
            ledger.delivered.entry((peer.clone(), id.as_bytes().to_vec())).or_default().push(client);
        }
    }

    fn note_event(&mut self, event: &Event) {
        match event {
            Event::WorkerLeft { worker, .. } => {
                assert!(self.ledger.registered.remove(worker), "{worker} left, but was not registered");
                self.ledger.delivered.retain(|(handed_to, _), _| handed_to != worker);
            }
            Event::ProtocolError { error: Violation::DuplicateRequest, .. } => self.ledger.duplicates += 1,
            Event::ProtocolError { error: Violation::Malformed(error), .. } if error.refused_request.is_some() => {
                self.ledger.malformed_requests += 1;
            }
            Event::Stored(request) => {
                self.ledger.stored.insert((request.client.clone(), request.id.clone()));
            }
            Event::Removed { client, id } => {
                let was_stored = self.ledger.stored.remove(&(client.clone(), id.clone()));
                assert!(was_stored, "{id:?} of {client} was removed, but was not stored");
            }
            Event::Drained => self.ledger.drained += 1,
            _ => {}
        }
    }

    /// The invariants after every input: every request is queued, in flight or has ended in exactly
    /// one way, and no worker exceeds its concurrency.
    fn check(&self) {
        let Statistics { queued, in_flight, expired, cancelled, requests, restored, left, workers, .. } =
            self.machine.statistics();
        let ledger = &self.ledger;
        let received = requests + restored + ledger.malformed_requests;
        let ended = ledger.finals + expired + cancelled + left + ledger.duplicates + ledger.resends;
        let held = (queued + in_flight) as u64;
        assert_eq!(received, ended + held, "every request has one outcome: {:?}", self.machine.statistics());

        let limits = ledger.registered.iter().map(|worker| ledger.most_in_flight[worker]);
        let most_in_flight = limits.fold(0, u64::saturating_add);
        assert!(
            in_flight as u64 <= most_in_flight,
            "{in_flight} in flight, but the workers' concurrency is {most_in_flight}"
        );
        assert_eq!(workers, ledger.registered.len(), "workers that joined and have not left");
    }

    /// Stops the broker and runs it until it is idle; then it must have no state left.
    pub(super) fn settle(&mut self) {
        self.drain(Duration::ZERO);
        for _ in 0..MOST_STEPS {
            let Some(deadline) = self.machine.next_deadline() else { break };
            self.handle_timeout_at(self.now.max(deadline));
        }
        assert_eq!(self.machine.next_deadline(), None, "deadlines after the end");
        assert_eq!(self.ledger.drained, 1, "the drain ends with one event");
        let Statistics { queued, in_flight, request_bytes, workers, clients, left, .. } = self.machine.statistics();
        assert_eq!(self.ledger.stored.len() as u64, left, "the store contains the requests left for the next run");
        assert_eq!([queued, in_flight, request_bytes, workers, clients], [0; 5], "the state left at the end");
        assert_eq!(self.directory(), "{}");
    }
}

fn most(concurrency: Concurrency) -> u64 {
    match concurrency {
        Concurrency::Limited(limit) => u64::from(limit),
        Concurrency::Unlimited => u64::MAX,
    }
}

/// A message's frames, which its receiver must be able to decode.
fn encoded(message: Message) -> Vec<Frame> {
    let mut frames = Vec::new();
    message.clone().encode(&mut frames);
    let copy = &mut frames.clone();
    match message {
        Message::Client(message) => {
            assert_eq!(BrokerToClient::decode(copy).as_ref(), Ok(&message));
        }
        Message::Worker(message) => {
            let mut decoded = BrokerToWorker::decode(copy).expect("a message that workers understand");
            if matches!(message, BrokerToWorker::Request { metadata: Some(_), .. }) {
                decoded.take_metadata();
            }
            assert_eq!(kind(&decoded), kind(&message));
        }
    }
    frames
}

fn kind(message: &BrokerToWorker) -> std::mem::Discriminant<BrokerToWorker> {
    std::mem::discriminant(message)
}
