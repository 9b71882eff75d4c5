//! Options and their defaults. Each stands here once, for every language.

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
    /// Missed heartbeats after which a peer counts as dead.
    pub const HEARTBEAT_LIVENESS: u32 = 3;
    /// First pause before a client or worker reconnects.
    pub const RECONNECT: Duration = Duration::from_millis(1_000);
    /// Time a request may go without a reply.
    pub const TIMEOUT: Duration = Duration::from_millis(60_000);
    /// Requests that a worker takes at the same time.
    pub const CONCURRENCY: u32 = 100;
    /// Where a broker publishes for core services.
    pub const INTCH: &str = "tcp://127.0.0.1:55550";
    /// Where a broker listens when nothing else is said; clients and workers connect there.
    pub const ENDPOINT: &str = "tcp://127.0.0.1:55555";
    /// How long `stop` lets accepted work finish.
    pub const DRAIN: Duration = Duration::from_millis(10_000);
}

/// How a broker chooses among the free workers of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DispatchMode {
    /// Fewest requests in flight, then least recently used.
    #[default]
    Load,
    /// Any, by chance.
    Random,
}

impl DispatchMode {
    /// The mode with this name: `load` or `rand`.
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

/// How many requests a worker takes at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concurrency {
    /// At most this many, one or more.
    Limited(u32),
    /// No limit; -1 on the wire.
    Unlimited,
}

impl Concurrency {
    /// From the number on the wire: 1 or more, or -1 for no limit. Anything else means nothing.
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

    /// Whether a worker with `in_flight` requests may take one more.
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

            /// Sets an option by its name. Times are numbers of milliseconds. `E_OPTION` for a name that is none of
            /// [`Self::NAMES`], and for a value that it cannot have.
            pub fn set(&mut self, name: &str, value: &Value) -> Result<(), Error> {
                match name {
                    $($text => self.$field = read(name, value)?,)+
                    _ => return Err(unknown(name, Self::NAMES)),
                }
                Ok(())
            }

            /// All options with their values, as [`Self::from_json`] takes them; fractions of a millisecond are rounded up.
            #[must_use]
            pub fn to_json(&self) -> Map<String, Value> {
                [$(($text.to_owned(), OptionValue::to_json(&self.$field)),)+].into_iter().collect()
            }

