//! Waits by a language's own means: a thread waits for one descriptor and reads the connection itself meanwhile.

use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use pigato::config::{BrokerOptions, ClientOptions, RequestOptions, WorkerOptions};
use pigato::protocol::Frame;
use pigato::pull::{Answer, Broker, Client, ClientEvent, Grant, Worker, WorkerEvent};
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

/// Waits for events in the way that is tried here, until one is wanted; those before it are dropped. A wait for something that
/// comes, and is not told of, would take for ever.
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
            assert!(is_readable(descriptor, WAIT_TIMEOUT), "nobody was told");
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
        ClientEvent::Reply { token, .. } => Some(*token),
        _ => None,
    }
}

fn failed(event: &ClientEvent) -> Option<(u64, Option<ErrorCode>)> {
    match event {
        ClientEvent::Failed { token, error } => Some((*token, error.code())),
        _ => None,
    }
}

fn connected(event: &ClientEvent) -> Option<()> {
    matches!(event, ClientEvent::Peer(PeerEvent::Connected)).then_some(())
}

/// Answers this many requests.
fn serve(worker: &Worker, requests: usize) {
    for _ in 0..requests {
        let token = on_worker(worker, |event| match event {
            WorkerEvent::Request(request) => Some(request.token()),
            _ => None,
        });
        worker.end(token, Answer::json("1")).unwrap();
    }
}

fn ask(client: &Client) -> u64 {
    client.request("service", Frame::from("1"), RequestOptions::default()).unwrap()
}

/// A client that is connected, so that it may be read from where it is waited for.
fn connected_client(broker: &Broker) -> Client {
    let client = client(broker);
    on_client(&client, connected);
    client
}

/// One for which nothing comes, and whose I/O thread looks at nothing, unless it is asked for.
fn quiet_client(broker: &Broker) -> Client {
    let options = ClientOptions::default().heartbeat(4 * WAIT_TIMEOUT);
    let client = Client::start(broker.endpoint(), options, Grant::AsPolled).unwrap();
    on_client(&client, connected);
    client
}

/// Begins a wait in which the waiting thread does the reading.
fn lead(client: &Client) -> RawFd {
    let own = eventually("the waiting thread reads", || {
        let descriptor = client.begin_wait();
        descriptor.filter(|descriptor| *descriptor != client.descriptor())
    });
    // As it was before it was asked for the other one. The I/O thread may just be at it, and then it goes on reading.
    client.end_wait();
    eventually("the waiting thread reads again", || client.begin_wait().filter(|descriptor| *descriptor == own))
}

#[test]
fn requests_and_replies_pass_between_threads_that_wait_so() {
    const REQUESTS: usize = 500;
    let broker = broker("tcp://127.0.0.1:*");
    let worker = Worker::start(broker.endpoint(), "service", WorkerOptions::default()).unwrap();
    let client = client(&broker);
    std::thread::scope(|scope| {
        scope.spawn(|| serve(&worker, REQUESTS));
        for _ in 0..REQUESTS {
            let asked = ask(&client);
            assert_eq!(on_client(&client, answered), asked);
        }
    });
}

#[test]
fn many_replies_at_once_are_all_told() {
    const REQUESTS: usize = 2_000;
    let broker = broker("tcp://127.0.0.1:*");
    let worker = crate::support::serve::serve_echo(broker.endpoint(), "service");
    let client = connected_client(&broker);
    let mut asked: Vec<u64> = (0..REQUESTS).map(|_| ask(&client)).collect();
    let mut got: Vec<u64> = (0..REQUESTS).map(|_| on_client(&client, answered)).collect();
    asked.sort_unstable();
    got.sort_unstable();
    assert_eq!(asked, got);
    drop(worker);
}

#[test]
fn what_comes_from_the_io_thread_ends_the_wait() {
    let broker = broker("tcp://127.0.0.1:*");
    let client = connected_client(&broker);
    let hurried = RequestOptions::default().timeout(Duration::from_millis(20));
    let asked = client.request("nobody", Frame::from("1"), hurried).unwrap();
    lead(&client);
    assert_eq!(on_client(&client, failed), (asked, Some(ErrorCode::Timeout)));
}

