//! Tests of the simulator itself: it finds every rule that is broken on purpose.

use pigato_sim::{Mutation, Rule, Simulation};

/// The rules that the first seeds break with a mutation, each once.
fn caught(mutation: Mutation) -> Vec<Rule> {
    let mut rules = Vec::new();
    for seed in 0..30 {
        if let Err(failure) = Simulation::new(seed).mutated(mutation).run() {
            if !rules.contains(&failure.violation.rule) {
                rules.push(failure.violation.rule);
            }
        }
    }
    rules
}

/// The rule that a mutation breaks; it may break others as a consequence.
fn broken_by(mutation: Mutation) -> Rule {
    match mutation {
        Mutation::ExtraConcurrency => Rule::Concurrency,
        Mutation::DuplicateFinal => Rule::OneOutcome,
        Mutation::DropRequest => Rule::EverythingEnds,
        Mutation::DuplicateDispatch => Rule::AtMostOnce,
        Mutation::SwapPartials => Rule::PartialOrder,
        Mutation::CorruptReply => Rule::Intact,
        Mutation::LateTimeouts => Rule::ExactTimeout,
        Mutation::DoubleDisconnect => Rule::OneDisconnect,
        Mutation::ExtraCredit => Rule::Credit,
    }
}

#[test]
fn every_mutation_is_caught_by_its_rule() {
    for mutation in Mutation::ALL {
        let rules = caught(*mutation);
        assert!(rules.contains(&broken_by(*mutation)), "{mutation:?} is caught only by {rules:?}");
    }
}

#[test]
fn a_failure_reports_how_to_replay_it() {
    let failures = (0..30).filter_map(|seed| Simulation::new(seed).mutated(Mutation::DuplicateFinal).run().err());
    let text = failures.map(|failure| failure.to_string()).next().expect("a failure");
    for part in ["seed ", "options: ", "last events:", "replay: cargo run -p pigato-sim --release -- --seed "] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}
