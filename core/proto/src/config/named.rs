//! Options by name, for bindings and configuration files: the meaning of a JSON value for each type.

use std::time::Duration;

use serde_json::Value;

use super::{Codec, Concurrency, DispatchMode, Timeout};
use crate::error::{Error, ErrorCode};

/// A type of option.
pub(super) trait OptionValue: Sized {
    /// The valid values, for the error text.
    const EXPECTED: &'static str;

    fn from_json(value: &Value) -> Option<Self>;

    /// The value from which [`OptionValue::from_json`] reads it.
    fn to_json(&self) -> Value;
}

/// The value of the option `name`; `E_OPTION` with the valid values for any other value.
pub(super) fn read<T: OptionValue>(name: &str, value: &Value) -> Result<T, Error> {
    T::from_json(value)
        .ok_or_else(|| Error::new(ErrorCode::Option, format!("`{name}` takes {}, not {value}", T::EXPECTED)))
}

pub(super) fn unknown(name: &str, names: &[&str]) -> Error {
    Error::new(ErrorCode::Option, format!("unknown option `{name}`; the options are {}", names.join(", ")))
}

impl OptionValue for bool {
    const EXPECTED: &'static str = "true or false, 1 or 0";

    /// Published programs write `retry: 1`.
    fn from_json(value: &Value) -> Option<Self> {
        match value.as_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => value.as_bool(),
        }
    }

    fn to_json(&self) -> Value {
        Value::from(*self)
    }
}

impl OptionValue for String {
    const EXPECTED: &'static str = "text";

    fn from_json(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }

    fn to_json(&self) -> Value {
        Value::from(self.as_str())
    }
}

impl OptionValue for Option<String> {
    const EXPECTED: &'static str = "text or null";

    fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            _ => String::from_json(value).map(Some),
        }
    }

    fn to_json(&self) -> Value {
        Value::from(self.clone())
    }
}

impl OptionValue for u32 {
    const EXPECTED: &'static str = "a whole number from 1 to 4294967295";

    fn from_json(value: &Value) -> Option<Self> {
        value.as_u64().and_then(|number| number.try_into().ok()).filter(|number| *number > 0)
    }

    fn to_json(&self) -> Value {
        Value::from(*self)
    }
}

impl OptionValue for usize {
    const EXPECTED: &'static str = "a whole number, 0 or more";

    fn from_json(value: &Value) -> Option<Self> {
        value.as_u64().and_then(|number| number.try_into().ok())
    }

    fn to_json(&self) -> Value {
        Value::from(*self)
    }
}

impl OptionValue for Duration {
    const EXPECTED: &'static str = "milliseconds, more than 0";

    fn from_json(value: &Value) -> Option<Self> {
        Timeout::from_json(value)?.duration().filter(|duration| !duration.is_zero())
    }

    fn to_json(&self) -> Value {
        Value::from(Timeout::After(*self).as_millis())
    }
}

impl OptionValue for Timeout {
    const EXPECTED: &'static str = "milliseconds, or -1 for no timeout";

    fn from_json(value: &Value) -> Option<Self> {
        value.as_f64().filter(|millis| *millis >= 0.0 || *millis == -1.0).and_then(Self::from_millis)
    }

    fn to_json(&self) -> Value {
        Value::from(self.as_millis())
    }
}

impl OptionValue for Concurrency {
    const EXPECTED: &'static str = "a whole number of 1 or more, or -1 for no limit";

    fn from_json(value: &Value) -> Option<Self> {
        value.as_i64().and_then(Self::from_number)
    }

    fn to_json(&self) -> Value {
        Value::from(self.as_number())
    }
}

impl OptionValue for DispatchMode {
    const EXPECTED: &'static str = "\"load\" or \"rand\"";

    fn from_json(value: &Value) -> Option<Self> {
        value.as_str().and_then(|name| Self::parse(name).ok())
    }

    fn to_json(&self) -> Value {
        Value::from(self.as_str())
    }
}

