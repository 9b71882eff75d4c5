//! Exit statuses and error messages.

use std::io;

use pigato::{Error, ErrorCode, RequestError};

/// The exit statuses. `pigato --help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Success.
    Done = 0,
    /// The service replied with an error, or the command failed.
    Failed = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// No reply within the timeout.
    Timeout = 3,
    /// The broker refused the request.
    Refused = 4,
    /// Any other error, such as a lost connection.
    Connection = 5,
    /// Stopped by a signal before the work was complete. 130 is the shells' number for SIGINT.
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

/// Why a command failed: an exit status, a message and an optional hint for people.
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

    /// A system call failed that hardly ever fails. Takes the error by value for `map_err`.
    #[allow(clippy::needless_pass_by_value)]
    pub(crate) fn system(error: io::Error) -> Self {
        Self::new(Status::Connection, format!("the operating system reported an error: {error}"))
    }

    /// A broker, client or worker could not start. The status is `status`, or `Usage` if an option
    /// is invalid.
    pub(crate) fn starting(what: &str, error: &Error, status: Status) -> Self {
        let status = if error.code() == ErrorCode::Option { Status::Usage } else { status };
        Self::new(status, format!("could not start the {what}: {error}"))
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Adds a line that says what the user can do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    pub(crate) fn status(&self) -> Status {
        self.status
    }
}
