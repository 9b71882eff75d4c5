//! The judges: what must hold whatever goes wrong.
//!
//! They see what peers are told and what goes over the wire, and know nothing of how the machines are built. The
//! [`Ledger`](ledger::Ledger) follows each request from its client to its workers and back, the
//! [`Watch`](watch::Watch) follows one life of a broker.

pub(crate) mod ledger;
pub(crate) mod matching;
pub(crate) mod watch;

/// A rule that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// What was seen.
    pub detail: String,
}

macro_rules! rules {
    ($($(#[$doc:meta])+ $name:ident = $text:literal,)+) => {
        /// The rules that a run is held against.
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
    /// A request has one outcome, and nothing follows it.
    OneOutcome = "a request ends exactly once",
    /// Partial replies of one run arrive in order, each once, and none after a newer run's.
    PartialOrder = "partial replies arrive in order, each once",
    /// Data, names and ids arrive as they were sent.
    Intact = "what arrives is what was sent",
    /// No worker has more requests than it takes.
    Concurrency = "no worker has more in flight than its concurrency",
    /// A worker is told to disconnect once in its life.
    OneDisconnect = "a worker is told to disconnect at most once",
    /// No request waits while a worker that may have it is free.
    NoIdleWorker = "a free worker and a request that it may have never coexist",
    /// Only requests with `retry` run twice.
    AtMostOnce = "a request without retry runs at most once",
    /// An error has the reason that it names.
    ReasonOfError = "an error is only given for its reason",
    /// A client's timeout fires when it should.
    ExactTimeout = "a client's timeout fires exactly at its time",
    /// Counters agree with what was seen.
    Statistics = "the counters agree with what happened",
    /// A worker sends no more partial replies than it has credit for.
    Credit = "no more partial replies than credit",
    /// When faults end, everything finishes.
    EverythingEnds = "after the faults everything finishes in time",
    /// When faults end, all requests succeed.
    Recovers = "after the faults every request succeeds",
    /// When all have stopped, nothing is left.
    NothingLeft = "when all have stopped, nothing is left",
    /// No machine keeps itself busy without time passing.
    Livelock = "time goes on",
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

    /// Breaks the rule unless the condition holds.
    pub(crate) fn demand(&mut self, rule: Rule, holds: bool, detail: impl FnOnce() -> String) {
        if !holds {
            self.broken(rule, detail);
        }
    }

    pub(crate) fn violation(&self) -> Option<&Violation> {
        self.0.as_ref()
    }
}
