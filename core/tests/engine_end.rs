//! Dropping a handle ends its endpoint, and the engine ends at once with the last handle. The only
//! test of its process: another test's handles would keep the engine alive.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use pigato::broker::Event;
use pigato::{Broker, Client, Worker};

/// Far more than it takes, far less than the engine's timeout for endpoints that were not stopped.
const AT_ONCE: Duration = Duration::from_secs(1);

#[test]
fn dropping_the_last_handle_ends_the_engine_at_once() {
    for round in 0..5 {
        let (sender, left) = channel();
        let broker = Broker::builder().bind("tcp://127.0.0.1:*").intch(None).on_event(move |event| {
            if matches!(event, Event::WorkerLeft { .. }) {
                let _ = sender.send(());
            }
        });
        let broker = broker.start().unwrap();
        let worker = Worker::connect(broker.endpoint(), "echo").unwrap();
        let client = Client::connect(broker.endpoint()).unwrap();
        while client.call_blocking::<_, Vec<String>>("$dir", "echo").unwrap().is_empty() {}

        drop(worker);
        left.recv_timeout(AT_ONCE).expect("a dropped worker tells the broker");

        let start = Instant::now();
        drop((broker, client));
        assert!(start.elapsed() < AT_ONCE, "round {round}: {:?}", start.elapsed());
    }
}
