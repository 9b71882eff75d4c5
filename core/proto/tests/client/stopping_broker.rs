//! A stopping broker returns requests with `B_DRAINING`.

use pigato_proto::config::RequestOptions;

use super::support::ms;
use super::world::{World, HELLO};

const DRAINING: &str = r#"C|3||r1|-1|"B_DRAINING"|{"origin":"broker","message":"stopping"}"#;

fn with_retry() -> World {
    let mut world = World::alive();
    world.request_with(1, &RequestOptions::default().retry(true).timeout(ms(5_000)));
    world.did();
    world
}

#[test]
fn a_request_without_retry_ends() {
    let mut world = World::alive();
    world.request(1);
    world.did();
    world.receive(DRAINING);
    assert_eq!(world.did(), [r#"1 final -1|"B_DRAINING"|{"origin":"broker","message":"stopping"}"#]);
}

#[test]
fn a_request_with_retry_goes_to_the_next_broker() {
    let mut world = with_retry();
    world.receive(DRAINING);
    world.lost();
    assert_eq!(world.did(), ["disconnect", "disconnected"]);
    world.reconnect();
    assert_eq!(world.did(), ["connect", HELLO, r#"C|2|echo|r1|1|{"timeout":5000,"retry":1}"#]);
}

#[test]
fn a_request_with_retry_waits_until_its_timeout() {
    let mut world = with_retry();
    world.receive(DRAINING);
    world.advance(ms(4_999));
    assert!(!world.did().contains(&"1 failed C_TIMEOUT".to_owned()));
    world.advance(ms(1));
    assert!(world.did().contains(&"1 failed C_TIMEOUT".to_owned()));
}

#[test]
fn a_workers_error_with_the_same_text_ends_the_request() {
    for reply in [r#"C|3||r1|-1|"B_DRAINING"|{}"#, r#"C|3||r1|0|"B_DRAINING"|{"origin":"broker"}"#] {
        let mut world = with_retry();
        world.receive(reply);
        assert_eq!(world.owner.machine.unanswered(), 0, "{reply}");
    }
}
