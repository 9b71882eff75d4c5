//! Start and stop, and invalid addresses.

use std::net::TcpListener;

use pigato::services::Directory;
use pigato::{Broker, Client, ErrorCode, Worker};

use crate::support::serve::{broker, serve, serve_echo, ANY_PORT};
use crate::support::wait::{finishes, within, WAIT_TIMEOUT};

/// Addresses that no socket can use on any machine.
const INVALID: [&str; 7] =
    ["", "nonsense", "http://127.0.0.1:80", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "tcp://127.0.0.1:x"];

#[test]
fn an_address_in_use_is_an_error_with_a_remedy() {
    let first = broker();

    let error = Broker::builder().bind(first.endpoint()).intch(None).start().unwrap_err();

    assert_eq!(error.code(), ErrorCode::Endpoint);
    let message = error.to_string();
    assert!(message.contains(first.endpoint()) && message.contains("choose another port"), "{message}");
    // Nothing of the second broker is left.
    let _worker = serve_echo(first.endpoint(), "echo");
    let client = Client::connect(first.endpoint()).unwrap();
    assert_eq!(within("the reply", client.call::<_, u8>("echo", &1)).unwrap(), 1);
}

#[test]
fn an_intch_in_use_is_an_error_that_names_it() {
    let first = Broker::builder().bind(ANY_PORT).intch(Some(ANY_PORT)).start().unwrap();

    let error = Broker::builder().bind(ANY_PORT).intch(first.intch()).start().unwrap_err();

    let message = error.to_string();
    assert!(message.contains(first.intch().unwrap()) && message.contains("intch"), "{message}");
    assert_eq!(error.code(), ErrorCode::Endpoint);
}

#[test]
fn invalid_addresses_are_errors_for_every_endpoint() {
    let assert_refused = |who: &str, endpoint: &str, outcome: Option<pigato::Error>| {
        let error = outcome.unwrap_or_else(|| panic!("{who} accepted {endpoint:?}"));
        assert_eq!(error.code(), ErrorCode::Endpoint, "{who}: {error}");
        assert!(error.to_string().contains(endpoint), "{who}: {error}");
    };
    for endpoint in INVALID {
        let broker = Broker::builder().bind(endpoint).intch(None).start();
        assert_refused("a broker", endpoint, broker.err());
        assert_refused("an intch", endpoint, Broker::builder().bind(ANY_PORT).intch(Some(endpoint)).start().err());
        assert_refused("a client", endpoint, Client::connect(endpoint).err());
        assert_refused("a worker", endpoint, Worker::connect(endpoint, "echo").err());
        assert_refused("a directory", endpoint, Directory::start(endpoint, "tcp://127.0.0.1:1").err());
        assert_refused("a directory's intch", endpoint, Directory::start("tcp://127.0.0.1:1", endpoint).err());
    }
}

#[test]
fn a_service_needs_a_name() {
    let long = "x".repeat(256);
    for name in ["", &long] {
        assert_eq!(Worker::connect("tcp://127.0.0.1:1", name).unwrap_err().code(), ErrorCode::Option);
        let client = Client::connect("tcp://127.0.0.1:1").unwrap();
        let error = within("the outcome", client.request(name, &()).send()).unwrap_err();
        assert_eq!(error.code(), Some(ErrorCode::Option));
    }
}

#[test]
fn a_broker_starts_again_at_the_same_address_at_once() {
    let first = Broker::builder().bind(ANY_PORT).intch(Some(ANY_PORT)).start().unwrap();
    let (endpoint, intch) = (first.endpoint().to_owned(), first.intch().unwrap().to_owned());
    within("the broker stops", first.stop());
    let mut clients = Vec::new();
    for round in 0..20 {
        let again = Broker::builder().bind(&endpoint).intch(Some(&intch)).start();
        let broker = again.unwrap_or_else(|error| panic!("round {round}: {error}"));
        // A worker and a client are connected each time, and those of earlier rounds reconnect.
        let client = Client::connect(&endpoint).unwrap();
        within("the reply", client.directory(None)).unwrap();
        clients.push(client);
        within("the broker stops", broker.stop());
    }
}

