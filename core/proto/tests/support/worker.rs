//! A worker's machine with its simulated owner, which tracks the live requests.

use std::collections::BTreeMap;

use pigato_proto::config::WorkerOptions;
use pigato_proto::entropy::Entropy;
use pigato_proto::protocol::{
    BrokerToWorker, Frame, Payload, PeerId, ReplyKind, RequestId, ServiceName, Status, WorkerToBroker,
};
use pigato_proto::worker::{Event, Machine, Output, RequestNumber};

use super::{Ledger, Owner};

pub(crate) type Worker = Owner<Jobs>;

/// The live requests.
#[derive(Default)]
pub(crate) struct Jobs {
    live: BTreeMap<RequestNumber, Job>,
    newest: RequestNumber,
    /// The request that was just received; a stopping worker may reject it without an event.
    incoming: Option<(PeerId, RequestId)>,
}

struct Job {
    client: PeerId,
    id: RequestId,
    /// Partial replies that may still be sent.
    credit: Option<u64>,
    /// Replies passed to the machine that it has not sent yet.
    waiting: usize,
}

pub(crate) fn worker(service: &str, options: WorkerOptions, seed: u64) -> Worker {
    let service = ServiceName::new(Frame::from(service)).expect("a short name");
    Owner::new(Machine::new(service, options, Entropy::from_number(seed)), Jobs::default())
}

impl Worker {
    pub(crate) fn reply(&mut self, number: RequestNumber, kind: ReplyKind, payload: Payload) -> (bool, Vec<Output>) {
        if let Some(job) = self.ledger.live.get_mut(&number) {
            job.waiting += 1;
        }
        let mut taken = false;
        let outputs = self.input(|machine, now| taken = machine.reply(now, number, kind, payload));
        (taken, outputs)
    }

    pub(crate) fn reject(&mut self, number: RequestNumber, reason: &str) -> (bool, Vec<Output>) {
        let (mut taken, reason) = (false, Frame::from(reason));
        let outputs = self.input(|machine, now| taken = machine.reject(now, number, reason));
        (taken, outputs)
    }

    pub(crate) fn stop(&mut self) -> Vec<Output> {
        self.input(Machine::stop)
    }
}

pub(crate) fn payload(data: &str) -> Payload {
    Payload::new(Status::Ok, Frame::from(data), Frame::from("{}"))
}

impl Jobs {
    pub(crate) fn live(&self) -> Vec<RequestNumber> {
        self.live.keys().copied().collect()
    }

    fn find(&self, client: &PeerId, id: &RequestId) -> Option<RequestNumber> {
        self.live.iter().find(|(_, job)| job.client == *client && job.id == *id).map(|(number, _)| *number)
    }

    fn note_reply(&mut self, kind: ReplyKind, client: &PeerId, id: &RequestId) {
        let number = self.find(client, id).expect("a reply to a request that is not live");
        let job = self.live.get_mut(&number).expect("it was just found");
        job.waiting = job.waiting.checked_sub(1).expect("a reply that the user did not give");
        match (kind, &mut job.credit) {
            (ReplyKind::Final, _) => drop(self.live.remove(&number)),
            (ReplyKind::Partial, Some(credit)) => {
                *credit = credit.checked_sub(1).expect("more partial replies than credit");
            }
            (ReplyKind::Partial, None) => {}
        }
    }

    fn note_reject(&mut self, client: &PeerId, id: &RequestId) {
        match self.find(client, id) {
            Some(number) => drop(self.live.remove(&number)),
            None => assert_eq!(self.incoming.take(), Some((client.clone(), id.clone())), "nothing to reject"),
        }
    }

    fn note_event(&mut self, event: &Event) {
        match event {
            Event::Request(request) => {
                assert!(request.number > self.newest, "a request number was reused");
                self.newest = request.number;
                assert_eq!(self.find(&request.client, &request.id), None, "two live requests with one id");
                let (client, id) = (request.client.clone(), request.id.clone());
                let job = Job { client, id, credit: request.credit.map(u64::from), waiting: 0 };
                self.live.insert(request.number, job);
            }
            Event::Cancelled { number, .. } => {
                assert!(self.live.remove(number).is_some(), "request {number} was cancelled but is not live");
            }
            Event::Heartbeat { number } => assert!(self.live.contains_key(number)),
            Event::Credit { number, partials } => {
                let job = self.live.get_mut(number).expect("credit for a live request");
                job.credit = Some(job.credit.unwrap_or(0) + u64::from(*partials));
            }
            _ => {}
        }
    }
}

impl Ledger for Jobs {
    type Machine = Machine;

    fn hear(&mut self, frames: &[Frame]) {
        self.incoming = match BrokerToWorker::decode(&mut frames.to_vec()) {
            Ok(BrokerToWorker::Request { client, id, .. }) => Some((client, id)),
            _ => None,
        };
    }

    fn note(&mut self, output: &Output) {
        match output {
            Output::Send(WorkerToBroker::Reply { kind, client, id, .. }) => self.note_reply(*kind, client, id),
            Output::Send(WorkerToBroker::Reject { client, id, .. }) => self.note_reject(client, id),
            Output::Event(event) => self.note_event(event),
            _ => {}
        }
    }

    fn check(&self, machine: &Machine, is_up: bool) {
        assert_eq!(machine.in_flight(), self.live.len());
        assert!(is_up || self.live.is_empty(), "a request outlived its connection");
    }

    fn most_outputs(&self) -> usize {
        self.live.values().map(|job| job.waiting + 1).sum::<usize>() + 16
    }
}
