//! Pauses between attempts to connect.

use std::time::Duration;

use pigato_proto::config::ClientOptions;
use pigato_proto::limits;

use super::support::ms;
use super::world::{World, ANSWER};

/// Asserts a pause of `full` less up to 25 % jitter, which keeps clients from reconnecting in
/// lockstep.
fn assert_jittered(pause: Duration, full: Duration) {
    assert!(pause <= full && pause > full - full / 4, "{pause:?} is not about {full:?}");
}

/// The pause until the next attempt to connect, which then starts.
fn pause(world: &mut World) -> Duration {
    let before = world.owner.elapsed();
    let pause = world.owner.next_deadline().expect("another attempt") - before;
    world.did();
    world.advance(pause.saturating_sub(Duration::from_nanos(1)));
    assert!(pause.is_zero() || world.did().is_empty());
    world.advance(before + pause - world.owner.elapsed());
    assert_eq!(world.did(), ["connect"]);
    pause
}

#[test]
fn pauses_double_up_to_30_seconds() {
    let mut world = World::new(ClientOptions::default());
    world.start();
    for seconds in [1, 2, 4, 8, 16, 30, 30, 30] {
        world.connect_failed();
        assert_jittered(pause(&mut world), Duration::from_secs(seconds));
    }
}

#[test]
fn the_first_pause_is_the_setting() {
    let mut world = World::new(ClientOptions::default().reconnect(ms(50)));
    world.start();
    for millis in [50, 100, 200, 400] {
        world.connect_failed();
        assert_jittered(pause(&mut world), ms(millis));
    }
}

#[test]
fn a_setting_above_the_limit_does_not_grow() {
    let full = limits::RECONNECT * 2;
    let mut world = World::new(ClientOptions::default().reconnect(full));
    world.start();
    for _ in 0..3 {
        world.connect_failed();
        assert_jittered(pause(&mut world), full);
    }
}

#[test]
fn pauses_differ_between_clients() {
    let mut world = World::new(ClientOptions::default());
    world.start();
    let mut pauses = Vec::new();
    for _ in 0..20 {
        world.connect_failed();
        pauses.push(pause(&mut world));
    }
    pauses.drain(..6);
    pauses.sort_unstable();
    pauses.dedup();
    assert!(pauses.len() > 5, "clients that were disconnected together reconnect in lockstep: {pauses:?}");
}

#[test]
fn there_is_no_pause_after_a_connection_that_lasted() {
    let mut world = World::new(ClientOptions::default());
    world.start();
    for _ in 0..3 {
        world.connect_failed();
        pause(&mut world);
    }
    world.connected();
    world.broker_answers(ANSWER);
    world.advance(ms(1_000));
    world.lost();
    assert_eq!(pause(&mut world), Duration::ZERO);
    world.connect_failed();
    assert_jittered(pause(&mut world), ms(1_000));
}

#[test]
fn a_connection_that_did_not_last_counts_as_a_failure() {
    let mut world = World::alive();
    world.advance(ms(999));
    world.lost();
    assert_jittered(pause(&mut world), ms(1_000));
    world.connected();
    world.lost();
    assert_jittered(pause(&mut world), ms(2_000));
}

#[test]
fn a_silent_broker_counts_as_a_failure() {
    let mut world = World::up();
    world.advance(ms(7_500));
    assert_jittered(pause(&mut world), ms(1_000));
    world.connected();
    world.did();
    world.advance(ms(7_500));
    assert_jittered(pause(&mut world), ms(2_000));
}

#[test]
fn a_restarted_client_begins_with_the_first_pause() {
    let mut world = World::new(ClientOptions::default());
    world.start();
    for _ in 0..5 {
        world.connect_failed();
        pause(&mut world);
    }
    world.stop();
    world.start();
    world.connect_failed();
    assert_jittered(pause(&mut world), ms(1_000));
}

#[test]
fn an_unexpected_failure_changes_nothing() {
    let mut world = World::new(ClientOptions::default());
    world.connect_failed();
    assert_eq!(world.owner.next_deadline(), None);
    world.start();
    world.connect_failed();
    let next = world.owner.next_deadline();
    world.connect_failed();
    assert_eq!(world.owner.next_deadline(), next);
}
