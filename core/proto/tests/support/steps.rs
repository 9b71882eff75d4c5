//! Any sequence of inputs to a client's or worker's machine, derived from random or fuzzed bytes.
//! This file defines the inputs; the machine's owner checks the invariants.

use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use pigato_proto::config::{ClientOptions, Concurrency, RequestOptions, Timeout, WorkerOptions};
use pigato_proto::protocol::{Frame, ReplyKind};

use super::support::client::{client, Client};
use super::support::worker::{payload, worker, Worker};
use super::support::{ms, Ledger, Owner};

/// Runs a client with the inputs that the bytes encode, and stops it.
pub(crate) fn run_client(bytes: &[u8]) {
    let input = &mut Unstructured::new(bytes);
    let Ok(settings) = Settings::arbitrary(input) else { return };
    let mut client = client(settings.client(), settings.seed.into());
    client.start();
    client.connected();
    let mut requests = 0;
    while let Ok(step) = some::<ClientStep>(input) {
        step.take(&mut client, &mut requests);
    }
    client.stop();
    assert_at_rest(&mut client);
}

/// Runs a worker with the inputs that the bytes encode, and stops it.
pub(crate) fn run_worker(bytes: &[u8]) {
    let input = &mut Unstructured::new(bytes);
    let Ok(settings) = Settings::arbitrary(input) else { return };
    let mut worker = worker("echo", settings.worker(), settings.seed.into());
    worker.start();
    worker.connected();
    while let Ok(step) = some::<WorkerStep>(input) {
        step.take(&mut worker);
    }
    worker.stop();
    assert!(worker.ledger.live().is_empty());
    assert_at_rest(&mut worker);
}

fn assert_at_rest<L: Ledger>(owner: &mut Owner<L>) {
    assert!(owner.is_stopped());
    assert_eq!(owner.next_deadline(), None);
    assert!(owner.handle_timeout().is_empty());
}

/// The next step; an error once the bytes are used up.
fn some<'a, T: Arbitrary<'a>>(input: &mut Unstructured<'a>) -> Result<T> {
    if input.is_empty() {
        return Err(arbitrary::Error::NotEnoughData);
    }
    T::arbitrary(input)
}

#[derive(Debug, Arbitrary)]
struct Settings {
    seed: u8,
    heartbeat: Interval,
    heartbeat_liveness: u8,
    reconnect: Interval,
    most: u8,
    concurrency: i8,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Interval {
    None,
    Short,
    Default,
    Long,
    Endless,
}

impl Interval {
    fn duration(self) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Short => ms(20),
            Self::Default => ms(2_500),
            Self::Long => ms(10_000),
            Self::Endless => Duration::MAX,
        }
    }
}

impl Settings {
    fn client(&self) -> ClientOptions {
        ClientOptions::default()
            .heartbeat(self.heartbeat.duration())
            .heartbeat_liveness(self.heartbeat_liveness % 4)
            .reconnect(self.reconnect.duration())
            .max_requests(usize::from(self.most))
            .max_request_bytes(16 * usize::from(self.most))
    }

    fn worker(&self) -> WorkerOptions {
        WorkerOptions::default()
            .heartbeat(self.heartbeat.duration())
            .heartbeat_liveness(self.heartbeat_liveness % 4)
            .reconnect(self.reconnect.duration())
            .concurrency(concurrency(self.concurrency))
    }
}

fn concurrency(number: i8) -> Concurrency {
    Concurrency::from_number(number.into()).unwrap_or_default()
}

/// An input that both machines have in common.
#[derive(Debug, Arbitrary)]
enum CommonStep {
    Start,
    Connected,
    Lost,
    ConnectFailed,
    /// Time passes, and every deadline is handled on time.
    Advance(u8),
    /// Time passes, and deadlines are handled late.
    Stall(u16),
    /// Time passes, and due deadlines are not handled.
    Hold(u16),
    Message(Message),
}

