//! Handlers: what they can do, and their failures.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use pigato::{Broker, Client, ErrorCode, HandlerError, Job, PeerEvent, ReplyWriter, Request, RequestError, Worker};
use serde_json::{json, Value};

use crate::support::events::recorder;
use crate::support::serve::{broker, remote, serve, serve_echo, ANY_PORT};
use crate::support::wait::{eventually, within};

/// The error of a request that this handler answers.
fn error_of(
    handler: impl Fn(&Request, &ReplyWriter) -> Result<Value, HandlerError> + Send + Sync + 'static,
) -> RequestError {
    let broker = broker();
    let _worker = serve(Worker::builder(broker.endpoint(), "service"), handler);
    let client = Client::connect(broker.endpoint()).unwrap();
    within("the outcome", client.request("service", &"data").send()).unwrap_err()
}

#[test]
fn an_error_value_reaches_the_client() {
    let error = remote(error_of(|_, reply| {
        reply.error(&json!({"reason": "sold out", "left": 0}))?;
        Ok(Value::Null)
    }));
    assert_eq!(error.value(), json!({"reason": "sold out", "left": 0}));
    assert_eq!(error.code(), None);
}

#[test]
fn a_handlers_error_becomes_a_reply() {
    let error = remote(error_of(|_, _| Err("no such row".into())));
    assert_eq!(error.code(), Some(ErrorCode::Handler));
    assert_eq!(error.value(), json!({"code": "W_HANDLER", "message": "no such row"}));
}

#[test]
fn a_handlers_panic_becomes_a_reply() {
    let error = remote(error_of(|_, _| panic!("this panic belongs to the test")));
    assert_eq!(error.code(), Some(ErrorCode::Handler));
    assert_eq!(error.message().as_deref(), Some("this panic belongs to the test"));
}

#[test]
fn a_worker_survives_its_handlers_panics() {
    let broker = broker();
    let _worker = serve(Worker::builder(broker.endpoint(), "moody"), |request, _| {
        let number: u32 = request.decode()?;
        assert!(number.is_multiple_of(2), "this panic belongs to the test");
        Ok(number)
    });
    let client = Client::connect(broker.endpoint()).unwrap();
    for number in 0..20_u32 {
        let answer: Result<u32, _> = within("the outcome", client.call("moody", &number));
        assert_eq!(answer.is_ok(), number.is_multiple_of(2));
    }
}

#[test]
fn a_dropped_writer_replies_with_an_error() {
    let broker = broker();
    let worker = Worker::connect(broker.endpoint(), "careless").unwrap();
    let client = Client::connect(broker.endpoint()).unwrap();
    let response = client.request("careless", &()).send();

    drop(within("the request", worker.next()).expect("a request"));

    let error = within("the outcome", response).unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::Handler));
}

#[test]
fn a_second_final_reply_is_refused() {
    let broker = broker();
    let worker = Worker::connect(broker.endpoint(), "eager").unwrap();
    let client = Client::connect(broker.endpoint()).unwrap();
    let response = client.request("eager", &()).send();
    let Job { reply, .. } = within("the request", worker.next()).expect("a request");

    reply.end("first").unwrap();

    assert!(reply.ended() && !reply.active());
    let refused = [reply.end("second"), reply.error("third"), reply.reject("fourth"), reply.write_blocking("fifth")];
    for outcome in refused {
        assert_eq!(outcome.unwrap_err().code(), ErrorCode::Closed);
    }
    assert_eq!(within("the reply", response).unwrap().json().unwrap(), "first");
    assert_eq!(broker.statistics().unwrap().protocol_errors, 0);
}

