//! Options by name in JSON, and constants of the core.

use napi_derive::napi;
use pigato::config::{BrokerOptions, ClientOptions, WorkerOptions};
use pigato::{limits, Error, ErrorCode};
use serde_json::{Map, Value};

use crate::error::{misuse, thrown, Result};

/// Parses a JSON object; an empty text is an empty object.
pub(crate) fn object(json: &str) -> std::result::Result<Map<String, Value>, Error> {
    if json.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(json)
        .map_err(|error| Error::new(ErrorCode::Option, format!("options must be a JSON object: {error}")))
}

/// All options of a role (`broker`, `client`, `worker`) with their defaults, as JSON. Generates a
/// new prefix or name.
#[napi(catch_unwind)]
pub fn default_options(role: String) -> Result<String> {
    let entropy = &mut pigato::binding::entropy().map_err(thrown)?;
    let options = match role.as_str() {
        "broker" => BrokerOptions::default().named(entropy).to_json(),
        "client" => ClientOptions::default().named(entropy).to_json(),
        "worker" => WorkerOptions::default().named(entropy).to_json(),
        _ => return Err(misuse("unknown role")),
    };
    Ok(Value::Object(options).to_string())
}

/// All error codes and their messages, as a JSON object.
#[napi(catch_unwind)]
pub fn error_codes() -> String {
    let codes = ErrorCode::ALL.iter().map(|code| (code.as_str().to_owned(), Value::from(code.message())));
    Value::Object(codes.collect()).to_string()
}

/// The name of the directory service.
#[napi(catch_unwind)]
pub fn directory_service() -> &'static str {
    pigato::services::DIRECTORY
}

/// How much of one request's replies may be unread. Only workers that know no credit can reach it.
#[napi(object)]
pub struct UnreadLimits {
    /// Partial replies.
    pub partials: f64,
    /// Bytes of partial replies. A single one may be larger.
    pub bytes: f64,
}

/// The core's limits for unread replies.
#[napi(catch_unwind)]
pub fn unread_limits() -> UnreadLimits {
    UnreadLimits { partials: limits::UNREAD_PARTIALS as f64, bytes: limits::UNREAD_BYTES as f64 }
}

/// The version of libzmq.
#[napi(catch_unwind)]
pub fn libzmq_version() -> String {
    let (major, minor, patch) = pigato::libzmq_version();
    format!("{major}.{minor}.{patch}")
}

/// Panics, for a test of the panic handling. Not in release builds.
#[cfg(debug_assertions)]
#[napi(catch_unwind)]
pub fn panic_for_tests() {
    panic!("a panic on purpose");
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
