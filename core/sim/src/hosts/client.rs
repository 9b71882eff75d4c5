//! A client machine and its user, who asks, consumes, gives up now and then.

use std::collections::BTreeMap;
use std::time::Instant;

use pigato_proto::client::{Event, Machine, Output, Token};
use pigato_proto::config::ClientOptions;
use pigato_proto::entropy::Entropy;
use pigato_proto::protocol::{Frame, ServiceName};

use super::load::{make_up, Abilities};
use super::{earliest, Action, Context, Host, Input, Phase, Tasks};
use crate::mutation::Mutation;
use crate::oracle::ledger::{Number, Outcome};
use crate::oracle::Rule;
use crate::scenario::PeerPlan;

#[derive(Debug, Clone, Copy)]
enum Task {
    Ask,
    Cancel(Token),
    Grant(Token),
    Beat(Token),
}

pub(super) struct ClientHost {
    machine: Machine,
    tasks: Tasks<Task>,
    /// The ledger's numbers of what is unanswered.
    numbers: BTreeMap<Token, Number>,
    next_token: Token,
    max_requests: u64,
    asked: u64,
    mutation: Option<Mutation>,
}

/// Requests that each client makes after the faults.
const PROBES: u64 = 4;

impl ClientHost {
    pub(super) fn new(plan: &PeerPlan, max_requests: usize, entropy: Entropy, mutation: Option<Mutation>) -> Self {
        let options = ClientOptions::default()
            .heartbeat(plan.heartbeat)
            .heartbeat_liveness(plan.liveness)
            .reconnect(plan.reconnect)
            .max_requests(max_requests);
        Self {
            machine: Machine::new(options, entropy),
            tasks: Tasks::default(),
            numbers: BTreeMap::new(),
            next_token: 0,
            max_requests: max_requests as u64,
            asked: 0,
            mutation,
        }
    }

    fn ask(&mut self, context: &mut Context<'_>) {
        self.asked += 1;
        let ask = make_up(context, Abilities { is_ours: true, fixed_timeout: None });
        let token = self.next_token;
        self.next_token += 1;
        self.numbers.insert(token, ask.number);
        let service = ServiceName::new(Frame::from(ask.service)).expect("a name");
        self.machine.request(context.now, token, service, ask.data, &ask.options);
        if context.phase == Phase::Faults {
            if context.random.percent(context.scenario.cancel) {
                let at = context.now + context.random.millis(0..=500);
                self.tasks.at(at, Task::Cancel(token));
            }
            if context.random.percent(5) {
                let at = context.now + context.random.millis(0..=500);
                self.tasks.at(at, Task::Beat(token));
            }
        }
        self.carry_out(context);
    }

    fn run_tasks(&mut self, context: &mut Context<'_>) {
        while let Some(task) = self.tasks.pop_due(context.now) {
            match task {
                Task::Ask if context.phase == Phase::Faults => {
                    let burst = if context.random.percent(5) { context.random.number(5..=30) } else { 1 };
                    for _ in 0..burst {
                        self.ask(context);
                    }
                    self.schedule_ask(context);
                }
                Task::Ask => {}
                Task::Cancel(token) => {
                    if let Some(number) = self.numbers.get(&token) {
                        context.ledger.cancelled(*number);
                    }
                    self.machine.cancel(token);
                }
                Task::Grant(token) => self.machine.grant(token, 1),
                Task::Beat(token) => self.machine.heartbeat(token),
            }
            self.carry_out(context);
        }
    }

    fn schedule_ask(&mut self, context: &mut Context<'_>) {
        if self.asked >= context.scenario.requests {
            return;
        }
        let at = context.now + context.random.millis(0..=context.scenario.request_interval * 2);
        self.tasks.at(at, Task::Ask);
    }

    fn carry_out(&mut self, context: &mut Context<'_>) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Connect(identity) => context.actions.push(Action::Connect(identity)),
                Output::Send(message) => {
                    let mut frames = Vec::new();
                    message.encode(&mut frames);
                    context.actions.push(Action::Send(frames));
                }
                Output::Disconnect => context.actions.push(Action::Disconnect),
                Output::Event(event) => self.handle_event(context, event),
            }
        }
    }

    fn handle_event(&mut self, context: &mut Context<'_>, event: Event) {
        match event {
            Event::Partial { token, payload } => {
                let Some(number) = self.numbers.get(&token) else {
                    return context.ledger.verdict.broken(Rule::OneOutcome, || format!("partial for ended {token}"));
                };
                context.ledger.partial(context.now, *number, &payload, context.connection);
                let at = context.now + context.random.millis(0..=50);
                self.tasks.at(at, Task::Grant(token));
            }
            Event::Final { token, payload } => self.ended(context, token, &Outcome::Reply(payload)),
            Event::Failed { token, code } => self.ended(context, token, &Outcome::Failed(code.to_string())),
            Event::Stopped => context.actions.push(Action::Stopped),
            _ => {}
        }
    }

    fn ended(&mut self, context: &mut Context<'_>, token: Token, outcome: &Outcome) {
        let Some(number) = self.numbers.remove(&token) else {
            return context.ledger.verdict.broken(Rule::OneOutcome, || format!("{token} ends again: {outcome:?}"));
        };
        context.ledger.ended(context.now, number, outcome, context.connection, context.stalled_until);
        context.outcomes.push((number as u64, format!("{outcome:?}")));
    }
}

impl Host for ClientHost {
    fn handle(&mut self, input: Input, context: &mut Context<'_>) {
        match input {
            Input::Start => {
                self.machine.start();
                if context.phase == Phase::Faults {
                    self.schedule_ask(context);
                }
            }
            Input::Up => self.machine.handle_connected(context.now),
            Input::Down => self.machine.handle_disconnected(context.now),
            Input::Message(mut frames) => self.machine.handle_message(context.now, &mut frames),
            Input::Time => {
                self.machine.handle_timeout(context.now);
                self.carry_out(context);
                self.run_tasks(context);
            }
            Input::Phase if context.phase == Phase::Probing && !context.neighbours.is_empty() => {
                for _ in 0..PROBES.min(self.max_requests) {
                    self.ask(context);
                }
            }
            Input::Phase => {}
            Input::Stop { .. } => {
                self.tasks.clear();
                self.machine.stop();
            }
        }
        self.carry_out(context);
        let (unanswered, known) = (self.machine.unanswered(), self.numbers.len());
        context.ledger.verdict.demand(Rule::Statistics, unanswered == known, || {
            format!("a client holds {unanswered} requests, {known} have not ended")
        });
    }

    fn next_deadline(&self) -> Option<Instant> {
        let own = self.machine.next_deadline();
        match self.mutation {
            // A clock with ticks.
            Some(Mutation::LateTimeouts) => {
                earliest([own.map(|at| at + std::time::Duration::from_millis(1)), self.tasks.next()])
            }
            _ => earliest([own, self.tasks.next()]),
        }
    }

    fn has_liveness(&self) -> bool {
        true
    }

    fn unfinished(&self) -> usize {
        self.machine.unanswered()
    }
}
