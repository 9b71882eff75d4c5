//! What can go wrong in a demonstration.

use pigato::{Error, RequestError};

use crate::output::WriteError;

pub(super) enum Trouble {
    /// Something is not as it has to be.
    Wrong(String),
    /// Nobody reads, or the output cannot be written.
    NotWritten(WriteError),
}

impl Trouble {
    /// Checks something that has to be so.
    pub(super) fn unless(is_so: bool, problem: impl FnOnce() -> String) -> Result<(), Self> {
        if is_so {
            Ok(())
        } else {
            Err(Self::Wrong(problem()))
        }
    }
}

impl From<WriteError> for Trouble {
    fn from(error: WriteError) -> Self {
        Self::NotWritten(error)
    }
}

impl From<RequestError> for Trouble {
    fn from(error: RequestError) -> Self {
        Self::Wrong(error.to_string())
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Wrong(error.to_string())
    }
}

impl From<String> for Trouble {
    fn from(problem: String) -> Self {
        Self::Wrong(problem)
    }
}
