//! Simulates a client of the published Ruby or Go package: no hello, no heartbeats, empty options,
//! local timeouts.

use std::time::Instant;

use serde_json::{json, Value};

use crate::{json_of, millis, say, uuid, Form, Outcome, Role};

/// The default timeout of both packages' requests.
const TIMEOUT_MS: u64 = 60_000;

pub(crate) struct Client {
    socket: zmq::Socket,
    form: Form,
    pending: Vec<Pending>,
}

struct Pending {
    id: String,
    tag: Value,
    deadline: Option<Instant>,
}

impl Client {
    pub(crate) fn new(socket: zmq::Socket, form: Form) -> Outcome<Self> {
        say(&json!({"event": "ready"}));
        Ok(Self { socket, form, pending: Vec::new() })
    }

    fn request(&mut self, line: &Value) -> Outcome<()> {
        let id = uuid();
        let service = line["service"].as_str().ok_or("a request needs a service")?;
        let data = line["data"].to_string();
        let options = if self.form == Form::Ruby { "{}" } else { "" };
        self.socket.send_multipart(["C", "2", service, &id, &data, options], 0)?;
        let timeout = line["opts"].get("timeout").map_or(millis(&json!(TIMEOUT_MS)), millis);
        self.pending.push(Pending {
            id,
            tag: line["tag"].clone(),
            deadline: timeout.map(|after| Instant::now() + after),
        });
        Ok(())
    }
}

impl Role for Client {
    fn command(&mut self, operation: &str, line: &Value) -> Outcome<()> {
        match operation {
            "request" => self.request(line),
            _ => Err(format!("no operation is called {operation}").into()),
        }
    }

    fn message(&mut self, frames: &[Vec<u8>]) -> Outcome<()> {
        let (Some(kind), Some(id)) = (frames.get(1), frames.get(3)) else { return Ok(()) };
        // The Go package panics if a message has fewer frames than it expects.
        if self.form == Form::Go && frames.len() < 6 {
            return Err(format!("a reply of {} frames", frames.len()).into());
        }
        let Some(position) = self.pending.iter().position(|pending| pending.id.as_bytes() == id) else { return Ok(()) };
        let status = frames.get(4).map_or(0, |status| i32::from(status == b"-1"));
        let data = json_of(frames.get(5));
        let tag = self.pending[position].tag.clone();
        let event = if kind == b"6" { "partial" } else { "final" };
        let error = if status == 0 { json!(0) } else { data.clone() };
        say(&json!({"event": event, "tag": tag, "error": error, "data": data}));
        if event == "final" {
            self.pending.swap_remove(position);
        }
        Ok(())
    }

    fn due(&mut self) -> Outcome<Option<Instant>> {
        let now = Instant::now();
        self.pending.retain(|pending| {
            let is_late = pending.deadline.is_some_and(|deadline| deadline <= now);
            if is_late {
                say(&json!({"event": "final", "tag": pending.tag, "error": "C_TIMEOUT"}));
            }
            !is_late
        });
        Ok(self.pending.iter().filter_map(|pending| pending.deadline).min())
    }

    fn stop(&mut self) -> Outcome<()> {
        Ok(())
    }

    fn socket(&self) -> &zmq::Socket {
        &self.socket
    }
}
