//! The oracle: rules that hold whatever goes wrong.
//!
//! It observes the events of the peers and the messages on the wire and is independent of how the
//! machines are built. The [`Ledger`](ledger::Ledger) follows each request from its client to its
//! workers and back; the [`Watch`](watch::Watch) follows one run of a broker.

pub(crate) mod ledger;
pub(crate) mod matching;
pub(crate) mod watch;

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// What was observed.
    pub detail: String,
}

macro_rules! rules {
    ($($(#[$doc:meta])+ $name:ident = $text:literal,)+) => {
        /// The rules that every run must obey.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Rule { $($(#[$doc])+ $name,)+ }

        impl std::fmt::Display for Rule {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self { $(Self::$name => $text,)+ })
            }
        }
    };
}

rules! {
    /// A request has one outcome, and no reply follows it.
    OneOutcome = "a request ends exactly once",
    /// Partial replies of one run arrive in order, each once, and none after those of a newer run.
    PartialOrder = "partial replies arrive in order, each once",
    /// Data, names and ids arrive unchanged.
    Intact = "messages arrive unchanged",
    /// No worker has more requests in flight than its concurrency.
    Concurrency = "no worker has more in flight than its concurrency",
    /// The broker sends a worker at most one disconnect per session.
    OneDisconnect = "the broker sends a worker at most one disconnect",
    /// No request waits while a matching worker is free.
    NoIdleWorker = "no request waits while a matching worker is free",
    /// Only requests with `retry` run more than once.
    AtMostOnce = "a request without retry runs at most once",
    /// An error occurs only for the reason that it names.
    ReasonOfError = "an error occurs only for its reason",
    /// A client's timeout fires on time.
    ExactTimeout = "a client's timeout fires exactly on time",
    /// Counters agree with the observed events.
    Statistics = "the counters agree with what happened",
    /// A worker sends no more partial replies than it has credit.
    Credit = "a worker sends no more partial replies than its credit",
    /// After the faults, everything finishes.
    EverythingEnds = "after the faults, everything finishes in time",
    /// After the faults, all requests succeed.
    Recovers = "after the faults, every request succeeds",
    /// After all peers have stopped, no state is left.
    NothingLeft = "after all peers have stopped, no state is left",
    /// No machine stays busy without time passing.
    Livelock = "no machine stays busy without time passing",
}

/// The first broken rule; later ones may be its consequences.
#[derive(Debug, Default)]
pub(crate) struct Verdict(Option<Violation>);

impl Verdict {
    pub(crate) fn broken(&mut self, rule: Rule, detail: impl FnOnce() -> String) {
        if self.0.is_none() {
            self.0 = Some(Violation { rule, detail: detail() });
        }
    }

    /// Records the rule as broken unless the condition holds.
    pub(crate) fn demand(&mut self, rule: Rule, holds: bool, detail: impl FnOnce() -> String) {
        if !holds {
            self.broken(rule, detail);
        }
    }

    pub(crate) fn violation(&self) -> Option<&Violation> {
        self.0.as_ref()
    }
}
