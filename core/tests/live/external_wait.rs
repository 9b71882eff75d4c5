//! External waits: a thread waits on one descriptor by its own means and reads the connection
//! itself meanwhile.

use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use pigato::binding::{Answer, Broker, Client, ClientEvent, Grant, Worker, WorkerEvent};
use pigato::config::{BrokerOptions, ClientOptions, RequestOptions, WorkerOptions};
use pigato::protocol::Frame;
use pigato::{ErrorCode, PeerEvent};

use crate::support::wait::{eventually, WAIT_TIMEOUT};

fn broker(endpoint: &str) -> Broker {
    Broker::start(&[endpoint.to_owned()], BrokerOptions::default().intch(None)).unwrap()
}

fn client(broker: &Broker) -> Client {
    Client::start(broker.endpoint(), ClientOptions::default(), Grant::AsPolled).unwrap()
}

fn is_readable(descriptor: RawFd, timeout: Duration) -> bool {
    let mut items = [zmq::PollItem::from_fd(descriptor, zmq::POLLIN)];
    zmq::poll(&mut items, timeout.as_millis() as i64).unwrap() > 0
}

/// Waits for events with an external wait until `wanted` returns a value; earlier events are
/// dropped. An event without a wake-up would make the wait time out.
fn wait_for<E, T>(
    begin: impl Fn() -> Option<RawFd>,
    poll: impl Fn(&mut Vec<E>) -> Result<usize, pigato::Error>,
    end: impl Fn(),
    wanted: impl Fn(&E) -> Option<T>,
) -> T {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    let mut events = Vec::new();
    loop {
        assert!(Instant::now() < deadline, "no such event");
        if let Some(descriptor) = begin() {
            assert!(is_readable(descriptor, WAIT_TIMEOUT), "the descriptor did not become readable");
        }
        poll(&mut events).unwrap();
        if let Some(found) = events.drain(..).find_map(|event| wanted(&event)) {
            end();
            return found;
        }
    }
}

fn on_client<T>(client: &Client, wanted: impl Fn(&ClientEvent) -> Option<T>) -> T {
    wait_for(|| client.begin_wait(), |events| client.poll(events, 1, Duration::ZERO), || client.end_wait(), wanted)
}

fn on_worker<T>(worker: &Worker, wanted: impl Fn(&WorkerEvent) -> Option<T>) -> T {
    wait_for(|| worker.begin_wait(), |events| worker.poll(events, 1, Duration::ZERO), || worker.end_wait(), wanted)
}

fn answered(event: &ClientEvent) -> Option<u64> {
    match event {
        ClientEvent::Reply { number, .. } => Some(*number),
        _ => None,
    }
}

fn failed(event: &ClientEvent) -> Option<(u64, Option<ErrorCode>)> {
    match event {
        ClientEvent::Failed { number, error } => Some((*number, error.code())),
        _ => None,
    }
}

fn connected(event: &ClientEvent) -> Option<()> {
    matches!(event, ClientEvent::Peer(PeerEvent::Connected)).then_some(())
}

/// Answers this number of requests.
fn serve(worker: &Worker, requests: usize) {
    for _ in 0..requests {
        let number = on_worker(worker, |event| match event {
            WorkerEvent::Request(request) => Some(request.number()),
            _ => None,
        });
        worker.end(number, Answer::json("1")).unwrap();
    }
}

fn ask(client: &Client) -> u64 {
    client.request("service", Frame::from("1"), RequestOptions::default()).unwrap()
}

/// A connected client, so that a waiting thread can read its connection.
fn connected_client(broker: &Broker) -> Client {
    let client = client(broker);
    on_client(&client, connected);
    client
}

/// A client that receives nothing, and whose I/O thread is idle unless woken.
fn quiet_client(broker: &Broker) -> Client {
    let options = ClientOptions::default().heartbeat(4 * WAIT_TIMEOUT);
    let client = Client::start(broker.endpoint(), options, Grant::AsPolled).unwrap();
    on_client(&client, connected);
    client
}

/// Starts a wait in which the waiting thread reads the connection.
fn begin_reading(client: &Client) -> RawFd {
    let own = eventually("the waiting thread reads", || {
        let descriptor = client.begin_wait();
        descriptor.filter(|descriptor| *descriptor != client.descriptor())
    });
    // Restart the wait, so that every test starts from the same state. The I/O thread may read in
    // between, so the second start may need several attempts.
    client.end_wait();
    eventually("the waiting thread reads again", || client.begin_wait().filter(|descriptor| *descriptor == own))
}

#[test]
fn requests_and_replies_pass_between_externally_waiting_threads() {
    const REQUESTS: usize = 500;
    let broker = broker("tcp://127.0.0.1:*");
    let worker = Worker::start(broker.endpoint(), "service", WorkerOptions::default()).unwrap();
    let client = client(&broker);
    std::thread::scope(|scope| {
        scope.spawn(|| serve(&worker, REQUESTS));
        for _ in 0..REQUESTS {
            let number = ask(&client);
            assert_eq!(on_client(&client, answered), number);
        }
    });
}

