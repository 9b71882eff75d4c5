//! Prints replies as they arrive.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pigato::{Reply, RequestError, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::Value;

use crate::data::{display_json, raw};
use crate::output::{self, WriteError};

/// How replies are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// The data of each reply as a line of JSON.
    Values,
    /// Each reply or error as a JSON object that names its kind.
    Objects,
    /// The unchanged bytes.
    Bytes,
}

/// How printing ended.
pub(super) enum Ending {
    Done,
    Failed(RequestError),
    NotWritten(WriteError),
}

impl From<WriteError> for Ending {
    fn from(error: WriteError) -> Self {
        Self::NotWritten(error)
    }
}

pub(super) struct Printer {
    format: Format,
    progress: ProgressBar,
}

#[derive(Serialize)]
struct ReplyLine<'a> {
    kind: &'a str,
    data: Box<RawValue>,
    options: Value,
}

#[derive(Serialize)]
struct ErrorLine {
    kind: &'static str,
    code: Option<&'static str>,
    value: Value,
    message: Option<String>,
    options: Value,
}

impl Printer {
    pub(super) fn new(format: Format, service: &str) -> Self {
        Self { format, progress: progress(service) }
    }

    /// Prints all replies. Blocks until the final reply or an error.
    pub(super) fn print(&self, mut response: Response) -> Ending {
        let outcome = self.print_replies(&mut response);
        self.progress.finish_and_clear();
        outcome.unwrap_or_else(Ending::from)
    }

    fn print_replies(&self, response: &mut Response) -> Result<Ending, WriteError> {
        while let Some(reply) = response.next_blocking() {
            match reply {
                Ok(reply) => self.print_reply(&reply)?,
                Err(error) => {
                    if self.format == Format::Objects {
                        output::line(&line(&ErrorLine::new(&error)))?;
                    }
                    return Ok(Ending::Failed(error));
                }
            }
            self.progress.inc(1);
        }
        Ok(Ending::Done)
    }

    fn print_reply(&self, reply: &Reply) -> Result<(), WriteError> {
        match self.format {
            Format::Bytes => output::bytes(reply.bytes()),
            Format::Values => output::line(display_json(reply.bytes(), reply.codec()).get()),
            Format::Objects => {
                let kind = if reply.is_final() { "final" } else { "partial" };
                let data = display_json(reply.bytes(), reply.codec());
                output::line(&line(&ReplyLine { kind, data, options: reply.options() }))
            }
        }
    }
}

impl ErrorLine {
    fn new(error: &RequestError) -> Self {
        let code = error.code().map(pigato::ErrorCode::as_str);
        match error {
            RequestError::Remote(remote) => Self {
                kind: "error",
                code,
                value: remote.value(),
                message: remote.message(),
                options: remote.options(),
            },
            // Local errors have the same form as the broker's errors.
            other => Self {
                kind: "error",
                code,
                value: code.into(),
                message: Some(other.to_string()),
                options: serde_json::json!({}),
            },
        }
    }
}

fn line(object: &impl Serialize) -> String {
    // Cannot fail: all keys are strings.
    serde_json::to_string(object).unwrap_or_else(|_| raw(&Value::Null).to_string())
}

/// Shows a reply counter if standard error is a terminal and standard output is not.
fn progress(service: &str) -> ProgressBar {
    if std::io::stdout().is_terminal() || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let progress = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{spinner} {msg}: {human_pos} replies in {elapsed}");
    progress.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    progress.set_message(service.to_owned());
    progress.enable_steady_tick(Duration::from_millis(200));
    progress
}
