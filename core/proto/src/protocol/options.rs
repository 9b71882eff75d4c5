//! The options frames of requests and replies. Reading is lenient, because published peers send anything from `{}` to an
//! empty frame; writing has a fixed order.

use std::time::Duration;

use serde::de::MapAccess;
use serde_json::{Map, Value};

use super::json::Scalar;
use super::{json, Frame};
use crate::config::{defaults, Codec, RequestOptions, Timeout};
use crate::option_name as key;

/// The options of a request that concern the broker.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestSettings {
    /// How long the request may wait without a reply; the default if missing.
    pub timeout: Timeout,
    /// Whether another worker may run it again.
    pub retry: bool,
    /// The identity of the only worker that may have the request.
    pub worker_id: Option<String>,
    /// Whether to bypass the reply cache.
    pub no_cache: bool,
    /// Whether the request is durable.
    pub persist: bool,
    /// Whether it fails at once instead of waiting for a worker.
    pub fail_fast: bool,
    /// The encoding of the data.
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
    /// Reads an options frame. Anything but a JSON object counts as `{}`, an invalid value as missing.
    #[must_use]
    pub fn parse(options: &[u8]) -> Self {
        parse_options(options)
    }
}

impl json::Object for RequestSettings {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<(), A::Error> {
        match name {
            key::TIMEOUT => self.timeout = json::scalar(members)?.millis().unwrap_or_default(),
            key::RETRY => self.retry = json::scalar(members)?.truthy(),
            key::WORKER_ID => {
                self.worker_id = json::scalar(members)?.text().filter(|id| !id.is_empty()).map(str::to_owned);
            }
            key::NO_CACHE => self.no_cache = json::scalar(members)?.truthy(),
            key::PERSIST => self.persist = json::scalar(members)?.truthy(),
            key::FAIL_FAST => self.fail_fast = json::scalar(members)?.truthy(),
            key::CODEC => self.codec = codec_named(&json::scalar(members)?),
            _ => json::skip(members)?,
        }
        Ok(())
    }
}

/// The options of a reply that concern the broker and the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplyOptions {
    /// How long the broker may answer the same request from its cache.
    pub cache: Option<Duration>,
    /// The encoding of the data.
    pub codec: Codec,
}

impl ReplyOptions {
    /// Reads an options frame, as leniently as [`RequestSettings::parse`].
    #[must_use]
    pub fn parse(options: &[u8]) -> Self {
        if options == RAW_OPTIONS.as_bytes() {
            return Self { codec: Codec::Raw, ..Self::default() };
        }
        parse_options(options)
    }
}

impl json::Object for ReplyOptions {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<(), A::Error> {
        match name {
            key::CACHE => {
                let time = json::scalar(members)?.millis().and_then(Timeout::duration);
                self.cache = time.filter(|time| !time.is_zero());
            }
            key::CODEC => self.codec = codec_named(&json::scalar(members)?),
            _ => json::skip(members)?,
        }
        Ok(())
    }
}

fn parse_options<T: json::Object + Default>(options: &[u8]) -> T {
    // A shortcut for `{}` and the other forms in which published peers send no options.
    if options.len() <= 2 {
        return T::default();
    }
    json::read(options, T::default()).unwrap_or_default()
}

fn codec_named(name: &Scalar<'_>) -> Codec {
    match name.text() {
        Some("raw") => Codec::Raw,
        _ => Codec::Json,
    }
}

/// The options frame of a reply with raw data and no other options.
pub const RAW_OPTIONS: &str = r#"{"codec":"raw"}"#;

/// Writes the options frame of a reply: the codec, unless it is JSON, and headers.
#[must_use]
pub fn encode_reply_options(codec: Codec, options: &Map<String, Value>) -> Frame {
    match codec {
        Codec::Json if options.is_empty() => Frame::from("{}"),
        Codec::Raw if options.is_empty() => Frame::from(RAW_OPTIONS),
        _ => {
            let mut options = options.clone();
            options.remove(key::CODEC);
            if codec == Codec::Raw {
                options.insert(key::CODEC.to_owned(), Value::from("raw"));
            }
            Frame::from(Value::Object(options).to_string())
        }
    }
}

/// Writes the options frame of a request: `timeout` and `retry` always and first, as the published client does,
/// then options that differ from their defaults, then headers.
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

#[cfg(test)]
mod tests;
