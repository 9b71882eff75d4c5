//! Error codes: the strings that replies carry on the wire and errors carry in every language.

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])+ $variant:ident = $number:literal $text:literal $message:literal,)+) => {
        /// Every error code of PIGATO, the same in all languages (protocol document, "Error values").
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode { $($(#[$doc])+ $variant,)+ }

        impl ErrorCode {
            /// All codes, in the order of their numbers.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant,)+];

            /// The code as the wire carries it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The code's number, for interfaces with numeric errors. Numbers are never reused.
            #[must_use]
            pub const fn number(self) -> i32 {
                match self { $(Self::$variant => $number,)+ }
            }

            /// One sentence: what happened and what to do about it.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)+ }
            }
        }
    };
}

codes! {
    /// The request's `timeout` passed without a reply.
    Timeout = 101 "C_TIMEOUT" "no reply within the request's timeout; raise `timeout`, or check that a worker offers the service",
    /// The client cancelled the request.
    Cancelled = 102 "C_CANCELLED" "the request was cancelled",
    /// The connection to the broker was lost while the request was in flight, and the request had no `retry`.
    Disconnected = 103 "C_DISCONNECTED" "the connection to the broker was lost; set `retry` for requests that may run twice",
    /// The client, worker or broker has stopped, or the reply was already final.
    Closed = 104 "C_CLOSED" "stopped or ended already",
    /// Too many requests, or too many bytes of them, are unanswered.
    Busy = 105 "C_BUSY" "too many requests or bytes are unanswered; wait for some replies before sending more",

    /// The worker was lost while it had the request, which had no `retry` or had used up its attempts.
    WorkerLost = 201 "B_WORKER_LOST" "the worker was lost while it had the request; set `retry` for requests that may run twice",
    /// `failFast` was set and no worker offers the service.
    NoWorker = 202 "B_NO_WORKER" "no worker offers this service now; start one, or wait for one without `failFast`",
    /// The broker holds the maximum number, or the maximum bytes, of requests.
    QueueFull = 203 "B_QUEUE_FULL" "the broker holds the maximum number of requests; try again later",
    /// The request's data is larger than the broker accepts.
    TooLarge = 204 "B_TOO_LARGE" "the data is larger than the broker accepts; send less, or raise the broker's `maxBodyBytes`",
    /// `failFast` was set and every worker of the service rejected the request.
    Rejected = 205 "B_REJECTED" "every worker of the service rejected the request",
    /// The peer has no right to do this.
    Unauthorized = 206 "B_UNAUTHORIZED" "this peer is not allowed to do that",
    /// The request breaks the protocol.
    BadRequest = 207 "B_BAD_REQUEST" "the request has no id, or its service name is missing or longer than 255 bytes",
    /// The broker stopped before it had the reply, and accepts no more requests.
    Draining = 208 "B_DRAINING" "the broker stopped before the request was answered; send it again if it may run twice",

    /// The worker's handler failed.
    Handler = 301 "W_HANDLER" "the worker's handler failed",

    /// An endpoint that cannot be bound, connected to or parsed.
    Endpoint = 401 "E_ENDPOINT" "the endpoint cannot be used",
    /// An option with an invalid name or value.
    Option = 402 "E_OPTION" "an option is unknown or has an invalid value",
    /// Data that is not JSON, or not of the requested type.
    Data = 403 "E_DATA" "the data is not of the expected form",
    /// The operating system or libzmq refused a resource.
    System = 404 "E_SYSTEM" "the operating system refused a resource",
    /// The object was created before a fork and is used in the child.
    Fork = 405 "E_FORK" "created before a fork; create a new one in the child process",
    /// An argument is missing or invalid.
    Argument = 406 "E_ARGUMENT" "an argument is missing or invalid",
    /// A defect in this library.
    Internal = 407 "E_INTERNAL" "a defect in this library; please report it with the steps that led to it",
}

impl ErrorCode {
    /// The code with this text, as read from the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failure in this process: a code and a detail.
///
/// The error that a worker or broker answers a request with is a `RemoteError` in the crate `pigato`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    code: ErrorCode,
    detail: String,
}

impl Error {
    /// An error with a detail, which names the affected endpoint, option or value. The detail may be empty.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }

    /// The code, for programs.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The affected endpoint, option or value, for people. May be empty.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Self {
        Self::new(code, "")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.code.message())?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
