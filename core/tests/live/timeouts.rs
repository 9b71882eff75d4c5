//! Request timeouts: exact, restarted by each partial reply, or none.

use std::time::{Duration, Instant};

use pigato::{Client, ErrorCode, Timeout, Worker};

use crate::support::serve::{broker, serve};
use crate::support::wait::{eventually, within};

/// So long that no heartbeat influences a test.
const NO_HEARTBEAT: Duration = Duration::from_secs(600);

#[test]
fn a_timeout_ends_the_request_soon_after_it_has_passed() {
    let broker = broker();
    let client = Client::builder(broker.endpoint()).heartbeat(NO_HEARTBEAT).start().unwrap();

    for timeout in [Duration::from_millis(10), Duration::from_millis(300)] {
        let began = Instant::now();
        let error = within("the outcome", client.request("nobody", &()).timeout(timeout).send()).unwrap_err();
        let took = began.elapsed();
        assert_eq!(error.code(), Some(ErrorCode::Timeout));
        assert!(took >= timeout, "{took:?} for {timeout:?}");
        // Far more than a busy machine needs, far less than a heartbeat interval.
        assert!(took < Duration::from_secs(20), "{took:?} for {timeout:?}");
    }
}

#[test]
fn timeouts_fire_in_the_order_of_their_deadlines() {
    let broker = broker();
    let client = Client::connect(broker.endpoint()).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    for millis in [1_200, 400, 800] {
        let response = client.request("nobody", &()).timeout(Duration::from_millis(millis)).send();
        let sender = sender.clone();
        std::thread::spawn(move || {
            let error = within("the outcome", response).unwrap_err();
            sender.send((millis, error.code())).unwrap();
        });
    }
    for millis in [400, 800, 1_200] {
        assert_eq!(crate::support::wait::receive("a timeout", &receiver), (millis, Some(ErrorCode::Timeout)));
    }
}

#[test]
fn an_expired_request_leaves_the_broker_and_frees_its_worker() {
    let broker = broker();
    let worker =
        Worker::builder(broker.endpoint(), "one").concurrency(pigato::Concurrency::Limited(1)).start().unwrap();
    let client = Client::connect(broker.endpoint()).unwrap();
    let expiring = client.request("one", &"first").timeout(Duration::from_millis(300)).send();
    let first = within("the first request", worker.next()).unwrap();

    // The only slot is occupied until the first request expires.
    let waiting = client.request("one", &"second").send();
    assert_eq!(within("the outcome", expiring).unwrap_err().code(), Some(ErrorCode::Timeout));
    let second = within("the second request", worker.next()).unwrap();

    within("the job is cancelled", first.reply.cancelled());
    second.reply.end("done").unwrap();
    assert_eq!(within("the reply", waiting).unwrap().json().unwrap(), "done");
    assert_eq!(broker.statistics().unwrap().in_flight, 0);
}

#[test]
fn each_partial_reply_restarts_the_timeout() {
    const PAUSE: Duration = Duration::from_millis(500);
    const TIMEOUT: Duration = Duration::from_millis(4_000);
    let broker = broker();
    let _worker = serve(Worker::builder(broker.endpoint(), "drip"), |_, reply| {
        for number in 0..10 {
            std::thread::sleep(PAUSE);
            reply.write_blocking(&number)?;
        }
        Ok("done")
    });
    let client = Client::builder(broker.endpoint()).timeout(TIMEOUT).start().unwrap();

    let began = Instant::now();
    let reply = within("the reply", client.request("drip", &()).send()).unwrap();

    assert_eq!(reply.json().unwrap(), "done");
    assert!(began.elapsed() > TIMEOUT, "all partial replies arrived within one timeout");
}

#[test]
fn a_request_can_have_no_timeout() {
    let broker = broker();
    let worker = Worker::connect(broker.endpoint(), "slow").unwrap();
    let client = Client::builder(broker.endpoint()).timeout(Duration::from_millis(50)).start().unwrap();

    let unlimited = client.request("slow", &"unlimited").timeout(Timeout::Never).send();
    let job = within("the request", worker.next()).unwrap();
    assert_eq!(job.request.options()["timeout"], -1);
    assert_eq!(job.request.remaining(), None);
    // The client's default timeout has passed when this request has failed.
    let error = within("the outcome", client.request("slow", &"hurried").send()).unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::Timeout));

    job.reply.end("at last").unwrap();
    assert_eq!(within("the reply", unlimited).unwrap().json().unwrap(), "at last");
}

#[test]
fn the_worker_receives_the_remaining_timeout() {
    let broker = broker();
    let client = Client::connect(broker.endpoint()).unwrap();
    let timeout = Duration::from_secs(50);
    let _response = client.request("late", &()).timeout(timeout).send();
    eventually("the request waits", || (broker.statistics().unwrap().queued == 1).then_some(()));
    std::thread::sleep(Duration::from_millis(20));

    let worker = Worker::connect(broker.endpoint(), "late").unwrap();
    let remaining = within("the request", worker.next()).unwrap().request.remaining().unwrap();

    assert!(remaining < timeout, "{remaining:?}");
}
