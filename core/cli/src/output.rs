//! Writes to standard output, flushed after each line or chunk, and messages for people to standard
//! error.

use std::io::{self, Write};

use crate::exit::{Failure, Status};

/// Why standard output can no longer be written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The reader closed the pipe, as `head` does. Not an error: the command ends.
    Closed,
    Failed(Failure),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::Closed
        } else {
            Self::Failed(Failure::new(Status::Connection, format!("could not write the output: {error}")))
        }
    }
}

impl WriteError {
    /// The outcome of a command whose output can no longer be written.
    pub(crate) fn outcome(self) -> Result<Status, Failure> {
        match self {
            Self::Closed => Ok(Status::Done),
            Self::Failed(failure) => Err(failure),
        }
    }
}

/// Writes a line and flushes it.
pub(crate) fn line(text: &str) -> Result<(), WriteError> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    Ok(stdout.flush()?)
}

/// Writes bytes unchanged and flushes them.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), WriteError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    Ok(stdout.flush()?)
}

/// Writes a message for people to standard error. A closed standard error is ignored.
pub(crate) fn message(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
