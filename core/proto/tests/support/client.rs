//! A client's machine with its simulated owner, which tracks the outcome of each request.

use std::collections::{BTreeMap, BTreeSet};

use pigato_proto::client::{Event, Machine, Output, RequestNumber};
use pigato_proto::config::{ClientOptions, RequestOptions};
use pigato_proto::entropy::Entropy;
use pigato_proto::protocol::{ClientToBroker, Frame, RequestId, ServiceName};

use super::{Ledger, Owner};

pub(crate) type Client = Owner<Requests>;

/// The outcomes of a client's requests.
#[derive(Default)]
pub(crate) struct Requests {
    unanswered: BTreeSet<RequestNumber>,
    /// Ids of the requests sent on the current connection.
    sent: BTreeSet<RequestId>,
    /// The id of each request ever sent, by its data.
    pub(crate) ids: BTreeMap<Frame, RequestId>,
}

pub(crate) fn client(options: ClientOptions, seed: u64) -> Client {
    Owner::new(Machine::new(options, Entropy::from_number(seed)), Requests::default())
}

impl Client {
    /// Makes a request with unique data, by which its id can be found.
    pub(crate) fn request(&mut self, number: RequestNumber, data: &str, options: &RequestOptions) -> Vec<Output> {
        assert!(self.ledger.unanswered.insert(number), "request number in use");
        let service = ServiceName::new(Frame::from("echo")).expect("a short name");
        self.input(|machine, now| machine.request(now, number, service, Frame::from(data), options))
    }

    pub(crate) fn stop(&mut self) -> Vec<Output> {
        let outputs = self.input(|machine, _| machine.stop());
        assert!(self.ledger.unanswered.is_empty(), "every request has ended when the client stops");
        outputs
    }
}

impl Requests {
    pub(crate) fn is_unanswered(&self, number: RequestNumber) -> bool {
        self.unanswered.contains(&number)
    }

    fn note_sent(&mut self, message: &ClientToBroker) {
        match message {
            ClientToBroker::Request { id, data, .. } => {
                assert!(self.sent.insert(id.clone()), "sent twice on one connection");
                let known = self.ids.entry(data.clone()).or_insert_with(|| id.clone());
                assert_eq!(known, id, "a resent request keeps its id");
            }
            ClientToBroker::RequestHeartbeat { id, .. }
            | ClientToBroker::Cancel(id)
            | ClientToBroker::Credit { id, .. } => {
                assert!(self.sent.contains(id), "{message:?} about a request that the broker does not know");
            }
            _ => {}
        }
    }
}

impl Ledger for Requests {
    type Machine = Machine;

    fn hear(&mut self, _: &[Frame]) {}

    fn note(&mut self, output: &Output) {
        match output {
            Output::Connect(_) => self.sent.clear(),
            Output::Send(message) => self.note_sent(message),
            Output::Event(Event::Final { number, .. } | Event::Failed { number, .. }) => {
                assert!(self.unanswered.remove(number), "request {number} ended twice");
            }
            Output::Event(Event::Partial { number, .. }) => {
                assert!(self.unanswered.contains(number), "a partial reply after the end of request {number}");
            }
            _ => {}
        }
    }

    fn check(&self, machine: &Machine, _is_up: bool) {
        assert_eq!(machine.unanswered(), self.unanswered.len());
    }

    fn most_outputs(&self) -> usize {
        // When the broker announces its capabilities, the machine sends the cancels of all requests
        // given up before.
        3 * self.unanswered.len() + self.sent.len() + 16
    }
}
