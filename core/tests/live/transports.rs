//! All transports, and several objects of a kind in one process.

use pigato::{Client, Worker};

use crate::support::serve::{broker, broker_at, serve, serve_echo};
use crate::support::wait::within;

fn assert_echoes(endpoint: &str) {
    let broker = broker_at(endpoint);
    let _worker = serve_echo(broker.endpoint(), "echo");
    let client = Client::connect(broker.endpoint()).unwrap();
    for number in 0..100 {
        let answer: u32 = within("the reply", client.call("echo", &number)).unwrap();
        assert_eq!(answer, number);
    }
    within("the client stops", client.stop());
    within("the broker stops", broker.stop());
}

#[test]
fn tcp() {
    assert_echoes("tcp://127.0.0.1:*");
}

#[test]
fn ipc() {
    let path = std::env::temp_dir().join(format!("pigato-live-{}.sock", std::process::id()));
    let endpoint = format!("ipc://{}", path.display());
    // Twice: libzmq leaves the socket file behind, which must not prevent a second bind.
    assert_echoes(&endpoint);
    assert_echoes(&endpoint);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn inproc() {
    assert_echoes("inproc://live-transports");
    assert_echoes("inproc://live-transports");
}

#[test]
fn one_broker_listens_on_all_transports_at_once() {
    let path = std::env::temp_dir().join(format!("pigato-live-all-{}.sock", std::process::id()));
    let broker = pigato::Broker::builder()
        .bind("tcp://127.0.0.1:*")
        .bind(format!("ipc://{}", path.display()))
        .bind("inproc://live-all")
        .intch(None)
        .start()
        .unwrap();
    let endpoints = broker.endpoints().to_vec();
    assert_eq!(endpoints.len(), 3);
    assert!(!endpoints[0].ends_with('*'), "{} has no port", endpoints[0]);
    let _worker = serve_echo(&endpoints[2], "echo");

    for endpoint in &endpoints {
        let client = Client::connect(endpoint).unwrap();
        let answer: String = within("the reply", client.call("echo", endpoint)).unwrap();
        assert_eq!(answer, *endpoint);
    }
    within("the broker stops", broker.stop());
    std::fs::remove_file(path).unwrap();
}

#[test]
fn brokers_in_one_process_are_independent() {
    let brokers = [broker(), broker()];
    assert_ne!(brokers[0].name(), brokers[1].name());
    let _workers: Vec<_> = (0..4)
        .map(|number| serve(Worker::builder(brokers[number % 2].endpoint(), "who"), move |_, _| Ok(number % 2)))
        .collect();
    let clients: Vec<_> = (0..4).map(|number| Client::connect(brokers[number % 2].endpoint()).unwrap()).collect();

    for (number, client) in clients.iter().enumerate() {
        for _ in 0..10 {
            let answer: usize = within("the reply", client.call("who", &())).unwrap();
            assert_eq!(answer, number % 2);
        }
    }
}