#[test]
fn stopping_twice_and_using_a_stopped_handle_is_harmless() {
    let broker = broker();
    let worker = Worker::connect(broker.endpoint(), "echo").unwrap();
    let client = Client::connect(broker.endpoint()).unwrap();
    for _ in 0..2 {
        within("the worker stops", worker.stop());
        within("the client stops", client.stop());
        within("the broker stops", broker.stop());
    }
    assert!(within("the end", worker.next()).is_none());
    assert_eq!(broker.statistics().unwrap_err().code(), ErrorCode::Closed);
    let error = within("the outcome", client.request("echo", &()).send()).unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::Closed));
}

#[test]
fn nothing_hangs_when_the_broker_cannot_be_reached() {
    // One address without a listener, and one that accepts connections and never sends a byte.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for endpoint in ["tcp://127.0.0.1:1".to_owned(), format!("tcp://{}", silent.local_addr().unwrap())] {
        finishes("dropping", {
            let endpoint = endpoint.clone();
            move || {
                let client = Client::connect(&endpoint).unwrap();
                let response = client.request("echo", &"never").send();
                let worker = Worker::connect(&endpoint, "echo").unwrap();
                let directory = Directory::start(&endpoint, &endpoint).unwrap();
                drop((client, worker, directory, response));
            }
        });
        finishes("stopping", move || {
            let client = Client::connect(&endpoint).unwrap();
            let response = client.request("echo", &"never").send();
            let worker = Worker::connect(&endpoint, "echo").unwrap();
            let directory = Directory::start(&endpoint, &endpoint).unwrap();
            client.stop_blocking();
            worker.stop_blocking();
            directory.stop_blocking();
            assert_eq!(response.finish_blocking().unwrap_err().code(), Some(ErrorCode::Closed));
        });
    }
}

#[test]
fn dropping_a_broker_with_connected_peers_does_not_hang() {
    let broker = broker();
    let endpoint = broker.endpoint().to_owned();
    let _worker = serve_echo(&endpoint, "echo");
    let client = Client::connect(&endpoint).unwrap();
    assert_eq!(within("the reply", client.call::<_, u8>("echo", &1)).unwrap(), 1);
    finishes("dropping", move || drop(broker));
}

/// libzmq must not abort the process when a connection breaks within a message and the sender has
/// closed the socket.
#[test]
fn a_broker_can_close_within_messages_to_vanished_clients() {
    let text = "x".repeat(3_000);
    for _ in 0..20 {
        let broker = broker();
        let text = text.clone();
        let _worker = serve(Worker::builder(broker.endpoint(), "endless"), move |_request, reply| -> Result<(), _> {
            loop {
                reply.write_blocking(&text)?;
            }
        });
        let clients: Vec<_> = (0..4).map(|_| Client::connect(broker.endpoint()).unwrap()).collect();
        let (flowing, is_flowing) = std::sync::mpsc::channel();
        let readers: Vec<_> = clients
            .iter()
            .map(|client| {
                let replies = client.request("endless", &()).send().replies();
                let flowing = flowing.clone();
                std::thread::spawn(move || {
                    for (count, _) in replies.take_while(Result::is_ok).enumerate() {
                        if count == 500 {
                            flowing.send(()).unwrap();
                        }
                    }
                })
            })
            .collect();
        for _ in &clients {
            is_flowing.recv_timeout(WAIT_TIMEOUT).unwrap();
        }
        finishes("closing", move || {
            let stop = |client: Client| std::thread::spawn(move || client.stop_blocking());
            let stopping: Vec<_> = clients.into_iter().map(stop).collect();
            broker.stop_blocking();
            stopping.into_iter().chain(readers).for_each(|thread| thread.join().unwrap());
        });
    }
}
