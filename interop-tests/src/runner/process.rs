//! A driver's process, in a new process group. Every wait has a deadline. Dropping [`Process`]
//! kills the group.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{killpg, Signal};
use nix::unistd::Pid;
use serde_json::{json, Value};

use super::value::brief;

/// How long a process may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);

/// The lines exchanged with the processes of a cell. Bounded.
#[derive(Debug, Clone)]
pub struct Log {
    began: Instant,
    lines: Arc<Mutex<Vec<String>>>,
}

/// Maximum number of lines in a log. When it is reached, the older half is dropped.
const MAX_LINES: usize = 2_000;

impl Default for Log {
    fn default() -> Self {
        Self { began: Instant::now(), lines: Arc::default() }
    }
}

impl Log {
    /// Adds a line of the process `who`.
    pub fn add(&self, who: &str, text: &str) {
        let line = format!("{:>9.3} {who:<12} {}", self.began.elapsed().as_secs_f64(), brief(text));
        let mut lines = self.lines.lock().expect("not poisoned");
        if lines.len() >= MAX_LINES {
            lines.drain(..MAX_LINES / 2);
        }
        lines.push(line);
    }

    /// The whole log.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.lock().expect("not poisoned").join("\n")
    }

    /// Removes all lines.
    pub fn clear(&self) {
        self.lines.lock().expect("not poisoned").clear();
    }
}

/// A running driver.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    group: Pid,
    input: Option<ChildStdin>,
    lines: Receiver<Value>,
    events: Vec<Value>,
    log: Log,
}

impl Process {
    /// Starts the process.
    pub fn start(name: &str, mut command: Command, log: &Log) -> Result<Self, String> {
        log.add(name, &format!("starts {command:?}"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let group = Pid::from_raw(child.id().cast_signed());
        let (sender, lines) = channel();
        let output = child.stdout.take().expect("piped");
        let errors = child.stderr.take().expect("piped");
        read_events(name.to_owned(), output, sender, log.clone());
        read_errors(name.to_owned(), errors, log.clone());
        let input = child.stdin.take();
        Ok(Self { name: name.to_owned(), child, group, input, lines, events: Vec::new(), log: log.clone() })
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a line.
    pub fn send(&mut self, line: &Value) -> Result<(), String> {
        let text = line.to_string();
        self.log.add(&self.name, &format!("<- {text}"));
        let input = self.input.as_mut().ok_or_else(|| format!("{} is stopped", self.name))?;
        writeln!(input, "{text}").map_err(|error| format!("{} does not read its input: {error}", self.name))
    }

    /// Removes and returns the first accepted event, past or future.
    pub fn take(
        &mut self,
        what: &str,
        timeout: Duration,
        mut accepts: impl FnMut(&Value) -> bool,
    ) -> Result<Value, String> {
        let deadline = Instant::now() + timeout;
        let mut position = 0;
        loop {
            while position < self.events.len() {
                if accepts(&self.events[position]) {
                    return Ok(self.events.remove(position));
                }
                position += 1;
            }
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) => self.events.push(event),
                Err(RecvTimeoutError::Timeout) => return Err(format!("{}: no {what} within {timeout:?}", self.name)),
                Err(RecvTimeoutError::Disconnected) => return Err(format!("{} ended: no {what}", self.name)),
            }
        }
    }

    /// Removes and returns all accepted events so far.
    pub fn take_all(&mut self, mut accepts: impl FnMut(&Value) -> bool) -> Vec<Value> {
        self.events.extend(self.lines.try_iter());
        let (taken, kept) = std::mem::take(&mut self.events).into_iter().partition(|event| accepts(event));
        self.events = kept;
        taken
    }

    /// Drops all events so far.
    pub fn forget(&mut self) {
        self.events.clear();
        while self.lines.try_recv().is_ok() {}
    }

    /// Stops the process and waits until it has ended.
    pub fn stop(&mut self) -> Result<(), String> {
        self.begin_stop();
        self.end_stop()
    }

    /// Sends `stop`. Does not fail if the process has ended; [`Process::end_stop`] reports its
    /// status.
    pub fn begin_stop(&mut self) {
        if let Err(why) = self.send(&json!({"op": "stop"})) {
            self.log.add("runner", &why);
        }
        self.input = None;
    }

    /// Waits until the process has stopped.
    pub fn end_stop(&mut self) -> Result<(), String> {
        let status = self.wait(STOP_TIMEOUT)?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("{} ended with {status}", self.name))
        }
    }

    /// Waits until the process has ended, which closes its output.
    pub fn wait(&mut self, timeout: Duration) -> Result<std::process::ExitStatus, String> {
        let deadline = Instant::now() + timeout;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) => self.events.push(event),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => return Err(format!("{} did not end within {timeout:?}", self.name)),
            }
        }
        self.child.wait().map_err(|error| format!("{}: {error}", self.name))
    }

    /// Sends a signal to the process group.
    pub fn signal(&self, signal: Signal) -> Result<(), String> {
        self.log.add(&self.name, &format!("<- {signal}"));
        killpg(self.group, signal).map_err(|error| format!("{}: {error}", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only if the group has no processes. The child is not reaped yet, so its id is not
        // reused.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = killpg(self.group, Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

fn read_events(name: String, output: impl Read + Send + 'static, sender: Sender<Value>, log: Log) {
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            log.add(&name, &format!("-> {line}"));
            let event = serde_json::from_str(&line).unwrap_or_else(|_| json!({"event": "not json", "text": line}));
            if sender.send(event).is_err() {
                break;
            }
        }
    });
}

fn read_errors(name: String, errors: impl Read + Send + 'static, log: Log) {
    std::thread::spawn(move || {
        for line in BufReader::new(errors).lines().map_while(Result::ok) {
            log.add(&name, &format!("!! {line}"));
        }
    });
}
