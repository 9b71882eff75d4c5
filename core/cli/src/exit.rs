//! How a command ends: its exit status, and what it tells people when something went wrong.

use std::io;

use pigato::{Error, ErrorCode, RequestError};

/// The exit statuses; `pigato --help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Done.
    Done = 0,
    /// The service answered with an error, or the command could not do its work.
    Failed = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// No reply within the timeout.
    Timeout = 3,
    /// The broker refused the request.
    Refused = 4,
    /// Anything else, such as a lost connection.
    Connection = 5,
    /// Ended by a signal before it was done, as shells number it.
    Interrupted = 130,
}

impl Status {
    pub(crate) fn number(self) -> i32 {
        self as i32
    }

    /// The status of a request that ended with this error.
    pub(crate) fn of(error: &RequestError) -> Self {
        match error {
            RequestError::Remote(remote) if remote.is_from_broker() => Self::Refused,
            RequestError::Remote(_) => Self::Failed,
            RequestError::Local(local) => match local.code() {
                ErrorCode::Timeout => Self::Timeout,
                ErrorCode::Option => Self::Usage,
                _ => Self::Connection,
            },
            _ => Self::Connection,
        }
    }
}

/// Why a command could not do what was asked, in words for people.
#[derive(Debug)]
pub(crate) struct Failure {
    status: Status,
    message: String,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), hint: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Status::Usage, message)
    }

    /// The operating system refused something that is hardly ever refused. By value, for `map_err`.
    #[allow(clippy::needless_pass_by_value)]
    pub(crate) fn system(error: io::Error) -> Self {
        Self::new(Status::Connection, format!("the operating system refused: {error}"))
    }

    /// Something of the library could not be started; `status` unless what was asked for makes no sense.
    pub(crate) fn starting(what: &str, error: &Error, status: Status) -> Self {
        let status = if error.code() == ErrorCode::Option { Status::Usage } else { status };
        Self::new(status, format!("could not start the {what}: {error}"))
    }

    /// What went wrong.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Adds what the user may do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Tells the user and gives the exit status.
    pub(crate) fn report(self) -> Status {
        // What was logged before belongs before it.
        crate::logging::flush();
        crate::output::tell(&format!("pigato: {}", self.message));
        if let Some(hint) = &self.hint {
            crate::output::tell(&format!("  {hint}"));
        }
        self.status
    }
}
