//! Simulates a worker of the published Ruby package: 1 request at a time, replies of 7 frames
//! without options.

use std::time::{Duration, Instant};

use serde_json::{json, Value};

use crate::{json_of, millis, say, Outcome, Role};

const HEARTBEAT: Duration = Duration::from_millis(500);

pub(crate) struct Worker {
    socket: zmq::Socket,
    is_verbose: bool,
    is_ready: bool,
    requests: u64,
    heartbeat_at: Instant,
}

impl Worker {
    pub(crate) fn new(socket: zmq::Socket, service: &str, is_verbose: bool) -> Outcome<Self> {
        socket.send_multipart(["W", "1", service], 0)?;
        Ok(Self { socket, is_verbose, is_ready: false, requests: 0, heartbeat_at: Instant::now() })
    }

    fn answer(&mut self, frames: &[Vec<u8>]) -> Outcome<()> {
        let (Some(client), Some(id)) = (frames.get(2), frames.get(5)) else { return Ok(()) };
        let data = json_of(frames.get(6));
        self.requests += 1;
        if self.is_verbose {
            say(&json!({"event": "request", "request": self.requests, "data": data}));
        }
        let reply = match data["do"].as_str() {
            None => data,
            Some("echo") => data["value"].clone(),
            Some("pid") => std::process::id().into(),
            Some("opts") => json_of(frames.get(7)),
            Some("text") => "x".repeat(data["length"].as_u64().unwrap_or_default() as usize).into(),
            // A Ruby program has only `recv` and `reply`, and sleeps between them.
            Some("sleep" | "block") => {
                self.stay_alive(millis(&data["ms"]).unwrap_or_default())?;
                data["value"].clone()
            }
            Some("never") => return Ok(()),
            Some(other) => return Err(format!("the Ruby worker cannot {other}").into()),
        };
        let reply = reply.to_string();
        let reply: [&[u8]; 7] = [b"W", b"3", client, b"", id, b"0", reply.as_bytes()];
        self.socket.send_multipart(reply, 0)?;
        Ok(())
    }

    /// Waits as that package does while a handler runs: a second connection sends heartbeats.
    fn stay_alive(&self, time: Duration) -> Outcome<()> {
        let ending = Instant::now() + time;
        let endpoint = self.socket.get_last_endpoint()?.map_err(|_| "the endpoint is no text")?;
        let second = zmq::Context::new().socket(zmq::DEALER)?;
        second.set_linger(0)?;
        second.connect(&endpoint)?;
        let identity = self.socket.get_identity()?;
        loop {
            let frames: [&[u8]; 4] = [b"C", b"4", b"worker", &identity];
            second.send_multipart(frames, 0)?;
            let left = ending.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(HEARTBEAT));
        }
    }
}

impl Role for Worker {
    fn command(&mut self, operation: &str, _line: &Value) -> Outcome<()> {
        Err(format!("no operation is called {operation}").into())
    }

    fn message(&mut self, frames: &[Vec<u8>]) -> Outcome<()> {
        if !std::mem::replace(&mut self.is_ready, true) {
            say(&json!({"event": "ready"}));
        }
        match frames.get(1).map(Vec::as_slice) {
            Some(b"2") => self.answer(frames),
            _ => Ok(()),
        }
    }

    fn due(&mut self) -> Outcome<Option<Instant>> {
        if self.heartbeat_at <= Instant::now() {
            self.socket.send_multipart(["W", "4"], 0)?;
            self.heartbeat_at = Instant::now() + HEARTBEAT;
        }
        Ok(Some(self.heartbeat_at))
    }

    fn stop(&mut self) -> Outcome<()> {
        self.socket.send_multipart(["W", "5"], 0)?;
        Ok(())
    }

    fn socket(&self) -> &zmq::Socket {
        &self.socket
    }
}
