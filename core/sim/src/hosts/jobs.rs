//! The handler that all workers share: it takes some time, sends some partial replies, and then
//! replies, fails, rejects or hangs.

use std::collections::BTreeMap;
use std::time::Instant;

use pigato_proto::protocol::{Frame, Payload, ReplyKind, Status};

use super::load::pad;
use super::{Context, Phase, Tasks};
use crate::oracle::ledger::Run;

/// The handler's next step.
pub(super) enum Step {
    Reply(ReplyKind, Payload),
    Reject,
}

struct Job {
    run: Run,
    partials: u64,
    ending: Ending,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Reply,
    Error,
    Reject,
    /// No final reply until the faults are over.
    Hang,
}

/// A worker's jobs, by the key under which the worker knows them.
pub(super) struct Jobs<Key> {
    jobs: BTreeMap<Key, Job>,
    tasks: Tasks<Key>,
}

impl<Key: Ord + Clone> Jobs<Key> {
    pub(super) fn new() -> Self {
        Self { jobs: BTreeMap::new(), tasks: Tasks::default() }
    }

    pub(super) fn begin(&mut self, context: &mut Context<'_>, key: Key, service: &[u8], data: &Frame) {
        let (run, body) = context.ledger.started(service, data);
        let scenario = context.scenario;
        let is_firm = body.is_none_or(|body| body.firm) || context.phase > Phase::Faults;
        let ending = if is_firm {
            Ending::Reply
        } else if context.random.percent(scenario.reject) {
            Ending::Reject
        } else if context.random.percent(scenario.stuck) {
            Ending::Hang
        } else if context.random.percent(10) {
            Ending::Error
        } else {
            Ending::Reply
        };
        let most = if context.phase > Phase::Faults { 1 } else { scenario.most_partials };
        let partials = if ending == Ending::Reject { 0 } else { context.random.number(0..=most) };
        self.jobs.insert(key.clone(), Job { run, partials, ending });
        self.schedule(context, key);
    }

    fn schedule(&mut self, context: &mut Context<'_>, key: Key) {
        // After the faults, everything is to end soon.
        let most = if context.phase > Phase::Faults { 10 } else { u64::MAX };
        let work = if context.random.percent(20) { 0 } else { context.scenario.work.min(most) };
        let at = context.now + context.random.micros(0..=work * 1_000);
        self.tasks.at(at, key);
    }

    pub(super) fn forget(&mut self, key: &Key) {
        self.jobs.remove(key);
    }

    pub(super) fn forget_all(&mut self) {
        self.jobs.clear();
        self.tasks.clear();
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.tasks.next()
    }

    /// The next step that is due, if any.
    pub(super) fn step(&mut self, context: &mut Context<'_>) -> Option<(Key, Step)> {
        while let Some(key) = self.tasks.pop_due(context.now) {
            let Some(job) = self.jobs.get_mut(&key) else { continue };
            let run = job.run;
            if job.partials > 0 {
                job.partials -= 1;
                self.schedule(context, key.clone());
                let data = reply_data(context, run);
                return Some((key, Step::Reply(ReplyKind::Partial, payload(Status::Ok, data))));
            }
            let status = match job.ending {
                Ending::Hang => continue,
                Ending::Reject => {
                    self.jobs.remove(&key);
                    context.ledger.rejected(run);
                    return Some((key, Step::Reject));
                }
                Ending::Error => Status::Error,
                Ending::Reply => Status::Ok,
            };
            self.jobs.remove(&key);
            let data = reply_data(context, run);
            return Some((key, Step::Reply(ReplyKind::Final, payload(status, data))));
        }
        None
    }

    /// The faults are over: jobs that hang continue.
    pub(super) fn heal(&mut self, context: &mut Context<'_>) {
        for (key, job) in self.jobs.iter_mut().filter(|(_, job)| job.ending == Ending::Hang) {
            job.ending = Ending::Reply;
            self.tasks.at(context.now, key.clone());
        }
    }
}

fn reply_data(context: &mut Context<'_>, run: Run) -> Frame {
    let pad = pad(context);
    context.ledger.replied(run, pad)
}

fn payload(status: Status, data: Frame) -> Payload {
    Payload::new(status, data, Frame::from("{}"))
}
