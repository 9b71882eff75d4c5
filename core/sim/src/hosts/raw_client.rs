//! Clients as the published packages are, frame by frame, and somebody else's client of version 1 with little credit.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pigato_proto::entropy::Entropy;
use pigato_proto::protocol::{BrokerToClient, Frame, PeerId, ReplyKind};

use super::load::{make_up, Abilities, Ask};
use super::{earliest, Action, Context, Host, Input, Phase, RawDue, RawLink, Tasks};
use crate::oracle::ledger::{Number, Outcome};
use crate::oracle::Rule;
use crate::scenario::{PeerPlan, RawClientStyle};

/// Partial replies that the client of version 1 lets a worker send ahead.
const CREDIT: u64 = 2;

struct Open {
    number: Number,
    /// Partial replies received, and allowed.
    partials: u64,
    credit: u64,
}

enum Task {
    Ask,
    GiveUp(Frame),
    Grant(Frame),
    Beat(Frame),
}

pub(super) struct RawClient {
    style: RawClientStyle,
    entropy: Entropy,
    link: RawLink,
    tasks: Tasks<Task>,
    open: BTreeMap<Frame, Open>,
    asked: u64,
    /// What the broker calls its acquaintance with this connection, once it has said so.
    session: Option<u64>,
    /// A request with more partial replies than credit. That is a fault if the broker then turns out to have known this
    /// client, and with it its credit, all the time.
    excess: Option<Number>,
}

impl RawClient {
    pub(super) fn new(plan: &PeerPlan, style: RawClientStyle, entropy: Entropy) -> Self {
        let has_pulse = matches!(style, RawClientStyle::JavaScript | RawClientStyle::Credit);
        Self {
            style,
            entropy,
            link: RawLink::new(plan, has_pulse),
            tasks: Tasks::default(),
            open: BTreeMap::new(),
            asked: 0,
            session: None,
            excess: None,
        }
    }

    fn connect(&mut self, context: &mut Context<'_>) {
        self.link.connecting();
        let uuid = self.entropy.uuid();
        let identity = match self.style {
            // libzmq's own: a zero byte and a number.
            RawClientStyle::Go => PeerId::new(Frame::from([&[0], &uuid.as_bytes()[..4]].concat())),
            _ => PeerId::new(Frame::from(uuid.to_string())),
        };
        context.actions.push(Action::Connect(identity));
    }

    fn lose(&mut self, context: &mut Context<'_>) {
        self.session = None;
        self.excess = None;
        self.link.lost(context.now);
        self.fail_all(context, "C_DISCONNECTED");
        context.actions.push(Action::Disconnect);
    }

    fn fail_all(&mut self, context: &mut Context<'_>, code: &str) {
        for (_, open) in std::mem::take(&mut self.open) {
            Self::end(context, open.number, &Outcome::Failed(code.to_owned()));
        }
    }

    fn end(context: &mut Context<'_>, number: Number, outcome: &Outcome) {
        context.ledger.ended(context.now, number, outcome, context.connection, context.stalled_until);
        context.outcomes.push((number as u64, format!("{outcome:?}")));
    }

    fn send<const N: usize>(context: &mut Context<'_>, frames: [Frame; N]) {
        context.actions.push(Action::Send(Vec::from(frames)));
    }

