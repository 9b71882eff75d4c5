//! Processes with deadlines.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{channel, Receiver};
use std::time::{Duration, Instant};

use rustix::process::{kill_process, Pid, Signal};
use serde_json::Value;
use tempfile::TempDir;

/// Far more than anything here takes.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The command, with nothing in the environment that changes what it does.
pub(crate) fn pigato<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pigato"));
    command.args(arguments).env_remove("PIGATO_ENDPOINT").env_remove("PIGATO_LOG").env_remove("NO_COLOR");
    command
}

/// A process that runs. Killed when dropped.
pub(crate) struct Running {
    child: Child,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
    /// What was read from standard error while waiting for a line of it.
    told: Vec<u8>,
}

/// How a process ended, and what it wrote since it was last read.
pub(crate) struct Outcome {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command starts");
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        Self { child, stdout, stderr, told: Vec::new() }
    }

    /// Writes all of the standard input and closes it.
    pub(crate) fn feed(&mut self, input: &[u8]) {
        let mut stdin = self.child.stdin.take().expect("standard input is open");
        let input = input.to_vec();
        // A process that ends without reading everything breaks the pipe, which is its own affair.
        std::thread::spawn(move || drop(stdin.write_all(&input)));
    }

    /// The next line of standard output, without its end.
    pub(crate) fn line(&mut self) -> String {
        let line = self.stdout.recv_timeout(DEADLINE).expect("a line of output");
        String::from_utf8(line).expect("text").trim_end_matches('\n').to_owned()
    }

    /// Waits for a line of standard error that contains `text`.
    pub(crate) fn wait_for_log(&mut self, text: &str) {
        loop {
            let told = || String::from_utf8_lossy(&self.told).into_owned();
            let line = self.stderr.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("no `{text}` in:\n{}", told()));
            self.told.extend_from_slice(&line);
            if String::from_utf8_lossy(&line).contains(text) {
                return;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).expect("the process is there");
    }

    /// Nobody reads its output any more.
    pub(crate) fn close_stdout(&mut self) {
        let (_, nothing) = channel();
        self.stdout = nothing;
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Outcome {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + DEADLINE;
        let stdout = rest(&self.stdout, deadline);
        let mut stderr = std::mem::take(&mut self.told);
        stderr.extend(rest(&self.stderr, deadline));
        // Both outputs are closed: it has ended, or is about to.
        let status = self.child.wait().unwrap();
        Outcome { status: status.code(), stdout, stderr: String::from_utf8(stderr).expect("text") }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads on a thread of its own; ends when the process closes the pipe or nobody takes the lines.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            if sender.send(std::mem::take(&mut line)).is_err() {
                break;
            }
        }
    });
    receiver
}

fn rest(lines: &Receiver<Vec<u8>>, deadline: Instant) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => all.extend(line),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return all,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                panic!("still running after {DEADLINE:?}; it has written:\n{}", String::from_utf8_lossy(&all))
            }
        }
    }
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stdout = String::from_utf8_lossy(&self.stdout);
        write!(f, "status {:?}\nstandard output:\n{stdout}\nstandard error:\n{}", self.status, self.stderr)
    }
}

impl Outcome {
    /// Standard output as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("text")
    }

    /// Every line of standard output as JSON.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// Checks the exit status and what standard error has to contain.
    #[track_caller]
    pub(crate) fn expect(self, status: i32, words: &[&str]) -> Self {
        assert_eq!(self.status, Some(status), "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "no `{word}` in: {}", self.stderr);
        }
        self
    }

    /// Checks for success without a word on standard error, and gives standard output.
    #[track_caller]
    pub(crate) fn success(self) -> String {
        assert!(self.status == Some(0) && self.stderr.is_empty(), "{self:?}");
        String::from_utf8(self.stdout).expect("text")
    }
}

/// Runs a command to its end.
pub(crate) fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Outcome {
    Running::start(pigato(arguments)).end()
}

/// A broker, and commands that know where it is.
pub(crate) struct Broker {
    pub(crate) process: Running,
    pub(crate) endpoint: String,
}

impl Broker {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// A broker with more options.
    pub(crate) fn with(options: &[&str]) -> Self {
        let place = ["broker", "--bind", "tcp://127.0.0.1:*", "--intch", "none", "--json"];
        let mut process = Running::start(pigato(place.iter().chain(options)));
        let line: Value = serde_json::from_str(&process.line()).unwrap();
        assert_eq!(line["event"], "listening");
        Self { process, endpoint: line["endpoint"].as_str().unwrap().to_owned() }
    }

    /// A command that is told the broker's endpoint by its environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = pigato(arguments);
        command.env("PIGATO_ENDPOINT", &self.endpoint);
        command
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(arguments))
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.spawn(arguments).end()
    }

    /// Runs a command with standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &[u8]) -> Outcome {
        let mut running = self.spawn(arguments);
        running.feed(input);
        running.end()
    }

    /// A worker that runs `command`; registered when this returns.
    pub(crate) fn worker(&self, service: &str, command: &str, options: &[&str]) -> Running {
        let arguments = [&["worker", service, "--exec", command], options].concat();
        let mut worker = self.spawn(&arguments);
        worker.wait_for_log("serving");
        worker
    }
}

/// A named pipe, to hold commands up and to notice their end.
pub(crate) struct Fifo {
    path: PathBuf,
    _directory: TempDir,
}

impl Fifo {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        Self { path, _directory: directory }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path in quotes, for a shell.
    pub(crate) fn quoted(&self) -> String {
        format!("'{}'", self.path.display())
    }

    /// Writes a line to whoever reads, once somebody does.
    pub(crate) fn write(&self, line: &str) {
        let (path, line) = (self.path.clone(), format!("{line}\n"));
        within_deadline("nobody reads the pipe", move || std::fs::write(path, line).unwrap());
    }

    /// Reads from now on, until all who write have ended.
    pub(crate) fn watch(&self) -> Receiver<()> {
        let (sender, receiver) = channel();
        let path = self.path.clone();
        std::thread::spawn(move || {
            let mut all = Vec::new();
            std::fs::File::open(path).unwrap().read_to_end(&mut all).unwrap();
            // Fails if the test has ended.
            let _ = sender.send(());
        });
        receiver
    }
}

impl Drop for Fifo {
    /// Lets go whoever waits for the other side: what is left of a test must not stay for ever.
    fn drop(&mut self) {
        let _ = std::fs::OpenOptions::new().read(true).write(true).open(&self.path);
    }
}

fn within_deadline(problem: &str, work: impl FnOnce() + Send + 'static) {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        work();
        let _ = sender.send(());
    });
    receiver.recv_timeout(DEADLINE).expect(problem);
}
