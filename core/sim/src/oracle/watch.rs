//! Checks one run of a broker by its inputs, its outputs and its inspection interface.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use pigato_proto::broker::inspect::{WaitingView, WorkerView};
use pigato_proto::broker::{Event, Loss, Machine, Message, Output};
use pigato_proto::config::Concurrency;
use pigato_proto::limits;
use pigato_proto::protocol::{
    BrokerToClient, BrokerToWorker, ClientToBroker, Frame, PeerId, ReplyKind, RequestId, RequestSettings, ToBroker,
    WorkerToBroker,
};

use super::matching::idle_pair;
use super::{Rule, Verdict};

#[derive(Debug, Default)]
struct WatchedWorker {
    is_ready: bool,
    received_disconnect: bool,
    can_cancel: bool,
    concurrency: Concurrency,
    /// Requests delivered to the worker that it has neither answered nor received a cancel for.
    jobs: BTreeSet<(PeerId, RequestId)>,
}

#[derive(Debug, Default)]
struct WatchedRequest {
    dispatches: u32,
    data: Frame,
    may_retry: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Watch {
    workers: BTreeMap<PeerId, WatchedWorker>,
    /// Requests by id alone: a request may move to another identity of its client.
    requests: HashMap<RequestId, WatchedRequest>,
    dispatches: u64,
    partials: u64,
    /// Requests in flight at each worker at the last check.
    in_flight: BTreeMap<PeerId, usize>,
}

impl Watch {
    /// Call before the broker handles a message.
    pub(crate) fn before_message(&mut self, peer: &PeerId, frames: &[Frame]) {
        match ToBroker::decode(&mut frames.to_vec()) {
            Ok(ToBroker::Client(ClientToBroker::Request { id, data, options, .. })) => {
                let may_retry = RequestSettings::parse(&options).retry;
                self.requests.entry(id).or_insert(WatchedRequest { dispatches: 0, data, may_retry });
            }
            Ok(ToBroker::Worker(message)) => self.before_worker_message(peer, message),
            Ok(ToBroker::Client(_)) | Err(_) => {}
        }
    }

    fn before_worker_message(&mut self, peer: &PeerId, message: WorkerToBroker) {
        let worker = self.workers.entry(peer.clone()).or_default();
        match message {
            WorkerToBroker::Ready { hello, .. } => {
                *worker = WatchedWorker {
                    is_ready: true,
                    can_cancel: hello.as_ref().is_some_and(|hello| hello.capabilities.cancel),
                    concurrency: hello.map_or(Concurrency::default(), |hello| hello.concurrency),
                    ..WatchedWorker::default()
                };
                self.in_flight.remove(peer);
            }
            WorkerToBroker::Heartbeat(heartbeat) => {
                worker.concurrency = heartbeat.concurrency.unwrap_or(worker.concurrency);
            }
            WorkerToBroker::Reply { kind: ReplyKind::Final, client, id, .. }
            | WorkerToBroker::Reject { client, id, .. } => {
                worker.jobs.remove(&(client, id));
            }
            WorkerToBroker::Reply { .. } | WorkerToBroker::Disconnect => {}
        }
    }

    /// Call with each output of the broker.
    pub(crate) fn check_output(&mut self, verdict: &mut Verdict, output: &Output) {
        match output {
            Output::Send { peer, message: Message::Worker(message) } => self.check_to_worker(verdict, peer, message),
            Output::Send { message: Message::Client(message), .. } => self.check_to_client(verdict, message),
            Output::Event(Event::WorkerLeft { worker, .. }) => {
                if let Some(worker) = self.workers.get_mut(worker) {
                    worker.is_ready = false;
                    worker.jobs.clear();
                }
                self.in_flight.remove(worker);
            }
            Output::Event(_) | Output::Publish(_) => {}
        }
    }

