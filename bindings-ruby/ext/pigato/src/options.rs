//! Options as JSON, and the names and limits that Ruby needs.

use magnus::{function, prelude::*, Error, RModule, RString, Ruby};
use pigato::config::{defaults, BrokerOptions, ClientOptions, Timeout, WorkerOptions};
use pigato::{limits, ErrorCode};
use serde_json::{Map, Value};
use std::time::Duration;

use crate::error::exception;

pub(crate) fn define(ruby: &Ruby, native: RModule) -> Result<(), Error> {
    native.define_singleton_method("default_options", function!(default_options, 1))?;
    native.define_singleton_method("libzmq_version", function!(libzmq_version, 0))?;
    native.const_set("DIRECTORY_SERVICE", ruby.str_new(pigato::services::DIRECTORY))?;
    native.const_set("ENDPOINT", ruby.str_new(defaults::ENDPOINT))?;
    native.const_set("DRAIN_MS", defaults::DRAIN.as_millis() as u64)?;
    native.const_set("UNREAD_PARTIALS", limits::UNREAD_PARTIALS)?;
    native.const_set("UNREAD_BYTES", limits::UNREAD_BYTES)?;
    native.const_set("VERSION", env!("CARGO_PKG_VERSION"))?;
    Ok(())
}

/// All options of a role (`broker`, `client`, `worker`) with their defaults, as JSON.
fn default_options(ruby: &Ruby, role: String) -> Result<String, Error> {
    let options = match role.as_str() {
        "broker" => BrokerOptions::default().to_json(),
        "client" => ClientOptions::default().to_json(),
        "worker" => WorkerOptions::default().to_json(),
        _ => {
            return Err(exception(
                ruby,
                pigato::Error::new(ErrorCode::Internal, "the roles are broker, client and worker"),
            ))
        }
    };
    Ok(Value::Object(options).to_string())
}

fn libzmq_version() -> String {
    let (major, minor, patch) = pigato::libzmq_version();
    format!("{major}.{minor}.{patch}")
}

/// A JSON object; no bytes at all stand for an empty one.
pub(crate) fn object(json: &[u8]) -> Result<Map<String, Value>, pigato::Error> {
    if json.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(json)
        .map_err(|error| pigato::Error::new(ErrorCode::Option, format!("options are not a JSON object: {error}")))
}

/// A time in milliseconds from Ruby; below 0 it has no end.
pub(crate) fn timeout(millis: f64) -> Duration {
    match Timeout::from_millis(millis) {
        Some(Timeout::After(duration)) => duration,
        Some(Timeout::Never) => Duration::MAX,
        None => Duration::ZERO,
    }
}

/// The bytes of a string, whatever its encoding.
pub(crate) fn bytes(string: RString) -> Vec<u8> {
    // SAFETY: no Ruby code runs between taking the slice and copying it.
    unsafe { string.as_slice() }.to_vec()
}
