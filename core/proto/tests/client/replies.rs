//! Partial replies and the final reply.

use pigato_proto::config::ClientOptions;

use super::world::{World, HELLO};

#[test]
fn partial_replies_arrive_in_order_and_the_final_one_ends_the_request() {
    let mut world = World::alive();
    world.request(1);
    world.did();
    world.receive("C|6||r1|0|1|{}");
    world.receive("C|6||r1|0|2|{}");
    world.receive("C|3||r1|0|3|{}");
    assert_eq!(world.did(), ["1 partial 0|1|{}", "1 partial 0|2|{}", "1 final 0|3|{}"]);
    assert_eq!(world.owner.machine.unanswered(), 0);
}

#[test]
fn a_final_reply_with_status_minus_one_ends_the_request() {
    let mut world = World::alive();
    world.request(1);
    world.did();
    world.receive(r#"C|3||r1|-1|"broken"|{}"#);
    assert_eq!(world.did(), [r#"1 final -1|"broken"|{}"#]);
}

#[test]
fn a_partial_reply_with_status_minus_one_does_not_end_the_request() {
    let mut world = World::alive();
    world.request(1);
    world.did();
    world.receive(r#"C|6||r1|-1|"broken"|{}"#);
    world.receive("C|3||r1|0|1|{}");
    assert_eq!(world.did(), [r#"1 partial -1|"broken"|{}"#, "1 final 0|1|{}"]);
}

#[test]
fn missing_frames_are_filled_in_and_extra_frames_are_kept() {
    let mut world = World::alive();
    for number in 1..=3 {
        world.request(number);
    }
    world.did();
    world.receive("C|3||r1");
    world.receive("C|3||r2|0|7");
    world.receive("C|3||r3|0|7|{}|more|frames");
    assert_eq!(world.did(), ["1 final 0|null", "2 final 0|7", "3 final 0|7|{}|more|frames"]);
}

#[test]
fn replies_match_their_requests_in_any_order() {
    let mut world = World::alive();
    for number in 1..=3 {
        world.request(number);
    }
    world.did();
    world.receive("C|3||r3|0|c|{}");
    world.receive("C|3||r1|0|a|{}");
    world.receive("C|3||r2|0|b|{}");
    assert_eq!(world.did(), ["3 final 0|c|{}", "1 final 0|a|{}", "2 final 0|b|{}"]);
}

#[test]
fn a_reply_is_a_sign_of_life() {
    let mut world = World::up();
    world.request(1);
    world.did();
    world.receive("C|3||r1|0|1|{}");
    assert_eq!(world.did(), ["connected", "1 final 0|1|{}"]);
}

#[test]
fn replies_between_two_connections_are_ignored() {
    let mut world = World::alive_with(ClientOptions::default().retry(true));
    world.request(1);
    world.lost();
    world.did();
    world.receive("C|3||r1|0|1|{}");
    assert!(world.did().is_empty());
    world.reconnect();
    assert_eq!(world.did(), ["connect", HELLO, r#"C|2|echo|r1|1|{"timeout":60000,"retry":1}"#]);
}
