//! `pigato bench`.

use serde_json::Value;

use crate::support::{run, Broker};

/// Little work, told as JSON.
fn bench(options: &[&str]) -> Value {
    let requests: &[&str] = if options.contains(&"--requests") { &[] } else { &["--requests", "200"] };
    let text = run([&["bench", "--json"], requests, options].concat()).success();
    serde_json::from_str(&text).expect("one object")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn it_tells_what_it_measured_to_people() {
    let text = run(["bench", "--requests", "200", "--waves", "2"]).success();
    for word in
        ["1 broker", "1 client", "100 in flight", "requests/s", "p50", "p999", "wave 1 ", "wave 2 ", "µs of CPU", "MiB"]
    {
        assert!(text.contains(word), "no `{word}` in:\n{text}");
    }
}

#[test]
fn each_wave_has_every_request_of_every_client() {
    let told = bench(&[
        "--brokers",
        "2",
        "--workers",
        "3",
        "--clients",
        "3",
        "--services",
        "3",
        "--waves",
        "2",
        "--body",
        "40",
    ]);
    let waves = told["waves"].as_array().unwrap();
    assert_eq!(waves.len(), 2);
    for wave in waves {
        assert_eq!((&wave["answered"], &wave["failed"]), (&600.into(), &serde_json::json!({})));
        let latency = &wave["latencyMicroseconds"];
        assert!(number(&latency["p50"]) > 0.0 && number(&latency["p50"]) <= number(&latency["max"]), "{latency}");
        assert!(number(&wave["cpuMicrosecondsPerRequest"]["all"]) > 0.0, "{wave}");
    }
    assert!(number(&told["memoryBytes"]["all"]["now"]) > 0.0);
    assert_eq!(told["plan"]["bodyBytes"], 40);
}

#[test]
fn roles_in_processes_of_their_own_are_told_apart() {
    let told = bench(&["--processes", "--clients", "2", "--in-flight", "7"]);
    assert_eq!(told["waves"][0]["answered"], 400);
    for role in ["broker", "worker", "client"] {
        assert!(number(&told["waves"][0]["cpuMicrosecondsPerRequest"][role]) > 0.0, "{told}");
        assert!(number(&told["memoryBytes"][role]["most"]) > 0.0, "{told}");
    }
}

#[test]
fn a_rate_is_kept() {
    let told = bench(&["--rate", "2000", "--clients", "2", "--requests", "500"]);
    assert_eq!((&told["plan"]["rate"], &told["plan"]["inFlight"]), (&2_000.into(), &Value::Null));
    assert_eq!(told["waves"][0]["answered"], 1_000);
    // The last of 500 is due 499 ms after the first.
    assert!(number(&told["waves"][0]["seconds"]) >= 0.499, "{told}");
}

#[test]
fn a_stall_is_seen_by_all_requests_that_were_due_meanwhile() {
    let broker = Broker::start();
    let _slow = broker.worker("slow", "sleep 0.3; cat", &["--concurrency", "1", "--raw", "--last"]);
    let options =
        ["--endpoint", &broker.endpoint, "--workers", "0", "--service", "slow", "--rate", "1000", "--requests", "4"];
    let told = bench(&options);
    // One at a time: half of them wait for at least one other, though all were due within four milliseconds.
    let latency = &told["waves"][0]["latencyMicroseconds"];
    assert!(number(&latency["p50"]) >= 590_000.0, "{told}");
    assert!(number(&latency["max"]) >= 1_190_000.0, "{told}");
}

#[test]
fn a_broker_that_runs_is_used() {
    let broker = Broker::start();
    let _echo = broker.worker("echo", "cat", &["--raw", "--last"]);
    let theirs = bench(&["--endpoint", &broker.endpoint, "--workers", "0", "--service", "echo", "--requests", "3"]);
    assert_eq!(theirs["waves"][0]["answered"], 3);
    let own = bench(&["--endpoint", &broker.endpoint, "--processes"]);
    assert_eq!(own["waves"][0]["answered"], 200);
    assert!(own["memoryBytes"].get("broker").is_none());
}

#[test]
fn failures_are_counted_and_are_the_exit_status() {
    let broker = Broker::with(&["--max-requests", "1"]);
    let options = ["bench", "--json", "--requests", "50", "--workers", "0", "--service", "nobody", "--endpoint"];
    let outcome =
        broker.spawn(&[&options[..], &[&broker.endpoint], &["--in-flight", "50", "--timeout", "300"]].concat()).end();
    let told = outcome.expect(1, &[]);
    let failed = &told.json()[0]["waves"][0]["failed"];
    assert!(number(&failed["B_QUEUE_FULL"]) >= 49.0, "{failed}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    run(["bench", "--services", "2"]).expect(2, &["2 services", "--workers"]);
    run(["bench", "--rate", "5", "--in-flight", "5"]).expect(2, &["--rate", "--in-flight"]);
    run(["bench", "--requests", "0"]).expect(2, &["--requests"]);
    run(["bench", "--endpoint", "nonsense"]).expect(5, &["nonsense"]);
}
