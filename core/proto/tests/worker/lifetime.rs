//! Start and stop.

use pigato_proto::config::WorkerOptions;

use super::support::ms;
use super::world::{World, ANSWER, HEARTBEAT, READY};

#[test]
fn stopping_sends_a_disconnect_and_cancels_live_requests() {
    let mut world = World::alive();
    world.request("r1");
    world.request("r2");
    world.stop();
    let expected = ["W|5", "disconnect", "1 cancelled: stopped", "2 cancelled: stopped", "disconnected", "stopped"];
    assert_eq!(world.did(), expected);
}

#[test]
fn no_output_follows_a_stop() {
    let mut world = World::alive();
    world.request("r1");
    world.stop();
    world.did();
    world.receive("W|5");
    world.receive("W|2|c1|echo||r2|1|{}");
    world.connected();
    world.lost();
    world.connect_failed();
    world.input(|machine| machine.heartbeat(true));
    assert!(!world.reply(1, "1"));
    world.advance(ms(100_000));
    world.stop();
    assert!(world.did().is_empty());
    assert_eq!(world.owner.next_deadline(), None);
}

#[test]
fn stopping_gives_up_a_connection_that_is_not_up() {
    let mut world = World::new(WorkerOptions::default());
    world.start();
    world.stop();
    assert_eq!(world.did(), ["connect", "disconnect", "stopped"]);
}

#[test]
fn a_worker_that_was_never_connected_reports_no_disconnect() {
    let mut world = World::up();
    world.stop();
    assert_eq!(world.did(), ["W|5", "disconnect", "stopped"]);
}

#[test]
fn stopping_between_two_connections_closes_none() {
    let mut world = World::alive();
    world.lost();
    world.did();
    world.stop();
    assert_eq!(world.did(), ["stopped"]);
}

#[test]
fn a_stopped_worker_can_be_started_again() {
    let mut world = World::alive();
    world.request("r1");
    world.stop();
    world.did();
    world.start();
    world.start();
    world.connected();
    world.receive(ANSWER);
    assert_eq!(world.did(), ["connect", READY, HEARTBEAT, "connected"]);
    assert!(!world.reply(1, "late"));
    assert!(world.did().is_empty());
}
