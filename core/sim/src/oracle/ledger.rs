//! Follows every request from its client to its workers and back.

use std::time::{Duration, Instant};

use pigato_proto::protocol::{Frame, Payload, Status};
use serde::{Deserialize, Serialize};

use super::{Rule, Verdict};

/// The index of a request in the ledger; part of the request's data.
pub(crate) type RequestIndex = usize;
/// The index of one run of a request at a worker.
pub(crate) type Run = usize;

/// The data of a request: JSON that contains its index, so that a worker's run can be assigned to
/// it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RequestBody {
    pub(crate) n: RequestIndex,
    /// The worker must reply to it: no error, reject or hang.
    pub(crate) firm: bool,
    pub(crate) pad: String,
}

/// The data of a reply: the request, the run that produced it and its position among that run's
/// replies.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReplyBody {
    pub(crate) n: Option<RequestIndex>,
    pub(crate) run: Run,
    pub(crate) part: u64,
    pub(crate) pad: String,
}

/// What is expected of a request.
#[derive(Debug, Clone)]
pub(crate) struct RequestSpec {
    pub(crate) peer: usize,
    pub(crate) service: &'static str,
    /// How long the client waits; `None`: forever.
    pub(crate) timeout: Option<Duration>,
    pub(crate) retry: bool,
    pub(crate) fail_fast: bool,
    /// The faults are over and a worker exists: the request must succeed.
    pub(crate) must_succeed: bool,
    /// The client's timers must be exact to the microsecond.
    pub(crate) is_exact: bool,
}

/// How a request ended at its client.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// With a final reply.
    Reply(Payload),
    /// Ended by the client itself, with this code.
    Failed(String),
}

#[derive(Debug)]
struct RequestRecord {
    spec: RequestSpec,
    body: Frame,
    deadline: Option<Instant>,
    is_cancelled: bool,
    is_over: bool,
    /// Runs that did not end with a reject.
    runs: u32,
    /// The latest run of which a partial reply arrived, the position of that reply, and the
    /// connection that delivered it.
    latest: Option<(Run, u64, u64)>,
}

#[derive(Debug)]
struct RunRecord {
    index: Option<RequestIndex>,
    /// Data frames in the order in which the worker's machine or socket sent them, the final one
    /// last.
    replies: Vec<Frame>,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) verdict: Verdict,
    records: Vec<RequestRecord>,
    runs: Vec<RunRecord>,
    open: usize,
    /// Counts of outcomes, for the summary.
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
}

impl Ledger {
    pub(crate) fn requests(&self) -> usize {
        self.records.len()
    }

