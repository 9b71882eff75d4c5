//! A request with a long timeout waits that long.

use super::world::{ms, World};

const TEN_MINUTES: u64 = 600_000;

#[test]
fn a_request_without_a_timeout_is_served_after_ten_minutes() {
    let mut world = World::new();
    world.request_with("c1", "echo", "r1", r#"{"timeout":-1}"#);
    world.advance(ms(TEN_MINUTES));
    world.worker("w1", "echo");
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
}

#[test]
fn a_request_with_a_longer_timeout_is_served_after_ten_minutes() {
    let mut world = World::new();
    world.request_with("c1", "echo", "r1", r#"{"timeout":600001}"#);
    world.request_with("c1", "echo", "r2", r#"{"timeout":600000}"#);
    world.advance(ms(TEN_MINUTES));
    assert_eq!(world.elapsed(), ms(TEN_MINUTES));
    world.worker("w1", "echo");
    assert_eq!(world.jobs("w1"), ["r1"]);
}

#[test]
fn a_worker_may_work_for_ten_minutes() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request_with("c1", "echo", "r1", r#"{"timeout":-1}"#);
    world.advance_with(ms(TEN_MINUTES), ["w1"]);
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
}
