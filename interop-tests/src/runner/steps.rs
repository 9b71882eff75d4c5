//! Executes the steps of a scenario with the processes of a stage.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{json, Value};

use super::process::Process;
use super::proxy::Mode;
use super::scenario::{Action, Scenario, Step};
use super::stage::{Stage, BROKER};
use super::value::{self, brief, is_same};

/// How long a step may wait before the cell fails.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// First interval between two polls of the statistics.
const POLL: Duration = Duration::from_millis(10);

/// Maximum interval between two polls of the statistics.
const POLL_MAX: Duration = Duration::from_millis(300);

/// A running scenario.
pub struct Steps<'a, 'b> {
    pub(super) stage: &'a mut Stage<'b>,
    scenario: &'a Scenario,
    /// Makes the tags of this scenario differ from those of others with the same processes.
    prefix: String,
    tags: u64,
    /// The client of each request, by tag.
    clients: HashMap<String, String>,
    /// The number of the request that each worker received last.
    seen: HashMap<String, Value>,
}

impl<'a, 'b> Steps<'a, 'b> {
    /// `number` must differ between scenarios with the same processes.
    pub fn new(stage: &'a mut Stage<'b>, scenario: &'a Scenario, number: usize) -> Self {
        let prefix = format!("{number}-");
        Self { stage, scenario, prefix, tags: 0, clients: HashMap::new(), seen: HashMap::new() }
    }

    /// Executes all steps.
    ///
    /// # Errors
    ///
    /// The number and name of the failed step and the reason.
    pub fn run(mut self) -> Result<(), String> {
        for (position, step) in self.scenario.steps.iter().enumerate() {
            let name = format!("step {}, {:?}", position + 1, step.action).to_lowercase();
            self.stage.log().add("runner", &name);
            self.step(step).map_err(|why| format!("{name}: {why}"))?;
        }
        self.leave_clean().map_err(|why| format!("at the end: {why}"))
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step.action {
            Action::Call => {
                let deadline = Instant::now() + TIMEOUT;
                loop {
                    let tag = self.request(step, None)?;
                    let result = self.await_outcome(&tag, step);
                    if result.is_ok() || !step.again || Instant::now() > deadline {
                        return result;
                    }
                }
            }
            Action::Request => self.request(step, Some(tag(step)?)).map(|_| ()),
            Action::Wait => self.await_outcome(&self.full(tag(step)?), step),
            Action::Partial => {
                let tag = self.full(tag(step)?);
                let is_partial = |event: &Value| event["event"] == "partial" && event["tag"] == *tag;
                self.client_of(&tag)?.take("partial reply", TIMEOUT, is_partial).map(|_| ())
            }
            Action::Cancel => self.send_to_client_of(step, "cancel"),
            Action::Read => self.send_to_client_of(step, "read"),
            Action::Flood | Action::Flooded => self.flood(step),
            Action::Seen => self.seen(step),
            Action::Unseen => self.unseen(step),
            Action::Cancelled => self.cancelled(step),
            Action::Tell => {
                let line = value::read(given(step.line.as_ref(), "line")?)?;
                self.stage.process(who(step)?)?.send(&line)
            }
            Action::Event => {
                let name = given(step.event.as_ref(), "event")?;
                self.stage.process(who(step)?)?.take(name, TIMEOUT, |event| event["event"] == *name).map(|_| ())
            }
            Action::Statistics => self.statistics(step),
            Action::Start => self.stage.start(self.scenario, who(step)?),
            Action::Stop => self.stage.remove(who(step)?)?.stop(),
            Action::Kill => self.kill(step),
            Action::Ended => self.stage.remove(who(step)?)?.wait(TIMEOUT).map(|_| ()),
            Action::Freeze => self.stage.process(who(step)?)?.signal(Signal::SIGSTOP),
            Action::Thaw => self.stage.process(who(step)?)?.signal(Signal::SIGCONT),
            Action::Proxy => {
                let mode = Mode::parse(given(step.mode.as_ref(), "mode")?, step.ms)?;
                self.stage.proxy().map(|proxy| proxy.set(mode))
            }
            Action::Send => self.send_frames(step),
            Action::Receive => self.receive_frames(step),
            Action::Subscribe => self.stage.subscribe(who(step)?),
            Action::Published => self.published(step),
            Action::Quiet => self.quiet(step),
        }
    }

    fn full(&self, tag: &str) -> String {
        format!("{}{tag}", self.prefix)
    }

    /// The client that sent a request.
    fn client_of(&mut self, tag: &str) -> Result<&mut Process, String> {
        let client = self.clients.get(tag).ok_or_else(|| format!("no request has the tag {tag}"))?;
        self.stage.process(client)
    }

