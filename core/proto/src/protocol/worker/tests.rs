//! What workers' heartbeats say, and where messages to and from workers end.

use super::*;

fn heartbeat(json: &str) -> WorkerHeartbeat {
    WorkerHeartbeat::parse(json.as_bytes())
}

fn concurrency_of(number: &str) -> Option<Concurrency> {
    heartbeat(&format!(r#"{{"concurrency":{number}}}"#)).concurrency
}

#[test]
fn concurrency_is_a_positive_number_or_minus_one() {
    assert_eq!(concurrency_of("1"), Some(Concurrency::Limited(1)));
    assert_eq!(concurrency_of("100"), Some(Concurrency::Limited(100)));
    assert_eq!(concurrency_of("100.0"), Some(Concurrency::Limited(100)));
    assert_eq!(concurrency_of("\"100\""), Some(Concurrency::Limited(100)));
    assert_eq!(concurrency_of("-1"), Some(Concurrency::Unlimited));
    assert_eq!(concurrency_of("-1.0"), Some(Concurrency::Unlimited));
    for invalid in ["0", "-2", "1.5", "null", "true", "\"\"", "\"many\"", "[1]", "{}", "-1e300"] {
        assert_eq!(concurrency_of(invalid), None, "{invalid}");
    }
}

#[test]
fn huge_concurrency_is_the_largest() {
    for huge in ["4294967295", "4294967296", "9223372036854775807", "18446744073709551616", "1e18", "1e300"] {
        assert_eq!(concurrency_of(huge), Some(Concurrency::Limited(u32::MAX)), "{huge}");
    }
}

#[test]
fn heartbeat_that_is_not_an_object_says_nothing() {
    for nothing in ["", "null", "undefined", "{}", "[]", "[5,1]", "5", "\"concurrency\"", "{\"concurrency\":5"] {
        assert_eq!(heartbeat(nothing), WorkerHeartbeat::default(), "{nothing}");
    }
}

#[test]
fn update_is_asked_for_as_javascript_would() {
    for asked in ["1", "true", "\"now\"", "[]", "{}"] {
        assert!(heartbeat(&format!(r#"{{"update":{asked},"concurrency":1}}"#)).update, "{asked}");
    }
    for not_asked in ["0", "false", "\"\"", "null"] {
        assert!(!heartbeat(&format!(r#"{{"update":{not_asked}}}"#)).update, "{not_asked}");
    }
}

#[test]
fn an_invalid_member_does_not_affect_the_rest_of_a_heartbeat() {
    let said = WorkerHeartbeat { concurrency: None, update: true };
    assert_eq!(heartbeat(r#"{"concurrency":{"a":[1]},"update":1,"load":1e999}"#), said);
    assert_eq!(heartbeat(r#"{"concurrency":5,"concurrency":7}"#).concurrency, Some(Concurrency::Limited(7)));
}

#[test]
fn heartbeat_is_read_as_it_is_written() {
    let frames = [
        (None, false, "{}"),
        (None, true, r#"{"update":1}"#),
        (Some(Concurrency::Limited(100)), false, r#"{"concurrency":100}"#),
        (Some(Concurrency::Unlimited), true, r#"{"update":1,"concurrency":-1}"#),
    ];
    for (concurrency, update, frame) in frames {
        let written = WorkerHeartbeat { concurrency, update };
        assert_eq!(written.to_frame(), frame);
        assert_eq!(heartbeat(frame), written);
    }
}
