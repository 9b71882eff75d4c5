//! Drives a worker machine and its handler.

use std::time::{Duration, Instant};

use pigato_proto::config::{Concurrency, WorkerOptions};
use pigato_proto::entropy::Entropy;
use pigato_proto::protocol::{Frame, ServiceName};
use pigato_proto::worker::{Event, Machine, Output, RequestNumber};

use super::jobs::{Jobs, Step};
use super::{earliest, Action, Context, Host, Input, Phase};
use crate::oracle::Rule;
use crate::scenario::PeerPlan;

pub(super) struct WorkerHost {
    machine: Machine,
    jobs: Jobs<RequestNumber>,
    /// The highest concurrency that it ever announced.
    highest: Concurrency,
    is_fixed: bool,
}

impl WorkerHost {
    pub(super) fn new(plan: &PeerPlan, service: &str, concurrency: i64, entropy: Entropy) -> Self {
        let highest = Concurrency::from_number(concurrency).expect("a concurrency");
        let options = WorkerOptions::default()
            .heartbeat(plan.heartbeat)
            .heartbeat_liveness(plan.liveness)
            .reconnect(plan.reconnect)
            .concurrency(highest);
        let service = ServiceName::new(Frame::from(service)).expect("a name");
        Self { machine: Machine::new(service, options, entropy), jobs: Jobs::new(), highest, is_fixed: concurrency < 0 }
    }

    fn work(&mut self, context: &mut Context<'_>) {
        while let Some((number, step)) = self.jobs.step(context) {
            match step {
                Step::Reply(kind, payload) => {
                    self.machine.reply(context.now, number, kind, payload);
                }
                Step::Reject => {
                    self.machine.reject(context.now, number, Frame::from("\"busy\""));
                }
            }
            self.carry_out(context);
        }
        if !self.is_fixed && context.phase == Phase::Faults && context.random.percent(2) {
            let number = context.random.number(1..=5) as u32;
            if let Concurrency::Limited(highest) = self.highest {
                self.highest = Concurrency::Limited(highest.max(number));
            }
            self.machine.set_concurrency(Concurrency::Limited(number));
        }
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
                Output::Event(Event::Request(request)) => {
                    self.jobs.begin(context, request.number, request.service.as_bytes(), &request.data);
                }
                Output::Event(Event::Cancelled { number, .. }) => self.jobs.forget(&number),
                Output::Event(Event::Stopped) => context.actions.push(Action::Stopped),
                Output::Event(_) => {}
            }
        }
    }
}

impl Host for WorkerHost {
    fn handle(&mut self, input: Input, context: &mut Context<'_>) {
        match input {
            Input::Start => self.machine.start(),
            Input::Up => self.machine.handle_connected(context.now),
            Input::Down => self.machine.handle_disconnected(context.now),
            Input::Message(mut frames) => self.machine.handle_message(context.now, &mut frames),
            Input::Time => {
                self.machine.handle_timeout(context.now);
                self.carry_out(context);
                self.work(context);
            }
            Input::Phase => self.jobs.heal(context),
            Input::Stop { gracefully: true } => self.machine.drain(context.now, Duration::from_millis(700)),
            Input::Stop { gracefully: false } => self.machine.stop(context.now),
        }
        self.carry_out(context);
        let live = self.machine.in_flight();
        let is_within = live == 0 || self.highest.has_room(live - 1);
        context.ledger.verdict.demand(Rule::Concurrency, is_within, || {
            format!("a worker has {live} jobs with concurrency {:?}", self.highest)
        });
    }

    fn next_deadline(&self) -> Option<Instant> {
        earliest([self.machine.next_deadline(), self.jobs.next()])
    }

    fn has_liveness(&self) -> bool {
        true
    }

    fn unfinished(&self) -> usize {
        self.machine.in_flight()
    }
}