impl OptionValue for Codec {
    const EXPECTED: &'static str = "\"json\" or \"raw\"";

    fn from_json(value: &Value) -> Option<Self> {
        match value.as_str()? {
            "json" => Some(Self::Json),
            "raw" => Some(Self::Raw),
            _ => None,
        }
    }

    fn to_json(&self) -> Value {
        Value::from(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{BrokerOptions, ClientOptions, RequestOptions, WorkerOptions};
    use super::*;

    fn map(value: &Value) -> &serde_json::Map<String, Value> {
        value.as_object().unwrap()
    }

    #[test]
    fn options_are_set_by_name() {
        let broker = json!({ "heartbeat": 100, "dmode": "rand", "intch": null, "maxRequests": 0, "name": "B" });
        let broker = BrokerOptions::from_json(map(&broker)).unwrap();
        assert_eq!(broker.heartbeat, Duration::from_millis(100));
        assert_eq!(broker.dispatch_mode, DispatchMode::Random);
        assert_eq!((broker.intch, broker.max_requests, broker.name), (None, 0, Some("B".to_owned())));

        let client = json!({ "timeout": -1, "retry": 1, "reconnect": 0.5 });
        let client = ClientOptions::from_json(map(&client)).unwrap();
        assert_eq!((client.timeout, client.retry), (Timeout::Never, true));
        assert_eq!(client.reconnect, Duration::from_micros(500));

        let worker = WorkerOptions::from_json(map(&json!({ "concurrency": -1 }))).unwrap();
        assert_eq!(worker.concurrency, Concurrency::Unlimited);
    }

    #[test]
    fn options_written_as_an_object_read_back_unchanged() {
        let given = json!({ "timeout": -1, "retry": true, "heartbeat": 70, "prefix": "C" });
        let written = ClientOptions::from_json(map(&given)).unwrap().to_json();
        assert!(map(&given).iter().all(|(name, value)| written.get(name) == Some(value)), "{written:?}");
        assert_eq!(written.len(), ClientOptions::NAMES.len());
        assert_eq!(ClientOptions::from_json(&written).unwrap().to_json(), written);
        let broker = BrokerOptions::default().intch(None).to_json();
        assert_eq!((&broker["intch"], &broker["dmode"]), (&Value::Null, &json!("load")));
        assert_eq!(WorkerOptions::default().to_json()["concurrency"], json!(100));
    }

    #[test]
    fn an_invalid_value_is_an_error_that_lists_the_valid_ones() {
        for (name, value) in [
            ("heartbeat", json!(0)),
            ("heartbeat", json!(-1)),
            ("heartbeat", json!("100")),
            ("heartbeatLiveness", json!(1.5)),
            ("concurrency", json!(0)),
            ("prefix", json!(7)),
        ] {
            let error = WorkerOptions::default().set(name, &value).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Option, "{name}: {value}");
            assert!(error.detail().contains(name) && error.detail().contains("takes"), "{}", error.detail());
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known_names() {
        let error = WorkerOptions::default().set("heartbeats", &json!(1)).unwrap_err();
        assert!(error.detail().contains("`heartbeats`") && error.detail().contains("reconnect"), "{}", error.detail());
    }

    #[test]
    fn unknown_options_of_a_request_are_headers() {
        let options = json!({ "timeout": 5, "retry": true, "workerId": "W", "nocache": 1, "failFast": true, "codec": "raw",
            "traceparent": "00-1" });
        let options = RequestOptions::from_json(map(&options)).unwrap();
        assert_eq!(options.timeout, Some(Timeout::After(Duration::from_millis(5))));
        assert_eq!((options.retry, options.no_cache, options.fail_fast), (Some(true), true, true));
        assert_eq!((options.worker_id.as_deref(), options.codec), (Some("W"), Codec::Raw));
        assert_eq!(options.headers.keys().collect::<Vec<_>>(), ["traceparent"]);
        assert_eq!(RequestOptions::default().set("timeout", &json!("soon")).unwrap_err().code(), ErrorCode::Option);
    }
}
