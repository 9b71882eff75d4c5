//! A driver's process, in a process group of its own. Every wait has a deadline, and the group ends with its [`Process`].

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

/// How long a process that was told to stop may take.
const STOP: Duration = Duration::from_secs(15);

/// What the processes of a cell said and were told, bounded.
#[derive(Debug, Clone)]
pub struct Log {
    began: Instant,
    lines: Arc<Mutex<Vec<String>>>,
}

/// Lines of a log, beyond which the older half is dropped.
const MOST_LINES: usize = 2_000;

impl Default for Log {
    fn default() -> Self {
        Self { began: Instant::now(), lines: Arc::default() }
    }
}

impl Log {
    /// Adds a line of somebody's.
    pub fn add(&self, who: &str, text: &str) {
        let line = format!("{:>9.3} {who:<12} {}", self.began.elapsed().as_secs_f64(), brief(text));
        let mut lines = self.lines.lock().expect("no thread panics with it");
        if lines.len() >= MOST_LINES {
            lines.drain(..MOST_LINES / 2);
        }
        lines.push(line);
    }

    /// All of it.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.lock().expect("no thread panics with it").join("\n")
    }

    /// Begins anew.
    pub fn clear(&self) {
        self.lines.lock().expect("no thread panics with it").clear();
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
    /// Starts it.
    pub fn start(name: &str, mut command: Command, log: &Log) -> Result<Self, String> {
        log.add(name, &format!("starts {command:?}"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let group = Pid::from_raw(child.id().cast_signed());
        let (sender, lines) = channel();
        let output = child.stdout.take().expect("a pipe was asked for");
        let errors = child.stderr.take().expect("a pipe was asked for");
        read_events(name.to_owned(), output, sender, log.clone());
        read_errors(name.to_owned(), errors, log.clone());
        let input = child.stdin.take();
        Ok(Self { name: name.to_owned(), child, group, input, lines, events: Vec::new(), log: log.clone() })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a line.
    pub fn send(&mut self, line: &Value) -> Result<(), String> {
        let text = line.to_string();
        self.log.add(&self.name, &format!("<- {text}"));
        let input = self.input.as_mut().ok_or_else(|| format!("{} is stopped", self.name))?;
        writeln!(input, "{text}").map_err(|error| format!("{} does not listen: {error}", self.name))
    }

    /// Takes the first event that is accepted out of those that have come and will come.
    pub fn take(
        &mut self,
        what: &str,
        patience: Duration,
        mut accepts: impl FnMut(&Value) -> bool,
    ) -> Result<Value, String> {
        let deadline = Instant::now() + patience;
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
                Err(RecvTimeoutError::Timeout) => return Err(format!("{}: no {what} within {patience:?}", self.name)),
                Err(RecvTimeoutError::Disconnected) => return Err(format!("{} ended: no {what}", self.name)),
            }
        }
    }

    /// Takes all events that have come and are accepted.
    pub fn take_all(&mut self, mut accepts: impl FnMut(&Value) -> bool) -> Vec<Value> {
        self.events.extend(self.lines.try_iter());
        let (taken, kept) = std::mem::take(&mut self.events).into_iter().partition(|event| accepts(event));
        self.events = kept;
        taken
    }

    /// Forgets what has come so far.
    pub fn forget(&mut self) {
        self.events.clear();
        while self.lines.try_recv().is_ok() {}
    }

    /// Tells it to stop and waits until it has.
    pub fn stop(&mut self) -> Result<(), String> {
        self.begin_stop();
        self.end_stop()
    }

    /// Tells it to stop. One that has ended does not listen; how it has, [`Process::end_stop`] tells.
    pub fn begin_stop(&mut self) {
        if let Err(why) = self.send(&json!({"op": "stop"})) {
            self.log.add("runner", &why);
        }
        self.input = None;
    }

    /// Waits until it has stopped.
    pub fn end_stop(&mut self) -> Result<(), String> {
        let status = self.wait(STOP)?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("{} ended with {status}", self.name))
        }
    }

    /// Waits until it has ended. Its output ends with it, which is what is waited for.
    pub fn wait(&mut self, patience: Duration) -> Result<std::process::ExitStatus, String> {
        let deadline = Instant::now() + patience;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) => self.events.push(event),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("{} does not end within {patience:?}", self.name))
                }
            }
        }
        self.child.wait().map_err(|error| format!("{}: {error}", self.name))
    }

    /// Sends its process group a signal.
    pub fn signal(&self, signal: Signal) -> Result<(), String> {
        self.log.add(&self.name, &format!("<- {signal}"));
        killpg(self.group, signal).map_err(|error| format!("{}: {error}", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only if all of the group have ended. The child has not been waited for, so its number is not another's.
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
