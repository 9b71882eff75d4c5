//! Simulates clients and workers of the published Ruby and Go packages with the frames of
//! `../../golden/*-ruby.json` and `*-go.json`. Its commands and events are those of
//! `../PROTOCOL.md`.
//!
//! ```text
//! raw-driver ruby|go client --endpoint E
//! raw-driver ruby    worker --endpoint E --service S [--verbose]
//! ```

mod client;
mod worker;

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use serde_json::{json, Value};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// Endpoint on which the thread that reads standard input forwards lines.
const LINES: &str = "inproc://lines";

/// The package to simulate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Ruby,
    Go,
}

impl Form {
    /// An identity in the form of this package.
    pub(crate) fn identity(self) -> String {
        let id = uuid();
        match self {
            Self::Ruby => id,
            Self::Go => id.replace('-', "")[..12].to_owned(),
        }
    }
}

/// A connected client or worker.
pub(crate) trait Role {
    /// Handles a command other than `stop`.
    fn command(&mut self, operation: &str, line: &Value) -> Outcome<()>;

    /// Handles a message.
    fn message(&mut self, frames: &[Vec<u8>]) -> Outcome<()>;

    /// Performs due work and returns the time of the next.
    fn due(&mut self) -> Outcome<Option<Instant>>;

    /// Sends the disconnect message, if this package does.
    fn stop(&mut self) -> Outcome<()>;

    fn socket(&self) -> &zmq::Socket;
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        let position = arguments.iter().position(|argument| argument == name);
        position.and_then(|position| arguments.get(position + 1)).ok_or(format!("{name} is missing"))
    };
    let form = match arguments.first().map(String::as_str) {
        Some("ruby") => Form::Ruby,
        Some("go") => Form::Go,
        _ => return Err("ruby or go?".into()),
    };
    let context = zmq::Context::new();
    let socket = context.socket(zmq::DEALER)?;
    socket.set_linger(500)?;
    socket.set_identity(form.identity().as_bytes())?;
    socket.connect(option("--endpoint")?)?;
    let is_verbose = arguments.iter().any(|argument| argument == "--verbose");
    let mut role: Box<dyn Role> = match (arguments.get(1).map(String::as_str), form) {
        (Some("client"), _) => Box::new(client::Client::new(socket, form)?),
        (Some("worker"), Form::Ruby) => Box::new(worker::Worker::new(socket, option("--service")?, is_verbose)?),
        _ => return Err("client, or a Ruby worker?".into()),
    };
    let lines = context.socket(zmq::PAIR)?;
    lines.bind(LINES)?;
    let reader = context.socket(zmq::PAIR)?;
    reader.connect(LINES)?;
    std::thread::spawn(move || hand_over_lines(&reader));
    run(role.as_mut(), &lines)?;
    role.stop()?;
    say(&json!({"event": "stopped"}));
    Ok(())
}

fn hand_over_lines(reader: &zmq::Socket) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        // Fails when the program ends.
        if reader.send(&line, 0).is_err() {
            return;
        }
    }
    let _ = reader.send("{\"op\":\"stop\"}", 0);
}

fn run(role: &mut dyn Role, lines: &zmq::Socket) -> Outcome<()> {
    loop {
        let next = role.due()?;
        let left = next.map(|next| next.saturating_duration_since(Instant::now()));
        let wait = left.map_or(-1, |left| left.as_millis() as i64 + 1);
        let mut items = [role.socket().as_poll_item(zmq::POLLIN), lines.as_poll_item(zmq::POLLIN)];
        zmq::poll(&mut items, wait)?;
        let (has_message, has_line) = (items[0].is_readable(), items[1].is_readable());
        if has_line {
            let line: Value = serde_json::from_slice(&lines.recv_bytes(0)?)?;
            match line["op"].as_str().unwrap_or_default() {
                "stop" => return Ok(()),
                operation => role.command(operation, &line)?,
            }
        }
        if has_message {
            let frames = role.socket().recv_multipart(0)?;
            role.message(&frames)?;
        }
    }
}

/// Prints a line.
pub(crate) fn say(event: &Value) {
    let mut output = std::io::stdout().lock();
    // The reader has closed the pipe; the end of the input follows.
    let _ = writeln!(output, "{event}").and_then(|()| output.flush());
}

pub(crate) fn json_of(frame: Option<&Vec<u8>>) -> Value {
    frame.and_then(|frame| serde_json::from_slice(frame).ok()).unwrap_or_default()
}

pub(crate) fn millis(value: &Value) -> Option<Duration> {
    value.as_u64().map(Duration::from_millis)
}

/// Random enough to be unique.
pub(crate) fn uuid() -> String {
    use std::hash::{BuildHasher, RandomState};
    let (high, low) = (RandomState::new().hash_one(0), RandomState::new().hash_one(1));
    let digits = format!("{high:016x}{low:016x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}
