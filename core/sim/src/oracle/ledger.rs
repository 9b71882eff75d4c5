//! Every request's way from its client to its workers and back.

use std::time::{Duration, Instant};

use pigato_proto::protocol::{Frame, Payload, Status};
use serde::{Deserialize, Serialize};

use super::{Rule, Verdict};

/// The number of a request, in its data; `None` in what others made.
pub(crate) type Number = usize;
/// The number of one run of a request at a worker.
pub(crate) type Run = usize;

/// The data of a request: JSON that names the request, so that a worker's run of it is known.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RequestBody {
    pub(crate) n: Number,
    /// Its worker is to answer without much ado.
    pub(crate) firm: bool,
    pub(crate) pad: String,
}

/// The data of a reply: what it replies to, the run that made it and its place among that run's replies.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReplyBody {
    pub(crate) n: Option<Number>,
    pub(crate) run: Run,
    pub(crate) part: u64,
    pub(crate) pad: String,
}

/// What a client is about to ask.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) peer: usize,
    pub(crate) service: &'static str,
    /// How long the client waits; `None`: for ever.
    pub(crate) timeout: Option<Duration>,
    pub(crate) retry: bool,
    pub(crate) fail_fast: bool,
    /// Faults are over and a worker is there: it must succeed.
    pub(crate) must_succeed: bool,
    /// The client's own clock is held to the microsecond.
    pub(crate) is_exact: bool,
}

/// How a request ended at its client.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// With a final reply.
    Reply(Payload),
    /// By the client itself, with this code.
    Failed(String),
}

#[derive(Debug)]
struct Entry {
    question: Question,
    body: Frame,
    deadline: Option<Instant>,
    is_cancelled: bool,
    is_over: bool,
    /// Runs that did not end with a rejection.
    runs: u32,
    /// The latest run whose partial reply arrived, the number of that reply, and the connection it came by.
    latest: Option<(Run, u64, u64)>,
}

#[derive(Debug)]
struct RunEntry {
    number: Option<Number>,
    /// Data frames in the order in which they were given to the worker's machine or socket, the final one last.
    replies: Vec<Frame>,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) verdict: Verdict,
    entries: Vec<Entry>,
    runs: Vec<RunEntry>,
    open: usize,
    /// Outcomes by name, for the summary.
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
}

impl Ledger {
    pub(crate) fn requests(&self) -> usize {
        self.entries.len()
    }

