//! Data between the command line and the wire: JSON goes through as it was written, what is not JSON becomes a string.

use base64::prelude::{Engine, BASE64_STANDARD};
use pigato::protocol::is_null;
use pigato::Codec;
use serde_json::value::{to_raw_value, RawValue};
use serde_json::Value;

/// Text as JSON if it is JSON, else as a JSON string.
pub(crate) fn json_or_string(text: &str) -> Box<RawValue> {
    serde_json::from_str(text).unwrap_or_else(|_| json_string(text))
}

/// Received data as JSON on one line. Bytes that are not JSON become a string, or `{"base64":"…"}` if they are not
/// text either.
pub(crate) fn shown(bytes: &[u8], codec: Codec) -> Box<RawValue> {
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

/// A value as JSON text.
pub(crate) fn raw(value: &Value) -> Box<RawValue> {
    // Cannot fail: a value is JSON.
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

fn json_string(text: &str) -> Box<RawValue> {
    raw(&Value::from(text))
}

/// JSON has line breaks between tokens only, where a space does as well.
fn on_one_line(value: Box<RawValue>) -> Box<RawValue> {
    if !value.get().contains(['\n', '\r']) {
        return value;
    }
    RawValue::from_string(value.get().replace(['\n', '\r'], " ")).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use pigato::Codec;

    use super::{json_or_string, shown};

    #[test]
    fn json_stays_as_it_was_written() {
        for text in ["1.0", "123456789012345678901234567890", "{\"b\":1,\"a\":[ ]}", "\"x\"", "null"] {
            assert_eq!(json_or_string(text).get(), text);
            assert_eq!(shown(text.as_bytes(), Codec::Json).get(), text);
        }
    }

    #[test]
    fn other_text_becomes_a_string() {
        assert_eq!(json_or_string("hello world").get(), "\"hello world\"");
        assert_eq!(json_or_string("").get(), "\"\"");
        assert_eq!(json_or_string("{\"a\":").get(), "\"{\\\"a\\\":\"");
    }

    #[test]
    fn what_is_shown_fits_on_a_line() {
        assert_eq!(
            shown(b"{\n  \"a\": 1,\r\n  \"b\": \"x\\ny\"\n}", Codec::Json).get(),
            "{   \"a\": 1,    \"b\": \"x\\ny\" }"
        );
        assert_eq!(shown(b"two\nlines", Codec::Raw).get(), "\"two\\nlines\"");
    }

    #[test]
    fn nothing_is_null_and_bytes_are_base64() {
        assert_eq!(shown(b"", Codec::Json).get(), "null");
        assert_eq!(shown(b"undefined", Codec::Json).get(), "null");
        assert_eq!(shown(b"", Codec::Raw).get(), "\"\"");
        assert_eq!(shown(&[0xff, 0xfe], Codec::Raw).get(), "{\"base64\":\"//4=\"}");
    }
}
