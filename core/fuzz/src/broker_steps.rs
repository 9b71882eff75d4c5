//! Any sequence of inputs to a broker, derived from bytes. The broker's world checks the invariants
//! after each input; this file defines the inputs.

use arbitrary::{Arbitrary, Unstructured};
use pigato_proto::config::{BrokerOptions, DispatchMode};

use crate::support::ms;
use crate::world::World;

/// Each peer is a client, a worker, or both.
const PEERS: [&str; 5] = ["p0", "p1", "p2", "p3", "p4"];
const OFFERED_NAMES: [&str; 8] = ["echo", "ech*", "*", "name@1.0.0", "name@1.5.0", "$dir", "$other", "name@x"];
const REQUESTED_NAMES: [&str; 8] = ["echo", "echoes", "other", "name@^1", "name@1.5.0", "name@9", "$dir", "name@<"];
const IDS: [&str; 4] = ["r0", "r1", "r2", "r3"];
/// None has `retry`: only the broker knows whether a repeated request is a resent one.
const OPTIONS: [&str; 10] = [
    "{}",
    "",
    r#"{"timeout":20}"#,
    r#"{"timeout":-1}"#,
    r#"{"timeout":0}"#,
    r#"{"failFast":true}"#,
    r#"{"workerId":"p1"}"#,
    r#"{"workerId":"p2","failFast":1}"#,
    r#"{"nocache":1}"#,
    r#"{"codec":"raw"}"#,
];
const HELLOS: [&str; 5] = [
    r#"{"v":1,"caps":["cancel","credit"],"heartbeat":50,"credit":2,"concurrency":1}"#,
    r#"{"v":1,"caps":["cancel","credit","codec"],"heartbeat":10000,"credit":0,"concurrency":-1}"#,
    r#"{"v":1,"caps":[],"heartbeat":0,"concurrency":2}"#,
    r#"{"v":2,"caps":["cancel"],"concurrency":0}"#,
    "{",
];
const HEARTBEATS: [&str; 5] =
    [r#"{"concurrency":1}"#, r#"{"concurrency":-1}"#, r#"{"concurrency":3,"update":1}"#, "{}", "nonsense"];
const TAGS: [&str; 14] = ["C", "W", "1", "2", "3", "4", "5", "6", "7", "8", "9", "", "request", "worker"];

/// Runs a broker with the inputs that the bytes encode. At the end the world stops it, and no state
/// may be left.
pub fn run(bytes: &[u8]) {
    let input = &mut Unstructured::new(bytes);
    let Ok(settings) = Settings::arbitrary(input) else { return };
    let mut world = World::with(settings.options());
    let mut requests = 0_u32;
    while !input.is_empty() {
        let Ok(step) = Step::arbitrary(input) else { return };
        step.take(&mut world, &mut requests);
    }
}

#[derive(Debug, Arbitrary)]
struct Settings {
    heartbeat: u16,
    liveness: u8,
    at_random: bool,
    most_requests: u8,
    most_bytes: u16,
    largest_body: u8,
    most_workers: u8,
    cache_bytes: u16,
}

impl Settings {
    fn options(&self) -> BrokerOptions {
        BrokerOptions::default()
            .heartbeat(ms(self.heartbeat.into()))
            .heartbeat_liveness(self.liveness % 5)
            .dispatch_mode(if self.at_random { DispatchMode::Random } else { DispatchMode::Load })
            .max_requests(usize::from(self.most_requests))
            .max_request_bytes(usize::from(self.most_bytes))
            .max_body_bytes(usize::from(self.largest_body))
            .max_workers(usize::from(self.most_workers))
            .cache_bytes(usize::from(self.cache_bytes))
    }
}

/// Selects from a list by a byte.
fn pick<T: Copy>(list: &[T], index: u8) -> T {
    list[usize::from(index) % list.len()]
}

#[derive(Debug, Arbitrary)]
enum Step {
    Advance(u8),
    /// Time passes, and due deadlines are not handled.
    Stall(u16),
    Drain(u8),
    Unroutable(u8),
    Overflow(u8),
    /// A request; `retry` gives it its own id.
    Request {
        peer: u8,
        requested: u8,
        id: u8,
        options: u8,
        body: u8,
        retry: bool,
    },
    Hello {
        peer: u8,
        hello: u8,
    },
    Heartbeat {
        peer: u8,
    },
    RequestHeartbeat {
        peer: u8,
        id: u8,
    },
    Cancel {
        peer: u8,
        id: u8,
    },
    Credit {
        peer: u8,
        id: u8,
        partials: u8,
    },
    Ready {
        peer: u8,
        offer: u8,
        hello: Option<u8>,
    },
    WorkerHeartbeat {
        peer: u8,
        heartbeat: u8,
    },
    WorkerLiveness {
        peer: u8,
        worker: u8,
    },
    /// A worker's answer to a request, whether or not it was delivered to the worker.
    Answer {
        peer: u8,
        client: u8,
        id: Id,
        how: u8,
        options: u8,
    },
    Disconnect {
        peer: u8,
    },
    Noise {
        peer: u8,
        length: u8,
        pieces: [Piece; 8],
    },
}

/// A request's id: one of a few, or that of a recent request with `retry`.
#[derive(Debug, Arbitrary)]
enum Id {
    Common(u8),
    Recent(u8),
}

#[derive(Debug, Arbitrary)]
enum Piece {
    Tag(u8),
    Peer(u8),
    Name(u8),
    Id(u8),
    Json(u8),
    Bytes([u8; 3]),
}

impl Piece {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Tag(index) => pick(&TAGS, *index).into(),
            Self::Peer(index) => pick(&PEERS, *index).into(),
            Self::Name(index) => pick(&OFFERED_NAMES, *index).into(),
            Self::Id(index) => pick(&IDS, *index).into(),
            Self::Json(index) => pick(&[&OPTIONS[..], &HELLOS, &HEARTBEATS].concat(), *index).into(),
            Self::Bytes(bytes) => bytes.to_vec(),
        }
    }
}

