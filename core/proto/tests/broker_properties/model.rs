//! The naive model of dispatch: searches all requests and workers every time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pigato_proto::broker::{Event, Message, Output};
use pigato_proto::error::ErrorCode;
use pigato_proto::limits;
use pigato_proto::protocol::{BrokerToClient, BrokerToWorker, PeerId, ReplyKind};
use proptest::prelude::*;
use proptest::sample::{select, Index};

use super::world::{ms, World};

const OFFERED_NAMES: &[&str] = &["a", "aa", "ab", "b", "*", "a*", "aa*", "name@1.0.0", "name@1.5.0", "name@2.0.0"];
const REQUESTED_NAMES: &[&str] =
    &["a", "aa", "ab", "aab", "b", "bb", "name@^1", "name@>=1.5.0", "name@2.0.0", "name@3"];
const WORKERS: &[&str] = &["w1", "w2", "w3", "w4"];
const CLIENTS: &[&str] = &["c1", "c2", "c3"];

#[derive(Debug, Clone)]
pub(super) enum Input {
    Ready { worker: &'static str, offer: &'static str, concurrency: i64 },
    Limit { worker: &'static str, concurrency: i64 },
    Leave { worker: &'static str },
    Unroutable { peer: &'static str },
    Request { client: &'static str, requested: &'static str, options: Options },
    Answer { worker: &'static str, which: Index, how: How },
    Cancel { which: Index },
    Advance { millis: u64 },
    Drain { millis: u64 },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum How {
    Final,
    Partial,
    Reject,
}

#[derive(Debug, Clone)]
pub(super) struct Options {
    /// `-1`: no timeout.
    timeout: i64,
    retry: bool,
    fail_fast: bool,
    target: Option<&'static str>,
}

impl Options {
    fn json(&self) -> String {
        let target = self.target.map_or(String::new(), |target| format!(r#","workerId":"{target}""#));
        let Self { timeout, retry, fail_fast, .. } = self;
        format!(r#"{{"timeout":{timeout},"retry":{retry},"failFast":{fail_fast}{target}}}"#)
    }
}

pub(super) fn input() -> impl Strategy<Value = Input> {
    let worker = || select(WORKERS);
    let concurrency = || prop_oneof![4 => 1..=3_i64, 1 => Just(-1)];
    let peer = select([CLIENTS, WORKERS].concat());
    let how = prop_oneof![4 => Just(How::Final), 1 => Just(How::Partial), 2 => Just(How::Reject)];
    prop_oneof![
        4 => (worker(), select(OFFERED_NAMES), concurrency())
            .prop_map(|(worker, offer, concurrency)| Input::Ready { worker, offer, concurrency }),
        2 => (worker(), concurrency()).prop_map(|(worker, concurrency)| Input::Limit { worker, concurrency }),
        1 => worker().prop_map(|worker| Input::Leave { worker }),
        1 => peer.prop_map(|peer| Input::Unroutable { peer }),
        10 => (select(CLIENTS), select(REQUESTED_NAMES), options())
            .prop_map(|(client, requested, options)| Input::Request { client, requested, options }),
        8 => (worker(), any::<Index>(), how).prop_map(|(worker, which, how)| Input::Answer { worker, which, how }),
        1 => any::<Index>().prop_map(|which| Input::Cancel { which }),
        2 => (0..3_000_u64).prop_map(|millis| Input::Advance { millis }),
    ]
}

fn options() -> impl Strategy<Value = Options> {
    let timeout = prop_oneof![Just(-1_i64), 1..2_000_i64, Just(60_000)];
    let target = proptest::option::weighted(0.2, select(WORKERS));
    (timeout, any::<bool>(), proptest::bool::weighted(0.2), target)
        .prop_map(|(timeout, retry, fail_fast, target)| Options { timeout, retry, fail_fast, target })
}

/// What the model knows of a worker.
pub(super) struct Worker {
    offer: &'static str,
    concurrency: i64,
    /// Distinguishes the sessions of one identity.
    generation: usize,
    in_flight: BTreeSet<usize>,
    /// Requests that the broker ended while the worker had them; the worker may still answer them.
    ended: BTreeSet<usize>,
}

/// A request without an outcome; its id is `r` and its number.
pub(super) struct Request {
    client: &'static str,
    requested: &'static str,
    options: Options,
    place: Place,
    rejected_by: BTreeSet<usize>,
    expires_at: Option<Duration>,
    attempts: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Place {
    Queued,
    InFlight(&'static str),
    /// Its worker is lost, and it has no `retry`.
    Lost,
    /// Its worker has answered.
    Answered,
}

pub(super) struct Model {
    world: World,
    pub(super) workers: BTreeMap<&'static str, Worker>,
    /// Pending requests by number, that is in order of arrival.
    pub(super) requests: BTreeMap<usize, Request>,
    requested: usize,
    generations: usize,
    announced: (&'static str, i64),
    draining: bool,
}

impl Model {
    pub(super) fn new() -> Self {
        Self {
            world: World::new(),
            workers: BTreeMap::new(),
            requests: BTreeMap::new(),
            requested: 0,
            generations: 0,
            announced: ("", 0),
            draining: false,
        }
    }

    pub(super) fn apply(&mut self, input: &Input) {
        match input {
            Input::Ready { worker, offer, concurrency } => {
                self.announced = (offer, *concurrency);
                let hello = format!(r#"{{"v":1,"caps":[],"concurrency":{concurrency}}}"#);
                self.world.send(worker, &format!("W|1|{offer}|{hello}"));
            }
            Input::Limit { worker, concurrency } => {
                if let Some(known) = self.workers.get_mut(worker) {
                    known.concurrency = *concurrency;
                }
                self.world.limit(worker, *concurrency);
            }
            Input::Leave { worker } => self.world.send(worker, "W|5"),
            Input::Unroutable { peer } => {
                let theirs = self.requests.iter().filter(|(_, request)| request.client == *peer);
                for number in theirs.map(|(number, _)| *number).collect::<Vec<_>>() {
                    self.end_unanswered(number);
                }
                self.world.unroutable(peer);
            }
            Input::Request { client, requested, options } => self.request(client, requested, options),
            Input::Answer { worker, which, how } => self.answer(worker, which, *how),
            Input::Cancel { which } => {
                let Some(number) = picked(which, self.requests.keys().copied()) else { return };
                let client = self.requests[&number].client;
                self.end_unanswered(number);
                self.world.send(client, &format!("C|8||r{number}"));
            }
            Input::Advance { millis } => return self.advance(ms(*millis)),
            Input::Drain { millis } => {
                self.draining = true;
                self.world.drain(ms(*millis));
            }
        }
        self.follow();
    }

    fn request(&mut self, client: &'static str, requested: &'static str, options: &Options) {
        let number = self.requested;
        self.requested += 1;
        let timeout = u64::try_from(options.timeout).ok().map(ms);
        self.requests.insert(
            number,
            Request {
                client,
                requested,
                expires_at: timeout.map(|timeout| self.world.elapsed() + timeout),
                place: Place::Queued,
                rejected_by: BTreeSet::new(),
                attempts: 0,
                options: options.clone(),
            },
        );
        self.world.request_with(client, requested, &format!("r{number}"), &options.json());
    }

    fn answer(&mut self, name: &'static str, which: &Index, how: How) {
        let Some(worker) = self.workers.get_mut(name) else { return };
        let Some(number) = picked(which, worker.in_flight.union(&worker.ended).copied()) else { return };
        if worker.in_flight.contains(&number) {
            let request = self.requests.get_mut(&number).expect("a request in flight");
            match how {
                Final => request.place = Place::Answered,
                Partial => {
                    let timeout = u64::try_from(request.options.timeout).ok().map(ms);
                    request.expires_at = timeout.map(|timeout| self.world.elapsed() + timeout);
                }
                Reject => {
                    request.place = Place::Queued;
                    request.rejected_by.insert(worker.generation);
                    request.attempts -= 1;
                }
            }
        }
        use How::{Final, Partial, Reject};
        if how != Partial {
            worker.in_flight.remove(&number);
            worker.ended.remove(&number);
        }
        let id = format!("r{number}");
        match how {
            Final => self.world.reply(name, &id),
            Partial => self.world.partial(name, &id),
            Reject => self.world.reject(name, &id),
        }
    }

    /// Advances the time from deadline to deadline, so that the model ends requests when the broker
    /// does.
    fn advance(&mut self, duration: Duration) {
        let until = self.world.elapsed() + duration;
        loop {
            let next = self.world.next_deadline().unwrap_or(until).clamp(self.world.elapsed(), until);
            let due = self.requests.iter().filter(|(_, request)| request.expires_at.is_some_and(|at| at <= next));
            for number in due.map(|(number, _)| *number).collect::<Vec<_>>() {
                self.end_unanswered(number);
            }
            self.world.advance(next - self.world.elapsed());
            self.follow();
            if next == until {
                return;
            }
        }
    }

    fn end_unanswered(&mut self, number: usize) {
        let request = self.requests.remove(&number).expect("an open request");
        if let Place::InFlight(worker) = request.place {
            let worker = self.workers.get_mut(worker).expect("a worker with a request");
            worker.in_flight.remove(&number);
            worker.ended.insert(number);
        }
    }

    /// Checks the broker's outputs since the last call.
    fn follow(&mut self) {
        for output in self.world.outputs() {
            match output {
                Output::Event(Event::WorkerJoined { worker, .. }) => self.joined(name(&worker)),
                Output::Event(Event::WorkerLeft { worker, .. }) => self.left(name(&worker)),
                Output::Send { peer, message: Message::Worker(BrokerToWorker::Request { id, .. }) } => {
                    self.dispatched(name(&peer), number(id.as_bytes()));
                }
                Output::Send { peer, message: Message::Client(BrokerToClient::Reply { kind, id, payload }) } => {
                    let code = serde_json::from_slice::<serde_json::Value>(&payload.data).expect("JSON");
                    self.check_reply(name(&peer), kind, number(&id), code.as_str().and_then(ErrorCode::parse));
                }
                _ => {}
            }
        }
        self.check();
    }

    fn joined(&mut self, name: &'static str) {
        assert!(!self.draining);
        let ((offer, concurrency), generation) = (self.announced, self.generations);
        self.generations += 1;
        let (in_flight, ended) = Default::default();
        let former = self.workers.insert(name, Worker { offer, concurrency, generation, in_flight, ended });
        assert!(former.is_none());
    }

    fn left(&mut self, name: &'static str) {
        let worker = self.workers.remove(name).expect("a worker that joined");
        for number in worker.in_flight {
            let request = self.requests.get_mut(&number).expect("a request in flight");
            let again = request.options.retry && request.attempts < limits::ATTEMPTS;
            request.place = if again { Place::Queued } else { Place::Lost };
        }
    }

    fn dispatched(&mut self, name: &'static str, number: usize) {
        assert!(self.can_receive(name, number), "{name} received r{number}, which does not match it");
        let requested = self.requests[&number].requested;
        let older = self.requests.range(..number).map(|(older, _)| *older);
        let mut skipped =
            older.filter(|older| self.requests[older].requested == requested && self.can_receive(name, *older));
        assert_eq!(skipped.next(), None, "an earlier request than r{number} was skipped");
        let worker = self.workers.get_mut(name).expect("a worker that matches");
        worker.in_flight.insert(number);
        let request = self.requests.get_mut(&number).expect("an open request");
        request.place = Place::InFlight(name);
        request.attempts += 1;
    }

    fn check_reply(&mut self, client: &str, kind: ReplyKind, number: usize, code: Option<ErrorCode>) {
        let request = self.requests.get(&number).expect("an open request");
        assert_eq!(request.client, client);
        if kind == ReplyKind::Partial {
            assert!(matches!(request.place, Place::InFlight(_)));
            return;
        }
        let is_unserved = !self.workers.keys().any(|worker| self.serves(worker, request));
        let may_end = match code {
            None => request.place == Place::Answered,
            Some(ErrorCode::WorkerLost) => request.place == Place::Lost,
            Some(ErrorCode::Draining) => self.draining,
            Some(ErrorCode::NoWorker) => request.options.fail_fast && request.place == Place::Queued && is_unserved,
            Some(ErrorCode::Rejected) => request.options.fail_fast && request.place == Place::Queued && !is_unserved,
            Some(_) => false,
        };
        assert!(may_end, "r{number} ended with {code:?} while {:?}", request.place);
        let ended = self.requests.remove(&number).expect("an open request");
        if let Place::InFlight(worker) = ended.place {
            self.workers.get_mut(worker).expect("a worker with a request").in_flight.remove(&number);
        }
    }

    /// Whether the request waits and the worker has room for it and matches it.
    fn can_receive(&self, name: &str, number: usize) -> bool {
        let (worker, request) = (&self.workers[name], &self.requests[&number]);
        let room = worker.concurrency < 0 || worker.in_flight.len() < worker.concurrency as usize;
        let rejected = request.rejected_by.contains(&worker.generation);
        request.place == Place::Queued && room && !rejected && self.serves(name, request)
    }

    /// Whether the worker matches the request, regardless of its room.
    fn serves(&self, name: &str, request: &Request) -> bool {
        let offer = self.workers[name].offer;
        if let Some(target) = request.options.target {
            return target == name && covers(offer, request.requested);
        }
        // Offers that match the same name: the exact name takes precedence, then the longest
        // wildcard; any matching version is allowed.
        let rank = |offer: &str| match offer {
            _ if offer == request.requested => usize::MAX,
            _ if offer.contains('@') => 0,
            wildcard => wildcard.len(),
        };
        let others = self.workers.values().map(|worker| worker.offer).filter(|offer| covers(offer, request.requested));
        covers(offer, request.requested) && others.map(rank).max() == Some(rank(offer))
    }

    fn check(&self) {
        for (number, request) in &self.requests {
            assert!(!matches!(request.place, Place::Lost | Place::Answered), "r{number} should have ended");
            for worker in self.workers.keys() {
                assert!(!self.can_receive(worker, *number), "r{number} waits, and {worker} is free");
            }
        }
        let in_flight = self.requests.values().filter(|request| request.place != Place::Queued).count();
        let statistics = self.world.statistics();
        assert_eq!((statistics.in_flight, statistics.queued), (in_flight, self.requests.len() - in_flight));
    }
}

/// Whether an offer matches a requested name, for the names in [`OFFERED_NAMES`] and
/// [`REQUESTED_NAMES`].
fn covers(offer: &str, requested: &str) -> bool {
    match (offer.strip_suffix('*'), requested) {
        (Some(prefix), _) => !requested.contains('@') && requested.starts_with(prefix),
        (None, "name@^1") => offer == "name@1.0.0" || offer == "name@1.5.0",
        (None, "name@>=1.5.0") => offer == "name@1.5.0" || offer == "name@2.0.0",
        _ => offer == requested,
    }
}

fn picked(which: &Index, from: impl Iterator<Item = usize>) -> Option<usize> {
    let from: Vec<_> = from.collect();
    (!from.is_empty()).then(|| *which.get(&from))
}

fn name(peer: &PeerId) -> &'static str {
    let mut names = CLIENTS.iter().chain(WORKERS);
    names.find(|name| name.as_bytes() == peer.as_bytes()).expect("one of the peers")
}

fn number(id: &[u8]) -> usize {
    let digits = std::str::from_utf8(&id[1..]).expect("an id of the model");
    digits.parse().expect("an id of the model")
}
