//! Which workers may receive which request: a naive implementation of the protocol document,
//! against which the broker's indexes are checked. Versions are a table, so that no code is shared
//! with the broker.

use std::collections::BTreeSet;

use pigato_proto::broker::inspect::{WaitingView, WorkerView};

/// The version ranges of the simulation, and the offered versions that satisfy them.
const RANGES: &[(&str, &[&str])] = &[
    ("^1.2.0", &["1.2.0", "1.4.2"]),
    ("1.x", &["1.2.0", "1.4.2"]),
    ("*", &["1.2.0", "1.4.2", "2.0.0"]),
    (">=1.3.0", &["1.4.2", "2.0.0"]),
    ("2.0.0", &["2.0.0"]),
    ("1.2.0", &["1.2.0"]),
];

/// The offered names whose workers may receive a request for the name `requested`.
pub(crate) fn serving<'a>(offers: impl Iterator<Item = &'a str>, requested: &str) -> BTreeSet<&'a str> {
    let offers: BTreeSet<&str> = offers.collect();
    if let Some(exact) = offers.get(requested) {
        return BTreeSet::from([*exact]);
    }
    let covering: BTreeSet<&str> = offers.into_iter().filter(|offer| covers(offer, requested)).collect();
    if requested.contains('@') {
        return covering;
    }
    covering.into_iter().max_by_key(|offer| offer.len()).into_iter().collect()
}

/// Whether a request for one name may target a worker that offers another.
fn covers(offer: &str, requested: &str) -> bool {
    if offer == requested {
        return true;
    }
    if let Some((base, range)) = requested.rsplit_once('@') {
        let Some((offered_base, version)) = offer.rsplit_once('@') else { return false };
        let satisfying = RANGES.iter().find(|(text, _)| *text == range).map_or(&[][..], |(_, versions)| versions);
        return base == offered_base && satisfying.contains(&version);
    }
    match offer.strip_suffix('*') {
        Some(prefix) => !requested.starts_with('$') && !offer.contains('@') && requested.starts_with(prefix),
        None => false,
    }
}

/// A free worker and a waiting request that matches it, if there are any.
pub(crate) fn idle_pair<'a>(
    workers: &'a [WorkerView],
    waiting: &'a [WaitingView],
) -> Option<(&'a WorkerView, &'a WaitingView)> {
    let is_free = |worker: &WorkerView| worker.concurrency.has_room(worker.in_flight);
    let offers: Vec<String> = workers.iter().map(|worker| worker.service.to_text()).collect();
    waiting.iter().find_map(|request| {
        let requested = request.service.to_text();
        let serving = serving(offers.iter().map(String::as_str), &requested);
        let mut candidates = workers.iter().zip(&offers).filter(|(worker, offer)| {
            let is_eligible = match &request.worker_id {
                Some(id) => worker.peer.to_text() == *id && covers(offer, &requested),
                None => serving.contains(offer.as_str()),
            };
            is_eligible && is_free(worker) && !request.rejected_by.contains(&worker.peer)
        });
        candidates.next().map(|(worker, _)| (worker, request))
    })
}

#[cfg(test)]
mod tests {
    use pigato_proto::config::Concurrency;
    use pigato_proto::protocol::{Frame, PeerId, RequestId, ServiceName};

    use super::*;

    fn serving_list(offers: &[&'static str], requested: &str) -> Vec<&'static str> {
        serving(offers.iter().copied(), requested).into_iter().collect()
    }

    #[test]
    fn names_match_the_workers_that_serve_them() {
        assert_eq!(serving_list(&["echo", "ech*"], "echo"), ["echo"]);
        assert_eq!(serving_list(&["e*", "ech*", "f*"], "echo"), ["ech*"]);
        assert_eq!(
            serving_list(&["math@1.2.0", "math@1.4.2", "math@2.0.0"], "math@^1.2.0"),
            ["math@1.2.0", "math@1.4.2"]
        );
        assert_eq!(serving_list(&["m*"], "math@^1.2.0"), [""; 0]);
        assert_eq!(serving_list(&["*"], "$core"), [""; 0]);
    }

    #[test]
    fn a_free_worker_beside_a_waiting_request_is_noticed() {
        let mut workers = vec![WorkerView {
            peer: PeerId::new(Frame::from("w")),
            service: ServiceName::new(Frame::from("e*")).expect("a name"),
            concurrency: Concurrency::Limited(1),
            in_flight: 1,
        }];
        let mut waiting = vec![WaitingView {
            id: RequestId::new(Frame::from("r")).expect("an id"),
            service: ServiceName::new(Frame::from("echo")).expect("a name"),
            worker_id: None,
            rejected_by: Vec::new(),
        }];
        assert!(idle_pair(&workers, &waiting).is_none());
        workers[0].in_flight = 0;
        assert!(idle_pair(&workers, &waiting).is_some());
        waiting[0].rejected_by = vec![workers[0].peer.clone()];
        assert!(idle_pair(&workers, &waiting).is_none());
    }
}
