//! The binding core: the same behaviour through polling.

use std::time::{Duration, Instant};

use pigato::binding::{Answer, Broker, Client, ClientEvent, Grant, Worker, WorkerEvent};
use pigato::config::{BrokerOptions, ClientOptions, RequestOptions, WorkerOptions};
use pigato::protocol::Frame;
use pigato::worker::CancelReason;
use pigato::{ErrorCode, PeerEvent, Request};

use crate::support::wait::eventually;

/// Longer than any event takes, unless something hangs.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

struct Fleet {
    // Stopped in this order.
    client: Client,
    worker: Worker,
    broker: Broker,
}

fn fleet(grant: Grant) -> Fleet {
    let broker = Broker::start(&["tcp://127.0.0.1:*".to_owned()], BrokerOptions::default().intch(None)).unwrap();
    let worker = Worker::start(broker.endpoint(), "service", WorkerOptions::default()).unwrap();
    let client = Client::start(broker.endpoint(), ClientOptions::default(), grant).unwrap();
    Fleet { client, worker, broker }
}

fn fleet_with_heartbeat(heartbeat: Duration) -> Fleet {
    let broker_options = BrokerOptions::default().intch(None).heartbeat(heartbeat);
    let broker = Broker::start(&["tcp://127.0.0.1:*".to_owned()], broker_options).unwrap();
    let worker = WorkerOptions::default().heartbeat(heartbeat);
    let worker = Worker::start(broker.endpoint(), "service", worker).unwrap();
    let client = ClientOptions::default().heartbeat(heartbeat);
    let client = Client::start(broker.endpoint(), client, Grant::AsPolled).unwrap();
    Fleet { client, worker, broker }
}

/// The first event for which `wanted` returns a value; earlier ones are dropped.
fn next<E, T>(
    poll: impl Fn(&mut Vec<E>, Duration) -> Result<usize, pigato::Error>,
    wanted: impl Fn(E) -> Option<T>,
) -> T {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    let mut events = Vec::new();
    while Instant::now() < deadline {
        poll(&mut events, Duration::from_millis(100)).unwrap();
        if let Some(found) = events.drain(..).find_map(&wanted) {
            return found;
        }
    }
    panic!("no such event");
}

impl Fleet {
    fn ask(&self, data: &str) -> u64 {
        self.client.request("service", Frame::from(data), RequestOptions::default()).unwrap()
    }

    fn request(&self) -> Request {
        self.on_worker(|event| match event {
            WorkerEvent::Request(request) => Some(request),
            _ => None,
        })
    }

    fn on_worker<T>(&self, wanted: impl Fn(WorkerEvent) -> Option<T>) -> T {
        next(|events, timeout| self.worker.poll(events, 1, timeout), wanted)
    }

    fn on_client<T>(&self, wanted: impl Fn(ClientEvent) -> Option<T>) -> T {
        next(|events, timeout| self.client.poll(events, 1, timeout), wanted)
    }

    fn reply(&self) -> (u64, pigato::Reply) {
        self.on_client(|event| match event {
            ClientEvent::Reply { number, reply } => Some((number, reply)),
            _ => None,
        })
    }

    fn failure(&self) -> (u64, Option<ErrorCode>) {
        self.on_client(|event| match event {
            ClientEvent::Failed { number, error } => Some((number, error.code())),
            _ => None,
        })
    }
}

#[test]
fn partial_replies_and_the_final_one_are_polled_in_order() {
    let fleet = fleet(Grant::AsPolled);
    let number = fleet.ask("3");
    let request = fleet.request();
    assert_eq!((request.bytes(), request.service().as_str()), (&b"3"[..], "service"));
    for part in 0..3 {
        fleet.worker.write(request.number(), Answer::json(part.to_string())).unwrap();
    }
    fleet.worker.end(request.number(), Answer::raw(vec![0, 255])).unwrap();
    for part in 0..3 {
        let (answered, reply) = fleet.reply();
        assert_eq!((answered, reply.is_final()), (number, false));
        assert_eq!(reply.decode::<u32>().unwrap(), part);
    }
    let (answered, reply) = fleet.reply();
    assert_eq!((answered, reply.is_final(), reply.bytes()), (number, true, &[0, 255][..]));
    assert_eq!(fleet.broker.statistics().unwrap().replies, 1);
}

