//! TCP connections without libzmq: which peers may connect, and how a broker is found.

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
fn a_peer_that_does_not_speak_zmtp_is_disconnected() {
    let broker = broker();
    let mut stranger = TcpStream::connect(address_of(&broker)).unwrap();
    stranger.set_read_timeout(Some(WAIT_TIMEOUT)).unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut received = Vec::new();
    // The broker's greeting, and then the end of the connection, with or without an error.
    let _ = stranger.read_to_end(&mut received);
    assert_eq!(received.len(), 11);
}

#[test]
fn an_incomplete_greeting_blocks_nobody() {
    let broker = broker();
    let mut half = TcpStream::connect(address_of(&broker)).unwrap();
    half.write_all(&[0xff, 0, 0]).unwrap();
    let _worker = serve_echo(broker.endpoint(), "echo");
    assert_answers(broker.endpoint());
    within("the broker stops", broker.stop());
}

#[test]
fn a_broker_is_found_by_its_host_name() {
    let broker = broker_at("tcp://*:*");
    let endpoint = format!("tcp://localhost:{}", port_of(&broker));
    let _worker = serve_echo(&endpoint, "echo");
    assert_answers(&endpoint);
}

#[test]
fn ipv4_and_ipv6_reach_a_broker_that_listens_on_all_addresses() {
    let broker = broker_at("tcp://*:*");
    let _worker = serve_echo(&format!("tcp://127.0.0.1:{}", port_of(&broker)), "echo");
    for host in ["127.0.0.1", "[::1]"] {
        assert_answers(&format!("tcp://{host}:{}", port_of(&broker)));
    }
}

#[test]
fn an_unknown_host_name_does_not_hang() {
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
fn a_second_connection_with_the_same_identity_replaces_the_first() {
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
fn pings_of_libzmq_peers_are_answered() {
    let broker = broker();
    let peer = Raw::dealer_with_heartbeats(broker.endpoint(), "alive", Duration::from_millis(100));
    peer.send(frames!["C", "4"]);
    peer.receive();
    // Longer than the peer's libzmq waits for an answer. A reconnect would be invisible here:
    // another ZMTP session under the same identity. So the test watches for the end of the
    // connection.
    assert!(!peer.disconnects_within(Duration::from_millis(1_500)));
}
