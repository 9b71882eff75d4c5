//! `pigato bench`.

use serde_json::Value;

use crate::support::{run, Broker};

/// Runs a small bench and parses its JSON.
fn bench(options: &[&str]) -> Value {
    let requests: &[&str] = if options.contains(&"--requests") { &[] } else { &["--requests", "200"] };
    let text = run([&["bench", "--json"], requests, options].concat()).success();
    serde_json::from_str(&text).expect("one object")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

#[test]
fn results_are_printed_as_a_table() {
    let text = run(["bench", "--requests", "200", "--waves", "2"]).success();
    for word in [
        "1 broker",
        "1 client",
        "100 requests in flight",
        "requests/s",
        "p50",
        "p999",
        "wave 1 ",
        "wave 2 ",
        "µs of CPU",
        "MiB",
    ] {
        assert!(text.contains(word), "no `{word}` in:\n{text}");
    }
}

#[test]
fn each_wave_counts_every_request_of_every_client() {
    let results = bench(&[
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
    let waves = results["waves"].as_array().unwrap();
    assert_eq!(waves.len(), 2);
    for wave in waves {
        assert_eq!((&wave["answered"], &wave["failed"]), (&600.into(), &serde_json::json!({})));
        let latency = &wave["latencyMicroseconds"];
        assert!(number(&latency["p50"]) > 0.0 && number(&latency["p50"]) <= number(&latency["max"]), "{latency}");
        assert!(number(&wave["cpuMicrosecondsPerRequest"]["all"]) > 0.0, "{wave}");
    }
    assert!(number(&results["memoryBytes"]["all"]["now"]) > 0.0);
    assert_eq!(results["plan"]["bodyBytes"], 40);
}

#[test]
fn separate_processes_are_measured_by_role() {
    let results = bench(&["--processes", "--clients", "2", "--in-flight", "7"]);
    assert_eq!(results["waves"][0]["answered"], 400);
    for role in ["broker", "worker", "client"] {
        assert!(number(&results["waves"][0]["cpuMicrosecondsPerRequest"][role]) > 0.0, "{results}");
        assert!(number(&results["memoryBytes"][role]["most"]) > 0.0, "{results}");
    }
}

#[test]
fn requests_are_sent_at_the_given_rate() {
    let results = bench(&["--rate", "2000", "--clients", "2", "--requests", "500"]);
    assert_eq!((&results["plan"]["rate"], &results["plan"]["inFlight"]), (&2_000.into(), &Value::Null));
    assert_eq!(results["waves"][0]["answered"], 1_000);
    // The last of 500 requests is sent 499 ms after the first.
    assert!(number(&results["waves"][0]["seconds"]) >= 0.499, "{results}");
}

#[test]
fn a_stall_raises_the_latency_of_all_requests_scheduled_during_it() {
    let broker = Broker::start();
    let _slow = broker.worker("slow", "sleep 0.3; cat", &["--concurrency", "1", "--raw", "--last"]);
    let options =
        ["--endpoint", &broker.endpoint, "--workers", "0", "--service", "slow", "--rate", "1000", "--requests", "4"];
    let results = bench(&options);
    // The worker runs 1 command at a time: half of the requests wait for at least 1 other, though
    // all 4 are scheduled within 4 ms.
    let latency = &results["waves"][0]["latencyMicroseconds"];
    assert!(number(&latency["p50"]) >= 590_000.0, "{results}");
    assert!(number(&latency["max"]) >= 1_190_000.0, "{results}");
}

#[test]
fn a_running_broker_can_be_used() {
    let broker = Broker::start();
    let _echo = broker.worker("echo", "cat", &["--raw", "--last"]);
    let external = bench(&["--endpoint", &broker.endpoint, "--workers", "0", "--service", "echo", "--requests", "3"]);
    assert_eq!(external["waves"][0]["answered"], 3);
    let started = bench(&["--endpoint", &broker.endpoint, "--processes"]);
    assert_eq!(started["waves"][0]["answered"], 200);
    assert!(started["memoryBytes"].get("broker").is_none());
}

#[test]
fn failed_requests_are_counted_and_set_the_exit_status() {
    let broker = Broker::with(&["--max-requests", "1"]);
    let options = ["bench", "--json", "--requests", "50", "--workers", "0", "--service", "nobody", "--endpoint"];
    let outcome =
        broker.spawn(&[&options[..], &[&broker.endpoint], &["--in-flight", "50", "--timeout", "300"]].concat()).end();
    let results = outcome.expect(1, &[]);
    let failed = &results.json()[0]["waves"][0]["failed"];
    assert!(number(&failed["B_QUEUE_FULL"]) >= 49.0, "{failed}");
}

#[test]
fn invalid_options_are_errors() {
    run(["bench", "--services", "2"]).expect(2, &["2 services", "--workers"]);
    run(["bench", "--rate", "5", "--in-flight", "5"]).expect(2, &["--rate", "--in-flight"]);
    run(["bench", "--requests", "0"]).expect(2, &["--requests"]);
    run(["bench", "--endpoint", "nonsense"]).expect(5, &["nonsense"]);
}
