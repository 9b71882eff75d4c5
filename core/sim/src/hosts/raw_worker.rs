//! Workers like those of the published packages, frame by frame, and one that breaks the protocol.

use std::time::Instant;

use pigato_proto::entropy::Entropy;
use pigato_proto::protocol::{Frame, PeerId, ReplyKind};

use super::jobs::{Jobs, Step};
use super::{earliest, Action, Context, Host, Input, Phase, RawDue, RawSession};
use crate::scenario::{PeerPlan, RawWorkerStyle};

/// The client's identity and the request's id, as received.
type Key = (Frame, Frame);

pub(super) struct RawWorker {
    service: &'static str,
    concurrency: i64,
    style: RawWorkerStyle,
    entropy: Entropy,
    session: RawSession,
    jobs: Jobs<Key>,
}

impl RawWorker {
    pub(super) fn new(
        plan: &PeerPlan,
        service: &'static str,
        concurrency: i64,
        style: RawWorkerStyle,
        entropy: Entropy,
    ) -> Self {
        Self { service, concurrency, style, entropy, session: RawSession::new(plan, true), jobs: Jobs::new() }
    }

    fn connect(&mut self, context: &mut Context<'_>) {
        self.session.connecting();
        let uuid = self.entropy.uuid();
        let identity = match self.style {
            RawWorkerStyle::Ruby => PeerId::new(Frame::from(uuid.to_string())),
            _ => PeerId::make("worker", uuid),
        };
        context.actions.push(Action::Connect(identity));
    }

    fn lose(&mut self, context: &mut Context<'_>) {
        self.jobs.forget_all();
        self.session.lost(context.now);
        context.actions.push(Action::Disconnect);
    }

    fn send<const N: usize>(context: &mut Context<'_>, frames: [&str; N]) {
        context.actions.push(Action::Send(frames.iter().map(|frame| Frame::from(*frame)).collect()));
    }

    fn heartbeat(&self, context: &mut Context<'_>) {
        let concurrency = format!(r#"{{"concurrency":{}}}"#, self.concurrency);
        Self::send(context, ["W", "4", "", &concurrency]);
    }

    fn handle_message(&mut self, context: &mut Context<'_>, frames: &[Frame]) {
        self.session.note_message(context.now);
        match frames.get(1).map(|frame| &**frame) {
            Some(b"2") if frames.len() >= 8 => {
                let key = (frames[2].clone(), frames[5].clone());
                self.jobs.begin(context, key, &frames[3], &frames[6]);
            }
            Some(b"5") => self.lose(context),
            _ => {}
        }
    }

    fn work(&mut self, context: &mut Context<'_>) {
        while let Some(((client, id), step)) = self.jobs.step(context) {
            let mut frames = vec![Frame::from("W")];
            let mut address = |message_type: &str| {
                frames.extend([Frame::from(message_type), client.clone(), Frame::default(), id.clone()]);
            };
            match step {
                Step::Reply(kind, payload) => {
                    address(if kind == ReplyKind::Partial { "6" } else { "3" });
                    frames.extend([payload.status.into_frame(), payload.data]);
                    match self.style {
                        RawWorkerStyle::JavaScript => frames.push(Frame::from("undefined")),
                        RawWorkerStyle::Ruby => {}
                        RawWorkerStyle::Broken => frames.push(Frame::from("[1")),
                    }
                }
                Step::Reject => {
                    address("7");
                    frames.extend([Frame::from("0"), Frame::from("null"), Frame::from("undefined")]);
                }
            }
            let misbehaves = self.style == RawWorkerStyle::Broken && context.phase == Phase::Faults;
            if misbehaves && context.random.percent(5) {
                let mut wrong = frames.clone();
                wrong[4] = Frame::from("never-delivered");
                context.actions.push(Action::Send(wrong));
            }
            let twice = misbehaves && context.random.percent(5) && &*frames[1] != b"6";
            if twice {
                context.actions.push(Action::Send(frames.clone()));
            }
            context.actions.push(Action::Send(frames));
        }
    }
}

impl Host for RawWorker {
    fn handle(&mut self, input: Input, context: &mut Context<'_>) {
        match input {
            Input::Start => self.connect(context),
            Input::Up => {
                self.session.up(context.now);
                Self::send(context, ["W", "1", self.service]);
            }
            Input::Down => self.lose(context),
            Input::Message(frames) => self.handle_message(context, &frames),
            Input::Time => {
                while let Some(due) = self.session.due(context.now) {
                    match due {
                        RawDue::Connect => self.connect(context),
                        RawDue::Heartbeat => self.heartbeat(context),
                        RawDue::Dead => self.lose(context),
                    }
                }
                self.work(context);
            }
            Input::Phase => self.jobs.heal(context),
            Input::Stop { .. } => {
                if self.session.is_up() {
                    Self::send(context, ["W", "5"]);
                }
                self.jobs.forget_all();
                self.session.stop();
                context.actions.extend([Action::Disconnect, Action::Stopped]);
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        earliest([self.session.deadline(), self.jobs.next()])
    }

    fn has_liveness(&self) -> bool {
        true
    }

    fn unfinished(&self) -> usize {
        0
    }
}