impl Step {
    fn take(self, world: &mut World, requests: &mut u32) {
        match self {
            Self::Advance(millis) => world.advance(ms(u64::from(millis) * 4)),
            Self::Stall(millis) => world.stall(ms(millis.into())),
            Self::Drain(millis) => world.drain(ms(u64::from(millis) * 4)),
            Self::Unroutable(peer) => world.unroutable(pick(&PEERS, peer)),
            Self::Overflow(peer) => world.overflow(pick(&PEERS, peer)),
            Self::Request { peer, requested, id, options, body, retry } => {
                let body = "x".repeat(usize::from(body % 32));
                let (id, options) = if retry {
                    *requests += 1;
                    (own_id(*requests), r#"{"retry":1,"timeout":500}"#)
                } else {
                    (pick(&IDS, id).to_owned(), pick(&OPTIONS, options))
                };
                world.send_frames(
                    pick(&PEERS, peer),
                    ["C", "2", pick(&REQUESTED_NAMES, requested), &id, &body, options],
                );
            }
            Self::Hello { peer, hello } => world.send_frames(pick(&PEERS, peer), ["C", "4", pick(&HELLOS, hello)]),
            Self::Heartbeat { peer } => world.send(pick(&PEERS, peer), "C|4"),
            Self::RequestHeartbeat { peer, id } => {
                world.send_frames(pick(&PEERS, peer), ["C", "4", "request", pick(&IDS, id)]);
            }
            Self::Cancel { peer, id } => world.send_frames(pick(&PEERS, peer), ["C", "8", "", pick(&IDS, id)]),
            Self::Credit { peer, id, partials } => {
                world.send_frames(pick(&PEERS, peer), ["C", "9", "", pick(&IDS, id), &partials.to_string()]);
            }
            Self::Ready { peer, offer, hello } => {
                let frames = ["W", "1", pick(&OFFERED_NAMES, offer)].into_iter();
                world.send_frames(pick(&PEERS, peer), frames.chain(hello.map(|hello| pick(&HELLOS, hello))));
            }
            Self::WorkerHeartbeat { peer, heartbeat } => {
                world.send_frames(pick(&PEERS, peer), ["W", "4", "", pick(&HEARTBEATS, heartbeat)]);
            }
            Self::WorkerLiveness { peer, worker } => {
                world.send_frames(pick(&PEERS, peer), ["C", "4", "worker", pick(&PEERS, worker)]);
            }
            Self::Answer { peer, client, id, how, options } => {
                let id = match id {
                    Id::Common(index) => pick(&IDS, index).to_owned(),
                    Id::Recent(back) => own_id(requests.saturating_sub(u32::from(back % 4))),
                };
                let options = pick(&["{}", r#"{"cache":100}"#, "undefined"], options);
                let how = pick(&["3", "6", "7"], how);
                world.send_frames(pick(&PEERS, peer), ["W", how, pick(&PEERS, client), "", &id, "0", "1", options]);
            }
            Self::Disconnect { peer } => world.send(pick(&PEERS, peer), "W|5"),
            Self::Noise { peer, length, pieces } => {
                let frames = pieces.iter().take(usize::from(length % 9)).map(Piece::bytes);
                world.send_frames(pick(&PEERS, peer), frames);
            }
        }
    }
}

fn own_id(number: u32) -> String {
    format!("own{number}")
}
