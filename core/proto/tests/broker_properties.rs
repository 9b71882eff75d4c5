//! Random sequences of inputs: the broker against a naive model of dispatch, and against noise.
//!
//! The model does not predict which of several workers is selected. It follows the broker's outputs
//! in order, checks each against the rules, and after every input searches all requests and workers
//! for a pair that should have been dispatched.

// The broker scenarios use all of it.
#[allow(dead_code)]
#[path = "broker/world.rs"]
mod world;

#[path = "broker_properties/model.rs"]
mod model;

use pigato_proto::config::BrokerOptions;
use proptest::prelude::*;
use proptest::sample::{select, Index};

use model::{input, Input, Model};
use world::{ms, World};

/// Frames with a meaning in some place of the protocol, and noise. `core/sim/src/hosts/hostile.rs`
/// has a similar list for another purpose; the lists need not agree.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let known = select(vec![
        "C",
        "W",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "8",
        "9",
        "",
        "echo",
        "ech*",
        "*",
        "$dir",
        "name@^1",
        "name@1.0.0",
        "r1",
        "r2",
        "c1",
        "w1",
        "request",
        "worker",
        "0",
        "-1",
        "{}",
        "null",
        "undefined",
        r#"{"timeout":5}"#,
        r#"{"workerId":"w1"}"#,
        r#"{"failFast":1,"timeout":-1}"#,
        r#"{"concurrency":1}"#,
        r#"{"concurrency":-1}"#,
        r#"{"update":1}"#,
        r#"{"cache":100}"#,
        r#"{"persist":1}"#,
        r#"{"persist":1,"timeout":50}"#,
        r#"{"v":1,"caps":["cancel","credit"],"heartbeat":100,"credit":3}"#,
    ]);
    prop_oneof![12 => known.prop_map(|text| text.as_bytes().to_vec()), 1 => any::<Vec<u8>>()]
}

fn noise() -> impl Strategy<Value = (&'static str, Vec<Vec<u8>>, u64)> {
    let kind = select(vec!["C1", "C2", "C4", "C8", "C9", "W1", "W3", "W4", "W5", "W6", "W7"]);
    let begun = (kind, proptest::collection::vec(frame(), 0..7)).prop_map(|(kind, rest)| {
        let kind = kind.as_bytes();
        [vec![kind[..1].to_vec(), kind[1..].to_vec()], rest].concat()
    });
    let any_frames = proptest::collection::vec(frame(), 0..8);
    let message = prop_oneof![4 => begun, 1 => any_frames];
    let pause = prop_oneof![4 => Just(0), 1 => 0..5_000_u64];
    (select(vec!["c1", "c2", "w1", "w2"]), message, pause)
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn the_broker_keeps_its_rules(inputs in proptest::collection::vec(input(), 1..120), drain_after in any::<Index>()) {
        let mut model = Model::new();
        let drain_at = drain_after.index(2 * inputs.len());
        for (step, input) in inputs.iter().enumerate() {
            if step == drain_at {
                model.apply(&Input::Drain { millis: 5_000 });
            }
            model.apply(input);
        }
        model.apply(&Input::Drain { millis: 1_000 });
        model.apply(&Input::Advance { millis: 1_000 });
        assert!(model.requests.is_empty(), "every request has ended");
        assert!(model.workers.is_empty(), "every worker was disconnected");
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn the_broker_survives_noise_and_keeps_no_state_of_it(messages in proptest::collection::vec(noise(), 1..100)) {
        let mut world = World::persistent(BrokerOptions::default());
        for (peer, frames, pause) in messages {
            world.send_frames(peer, frames);
            world.advance(ms(pause));
        }
    }
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn the_broker_survives_any_text_after_the_at_sign(
        offers in proptest::collection::vec("[0-9xX*^~<>=|& .\\-+a-zé@]{0,24}", 1..4),
        asks in proptest::collection::vec("[0-9xX*^~<>=|& .\\-+a-zé@]{0,24}", 1..4),
    ) {
        let mut world = World::new();
        for (number, offer) in offers.iter().enumerate() {
            world.send_frames(format!("w{number}"), ["W", "1", &format!("name@{offer}")]);
        }
        for (number, ask) in asks.iter().enumerate() {
            world.send_frames("c1", ["C", "2", &format!("name@{ask}"), &format!("r{number}"), "1", "{}"]);
        }
    }
}
