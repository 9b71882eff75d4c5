//! Commands for a broker, and the handle of a running one.

use std::fmt;
use std::sync::mpsc::{channel, RecvTimeoutError, Sender};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::broker::{Statistics, StoredRequest};
use crate::error::{Error, ErrorCode};
use crate::reactor::Handle;

/// A command for a broker.
pub enum BrokerCommand {
    /// Pass the counters to the function, on the I/O thread.
    Statistics(Box<dyn FnOnce(Statistics) + Send>),
    /// Pass the directory to the function, on the I/O thread.
    Directory(Box<dyn FnOnce(Map<String, Value>) + Send>),
    /// Accept the stored requests of the previous run. With [`Persistence::On`](crate::broker::Persistence::On) the broker reads no
    /// message before.
    Restore(Vec<StoredRequest>),
    /// Finish accepted requests for at most this time, then stop. Ends with `Event::Drained`.
    Drain(Duration),
}

impl fmt::Debug for BrokerCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Statistics(_) => "Statistics",
            Self::Directory(_) => "Directory",
            Self::Restore(_) => "Restore",
            Self::Drain(_) => "Drain",
        })
    }
}

/// A running broker.
#[derive(Debug)]
pub struct BoundBroker {
    /// For commands.
    pub handle: Handle<BrokerCommand>,
    /// Its name.
    pub name: String,
    /// The endpoints on which it listens, with their real ports.
    pub endpoints: Vec<String>,
    /// The endpoint where it publishes.
    pub intch: Option<String>,
}

/// How long to wait for an answer of the I/O thread. It takes that long only if the thread is gone.
const ANSWER: Duration = Duration::from_secs(10);

impl BoundBroker {
    /// The first endpoint on which the broker listens.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.endpoints.first().map_or("", String::as_str)
    }

    /// Counters since the start, and current figures.
    ///
    /// # Errors
    ///
    /// `C_CLOSED` after the broker has stopped, `C_BUSY` if the I/O thread does not answer.
    ///
    /// # Blocking
    ///
    /// Waits for the I/O thread, at most 10 s.
    pub fn statistics(&self) -> Result<Statistics, Error> {
        self.ask(|answer| BrokerCommand::Statistics(reply_to(answer)))
    }

    /// The directory: which workers offer which service.
    ///
    /// # Errors
    ///
    /// `C_CLOSED` after the broker has stopped, `C_BUSY` if the I/O thread does not answer.
    ///
    /// # Blocking
    ///
    /// Waits for the I/O thread, at most 10 s.
    pub fn directory(&self) -> Result<Map<String, Value>, Error> {
        self.ask(|answer| BrokerCommand::Directory(reply_to(answer)))
    }

    fn ask<T>(&self, command: impl FnOnce(Sender<T>) -> BrokerCommand) -> Result<T, Error> {
        let (sender, receiver) = channel();
        self.handle.submit_urgent(command(sender))?;
        receiver.recv_timeout(ANSWER).map_err(|error| match error {
            RecvTimeoutError::Disconnected => ErrorCode::Closed.into(),
            RecvTimeoutError::Timeout => Error::new(ErrorCode::Busy, "the I/O thread does not answer"),
        })
    }
}

fn reply_to<T: Send + 'static>(answer: Sender<T>) -> Box<dyn FnOnce(T) + Send> {
    Box::new(move |value| {
        // Fails only if the caller has stopped waiting.
        let _ = answer.send(value);
    })
}
