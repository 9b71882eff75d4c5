//! Clients like those of the published packages, frame by frame, and a foreign version 1 client
//! with little credit.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pigato_proto::entropy::Entropy;
use pigato_proto::protocol::{BrokerToClient, Frame, PeerId, ReplyKind};

use super::load::{random_request, Abilities, NewRequest};
use super::{earliest, Action, Context, Host, Input, Phase, RawDue, RawSession, Tasks};
use crate::oracle::ledger::{Outcome, RequestIndex};
use crate::oracle::Rule;
use crate::scenario::{PeerPlan, RawClientStyle};

/// Initial credit of each request of the version 1 client.
const CREDIT: u64 = 2;

struct PendingRequest {
    index: RequestIndex,
    /// Partial replies received, and allowed.
    partials: u64,
    credit: u64,
}

enum Task {
    Request,
    GiveUp(Frame),
    Grant(Frame),
    Heartbeat(Frame),
}

pub(super) struct RawClient {
    style: RawClientStyle,
    entropy: Entropy,
    session: RawSession,
    tasks: Tasks<Task>,
    pending: BTreeMap<Frame, PendingRequest>,
    requests_made: u64,
    /// The session number that the broker reported for this connection, if any.
    broker_session: Option<u64>,
    /// A request with more partial replies than credit. That breaks a rule if the broker turns out
    /// to have kept this client's state, and so its credit, all the time.
    excess: Option<RequestIndex>,
}

impl RawClient {
    pub(super) fn new(plan: &PeerPlan, style: RawClientStyle, entropy: Entropy) -> Self {
        let sends_heartbeats = matches!(style, RawClientStyle::JavaScript | RawClientStyle::Credit);
        Self {
            style,
            entropy,
            session: RawSession::new(plan, sends_heartbeats),
            tasks: Tasks::default(),
            pending: BTreeMap::new(),
            requests_made: 0,
            broker_session: None,
            excess: None,
        }
    }

    fn connect(&mut self, context: &mut Context<'_>) {
        self.session.connecting();
        let uuid = self.entropy.uuid();
        let identity = match self.style {
            // libzmq chooses the identity: a zero byte and a number.
            RawClientStyle::Go => PeerId::new(Frame::from([&[0], &uuid.as_bytes()[..4]].concat())),
            _ => PeerId::new(Frame::from(uuid.to_string())),
        };
        context.actions.push(Action::Connect(identity));
    }

    fn lose(&mut self, context: &mut Context<'_>) {
        self.broker_session = None;
        self.excess = None;
        self.session.lost(context.now);
        self.fail_all(context, "C_DISCONNECTED");
        context.actions.push(Action::Disconnect);
    }

    fn fail_all(&mut self, context: &mut Context<'_>, code: &str) {
        for (_, pending) in std::mem::take(&mut self.pending) {
            Self::end(context, pending.index, &Outcome::Failed(code.to_owned()));
        }
    }

    fn end(context: &mut Context<'_>, index: RequestIndex, outcome: &Outcome) {
        context.ledger.ended(context.now, index, outcome, context.connection, context.stalled_until);
        context.outcomes.push((index as u64, format!("{outcome:?}")));
    }

    fn send<const N: usize>(context: &mut Context<'_>, frames: [Frame; N]) {
        context.actions.push(Action::Send(Vec::from(frames)));
    }

    fn request(&mut self, context: &mut Context<'_>) {
        self.requests_made += 1;
        // A client that cannot send a timeout relies on the broker's default, and its own timeout
        // is shorter.
        let sends_timeout = matches!(self.style, RawClientStyle::JavaScript | RawClientStyle::Credit);
        let fixed_timeout = (!sends_timeout).then(|| {
            let is_probe = context.phase >= Phase::Probing;
            Duration::from_millis(if is_probe { 50_000 } else { 2_500 })
        });
        let NewRequest { index, service, data, options: _, timeout } =
            random_request(context, Abilities { is_ours: false, fixed_timeout });
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
        if self.session.deadline().is_some() && context.random.percent(30) {
            self.tasks.at(context.now + self.session.heartbeat(), Task::Heartbeat(id.clone()));
        }
        self.pending.insert(id, PendingRequest { index, partials: 0, credit: CREDIT });
    }

