//! Clients and workers under any sequence of inputs. What must hold is checked after every single one: see `support`.

#[path = "support/steps.rs"]
mod steps;
mod support;

use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_client_ends_every_request_once_whatever_happens(bytes in vec(any::<u8>(), 0..4_096)) {
        steps::run_client(&bytes);
    }

    #[test]
    fn a_worker_answers_live_requests_only_whatever_happens(bytes in vec(any::<u8>(), 0..4_096)) {
        steps::run_worker(&bytes);
    }
}
