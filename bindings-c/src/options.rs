//! Options by name.

use std::ffi::c_char;

use pigato::binding::AnswerOptions;
use pigato::config::{BrokerOptions, ClientOptions, RequestOptions, WorkerOptions};
use pigato::{Error, ErrorCode};
use serde_json::Value;

use crate::arguments::{out, reference_mut, text, write_handle};
use crate::handle;
use crate::status::{guarded, pigato_status};

/// The function that options are for. Each kind has its own names. Times are milliseconds.
pub type pigato_options_kind = i32;

/// For `pigato_broker_start`. Names, with their defaults:
///
/// - `heartbeat`: interval between heartbeats (2500).
/// - `heartbeatLiveness`: intervals without a message after which a peer counts as gone (3).
/// - `dmode`: which free worker gets a request: "load", the one with the fewest requests, or
///   "rand", a random one ("load").
/// - `name`: the broker's name (random). Do not reuse a name after a restart.
/// - `intch`: endpoint that publishes the directory to core services, or null for none
///   ("tcp://127.0.0.1:55550").
/// - `maxRequests`: most requests held; beyond it PIGATO_B_QUEUE_FULL (1000000).
/// - `maxRequestBytes`: most bytes of requests held; beyond it PIGATO_B_QUEUE_FULL (1 GiB).
/// - `maxBodyBytes`: largest data of a request; beyond it PIGATO_B_TOO_LARGE (64 MiB).
/// - `maxWorkers`: most workers registered (65536).
/// - `cacheBytes`: size of the reply cache; 0 disables it (64 MiB).
pub const PIGATO_OPTIONS_BROKER: pigato_options_kind = 1;
/// For `pigato_worker_start`. Names, with their defaults:
///
/// - `heartbeat`: interval between heartbeats (2500).
/// - `heartbeatLiveness`: intervals without a message after which the broker counts as gone
///   (3).
/// - `reconnect`: first pause before reconnecting; it doubles up to 30000 (1000).
/// - `concurrency`: most concurrent jobs, -1 for no limit (100).
/// - `prefix`: first part of the worker's identity (none).
pub const PIGATO_OPTIONS_WORKER: pigato_options_kind = 2;
/// For `pigato_client_start`. Names, with their defaults:
///
/// - `heartbeat`: interval between heartbeats (2500).
/// - `heartbeatLiveness`: intervals without a message after which the broker counts as gone
///   (3).
/// - `reconnect`: first pause before reconnecting; it doubles up to 30000 (1000).
/// - `prefix`: first part of the client's identity (none).
/// - `timeout`: the timeout of requests that do not set their own (60000).
/// - `retry`: whether requests that do not set it are retried (false).
/// - `maxRequests`: most requests without a final reply; beyond it PIGATO_C_BUSY (1000000).
/// - `maxRequestBytes`: most bytes of such requests; beyond it PIGATO_C_BUSY (1 GiB).
pub const PIGATO_OPTIONS_CLIENT: pigato_options_kind = 3;
/// For `pigato_client_request`. Any other name is a header of your own, which the worker receives.
///
/// - `timeout`: time without a reply after which the request fails; each partial reply restarts it.
///   -1 waits forever (the client's, 60000).
/// - `retry`: whether the request may run again when its worker or the connection is lost (the
///   client's, false).
/// - `workerId`: identity of the only worker that may get the request (any worker).
/// - `nocache`: do not answer from the broker's reply cache (false).
/// - `failFast`: fail at once if no worker is available (false). A request still waits for a broker
///   that is not connected.
/// - `codec`: "json" or "raw" ("json").
pub const PIGATO_OPTIONS_REQUEST: pigato_options_kind = 4;
/// For `pigato_worker_write`, pigato_worker_end() and pigato_worker_error(). Any other name is a
/// header of your own, which the client receives.
///
/// - `codec`: "json" or "raw" ("json").
/// - `cache`: time for which the broker may answer the same request with this reply (not cached).
pub const PIGATO_OPTIONS_REPLY: pigato_options_kind = 5;

/// Options of one kind. One object serves any number of calls and may be used by several threads at
/// once, but no call may use it while it is being changed.
pub struct pigato_options(Options);

enum Options {
    Broker(BrokerOptions),
    Worker(WorkerOptions),
    Client(ClientOptions),
    Request(RequestOptions),
    Reply(AnswerOptions),
}

impl pigato_options {
    fn set(&mut self, name: &str, value: &Value) -> Result<(), Error> {
        match &mut self.0 {
            Options::Broker(options) => options.set(name, value),
            Options::Worker(options) => options.set(name, value),
            Options::Client(options) => options.set(name, value),
            Options::Request(options) => options.set(name, value),
            Options::Reply(options) => options.set(name, value),
        }
    }
}

/// Defines a function that returns the options behind a pointer, or the defaults if it is NULL.
macro_rules! options_from {
    ($function:ident, $kind:ident, $options:ty) => {
        pub(crate) unsafe fn $function(options: *const pigato_options) -> Result<$options, Error> {
            match options.as_ref() {
                None => Ok(<$options>::default()),
                Some(pigato_options(Options::$kind(options))) => Ok(options.clone()),
                Some(_) => {
                    Err(Error::new(ErrorCode::Argument, "`options` are of another kind; see pigato_options_new"))
                }
            }
        }
    };
}

