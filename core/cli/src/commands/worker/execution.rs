//! One request and its command, from the first moment to the last.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::ExitStatus;
use std::time::Duration;

use pigato::protocol::is_null;
use pigato::{Codec, ErrorCode, ReplyWriter, Request};
use serde_json::{json, Map, Value};
use tracing::{debug, warn};

use super::conversation::{hold, value, Output, Said};
use super::process::ProcessGroup;

/// How long a command has to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);

/// What is run for each request, and how.
#[derive(Debug)]
pub(super) struct Execution {
    pub(super) command: String,
    /// How long a command may take.
    pub(super) timeout: Option<Duration>,
    /// Whether the last line, or with bytes the whole output, is the final reply.
    pub(super) keeps_last: bool,
    pub(super) is_raw: bool,
}

/// How a command came to its end.
enum End {
    ByItself(io::Result<(Said, ExitStatus)>),
    Cancelled,
    TimedOut(Duration),
}

impl Execution {
    /// Runs the command and answers the request with what it says. When this returns the request has ended, or nobody
    /// waits for it any more, and so has the command.
    pub(super) async fn answer(&self, request: &Request, reply: &ReplyWriter) {
        match self.run(request, reply).await {
            End::ByItself(Ok((said, status))) if status.success() => self.finish(reply, said.last),
            End::ByItself(Ok((said, status))) => fail(reply, &ended_badly(status), details(status, &said.stderr)),
            End::ByItself(Err(error)) => fail(reply, &format!("the command failed: {error}"), Map::new()),
            End::TimedOut(timeout) => {
                let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
                let details = Map::from_iter([("timeout".to_owned(), Value::from(millis))]);
                fail(reply, &format!("the command took longer than {millis} ms"), details);
            }
            End::Cancelled => debug!(client = request.client(), "nobody waits for the reply; the command was ended"),
        }
    }

    async fn run(&self, request: &Request, reply: &ReplyWriter) -> End {
        let (mut group, pipes) = match ProcessGroup::spawn(&self.command, &environment(request)) {
            Ok(started) => started,
            Err(error) => return End::ByItself(Err(error)),
        };
        debug!(service = request.service(), client = request.client(), "started the command");
        let id = group.id();
        let mut running = pin!(async {
            let said = hold(pipes, self.input(request), self.output(), reply).await;
            if said.is_err() {
                id.kill();
            }
            let status = group.wait().await;
            said.and_then(|said| Ok((said, status?)))
        });
        let end = tokio::select! {
            outcome = &mut running => return End::ByItself(outcome),
            () = reply.cancelled() => End::Cancelled,
            timeout = passes(self.timeout) => End::TimedOut(timeout),
        };
        id.terminate();
        // The command itself may be gone after this, but what it started and left alone is still of its group.
        let _ = tokio::time::timeout(GRACE, &mut running).await;
        id.kill();
        end
    }

    /// The data as the command reads it: JSON with the line break that `read` and others want, or just the bytes.
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
            (true, false) => Output::Pieces,
            (true, true) => Output::Whole,
        }
    }

    fn finish(&self, reply: &ReplyWriter, last: Vec<u8>) {
        // Fails if nobody waits for it any more.
        let _ = match self.output() {
            Output::Lines => reply.end(&Value::Null),
            Output::LinesAndLast if last.is_empty() => reply.end(&Value::Null),
            Output::LinesAndLast => reply.end(&value(&last)),
            Output::Pieces | Output::Whole => reply.end_raw(last),
        };
    }
}

async fn passes(timeout: Option<Duration>) -> Duration {
    match timeout {
        Some(timeout) => {
            tokio::time::sleep(timeout).await;
            timeout
        }
        None => std::future::pending().await,
    }
}

/// What the command is told about the request. The environment cannot hold NUL, which a client may well send.
fn environment(request: &Request) -> [(&'static str, String); 4] {
    let text = |text: String| text.replace('\0', "\u{fffd}");
    [
        ("PIGATO_SERVICE", text(request.service())),
        ("PIGATO_CLIENT", text(request.client())),
        ("PIGATO_OPTIONS", request.options().to_string()),
        ("PIGATO_ATTEMPT", request.attempt().to_string()),
    ]
}

fn ended_badly(status: ExitStatus) -> String {
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

/// Answers as a failed handler of any language does, with what else there is to say beside the message.
fn fail(reply: &ReplyWriter, message: &str, details: Map<String, Value>) {
    warn!("{message}");
    let mut error = json!({ "code": ErrorCode::Handler.as_str(), "message": message });
    if let Value::Object(members) = &mut error {
        members.extend(details);
    }
    // Fails if nobody waits for it any more.
    let _ = reply.error(&error);
}
