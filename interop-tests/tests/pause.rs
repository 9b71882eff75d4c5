//! A broker whose process was paused: messages that arrived meanwhile count as received in time.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;
use pigato_interop::runner::drivers::{Drivers, Role};
use pigato_interop::runner::process::{Log, Process};
use serde_json::json;

const TIMEOUT: Duration = Duration::from_secs(30);

/// The heartbeat interval that the worker announces.
const HEARTBEAT: Duration = Duration::from_millis(100);

/// Several times the broker's liveness timeout.
const PAUSE_HEARTBEATS: u32 = 15;

#[test]
fn a_paused_broker_keeps_peers_that_sent_heartbeats() {
    let programs = Path::new(env!("CARGO_BIN_EXE_interop")).parent().expect("a folder");
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let drivers = Drivers::read(&home.join("drivers"), programs).expect("drivers.toml");
    let mut command = drivers.command("rust", Role::Broker).unwrap_or_else(|error| panic!("{error}"));
    command.args(["--endpoint", "tcp://127.0.0.1:*", "--conf", &json!({"heartbeat": 100, "intch": null}).to_string()]);
    let log = Log::default();
    let mut broker = Process::start("rust", command, &log).expect("it starts");
    let started = broker.take("where it listens", TIMEOUT, |event| event["endpoint"].is_string()).expect("an endpoint");

    let worker = zmq::Context::new().socket(zmq::DEALER).expect("a socket");
    worker.set_linger(0).expect("set");
    worker.set_rcvtimeo(TIMEOUT.as_millis() as i32).expect("set");
    worker.set_identity(b"alive").expect("set");
    worker.connect(started["endpoint"].as_str().expect("text")).expect("an endpoint");
    let hello = json!({"v": 1, "caps": [], "heartbeat": HEARTBEAT.as_millis() as u64, "concurrency": 1});
    worker.send_multipart(["W", "1", "echo", &hello.to_string()], 0).expect("room");
    assert_eq!(worker.recv_multipart(0).expect("an answer")[1], b"1");

    broker.signal(Signal::SIGSTOP).expect("the process exists");
    for _ in 0..PAUSE_HEARTBEATS {
        worker.send_multipart(["W", "4"], 0).expect("room");
        sleep(HEARTBEAT);
    }
    broker.signal(Signal::SIGCONT).expect("the process exists");

    for _ in 0..PAUSE_HEARTBEATS {
        let answer = worker.recv_multipart(0).expect("an answer");
        assert_eq!(answer[1], b"4", "{}", log.text());
    }
    broker.stop().expect("it stops");
}
