//! Options and their defaults, written once for every language.

mod named;
mod request;

use std::time::Duration;

use serde_json::{Map, Value};

pub use request::RequestOptions;

use named::{read, unknown, OptionValue};

use crate::entropy::Entropy;
use crate::error::{Error, ErrorCode};
use crate::limits;

/// Defaults of all options (protocol document, "Defaults").
pub mod defaults {
    use std::time::Duration;

    /// Time between two heartbeats.
    pub const HEARTBEAT: Duration = Duration::from_millis(2_500);
    /// Missed heartbeats after which a peer counts as gone.
    pub const HEARTBEAT_LIVENESS: u32 = 3;
    /// First pause after a lost session.
    pub const RECONNECT: Duration = Duration::from_millis(1_000);
    /// Time that a request may wait without a reply.
    pub const TIMEOUT: Duration = Duration::from_millis(60_000);
    /// Concurrent jobs of a worker.
    pub const CONCURRENCY: u32 = 100;
    /// Where a broker publishes its directory for core services.
    pub const INTCH: &str = "tcp://127.0.0.1:55550";
    /// Where a broker listens, and clients and workers connect, by default.
    pub const ENDPOINT: &str = "tcp://127.0.0.1:55555";
    /// How long `stop` waits for accepted work.
    pub const DRAIN: Duration = Duration::from_millis(10_000);
}

/// How a broker chooses among the free workers of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DispatchMode {
    /// The one with the fewest jobs, then the least recently used.
    #[default]
    Load,
    /// A random one.
    Random,
}

impl DispatchMode {
    /// The mode with this name: `load` or `rand`.
    ///
    /// # Errors
    ///
    /// `E_OPTION` for any other name.
    pub fn parse(name: &str) -> Result<Self, Error> {
        match name {
            "load" => Ok(Self::Load),
            "rand" => Ok(Self::Random),
            _ => Err(Error::new(ErrorCode::Option, format!("dmode is `load` or `rand`, not `{name}`"))),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Random => "rand",
        }
    }
}

/// The number of concurrent jobs of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concurrency {
    /// At most this many, one or more.
    Limited(u32),
    /// No limit; -1 on the wire.
    Unlimited,
}

impl Concurrency {
    /// From the number on the wire: 1 or more, or -1 for no limit. `None` for any other number.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            -1 => Some(Self::Unlimited),
            1.. => Some(Self::Limited(u32::try_from(number).unwrap_or(u32::MAX))),
            _ => None,
        }
    }

    /// The number on the wire.
    #[must_use]
    pub fn as_number(self) -> i64 {
        match self {
            Self::Limited(limit) => i64::from(limit),
            Self::Unlimited => -1,
        }
    }

    /// Whether a worker with `in_flight` jobs may take one more.
    #[must_use]
    pub fn has_room(self, in_flight: usize) -> bool {
        match self {
            Self::Limited(limit) => in_flight < limit as usize,
            Self::Unlimited => true,
        }
    }
}

impl Default for Concurrency {
    fn default() -> Self {
        Self::Limited(defaults::CONCURRENCY)
    }
}

macro_rules! options {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])+ $field:ident $text:literal: $type:ty = $default:expr,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub struct $name { $($(#[$field_doc])+ pub $field: $type,)+ }

        impl Default for $name {
            fn default() -> Self { Self { $($field: $default,)+ } }
        }

        impl $name {
            /// The names of all options, the same in every language.
            pub const NAMES: &'static [&'static str] = &[$($text,)+];

            /// Sets an option by its name. Times are numbers of milliseconds.
            ///
            /// # Errors
            ///
            /// `E_OPTION` for a name that is not in [`Self::NAMES`], and for an invalid value.
            pub fn set(&mut self, name: &str, value: &Value) -> Result<(), Error> {
                match name {
                    $($text => self.$field = read(name, value)?,)+
                    _ => return Err(unknown(name, Self::NAMES)),
                }
                Ok(())
            }

            /// All options with their values, as [`Self::from_json`] reads them. Fractions of a millisecond are rounded up.
            #[must_use]
            pub fn to_json(&self) -> Map<String, Value> {
                [$(($text.to_owned(), OptionValue::to_json(&self.$field)),)+].into_iter().collect()
            }

            /// Reads the options from an object.
            ///
            /// # Errors
            ///
            /// As for [`Self::set`].
            pub fn from_json(options: &Map<String, Value>) -> Result<Self, Error> {
                let mut this = Self::default();
                options.iter().try_for_each(|(name, value)| this.set(name, value))?;
                Ok(this)
            }

            $($(#[$field_doc])+ #[must_use] pub fn $field(mut self, $field: impl Into<$type>) -> Self {
                self.$field = $field.into();
                self
            })+
        }
    };
}