#[test]
fn a_rejected_request_goes_to_another_worker() {
    let broker = broker();
    let rejected = Arc::new(AtomicUsize::new(0));
    let _unwilling = serve(Worker::builder(broker.endpoint(), "picky"), {
        let rejected = Arc::clone(&rejected);
        move |_, reply| {
            rejected.fetch_add(1, Ordering::SeqCst);
            Ok(reply.reject("not today")?)
        }
    });
    let client = Client::connect(broker.endpoint()).unwrap();
    // Only the rejecting worker is registered, and it receives the request once.
    let response = client.request("picky", &"please").send();
    eventually("the reject arrives", || (broker.statistics().unwrap().rejects == 1).then_some(()));
    assert_eq!(broker.statistics().unwrap().queued, 1);

    let _willing = serve_echo(broker.endpoint(), "picky");

    assert_eq!(within("the reply", response).unwrap().json().unwrap(), "please");
    assert_eq!(rejected.load(Ordering::SeqCst), 1);
    assert_eq!(broker.statistics().unwrap().dispatches, 2);
}

#[test]
fn fail_fast_does_not_wait_for_a_worker() {
    let broker = broker();
    let _unwilling = serve(Worker::builder(broker.endpoint(), "picky"), |_, reply| Ok(reply.reject("never")?));
    let client = Client::connect(broker.endpoint()).unwrap();
    eventually("the worker is there", || (broker.statistics().unwrap().workers == 1).then_some(()));

    for (service, code) in [("nobody", ErrorCode::NoWorker), ("picky", ErrorCode::Rejected)] {
        let error = within("the outcome", client.request(service, &()).fail_fast().send()).unwrap_err();
        assert_eq!(error.code(), Some(code), "{error}");
    }
}

#[test]
fn a_handler_that_blocks_for_long_does_not_lose_its_worker() {
    const HEARTBEAT: Duration = Duration::from_millis(300);
    let (sender, mut lives) = recorder();
    let (broker_sender, mut broker_events) = recorder();
    let broker = Broker::builder()
        .bind(ANY_PORT)
        .intch(None)
        .heartbeat(HEARTBEAT)
        .on_event(move |event| broker_sender.send(event.clone()))
        .start()
        .unwrap();
    let builder = Worker::builder(broker.endpoint(), "slow").heartbeat(HEARTBEAT);
    let _worker = serve(builder.on_event(move |event| sender.send(event)), |request, _| {
        // Several times as long as the liveness timeout.
        std::thread::sleep(HEARTBEAT * 10);
        Ok(request.json()?)
    });
    let client = Client::builder(broker.endpoint()).heartbeat(HEARTBEAT).start().unwrap();

    let answer: String = within("the reply", client.call("slow", "still here")).unwrap();

    assert_eq!(answer, "still here");
    assert_eq!(lives.all(), [PeerEvent::Started, PeerEvent::Connected]);
    assert!(
        !broker_events.all().iter().any(|event| matches!(event, pigato::broker::Event::WorkerLeft { .. })),
        "{:?}",
        broker_events.all()
    );
}

#[test]
fn an_async_handler_serves_many_requests_concurrently() {
    let broker = broker();
    let worker = Worker::connect(broker.endpoint(), "together").unwrap();
    let client = Client::connect(broker.endpoint()).unwrap();
    let waiting = Arc::new(AtomicUsize::new(0));
    let thread = std::thread::spawn({
        let (worker, waiting) = (worker.clone(), Arc::clone(&waiting));
        move || {
            within(
                "the worker stops",
                worker.serve(|request, _reply| {
                    let waiting = Arc::clone(&waiting);
                    async move {
                        waiting.fetch_add(1, Ordering::SeqCst);
                        // No handler continues before all requests have arrived.
                        std::future::poll_fn(|context| {
                            if waiting.load(Ordering::SeqCst) == 50 {
                                return std::task::Poll::Ready(());
                            }
                            context.waker().wake_by_ref();
                            std::task::Poll::Pending
                        })
                        .await;
                        Ok(request.json()?)
                    }
                }),
            );
        }
    });

    let responses: Vec<_> = (0..50).map(|number| client.request("together", &number).send()).collect();
    for (number, response) in responses.into_iter().enumerate() {
        assert_eq!(within("the reply", response).unwrap().decode::<usize>().unwrap(), number);
    }

    within("the worker stops", worker.stop());
    thread.join().unwrap();
}
