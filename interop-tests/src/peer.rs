//! Peers in separate processes, controlled with lines of JSON; see `drivers/published/README.md`.
//!
//! Every wait has a deadline. Dropping [`Peer`] kills its process.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{channel, Receiver};
use std::time::{Duration, Instant};

use serde_json::{json, Value};

/// How long a wait may take before the test fails.
pub const TIMEOUT: Duration = Duration::from_secs(120);

/// A running peer.
#[derive(Debug)]
pub struct Peer {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Value>,
    events: Vec<Value>,
}

/// The options of a peer that is not started yet.
#[derive(Debug)]
pub struct PeerBuilder {
    name: String,
    command: Command,
}

impl PeerBuilder {
    /// Adds `--name value`.
    #[must_use]
    pub fn option(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.command.arg(format!("--{name}")).arg(value.as_ref());
        self
    }

    /// Adds `--name`.
    #[must_use]
    pub fn flag(mut self, name: &str) -> Self {
        self.command.arg(format!("--{name}"));
        self
    }

    /// Sets the published package's configuration.
    #[must_use]
    pub fn conf(self, conf: &Value) -> Self {
        self.option("conf", conf.to_string())
    }

    /// Starts the process.
    #[must_use]
    pub fn start(mut self) -> Peer {
        let started = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = started.unwrap_or_else(|error| panic!("{:?}: {error}", self.command));
        let output = child.stdout.take().expect("piped");
        let input = child.stdin.take();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or_else(|_| json!({"not json": line}));
                if sender.send(event).is_err() {
                    break;
                }
            }
        });
        Peer { name: self.name, child, input, lines, events: Vec::new() }
    }
}

impl Peer {
    /// The published package in this role: `broker`, `worker`, `client` or `directory`.
    #[must_use]
    pub fn published(role: &str, endpoint: &str) -> PeerBuilder {
        let program = published_program();
        let mut command = Command::new("node");
        command.arg(program).arg(role).args(["--endpoint", endpoint, "--max-seconds", "600"]);
        PeerBuilder { name: format!("published {role}"), command }
    }

    /// Starts the published worker for a service and waits until it is ready.
    #[must_use]
    pub fn published_worker(endpoint: &str, service: &str) -> Self {
        Self::published("worker", endpoint).option("service", service).start().ready()
    }

    /// Starts the published client and waits until it is ready.
    #[must_use]
    pub fn published_client(endpoint: &str) -> Self {
        Self::published("client", endpoint).start().ready()
    }

    /// Starts the published broker on free ports and waits until it is ready.
    #[must_use]
    pub fn published_broker() -> Self {
        Self::published("broker", "tcp://127.0.0.1:*").option("intch", "tcp://127.0.0.1:*").start().ready()
    }

    /// Waits until the peer is ready.
    #[must_use]
    pub fn ready(mut self) -> Self {
        self.wait_for("ready", |event| event["event"] == "ready");
        self
    }

    /// A member of the `ready` event: `endpoint`, `intch` or `id`.
    #[must_use]
    pub fn fact(&self, member: &str) -> String {
        let ready = self.events.iter().find(|event| event["event"] == "ready");
        ready.and_then(|event| event[member].as_str()).expect("a member of the `ready` event").to_owned()
    }

    /// Sends a line.
    pub fn send(&mut self, line: &Value) {
        let input = self.input.as_mut().expect("not stopped");
        writeln!(input, "{line}").unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }

    /// The first accepted event, past or future.
    pub fn wait_for(&mut self, what: &str, mut accepts: impl FnMut(&Value) -> bool) -> Value {
        self.wait_from(0, what, &mut accepts)
    }

    /// The first accepted future event.
    pub fn wait_for_next(&mut self, what: &str, mut accepts: impl FnMut(&Value) -> bool) -> Value {
        self.wait_from(self.events.len(), what, &mut accepts)
    }

    fn wait_from(&mut self, mut position: usize, what: &str, accepts: &mut dyn FnMut(&Value) -> bool) -> Value {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            while let Some(event) = self.events.get(position) {
                if accepts(event) {
                    return event.clone();
                }
                position += 1;
            }
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) => self.events.push(event),
                Err(_) => panic!("{}: no {what}; the last events were {:?}", self.name, self.last_events()),
            }
        }
    }

    fn last_events(&self) -> &[Value] {
        &self.events[self.events.len().saturating_sub(10)..]
    }

    /// The events so far.
    pub fn events(&mut self) -> &[Value] {
        self.events.extend(self.lines.try_iter());
        &self.events
    }

    /// Sends a request as a client; [`Peer::outcome`] returns its outcome.
    pub fn request(&mut self, tag: &str, service: &str, data: &Value, opts: &Value) {
        self.send(&json!({"op": "request", "tag": tag, "service": service, "data": data, "opts": opts}));
    }

    /// The final reply to a client's request: its data, or the error value.
    pub fn outcome(&mut self, tag: &str) -> Result<Value, Value> {
        let event = self.wait_for("final reply", |event| event["event"] == "final" && event["tag"] == tag);
        // The package passes the status to the callback: success is 0, not null.
        if event["error"] == 0 {
            Ok(event["data"].clone())
        } else {
            Err(event["error"].clone())
        }
    }

    /// The partial replies to a client's request so far.
    pub fn partials(&mut self, tag: &str) -> Vec<Value> {
        let events = self.events().iter();
        events.filter(|event| event["event"] == "partial" && event["tag"] == tag).map(|e| e["data"].clone()).collect()
    }

    /// Sends a request as a client and returns its outcome.
    pub fn call(&mut self, service: &str, data: &Value) -> Result<Value, Value> {
        let tag = format!("call-{}", self.events.len());
        self.request(&tag, service, data, &json!({}));
        self.outcome(&tag)
    }

    /// Stops the peer and waits until its process has ended.
    pub fn stop(mut self) {
        self.send(&json!({"op": "stop"}));
        self.input = None;
        let deadline = Instant::now() + TIMEOUT;
        loop {
            match self.child.try_wait().expect("a child process") {
                Some(status) => return assert!(status.success(), "{} ended with {status}", self.name),
                None => assert!(Instant::now() < deadline, "{} did not stop", self.name),
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Kills the process without a disconnect message, like `kill -9`.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // Both fail only if the process has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.end();
    }
}

fn published_program() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/published");
    assert!(
        folder.join("node_modules").is_dir(),
        "the published package is not installed; run `make interop`, or `npm ci --no-audit --no-fund` in {}",
        folder.display()
    );
    folder.join("peer.js")
}
