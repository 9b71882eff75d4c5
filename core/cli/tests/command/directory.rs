//! `pigato dir`.

use serde_json::Value;

use crate::support::{run, Broker};

#[test]
fn services_and_workers_are_listed_as_text_and_as_json() {
    let broker = Broker::start();
    assert_eq!(broker.run(&["dir"]).success(), "no services\n");
    assert_eq!(broker.run(&["dir", "--json"]).success(), "{}\n");
    let _one = broker.worker("echo", "cat", &["--prefix", "one"]);
    let _two = broker.worker("echo", "cat", &["--prefix", "two"]);
    let _three = broker.worker("stocks", "cat", &["--prefix", "three"]);

    let table = broker.run(&["dir"]).success();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "SERVICE  WORKERS  IDS");
    assert!(lines[1].starts_with("echo           2  "), "{table}");
    assert!(lines[2].starts_with("stocks         1  three-"), "{table}");

    let directory: Value = serde_json::from_str(&broker.run(&["dir", "--json"]).success()).unwrap();
    assert_eq!(directory["echo"].as_array().unwrap().len(), 2);

    let workers = broker.run(&["dir", "stocks"]).success();
    assert!(workers.starts_with("three-") && workers.lines().count() == 1, "{workers}");
    let workers: Vec<String> = serde_json::from_str(&broker.run(&["dir", "stocks", "--json"]).success()).unwrap();
    assert_eq!(workers.len(), 1);
}

#[test]
fn a_service_without_workers_exits_with_4() {
    let broker = Broker::start();
    assert_eq!(broker.run(&["dir", "nobody"]).expect(4, &["no worker offers `nobody`"]).text(), "");
    assert_eq!(broker.run(&["dir", "nobody", "--json"]).expect(4, &[]).text(), "[]\n");
}

#[test]
fn the_error_for_a_missing_broker_names_its_endpoint() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("tcp://{free}");
    run(["dir", "--timeout", "100", "-e", &endpoint]).expect(3, &["C_TIMEOUT", &endpoint, "pigato broker"]);
}
