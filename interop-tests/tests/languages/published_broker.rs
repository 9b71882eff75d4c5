//! Our languages through the published broker, which is all that existing fleets have.

use pigato_interop::peer::{Language, Peer};
use serde_json::json;

use crate::pair::{Pair, C, GO, SERVICE};

fn requests_partials_and_errors_pass(client: Language, worker: Language) {
    let pair = Pair { client, worker };
    let broker = Peer::published_broker();
    let endpoint = broker.fact("endpoint");
    let _worker = pair.worker(&endpoint);
    let mut client = pair.client(&endpoint);
    assert_eq!(client.call(SERVICE, &json!("ü€𝄞")), Ok(json!("ü€𝄞")));
    assert_eq!(client.call(SERVICE, &json!({"do": "error", "value": {"code": 7}})), Err(json!({"code": 7})));
    client.request("stream", SERVICE, &json!({"do": "partials", "count": 1_000}), &json!({}));
    assert_eq!(client.outcome("stream"), Ok(json!(1_000)));
    assert_eq!(client.partials("stream"), (0..1_000).map(|number| json!(number)).collect::<Vec<_>>());
}

#[test]
fn requests_partials_and_errors_pass_from_c_to_go() {
    requests_partials_and_errors_pass(C, GO);
}

#[test]
fn requests_partials_and_errors_pass_from_go_to_c() {
    requests_partials_and_errors_pass(GO, C);
}
