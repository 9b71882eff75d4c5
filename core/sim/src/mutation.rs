//! Faults that no broker may survive unnoticed: they break a rule on purpose, to prove that the judges see it.

/// A way to break a rule, for tests of the simulator itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// The broker is told that each worker takes one request more than it does.
    ExtraConcurrency,
    /// Final replies reach their client twice.
    DuplicateFinal,
    /// Some requests never reach the broker.
    DropRequest,
    /// Some dispatched requests reach their worker twice.
    DuplicateDispatch,
    /// Partial replies overtake each other.
    SwapPartials,
    /// A byte of a reply's data changes on its way.
    CorruptReply,
    /// Clients get their time a millisecond late.
    LateTimeouts,
    /// The broker's farewell to a worker is sent twice.
    DoubleDisconnect,
    /// Workers are told that they have more credit for partial replies than they do.
    ExtraCredit,
}

impl Mutation {
    /// All of them.
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
