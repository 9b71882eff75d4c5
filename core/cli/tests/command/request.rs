//! `pigato request`.

use rustix::process::Signal;
use serde_json::json;

use crate::support::{pigato, run, Broker, Fifo, Running, DEADLINE};

#[test]
fn json_data_passes_both_ways_unchanged() {
    let broker = Broker::start();
    let _worker = broker.worker("echo", "cat", &["--last"]);
    let echo = |data: &str| broker.run(&["request", "echo", data]).success();
    for json in ["{\"b\":1,\"a\":[1.0,2]}", "123456789012345678901234567890", "-5", "\"x\\ny\"", "null", "true"] {
        assert_eq!(echo(json), format!("{json}\n"));
    }
    assert_eq!(echo("hello world"), "\"hello world\"\n");
    assert_eq!(echo("{\"a\":"), "\"{\\\"a\\\":\"\n");
    assert_eq!(echo(""), "\"\"\n");
    assert_eq!(broker.run(&["request", "echo"]).success(), "null\n");
}

#[test]
fn data_can_come_from_standard_input() {
    let broker = Broker::start();
    let _worker = broker.worker("echo", "cat", &["--last"]);
    let echo = |input: &str| broker.run_with(&["request", "echo", "-"], input.as_bytes()).success();
    assert_eq!(echo("[1, 2]\n"), "[1, 2]\n");
    assert_eq!(echo("two\nlines\n"), "\"two\\nlines\"\n");
    let bytes = broker.run_with(&["request", "echo", "-"], &[0xff]);
    bytes.expect(2, &["not UTF-8", "--raw"]);
}

#[test]
fn raw_bytes_pass_unchanged() {
    let broker = Broker::start();
    let _worker = broker.worker("echo", "cat", &["--raw"]);
    let _whole = broker.worker("whole", "cat", &["--raw", "--last"]);
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    for service in ["echo", "whole"] {
        let outcome = broker.run_with(&["request", service, "--raw", "-"], &bytes).expect(0, &[]);
        assert!(outcome.stdout == bytes, "{service}: {} bytes came back", outcome.stdout.len());
    }
    assert_eq!(broker.run(&["request", "echo", "--raw", "{x"]).success(), "{x");
    assert_eq!(broker.run(&["request", "echo", "--raw"]).success(), "");
    let invalid_utf8 = broker.run_with(&["request", "whole", "--raw", "-"], b"\xff").expect(0, &[]);
    assert_eq!(invalid_utf8.stdout, b"\xff");
    // Without --raw, bytes that are not UTF-8 are printed as base64.
    let _bytes = broker.worker("bytes", "printf '\\377'", &["--raw", "--last"]);
    assert_eq!(broker.run(&["request", "bytes"]).success(), "{\"base64\":\"/w==\"}\n");
}

#[test]
fn json_lines_name_their_kind() {
    let broker = Broker::start();
    let _worker = broker.worker("two", "echo one; echo '{\"n\": 2}'", &[]);
    let replies = broker.run(&["request", "two", "--json"]).expect(0, &[]);
    let expected = [
        json!({ "kind": "partial", "data": "one", "options": {} }),
        json!({ "kind": "partial", "data": { "n": 2 }, "options": {} }),
        json!({ "kind": "final", "data": null, "options": {} }),
    ];
    assert_eq!(replies.json(), expected);

    let _failing = broker.worker("failing", "exit 3", &[]);
    let outcome = broker.run(&["request", "failing", "--json"]).expect(1, &["W_HANDLER", "status 3"]);
    let [error] = &outcome.json()[..] else { panic!("{outcome:?}") };
    assert_eq!((&error["kind"], &error["code"]), (&json!("error"), &json!("W_HANDLER")));
    assert_eq!(error["value"]["status"], 3);
    assert_eq!(error["message"], "the command ended with status 3");

    let outcome = broker.run(&["request", "nobody", "--json", "--timeout", "50"]).expect(3, &[]);
    assert_eq!(outcome.json()[0]["code"], "C_TIMEOUT");
    assert_eq!(outcome.json()[0]["value"], "C_TIMEOUT");

    let outcome = broker.run(&["request", "nobody", "--json", "--fail-fast"]).expect(4, &[]);
    assert_eq!(outcome.json()[0]["code"], "B_NO_WORKER");
    assert_eq!(outcome.json()[0]["options"]["origin"], "broker");
}

#[test]
fn the_exit_status_depends_on_the_failure_and_the_hint_says_what_to_do() {
    let broker = Broker::start();
    let _failing = broker.worker("failing", "echo 'no disk' >&2; exit 1", &[]);
    let outcome = broker.run(&["request", "failing"]).expect(1, &["pigato: W_HANDLER"]);
    assert_eq!(outcome.text(), "");
    broker.run(&["request", "nobody", "--timeout", "50"]).expect(3, &["C_TIMEOUT", "pigato dir nobody"]);
    broker.run(&["request", "nobody", "--fail-fast"]).expect(4, &["B_NO_WORKER", "--fail-fast"]);
    broker.run(&["request", "failing", "--worker", "W0", "--fail-fast"]).expect(4, &["B_NO_WORKER"]);
}

