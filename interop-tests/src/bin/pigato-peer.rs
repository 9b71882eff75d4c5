//! Our broker or worker in a process of its own, so that tests can kill it. Speaks a part of the lines of
//! `peers/pigato-js/README.md`: it prints `ready`, and `request` for each request if it is `--deaf`, and ends when its
//! input does.
//!
//! ```text
//! pigato-peer broker --endpoint E
//! pigato-peer worker --endpoint E --service S [--deaf]
//! ```

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Duration;

use pigato::{Broker, PeerEvent, Worker};
use pigato_interop::behaviours::answer;
use serde_json::{json, Value};

/// Short enough that tests of deaths do not take long, long enough for a busy machine.
const HEARTBEAT: Duration = Duration::from_millis(500);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        let position = arguments.iter().position(|argument| argument == name);
        position
            .and_then(|position| arguments.get(position + 1))
            .map(String::as_str)
            .ok_or(format!("{name} is missing"))
    };
    let endpoint = option("--endpoint")?;
    match arguments.first().map(String::as_str) {
        Some("broker") => broker(endpoint),
        Some("worker") => worker(endpoint, option("--service")?, arguments.iter().any(|argument| argument == "--deaf")),
        _ => Err("broker or worker?".into()),
    }
}

fn broker(endpoint: &str) -> Result<(), Box<dyn Error>> {
    let broker = Broker::builder().bind(endpoint).intch(None).heartbeat(HEARTBEAT).start()?;
    say(&json!({"event": "ready", "endpoint": broker.endpoint()}));
    wait_for_end_of_input();
    broker.stop_blocking();
    Ok(())
}

fn worker(endpoint: &str, service: &str, is_deaf: bool) -> Result<(), Box<dyn Error>> {
    let tell = |event| {
        if event == PeerEvent::Connected {
            say(&json!({"event": "ready"}));
        }
    };
    let worker = Worker::builder(endpoint, service).heartbeat(HEARTBEAT).on_event(tell).start()?;
    let serving = worker.clone();
    std::thread::spawn(move || {
        if is_deaf {
            take_without_answer(&serving);
        } else {
            serving.serve_blocking(4, answer);
        }
    });
    wait_for_end_of_input();
    worker.stop_blocking();
    Ok(())
}

fn take_without_answer(worker: &Worker) {
    let mut unanswered = Vec::new();
    while let Some(job) = worker.next_blocking() {
        say(&json!({"event": "request", "data": job.request.json().unwrap_or_default()}));
        unanswered.push(job);
    }
}

fn say(event: &Value) {
    let mut output = std::io::stdout().lock();
    // Nobody listens any more: the end of the input follows.
    let _ = writeln!(output, "{event}").and_then(|()| output.flush());
}

fn wait_for_end_of_input() {
    for line in std::io::stdin().lock().lines() {
        if line.is_err() || line.is_ok_and(|line| line.contains("stop")) {
            break;
        }
    }
}