options! {
    /// Options of a broker. Every field has a builder method of the same name.
    BrokerOptions {
        /// Time after which the broker sends a quiet worker a heartbeat, and the unit of `heartbeat_liveness`.
        heartbeat "heartbeat": Duration = defaults::HEARTBEAT,
        /// Heartbeats that a peer may miss before it counts as gone.
        heartbeat_liveness "heartbeatLiveness": u32 = defaults::HEARTBEAT_LIVENESS,
        /// How the broker chooses a worker: `load` or `rand`.
        dispatch_mode "dmode": DispatchMode = DispatchMode::default(),
        /// The broker's name; `None`: `B<uuid>`. Clients recognise a restart by a new name, so do not reuse a name
        /// after a restart.
        name "name": Option<String> = None,
        /// Where the broker publishes its directory for core services; `None`: nowhere.
        intch "intch": Option<String> = Some(defaults::INTCH.to_owned()),
        /// Most requests that the broker holds, waiting and at workers.
        max_requests "maxRequests": usize = limits::BROKER_REQUESTS,
        /// Most bytes of requests that the broker holds.
        max_request_bytes "maxRequestBytes": usize = limits::BROKER_REQUEST_BYTES,
        /// Largest data frame of a request, in bytes.
        max_body_bytes "maxBodyBytes": usize = limits::BODY_BYTES,
        /// Most workers registered.
        max_workers "maxWorkers": usize = limits::BROKER_WORKERS,
        /// Bytes of the reply cache; 0 turns it off.
        cache_bytes "cacheBytes": usize = limits::CACHE_BYTES,
    }
}

options! {
    /// Options of a worker. Every field has a builder method of the same name.
    WorkerOptions {
        /// Time between two heartbeats.
        heartbeat "heartbeat": Duration = defaults::HEARTBEAT,
        /// Heartbeats that the broker may miss before the worker reconnects.
        heartbeat_liveness "heartbeatLiveness": u32 = defaults::HEARTBEAT_LIVENESS,
        /// First pause after a lost session, before the next one. It doubles up to 30 s while sessions do not last.
        reconnect "reconnect": Duration = defaults::RECONNECT,
        /// Concurrent jobs.
        concurrency "concurrency": Concurrency = Concurrency::default(),
        /// First part of the identity; `None`: `W<uuid>`.
        prefix "prefix": Option<String> = None,
    }
}

options! {
    /// Options of a client. Every field has a builder method of the same name.
    ClientOptions {
        /// Time between two heartbeats.
        heartbeat "heartbeat": Duration = defaults::HEARTBEAT,
        /// Heartbeats that the broker may miss before the client reconnects.
        heartbeat_liveness "heartbeatLiveness": u32 = defaults::HEARTBEAT_LIVENESS,
        /// First pause after a lost session, before the next one. It doubles up to 30 s while sessions do not last.
        reconnect "reconnect": Duration = defaults::RECONNECT,
        /// First part of the identity; `None`: `C<uuid>`.
        prefix "prefix": Option<String> = None,
        /// Timeout of requests that do not set their own.
        timeout "timeout": Timeout = Timeout::default(),
        /// `retry` of requests that do not set their own.
        retry "retry": bool = false,
        /// Most unanswered requests.
        max_requests "maxRequests": usize = limits::CLIENT_REQUESTS,
        /// Most bytes of unanswered requests.
        max_request_bytes "maxRequestBytes": usize = limits::CLIENT_REQUEST_BYTES,
    }
}

