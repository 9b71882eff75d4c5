//! Broker, worker and client in one process without a network: `inproc` connections are up at once.

use std::sync::mpsc::channel;
use std::time::Duration;

use pigato::broker::Event;
use pigato::{Broker, Client, Worker};

#[test]
fn a_worker_registers_at_once_without_protocol_errors() {
    let (sender, joined) = channel();
    let broker = Broker::builder().bind("inproc://broker").intch(None).on_event(move |event| {
        if matches!(event, Event::WorkerJoined { .. } | Event::ProtocolError { .. }) {
            let _ = sender.send(format!("{event:?}"));
        }
    });
    let broker = broker.start().unwrap();
    let worker = Worker::connect(broker.endpoint(), "echo").unwrap();
    // Long before the first heartbeat.
    let event = joined.recv_timeout(Duration::from_secs(2)).expect("the worker has announced itself");
    assert!(event.contains("WorkerJoined"), "{event}");

    let serving = worker.clone();
    let handlers = std::thread::spawn(move || serving.serve_blocking(1, |request, _| Ok(request.json()?)));
    let client = Client::connect(broker.endpoint()).unwrap();
    assert_eq!(client.call_blocking::<_, u32>("echo", &7).unwrap(), 7);
    worker.stop_blocking();
    handlers.join().unwrap();
    assert_eq!(broker.statistics().unwrap().protocol_errors, 0);
}
