//! The scenarios: each prepares a machine and passes its steps to [`measured`](crate::measured).

mod broker;
mod peers;
mod scale;

/// Requests per scenario.
const REQUESTS: usize = 1_000;

/// The data of a small request.
const BODY: &str = r#"{"symbol":"PGT","from":"2024-01-02","to":"2024-12-31"}"#;

/// The options that our clients send.
const OPTIONS: &str = r#"{"timeout":60000,"retry":0}"#;

/// A step of a request whose instructions are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    Decode,
    Dispatch,
    DispatchAtScaleExact,
    DispatchAtScaleWildcard,
    DispatchAtScaleVersion,
    DispatchOfNewName,
    DispatchOfNewRange,
    Queue,
    QueuedDispatch,
    Partial,
    Reply,
    Expiry,
    ClientRequest,
    ClientReply,
    WorkerRequest,
    WorkerReply,
}

impl Scenario {
    pub(crate) const ALL: [Self; 16] = [
        Self::Decode,
        Self::Dispatch,
        Self::DispatchAtScaleExact,
        Self::DispatchAtScaleWildcard,
        Self::DispatchAtScaleVersion,
        Self::DispatchOfNewName,
        Self::DispatchOfNewRange,
        Self::Queue,
        Self::QueuedDispatch,
        Self::Partial,
        Self::Reply,
        Self::Expiry,
        Self::ClientRequest,
        Self::ClientReply,
        Self::WorkerRequest,
        Self::WorkerReply,
    ];

    /// Its name in the record.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Dispatch => "dispatch",
            Self::DispatchAtScaleExact => "dispatch_at_scale_exact",
            Self::DispatchAtScaleWildcard => "dispatch_at_scale_wildcard",
            Self::DispatchAtScaleVersion => "dispatch_at_scale_version",
            Self::DispatchOfNewName => "dispatch_of_new_name",
            Self::DispatchOfNewRange => "dispatch_of_new_range",
            Self::Queue => "queue",
            Self::QueuedDispatch => "reply_and_next_dispatch",
            Self::Partial => "partial",
            Self::Reply => "reply",
            Self::Expiry => "expiry",
            Self::ClientRequest => "client_request",
            Self::ClientReply => "client_reply",
            Self::WorkerRequest => "worker_request",
            Self::WorkerReply => "worker_reply",
        }
    }

    /// The divisor of a count.
    pub(crate) fn operations(self) -> u64 {
        REQUESTS as u64
    }

    pub(crate) fn run(self) {
        match self {
            Self::Decode => broker::decode(),
            Self::Dispatch => broker::dispatch(),
            Self::DispatchAtScaleExact => scale::exact(),
            Self::DispatchAtScaleWildcard => scale::wildcard(),
            Self::DispatchAtScaleVersion => scale::version(),
            Self::DispatchOfNewName => scale::new_name(),
            Self::DispatchOfNewRange => scale::new_range(),
            Self::Queue => broker::queue(),
            Self::QueuedDispatch => broker::reply_and_next_dispatch(),
            Self::Partial => broker::partial(),
            Self::Reply => broker::reply(),
            Self::Expiry => broker::expiry(),
            Self::ClientRequest => peers::client_request(),
            Self::ClientReply => peers::client_reply(),
            Self::WorkerRequest => peers::worker_request(),
            Self::WorkerReply => peers::worker_reply(),
        }
    }
}
