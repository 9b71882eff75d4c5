//! The options frames of requests and replies: read leniently, because published peers send anything from `{}` to
//! nothing at all, and written in a fixed order.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::worker::truthy;
use super::Frame;
use crate::config::{defaults, Codec, RequestOptions, Timeout};

/// Names of the options; each stands here once.
mod key {
    pub(super) const TIMEOUT: &str = "timeout";
    pub(super) const RETRY: &str = "retry";
    pub(super) const WORKER_ID: &str = "workerId";
    pub(super) const NO_CACHE: &str = "nocache";
    pub(super) const PERSIST: &str = "persist";
    pub(super) const FAIL_FAST: &str = "failFast";
    pub(super) const CODEC: &str = "codec";
    pub(super) const CACHE: &str = "cache";
}

/// What a request's options say that concerns the broker.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestSettings {
    /// How long the request may go without a reply; the default where it is not said.
    pub timeout: Timeout,
    /// Whether it may be run again.
    pub retry: bool,
    /// The one worker that is to handle it.
    pub worker_id: Option<String>,
    /// Whether to pass by the reply cache.
    pub no_cache: bool,
    /// Whether the embedding program is asked to keep it.
    pub persist: bool,
    /// Whether to fail rather than wait for a worker.
    pub fail_fast: bool,
    /// How the data is to be read.
    pub codec: Codec,
}

impl Default for RequestSettings {
    fn default() -> Self {
        Self {
            timeout: Timeout::After(defaults::TIMEOUT),
            retry: false,
            worker_id: None,
            no_cache: false,
            persist: false,
            fail_fast: false,
            codec: Codec::Json,
        }
    }
}

impl RequestSettings {
    /// Reads an options frame. What is not JSON counts as `{}`, a value that makes no sense as not given.
    #[must_use]
    pub fn parse(options: &[u8]) -> Self {
        if options.len() <= 2 {
            return Self::default();
        }
        serde_json::from_slice(options).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for RequestSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SettingsVisitor(Self::default(), Self::set))
    }
}

impl RequestSettings {
    fn set(&mut self, name: &str, value: &Value) {
        match name {
            key::TIMEOUT => self.timeout = lenient_millis(value).unwrap_or(self.timeout),
            key::RETRY => self.retry = truthy(value),
            key::WORKER_ID => {
                if let Value::String(id) = value {
                    self.worker_id = Some(id.clone()).filter(|id| !id.is_empty());
                }
            }
            key::NO_CACHE => self.no_cache = truthy(value),
            key::PERSIST => self.persist = truthy(value),
            key::FAIL_FAST => self.fail_fast = truthy(value),
            key::CODEC => self.codec = codec_named(value),
            _ => {}
        }
    }
}

/// What a reply's options say that concerns the broker and the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplyOptions {
    /// How long the broker may answer the same request from its cache.
    pub cache: Option<Duration>,
    /// How the data is to be read.
    pub codec: Codec,
}

impl ReplyOptions {
    /// Reads an options frame, as leniently as [`RequestSettings::parse`].
    #[must_use]
    pub fn parse(options: &[u8]) -> Self {
        if options.len() <= 2 {
            return Self::default();
        }
        serde_json::from_slice(options).unwrap_or_default()
    }

    fn set(&mut self, name: &str, value: &Value) {
        match name {
            key::CACHE => {
                self.cache = lenient_millis(value).and_then(Timeout::duration).filter(|time| !time.is_zero());
            }
            key::CODEC => self.codec = codec_named(value),
            _ => {}
        }
    }
}

impl<'de> Deserialize<'de> for ReplyOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SettingsVisitor(Self::default(), Self::set))
    }
}

/// Hands the members that somebody cares about to a setter and skips the others without building them.
struct SettingsVisitor<T>(T, fn(&mut T, &str, &Value));

impl<'de, T> Visitor<'de> for SettingsVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of options")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<T, A::Error> {
        while let Some(Key(name)) = map.next_key()? {
            match &*name {
                key::TIMEOUT
                | key::RETRY
                | key::WORKER_ID
                | key::NO_CACHE
                | key::PERSIST
                | key::FAIL_FAST
                | key::CODEC
                | key::CACHE => self.1(&mut self.0, &name, &map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(self.0)
    }
}

/// A member's name, borrowed where the JSON has no escapes in it.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(name)))
            }
            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Milliseconds as a number or, as some clients send them, as its text.
fn lenient_millis(value: &Value) -> Option<Timeout> {
    let millis = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    millis.and_then(Timeout::from_millis)
}

fn codec_named(value: &Value) -> Codec {
    match value.as_str() {
        Some("raw") => Codec::Raw,
        _ => Codec::Json,
    }
}

/// Writes the options frame of a request: `timeout` and `retry` always and first, as the published client does,
/// then what differs from the defaults, then the user's own keys.
#[must_use]
pub fn encode_request_options(options: &RequestOptions, timeout: Timeout, retry: bool) -> Frame {
    let mut json = format!(r#"{{"{}":{},"{}":{}"#, key::TIMEOUT, timeout.as_millis(), key::RETRY, u8::from(retry));
    let mut member = |name: &str, value: &Value| {
        json.push(',');
        json.push_str(&Value::from(name).to_string());
        json.push(':');
        json.push_str(&value.to_string());
    };
    if let Some(worker_id) = &options.worker_id {
        member(key::WORKER_ID, &Value::from(worker_id.as_str()));
    }
    let flags = [(options.no_cache, key::NO_CACHE), (options.fail_fast, key::FAIL_FAST)];
    for (_, name) in flags.into_iter().filter(|(on, _)| *on) {
        member(name, &Value::Bool(true));
    }
    if options.codec == Codec::Raw {
        member(key::CODEC, &Value::from("raw"));
    }
    let taken = [key::TIMEOUT, key::RETRY, key::WORKER_ID, key::NO_CACHE, key::FAIL_FAST, key::CODEC];
    for (name, value) in options.headers.iter().filter(|(name, _)| !taken.contains(&name.as_str())) {
        member(name, value);
    }
    json.push('}');
    Frame::from(json)
}
