//! A broker that listens, as other threads see it, and what it may be told.

use std::fmt;
use std::sync::mpsc::{channel, RecvTimeoutError, Sender};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::broker::{Statistics, StoredRequest};
use crate::error::{Error, ErrorCode};
use crate::reactor::Handle;

/// What a broker may be told.
pub enum BrokerCommand {
    /// Hand over the counters, on the I/O thread.
    Statistics(Box<dyn FnOnce(Statistics) + Send>),
    /// Hand over the directory, on the I/O thread.
    Directory(Box<dyn FnOnce(Map<String, Value>) + Send>),
    /// Take these in again, which an earlier life stored. With [`Persistence::On`](crate::broker::Persistence::On) no message is read before.
    Restore(Vec<StoredRequest>),
    /// Finish what was accepted until this time has passed, then stop. Ends with `Event::Drained`.
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

/// A broker that listens.
#[derive(Debug)]
pub struct BoundBroker {
    /// For commands.
    pub handle: Handle<BrokerCommand>,
    /// Its name.
    pub name: String,
    /// Where it listens, with the ports that `*` became.
    pub endpoints: Vec<String>,
    /// Where it publishes.
    pub intch: Option<String>,
}

/// How long to wait for an answer of the I/O thread, which never takes long unless it is gone.
const ANSWER: Duration = Duration::from_secs(10);

impl BoundBroker {
    /// Where it listens; the first place, if there are several.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.endpoints.first().map_or("", String::as_str)
    }

    /// Counters since the start, and what there is now. `C_CLOSED` once it has stopped.
    pub fn statistics(&self) -> Result<Statistics, Error> {
        self.ask(|answer| BrokerCommand::Statistics(reply_to(answer)))
    }

    /// Which workers offer which service. `C_CLOSED` once it has stopped.
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
        // Fails only if whoever asked has given up.
        let _ = answer.send(value);
    })
}
