//! Converts data between the command line and the wire: JSON passes through unchanged, other text
//! becomes a JSON string.

use base64::prelude::{Engine, BASE64_STANDARD};
use pigato::protocol::is_null;
use pigato::Codec;
use serde_json::value::{to_raw_value, RawValue};
use serde_json::Value;

/// Returns text unchanged if it is JSON, else as a JSON string.
pub(crate) fn json_or_string(text: &str) -> Box<RawValue> {
    serde_json::from_str(text).unwrap_or_else(|_| json_string(text))
}

/// Formats received data as one line of JSON. Bytes that are not JSON become a string, or
/// `{"base64":"…"}` if they are not UTF-8.
pub(crate) fn display_json(bytes: &[u8], codec: Codec) -> Box<RawValue> {
    if codec == Codec::Json {
        if let Ok(value) = serde_json::from_slice::<Box<RawValue>>(bytes) {
            return on_one_line(value);
        }
        if is_null(bytes) {
            return RawValue::NULL.to_owned();
        }
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => json_string(text),
        Err(_) => raw(&serde_json::json!({ "base64": BASE64_STANDARD.encode(bytes) })),
    }
}

/// Serializes a value to JSON text.
pub(crate) fn raw(value: &Value) -> Box<RawValue> {
    // Cannot fail: every `Value` is valid JSON.
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

fn json_string(text: &str) -> Box<RawValue> {
    raw(&Value::from(text))
}

/// Replaces line breaks with spaces. JSON allows unescaped line breaks only between numbers, where a
/// space is equivalent.
fn on_one_line(value: Box<RawValue>) -> Box<RawValue> {
    if !value.get().contains(['\n', '\r']) {
        return value;
    }
    RawValue::from_string(value.get().replace(['\n', '\r'], " ")).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use pigato::Codec;

    use super::{display_json, json_or_string};

    #[test]
    fn json_passes_unchanged() {
        for text in ["1.0", "123456789012345678901234567890", "{\"b\":1,\"a\":[ ]}", "\"x\"", "null"] {
            assert_eq!(json_or_string(text).get(), text);
            assert_eq!(display_json(text.as_bytes(), Codec::Json).get(), text);
        }
    }

    #[test]
    fn other_text_becomes_a_string() {
        assert_eq!(json_or_string("hello world").get(), "\"hello world\"");
        assert_eq!(json_or_string("").get(), "\"\"");
        assert_eq!(json_or_string("{\"a\":").get(), "\"{\\\"a\\\":\"");
    }

    #[test]
    fn received_data_is_formatted_on_one_line() {
        assert_eq!(
            display_json(b"{\n  \"a\": 1,\r\n  \"b\": \"x\\ny\"\n}", Codec::Json).get(),
            "{   \"a\": 1,    \"b\": \"x\\ny\" }"
        );
        assert_eq!(display_json(b"two\nlines", Codec::Raw).get(), "\"two\\nlines\"");
    }

    #[test]
    fn empty_json_data_is_null_and_binary_data_is_base64() {
        assert_eq!(display_json(b"", Codec::Json).get(), "null");
        assert_eq!(display_json(b"undefined", Codec::Json).get(), "null");
        assert_eq!(display_json(b"", Codec::Raw).get(), "\"\"");
        assert_eq!(display_json(&[0xff, 0xfe], Codec::Raw).get(), "{\"base64\":\"//4=\"}");
    }
}
