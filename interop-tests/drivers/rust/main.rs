//! The driver for the Rust crate: a broker, worker or client that tests control with lines of JSON;
//! see `../PROTOCOL.md`.

mod broker;
mod client;
mod worker;

use std::error::Error;
use std::io::{BufRead, Write};

use pigato::PeerEvent;
use serde_json::{json, Map, Value};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// The command line.
pub(crate) struct Settings {
    pub(crate) endpoint: String,
    pub(crate) service: String,
    pub(crate) conf: Map<String, Value>,
    pub(crate) is_verbose: bool,
}

/// A started broker, worker or client.
pub(crate) trait Role {
    /// Handles a command other than `stop`.
    fn command(&self, operation: &str, line: &Value) -> Outcome<()>;

    /// Stops it and waits until it has stopped.
    fn stop(&self);
}

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let settings = read_settings(arguments)?;
    let role: Box<dyn Role> = match name.as_str() {
        "broker" => Box::new(broker::start(settings)?),
        "worker" => Box::new(worker::start(settings)?),
        "client" => Box::new(client::start(settings)?),
        _ => return Err("broker, worker or client?".into()),
    };
    for line in std::io::stdin().lock().lines() {
        let line: Value = serde_json::from_str(&line?)?;
        let operation = line["op"].as_str().unwrap_or_default();
        if operation == "stop" {
            break;
        }
        if let Err(error) = role.command(operation, &line) {
            say(json!({"event": "error", "error": error.to_string()}));
        }
    }
    role.stop();
    say(json!({"event": "stopped"}));
    Ok(())
}

fn read_settings(mut arguments: impl Iterator<Item = String>) -> Outcome<Settings> {
    let (mut endpoint, mut service, mut conf, mut is_verbose) = (String::new(), String::new(), Map::new(), false);
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
        match name.as_str() {
            "--endpoint" => endpoint = value()?,
            "--service" => service = value()?,
            "--conf" => conf = serde_json::from_str(&value()?)?,
            "--verbose" => is_verbose = true,
            _ => return Err(format!("there is no {name}").into()),
        }
    }
    Ok(Settings { endpoint, service, conf, is_verbose })
}

/// Prints a line.
#[allow(clippy::needless_pass_by_value)] // Callers build the value for this call.
pub(crate) fn say(event: Value) {
    let mut output = std::io::stdout().lock();
    // The reader has closed the pipe; the end of the input follows.
    let _ = writeln!(output, "{event}").and_then(|()| output.flush());
}

/// Prints connection events: `ready` the first time, `connect` and `disconnect` each time.
pub(crate) fn teller() -> impl FnMut(PeerEvent) + Send + 'static {
    let mut is_ready = false;
    move |event| match event {
        PeerEvent::Connected => {
            say(json!({"event": "connect"}));
            if !std::mem::replace(&mut is_ready, true) {
                say(json!({"event": "ready"}));
            }
        }
        PeerEvent::Disconnected => say(json!({"event": "disconnect"})),
        _ => {}
    }
}

pub(crate) fn to_hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn from_hexadecimal(digits: &str) -> Outcome<Vec<u8>> {
    let pairs = (0..digits.len()).step_by(2);
    let pairs = pairs.map(|at| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()));
    pairs.collect::<Option<_>>().ok_or_else(|| "not hexadecimal".into())
}
