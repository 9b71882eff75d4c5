//! Options as peers write them, well or badly, and as this side writes them.

use std::time::Duration;

use serde_json::json;

use super::*;

fn request(options: &str) -> RequestSettings {
    RequestSettings::parse(options.as_bytes())
}

fn reply(options: &str) -> ReplyOptions {
    ReplyOptions::parse(options.as_bytes())
}

fn timeout_of(value: &str) -> Timeout {
    request(&format!(r#"{{"timeout":{value}}}"#)).timeout
}

fn millis(millis: u64) -> Timeout {
    Timeout::After(Duration::from_millis(millis))
}

#[test]
fn what_is_not_an_object_counts_as_no_options() {
    let not_objects = [
        "",
        " ",
        "{}",
        " {} ",
        "undefined",
        "null",
        "nope",
        "[]",
        "1",
        "\"timeout\"",
        "{",
        "{\"retry\":1",
        "{\"retry\"}",
        "{retry:1}",
        "[\"retry\",1]",
        "[[\"retry\",1]]",
        "{\"retry\":1} x",
        "{\"retry\":1}{}",
        "{\"retry\":NaN}",
    ];
    for options in not_objects {
        assert_eq!(request(options), RequestSettings::default(), "{options}");
        assert_eq!(reply(options), ReplyOptions::default(), "{options}");
    }
    assert_eq!(RequestSettings::parse(b"\xff\xfe{\"retry\":1}"), RequestSettings::default());
}

#[test]
fn every_option_of_a_request_is_read() {
    let options =
        r#"{"timeout":5,"retry":1,"workerId":"W-1","nocache":true,"persist":1,"failFast":true,"codec":"raw"}"#;
    let settings = RequestSettings {
        timeout: millis(5),
        retry: true,
        worker_id: Some("W-1".to_owned()),
        no_cache: true,
        persist: true,
        fail_fast: true,
        codec: Codec::Raw,
    };
    assert_eq!(request(options), settings);
}

#[test]
fn white_space_around_the_object_does_not_matter() {
    assert!(request(" \r\n\t{ \"retry\" : 1 } \n").retry);
}

#[test]
fn timeout_may_be_any_number_or_its_text() {
    assert_eq!(timeout_of("5000"), millis(5_000));
    assert_eq!(timeout_of("5e3"), millis(5_000));
    assert_eq!(timeout_of("\"5000\""), millis(5_000));
    assert_eq!(timeout_of("\" 5000 \""), millis(5_000));
    assert_eq!(timeout_of("0.5"), Timeout::After(Duration::from_micros(500)));
    assert_eq!(timeout_of("0"), millis(0));
    assert_eq!(timeout_of("-0.0"), millis(0));
}

#[test]
fn negative_timeout_is_none_at_all() {
    for never in ["-1", "-1.0", "\"-1\"", "-5", "-1e300", "-9223372036854775808"] {
        assert_eq!(timeout_of(never), Timeout::Never, "{never}");
    }
}

#[test]
fn huge_timeout_is_the_longest_duration() {
    for huge in ["1e18", "1e300", "18446744073709551615", "18446744073709551616", "\"1e400\""] {
        assert_eq!(timeout_of(huge), Timeout::After(crate::limits::DURATION), "{huge}");
    }
}

#[test]
fn timeout_that_is_no_number_is_the_default() {
    for nonsense in ["null", "true", "\"\"", "\"soon\"", "\"NaN\"", "\"5s\"", "[5]", "{\"ms\":5}"] {
        assert_eq!(timeout_of(nonsense), Timeout::default(), "{nonsense}");
    }
}

#[test]
fn flags_are_true_when_javascript_says_so() {
    let flags = |settings: &RequestSettings| [settings.retry, settings.no_cache, settings.persist, settings.fail_fast];
    let all = |value: &str| {
        request(&format!(r#"{{"retry":{value},"nocache":{value},"persist":{value},"failFast":{value}}}"#))
    };
    for on in ["true", "1", "-1", "0.5", "\"0\"", "\"false\"", "[]", "{}"] {
        assert_eq!(flags(&all(on)), [true; 4], "{on}");
    }
    for off in ["false", "0", "-0.0", "\"\"", "null"] {
        assert_eq!(flags(&all(off)), [false; 4], "{off}");
    }
}

#[test]
fn worker_id_is_a_text_that_is_not_empty() {
    assert_eq!(request(r#"{"workerId":"W-1"}"#).worker_id.as_deref(), Some("W-1"));
    assert_eq!(request(r#"{"workerId":"W-\u00e9\n"}"#).worker_id.as_deref(), Some("W-é\n"));
    for nobody in ["\"\"", "null", "5", "true", "[\"W-1\"]", "{}"] {
        assert_eq!(request(&format!(r#"{{"workerId":{nobody}}}"#)).worker_id, None, "{nobody}");
    }
}

#[test]
fn only_raw_is_another_codec() {
    assert_eq!(request(r#"{"codec":"raw"}"#).codec, Codec::Raw);
    assert_eq!(reply(r#"{"codec":"raw"}"#).codec, Codec::Raw);
    for json in ["\"json\"", "\"RAW\"", "\"\"", "null", "1", "[\"raw\"]"] {
        assert_eq!(request(&format!(r#"{{"codec":{json}}}"#)).codec, Codec::Json, "{json}");
    }
}

#[test]
fn an_invalid_value_does_not_affect_the_others() {
    let settings = request(r#"{"timeout":[1,{"a":[]}],"retry":1,"workerId":{"a":"b"},"nocache":true}"#);
    assert_eq!(settings, RequestSettings { retry: true, no_cache: true, ..RequestSettings::default() });
}

#[test]
fn last_of_a_repeated_key_counts() {
    assert_eq!(request(r#"{"timeout":5,"timeout":7}"#).timeout, millis(7));
    assert_eq!(request(r#"{"timeout":5,"timeout":"soon"}"#).timeout, Timeout::default());
    assert_eq!(request(r#"{"workerId":"W-1","workerId":null}"#).worker_id, None);
    assert!(!request(r#"{"retry":1,"retry":0}"#).retry);
    assert_eq!(reply(r#"{"cache":5,"cache":0}"#).cache, None);
    assert_eq!(reply(r#"{"codec":"raw","codec":"json"}"#).codec, Codec::Json);
}

#[test]
fn unknown_keys_are_skipped_whatever_they_hold() {
    let unknown = [
        "null",
        "1e999",
        "\"\\ud800\"",
        "[1,[2,{\"timeout\":3}]]",
        "{\"timeout\":3,\"retry\":1}",
        "\"\\\"timeout\\\":3\"",
    ];
    for value in unknown {
        let options = format!(r#"{{"color":{value},"timeout":5}}"#);
        assert_eq!(request(&options), RequestSettings { timeout: millis(5), ..RequestSettings::default() }, "{value}");
    }
    assert!(RequestSettings::parse(b"{\"color\":\"\xff\",\"retry\":1}").retry);
}

#[test]
fn keys_may_be_written_with_escapes() {
    assert_eq!(request(r#"{"\u0074imeout":5}"#).timeout, millis(5));
    assert_eq!(request(r#"{"time\u006fut":5,"t\/imeout":7}"#).timeout, millis(5));
    assert_eq!(reply(r#"{"c\u0061che":5}"#).cache, Some(Duration::from_millis(5)));
}

#[test]
fn keys_that_are_not_unicode_are_unknown_keys() {
    assert!(request(r#"{"\ud800":1,"retry":1}"#).retry);
    assert!(RequestSettings::parse(b"{\"\xff\":1,\"retry\":1}").retry);
}

#[test]
fn keys_are_compared_exactly() {
    let others = r#"{"Timeout":5,"timeout ":5,"TIMEOUT":5,"":5,"timeout\u0000":5}"#;
    assert_eq!(request(others), RequestSettings::default());
}

#[test]
fn nesting_without_end_overflows_nothing() {
    for name in ["color", "timeout", "retry", "workerId", "codec"] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let value = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
            let settings = request(&format!(r#"{{"nocache":1,"{name}":{value}}}"#));
            assert!(settings.no_cache, "{name}");
            let cut = request(&format!(r#"{{"nocache":1,"{name}":{}"#, open.repeat(100_000)));
            assert_eq!(cut, RequestSettings::default(), "{name}");
        }
    }
}

#[test]
fn cache_is_a_time_longer_than_nothing() {
    assert_eq!(reply(r#"{"cache":1000}"#).cache, Some(Duration::from_secs(1)));
    assert_eq!(reply(r#"{"cache":"1000"}"#).cache, Some(Duration::from_secs(1)));
    assert_eq!(reply(r#"{"cache":0.5}"#).cache, Some(Duration::from_micros(500)));
    assert_eq!(reply(r#"{"cache":1e18}"#).cache, Some(crate::limits::DURATION));
    for none in ["0", "-1", "null", "true", "false", "\"long\"", "[1000]", "{}"] {
        assert_eq!(reply(&format!(r#"{{"cache":{none}}}"#)).cache, None, "{none}");
    }
}

#[test]
fn options_of_the_other_message_are_unknown_keys() {
    assert_eq!(request(r#"{"cache":1000}"#), RequestSettings::default());
    assert_eq!(reply(r#"{"timeout":5,"retry":1,"workerId":"W-1","nocache":true}"#), ReplyOptions::default());
}

fn written(options: &RequestOptions, timeout: Timeout, retry: bool) -> String {
    let frame = encode_request_options(options, timeout, retry);
    String::from_utf8(frame.to_vec()).expect("options are text")
}

#[test]
fn timeout_and_retry_are_always_written_and_first() {
    let options = RequestOptions::default();
    assert_eq!(written(&options, Timeout::default(), false), r#"{"timeout":60000,"retry":0}"#);
    assert_eq!(written(&options, Timeout::Never, true), r#"{"timeout":-1,"retry":1}"#);
}

#[test]
fn options_are_written_in_their_order_and_the_users_keys_after_them() {
    let options = RequestOptions::default()
        .header("traceparent", "00-1")
        .header("color", json!(["red", 1, null]))
        .codec(Codec::Raw)
        .fail_fast(true)
        .no_cache(true)
        .worker_id("W-1");
    let expected = concat!(
        r#"{"timeout":5,"retry":0,"workerId":"W-1","nocache":true,"failFast":true,"codec":"raw","#,
        r#""color":["red",1,null],"traceparent":"00-1"}"#
    );
    assert_eq!(written(&options, millis(5), false), expected);
}

#[test]
fn names_and_values_are_escaped() {
    let options = RequestOptions::default().worker_id("a\"b\\c\n\u{1}é").header("k\"\u{7f}", "\u{2028}\t");
    let text = written(&options, millis(5), false);
    assert_eq!(
        text,
        "{\"timeout\":5,\"retry\":0,\"workerId\":\"a\\\"b\\\\c\\n\\u0001é\",\"k\\\"\u{7f}\":\"\u{2028}\\t\"}"
    );
    assert_eq!(request(&text).worker_id.as_deref(), Some("a\"b\\c\n\u{1}é"));
}

#[test]
fn users_keys_never_stand_for_the_protocols() {
    let mut options = RequestOptions::default().header("color", "red");
    for name in [key::TIMEOUT, key::RETRY, key::WORKER_ID, key::NO_CACHE, key::FAIL_FAST, key::CODEC] {
        options = options.header(name, "mine");
    }
    assert_eq!(written(&options, millis(5), true), r#"{"timeout":5,"retry":1,"color":"red"}"#);
}

#[test]
fn persist_is_asked_for_with_a_key_of_the_users() {
    let options = RequestOptions::default().header(key::PERSIST, true);
    assert!(request(&written(&options, millis(5), false)).persist);
}

#[test]
fn timeout_is_written_rounded_up_to_a_millisecond() {
    let micros = |micros| written(&RequestOptions::default(), Duration::from_micros(micros).into(), false);
    assert_eq!(micros(1), r#"{"timeout":1,"retry":0}"#);
    assert_eq!(micros(1_000), r#"{"timeout":1,"retry":0}"#);
    assert_eq!(micros(1_001), r#"{"timeout":2,"retry":0}"#);
    assert_eq!(micros(0), r#"{"timeout":0,"retry":0}"#);
}

#[test]
fn what_is_written_is_read_back() {
    let options = RequestOptions::default().worker_id("W-1").no_cache(true).fail_fast(true).codec(Codec::Raw);
    let settings = RequestSettings {
        timeout: millis(7),
        retry: true,
        worker_id: Some("W-1".to_owned()),
        no_cache: true,
        persist: false,
        fail_fast: true,
        codec: Codec::Raw,
    };
    assert_eq!(request(&written(&options, millis(7), true)), settings);
}
