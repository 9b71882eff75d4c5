//! Starts processes and waits for them with deadlines.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{channel, Receiver};
use std::time::{Duration, Instant};

use rustix::process::{kill_process, Pid, Signal};
use serde_json::Value;
use tempfile::TempDir;

/// Far longer than any step of these tests takes.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The command, without environment variables that change its behaviour.
pub(crate) fn pigato<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pigato"));
    command.args(arguments).env_remove("PIGATO_ENDPOINT").env_remove("PIGATO_LOG").env_remove("NO_COLOR");
    command
}

/// A running process. Killed when dropped.
pub(crate) struct Running {
    child: Child,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
    /// Standard error as far as `wait_for_log` has read it.
    log: Vec<u8>,
}

/// The exit status of a process, and its unread output.
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
        Self { child, stdout, stderr, log: Vec::new() }
    }

    /// Writes to standard input and closes it.
    pub(crate) fn feed(&mut self, input: &[u8]) {
        let mut stdin = self.child.stdin.take().expect("standard input is open");
        let input = input.to_vec();
        // Fails if the process ends without reading all input, which it need not do.
        std::thread::spawn(move || drop(stdin.write_all(&input)));
    }

    /// Reads the next line of standard output, without its line break.
    pub(crate) fn line(&mut self) -> String {
        let line = self.stdout.recv_timeout(DEADLINE).expect("a line of output");
        String::from_utf8(line).expect("text").trim_end_matches('\n').to_owned()
    }

    /// Waits for a line of standard error that contains `text`.
    pub(crate) fn wait_for_log(&mut self, text: &str) {
        loop {
            let log = || String::from_utf8_lossy(&self.log).into_owned();
            let line = self.stderr.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("no `{text}` in:\n{}", log()));
            self.log.extend_from_slice(&line);
            if String::from_utf8_lossy(&line).contains(text) {
                return;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).expect("the process is running");
    }

    /// Stops reading standard output and closes the pipe.
    pub(crate) fn close_stdout(&mut self) {
        let (_, closed) = channel();
        self.stdout = closed;
    }

    /// Waits until the process has ended.
    pub(crate) fn end(mut self) -> Outcome {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + DEADLINE;
        let stdout = rest(&self.stdout, deadline);
        let mut stderr = std::mem::take(&mut self.log);
        stderr.extend(rest(&self.stderr, deadline));
        // Both outputs are closed, so the process has ended or is about to end.
        let status = self.child.wait().unwrap();
        Outcome { status: status.code(), stdout, stderr: String::from_utf8(stderr).expect("text") }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails if the process has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads lines on a separate thread, until the process closes the pipe or the receiver is dropped.
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
                panic!("still running after {DEADLINE:?}; output so far:\n{}", String::from_utf8_lossy(&all))
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

    /// Checks the exit status, and that standard error contains each of the words.
    #[track_caller]
    pub(crate) fn expect(self, status: i32, words: &[&str]) -> Self {
        assert_eq!(self.status, Some(status), "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "no `{word}` in: {}", self.stderr);
        }
        self
    }

    /// Checks for success and an empty standard error, and returns standard output.
    #[track_caller]
    pub(crate) fn success(self) -> String {
        assert!(self.status == Some(0) && self.stderr.is_empty(), "{self:?}");
        String::from_utf8(self.stdout).expect("text")
    }
}

/// Runs a command until it has ended.
pub(crate) fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Outcome {
    Running::start(pigato(arguments)).end()
}

/// A broker, and commands that use it.
pub(crate) struct Broker {
    pub(crate) process: Running,
    pub(crate) endpoint: String,
}

impl Broker {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// Starts a broker with additional options.
    pub(crate) fn with(options: &[&str]) -> Self {
        let arguments = ["broker", "--bind", "tcp://127.0.0.1:*", "--intch", "none", "--json"];
        let mut process = Running::start(pigato(arguments.iter().chain(options)));
        let line: Value = serde_json::from_str(&process.line()).unwrap();
        assert_eq!(line["event"], "listening");
        Self { process, endpoint: line["endpoint"].as_str().unwrap().to_owned() }
    }

    /// A command whose environment contains the broker's endpoint.
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

    /// Runs a command with this standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &[u8]) -> Outcome {
        let mut running = self.spawn(arguments);
        running.feed(input);
        running.end()
    }

    /// Starts a worker that runs `command`, and waits until it is registered.
    pub(crate) fn worker(&self, service: &str, command: &str, options: &[&str]) -> Running {
        let arguments = [&["worker", service, "--exec", command], options].concat();
        let mut worker = self.spawn(&arguments);
        worker.wait_for_log("serving");
        worker
    }
}

/// A named pipe, with which a test can block a command and notice its end.
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

    /// The path, quoted for a shell.
    pub(crate) fn quoted(&self) -> String {
        format!("'{}'", self.path.display())
    }

    /// Waits for a reader of the pipe and writes a line to it.
    pub(crate) fn write(&self, line: &str) {
        let (path, line) = (self.path.clone(), format!("{line}\n"));
        within_deadline("nobody reads the pipe", move || std::fs::write(path, line).unwrap());
    }

    /// Opens the pipe for reading. The receiver is notified when the last writer has closed it.
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
    /// Unblocks readers and writers that wait for the other side, so that nothing outlives the
    /// test.
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
