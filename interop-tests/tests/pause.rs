//! A broker whose process was stopped for a while: what has come meanwhile came in time.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;
use pigato_interop::runner::drivers::{Drivers, Role};
use pigato_interop::runner::process::{Log, Process};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(30);

/// Between two signs of life of the worker, as it announces.
const HEARTBEAT: Duration = Duration::from_millis(100);

/// Several times what a broker waits for one.
const PAUSE_HEARTBEATS: u32 = 15;

#[test]
fn no_peer_that_was_alive_all_the_time_is_given_up() {
    let programs = Path::new(env!("CARGO_BIN_EXE_interop")).parent().expect("a folder");
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let drivers = Drivers::read(&home.join("drivers"), programs).expect("drivers.toml");
    let mut command = drivers.command("rust", Role::Broker).unwrap_or_else(|error| panic!("{error}"));
    command.args(["--endpoint", "tcp://127.0.0.1:*", "--conf", &json!({"heartbeat": 100, "intch": null}).to_string()]);
    let log = Log::default();
    let mut broker = Process::start("rust", command, &log).expect("it starts");
    let started =
        broker.take("where it listens", PATIENCE, |event| event["endpoint"].is_string()).expect("an endpoint");

    let worker = zmq::Context::new().socket(zmq::DEALER).expect("a socket");
    worker.set_linger(0).expect("set");
    worker.set_rcvtimeo(PATIENCE.as_millis() as i32).expect("set");
    worker.set_identity(b"alive").expect("set");
    worker.connect(started["endpoint"].as_str().expect("text")).expect("an endpoint");
    let hello = json!({"v": 1, "caps": [], "heartbeat": HEARTBEAT.as_millis() as u64, "concurrency": 1});
    worker.send_multipart(["W", "1", "echo", &hello.to_string()], 0).expect("room");
    assert_eq!(worker.recv_multipart(0).expect("an answer")[1], b"1");

    broker.signal(Signal::SIGSTOP).expect("it is there");
    for _ in 0..PAUSE_HEARTBEATS {
        worker.send_multipart(["W", "4"], 0).expect("room");
        sleep(HEARTBEAT);
    }
    broker.signal(Signal::SIGCONT).expect("it is there");

    for _ in 0..PAUSE_HEARTBEATS {
        let answer = worker.recv_multipart(0).expect("an answer");
        assert_eq!(answer[1], b"4", "{}", log.text());
    }
    broker.stop().expect("it stops");
}
