//! Does what a scenario's steps say, one after the other, with the processes of a stage.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{json, Value};

use super::process::Process;
use super::proxy::Mode;
use super::scenario::{Action, Scenario, Step};
use super::stage::{Stage, BROKER};
use super::value::{self, brief, is_same};

/// How long anything that has to happen may take before the cell fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long between two looks at numbers that no event tells of.
const LOOK: Duration = Duration::from_millis(10);

/// The same, when they take long.
const LOOK_LONG: Duration = Duration::from_millis(300);

/// One scenario under way.
pub struct Steps<'a, 'b> {
    pub(super) stage: &'a mut Stage<'b>,
    scenario: &'a Scenario,
    /// Tags are told apart from those of other scenarios with the same processes.
    prefix: String,
    tags: u64,
    /// Which client made the request with a tag.
    clients: HashMap<String, String>,
    /// The number of the request that a worker saw last.
    seen: HashMap<String, Value>,
}

impl<'a, 'b> Steps<'a, 'b> {
    /// `number` tells scenarios with the same processes apart.
    pub fn new(stage: &'a mut Stage<'b>, scenario: &'a Scenario, number: usize) -> Self {
        let prefix = format!("{number}-");
        Self { stage, scenario, prefix, tags: 0, clients: HashMap::new(), seen: HashMap::new() }
    }

