//! Random requests within the limits of the scenario.

use std::time::Duration;

use pigato_proto::config::{RequestOptions, Timeout};
use pigato_proto::protocol::{Frame, PeerId};

use super::{Context, Phase};
use crate::oracle::ledger::{RequestIndex, RequestSpec};
use crate::scenario::{Scenario, REQUESTED_NAMES};

/// A request about to be made.
pub(super) struct NewRequest {
    pub(super) index: RequestIndex,
    pub(super) service: &'static str,
    pub(super) data: Frame,
    pub(super) options: RequestOptions,
    pub(super) timeout: Timeout,
}

/// What the requesting client supports.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Abilities {
    /// It can wait forever, resend after a lost connection, and has exact timers.
    pub(super) is_ours: bool,
    /// The only timeout it can use.
    pub(super) fixed_timeout: Option<Duration>,
}

/// Creates a random request and enters it in the ledger.
pub(super) fn random_request(context: &mut Context<'_>, abilities: Abilities) -> NewRequest {
    let scenario = context.scenario;
    let offers: Vec<&str> = context.neighbours.iter().map(|(service, _)| *service).collect();
    let is_probe = context.phase >= Phase::Probing;
    let served: Vec<&'static str> =
        REQUESTED_NAMES.iter().copied().filter(|name| Scenario::is_served(&offers, name)).collect();
    let request_an_offered_name = served.is_empty() || context.random.percent(20);
    let service = if request_an_offered_name && is_probe {
        // The name of a wildcard itself can be requested like any other name.
        context.random.pick(context.neighbours).0
    } else if is_probe || context.random.percent(85) && !served.is_empty() {
        context.random.pick(&served)
    } else {
        context.random.pick(REQUESTED_NAMES)
    };
    let has_worker = Scenario::is_served(&offers, service);
    let target = if is_probe { None } else { choose_target(context) };
    let chances = |percent: u32| if is_probe { 0 } else { percent };
    let fail_fast = abilities.is_ours && context.random.percent(chances(scenario.fail_fast));
    let retry = abilities.is_ours && context.random.percent(chances(scenario.retry));
    // Only a request that will be answered in the end may wait forever.
    let may_wait = abilities.is_ours && has_worker && target.is_none();
    let timeout = match abilities.fixed_timeout {
        Some(timeout) => Timeout::After(timeout),
        None if is_probe => Timeout::After(Duration::from_secs(60)),
        None if may_wait && context.random.percent(20) => Timeout::Never,
        None => Timeout::After(context.random.micros(5_000..=15_000_000)),
    };
    let firm = is_probe || timeout == Timeout::Never;
    let spec = RequestSpec {
        peer: context.peer,
        service,
        timeout: timeout.duration(),
        retry,
        fail_fast,
        // A broker or client with a low limit may refuse some requests.
        must_succeed: is_probe && context.broker_has_room,
        is_exact: abilities.is_ours,
    };
    let pad = pad(context);
    let (index, data) = context.ledger.requested(context.now, spec, firm, pad);
    let mut options = RequestOptions::default().timeout(timeout).retry(retry).fail_fast(fail_fast);
    if let Some(target) = target {
        options = options.worker_id(target.to_text());
    }
    if context.random.percent(10) {
        options = options.header("traceparent", "00-1-2-03");
    }
    NewRequest { index, service, data, options, timeout }
}

fn choose_target(context: &mut Context<'_>) -> Option<PeerId> {
    if context.neighbours.is_empty() || !context.random.percent(context.scenario.targeted) {
        return None;
    }
    context.random.pick(context.neighbours).1.clone()
}

/// Filler of a random length.
pub(super) fn pad(context: &mut Context<'_>) -> String {
    let length = if context.random.percent(5) { 2_000 } else { context.random.number(0..=40) };
    "x".repeat(length as usize)
}