    /// Sends a request and returns its full tag.
    fn request(&mut self, step: &Step, tag: Option<&str>) -> Result<String, String> {
        self.tags += 1;
        let tag = tag.map_or_else(|| self.full(&format!("call{}", self.tags)), |tag| self.full(tag));
        let client = step.who.clone().unwrap_or_else(|| "client".to_owned());
        let mut line = json!({"op": "request", "tag": tag, "service": step.service.as_deref().unwrap_or("service")});
        if let Some(bytes) = &step.bytes {
            line["bytes"] = json!(bytes);
        } else {
            line["data"] = value::read(step.data.as_deref().unwrap_or("null"))?;
        }
        if let Some(opts) = &step.opts {
            let opts = self.with_identity(&client, opts)?;
            line["opts"] = value::read(&opts)?;
        }
        for (name, is_set) in [("hold", step.hold), ("cancellable", step.cancellable)] {
            if is_set {
                line[name] = json!(true);
            }
        }
        self.stage.process(&client)?.send(&line)?;
        self.clients.insert(tag.clone(), client);
        Ok(tag)
    }

    /// Replaces `$id:PREFIX` with the worker id in the directory that has this prefix.
    fn with_identity(&mut self, client: &str, opts: &str) -> Result<String, String> {
        let Some((before, rest)) = opts.split_once("$id:") else { return Ok(opts.to_owned()) };
        let (prefix, after) = rest.split_once('"').ok_or("$id:PREFIX must be in quotes")?;
        let line = json!({"op": "request", "tag": "directory", "service": "$dir", "data": "service"});
        let process = self.stage.process(client)?;
        process.send(&line)?;
        let reply = process.take("directory", TIMEOUT, |e| e["event"] == "final" && e["tag"] == "directory")?;
        let ids = reply["data"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let id = ids
            .into_iter()
            .find(|id| id.starts_with(prefix))
            .ok_or_else(|| format!("no id starts with {prefix} in {reply}"))?;
        Ok(format!("{before}{id}\"{after}"))
    }

    fn await_outcome(&mut self, tag: &str, step: &Step) -> Result<(), String> {
        let is_final = |event: &Value| event["event"] == "final" && event["tag"] == tag;
        let process = self.client_of(tag)?;
        let last = process.take("final reply", TIMEOUT, is_final)?;
        let partials = process.take_all(|event| event["event"] == "partial" && event["tag"] == tag);
        let partials: Vec<Value> = partials.into_iter().map(|mut event| event["data"].take()).collect();
        if let Some(expected) = &step.partials {
            let (expected, got) = (value::read(expected)?, Value::Array(partials));
            if !is_same(&expected, &got) {
                return Err(differ("the partial replies are", &got, &expected));
            }
        }
        self.check(&last, step)
    }

    fn check(&mut self, last: &Value, step: &Step) -> Result<(), String> {
        if step.any {
            return Ok(());
        }
        let error = &last["error"];
        let failed = |expected: &str| format!("failed with {}, expected {expected}", brief(&error.to_string()));
        if let Some(expected) = &step.error {
            let expected = value::read(expected)?;
            return if is_same(error, &expected) { Ok(()) } else { Err(failed(&expected.to_string())) };
        }
        if let Some(code) = &step.error_code {
            return if error["code"] == **code { Ok(()) } else { Err(failed(code)) };
        }
        if *error != 0 {
            return Err(failed("a reply"));
        }
        let data = &last["data"];
        if let Some(expected) = &step.ok {
            let expected = value::read(expected)?;
            if !is_same(data, &expected) {
                return Err(differ("the reply is", data, &expected));
            }
        }
        if let Some(expected) = &step.ok_bytes {
            if last["bytes"] != **expected {
                return Err(differ("the reply is", &last["bytes"], &json!(expected)));
            }
        }
        let length = data.as_str().map(str::len).or_else(|| data.as_array().map(Vec::len));
        if step.length.is_some() && step.length != length {
            return Err(format!("the reply is {}, expected a length of {:?}", brief(&data.to_string()), step.length));
        }
        for name in step.by.iter().flatten() {
            if *data == self.stage.process(name)?.id() {
                return Ok(());
            }
        }
        step.by.as_ref().map_or(Ok(()), |by| Err(format!("the reply is {data}, expected the process id of {by:?}")))
    }

    fn send_to_client_of(&mut self, step: &Step, operation: &str) -> Result<(), String> {
        let tag = self.full(tag(step)?);
        self.client_of(&tag)?.send(&json!({"op": operation, "tag": tag}))
    }

    fn flood(&mut self, step: &Step) -> Result<(), String> {
        let tag = self.full(step.tag.as_deref().unwrap_or("flood"));
        if step.action == Action::Flood {
            let client = step.who.clone().unwrap_or_else(|| "client".to_owned());
            let opts = value::read(step.opts.as_deref().unwrap_or("{}"))?;
            let count = given(step.count.as_ref(), "count")?;
            let line = json!({"op": "flood", "tag": tag, "service": "service", "count": count, "opts": opts});
            self.stage.process(&client)?.send(&line)?;
            self.clients.insert(tag.clone(), client);
            if step.tag.is_some() {
                return Ok(());
            }
        }
        // Twice the timeout: a flood has more requests than most scenarios have in all.
        let is_flooded = |event: &Value| event["event"] == "flooded" && event["tag"] == *tag;
        let flooded = self.client_of(&tag)?.take("end of the flood", TIMEOUT * 2, is_flooded)?;
        if flooded["failed"] == 0 {
            Ok(())
        } else {
            Err(format!("not all requests were answered: {flooded}"))
        }
    }

    fn seen(&mut self, step: &Step) -> Result<(), String> {
        let (name, accepts) = (who(step)?.to_owned(), requested(step)?);
        let request = self.stage.process(&name)?.take("request", TIMEOUT, accepts)?;
        self.seen.insert(name, request["request"].clone());
        Ok(())
    }

    fn unseen(&mut self, step: &Step) -> Result<(), String> {
        let name = who(step)?;
        match self.stage.process(name)?.take_all(requested(step)?).first() {
            None => Ok(()),
            Some(request) => Err(format!("{name} has received {request}")),
        }
    }

    fn cancelled(&mut self, step: &Step) -> Result<(), String> {
        let name = who(step)?;
        let request = self.seen.get(name).ok_or("an earlier step must wait for a request at this worker")?.clone();
        let is_cancelled = |event: &Value| event["event"] == "cancelled" && event["request"] == request;
        self.stage.process(name)?.take("cancellation", TIMEOUT, is_cancelled).map(|_| ())
    }

    fn kill(&mut self, step: &Step) -> Result<(), String> {
        let mut process = self.stage.remove(who(step)?)?;
        process.signal(Signal::SIGKILL)?;
        process.wait(TIMEOUT).map(|_| ())
    }

    fn numbers(&mut self) -> Result<Value, String> {
        self.tags += 1;
        let tag = self.full(&format!("numbers{}", self.tags));
        let broker = self.stage.process(BROKER)?;
        broker.send(&json!({"op": "statistics", "tag": tag}))?;
        let mut event = broker.take("statistics", TIMEOUT, |event| event["tag"] == *tag)?;
        Ok(event["statistics"].take())
    }

    /// Polls the broker's statistics until they satisfy a condition.
    fn until(&mut self, satisfy: impl Fn(&Value) -> bool) -> Result<Value, String> {
        let deadline = Instant::now() + TIMEOUT;
        let mut pause = POLL;
        loop {
            let numbers = self.numbers()?;
            if satisfy(&numbers) {
                return Ok(numbers);
            }
            if Instant::now() > deadline {
                return Err(format!("the broker's statistics are {numbers}"));
            }
            std::thread::sleep(pause);
            // Poll less often, so that the bounded log keeps the lines before.
            pause = (pause * 2).min(POLL_MAX);
        }
    }

    fn statistics(&mut self, step: &Step) -> Result<(), String> {
        let read = |text: &Option<String>| value::read(text.as_deref().unwrap_or("{}"));
        let (are, at_least, at_most) = (read(&step.are)?, read(&step.at_least)?, read(&step.at_most)?);
        let all = |bounds: &Value, numbers: &Value, holds: fn(u64, u64) -> bool| {
            let mut members = bounds.as_object().into_iter().flatten();
            members.all(|(name, bound)| numbers[name].as_u64().zip(bound.as_u64()).is_some_and(|(n, b)| holds(n, b)))
        };
        let numbers = self
            .until(|numbers| all(&are, numbers, |n, b| n == b) && all(&at_least, numbers, |n, b| n >= b))
            .map_err(|why| format!("{why}, expected {are} and at least {at_least}"))?;
        if all(&at_most, &numbers, |n, b| n <= b) {
            Ok(())
        } else {
            Err(format!("the broker's statistics are {numbers}, expected at most {at_most}"))
        }
    }

    /// Checks that the broker has no requests left and has seen no protocol errors.
    fn leave_clean(&mut self) -> Result<(), String> {
        if self.scenario.stopped || !self.stage.has_statistics() {
            return Ok(());
        }
        let numbers = self.until(|numbers| numbers["inFlight"] == 0 && numbers["queued"] == 0)?;
        if !self.scenario.hostile && numbers["protocolErrors"] != 0 {
            return Err(format!("the broker counted protocol errors: {numbers}"));
        }
        Ok(())
    }
}

pub(super) fn given<'s, T>(member: Option<&'s T>, name: &str) -> Result<&'s T, String> {
    member.ok_or_else(|| format!("the step needs `{name}`"))
}

pub(super) fn who(step: &Step) -> Result<&str, String> {
    given(step.who.as_ref(), "who").map(String::as_str)
}

fn tag(step: &Step) -> Result<&str, String> {
    given(step.tag.as_ref(), "tag").map(String::as_str)
}

/// Accepts a worker's `request` event with the step's data, or any without data.
fn requested(step: &Step) -> Result<impl Fn(&Value) -> bool, String> {
    let data = step.data.as_deref().map(value::read).transpose()?;
    Ok(move |event: &Value| {
        event["event"] == "request" && data.as_ref().is_none_or(|data| is_same(data, &event["data"]))
    })
}

fn differ(what: &str, got: &Value, expected: &Value) -> String {
    format!("{what} {}, expected {}", brief(&got.to_string()), brief(&expected.to_string()))
}
