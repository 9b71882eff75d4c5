//! `C_BUSY`: the client has reached its limit of pending requests or bytes.

use pigato_proto::config::ClientOptions;

use super::world::World;

fn full(options: ClientOptions) -> World {
    let mut world = World::alive_with(options);
    world.request(1);
    world.request(2);
    world.did();
    world.request(3);
    assert_eq!(world.did(), ["3 failed C_BUSY"]);
    assert_eq!(world.owner.machine.unanswered(), 2);
    world
}

fn has_room_for(mut world: World, number: u64) {
    world.did();
    world.request(number);
    assert!(world.did()[0].starts_with("C|2|echo|"));
}

#[test]
fn the_number_of_pending_requests_is_limited() {
    let mut world = full(ClientOptions::default().max_requests(2_usize));
    world.receive("C|3||r1|0|1|{}");
    has_room_for(world, 4);
}

#[test]
fn the_bytes_of_pending_requests_are_limited() {
    // The name and 1 digit of data per request.
    let mut world = full(ClientOptions::default().max_request_bytes(10_usize));
    world.receive("C|3||r1|0|1|{}");
    has_room_for(world, 4);
}

#[test]
fn a_cancelled_request_makes_room() {
    let mut world = full(ClientOptions::default().max_request_bytes(10_usize));
    world.cancel(2);
    has_room_for(world, 4);
}

#[test]
fn a_lost_request_makes_room() {
    let mut world = full(ClientOptions::default().max_requests(2_usize));
    world.lost();
    world.reconnect();
    has_room_for(world, 4);
}

#[test]
fn requests_that_wait_for_a_connection_count() {
    let mut world = World::new(ClientOptions::default().max_requests(1_usize));
    world.start();
    world.request(1);
    world.did();
    world.request(2);
    assert_eq!(world.did(), ["2 failed C_BUSY"]);
}