    fn check_to_worker(&mut self, verdict: &mut Verdict, peer: &PeerId, message: &BrokerToWorker) {
        let worker = self.workers.entry(peer.clone()).or_default();
        match message {
            BrokerToWorker::Request { client, id, data, .. } => {
                self.dispatches += 1;
                worker.jobs.insert((client.clone(), id.clone()));
                verdict.demand(Rule::Concurrency, worker.is_ready, || {
                    format!("{peer} is not registered and receives a request")
                });
                let has_room = !worker.can_cancel || worker.concurrency.has_room(worker.jobs.len() - 1);
                verdict.demand(Rule::Concurrency, has_room, || {
                    format!("{peer} has concurrency {:?} and receives too many: {:?}", worker.concurrency, worker.jobs)
                });
                let request = self.requests.entry(id.clone()).or_default();
                request.dispatches += 1;
                let is_intact = is_hostile(id) || request.data == *data;
                verdict.demand(Rule::Intact, is_intact, || format!("{id:?} arrived with other data"));
            }
            BrokerToWorker::Cancel { client, id } => {
                worker.jobs.remove(&(client.clone(), id.clone()));
            }
            BrokerToWorker::Disconnect => {
                let again = std::mem::replace(&mut worker.received_disconnect, true);
                verdict.demand(Rule::OneDisconnect, !again, || format!("{peer} receives a second disconnect"));
            }
            _ => {}
        }
    }

    fn check_to_client(&mut self, verdict: &mut Verdict, message: &BrokerToClient) {
        let BrokerToClient::Reply { kind, id, payload } = message else { return };
        if *kind == ReplyKind::Partial {
            self.partials += 1;
        }
        let id = RequestId::new(id.clone()).filter(|id| &*payload.data == b"\"B_WORKER_LOST\"" && !is_hostile(id));
        if let Some(request) = id.as_ref().and_then(|id| self.requests.get(id)) {
            let least = if request.may_retry { limits::ATTEMPTS } else { 1 };
            verdict.demand(Rule::ReasonOfError, request.dispatches >= least, || {
                format!("{id:?} ends with its worker after {} attempts", request.dispatches)
            });
        }
    }

    /// Call after each input: checks what the broker shows of itself.
    pub(crate) fn check_state(&mut self, verdict: &mut Verdict, machine: &Machine) {
        let statistics = machine.statistics();
        let workers: Vec<WorkerView> = machine.inspect_workers().collect();
        let is_free = |worker: &WorkerView| worker.concurrency.has_room(worker.in_flight);
        if statistics.queued > 0 && workers.iter().any(is_free) {
            let waiting: Vec<WaitingView> = machine.inspect_waiting().collect();
            if let Some((worker, request)) = idle_pair(&workers, &waiting) {
                verdict.broken(Rule::NoIdleWorker, || format!("{worker:?} and {request:?}"));
            }
            let agrees = waiting.len() == statistics.queued;
            verdict.demand(Rule::Statistics, agrees, || format!("{} wait, {statistics:?}", waiting.len()));
        }
        for worker in &workers {
            let before = self.in_flight.insert(worker.peer.clone(), worker.in_flight).unwrap_or(0);
            // A worker that lowers its concurrency keeps the requests it has.
            let is_within = worker.in_flight == 0
                || worker.in_flight <= before
                || worker.concurrency.has_room(worker.in_flight - 1);
            verdict.demand(Rule::Concurrency, is_within, || format!("{worker:?}, {before} before"));
        }
        let in_flight: usize = workers.iter().map(|worker| worker.in_flight).sum();
        let ended = statistics.replies + statistics.expired + statistics.cancelled;
        let present = (statistics.queued + statistics.in_flight) as u64;
        let agrees = statistics.in_flight == in_flight
            && statistics.workers == workers.len()
            && statistics.dispatches == self.dispatches
            && statistics.partial_replies == self.partials
            && ended + present <= statistics.requests
            && (present > 0 || statistics.request_bytes == 0);
        verdict.demand(Rule::Statistics, agrees, || {
            format!("{statistics:?}, seen: {} dispatches, {} partials", self.dispatches, self.partials)
        });
    }

    /// Whether the output reports a loss that only faults explain.
    pub(crate) fn is_fault(output: &Output) -> bool {
        matches!(output, Output::Event(Event::WorkerLeft { reason, .. } | Event::ClientLeft { reason, .. })
            if matches!(reason, Loss::Silent | Loss::Unroutable | Loss::Overflow | Loss::ProtocolError))
    }
}

/// Hostile peers use short ids, and reuse them with other requests; all other peers use long ids,
/// once.
fn is_hostile(id: &RequestId) -> bool {
    id.as_bytes().len() < 8
}
