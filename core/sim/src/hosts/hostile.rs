//! A peer that sends anything: garbage, incomplete messages, replies to nothing, and malformed
//! requests.

use std::time::{Duration, Instant};

use pigato_proto::entropy::Entropy;
use pigato_proto::protocol::{Frame, PeerId};

use super::{earliest, Action, Context, Host, Input, Phase, Tasks};

/// Frames with a meaning in some place of the protocol. `core/proto/tests/broker_properties.rs`
/// has a similar list for another purpose; the lists need not agree.
const WORDS: &[&str] = &[
    "C",
    "W",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "",
    "request",
    "worker",
    "echo",
    "math@^1.2.0",
    "hostile",
    "hostile*",
    "$dir",
    "null",
    "{}",
    "undefined",
    "[[[[",
    "-1",
    "NaN",
    "1e308",
    "4294967295",
    "{\"v\":1}",
    "{\"v\":1,\"caps\":[\"cancel\",\"credit\"],\"heartbeat\":1e300,\"concurrency\":-7,\"credit\":0}",
    "{\"timeout\":1e300}",
    "{\"timeout\":\"7\",\"workerId\":{},\"retry\":\"yes\"}",
    "{\"timeout\":0,\"failFast\":1}",
    "{\"concurrency\":0}",
    "{\"concurrency\":2,\"update\":1}",
];

pub(super) struct Hostile {
    entropy: Entropy,
    tasks: Tasks<()>,
    is_up: bool,
}

impl Hostile {
    pub(super) fn new(entropy: Entropy) -> Self {
        Self { entropy, tasks: Tasks::default(), is_up: false }
    }

    fn connect(&mut self, context: &mut Context<'_>) {
        context.actions.push(Action::Connect(PeerId::make("hostile", self.entropy.uuid())));
    }

    fn attack(&mut self, context: &mut Context<'_>) {
        let own_id = Frame::from(self.entropy.below(3).to_string());
        let frames = match context.random.number(0..=7) {
            0 => word_frames(context, &["W", "1"], 2),
            1 => [vec![Frame::from("C"), Frame::from("2"), Frame::from("echo"), own_id], word_frames(context, &[], 3)]
                .concat(),
            2 => vec![Frame::from("C"), Frame::from("8"), Frame::default(), own_id],
            3 => vec![Frame::from("C"), Frame::from("9"), Frame::default(), own_id, Frame::from("4294967295")],
            4 => word_frames(context, &["C", "4"], 2),
            5 => vec![Frame::from("C"), Frame::from("2"), Frame::from(vec![b'x'; 300]), own_id],
            6 => vec![Frame::from(context.random.bytes(40)), Frame::from(context.random.bytes(400))],
            _ => word_frames(context, &[], 9),
        };
        if !holds_up_the_run(&frames) && !frames.is_empty() {
            context.actions.push(Action::Send(frames));
        }
    }
}

fn word_frames(context: &mut Context<'_>, first: &[&str], most: u64) -> Vec<Frame> {
    let mut frames: Vec<Frame> = first.iter().map(|word| Frame::from(*word)).collect();
    for _ in 0..context.random.number(0..=most) {
        let word = Frame::from(*context.random.pick(WORDS));
        frames.push(word);
    }
    frames
}

/// Whether a broker could not tell these frames from an honest peer's, so that they would hold up
/// the run: a worker for a real service that never replies, or a request that never expires.
fn holds_up_the_run(frames: &[Frame]) -> bool {
    let is_ready = frames.len() >= 2 && frames[0] == "W" && frames[1] == "1";
    let is_real = frames.get(2).is_some_and(|service| !service.starts_with(b"hostile"));
    let waits_long = frames.iter().any(|frame| &**frame == b"{\"timeout\":1e300}");
    let is_request = frames.len() >= 2 && frames[0] == "C" && frames[1] == "2";
    (is_ready && is_real) || (is_request && waits_long)
}

impl Host for Hostile {
    fn handle(&mut self, input: Input, context: &mut Context<'_>) {
        match input {
            Input::Start => self.connect(context),
            Input::Up => {
                self.is_up = true;
                self.tasks.at(context.now, ());
            }
            Input::Down => {
                self.is_up = false;
                context.actions.push(Action::Disconnect);
                self.tasks.clear();
                self.tasks.at(context.now + Duration::from_millis(100), ());
            }
            Input::Message(_) => {}
            Input::Time => {
                while self.tasks.pop_due(context.now).is_some() {
                    if context.phase > Phase::Faults {
                        continue;
                    }
                    if self.is_up {
                        self.attack(context);
                        let at = context.now + context.random.millis(0..=200);
                        self.tasks.at(at, ());
                    } else {
                        self.connect(context);
                    }
                }
            }
            Input::Phase | Input::Stop { .. } => {
                self.tasks.clear();
                self.is_up = false;
                context.actions.extend([Action::Disconnect, Action::Stopped]);
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        earliest([self.tasks.next()])
    }

    fn has_liveness(&self) -> bool {
        false
    }

    fn unfinished(&self) -> usize {
        0
    }
}