    /// Requests whose client lives and waits.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    pub(crate) fn open_numbers(&self) -> Vec<Number> {
        (0..self.entries.len()).filter(|number| !self.entries[*number].is_over).collect()
    }

    /// A client asks. Returns the request's number and data.
    pub(crate) fn asked(&mut self, now: Instant, question: Question, firm: bool, pad: String) -> (Number, Frame) {
        let n = self.entries.len();
        let body = RequestBody { n, firm, pad };
        let body = Frame::from(serde_json::to_string(&body).expect("plain data"));
        let deadline = question.timeout.map(|timeout| now + timeout);
        let entry = Entry {
            question,
            body: body.clone(),
            deadline,
            is_cancelled: false,
            is_over: false,
            runs: 0,
            latest: None,
        };
        self.entries.push(entry);
        self.open += 1;
        (n, body)
    }

    pub(crate) fn question(&self, number: Number) -> &Question {
        &self.entries[number].question
    }

    pub(crate) fn cancelled(&mut self, number: Number) {
        self.entries[number].is_cancelled = true;
    }

    /// A client is gone without a word: nobody waits for its requests any more.
    pub(crate) fn client_died(&mut self, peer: usize) {
        for entry in self.entries.iter_mut().filter(|entry| entry.question.peer == peer && !entry.is_over) {
            entry.is_over = true;
            self.open -= 1;
        }
    }

    /// A worker begins with a request. Returns its run and, if the request is one of ours, its body.
    pub(crate) fn started(&mut self, service: &[u8], data: &Frame) -> (Run, Option<RequestBody>) {
        let body = serde_json::from_slice::<RequestBody>(data).ok().filter(|body| body.n < self.entries.len());
        let run = self.runs.len();
        self.runs.push(RunEntry { number: body.as_ref().map(|body| body.n), replies: Vec::new() });
        if let Some(body) = &body {
            let entry = &mut self.entries[body.n];
            entry.runs += 1;
            let question = &entry.question;
            let is_intact = entry.body == *data && question.service.as_bytes() == service;
            self.verdict.demand(Rule::Intact, is_intact, || {
                format!("request {} for {} came as {data:?} for {service:?}", body.n, question.service)
            });
            let is_allowed = question.retry || entry.runs <= 1;
            self.verdict.demand(Rule::AtMostOnce, is_allowed, || format!("request {} runs again", body.n));
        }
        (run, body)
    }

    pub(crate) fn rejected(&mut self, run: Run) {
        if let Some(number) = self.runs[run].number {
            self.entries[number].runs -= 1;
        }
    }

    /// A worker replies; returns the data to send.
    pub(crate) fn replied(&mut self, run: Run, pad: String) -> Frame {
        let entry = &mut self.runs[run];
        let reply = ReplyBody { n: entry.number, run, part: entry.replies.len() as u64, pad };
        let data = Frame::from(serde_json::to_string(&reply).expect("plain data"));
        entry.replies.push(data.clone());
        data
    }

    /// A reply that must be one that a worker gave to this request, unchanged.
    fn recognised(&mut self, number: Number, payload: &Payload) -> Option<ReplyBody> {
        let reply = serde_json::from_slice::<ReplyBody>(&payload.data).ok();
        let is_genuine = reply.as_ref().is_some_and(|reply| {
            let given = self.runs.get(reply.run).and_then(|run| run.replies.get(reply.part as usize));
            reply.n == Some(number) && given == Some(&payload.data)
        });
        self.verdict
            .demand(Rule::Intact, is_genuine, || format!("request {number} got {payload:?}, which no worker gave it"));
        reply.filter(|_| is_genuine)
    }

    pub(crate) fn partial(&mut self, now: Instant, number: Number, payload: &Payload, connection: u64) {
        let Some(reply) = self.recognised(number, payload) else { return };
        let entry = &mut self.entries[number];
        self.verdict
            .demand(Rule::OneOutcome, !entry.is_over, || format!("a partial reply to request {number} after its end"));
        let follows = match entry.latest {
            Some((run, part, by)) if run == reply.run => {
                reply.part == part + 1 || (by != connection && reply.part > part)
            }
            Some((run, ..)) => reply.run > run,
            None => true,
        };
        self.verdict.demand(Rule::PartialOrder, follows, || {
            format!("request {number}: partial {} of run {} after {:?}", reply.part, reply.run, entry.latest)
        });
        entry.latest = Some((reply.run, reply.part, connection));
        entry.deadline = entry.question.timeout.map(|timeout| now + timeout);
    }

    /// A request ends at its client, which last had no time until `stalled_until`.
    pub(crate) fn ended(
        &mut self,
        now: Instant,
        number: Number,
        outcome: &Outcome,
        connection: u64,
        stalled_until: Instant,
    ) {
        let entry = &mut self.entries[number];
        if std::mem::replace(&mut entry.is_over, true) {
            return self.verdict.broken(Rule::OneOutcome, || format!("request {number} ends again, with {outcome:?}"));
        }
        self.open -= 1;
        self.check_time(now, number, outcome, stalled_until);
        match outcome {
            Outcome::Reply(payload) if payload.parsed_status() == Status::Ok => {
                self.succeeded += 1;
                self.check_final(number, payload, connection);
            }
            Outcome::Reply(payload) => {
                self.failed += 1;
                match serde_json::from_slice::<String>(&payload.data) {
                    Ok(code) => self.check_error(number, &code),
                    Err(_) => self.check_final(number, payload, connection),
                }
            }
            Outcome::Failed(code) => {
                self.failed += 1;
                self.check_error(number, code);
            }
        }
    }

    fn check_final(&mut self, number: Number, payload: &Payload, connection: u64) {
        let Some(reply) = self.recognised(number, payload) else { return };
        let is_last = self.runs[reply.run].replies.len() as u64 == reply.part + 1;
        let latest = self.entries[number].latest;
        // What came by another connection may have missed some partial replies; by one and the same it has them all.
        let is_complete = match latest {
            Some((run, part, by)) => run != reply.run || by != connection || part + 1 == reply.part,
            None => true,
        };
        self.verdict.demand(Rule::PartialOrder, is_last && is_complete, || {
            format!("request {number} ends with reply {} of run {} after {latest:?}", reply.part, reply.run)
        });
    }

    /// Times are only demanded of our own clients: they fire at the deadline, or as soon as they get time.
    fn check_time(&mut self, now: Instant, number: Number, outcome: &Outcome, stalled_until: Instant) {
        let entry = &self.entries[number];
        let Some(deadline) = entry.deadline.filter(|_| entry.question.is_exact) else { return };
        let due = deadline.max(stalled_until);
        let has_timed_out = matches!(outcome, Outcome::Failed(code) if code == "C_TIMEOUT");
        let is_right = if has_timed_out { now == deadline || (now > deadline && now == due) } else { now <= due };
        self.verdict.demand(Rule::ExactTimeout, is_right, || {
            let late = now.saturating_duration_since(deadline);
            let early = deadline.saturating_duration_since(now);
            format!("request {number} ends with {outcome:?}, {late:?} after or {early:?} before its deadline")
        });
    }

    fn check_error(&mut self, number: Number, code: &str) {
        let entry = &self.entries[number];
        let question = &entry.question;
        self.verdict.demand(Rule::Recovers, !question.must_succeed, || format!("request {number} ends with {code}"));
        let is_justified = match code {
            "C_TIMEOUT" => question.timeout.is_some(),
            "C_CANCELLED" => entry.is_cancelled,
            "C_DISCONNECTED" => !question.retry,
            "B_NO_WORKER" | "B_REJECTED" => question.fail_fast,
            "B_WORKER_LOST" | "B_QUEUE_FULL" | "B_DRAINING" | "C_BUSY" | "C_CLOSED" => true,
            _ => false,
        };
        self.verdict
            .demand(Rule::ReasonOfError, is_justified, || format!("request {number} ({question:?}) ends with {code}"));
    }
}
