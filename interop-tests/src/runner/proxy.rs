//! A TCP proxy between a peer and the broker that injects faults.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// What the proxy does with bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Passes them.
    Pass,
    /// Holds them until the mode changes; connections stay open.
    Stall,
    /// Closes connections, and closes new ones immediately.
    Drop,
    /// Passes them after a delay.
    Delay(Duration),
}

impl Mode {
    /// Parses the name of a mode.
    pub fn parse(name: &str, ms: u64) -> Result<Self, String> {
        match name {
            "pass" => Ok(Self::Pass),
            "stall" => Ok(Self::Stall),
            "drop" => Ok(Self::Drop),
            "delay" => Ok(Self::Delay(Duration::from_millis(ms))),
            _ => Err(format!("invalid proxy mode {name}")),
        }
    }
}

#[derive(Debug)]
struct State {
    mode: Mode,
    /// Both ends of every connection.
    connections: Vec<TcpStream>,
    is_over: bool,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// A running proxy. Dropping it stops the proxy.
#[derive(Debug)]
pub struct Proxy {
    endpoint: String,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Listens on a free port for connections to `target`, a `tcp://` endpoint.
    pub fn start(target: &str) -> Result<Self, String> {
        let target = target.strip_prefix("tcp://").ok_or("the proxy needs a tcp:// endpoint")?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("the proxy: {error}"))?;
        let port = listener.local_addr().map_err(|error| format!("the proxy: {error}"))?.port();
        let state = State { mode: Mode::Pass, connections: Vec::new(), is_over: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || accept(&listener, &target, &accepting));
        Ok(Self { endpoint: format!("tcp://127.0.0.1:{port}"), shared })
    }

    /// The endpoint for peers.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Sets the mode, also for bytes that are held.
    pub fn set(&self, mode: Mode) {
        let mut state = self.shared.lock();
        state.mode = mode;
        if mode == Mode::Drop {
            state.break_connections();
        }
        self.shared.changed.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.is_over = true;
        state.break_connections();
        self.shared.changed.notify_all();
        drop(state);
        // Wakes the accepting thread, which then ends.
        let _ = TcpStream::connect(self.endpoint.trim_start_matches("tcp://"));
    }
}

impl State {
    fn break_connections(&mut self) {
        for connection in self.connections.drain(..) {
            // Fails if the connection is closed already.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    /// Waits until bytes may pass. Returns false if the connection must close.
    fn admit(&self) -> bool {
        let state = self.lock();
        let state = self.changed.wait_while(state, |state| state.mode == Mode::Stall && !state.is_over);
        let state = state.expect("not poisoned");
        let mode = state.mode;
        let is_over = state.is_over;
        drop(state);
        if let Mode::Delay(pause) = mode {
            std::thread::sleep(pause);
        }
        !is_over && mode != Mode::Drop
    }
}

fn accept(listener: &TcpListener, target: &str, shared: &Arc<Shared>) {
    for connection in listener.incoming() {
        let mut state = shared.lock();
        if state.is_over {
            return;
        }
        if state.mode == Mode::Drop {
            continue;
        }
        let Ok(peer) = connection else { continue };
        // Without a broker the peer's connection closes, and the peer reconnects.
        let Ok(broker) = TcpStream::connect(target) else { continue };
        for (from, to) in [(&peer, &broker), (&broker, &peer)] {
            let (Ok(from), Ok(to), Ok(kept)) = (from.try_clone(), to.try_clone(), from.try_clone()) else { continue };
            state.connections.push(kept);
            let shared = Arc::clone(shared);
            std::thread::spawn(move || pass(from, to, &shared));
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, shared: &Shared) {
    let mut bytes = vec![0; 1 << 16];
    loop {
        let count = match from.read(&mut bytes) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => 0,
        };
        if count == 0 || !shared.admit() || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // Also ends the other direction. Fails if the connections are closed already.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
