//! `pigato demo`.

use std::time::{Duration, Instant};

use crate::support::{pigato, run, Fifo, Running};

#[test]
fn it_shows_every_step_and_exits() {
    let start = Instant::now();
    let text = run(["demo"]).success();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    let words = [
        "A broker at tcp://127.0.0.1:",
        "partial  \"partial\"",
        "final    \"partial replies come first\"",
        "1,000 concurrent requests",
        "requests/s",
        "(p50)",
        "(p99)",
        "2,500 daily quotes",
        "generated data, not real quotes",
        "rows/s",
        "UNKNOWN_SYMBOL",
        "C_TIMEOUT",
        "B_NO_WORKER",
        "The directory",
        "The broker forwarded 1,003 requests, 2,504 partial replies and 1,003 final replies.",
    ];
    for word in words {
        assert!(text.contains(word), "no `{word}` in:\n{text}");
    }
}

#[test]
fn endpoint_and_number_of_requests_can_be_chosen() {
    let place = Fifo::new();
    let endpoint = format!("ipc://{}.sock", place.path().display());
    for endpoint in [&endpoint, "inproc://demo"] {
        let text = run(["demo", "--requests", "10", "--endpoint", endpoint]).success();
        assert!(text.contains(&format!("A broker at {endpoint}")), "{text}");
        assert!(text.contains("10 concurrent requests"), "{text}");
    }
}

#[test]
fn invalid_options_are_errors() {
    run(["demo", "--endpoint", "nonsense"]).expect(1, &["the demo failed", "nonsense"]);
    run(["demo", "--requests", "0"]).expect(2, &["--requests"]);
}

#[test]
fn a_closed_standard_output_ends_it_without_an_error() {
    let mut demo = Running::start(pigato(["demo"]));
    demo.line();
    demo.close_stdout();
    demo.end().success();
}
