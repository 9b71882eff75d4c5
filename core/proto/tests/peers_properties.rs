//! Clients and workers under any sequence of inputs. `support` checks the invariants after every
//! input.

#[path = "support/steps.rs"]
mod steps;
mod support;

use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_client_ends_every_request_exactly_once_under_any_inputs(bytes in vec(any::<u8>(), 0..4_096)) {
        steps::run_client(&bytes);
    }

    #[test]
    fn a_worker_replies_only_to_live_requests_under_any_inputs(bytes in vec(any::<u8>(), 0..4_096)) {
        steps::run_worker(&bytes);
    }
}