    fn schedule_request(&mut self, context: &mut Context<'_>) {
        if self.requests_made >= context.scenario.requests {
            return;
        }
        let at = context.now + context.random.millis(0..=context.scenario.request_interval * 2);
        self.tasks.at(at, Task::Request);
    }

    fn run_task(&mut self, context: &mut Context<'_>, task: Task) {
        match task {
            Task::Request if context.phase == Phase::Faults => {
                if self.session.is_up() {
                    self.request(context);
                }
                self.schedule_request(context);
            }
            Task::Request => {}
            Task::GiveUp(id) => {
                let Some(pending) = self.pending.remove(&id) else { return };
                if self.style == RawClientStyle::Credit && self.session.is_up() {
                    Self::send(context, [Frame::from("C"), Frame::from("8"), Frame::default(), id]);
                }
                Self::end(context, pending.index, &Outcome::Failed("C_TIMEOUT".to_owned()));
            }
            Task::Grant(id) => {
                let Some(pending) = self.pending.get_mut(&id) else { return };
                if self.session.is_up() {
                    pending.credit += 1;
                    Self::send(context, [Frame::from("C"), Frame::from("9"), Frame::default(), id, Frame::from("1")]);
                }
            }
            Task::Heartbeat(id) => {
                if self.pending.contains_key(&id) && self.session.is_up() {
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
        self.session.note_message(context.now);
        let (kind, id, payload) = match BrokerToClient::decode(&mut frames) {
            Ok(BrokerToClient::Reply { kind, id, payload }) => (kind, id, payload),
            Ok(BrokerToClient::Hello(hello)) => return self.handle_hello(context, hello.session),
            Ok(BrokerToClient::Heartbeat) | Err(_) => return,
        };
        match kind {
            ReplyKind::Partial => {
                let Some(pending) = self.pending.get_mut(&id) else { return };
                pending.partials += 1;
                let (index, is_within) = (pending.index, pending.partials <= pending.credit);
                // Published workers do not support credit, so the rule does not apply to them.
                if self.style == RawClientStyle::Credit && !is_within && self.only_our_workers(context) {
                    self.excess.get_or_insert(index);
                }
                context.ledger.partial(context.now, index, &payload, context.connection);
                if self.style == RawClientStyle::Credit {
                    let at = context.now + context.random.millis(0..=50);
                    self.tasks.at(at, Task::Grant(id));
                }
            }
            ReplyKind::Final => {
                let Some(pending) = self.pending.remove(&id) else { return };
                Self::end(context, pending.index, &Outcome::Reply(payload));
            }
        }
    }

    /// A broker that gave this client up and then received a message from it reports another
    /// session number: the client then treats the connection as lost.
    fn handle_hello(&mut self, context: &mut Context<'_>, session: Option<u64>) {
        if self.broker_session.is_some_and(|known| Some(known) != session) {
            return self.lose(context);
        }
        self.broker_session = session;
        if let Some(index) = self.excess {
            context.ledger.verdict.broken(Rule::Credit, || format!("request {index}"));
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
                    self.schedule_request(context);
                }
            }
            Input::Up => {
                self.session.up(context.now);
            }
            Input::Down => self.lose(context),
            Input::Message(frames) => self.handle_message(context, frames),
            Input::Time => {
                while let Some(due) = self.session.due(context.now) {
                    match due {
                        RawDue::Connect => self.connect(context),
                        RawDue::Heartbeat if self.style == RawClientStyle::Credit => {
                            let heartbeat = self.session.heartbeat().as_millis();
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
            Input::Phase if context.phase == Phase::Probing && !context.neighbours.is_empty() => self.request(context),
            Input::Phase => {}
            Input::Stop { .. } => {
                self.tasks.clear();
                self.fail_all(context, "C_CLOSED");
                self.session.stop();
                context.actions.extend([Action::Disconnect, Action::Stopped]);
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        earliest([self.session.deadline(), self.tasks.next()])
    }

    fn has_liveness(&self) -> bool {
        self.session.sends_heartbeats
    }

    fn unfinished(&self) -> usize {
        self.pending.len()
    }
}
