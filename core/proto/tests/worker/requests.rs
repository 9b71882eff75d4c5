//! The event that the user gets for a request.

use pigato_proto::config::Timeout;
use pigato_proto::worker::{Event, IncomingRequest, Output};

use super::support::{frames, ms};
use super::world::World;

fn request(world: &mut World, message: &str) -> IncomingRequest {
    match world.owner.receive(frames(message)).pop() {
        Some(Output::Event(Event::Request(request))) => *request,
        other => panic!("a request was expected, not {other:?}"),
    }
}

#[test]
fn a_version_1_broker_adds_metadata() {
    let mut world = World::alive();
    let request = request(&mut world, r#"W|2|c1|ech*||r1|{"a":1}|{"x":2}|{"remaining":1500,"attempt":3,"credit":8}"#);
    assert_eq!(request.client.as_bytes(), b"c1");
    assert_eq!(request.service.as_bytes(), b"ech*");
    assert_eq!(request.id.as_bytes(), b"r1");
    assert_eq!(request.data, r#"{"a":1}"#);
    assert_eq!(request.options, r#"{"x":2}"#);
    assert_eq!(request.remaining, Some(Timeout::After(ms(1_500))));
    assert_eq!(request.attempt, 3);
    assert_eq!(request.credit, Some(8));
}

#[test]
fn missing_metadata_means_no_limit() {
    let mut world = World::alive();
    let request = request(&mut world, r#"W|2|c1|echo||r1|1|{}|{"remaining":-1,"attempt":1}"#);
    assert_eq!(request.remaining, Some(Timeout::Never));
    assert_eq!(request.credit, None);
}

#[test]
fn the_clients_extra_frames_precede_the_metadata() {
    let mut world = World::alive();
    let metadata = r#"{"remaining":7,"attempt":2}"#;
    let request = request(&mut world, &format!(r#"W|2|c1|echo||r1|1|{{}}|{{"remaining":1}}|{metadata}"#));
    assert_eq!(request.remaining, Some(Timeout::After(ms(7))));
    assert_eq!(request.attempt, 2);
}

#[test]
fn all_extra_frames_from_a_published_broker_are_the_clients() {
    let mut world = World::published();
    let request = request(&mut world, r#"W|2|c1|echo||r1|1|{}|{"remaining":1500,"attempt":3,"credit":0}"#);
    assert_eq!(request.remaining, None);
    assert_eq!(request.attempt, 1);
    assert_eq!(request.credit, None);
    assert!(world.partial(request.number, "1"));
    assert_eq!(world.did(), ["W|6|c1||r1|0|1|{}"]);
}

#[test]
fn the_former_brokers_version_does_not_apply() {
    let mut world = World::alive();
    world.lost();
    world.reconnect();
    world.receive("W|1");
    let request = request(&mut world, r#"W|2|c1|echo||r1|1|{}|{"remaining":1500,"attempt":3}"#);
    assert_eq!(request.remaining, None);
}

#[test]
fn missing_frames_are_filled_in() {
    let mut world = World::published();
    world.receive("W|2|c1|echo||r1");
    world.receive("W|2|c1|echo||r2|5");
    assert_eq!(world.did(), ["1 request c1 echo r1 null {}", "2 request c1 echo r2 5 {}"]);
}

#[test]
fn one_id_of_two_clients_is_two_requests() {
    let mut world = World::published();
    world.receive("W|2|c1|echo||r1|1|{}");
    world.receive("W|2|c2|echo||r1|2|{}");
    world.did();
    assert!(world.reply(2, "b"));
    assert!(world.reply(1, "a"));
    assert_eq!(world.did(), ["W|3|c2||r1|0|b|{}", "W|3|c1||r1|0|a|{}"]);
}