            /// The options of this kind in an object; see [`Self::set`].
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
    /// What a broker may be told. Every field has a method of the same name for chaining.
    BrokerOptions {
        /// Time after which a quiet worker is sent a heartbeat, and the unit of `heartbeat_liveness`.
        heartbeat "heartbeat": Duration = defaults::HEARTBEAT,
        /// Heartbeats that a peer may miss before it counts as dead.
        heartbeat_liveness "heartbeatLiveness": u32 = defaults::HEARTBEAT_LIVENESS,
        /// How a worker is chosen: `load` or `rand`.
        dispatch_mode "dmode": DispatchMode = DispatchMode::default(),
        /// The broker's name; `None`: `B<uuid>`. A client that meets another name than before knows that the broker
        /// was restarted, so do not reuse one across restarts.
        name "name": Option<String> = None,
        /// Where the directory is published for core services; `None`: nowhere.
        intch "intch": Option<String> = Some(defaults::INTCH.to_owned()),
        /// Most requests held, waiting and in flight.
        max_requests "maxRequests": usize = limits::BROKER_REQUESTS,
        /// Most bytes of requests held.
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
    /// What a worker may be told. Every field has a method of the same name for chaining.
    WorkerOptions {
        /// Time between two heartbeats.
        heartbeat "heartbeat": Duration = defaults::HEARTBEAT,
        /// Heartbeats that the broker may miss before the worker reconnects.
        heartbeat_liveness "heartbeatLiveness": u32 = defaults::HEARTBEAT_LIVENESS,
        /// First pause before reconnecting; it doubles up to half a minute.
        reconnect "reconnect": Duration = defaults::RECONNECT,
        /// Requests taken at the same time.
        concurrency "concurrency": Concurrency = Concurrency::default(),
        /// First part of the identity; `None`: `W<uuid>`.
        prefix "prefix": Option<String> = None,
    }
}

options! {
    /// What a client may be told. Every field has a method of the same name for chaining.
    ClientOptions {
        /// Time between two heartbeats.
        heartbeat "heartbeat": Duration = defaults::HEARTBEAT,
        /// Heartbeats that the broker may miss before the client reconnects.
        heartbeat_liveness "heartbeatLiveness": u32 = defaults::HEARTBEAT_LIVENESS,
        /// First pause before reconnecting; it doubles up to half a minute.
        reconnect "reconnect": Duration = defaults::RECONNECT,
        /// First part of the identity; `None`: `C<uuid>`.
        prefix "prefix": Option<String> = None,
        /// Timeout of requests that do not set their own.
        timeout "timeout": Timeout = Timeout::default(),
        /// `retry` of requests that do not set their own.
        retry "retry": bool = false,
        /// Most requests unanswered at a time.
        max_requests "maxRequests": usize = limits::CLIENT_REQUESTS,
        /// Most bytes of requests unanswered at a time.
        max_request_bytes "maxRequestBytes": usize = limits::CLIENT_REQUEST_BYTES,
    }
}

impl BrokerOptions {
    /// With a name, drawn from `entropy` if there is none yet.
    #[must_use]
    pub fn named(mut self, entropy: &mut Entropy) -> Self {
        self.name.get_or_insert_with(|| format!("B{}", entropy.uuid()));
        self
    }
}

impl ClientOptions {
    /// With a prefix, drawn from `entropy` if there is none yet.
    #[must_use]
    pub fn named(mut self, entropy: &mut Entropy) -> Self {
        self.prefix.get_or_insert_with(|| format!("C{}", entropy.uuid()));
        self
    }
}

impl WorkerOptions {
    /// With a prefix, drawn from `entropy` if there is none yet.
    #[must_use]
    pub fn named(mut self, entropy: &mut Entropy) -> Self {
        self.prefix.get_or_insert_with(|| format!("W{}", entropy.uuid()));
        self
    }

    /// How long a client may be silent about a request before it counts as uninterested.
    pub fn liveness_timeout(&self) -> Duration {
        liveness_timeout(self.heartbeat, self.heartbeat_liveness)
    }
}

/// The time without a sign of life after which a peer counts as gone: `liveness` heartbeat
/// intervals, at least one.
#[must_use]
pub fn liveness_timeout(interval: Duration, liveness: u32) -> Duration {
    interval.saturating_mul(liveness.max(1))
}

/// How long a request may go without a reply; each partial reply starts the time anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// This long.
    After(Duration),
    /// For ever; -1 on the wire.
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

    /// Milliseconds as on the wire, rounded up so that a short timeout does not become none at all.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        match self {
            Self::After(duration) => ceil_millis(duration),
            Self::Never => -1,
        }
    }

    /// The duration, if it ends at all.
    #[must_use]
    pub fn duration(self) -> Option<Duration> {
        match self {
            Self::After(duration) => Some(duration.min(limits::DURATION)),
            Self::Never => None,
        }
    }
}

/// A duration in whole milliseconds, rounded up.
pub fn ceil_millis(duration: Duration) -> i64 {
    i64::try_from(duration.min(limits::DURATION).as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
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

    /// From the value of an option; `E_OPTION` if it names none.
    pub fn from_option(value: &Value) -> Result<Self, Error> {
        read(crate::option_name::CODEC, value)
    }
}

/// How the data of a request or a reply is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Codec {
    /// UTF-8 JSON.
    #[default]
    Json,
    /// Bytes as they are; `{"codec":"raw"}` in the options.
    Raw,
}