    /// RequestIndex of requests without an outcome whose client still runs.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    pub(crate) fn open_requests(&self) -> Vec<RequestIndex> {
        (0..self.records.len()).filter(|index| !self.records[*index].is_over).collect()
    }

    /// A client makes a request. Returns its index and data.
    pub(crate) fn requested(
        &mut self,
        now: Instant,
        spec: RequestSpec,
        firm: bool,
        pad: String,
    ) -> (RequestIndex, Frame) {
        let n = self.records.len();
        let body = RequestBody { n, firm, pad };
        let body = Frame::from(serde_json::to_string(&body).expect("plain data"));
        let deadline = spec.timeout.map(|timeout| now + timeout);
        let record = RequestRecord {
            spec,
            body: body.clone(),
            deadline,
            is_cancelled: false,
            is_over: false,
            runs: 0,
            latest: None,
        };
        self.records.push(record);
        self.open += 1;
        (n, body)
    }

    pub(crate) fn spec(&self, index: RequestIndex) -> &RequestSpec {
        &self.records[index].spec
    }

    pub(crate) fn cancelled(&mut self, index: RequestIndex) {
        self.records[index].is_cancelled = true;
    }

    /// A client was killed: its requests have no outcome.
    pub(crate) fn client_died(&mut self, peer: usize) {
        for record in self.records.iter_mut().filter(|record| record.spec.peer == peer && !record.is_over) {
            record.is_over = true;
            self.open -= 1;
        }
    }

    /// A worker starts a request. Returns the run and, if the ledger knows the request, its body.
    pub(crate) fn started(&mut self, service: &[u8], data: &Frame) -> (Run, Option<RequestBody>) {
        let body = serde_json::from_slice::<RequestBody>(data).ok().filter(|body| body.n < self.records.len());
        let run = self.runs.len();
        self.runs.push(RunRecord { index: body.as_ref().map(|body| body.n), replies: Vec::new() });
        if let Some(body) = &body {
            let record = &mut self.records[body.n];
            record.runs += 1;
            let spec = &record.spec;
            let is_intact = record.body == *data && spec.service.as_bytes() == service;
            self.verdict.demand(Rule::Intact, is_intact, || {
                format!("request {} for {} arrived as {data:?} for {service:?}", body.n, spec.service)
            });
            let is_allowed = spec.retry || record.runs <= 1;
            self.verdict.demand(Rule::AtMostOnce, is_allowed, || format!("request {} runs again", body.n));
        }
        (run, body)
    }

    pub(crate) fn rejected(&mut self, run: Run) {
        if let Some(index) = self.runs[run].index {
            self.records[index].runs -= 1;
        }
    }

    /// A worker replies. Returns the data to send.
    pub(crate) fn replied(&mut self, run: Run, pad: String) -> Frame {
        let record = &mut self.runs[run];
        let reply = ReplyBody { n: record.index, run, part: record.replies.len() as u64, pad };
        let data = Frame::from(serde_json::to_string(&reply).expect("plain data"));
        record.replies.push(data.clone());
        data
    }

    /// Checks that a worker sent this reply to this request, unchanged.
    fn recognised(&mut self, index: RequestIndex, payload: &Payload) -> Option<ReplyBody> {
        let reply = serde_json::from_slice::<ReplyBody>(&payload.data).ok();
        let is_genuine = reply.as_ref().is_some_and(|reply| {
            let sent = self.runs.get(reply.run).and_then(|run| run.replies.get(reply.part as usize));
            reply.n == Some(index) && sent == Some(&payload.data)
        });
        self.verdict
            .demand(Rule::Intact, is_genuine, || format!("request {index} received {payload:?}, which no worker sent"));
        reply.filter(|_| is_genuine)
    }

    pub(crate) fn partial(&mut self, now: Instant, index: RequestIndex, payload: &Payload, connection: u64) {
        let Some(reply) = self.recognised(index, payload) else { return };
        let record = &mut self.records[index];
        self.verdict
            .demand(Rule::OneOutcome, !record.is_over, || format!("a partial reply to request {index} after its end"));
        let follows = match record.latest {
            Some((run, part, by)) if run == reply.run => {
                reply.part == part + 1 || (by != connection && reply.part > part)
            }
            Some((run, ..)) => reply.run > run,
            None => true,
        };
        self.verdict.demand(Rule::PartialOrder, follows, || {
            format!("request {index}: partial {} of run {} after {:?}", reply.part, reply.run, record.latest)
        });
        record.latest = Some((reply.run, reply.part, connection));
        record.deadline = record.spec.timeout.map(|timeout| now + timeout);
    }

    /// A request ends at its client, which last resumed from a pause at `stalled_until`.
    pub(crate) fn ended(
        &mut self,
        now: Instant,
        index: RequestIndex,
        outcome: &Outcome,
        connection: u64,
        stalled_until: Instant,
    ) {
        let record = &mut self.records[index];
        if std::mem::replace(&mut record.is_over, true) {
            return self.verdict.broken(Rule::OneOutcome, || format!("request {index} ends again, with {outcome:?}"));
        }
        self.open -= 1;
        self.check_time(now, index, outcome, stalled_until);
        match outcome {
            Outcome::Reply(payload) if payload.parsed_status() == Status::Ok => {
                self.succeeded += 1;
                self.check_final(index, payload, connection);
            }
            Outcome::Reply(payload) => {
                self.failed += 1;
                match serde_json::from_slice::<String>(&payload.data) {
                    Ok(code) => self.check_error(index, &code),
                    Err(_) => self.check_final(index, payload, connection),
                }
            }
            Outcome::Failed(code) => {
                self.failed += 1;
                self.check_error(index, code);
            }
        }
    }

    fn check_final(&mut self, index: RequestIndex, payload: &Payload, connection: u64) {
        let Some(reply) = self.recognised(index, payload) else { return };
        let is_last = self.runs[reply.run].replies.len() as u64 == reply.part + 1;
        let latest = self.records[index].latest;
        // A reply over another connection may have missed some partial replies; a reply over the
        // same connection may not.
        let is_complete = match latest {
            Some((run, part, by)) => run != reply.run || by != connection || part + 1 == reply.part,
            None => true,
        };
        self.verdict.demand(Rule::PartialOrder, is_last && is_complete, || {
            format!("request {index} ends with reply {} of run {} after {latest:?}", reply.part, reply.run)
        });
    }

    /// Only our own clients must be exact: their timeouts fire at the deadline, or as soon as they
    /// resume.
    fn check_time(&mut self, now: Instant, index: RequestIndex, outcome: &Outcome, stalled_until: Instant) {
        let record = &self.records[index];
        let Some(deadline) = record.deadline.filter(|_| record.spec.is_exact) else { return };
        let due = deadline.max(stalled_until);
        let has_timed_out = matches!(outcome, Outcome::Failed(code) if code == "C_TIMEOUT");
        let is_right = if has_timed_out { now == deadline || (now > deadline && now == due) } else { now <= due };
        self.verdict.demand(Rule::ExactTimeout, is_right, || {
            let late = now.saturating_duration_since(deadline);
            let early = deadline.saturating_duration_since(now);
            format!("request {index} ends with {outcome:?}, {late:?} after or {early:?} before its deadline")
        });
    }

    fn check_error(&mut self, index: RequestIndex, code: &str) {
        let record = &self.records[index];
        let spec = &record.spec;
        self.verdict.demand(Rule::Recovers, !spec.must_succeed, || format!("request {index} ends with {code}"));
        let is_justified = match code {
            "C_TIMEOUT" => spec.timeout.is_some(),
            "C_CANCELLED" => record.is_cancelled,
            "C_DISCONNECTED" => !spec.retry,
            "B_NO_WORKER" | "B_REJECTED" => spec.fail_fast,
            "B_WORKER_LOST" | "B_QUEUE_FULL" | "B_DRAINING" | "C_BUSY" | "C_CLOSED" => true,
            _ => false,
        };
        self.verdict
            .demand(Rule::ReasonOfError, is_justified, || format!("request {index} ({spec:?}) ends with {code}"));
    }
}
