//! Idle brokers, workers and clients use no processor time. A separate program, because it measures
//! the whole process.
#![cfg(target_os = "linux")]
// Tests start threads and read the clock.
#![allow(clippy::disallowed_methods)]

#[path = "sockets/process.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod process;
#[path = "sockets/serve.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod serve;
#[path = "sockets/wait.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod wait;

use std::time::Duration;

use pigato::services::Directory;
use pigato::{Broker, Client};

use process::processor_time;
use serve::{serve_echo, ANY_PORT};
use wait::within;

#[test]
fn idle_endpoints_use_no_processor_time() {
    const IDLE: Duration = Duration::from_secs(4);
    let broker = Broker::builder().bind(ANY_PORT).intch(Some(ANY_PORT)).start().unwrap();
    let _worker = serve_echo(broker.endpoint(), "echo");
    let _directory = Directory::start(broker.endpoint(), broker.intch().unwrap()).unwrap();
    let client = Client::connect(broker.endpoint()).unwrap();
    let _lonely = Client::connect("tcp://127.0.0.1:1").unwrap();
    let _waiting = client.request("nobody", &()).send();
    assert_eq!(within("the reply", client.call::<_, u8>("echo", &1)).unwrap(), 1);

    let before = processor_time();
    std::thread::sleep(IDLE);
    let used = processor_time() - before;

    // Allows a few heartbeats; a busy loop would use all of it.
    assert!(used < IDLE / 20, "{used:?} of {IDLE:?}");
}
