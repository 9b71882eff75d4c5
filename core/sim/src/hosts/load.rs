//! What clients ask for: made by chance, within what the scenario allows.

use std::time::Duration;

use pigato_proto::config::{RequestOptions, Timeout};
use pigato_proto::protocol::{Frame, PeerId};

use super::{Context, Phase};
use crate::oracle::ledger::{Number, Question};
use crate::scenario::{Scenario, ASKS};

/// A request that is about to be made.
pub(super) struct Ask {
    pub(super) number: Number,
    pub(super) service: &'static str,
    pub(super) data: Frame,
    pub(super) options: RequestOptions,
    pub(super) timeout: Timeout,
}

/// What the asking client can do.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Abilities {
    /// It can wait for ever, ask again after a lost connection, and its clock is exact.
    pub(super) is_ours: bool,
    /// The only timeout it can have.
    pub(super) fixed_timeout: Option<Duration>,
}

/// Makes up a request and enters it in the ledger.
pub(super) fn make_up(context: &mut Context<'_>, abilities: Abilities) -> Ask {
    let scenario = context.scenario;
    let offers: Vec<&str> = context.neighbours.iter().map(|(service, _)| *service).collect();
    let is_probe = context.phase >= Phase::Probing;
    let served: Vec<&'static str> = ASKS.iter().copied().filter(|ask| Scenario::is_served(&offers, ask)).collect();
    let ask_by_offer = served.is_empty() || context.random.percent(20);
    let service = if ask_by_offer && is_probe {
        // A wildcard's own name is asked for as well as any other.
        context.random.pick(context.neighbours).0
    } else if is_probe || context.random.percent(85) && !served.is_empty() {
        context.random.pick(&served)
    } else {
        context.random.pick(ASKS)
    };
    let has_worker = Scenario::is_served(&offers, service);
    let target = if is_probe { None } else { choose_target(context) };
    let chances = |percent: u32| if is_probe { 0 } else { percent };
    let fail_fast = abilities.is_ours && context.random.percent(chances(scenario.fail_fast));
    let retry = abilities.is_ours && context.random.percent(chances(scenario.retry));
    // Only what will be answered in the end may wait without end.
    let may_wait = abilities.is_ours && has_worker && target.is_none();
    let timeout = match abilities.fixed_timeout {
        Some(timeout) => Timeout::After(timeout),
        None if is_probe => Timeout::After(Duration::from_secs(60)),
        None if may_wait && context.random.percent(20) => Timeout::Never,
        None => Timeout::After(context.random.micros(5_000..=15_000_000)),
    };
    let firm = is_probe || timeout == Timeout::Never;
    let question = Question {
        peer: context.peer,
        service,
        timeout: timeout.duration(),
        retry,
        fail_fast,
        // A broker or client that takes few requests may refuse some.
        must_succeed: is_probe && context.is_roomy,
        is_exact: abilities.is_ours,
    };
    let pad = pad(context);
    let (number, data) = context.ledger.asked(context.now, question, firm, pad);
    let mut options = RequestOptions::default().timeout(timeout).retry(retry).fail_fast(fail_fast);
    if let Some(target) = target {
        options = options.worker_id(target.to_text());
    }
    if context.random.percent(10) {
        options = options.header("traceparent", "00-1-2-03");
    }
    Ask { number, service, data, options, timeout }
}

fn choose_target(context: &mut Context<'_>) -> Option<PeerId> {
    if context.neighbours.is_empty() || !context.random.percent(context.scenario.targeted) {
        return None;
    }
    context.random.pick(context.neighbours).1.clone()
}

/// Ballast of a random size.
pub(super) fn pad(context: &mut Context<'_>) -> String {
    let length = if context.random.percent(5) { 2_000 } else { context.random.number(0..=40) };
    "x".repeat(length as usize)
}