#[test]
fn errors_carry_their_codes() {
    let fleet = fleet(Grant::AsPolled);
    let number = fleet.ask("1");
    fleet.worker.fail(fleet.request().number(), "no luck").unwrap();
    assert_eq!(fleet.failure(), (number, Some(ErrorCode::Handler)));
    let hurried = RequestOptions::default().timeout(Duration::from_millis(20));
    let number = fleet.client.request("nobody", Frame::from("1"), hurried).unwrap();
    assert_eq!(fleet.failure(), (number, Some(ErrorCode::Timeout)));
}

#[test]
fn a_cancelled_request_is_no_longer_live() {
    let fleet = fleet(Grant::AsPolled);
    let number = fleet.ask("1");
    let request = fleet.request();
    assert!(fleet.worker.is_wanted(request.number()));
    fleet.client.cancel(number).unwrap();
    assert_eq!(fleet.failure(), (number, Some(ErrorCode::Cancelled)));
    let cancelled = fleet.on_worker(|event| match event {
        WorkerEvent::Cancelled { number, reason } => Some((number, reason)),
        _ => None,
    });
    assert_eq!(cancelled, (request.number(), CancelReason::Client));
    assert!(!fleet.worker.is_wanted(request.number()));
    let late = fleet.worker.end(request.number(), Answer::json("1"));
    assert_eq!(late.unwrap_err().code(), ErrorCode::Closed);
}

#[test]
fn a_writer_without_credit_gets_an_event_when_credit_arrives() {
    let fleet = fleet(Grant::AsConsumed);
    let number = fleet.ask("1");
    let request = fleet.request();
    let answer = Answer::json("1");
    let mut written = 0;
    while fleet.worker.write(request.number(), answer.clone()).is_ok() {
        written += 1;
    }
    assert_eq!(fleet.worker.write(request.number(), answer.clone()).unwrap_err().code(), ErrorCode::Busy);
    for _ in 0..written {
        fleet.reply();
    }
    fleet.client.consumed(number, written).unwrap();
    let writable = fleet.on_worker(|event| match event {
        WorkerEvent::Writable { number } => Some(number),
        _ => None,
    });
    assert_eq!(writable, request.number());
    fleet.worker.write(writable, answer).unwrap();
}

#[test]
fn stopping_ends_with_an_event_and_further_calls_fail() {
    let fleet = fleet(Grant::AsPolled);
    let number = fleet.ask("1");
    fleet.request();
    fleet.client.stop().unwrap();
    assert_eq!(fleet.failure(), (number, Some(ErrorCode::Closed)));
    fleet.on_client(|event| matches!(event, ClientEvent::Peer(PeerEvent::Stopped)).then_some(()));
    let refused = fleet.client.request("service", Frame::from("1"), RequestOptions::default());
    assert_eq!(refused.unwrap_err().code(), ErrorCode::Closed);
    fleet.worker.stop(Duration::ZERO).unwrap();
    fleet.on_worker(|event| matches!(event, WorkerEvent::Peer(PeerEvent::Stopped)).then_some(()));
}

#[test]
fn no_call_is_accepted_after_the_stop_event() {
    // The calls race with the I/O thread, which must accept none after it has reported the stop.
    for _ in 0..200 {
        let fleet = fleet(Grant::AsPolled);
        fleet.client.stop().unwrap();
        fleet.on_client(|event| matches!(event, ClientEvent::Peer(PeerEvent::Stopped)).then_some(()));
        let refused = fleet.client.request("service", Frame::from("1"), RequestOptions::default());
        assert_eq!(refused.unwrap_err().code(), ErrorCode::Closed);
        fleet.worker.stop(Duration::ZERO).unwrap();
        fleet.on_worker(|event| matches!(event, WorkerEvent::Peer(PeerEvent::Stopped)).then_some(()));
        assert_eq!(fleet.worker.heartbeat().unwrap_err().code(), ErrorCode::Closed);
    }
}