    /// Does all of them; says which step failed and why.
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
                let deadline = Instant::now() + PATIENCE;
                loop {
                    let tag = self.ask(step, None)?;
                    let result = self.await_outcome(&tag, step);
                    if result.is_ok() || !step.again || Instant::now() > deadline {
                        return result;
                    }
                }
            }
            Action::Request => self.ask(step, Some(tag(step)?)).map(|_| ()),
            Action::Wait => self.await_outcome(&self.full(tag(step)?), step),
            Action::Partial => {
                let tag = self.full(tag(step)?);
                let is_partial = |event: &Value| event["event"] == "partial" && event["tag"] == *tag;
                self.asker(&tag)?.take("partial reply", PATIENCE, is_partial).map(|_| ())
            }
            Action::Cancel => self.tell_asker(step, "cancel"),
            Action::Read => self.tell_asker(step, "read"),
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
                self.stage.process(who(step)?)?.take(name, PATIENCE, |event| event["event"] == *name).map(|_| ())
            }
            Action::Statistics => self.statistics(step),
            Action::Start => self.stage.start(self.scenario, who(step)?),
            Action::Stop => self.stage.remove(who(step)?)?.stop(),
            Action::Kill => self.kill(step),
            Action::Ended => self.stage.remove(who(step)?)?.wait(PATIENCE).map(|_| ()),
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

    /// The client that made a request.
    fn asker(&mut self, tag: &str) -> Result<&mut Process, String> {
        let client = self.clients.get(tag).ok_or_else(|| format!("no request has the tag {tag}"))?;
        self.stage.process(client)
    }

    /// Makes a request; its full tag.
    fn ask(&mut self, step: &Step, tag: Option<&str>) -> Result<String, String> {
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

    /// Puts a worker's identity in the place of `$id:PREFIX`: the one that the directory has with that prefix.
    fn with_identity(&mut self, client: &str, opts: &str) -> Result<String, String> {
        let Some((before, rest)) = opts.split_once("$id:") else { return Ok(opts.to_owned()) };
        let (prefix, after) = rest.split_once('"').ok_or("$id:PREFIX stands in quotes")?;
        let line = json!({"op": "request", "tag": "directory", "service": "$dir", "data": "service"});
        let process = self.stage.process(client)?;
        process.send(&line)?;
        let reply = process.take("directory", PATIENCE, |e| e["event"] == "final" && e["tag"] == "directory")?;
        let ids = reply["data"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let id = ids.into_iter().find(|id| id.starts_with(prefix)).ok_or_else(|| format!("no {prefix}… in {reply}"))?;
        Ok(format!("{before}{id}\"{after}"))
    }

    fn await_outcome(&mut self, tag: &str, step: &Step) -> Result<(), String> {
        let is_final = |event: &Value| event["event"] == "final" && event["tag"] == tag;
        let process = self.asker(tag)?;
        let last = process.take("final reply", PATIENCE, is_final)?;
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
        let failed = |expected: &str| format!("failed with {}, not {expected}", brief(&error.to_string()));
        if let Some(expected) = &step.error {
            let expected = value::read(expected)?;
            return if is_same(error, &expected) { Ok(()) } else { Err(failed(&expected.to_string())) };
        }
        if let Some(code) = &step.error_code {
            return if error["code"] == **code { Ok(()) } else { Err(failed(code)) };
        }
        if *error != 0 {
            return Err(failed("answered"));
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
            return Err(format!("the reply is {} and not {:?} long", brief(&data.to_string()), step.length));
        }
        for name in step.by.iter().flatten() {
            if *data == self.stage.process(name)?.id() {
                return Ok(());
            }
        }
        step.by.as_ref().map_or(Ok(()), |by| Err(format!("the reply is {data}, not the process of {by:?}")))
    }

    fn tell_asker(&mut self, step: &Step, operation: &str) -> Result<(), String> {
        let tag = self.full(tag(step)?);
        self.asker(&tag)?.send(&json!({"op": operation, "tag": tag}))
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
        // It is as many requests as many a scenario has together.
        let is_flooded = |event: &Value| event["event"] == "flooded" && event["tag"] == *tag;
        let flooded = self.asker(&tag)?.take("end of the flood", PATIENCE * 2, is_flooded)?;
        if flooded["failed"] == 0 {
            Ok(())
        } else {
            Err(format!("not all were answered: {flooded}"))
        }
    }

    fn seen(&mut self, step: &Step) -> Result<(), String> {
        let (name, accepts) = (who(step)?.to_owned(), requested(step)?);
        let request = self.stage.process(&name)?.take("request", PATIENCE, accepts)?;
        self.seen.insert(name, request["request"].clone());
        Ok(())
    }

    fn unseen(&mut self, step: &Step) -> Result<(), String> {
        let name = who(step)?;
        match self.stage.process(name)?.take_all(requested(step)?).first() {
            None => Ok(()),
            Some(request) => Err(format!("{name} has got {request}")),
        }
    }

    fn cancelled(&mut self, step: &Step) -> Result<(), String> {
        let name = who(step)?;
        let request = self.seen.get(name).ok_or("no step waits for a request of this worker's")?.clone();
        let is_cancelled = |event: &Value| event["event"] == "cancelled" && event["request"] == request;
        self.stage.process(name)?.take("cancellation", PATIENCE, is_cancelled).map(|_| ())
    }

    fn kill(&mut self, step: &Step) -> Result<(), String> {
        let mut process = self.stage.remove(who(step)?)?;
        process.signal(Signal::SIGKILL)?;
        process.wait(PATIENCE).map(|_| ())
    }

    fn numbers(&mut self) -> Result<Value, String> {
        self.tags += 1;
        let tag = self.full(&format!("numbers{}", self.tags));
        let broker = self.stage.process(BROKER)?;
        broker.send(&json!({"op": "statistics", "tag": tag}))?;
        let mut event = broker.take("statistics", PATIENCE, |event| event["tag"] == *tag)?;
        Ok(event["statistics"].take())
    }

    /// Looks at the broker's numbers until they satisfy.
    fn until(&mut self, satisfy: impl Fn(&Value) -> bool) -> Result<Value, String> {
        let deadline = Instant::now() + PATIENCE;
        let mut pause = LOOK;
        loop {
            let numbers = self.numbers()?;
            if satisfy(&numbers) {
                return Ok(numbers);
            }
            if Instant::now() > deadline {
                return Err(format!("the broker's numbers are {numbers}"));
            }
            std::thread::sleep(pause);
            // The log is to keep what came before.
            pause = (pause * 2).min(LOOK_LONG);
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
            .map_err(|why| format!("{why}, not {are}, at least {at_least}"))?;
        if all(&at_most, &numbers, |n, b| n <= b) {
            Ok(())
        } else {
            Err(format!("the broker's numbers are {numbers}, more than {at_most}"))
        }
    }

    /// A broker is to have nothing left, and nobody is to have broken the protocol.
    fn leave_clean(&mut self) -> Result<(), String> {
        if self.scenario.stopped || !self.stage.has_statistics() {
            return Ok(());
        }
        let numbers = self.until(|numbers| numbers["inFlight"] == 0 && numbers["queued"] == 0)?;
        if !self.scenario.hostile && numbers["protocolErrors"] != 0 {
            return Err(format!("somebody broke the protocol: {numbers}"));
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

/// Accepts a worker's request with the step's data, or any.
fn requested(step: &Step) -> Result<impl Fn(&Value) -> bool, String> {
    let data = step.data.as_deref().map(value::read).transpose()?;
    Ok(move |event: &Value| {
        event["event"] == "request" && data.as_ref().is_none_or(|data| is_same(data, &event["data"]))
    })
}

fn differ(what: &str, got: &Value, expected: &Value) -> String {
    format!("{what} {}, not {}", brief(&got.to_string()), brief(&expected.to_string()))
}
