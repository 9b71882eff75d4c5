//! Options by name, as JSON text.

use napi_derive::napi;
use pigato::config::{BrokerOptions, ClientOptions, WorkerOptions};
use pigato::{limits, Error, ErrorCode};
use serde_json::{Map, Value};

use crate::error::{misuse, thrown, Result};

/// An object in JSON; nothing at all is an empty one.
pub(crate) fn object(json: &str) -> std::result::Result<Map<String, Value>, Error> {
    if json.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(json).map_err(|error| Error::new(ErrorCode::Option, format!("options are an object: {error}")))
}

/// All options of a role (`broker`, `client`, `worker`) with their defaults, as JSON. Prefix and name are new ones.
#[napi(catch_unwind)]
pub fn default_options(role: String) -> Result<String> {
    let entropy = &mut pigato::binding::entropy().map_err(thrown)?;
    let options = match role.as_str() {
        "broker" => BrokerOptions::default().named(entropy).to_json(),
        "client" => ClientOptions::default().named(entropy).to_json(),
        "worker" => WorkerOptions::default().named(entropy).to_json(),
        _ => return Err(misuse("there is no such role")),
    };
    Ok(Value::Object(options).to_string())
}

/// The codes of all errors, and a sentence for each, as a JSON object.
#[napi(catch_unwind)]
pub fn error_codes() -> String {
    let codes = ErrorCode::ALL.iter().map(|code| (code.as_str().to_owned(), Value::from(code.message())));
    Value::Object(codes.collect()).to_string()
}

/// The service under which brokers tell who offers what.
#[napi(catch_unwind)]
pub fn directory_service() -> &'static str {
    pigato::services::DIRECTORY
}

/// How much of one request may wait for its reader.
#[napi(object)]
pub struct UnreadLimits {
    /// Partial replies.
    pub partials: f64,
    /// Bytes of them; one partial reply alone may be larger.
    pub bytes: f64,
}

/// How much of one request may wait for its reader, where the worker knows of no credit.
#[napi(catch_unwind)]
pub fn unread_limits() -> UnreadLimits {
    UnreadLimits { partials: limits::UNREAD_PARTIALS as f64, bytes: limits::UNREAD_BYTES as f64 }
}

/// Which libzmq this is.
#[napi(catch_unwind)]
pub fn libzmq_version() -> String {
    let (major, minor, patch) = pigato::libzmq_version();
    format!("{major}.{minor}.{patch}")
}

/// Panics, so that a test sees what becomes of it. Not in release builds.
#[cfg(debug_assertions)]
#[napi(catch_unwind)]
pub fn panic_for_tests() {
    panic!("a panic, as asked for");
}

pub(crate) fn broker(json: &str) -> Result<BrokerOptions> {
    object(json).and_then(|options| BrokerOptions::from_json(&options)).map_err(thrown)
}

pub(crate) fn client(json: &str) -> Result<ClientOptions> {
    object(json).and_then(|options| ClientOptions::from_json(&options)).map_err(thrown)
}

pub(crate) fn worker(json: &str) -> Result<WorkerOptions> {
    object(json).and_then(|options| WorkerOptions::from_json(&options)).map_err(thrown)
}
