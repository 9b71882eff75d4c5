//! Options by name.

use std::ffi::c_char;

use pigato::binding::AnswerOptions;
use pigato::config::{BrokerOptions, ClientOptions, RequestOptions, WorkerOptions};
use pigato::{Error, ErrorCode};
use serde_json::Value;

use crate::arguments::{give, out, reference_mut, release, text};
use crate::status::{guarded, guarded_quietly, pigato_status};

/// What options are for.
pub type pigato_options_kind = i32;

/// For `pigato_broker_start`: `heartbeat`, `heartbeatLiveness`, `dmode`, `name`, `intch`, `maxRequests`,
/// `maxRequestBytes`, `maxBodyBytes`, `maxWorkers`, `cacheBytes`.
pub const PIGATO_OPTIONS_BROKER: pigato_options_kind = 1;
/// For `pigato_worker_start`: `heartbeat`, `heartbeatLiveness`, `reconnect`, `concurrency`, `prefix`.
pub const PIGATO_OPTIONS_WORKER: pigato_options_kind = 2;
/// For `pigato_client_start`: `heartbeat`, `heartbeatLiveness`, `reconnect`, `prefix`, `timeout`, `retry`, `maxRequests`,
/// `maxRequestBytes`.
pub const PIGATO_OPTIONS_CLIENT: pigato_options_kind = 3;
/// For `pigato_client_request`: `timeout`, `retry`, `workerId`, `nocache`, `failFast`, `codec`; any other name is a key
/// of your own, which the worker sees.
pub const PIGATO_OPTIONS_REQUEST: pigato_options_kind = 4;
/// For `pigato_worker_write`, `_end` and `_error`: `codec` and `cache`; any other name is a key of your own, which the
/// client sees.
pub const PIGATO_OPTIONS_REPLY: pigato_options_kind = 5;

/// Options of one kind. They may be used for any number of calls, by several threads at once, but not while they are
/// being changed.
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

/// The options that a pointer points at if they are of the right kind, the defaults if it is NULL.
macro_rules! given {
    ($function:ident, $kind:ident, $options:ty) => {
        pub(crate) unsafe fn $function(options: *const pigato_options) -> Result<$options, Error> {
            match options.as_ref() {
                None => Ok(<$options>::default()),
                Some(pigato_options(Options::$kind(options))) => Ok(options.clone()),
                Some(_) => Err(Error::new(ErrorCode::Argument, "`options` are of another kind")),
            }
        }
    };
}

given!(broker_options, Broker, BrokerOptions);
given!(worker_options, Worker, WorkerOptions);
given!(client_options, Client, ClientOptions);
given!(request_options, Request, RequestOptions);
given!(reply_options, Reply, AnswerOptions);

/// Makes options that say nothing yet. `PIGATO_E_ARGUMENT` for a kind that is none.
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
            _ => return Err(Error::new(ErrorCode::Argument, format!("{kind} is no kind of options"))),
        };
        give(out(options, "options")?, pigato_options(made))
    })
}

/// Frees options. Does nothing with NULL.
#[no_mangle]
pub unsafe extern "C" fn pigato_options_free(options: *mut pigato_options) {
    guarded_quietly(|| release(options));
}

/// Sets an option to a value written as JSON: `5000`, `"text"`, `true`, `null`. `PIGATO_E_OPTION` for a name or a value
/// that the kind does not have; `pigato_last_error` tells which there are. Not while others use the options.
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
            let help = "a text needs its quotes, or pigato_options_set_text";
            Error::new(ErrorCode::Data, format!("`{name}`: {error}; {help}"))
        })?;
        options.set(name, &value)
    })
}

/// As `pigato_options_set`, to a number. Times are milliseconds, -1 means without end.
#[no_mangle]
pub unsafe extern "C" fn pigato_options_set_number(
    options: *mut pigato_options,
    name: *const c_char,
    name_length: usize,
    number: f64,
) -> pigato_status {
    guarded(|| {
        if !number.is_finite() {
            return Err(Error::new(ErrorCode::Argument, format!("`number` is {number}")));
        }
        // JSON tells whole numbers from others.
        let is_whole = number.trunc() == number && number.abs() < 2f64.powi(53);
        let value = if is_whole { Value::from(number as i64) } else { Value::from(number) };
        reference_mut(options, "options")?.set(text(name, name_length, "name")?, &value)
    })
}

/// As `pigato_options_set`, to a text.
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

/// As `pigato_options_set`, to true or false.
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

    /// What the header says there is, against the core.
    #[test]
    fn documented_names_are_those_of_the_core() {
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
