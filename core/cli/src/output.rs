//! Standard output, one line or one piece at a time, and what is told to people on standard error.

use std::io::{self, Write};

use crate::exit::{Failure, Status};

/// Why nothing more can be written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// Whoever read has gone, as `head` does: the end, and nobody's fault.
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
    /// How a command ends that can write no more.
    pub(crate) fn outcome(self) -> Result<Status, Failure> {
        match self {
            Self::Closed => Ok(Status::Done),
            Self::Failed(failure) => Err(failure),
        }
    }
}

/// Writes a line that is seen at once.
pub(crate) fn line(text: &str) -> Result<(), WriteError> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    Ok(stdout.flush()?)
}

/// Writes bytes as they are, seen at once.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), WriteError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    Ok(stdout.flush()?)
}

/// Tells people something on standard error. One that is closed has nobody to tell.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