#[test]
fn requests_made_together_are_sent_at_the_end_even_after_a_panic() {
    let fleet = fleet(Grant::AsPolled);
    for count in [1, 3] {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            fleet.client.together(|| {
                for _ in 0..count {
                    fleet.ask("1");
                }
                panic!("a panic of the caller");
            });
        }));
        assert!(outcome.is_err());
        let requests: Vec<_> = (0..count).map(|_| fleet.request()).collect();
        fleet.worker.together(|| {
            for request in &requests {
                fleet.worker.end(request.number(), Answer::json("2")).unwrap();
            }
        });
        for _ in 0..count {
            fleet.on_client(|event| matches!(event, ClientEvent::Reply { .. }).then_some(()));
        }
    }
}

#[test]
fn a_corked_handle_sends_nothing_until_it_is_uncorked() {
    const REQUESTS: usize = 3;
    // A long interval: otherwise heartbeats make the I/O thread process the handles' commands.
    let fleet = fleet_with_heartbeat(Duration::from_secs(3_600));
    fleet.client.cork();
    fleet.worker.cork();
    // One by one: the I/O thread might process the first while it learns of the cork.
    let requests = [(); REQUESTS].map(|()| {
        fleet.ask("1");
        fleet.request()
    });
    for request in requests {
        fleet.worker.end(request.number(), Answer::json("2")).unwrap();
        fleet.on_client(|event| matches!(event, ClientEvent::Reply { .. }).then_some(()));
    }
}

#[test]
fn a_corked_handle_can_be_stopped() {
    let fleet = fleet_with_heartbeat(Duration::from_secs(3_600));
    fleet.client.cork();
    fleet.worker.cork();
    // By then the I/O thread has processed the corks.
    for _ in 0..2 {
        fleet.ask("1");
        fleet.worker.end(fleet.request().number(), Answer::json("2")).unwrap();
        fleet.reply();
    }
    fleet.client.stop().unwrap();
    fleet.on_client(|event| matches!(event, ClientEvent::Peer(PeerEvent::Stopped)).then_some(()));
    fleet.worker.stop(Duration::ZERO).unwrap();
    fleet.on_worker(|event| matches!(event, WorkerEvent::Peer(PeerEvent::Stopped)).then_some(()));
}

#[test]
fn a_wait_without_timeout_never_returns_without_events() {
    let fleet = fleet(Grant::AsPolled);
    let poll_until_closed = || {
        let mut events = Vec::new();
        while let Ok(count) = fleet.client.poll(&mut events, 7, Duration::MAX) {
            assert!(count > 0, "the wait returned without events");
            events.clear();
        }
    };
    std::thread::scope(|scope| {
        let pollers = [(); 2].map(|()| scope.spawn(poll_until_closed));
        for _ in 0..500 {
            fleet.ask("1");
            fleet.worker.end(fleet.request().number(), Answer::json("1")).unwrap();
        }
        fleet.client.stop().unwrap();
        for poller in pollers {
            poller.join().unwrap();
        }
    });
}

