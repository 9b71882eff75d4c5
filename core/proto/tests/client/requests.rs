//! The frames of a request, and when it is sent.

use pigato_proto::config::{ClientOptions, Codec, RequestOptions, Timeout};

use super::support::ms;
use super::world::{World, HELLO};

#[test]
fn a_request_has_six_frames_and_options_with_timeout_and_retry() {
    let mut world = World::up();
    world.request(1);
    assert_eq!(world.did(), [r#"C|2|echo|r1|1|{"timeout":60000,"retry":0}"#]);
}

#[test]
fn the_requests_options_override_the_clients() {
    let mut world = World::up_with(ClientOptions::default().timeout(ms(500)).retry(true));
    world.request(1);
    world.request_with(2, &RequestOptions::default().timeout(Timeout::Never).retry(false));
    let expected = [r#"C|2|echo|r1|1|{"timeout":500,"retry":1}"#, r#"C|2|echo|r2|2|{"timeout":-1,"retry":0}"#];
    assert_eq!(world.did(), expected);
}

#[test]
fn other_options_and_headers_follow() {
    let mut world = World::up();
    let options = RequestOptions::default().worker_id("w1").no_cache(true).fail_fast(true).codec(Codec::Raw);
    world.request_with(1, &options.header("tenant", 7).header("timeout", 1));
    let json = r#"{"timeout":60000,"retry":0,"workerId":"w1","nocache":true,"failFast":true,"codec":"raw","tenant":7}"#;
    assert_eq!(world.did(), [format!("C|2|echo|r1|1|{json}")]);
}

#[test]
fn each_request_has_its_own_options() {
    let mut world = World::up();
    let short = RequestOptions::default().timeout(ms(5));
    let raw = RequestOptions::default().codec(Codec::Raw);
    let plain = RequestOptions::default();
    let retried = RequestOptions::default().retry(true);
    for (number, options) in (1..).zip([&plain, &short, &plain, &raw, &plain, &retried, &plain, &plain]) {
        world.request_with(number, options);
    }
    let sent = world.did();
    let sent: Vec<_> = sent.iter().map(|line| &line[line.find('{').expect("options")..]).collect();
    let [plain, short, raw, retried] = [
        r#"{"timeout":60000,"retry":0}"#,
        r#"{"timeout":5,"retry":0}"#,
        r#"{"timeout":60000,"retry":0,"codec":"raw"}"#,
        r#"{"timeout":60000,"retry":1}"#,
    ];
    assert_eq!(sent, [plain, short, plain, raw, plain, retried, plain, plain]);
}

#[test]
fn ids_are_32_hexadecimal_digits_and_differ() {
    let mut world = World::up();
    for number in 1..=100 {
        world.request(number);
    }
    let mut ids: Vec<_> = world.owner.ledger.ids.values().collect();
    assert!(ids.iter().all(|id| id.as_bytes().len() == 32 && id.as_bytes().iter().all(u8::is_ascii_hexdigit)));
    ids.dedup();
    assert_eq!(ids.len(), 100);
}

#[test]
fn requests_made_before_the_connection_is_up_follow_the_hello_in_order() {
    let mut world = World::new(ClientOptions::default());
    world.start();
    // Request numbers are chosen by the user; their order has no meaning.
    for number in [3, 1, 2] {
        world.request(number);
    }
    assert_eq!(world.did(), ["connect"]);
    world.connected();
    let opts = r#"{"timeout":60000,"retry":0}"#;
    let request = |number| format!("C|2|echo|r{number}|{number}|{opts}");
    assert_eq!(world.did(), [HELLO.to_owned(), request(3), request(1), request(2)]);
}

#[test]
fn requests_do_not_wait_for_the_brokers_answer() {
    let mut world = World::up();
    world.request(1);
    assert_eq!(world.did().len(), 1);
}

#[test]
fn a_request_number_can_be_reused_after_its_request_has_ended() {
    let mut world = World::new(ClientOptions::default());
    world.start();
    world.request(1);
    world.request(2);
    world.cancel(1);
    let _ = world.owner.request(1, "again", &RequestOptions::default());
    world.did();
    world.connected();
    let sent = world.did();
    assert_eq!(sent.len(), 3);
    assert!(sent[1].starts_with("C|2|echo|r2|2|"));
    assert!(sent[2].starts_with("C|2|echo|ragain|again|"));
}