options_from!(broker_options, Broker, BrokerOptions);
options_from!(worker_options, Worker, WorkerOptions);
options_from!(client_options, Client, ClientOptions);
options_from!(request_options, Request, RequestOptions);
options_from!(reply_options, Reply, AnswerOptions);

/// Creates options in which nothing is set: every option has its default.
///
/// Returns PIGATO_E_ARGUMENT if the kind does not exist.
#[no_mangle]
pub unsafe extern "C" fn pigato_options_new(
    kind: pigato_options_kind,
    options: *mut *mut pigato_options,
) -> pigato_status {
    guarded(|| {
        let made = match kind {
            PIGATO_OPTIONS_BROKER => Options::Broker(BrokerOptions::default()),
            PIGATO_OPTIONS_WORKER => Options::Worker(WorkerOptions::default()),
            PIGATO_OPTIONS_CLIENT => Options::Client(ClientOptions::default()),
            PIGATO_OPTIONS_REQUEST => Options::Request(RequestOptions::default()),
            PIGATO_OPTIONS_REPLY => Options::Reply(AnswerOptions::default()),
            _ => return Err(Error::new(ErrorCode::Argument, format!("{kind} is not a kind of options"))),
        };
        write_handle(out(options, "options")?, pigato_options(made))
    })
}

/// Frees options. Does nothing for NULL.
#[no_mangle]
pub unsafe extern "C" fn pigato_options_free(options: *mut pigato_options) {
    handle::free(options);
}

/// Sets an option to a value written as JSON: 5000, "text", true, null.
///
/// Returns PIGATO_E_OPTION if the name does not exist or the value is invalid; pigato_last_error()
/// lists what is allowed. Returns PIGATO_E_DATA if the value is not JSON.
#[no_mangle]
pub unsafe extern "C" fn pigato_options_set(
    options: *mut pigato_options,
    name: *const c_char,
    name_length: usize,
    json: *const c_char,
    json_length: usize,
) -> pigato_status {
    guarded(|| {
        let (options, name) = (reference_mut(options, "options")?, text(name, name_length, "name")?);
        let value = serde_json::from_str(text(json, json_length, "json")?).map_err(|error| {
            let help = "a text needs its quotes; pigato_options_set_text adds them";
            Error::new(ErrorCode::Data, format!("`{name}`: {error}; {help}"))
        })?;
        options.set(name, &value)
    })
}

/// Sets an option to a number. A time is in milliseconds; -1 means forever. Returns as
/// pigato_options_set().
#[no_mangle]
pub unsafe extern "C" fn pigato_options_set_number(
    options: *mut pigato_options,
    name: *const c_char,
    name_length: usize,
    number: f64,
) -> pigato_status {
    guarded(|| {
        if !number.is_finite() {
            return Err(Error::new(ErrorCode::Argument, format!("`number` is {number}; it must be finite")));
        }
        // The core expects integers where JSON has whole numbers.
        let is_whole = number.trunc() == number && number.abs() < 2f64.powi(53);
        let value = if is_whole { Value::from(number as i64) } else { Value::from(number) };
        reference_mut(options, "options")?.set(text(name, name_length, "name")?, &value)
    })
}

/// Sets an option to a text. Returns as pigato_options_set().
#[no_mangle]
pub unsafe extern "C" fn pigato_options_set_text(
    options: *mut pigato_options,
    name: *const c_char,
    name_length: usize,
    value: *const c_char,
    value_length: usize,
) -> pigato_status {
    guarded(|| {
        let value = Value::from(text(value, value_length, "value")?);
        reference_mut(options, "options")?.set(text(name, name_length, "name")?, &value)
    })
}

/// Sets an option to true or false. Returns as pigato_options_set().
#[no_mangle]
pub unsafe extern "C" fn pigato_options_set_bool(
    options: *mut pigato_options,
    name: *const c_char,
    name_length: usize,
    value: bool,
) -> pigato_status {
    guarded(|| reference_mut(options, "options")?.set(text(name, name_length, "name")?, &Value::from(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares the names in the comments above, which the header repeats, with the core.
    #[test]
    fn documented_names_match_the_core() {
        let source: String = include_str!("options.rs").split_whitespace().collect::<Vec<_>>().join(" ");
        let documented = |function: &str| -> Vec<String> {
            let start = source.find(&format!("/// For `{function}`")).unwrap();
            let paragraph = source[start..].split("pub const").next().unwrap().replace("/// ", "");
            let names = paragraph.split('`').skip(3).step_by(2);
            names.map(str::to_owned).collect()
        };
        assert_eq!(documented("pigato_broker_start"), BrokerOptions::NAMES);
        assert_eq!(documented("pigato_worker_start"), WorkerOptions::NAMES);
        assert_eq!(documented("pigato_client_start"), ClientOptions::NAMES);
    }
}
