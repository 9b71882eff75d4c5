//! `pigato demo`.

use std::time::{Duration, Instant};

use crate::support::{pigato, run, Fifo, Running};

#[test]
fn it_shows_everything_and_ends_by_itself() {
    let start = Instant::now();
    let text = run(["demo"]).success();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    let words = [
        "A broker at tcp://127.0.0.1:",
        "partial  \"partial\"",
        "final    \"partial replies come first\"",
        "1,000 requests at the same time",
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
        "The broker passed on 1,003 requests, 2,504 partial and 1,003 final replies.",
    ];
    for word in words {
        assert!(text.contains(word), "no `{word}` in:\n{text}");
    }
}

#[test]
fn it_runs_elsewhere_and_with_other_numbers() {
    let place = Fifo::new();
    let endpoint = format!("ipc://{}.sock", place.path().display());
    for endpoint in [&endpoint, "inproc://demo"] {
        let text = run(["demo", "--requests", "10", "--endpoint", endpoint]).success();
        assert!(text.contains(&format!("A broker at {endpoint}")), "{text}");
        assert!(text.contains("10 requests at the same time"), "{text}");
    }
}

#[test]
fn what_cannot_work_is_an_error() {
    run(["demo", "--endpoint", "nonsense"]).expect(1, &["demonstration went wrong", "nonsense"]);
    run(["demo", "--requests", "0"]).expect(2, &["--requests"]);
}

#[test]
fn a_reader_that_has_enough_ends_it_quietly() {
    let mut demo = Running::start(pigato(["demo"]));
    demo.line();
    demo.close_stdout();
    demo.end().success();
}
