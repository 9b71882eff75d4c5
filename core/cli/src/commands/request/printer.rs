//! Prints replies as they come.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pigato::{Reply, RequestError, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::Value;

use crate::data::{raw, shown};
use crate::output::{self, WriteError};

/// How replies are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Their data, a line of JSON each.
    Values,
    /// An object that says what it is, a line each.
    Objects,
    /// Their bytes.
    Bytes,
}

/// How it ended.
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
    form: Form,
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
    pub(super) fn new(form: Form, service: &str) -> Self {
        Self { form, progress: progress(service) }
    }

    /// Prints all replies, waiting for each.
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
                    if self.form == Form::Objects {
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
        match self.form {
            Form::Bytes => output::bytes(reply.bytes()),
            Form::Values => output::line(shown(reply.bytes(), reply.codec()).get()),
            Form::Objects => {
                let kind = if reply.is_final() { "final" } else { "partial" };
                let data = shown(reply.bytes(), reply.codec());
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
            // Errors that are made on this side look like those that the broker makes.
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
    // Cannot fail: nothing here has keys that are no strings.
    serde_json::to_string(object).unwrap_or_else(|_| raw(&Value::Null).to_string())
}

/// Counts replies on a terminal while the output goes elsewhere; else it shows nothing.
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