impl BrokerOptions {
    /// Sets the name, from `entropy`, if there is none yet.
    #[must_use]
    pub fn named(mut self, entropy: &mut Entropy) -> Self {
        self.name.get_or_insert_with(|| format!("B{}", entropy.uuid()));
        self
    }
}

impl ClientOptions {
    /// Sets the prefix, from `entropy`, if there is none yet.
    #[must_use]
    pub fn named(mut self, entropy: &mut Entropy) -> Self {
        self.prefix.get_or_insert_with(|| format!("C{}", entropy.uuid()));
        self
    }
}

impl WorkerOptions {
    /// Sets the prefix, from `entropy`, if there is none yet.
    #[must_use]
    pub fn named(mut self, entropy: &mut Entropy) -> Self {
        self.prefix.get_or_insert_with(|| format!("W{}", entropy.uuid()));
        self
    }

    /// How long a client may send no heartbeat for a request before the reply counts as unwanted.
    #[must_use]
    pub fn liveness_timeout(&self) -> Duration {
        liveness_timeout(self.heartbeat, self.heartbeat_liveness)
    }
}

/// How long a request may wait without a reply. Each partial reply restarts the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// This long.
    After(Duration),
    /// Forever; -1 on the wire.
    Never,
}

impl Timeout {
    /// From milliseconds as on the wire, where a negative number means never.
    #[must_use]
    pub fn from_millis(millis: f64) -> Option<Self> {
        if millis.is_nan() {
            None
        } else if millis < 0.0 {
            Some(Self::Never)
        } else {
            // Nanoseconds of a whole number of milliseconds are exact; seconds in a float would not be.
            let millis = millis.min(limits::DURATION.as_millis() as f64);
            let whole = Duration::from_millis(millis.trunc() as u64);
            Some(Self::After(whole + Duration::from_nanos((millis.fract() * 1e6) as u64)))
        }
    }

    /// Milliseconds as on the wire, rounded up so that a short timeout does not become 0.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        match self {
            Self::After(duration) => ceil_millis(duration),
            Self::Never => -1,
        }
    }

    /// The duration; `None` for [`Timeout::Never`].
    #[must_use]
    pub fn duration(self) -> Option<Duration> {
        match self {
            Self::After(duration) => Some(duration.min(limits::DURATION)),
            Self::Never => None,
        }
    }
}

/// A duration in whole milliseconds, rounded up.
#[must_use]
pub fn ceil_millis(duration: Duration) -> i64 {
    i64::try_from(duration.min(limits::DURATION).as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
}

/// The time without a message after which a peer counts as gone: `liveness` heartbeat intervals, at least one.
#[must_use]
pub fn liveness_timeout(interval: Duration, liveness: u32) -> Duration {
    interval.saturating_mul(liveness.max(1))
}

impl Default for Timeout {
    fn default() -> Self {
        Self::After(defaults::TIMEOUT)
    }
}

impl From<Duration> for Timeout {
    fn from(duration: Duration) -> Self {
        Self::After(duration)
    }
}

impl Codec {
    fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Raw => "raw",
        }
    }

    /// Reads the value of the option `codec`.
    ///
    /// # Errors
    ///
    /// `E_OPTION` unless it is `"json"` or `"raw"`.
    pub fn from_option(value: &Value) -> Result<Self, Error> {
        read(crate::option_name::CODEC, value)
    }
}

/// The encoding of the data of a request or a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Codec {
    /// UTF-8 JSON.
    #[default]
    Json,
    /// Bytes; `{"codec":"raw"}` in the options frame.
    Raw,
}
