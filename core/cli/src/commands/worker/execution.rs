//! Runs the command for one request.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::ExitStatus;
use std::time::Duration;

use pigato::protocol::is_null;
use pigato::{Codec, ErrorCode, ReplyWriter, Request};
use serde_json::{json, Map, Value};
use tracing::{debug, warn};

use super::exchange::{exchange, value, Output, OutputEnd};
use super::process::ProcessGroup;

/// Time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// The command and how to run it.
#[derive(Debug)]
pub(super) struct Execution {
    pub(super) command: String,
    /// Maximum run time of the command.
    pub(super) timeout: Option<Duration>,
    /// Whether the last line, or with `is_raw` the whole output, is the final reply.
    pub(super) keeps_last: bool,
    pub(super) is_raw: bool,
}

/// How a command ended.
enum End {
    Exited(io::Result<(OutputEnd, ExitStatus)>),
    Cancelled,
    TimedOut(Duration),
}

impl Execution {
    /// Runs the command and sends its output as replies. On return the command has ended, and the
    /// request has ended or is cancelled.
    pub(super) async fn answer(&self, request: &Request, reply: &ReplyWriter) {
        match self.run(request, reply).await {
            End::Exited(Ok((end, status))) if status.success() => self.finish(reply, end.last),
            End::Exited(Ok((end, status))) => fail(reply, &failure(status), details(status, &end.stderr)),
            End::Exited(Err(error)) => fail(reply, &format!("the command failed: {error}"), Map::new()),
            End::TimedOut(timeout) => {
                let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
                let details = Map::from_iter([("timeout".to_owned(), Value::from(millis))]);
                fail(reply, &format!("the command took longer than {millis} ms"), details);
            }
            End::Cancelled => debug!(client = request.client(), "the request was cancelled; the command was stopped"),
        }
    }

    async fn run(&self, request: &Request, reply: &ReplyWriter) -> End {
        let (mut group, pipes) = match ProcessGroup::spawn(&self.command, &environment(request)) {
            Ok(started) => started,
            Err(error) => return End::Exited(Err(error)),
        };
        debug!(service = request.service(), client = request.client(), "started the command");
        let id = group.id();
        let mut running = pin!(async {
            let end = exchange(pipes, self.input(request), self.output(), reply).await;
            if end.is_err() {
                id.kill();
            }
            let status = group.wait().await;
            end.and_then(|end| Ok((end, status?)))
        });
        let end = tokio::select! {
            outcome = &mut running => return End::Exited(outcome),
            () = reply.cancelled() => End::Cancelled,
            timeout = sleep(self.timeout) => End::TimedOut(timeout),
        };
        id.terminate();
        // The command may have ended after this, but its group may still contain processes that it
        // started.
        let _ = tokio::time::timeout(GRACE, &mut running).await;
        id.kill();
        end
    }

    /// The command's standard input: JSON with the line break that `read` needs, or the unchanged
    /// bytes.
    fn input(&self, request: &Request) -> Vec<u8> {
        let mut input = request.bytes().to_vec();
        if request.codec() == Codec::Json && !self.is_raw {
            if is_null(&input) {
                input = b"null".to_vec();
            }
            input.push(b'\n');
        }
        input
    }

    fn output(&self) -> Output {
        match (self.is_raw, self.keeps_last) {
            (false, false) => Output::Lines,
            (false, true) => Output::LinesAndLast,
            (true, false) => Output::Chunks,
            (true, true) => Output::Whole,
        }
    }

    fn finish(&self, reply: &ReplyWriter, last: Vec<u8>) {
        // Fails if the request is cancelled.
        let _ = match self.output() {
            Output::Lines => reply.end(&Value::Null),
            Output::LinesAndLast if last.is_empty() => reply.end(&Value::Null),
            Output::LinesAndLast => reply.end(&value(&last)),
            Output::Chunks | Output::Whole => reply.end_raw(last),
        };
    }
}

/// Sleeps for the timeout and returns it, or never returns without one.
async fn sleep(timeout: Option<Duration>) -> Duration {
    match timeout {
        Some(timeout) => {
            tokio::time::sleep(timeout).await;
            timeout
        }
        None => std::future::pending().await,
    }
}

/// The environment variables of the command. NUL characters are replaced: a client may send them,
/// but environment variables cannot contain them.
fn environment(request: &Request) -> [(&'static str, String); 4] {
    let text = |text: String| text.replace('\0', "\u{fffd}");
    [
        ("PIGATO_SERVICE", text(request.service())),
        ("PIGATO_CLIENT", text(request.client())),
        ("PIGATO_OPTIONS", request.options().to_string()),
        ("PIGATO_ATTEMPT", request.attempt().to_string()),
    ]
}

fn failure(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("the command ended with status {code}"),
        (None, Some(signal)) => format!("the command was ended by signal {signal}"),
        (None, None) => "the command ended".to_owned(),
    }
}

fn details(status: ExitStatus, stderr: &[u8]) -> Map<String, Value> {
    let mut details = Map::new();
    if let Some(code) = status.code() {
        details.insert("status".to_owned(), code.into());
    }
    if let Some(signal) = status.signal() {
        details.insert("signal".to_owned(), signal.into());
    }
    details.insert("stderr".to_owned(), String::from_utf8_lossy(stderr).into());
    details
}

/// Replies with the error of a failed handler, which has the same form in every language, plus
/// details.
fn fail(reply: &ReplyWriter, message: &str, details: Map<String, Value>) {
    warn!("{message}");
    let mut error = json!({ "code": ErrorCode::Handler.as_str(), "message": message });
    if let Value::Object(members) = &mut error {
        members.extend(details);
    }
    // Fails if the request is cancelled.
    let _ = reply.error(&error);
}