#[test]
fn a_wait_goes_on_over_a_lost_connection_and_the_next_one() {
    let first = broker("tcp://127.0.0.1:*");
    let endpoint = first.endpoint().to_owned();
    let client = connected_client(&first);
    lead(&client);
    drop(first);
    on_client(&client, |event| matches!(event, ClientEvent::Peer(PeerEvent::Disconnected)).then_some(()));
    let _second = eventually("the port is free", || {
        Broker::start(std::slice::from_ref(&endpoint), BrokerOptions::default().intch(None)).ok()
    });
    on_client(&client, connected);
    let worker = crate::support::serve::serve_echo(&endpoint, "service");
    let asked = ask(&client);
    assert_eq!(on_client(&client, answered), asked);
    drop(worker);
}

#[test]
fn after_the_wait_the_io_thread_reads_again() {
    let broker = broker("tcp://127.0.0.1:*");
    let worker = crate::support::serve::serve_echo(broker.endpoint(), "service");
    let client = connected_client(&broker);
    lead(&client);
    client.end_wait();
    client.end_wait();
    ask(&client);
    assert!(is_readable(client.descriptor(), WAIT_TIMEOUT), "nobody reads");
    drop(worker);
}

#[test]
fn what_another_thread_polls_does_not_make_the_waiting_one_deaf() {
    let broker = broker("tcp://127.0.0.1:*");
    let client = quiet_client(&broker);
    let asked = client.request("nobody", Frame::from("1"), RequestOptions::default()).unwrap();
    let descriptor = lead(&client);
    std::thread::scope(|scope| {
        scope.spawn(|| client.poll(&mut Vec::new(), 1, Duration::ZERO).unwrap()).join().unwrap()
    });
    client.cancel(asked).unwrap();
    assert!(is_readable(descriptor, WAIT_TIMEOUT), "nobody was told");
}

#[test]
fn a_poll_that_waits_is_not_left_without_a_reader() {
    let broker = broker("tcp://127.0.0.1:*");
    let worker = crate::support::serve::serve_echo(broker.endpoint(), "service");
    let client = quiet_client(&broker);
    lead(&client);
    ask(&client);
    assert_eq!(client.poll(&mut Vec::new(), 1, WAIT_TIMEOUT).unwrap(), 1);
    drop(worker);
}

#[test]
fn where_much_arrives_the_reading_is_given_back() {
    const BURST: usize = 100;
    let broker = broker("tcp://127.0.0.1:*");
    let worker = crate::support::serve::serve_echo(broker.endpoint(), "service");
    let client = connected_client(&broker);
    lead(&client);
    eventually("the I/O thread reads", || {
        for _ in 0..BURST {
            ask(&client);
        }
        let mut events = Vec::new();
        while events.len() < BURST {
            if let Some(descriptor) = client.begin_wait() {
                assert!(is_readable(descriptor, WAIT_TIMEOUT), "nobody was told");
            }
            client.poll(&mut events, BURST, Duration::ZERO).unwrap();
        }
        // All is answered, so that nothing but the descriptor's name tells who reads.
        (client.begin_wait() == Some(client.descriptor())).then_some(())
    });
    drop(worker);
}

#[test]
fn a_stop_ends_the_wait() {
    let broker = broker("tcp://127.0.0.1:*");
    let client = connected_client(&broker);
    let descriptor = lead(&client);
    client.stop().unwrap();
    assert!(is_readable(descriptor, WAIT_TIMEOUT), "nobody was told");
    on_client(&client, |event| matches!(event, ClientEvent::Peer(PeerEvent::Stopped)).then_some(()));
    assert!(client.begin_wait().is_none_or(|descriptor| is_readable(descriptor, Duration::ZERO)), "nothing will come");
}
