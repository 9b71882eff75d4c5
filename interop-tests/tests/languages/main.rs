//! Clients and workers of every language with those of every other, through our broker and the published one, live over
//! TCP. Each pair of languages is a module with the same tests.

#[path = "../../../core/tests/sockets/serve.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod serve;
#[path = "../../../core/tests/sockets/wait.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod wait;

mod cases;
mod pair;
mod published_broker;

use pair::{Pair, C, GO, PUBLISHED};

/// The tests for one client's and one worker's language.
macro_rules! pair {
    ($module:ident: $client:ident, $worker:ident; $($case:ident)+) => {
        mod $module {
            use super::{cases, Pair};

            const PAIR: Pair = Pair { client: super::$client, worker: super::$worker };

            $(
                #[test]
                fn $case() {
                    cases::$case(&PAIR);
                }
            )+
        }
    };
}

/// A pair of languages that both have all of PIGATO.
macro_rules! own_pair {
    ($module:ident: $client:ident, $worker:ident) => {
        pair! { $module: $client, $worker;
            data_of_every_kind_comes_back
            a_thousand_partial_replies_arrive_in_order
            errors_arrive_as_they_were_sent
            a_rejected_request_goes_to_the_other_worker
            a_request_times_out
            a_cancelled_request_is_cancelled_at_the_worker
            ten_thousand_concurrent_requests_are_answered
            sixteen_mebibytes_come_back
            all_bytes_pass_unharmed
            a_killed_worker_costs_no_request_with_retry
        }
    };
}

/// A pair with the published package, which knows neither cancellation nor raw bytes.
macro_rules! published_pair {
    ($module:ident: $client:ident, $worker:ident) => {
        pair! { $module: $client, $worker;
            data_of_every_kind_comes_back
            a_thousand_partial_replies_arrive_in_order
            errors_arrive_as_they_were_sent
            a_rejected_request_goes_to_the_other_worker
            a_request_times_out
            ten_thousand_concurrent_requests_are_answered
            sixteen_mebibytes_come_back
            a_killed_worker_costs_no_request_with_retry
        }
    };
}

own_pair! { c_to_go: C, GO }
own_pair! { go_to_c: GO, C }
own_pair! { c_to_c: C, C }
own_pair! { go_to_go: GO, GO }
published_pair! { published_to_c: PUBLISHED, C }
published_pair! { published_to_go: PUBLISHED, GO }
published_pair! { c_to_published: C, PUBLISHED }
published_pair! { go_to_published: GO, PUBLISHED }
