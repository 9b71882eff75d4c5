//! Why the demo can fail.

use pigato::{Error, RequestError};

use crate::output::WriteError;

pub(super) enum Problem {
    /// A step failed or a result is wrong.
    Wrong(String),
    /// The output cannot be written, or its reader is gone.
    NotWritten(WriteError),
}

impl Problem {
    /// Returns `problem` unless the result is as expected.
    pub(super) fn unless(is_expected: bool, problem: impl FnOnce() -> String) -> Result<(), Self> {
        if is_expected {
            Ok(())
        } else {
            Err(Self::Wrong(problem()))
        }
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        Self::NotWritten(error)
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        Self::Wrong(error.to_string())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Wrong(error.to_string())
    }
}

impl From<String> for Problem {
    fn from(problem: String) -> Self {
        Self::Wrong(problem)
    }
}