#[test]
fn wrong_usage_exits_with_2() {
    run(["request"]).expect(2, &["SERVICE"]);
    run(["request", "echo", "--timeout", "1s"]).expect(2, &["milliseconds"]);
    run(["request", "echo", "--timeout", "-2"]).expect(2, &["milliseconds"]);
    run(["request", "echo", "--header", "k"]).expect(2, &["KEY=VALUE"]);
    run(["request", "echo", "--raw", "--json"]).expect(2, &["--raw"]);
    run(["request", ""]).expect(2, &["service name"]);
    run(["nonsense"]).expect(2, &["nonsense"]);
    run(["dir", "--log", "a=b=c"]).expect(2, &["log level"]);
}

#[test]
fn the_error_for_a_missing_broker_names_its_endpoint() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("tcp://{free}");
    run(["request", "echo", "--timeout", "100", "-e", &endpoint]).expect(3, &["C_TIMEOUT", &endpoint, "pigato broker"]);
    run(["request", "echo", "--endpoint", "nonsense"]).expect(5, &["E_ENDPOINT", "nonsense", "tcp://HOST:PORT"]);
}

#[test]
fn the_endpoint_can_be_an_option() {
    let broker = Broker::start();
    let _worker = broker.worker("echo", "cat", &["--last"]);
    assert_eq!(run(["request", "echo", "1", "-e", &broker.endpoint]).success(), "1\n");
}

#[test]
fn options_and_headers_reach_the_worker() {
    let broker = Broker::start();
    let _worker = broker.worker("options", "echo \"$PIGATO_OPTIONS\"", &["--last"]);
    let headers = ["--header", "a=text", "--header", "n=[1]", "--header", "e=x=y"];
    let options = ["--retry", "--no-cache", "--timeout", "-1"];
    let outcome = broker.run(&[&["request", "options"], &headers[..], &options].concat()).expect(0, &[]);
    let seen = &outcome.json()[0];
    assert_eq!((&seen["a"], &seen["n"], &seen["e"]), (&json!("text"), &json!([1]), &json!("x=y")));
    assert_eq!((&seen["timeout"], &seen["retry"], &seen["nocache"]), (&json!(-1), &json!(1), &json!(true)));
}

#[test]
fn a_request_can_be_addressed_to_one_worker() {
    let broker = Broker::start();
    let _one = broker.worker("who", "echo one", &["--last", "--prefix", "one"]);
    let _two = broker.worker("who", "echo two", &["--last", "--prefix", "two"]);
    let workers = broker.run(&["dir", "who"]).success();
    let two = workers.lines().find(|id| id.starts_with("two-")).unwrap();
    for _ in 0..4 {
        assert_eq!(broker.run(&["request", "who", "--worker", two]).success(), "\"two\"\n");
    }
}

#[test]
fn a_signal_cancels_the_request() {
    let broker = Broker::start();
    for signal in [Signal::INT, Signal::TERM] {
        let alive = Fifo::new();
        let gone = alive.watch();
        let worker = broker.worker("slow", &format!("exec 3>{}; echo started; sleep 600", alive.quoted()), &[]);
        let mut request = broker.spawn(&["request", "slow"]);
        assert_eq!(request.line(), "\"started\"");
        request.signal(signal);
        assert_eq!(request.end().expect(130, &[]).text(), "");
        gone.recv_timeout(DEADLINE).expect("the command has ended");
        worker.signal(Signal::TERM);
        worker.end().expect(0, &[]);
    }
}

#[test]
fn a_closed_standard_output_cancels_the_request_without_an_error() {
    let broker = Broker::start();
    let alive = Fifo::new();
    let gone = alive.watch();
    let _worker = broker.worker("endless", &format!("exec 3>{}; yes", alive.quoted()), &[]);
    let mut request = broker.spawn(&["request", "endless"]);
    assert_eq!(request.line(), "\"y\"");
    request.close_stdout();
    request.end().expect(0, &[]).success();
    gone.recv_timeout(DEADLINE).expect("the command has ended");
}

#[test]
fn the_log_level_comes_from_the_environment_or_an_option() {
    let broker = Broker::start();
    let _worker = broker.worker("echo", "cat", &["--last"]);
    let mut verbose = broker.command(&["request", "echo", "1"]);
    verbose.env("PIGATO_LOG", "debug");
    Running::start(verbose).end().expect(0, &["DEBUG", "Connected"]);
    broker.run(&["request", "echo", "1", "-vv"]).expect(0, &["DEBUG"]);
    let mut quiet = pigato(["-q", "request", "echo", "1", "-e", &broker.endpoint]);
    quiet.env("PIGATO_LOG", "trace");
    assert_eq!(Running::start(quiet).end().success(), "1\n");
}