impl CommonStep {
    fn take<L: Ledger>(self, owner: &mut Owner<L>) {
        match self {
            Self::Start => drop(owner.start()),
            Self::Connected => drop(owner.connected()),
            Self::Lost => drop(owner.lost()),
            Self::ConnectFailed => drop(owner.connect_failed()),
            Self::Advance(millis) => drop(owner.advance(ms(u64::from(millis) * 4), |_| None)),
            Self::Stall(millis) => {
                owner.now += ms(millis.into());
                owner.handle_timeout();
            }
            Self::Hold(millis) => owner.now += ms(millis.into()),
            Self::Message(message) => drop(owner.receive(message.frames())),
        }
    }
}

/// A message that may or may not be valid.
#[derive(Debug, Arbitrary)]
struct Message {
    length: u8,
    pieces: [Piece; 9],
}

#[derive(Debug, Arbitrary)]
enum Piece {
    Tag(u8),
    Name(u8),
    Json(u8),
    Bytes([u8; 3]),
}

impl Message {
    fn frames(&self) -> Vec<Frame> {
        self.pieces.iter().take(usize::from(self.length % 10)).map(Piece::frame).collect()
    }
}

impl Piece {
    fn frame(&self) -> Frame {
        const TAGS: [&str; 13] = ["C", "W", "1", "2", "3", "4", "5", "6", "7", "8", "9", "", "0"];
        const JSON: [&str; 6] =
            ["null", "{}", "-1", r#"{"v":1,"caps":["cancel","credit"],"name":"B"}"#, r#"{"credit":1}"#, "undefined"];
        match self {
            Self::Tag(index) => Frame::from(TAGS[usize::from(*index) % TAGS.len()]),
            Self::Name(index) => name(*index),
            Self::Json(index) => Frame::from(JSON[usize::from(*index) % JSON.len()]),
            Self::Bytes(bytes) => Frame::copy_from_slice(bytes),
        }
    }
}

/// One of a few ids of clients and requests, so that they are reused.
fn name(index: u8) -> Frame {
    Frame::from(format!("n{}", index % 4))
}

#[derive(Debug, Arbitrary)]
enum ClientStep {
    Life(CommonStep),
    Stop,
    Request { number: u8, timeout: Option<u8>, retry: bool },
    Cancel(u8),
    Grant { number: u8, partials: u8 },
    Heartbeat(u8),
    Hello { can_cancel: bool, can_credit: bool, heartbeat: u16, broker: u8 },
    Reply { request: u8, is_final: bool, is_draining: bool },
}

/// Only a few request numbers, so that they are reused.
fn request_number(number: u8) -> u64 {
    u64::from(number % 32)
}

impl ClientStep {
    fn take(self, client: &mut Client, requests: &mut usize) {
        match self {
            Self::Life(step) => step.take(client),
            Self::Stop => drop(client.stop()),
            Self::Request { number, timeout, retry } => {
                if !client.ledger.is_unanswered(request_number(number)) {
                    *requests += 1;
                    let timeout = timeout.map_or(Timeout::Never, |millis| Timeout::After(ms(millis.into())));
                    let options = RequestOptions::default().timeout(timeout).retry(retry);
                    client.request(request_number(number), &requests.to_string(), &options);
                }
            }
            Self::Cancel(number) => drop(client.input(|machine, _| machine.cancel(request_number(number)))),
            Self::Grant { number, partials } => {
                client.input(|machine, _| machine.grant(request_number(number), partials.into()));
            }
            Self::Heartbeat(number) => drop(client.input(|machine, _| machine.heartbeat(request_number(number)))),
            Self::Hello { can_cancel, can_credit, heartbeat, broker } => {
                let cancel = if can_cancel { r#""cancel""# } else { "0" };
                let credit = if can_credit { r#""credit""# } else { "0" };
                // Mostly the same broker, so that connections last.
                let (name, session) = if broker < 240 { (0, 0) } else { (broker % 2, broker % 3) };
                let hello = format!(
                    r#"{{"v":1,"caps":[{cancel},{credit}],"heartbeat":{heartbeat},"name":"B{name}","session":{session}}}"#
                );
                client.receive(vec![Frame::from("C"), Frame::from("4"), Frame::from(hello)]);
            }
            Self::Reply { request, is_final, is_draining } => {
                let ids = &client.ledger.ids;
                let id = ids.values().nth(usize::from(request) % ids.len().max(1));
                let id = id.map_or_else(Frame::default, |id| id.to_frame());
                let kind = Frame::from(if is_final { "3" } else { "6" });
                let payload =
                    if is_draining { ["-1", r#""B_DRAINING""#, r#"{"origin":"broker"}"#] } else { ["0", "1", "{}"] };
                let head = [Frame::from("C"), kind, Frame::default(), id];
                client.receive(head.into_iter().chain(payload.map(Frame::from)).collect());
            }
        }
    }
}

#[derive(Debug, Arbitrary)]
enum WorkerStep {
    Life(CommonStep),
    Stop,
    Drain(u16),
    SetConcurrency(i8),
    Heartbeat { update: bool },
    Reply { index: u8, is_final: bool },
    Reject { index: u8 },
    Ready { is_version_1: bool },
    Request { client: u8, id: u8, credit: Option<u8> },
    Cancel { client: u8, id: u8 },
    Credit { client: u8, id: u8, partials: u8 },
    RequestHeartbeat { client: u8, id: u8 },
    Disconnect,
}

impl WorkerStep {
    fn take(self, worker: &mut Worker) {
        match self {
            Self::Life(step) => step.take(worker),
            Self::Stop => drop(worker.stop()),
            Self::Drain(millis) => drop(worker.input(|machine, now| machine.drain(now, ms(millis.into())))),
            Self::SetConcurrency(number) => {
                worker.input(|machine, _| machine.set_concurrency(concurrency(number)));
            }
            Self::Heartbeat { update } => drop(worker.input(|machine, _| machine.heartbeat(update))),
            Self::Reply { index, is_final } => {
                let kind = if is_final { ReplyKind::Final } else { ReplyKind::Partial };
                worker.reply(live_or_ended(worker, index), kind, payload("1"));
            }
            Self::Reject { index } => drop(worker.reject(live_or_ended(worker, index), "null")),
            Self::Ready { is_version_1: true } => receive(worker, "1", &[Piece::Json(3).frame()]),
            Self::Ready { is_version_1: false } => receive(worker, "1", &[]),
            Self::Request { client, id, credit } => {
                let rest = [name(client), Frame::from("echo"), Frame::default(), name(id), Frame::from("1")];
                let metadata = |credit| Frame::from(format!(r#"{{"attempt":1,"credit":{credit}}}"#));
                let metadata = credit.map(|credit| metadata(credit % 3));
                let frames: Vec<_> = rest.into_iter().chain([Frame::from("{}")]).chain(metadata).collect();
                receive(worker, "2", &frames);
            }
            Self::Cancel { client, id } => receive(worker, "8", &address(client, id)),
            Self::Credit { client, id, partials } => {
                let partials = Frame::from((partials % 3).to_string());
                receive(worker, "9", &[&address(client, id)[..], &[partials]].concat());
            }
            Self::RequestHeartbeat { client, id } => receive(worker, "4", &address(client, id)),
            Self::Disconnect => receive(worker, "5", &[]),
        }
    }
}

fn address(client: u8, id: u8) -> [Frame; 3] {
    [name(client), Frame::default(), name(id)]
}

fn receive(worker: &mut Worker, message_type: &str, rest: &[Frame]) {
    let head = [Frame::from("W"), Frame::from(message_type)];
    worker.receive([&head, rest].concat());
}

/// Mostly a live request, sometimes one that never existed or has ended.
fn live_or_ended(worker: &Worker, index: u8) -> u64 {
    let live = worker.ledger.live();
    live.get(usize::from(index) % (live.len() + 1)).copied().unwrap_or(u64::from(index))
}
