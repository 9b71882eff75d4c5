//! `pigato broker`.

use std::io::Write;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{pigato, run, Broker, Fifo, Running};

#[test]
fn it_prints_its_endpoints_and_stops_on_either_signal() {
    for signal in [Signal::TERM, Signal::INT] {
        let ipc = Fifo::new();
        let ipc = format!("ipc://{}.sock", ipc.path().display());
        let arguments =
            ["broker", "--bind", "tcp://127.0.0.1:*", "--bind", &ipc, "--intch", "tcp://127.0.0.1:*", "--json"];
        let mut broker = Running::start(pigato(arguments.iter().chain(&["--name", "B1"])));
        let line: Value = serde_json::from_str(&broker.line()).unwrap();
        assert_eq!(line["event"], "listening");
        assert_eq!(line["name"], "B1");
        assert_eq!(line["endpoints"][0], line["endpoint"]);
        assert_eq!(line["endpoints"][1], ipc);
        assert!(line["endpoint"].as_str().unwrap().starts_with("tcp://127.0.0.1:"));
        assert!(line["intch"].as_str().unwrap().starts_with("tcp://127.0.0.1:"));
        assert!(line["pid"].is_u64());
        broker.wait_for_log("listening on tcp://127.0.0.1:");
        broker.wait_for_log("publishing the directory on tcp://127.0.0.1:");
        broker.signal(signal);
        let outcome = broker.end().expect(0, &["stopped"]);
        assert_eq!(outcome.text(), "");
        assert!(!outcome.stderr.contains('\u{1b}'), "colours in a pipe");
    }
}

#[test]
fn without_json_it_writes_nothing_to_standard_output() {
    let mut broker = Running::start(pigato(["broker", "--bind", "tcp://127.0.0.1:*", "--intch", "none"]));
    broker.wait_for_log("listening on");
    broker.signal(Signal::TERM);
    assert_eq!(broker.end().expect(0, &[]).text(), "");
}

#[test]
fn an_endpoint_in_use_is_an_error_with_a_hint() {
    let first = Broker::start();
    let bind = ["broker", "--bind", &first.endpoint, "--intch", "none"];
    run(bind).expect(1, &[&first.endpoint, "E_ENDPOINT", "another", "--bind"]);
    let intch = ["broker", "--bind", "tcp://127.0.0.1:*", "--intch", &first.endpoint];
    run(intch).expect(1, &["intch", &first.endpoint, "`--intch none`"]);
}

#[test]
fn an_invalid_endpoint_is_an_error() {
    run(["broker", "--bind", "localhost", "--intch", "none"]).expect(1, &["localhost", "tcp://HOST:PORT"]);
}

fn config(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn the_command_line_overrides_the_file() {
    let file =
        config("bind = 'tcp://127.0.0.1:*'\nintch = 'none'\nname = 'from-file'\ndrain = 100\ndispatch = 'rand'\n");
    let path = file.path().to_str().unwrap();
    for (arguments, name) in [(&[][..], "from-file"), (&["--name", "typed"][..], "typed")] {
        let mut broker = Running::start(pigato(["broker", "--json", "--config", path].iter().chain(arguments)));
        let line: Value = serde_json::from_str(&broker.line()).unwrap();
        assert_eq!(line["name"], name);
        assert_eq!(line["intch"], Value::Null);
        broker.signal(Signal::TERM);
        broker.end().expect(0, &[]);
    }
}

#[test]
fn an_error_in_the_file_is_described() {
    let wrong = |text: &str, words: &[&str]| {
        let file = config(text);
        let path = file.path().to_str().unwrap();
        run(["broker", "--config", path]).expect(2, &[&[path], words].concat());
    };
    wrong("hartbeat = 100", &["unknown setting `hartbeat`", "did you mean `heartbeat`?"]);
    wrong("[broker]\nbind = 'x'", &["unknown setting `broker`"]);
    wrong("heartbeat = 'fast'", &["line 1", "heartbeat"]);
    wrong("bind = ", &["line 1"]);
    run(["broker", "--config", "/nonexistent/broker.toml"]).expect(2, &["/nonexistent/broker.toml"]);
}

#[test]
fn invalid_options_are_usage_errors() {
    run(["broker", "--heartbeat", "0"]).expect(2, &["--heartbeat"]);
    run(["broker", "--dispatch", "fair"]).expect(2, &["load", "rand"]);
    run(["broker", "--drain", "soon"]).expect(2, &["--drain"]);
}

#[test]
fn a_signal_drains_the_requests_in_flight() {
    let mut broker = Broker::start();
    let gate = Fifo::new();
    let _worker = broker.worker("slow", &format!("echo started; cat {}", gate.quoted()), &[]);
    let mut request = broker.spawn(&["request", "slow"]);
    assert_eq!(request.line(), "\"started\"");

    broker.process.signal(Signal::TERM);
    broker.process.wait_for_log("stopping");
    broker.run(&["request", "slow"]).expect(4, &["B_DRAINING"]);

    gate.write("finished");
    assert_eq!(request.end().success(), "\"finished\"\nnull\n");
    broker.process.end().expect(0, &["in_flight=1", "stopped"]);
}

#[test]
fn requests_that_outlast_the_drain_period_fail() {
    let broker = Broker::with(&["--drain", "50"]);
    let gate = Fifo::new();
    let _worker = broker.worker("slow", &format!("echo started; cat {}", gate.quoted()), &[]);
    let mut request = broker.spawn(&["request", "slow"]);
    request.line();
    broker.process.signal(Signal::TERM);
    request.end().expect(4, &["B_DRAINING"]);
    broker.process.end().expect(0, &[]);
}

#[test]
fn a_second_signal_ends_it_immediately() {
    let mut broker = Broker::start();
    let gate = Fifo::new();
    let _worker = broker.worker("slow", &format!("echo started; cat {}", gate.quoted()), &[]);
    let mut request = broker.spawn(&["request", "slow"]);
    request.line();
    broker.process.signal(Signal::INT);
    broker.process.wait_for_log("stopping");
    broker.process.signal(Signal::INT);
    broker.process.end().expect(130, &["second signal"]);
}