#[test]
fn a_client_that_does_not_poll_keeps_its_connection_and_its_replies() {
    const REQUESTS: u64 = 70_000;
    // Every pending request has its own heartbeat: a shorter interval would cause a flood of them.
    let heartbeat = Duration::from_millis(250);
    let broker = Broker::start(
        &["tcp://127.0.0.1:*".to_owned()],
        // The broker has a long liveness timeout: only the client's is tested.
        BrokerOptions::default().intch(None).heartbeat(heartbeat).heartbeat_liveness(1_000_u32),
    )
    .unwrap();
    let worker = crate::support::serve::serve_echo(broker.endpoint(), "echo");
    let client =
        Client::start(broker.endpoint(), ClientOptions::default().heartbeat(heartbeat), Grant::AsPolled).unwrap();
    let mut accepted = 0;
    // More than its queue holds. `C_BUSY` until the I/O thread has caught up.
    while accepted < REQUESTS {
        match client.request("echo", Frame::from("1"), RequestOptions::default()) {
            Ok(_) => accepted += 1,
            Err(error) => assert_eq!(error.code(), ErrorCode::Busy),
        }
    }
    eventually("all requests are answered", || (broker.statistics().unwrap().replies == REQUESTS).then_some(()));
    // Far longer than the client's liveness timeout. This test has to let real time pass.
    std::thread::sleep(heartbeat * 8);

    let (mut events, mut answered) = (Vec::new(), 0);
    let deadline = Instant::now() + WAIT_TIMEOUT;
    while answered < REQUESTS {
        assert!(Instant::now() < deadline, "{answered} replies");
        client.poll(&mut events, 1_000, Duration::from_millis(100)).unwrap();
        for event in events.drain(..) {
            match event {
                ClientEvent::Reply { .. } => answered += 1,
                ClientEvent::Peer(PeerEvent::Connected) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    drop(worker);
}

#[test]
fn replies_that_were_not_polled_cannot_be_consumed() {
    let as_polled = fleet(Grant::AsPolled);
    let number = as_polled.ask("1");
    assert_eq!(as_polled.client.consumed(number, 1).unwrap_err().code(), ErrorCode::Argument);

    let as_consumed = fleet(Grant::AsConsumed);
    let number = as_consumed.ask("1");
    let job = as_consumed.request().number();
    as_consumed.client.consumed(number, u32::MAX).unwrap();
    let mut written = 0;
    while as_consumed.worker.write(job, Answer::json("1")).is_ok() {
        written += 1;
        assert!(written <= 2_000, "a client that reads nothing receives more than its credit");
    }
}

#[test]
fn a_timeout_reports_that_no_broker_answers() {
    let client = Client::start("tcp://127.0.0.1:9", ClientOptions::default(), Grant::AsPolled).unwrap();
    let hurried = RequestOptions::default().timeout(Duration::from_millis(20));
    let number = client.request("service", Frame::from("1"), hurried).unwrap();
    let text = next(
        |events, timeout| client.poll(events, 1, timeout),
        |event| match event {
            ClientEvent::Failed { number: failed, error } if failed == number => Some(error.to_string()),
            _ => None,
        },
    );
    assert!(text.starts_with("C_TIMEOUT") && text.contains("no broker answers at `tcp://127.0.0.1:9`"), "{text}");
}

#[test]
fn an_endpoint_with_a_nul_is_refused() {
    let started = Client::start("tcp://127.0.0.1:1\0", ClientOptions::default(), Grant::AsPolled);
    assert_eq!(started.unwrap_err().code(), ErrorCode::Endpoint);
    let bound = Broker::start(&["ipc:///\0".to_owned()], BrokerOptions::default().intch(None));
    assert_eq!(bound.unwrap_err().code(), ErrorCode::Endpoint);
}

/// For event loops that watch no descriptors: one call for many events, and another one after they
/// were polled.
#[test]
fn a_handle_calls_back_when_it_has_events_again() {
    let fleet = fleet(Grant::AsPolled);
    let (sender, calls) = std::sync::mpsc::channel();
    fleet.client.on_ready(move || {
        // Fails only after the end of the test.
        let _ = sender.send(());
    });
    for data in ["1", "2"] {
        let number = fleet.ask(data);
        let request = fleet.request();
        fleet.worker.end(request.number(), Answer::json(request.bytes())).unwrap();
        // The first call may report the connection.
        let deadline = Instant::now() + WAIT_TIMEOUT;
        let mut events = Vec::new();
        while !events
            .iter()
            .any(|event| matches!(event, ClientEvent::Reply { number: answered, .. } if *answered == number))
        {
            calls.recv_timeout(deadline.saturating_duration_since(Instant::now())).expect("a call");
            fleet.client.poll(&mut events, usize::MAX, Duration::ZERO).unwrap();
        }
    }
}

#[test]
fn an_identity_is_known_from_the_start_and_equals_the_brokers() {
    let options = WorkerOptions::default().prefix("W-1".to_owned());
    let fleet = fleet(Grant::AsPolled);
    let worker = Worker::start(fleet.broker.endpoint(), "named", options).unwrap();
    let identity = String::from_utf8(worker.identity()).unwrap();
    assert!(identity.starts_with("W-1-"), "{identity}");
    next(
        |events, timeout| worker.poll(events, 1, timeout),
        |event| matches!(event, WorkerEvent::Peer(PeerEvent::Connected)).then_some(()),
    );
    assert_eq!(fleet.broker.directory().unwrap()["named"], serde_json::json!([identity]));
    assert_eq!(fleet.client.identity()[0], b'C');
}