#[test]
fn many_replies_at_once_all_arrive() {
    const REQUESTS: usize = 2_000;
    let broker = broker("tcp://127.0.0.1:*");
    let worker = crate::support::serve::serve_echo(broker.endpoint(), "service");
    let client = connected_client(&broker);
    let mut numbers: Vec<u64> = (0..REQUESTS).map(|_| ask(&client)).collect();
    let mut answers: Vec<u64> = (0..REQUESTS).map(|_| on_client(&client, answered)).collect();
    numbers.sort_unstable();
    answers.sort_unstable();
    assert_eq!(numbers, answers);
    drop(worker);
}

#[test]
fn an_event_from_the_io_thread_ends_the_wait() {
    let broker = broker("tcp://127.0.0.1:*");
    let client = connected_client(&broker);
    let hurried = RequestOptions::default().timeout(Duration::from_millis(20));
    let number = client.request("nobody", Frame::from("1"), hurried).unwrap();
    begin_reading(&client);
    assert_eq!(on_client(&client, failed), (number, Some(ErrorCode::Timeout)));
}

#[test]
fn a_wait_continues_across_a_reconnect() {
    let first = broker("tcp://127.0.0.1:*");
    let endpoint = first.endpoint().to_owned();
    let client = connected_client(&first);
    begin_reading(&client);
    drop(first);
    on_client(&client, |event| matches!(event, ClientEvent::Peer(PeerEvent::Disconnected)).then_some(()));
    let _second = eventually("the port is free", || {
        Broker::start(std::slice::from_ref(&endpoint), BrokerOptions::default().intch(None)).ok()
    });
    on_client(&client, connected);
    let worker = crate::support::serve::serve_echo(&endpoint, "service");
    let number = ask(&client);
    assert_eq!(on_client(&client, answered), number);
    drop(worker);
}

#[test]
fn after_the_wait_the_io_thread_reads_again() {
    let broker = broker("tcp://127.0.0.1:*");
    let worker = crate::support::serve::serve_echo(broker.endpoint(), "service");
    let client = connected_client(&broker);
    begin_reading(&client);
    client.end_wait();
    client.end_wait();
    ask(&client);
    assert!(is_readable(client.descriptor(), WAIT_TIMEOUT), "the I/O thread does not read");
    drop(worker);
}

#[test]
fn another_threads_poll_does_not_lose_the_waiters_wake_up() {
    let broker = broker("tcp://127.0.0.1:*");
    let client = quiet_client(&broker);
    let number = client.request("nobody", Frame::from("1"), RequestOptions::default()).unwrap();
    let descriptor = begin_reading(&client);
    std::thread::scope(|scope| {
        scope.spawn(|| client.poll(&mut Vec::new(), 1, Duration::ZERO).unwrap()).join().unwrap()
    });
    client.cancel(number).unwrap();
    assert!(is_readable(descriptor, WAIT_TIMEOUT), "the descriptor did not become readable");
}

#[test]
fn a_blocking_poll_has_a_reader_during_an_external_wait() {
    let broker = broker("tcp://127.0.0.1:*");
    let worker = crate::support::serve::serve_echo(broker.endpoint(), "service");
    let client = quiet_client(&broker);
    begin_reading(&client);
    ask(&client);
    assert_eq!(client.poll(&mut Vec::new(), 1, WAIT_TIMEOUT).unwrap(), 1);
    drop(worker);
}

#[test]
fn under_load_the_io_thread_takes_over_the_reading() {
    const BURST: usize = 100;
    let broker = broker("tcp://127.0.0.1:*");
    let worker = crate::support::serve::serve_echo(broker.endpoint(), "service");
    let client = connected_client(&broker);
    begin_reading(&client);
    eventually("the I/O thread reads", || {
        for _ in 0..BURST {
            ask(&client);
        }
        let mut events = Vec::new();
        while events.len() < BURST {
            if let Some(descriptor) = client.begin_wait() {
                assert!(is_readable(descriptor, WAIT_TIMEOUT), "the descriptor did not become readable");
            }
            client.poll(&mut events, BURST, Duration::ZERO).unwrap();
        }
        // All requests are answered, so that only the descriptor tells which thread reads.
        (client.begin_wait() == Some(client.descriptor())).then_some(())
    });
    drop(worker);
}

#[test]
fn a_stop_ends_the_wait() {
    let broker = broker("tcp://127.0.0.1:*");
    let client = connected_client(&broker);
    let descriptor = begin_reading(&client);
    client.stop().unwrap();
    assert!(is_readable(descriptor, WAIT_TIMEOUT), "the descriptor did not become readable");
    on_client(&client, |event| matches!(event, ClientEvent::Peer(PeerEvent::Stopped)).then_some(()));
    assert!(
        client.begin_wait().is_none_or(|descriptor| is_readable(descriptor, Duration::ZERO)),
        "the descriptor of a stopped client is not readable"
    );
}