    fn ask(&mut self, context: &mut Context<'_>) {
        self.asked += 1;
        // A client without an option to say so lets the broker take its default, and waits less itself.
        let says_timeout = matches!(self.style, RawClientStyle::JavaScript | RawClientStyle::Credit);
        let fixed_timeout = (!says_timeout).then(|| {
            let is_probe = context.phase >= Phase::Probing;
            Duration::from_millis(if is_probe { 50_000 } else { 2_500 })
        });
        let Ask { number, service, data, options: _, timeout } =
            make_up(context, Abilities { is_ours: false, fixed_timeout });
        let id = Frame::from(self.entropy.uuid().to_string());
        let options = match self.style {
            RawClientStyle::Ruby => Frame::from("{}"),
            RawClientStyle::Go => Frame::default(),
            _ => Frame::from(format!(r#"{{"timeout":{},"retry":0}}"#, timeout.as_millis())),
        };
        let tag = [Frame::from("C"), Frame::from("2"), Frame::from(service), id.clone(), data, options];
        Self::send(context, tag);
        let give_up = context.now + timeout.duration().unwrap_or_default();
        self.tasks.at(give_up, Task::GiveUp(id.clone()));
        if self.link.deadline().is_some() && context.random.percent(30) {
            self.tasks.at(context.now + self.link.heartbeat(), Task::Beat(id.clone()));
        }
        self.open.insert(id, Open { number, partials: 0, credit: CREDIT });
    }

    fn schedule_ask(&mut self, context: &mut Context<'_>) {
        if self.asked >= context.scenario.requests {
            return;
        }
        let at = context.now + context.random.millis(0..=context.scenario.request_interval * 2);
        self.tasks.at(at, Task::Ask);
    }

    fn run_task(&mut self, context: &mut Context<'_>, task: Task) {
        match task {
            Task::Ask if context.phase == Phase::Faults => {
                if self.link.is_up() {
                    self.ask(context);
                }
                self.schedule_ask(context);
            }
            Task::Ask => {}
            Task::GiveUp(id) => {
                let Some(open) = self.open.remove(&id) else { return };
                if self.style == RawClientStyle::Credit && self.link.is_up() {
                    Self::send(context, [Frame::from("C"), Frame::from("8"), Frame::default(), id]);
                }
                Self::end(context, open.number, &Outcome::Failed("C_TIMEOUT".to_owned()));
            }
            Task::Grant(id) => {
                let Some(open) = self.open.get_mut(&id) else { return };
                if self.link.is_up() {
                    open.credit += 1;
                    Self::send(context, [Frame::from("C"), Frame::from("9"), Frame::default(), id, Frame::from("1")]);
                }
            }
            Task::Beat(id) => {
                if self.open.contains_key(&id) && self.link.is_up() {
                    if context.random.percent(50) {
                        Self::send(context, [Frame::from("C"), Frame::from("4"), Frame::from("request"), id]);
                    } else {
                        Self::send(context, [Frame::from("C"), Frame::from("4"), id]);
                    }
                }
            }
        }
    }

    fn handle_message(&mut self, context: &mut Context<'_>, mut frames: Vec<Frame>) {
        self.link.heard(context.now);
        let (kind, id, payload) = match BrokerToClient::decode(&mut frames) {
            Ok(BrokerToClient::Reply { kind, id, payload }) => (kind, id, payload),
            Ok(BrokerToClient::Hello(hello)) => return self.handle_hello(context, hello.session),
            Ok(BrokerToClient::Heartbeat) | Err(_) => return,
        };
        match kind {
            ReplyKind::Partial => {
                let Some(open) = self.open.get_mut(&id) else { return };
                open.partials += 1;
                let (number, is_within) = (open.number, open.partials <= open.credit);
                // Published workers know no credit, so that all that may be asked of them is nothing.
                if self.style == RawClientStyle::Credit && !is_within && self.only_our_workers(context) {
                    self.excess.get_or_insert(number);
                }
                context.ledger.partial(context.now, number, &payload, context.connection);
                if self.style == RawClientStyle::Credit {
                    let at = context.now + context.random.millis(0..=50);
                    self.tasks.at(at, Task::Grant(id));
                }
            }
            ReplyKind::Final => {
                let Some(open) = self.open.remove(&id) else { return };
                Self::end(context, open.number, &Outcome::Reply(payload));
            }
        }
    }

    /// A broker that gave this client up and heard of it again calls it by another number: the connection is as good as
    /// lost then.
    fn handle_hello(&mut self, context: &mut Context<'_>, session: Option<u64>) {
        if self.session.is_some_and(|known| Some(known) != session) {
            return self.lose(context);
        }
        self.session = session;
        if let Some(number) = self.excess {
            context.ledger.verdict.broken(Rule::Credit, || format!("request {number}"));
        }
    }

    fn only_our_workers(&self, context: &Context<'_>) -> bool {
        let is_ours = |role: &crate::scenario::Role| !matches!(role, crate::scenario::Role::RawWorker { .. });
        context.scenario.peers.iter().all(|plan| is_ours(&plan.role))
    }
}

impl Host for RawClient {
    fn handle(&mut self, input: Input, context: &mut Context<'_>) {
        match input {
            Input::Start => {
                self.connect(context);
                if context.phase == Phase::Faults {
                    self.schedule_ask(context);
                }
            }
            Input::Up => {
                self.link.up(context.now);
            }
            Input::Down => self.lose(context),
            Input::Message(frames) => self.handle_message(context, frames),
            Input::Time => {
                while let Some(due) = self.link.due(context.now) {
                    match due {
                        RawDue::Connect => self.connect(context),
                        RawDue::Heartbeat if self.style == RawClientStyle::Credit => {
                            let heartbeat = self.link.heartbeat().as_millis();
                            let hello = format!(
                                r#"{{"v":1,"caps":["cancel","credit"],"heartbeat":{heartbeat},"credit":{CREDIT}}}"#
                            );
                            Self::send(context, [Frame::from("C"), Frame::from("4"), Frame::from(hello)]);
                        }
                        RawDue::Heartbeat => Self::send(context, [Frame::from("C"), Frame::from("4")]),
                        RawDue::Dead => self.lose(context),
                    }
                }
                while let Some(task) = self.tasks.pop_due(context.now) {
                    self.run_task(context, task);
                }
            }
            Input::Phase if context.phase == Phase::Probing && !context.neighbours.is_empty() => self.ask(context),
            Input::Phase => {}
            Input::Stop { .. } => {
                self.tasks.clear();
                self.fail_all(context, "C_CLOSED");
                self.link.stop();
                context.actions.extend([Action::Disconnect, Action::Stopped]);
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        earliest([self.link.deadline(), self.tasks.next()])
    }

    fn has_liveness(&self) -> bool {
        self.link.has_pulse
    }

    fn unfinished(&self) -> usize {
        self.open.len()
    }
}
