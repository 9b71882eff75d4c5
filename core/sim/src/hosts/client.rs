//! Drives a client machine and plays its user, who makes requests, reads replies and sometimes
//! cancels.

use std::collections::BTreeMap;
use std::time::Instant;

use pigato_proto::client::{Event, Machine, Output, RequestNumber};
use pigato_proto::config::ClientOptions;
use pigato_proto::entropy::Entropy;
use pigato_proto::protocol::{Frame, ServiceName};

use super::load::{random_request, Abilities};
use super::{earliest, Action, Context, Host, Input, Phase, Tasks};
use crate::mutation::Mutation;
use crate::oracle::ledger::{Outcome, RequestIndex};
use crate::oracle::Rule;
use crate::scenario::PeerPlan;

#[derive(Debug, Clone, Copy)]
enum Task {
    Request,
    Cancel(RequestNumber),
    Grant(RequestNumber),
    Heartbeat(RequestNumber),
}

pub(super) struct ClientHost {
    machine: Machine,
    tasks: Tasks<Task>,
    /// The ledger's index of each pending request.
    indexes: BTreeMap<RequestNumber, RequestIndex>,
    next_number: RequestNumber,
    max_requests: u64,
    requests_made: u64,
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
            indexes: BTreeMap::new(),
            next_number: 0,
            max_requests: max_requests as u64,
            requests_made: 0,
            mutation,
        }
    }

    fn request(&mut self, context: &mut Context<'_>) {
        self.requests_made += 1;
        let request = random_request(context, Abilities { is_ours: true, fixed_timeout: None });
        let number = self.next_number;
        self.next_number += 1;
        self.indexes.insert(number, request.index);
        let service = ServiceName::new(Frame::from(request.service)).expect("a name");
        self.machine.request(context.now, number, service, request.data, &request.options);
        if context.phase == Phase::Faults {
            if context.random.percent(context.scenario.cancel) {
                let at = context.now + context.random.millis(0..=500);
                self.tasks.at(at, Task::Cancel(number));
            }
            if context.random.percent(5) {
                let at = context.now + context.random.millis(0..=500);
                self.tasks.at(at, Task::Heartbeat(number));
            }
        }
        self.carry_out(context);
    }

    fn run_tasks(&mut self, context: &mut Context<'_>) {
        while let Some(task) = self.tasks.pop_due(context.now) {
            match task {
                Task::Request if context.phase == Phase::Faults => {
                    let burst = if context.random.percent(5) { context.random.number(5..=30) } else { 1 };
                    for _ in 0..burst {
                        self.request(context);
                    }
                    self.schedule_request(context);
                }
                Task::Request => {}
                Task::Cancel(number) => {
                    if let Some(index) = self.indexes.get(&number) {
                        context.ledger.cancelled(*index);
                    }
                    self.machine.cancel(number);
                }
                Task::Grant(number) => self.machine.grant(number, 1),
                Task::Heartbeat(number) => self.machine.heartbeat(number),
            }
            self.carry_out(context);
        }
    }

    fn schedule_request(&mut self, context: &mut Context<'_>) {
        if self.requests_made >= context.scenario.requests {
            return;
        }
        let at = context.now + context.random.millis(0..=context.scenario.request_interval * 2);
        self.tasks.at(at, Task::Request);
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
            Event::Partial { number, payload } => {
                let Some(index) = self.indexes.get(&number) else {
                    return context
                        .ledger
                        .verdict
                        .broken(Rule::OneOutcome, || format!("partial reply for ended request {number}"));
                };
                context.ledger.partial(context.now, *index, &payload, context.connection);
                let at = context.now + context.random.millis(0..=50);
                self.tasks.at(at, Task::Grant(number));
            }
            Event::Final { number, payload } => self.ended(context, number, &Outcome::Reply(payload)),
            Event::Failed { number, code } => self.ended(context, number, &Outcome::Failed(code.to_string())),
            Event::Stopped => context.actions.push(Action::Stopped),
            _ => {}
        }
    }

    fn ended(&mut self, context: &mut Context<'_>, number: RequestNumber, outcome: &Outcome) {
        let Some(index) = self.indexes.remove(&number) else {
            return context
                .ledger
                .verdict
                .broken(Rule::OneOutcome, || format!("request {number} ends again: {outcome:?}"));
        };
        context.ledger.ended(context.now, index, outcome, context.connection, context.stalled_until);
        context.outcomes.push((index as u64, format!("{outcome:?}")));
    }
}

impl Host for ClientHost {
    fn handle(&mut self, input: Input, context: &mut Context<'_>) {
        match input {
            Input::Start => {
                self.machine.start();
                if context.phase == Phase::Faults {
                    self.schedule_request(context);
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
                    self.request(context);
                }
            }
            Input::Phase => {}
            Input::Stop { .. } => {
                self.tasks.clear();
                self.machine.stop();
            }
        }
        self.carry_out(context);
        let (unanswered, known) = (self.machine.unanswered(), self.indexes.len());
        context.ledger.verdict.demand(Rule::Statistics, unanswered == known, || {
            format!("a client has {unanswered} pending requests, but {known} have not ended")
        });
    }

    fn next_deadline(&self) -> Option<Instant> {
        let own = self.machine.next_deadline();
        match self.mutation {
            // Simulates a clock with coarse ticks.
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
