//! `pigato worker`: how commands and the worker itself end.

use rustix::process::Signal;
use serde_json::json;

use crate::support::{pigato, run, Broker, Fifo, Running, DEADLINE};

#[test]
fn a_timeout_ends_the_command_and_its_child_processes() {
    let broker = Broker::start();
    let alive = Fifo::new();
    let gone = alive.watch();
    let command = format!("exec 3>{}; echo started; sleep 600 & sleep 600", alive.quoted());
    let _worker = broker.worker("slow", &command, &["--timeout", "100"]);
    let outcome = broker.run(&["request", "slow", "--json"]).expect(1, &["longer than 100 ms"]);
    assert_eq!(outcome.json()[1]["value"]["timeout"], json!(100));
    gone.recv_timeout(DEADLINE).expect("the command and its child have ended");
}

#[test]
fn a_request_timeout_ends_the_command_and_its_child_processes() {
    let broker = Broker::start();
    let alive = Fifo::new();
    let gone = alive.watch();
    let command = format!("exec 3>{}; echo started; sleep 600 & sleep 600", alive.quoted());
    let _worker = broker.worker("slow", &command, &[]);
    // Each partial reply restarts the timeout, so it runs from the only partial reply.
    broker.run(&["request", "slow", "--timeout", "300"]).expect(3, &["C_TIMEOUT"]);
    gone.recv_timeout(DEADLINE).expect("the command and its child have ended");
}

#[test]
fn a_command_that_ignores_sigterm_is_killed() {
    let broker = Broker::start();
    let alive = Fifo::new();
    let gone = alive.watch();
    let command = format!("trap '' TERM; exec 3>{}; echo started; while :; do sleep 1; done", alive.quoted());
    let _worker = broker.worker("deaf", &command, &[]);
    let mut request = broker.spawn(&["request", "deaf"]);
    request.line();
    request.signal(Signal::INT);
    request.end().expect(130, &[]);
    gone.recv_timeout(DEADLINE).expect("the command has ended");
}

#[test]
fn a_command_that_has_closed_its_outputs_is_also_ended() {
    let broker = Broker::start();
    let alive = Fifo::new();
    let gone = alive.watch();
    let command = format!("exec 3>{}; exec >&- 2>&-; sleep 600", alive.quoted());
    let _worker = broker.worker("mute", &command, &["--timeout", "100"]);
    broker.run(&["request", "mute"]).expect(1, &["longer than 100 ms"]);
    gone.recv_timeout(DEADLINE).expect("the command has ended");
}

#[test]
fn a_signal_drains_the_running_commands() {
    let broker = Broker::start();
    let gate = Fifo::new();
    let mut worker = broker.worker("slow", &format!("echo started; cat {}", gate.quoted()), &[]);
    let mut request = broker.spawn(&["request", "slow"]);
    assert_eq!(request.line(), "\"started\"");
    worker.signal(Signal::TERM);
    worker.wait_for_log("stopping");
    gate.write("finished");
    assert_eq!(request.end().success(), "\"finished\"\nnull\n");
    assert_eq!(worker.end().expect(0, &["stopped"]).text(), "");
    broker.run(&["dir", "slow"]).expect(4, &[]);
}

#[test]
fn a_command_that_outlasts_the_drain_period_is_ended() {
    let broker = Broker::start();
    let alive = Fifo::new();
    let gone = alive.watch();
    let command = format!("exec 3>{}; echo started; sleep 600", alive.quoted());
    let worker = broker.worker("slow", &command, &["--drain", "50"]);
    let mut request = broker.spawn(&["request", "slow"]);
    request.line();
    worker.signal(Signal::TERM);
    worker.end().expect(0, &[]);
    gone.recv_timeout(DEADLINE).expect("the command has ended");
    request.end().expect(4, &["B_WORKER_LOST"]);
}

#[test]
fn a_second_signal_kills_the_commands() {
    let broker = Broker::start();
    let alive = Fifo::new();
    let gone = alive.watch();
    let command = format!("trap '' TERM; exec 3>{}; echo started; while :; do sleep 1; done", alive.quoted());
    let mut worker = broker.worker("slow", &command, &[]);
    let mut request = broker.spawn(&["request", "slow"]);
    request.line();
    worker.signal(Signal::INT);
    worker.wait_for_log("stopping");
    worker.signal(Signal::INT);
    worker.end().expect(130, &["second signal"]);
    gone.recv_timeout(DEADLINE).expect("the command has ended");
}

#[test]
fn it_keeps_connecting_until_a_broker_is_available() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("tcp://{address}");
    let mut worker = Running::start(pigato(["worker", "echo", "--exec", "cat", "--last", "-e", &endpoint]));
    worker.wait_for_log("connecting");
    let _broker = Running::start(pigato(["broker", "--bind", &endpoint, "--intch", "none"]));
    worker.wait_for_log("serving");
    assert_eq!(run(["request", "echo", "1", "-e", &endpoint]).success(), "1\n");
}
