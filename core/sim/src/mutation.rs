//! Mutations break a rule on purpose, to prove that the oracle notices.

/// A way to break a rule, to test the simulator itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// Announcements reach the broker with a concurrency that is 1 too high.
    ExtraConcurrency,
    /// Final replies reach their client twice.
    DuplicateFinal,
    /// Some requests never reach the broker.
    DropRequest,
    /// Some dispatched requests reach their worker twice.
    DuplicateDispatch,
    /// Partial replies overtake each other.
    SwapPartials,
    /// A byte of a reply's data changes in transit.
    CorruptReply,
    /// Clients handle their deadlines 1 ms late.
    LateTimeouts,
    /// The broker's disconnect reaches a worker twice.
    DoubleDisconnect,
    /// Workers receive more credit for partial replies than the client granted.
    ExtraCredit,
}

impl Mutation {
    /// All mutations.
    pub const ALL: &'static [Self] = &[
        Self::ExtraConcurrency,
        Self::DuplicateFinal,
        Self::DropRequest,
        Self::DuplicateDispatch,
        Self::SwapPartials,
        Self::CorruptReply,
        Self::LateTimeouts,
        Self::DoubleDisconnect,
        Self::ExtraCredit,
    ];
}
