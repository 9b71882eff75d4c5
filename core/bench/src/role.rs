//! A role's process: starts it, reads its output, ends it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{channel, Receiver};
use std::time::Duration;

use crate::contender::Command;

/// Longer than any run takes; a process that prints nothing for this time hangs.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(120);

/// Linux counts CPU time in hundredths of a second.
const MICROSECONDS_PER_TICK: f64 = 10_000.0;

/// A process that is killed when this is dropped.
pub(crate) struct Role {
    child: Child,
    lines: Receiver<String>,
    name: String,
}

impl Role {
    pub(crate) fn start(command: &Command, arguments: &[String]) -> Result<Self, String> {
        let name = command.words.join(" ");
        let mut child = std::process::Command::new(&command.words[0])
            .args(&command.words[1..])
            .args(arguments)
            .envs(command.variables.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            // Some roles end when their input is closed.
            .stdin(Stdio::piped())
            .spawn()
            .map_err(|error| format!("could not start {name}: {error}"))?;
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, lines, name })
    }

    /// The process's id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it prints.
    pub(crate) fn line(&self) -> Result<String, String> {
        self.lines.recv_timeout(OUTPUT_TIMEOUT).map_err(|_| format!("{} has ended or hangs", self.name))
    }

    /// Processor time of all threads so far, including ended ones, in microseconds.
    pub(crate) fn cpu_microseconds(&self) -> Result<f64, String> {
        let place = format!("/proc/{}", self.child.id());
        let problem = |error: std::io::Error| format!("{place}: {error}");
        let stat = std::fs::read_to_string(format!("{place}/stat")).map_err(problem)?;
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
        let tasks = std::fs::read_dir(format!("{place}/task")).map_err(problem)?;
        let exact = tasks.flatten().filter_map(|task| {
            let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<f64>().ok()
        });
        Ok((exact.sum::<f64>() / 1e3).max((ticks(11) + ticks(12)) * MICROSECONDS_PER_TICK))
    }

    /// Peak resident memory in bytes.
    pub(crate) fn most_memory_bytes(&self) -> Result<f64, String> {
        self.status_bytes("VmHWM:")
    }

    /// Current resident memory in bytes.
    pub(crate) fn memory_bytes(&self) -> Result<f64, String> {
        self.status_bytes("VmRSS:")
    }

    fn status_bytes(&self, name: &str) -> Result<f64, String> {
        let place = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(&place).map_err(|error| format!("{place}: {error}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let kibibytes: f64 =
            line.trim().trim_end_matches(" kB").parse().map_err(|_| format!("no memory in {place}"))?;
        Ok(kibibytes * 1024.0)
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        // Both fail only if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
