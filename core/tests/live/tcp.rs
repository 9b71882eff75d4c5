//! Connections of our own making: who may connect, and how a broker is found.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use pigato::{Broker, Client, Worker};

use crate::frames;
use crate::support::raw::{text, Raw};
use crate::support::serve::{broker, broker_at, serve_echo};
use crate::support::wait::{finishes, within, WAIT_TIMEOUT};

fn address_of(broker: &Broker) -> &str {
    broker.endpoint().strip_prefix("tcp://").expect("TCP")
}

fn port_of(broker: &Broker) -> &str {
    broker.endpoint().rsplit_once(':').expect("a port").1
}

fn assert_answers(endpoint: &str) {
    let client = Client::connect(endpoint).unwrap();
    let answer: String = within("the reply", client.call("echo", "hello")).unwrap();
    assert_eq!(answer, "hello");
}

#[test]
fn who_speaks_something_else_is_hung_up_on() {
    let broker = broker();
    let mut stranger = TcpStream::connect(address_of(&broker)).unwrap();
    stranger.set_read_timeout(Some(WAIT_TIMEOUT)).unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut heard = Vec::new();
    // All that a broker says before it knows better, and then the end, with or without an error.
    let _ = stranger.read_to_end(&mut heard);
    assert_eq!(heard.len(), 11);
}

#[test]
fn half_a_greeting_holds_nobody_up() {
    let broker = broker();
    let mut half = TcpStream::connect(address_of(&broker)).unwrap();
    half.write_all(&[0xff, 0, 0]).unwrap();
    let _worker = serve_echo(broker.endpoint(), "echo");
    assert_answers(broker.endpoint());
    within("the broker stops", broker.stop());
}

#[test]
fn a_broker_is_found_by_the_name_of_its_machine() {
    let broker = broker_at("tcp://*:*");
    let endpoint = format!("tcp://localhost:{}", port_of(&broker));
    let _worker = serve_echo(&endpoint, "echo");
    assert_answers(&endpoint);
}

#[test]
fn both_families_of_addresses_reach_a_broker_that_listens_everywhere() {
    let broker = broker_at("tcp://*:*");
    let _worker = serve_echo(&format!("tcp://127.0.0.1:{}", port_of(&broker)), "echo");
    for host in ["127.0.0.1", "[::1]"] {
        assert_answers(&format!("tcp://{host}:{}", port_of(&broker)));
    }
}

#[test]
fn nothing_hangs_on_a_name_that_nobody_has() {
    let client = Client::connect("tcp://nobody.invalid:5555").unwrap();
    let worker = Worker::connect("tcp://nobody.invalid:5555", "echo").unwrap();
    let outcome = within("the timeout", client.request("echo", &()).timeout(Duration::from_millis(200)).send());
    assert!(outcome.is_err());
    finishes("both stop", move || {
        client.stop_blocking();
        worker.stop_blocking();
    });
}

#[test]
fn who_connects_again_under_the_same_identity_takes_the_place_of_the_first() {
    let broker = broker();
    let first = Raw::dealer(broker.endpoint(), "same");
    first.send(frames!["W", "1", "work"]);
    assert_eq!(text(&first.receive()), ["W", "1"]);
    let second = Raw::dealer(broker.endpoint(), "same");
    second.send(frames!["W", "1", "work"]);
    assert_eq!(text(&second.receive()), ["W", "1"]);
    let client = Client::connect(broker.endpoint()).unwrap();
    let _response = client.request("work", &1).send();
    second.receive_where(|message| message[1] == b"2");
}

#[test]
fn peers_of_libzmq_that_ask_for_a_sign_of_life_get_one() {
    let broker = broker();
    let peer = Raw::dealer_with_heartbeats(broker.endpoint(), "alive", Duration::from_millis(100));
    peer.send(frames!["C", "4"]);
    peer.receive();
    // Longer than it waits for an answer; a new connection would be another ZMTP session under the same identity, which
    // this does not tell, but its end would.
    assert!(!peer.disconnects_within(Duration::from_millis(1_500)));
}
