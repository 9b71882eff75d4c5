//! A broker's settings, from options and from a file.
//!
//! One struct is both: a key of the file is the long name of an option, always.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::Path;
use std::time::Duration;

use clap::{Args, ValueEnum};
use pigato::config::BrokerOptions;
use pigato::DispatchMode;
use serde::{Deserialize, Deserializer};

use crate::exit::Failure;

/// How alike two names have to be, from 0 to 1, for one to be taken for a slip of the other.
const ALIKE: f64 = 0.7;

#[derive(Debug, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Settings {
    /// Listen here: tcp://HOST:PORT or ipc://PATH; may be given many times [default: tcp://127.0.0.1:55555]
    ///
    /// With `*` for the port it takes a free one, which the log and --json tell.
    #[arg(long, value_name = "ENDPOINT")]
    #[serde(deserialize_with = "one_or_many")]
    pub(super) bind: Vec<String>,

    /// Publish the directory for core services here, or `none` for nowhere [default: tcp://127.0.0.1:55550]
    ///
    /// The broker answers for the directory itself; only services that do so in its place listen there.
    #[arg(long, value_name = "ENDPOINT|none")]
    pub(super) intch: Option<String>,

    /// Milliseconds after which a quiet worker is sent a heartbeat [default: 2500]
    #[arg(long, value_name = "MS")]
    pub(super) heartbeat: Option<NonZeroU64>,

    /// Heartbeats that a peer may miss before it counts as dead [default: 3]
    #[arg(long, value_name = "N")]
    pub(super) heartbeat_liveness: Option<NonZeroU32>,

    /// How to choose among the free workers of a service [default: load]
    #[arg(long, value_name = "MODE")]
    pub(super) dispatch: Option<Dispatch>,

    /// Milliseconds that accepted requests have to finish when the broker is stopped [default: 10000]
    #[arg(long, value_name = "MS")]
    pub(super) drain: Option<u64>,

    /// The broker's name, another one at each start [default: B<uuid>]
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,

    /// Most requests held, waiting and in flight; more are refused with B_QUEUE_FULL [default: 1000000]
    #[arg(long, value_name = "N")]
    pub(super) max_requests: Option<usize>,

    /// Most bytes of requests held; more are refused with B_QUEUE_FULL [default: 1 GiB]
    #[arg(long, value_name = "BYTES")]
    pub(super) max_request_bytes: Option<usize>,

    /// Largest data of a request; larger is refused with B_TOO_LARGE [default: 64 MiB]
    #[arg(long, value_name = "BYTES")]
    pub(super) max_body_bytes: Option<usize>,

    /// Most workers registered [default: 65536]
    #[arg(long, value_name = "N")]
    pub(super) max_workers: Option<usize>,

    /// Size of the reply cache; 0 turns it off [default: 64 MiB]
    #[arg(long, value_name = "BYTES")]
    pub(super) cache_bytes: Option<usize>,
}

#[derive(Debug, Clone, Copy, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Dispatch {
    /// The worker with the fewest requests in flight, then the one that waits longest
    Load,
    /// Any, by chance
    Rand,
}

impl Settings {
    /// The settings in a file.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("could not read {}: {error}", path.display())))?;
        Self::parse(&text).map_err(|problem| Failure::usage(format!("{}: {problem}", path.display())))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let table: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
        if let Some(unknown) = table.keys().find(|key| !Self::names().contains(key)) {
            return Err(match nearest(unknown) {
                Some(known) => format!("unknown setting `{unknown}`; did you mean `{known}`?"),
                None => format!("unknown setting `{unknown}`; there are {}", Self::names().join(", ")),
            });
        }
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// The long names of all options here.
    fn names() -> Vec<String> {
        let command = Self::augment_args(clap::Command::new("settings"));
        command.get_arguments().filter_map(|argument| argument.get_long().map(str::to_owned)).collect()
    }

    /// These, and from `others` what these do not say.
    pub(super) fn or(self, others: Self) -> Self {
        Self {
            bind: if self.bind.is_empty() { others.bind } else { self.bind },
            intch: self.intch.or(others.intch),
            heartbeat: self.heartbeat.or(others.heartbeat),
            heartbeat_liveness: self.heartbeat_liveness.or(others.heartbeat_liveness),
            dispatch: self.dispatch.or(others.dispatch),
            drain: self.drain.or(others.drain),
            name: self.name.or(others.name),
            max_requests: self.max_requests.or(others.max_requests),
            max_request_bytes: self.max_request_bytes.or(others.max_request_bytes),
            max_body_bytes: self.max_body_bytes.or(others.max_body_bytes),
            max_workers: self.max_workers.or(others.max_workers),
            cache_bytes: self.cache_bytes.or(others.cache_bytes),
        }
    }

    /// What the library is told; what is not set stays as the library has it.
    pub(super) fn options(&self) -> BrokerOptions {
        let mut options = BrokerOptions::default();
        set(&mut options.heartbeat, self.heartbeat.map(|millis| Duration::from_millis(millis.get())));
        set(&mut options.heartbeat_liveness, self.heartbeat_liveness.map(NonZeroU32::get));
        set(&mut options.dispatch_mode, self.dispatch.map(DispatchMode::from));
        set(&mut options.intch, self.intch.clone().map(|intch| (intch != "none").then_some(intch)));
        set(&mut options.name, self.name.clone().map(Some));
        set(&mut options.max_requests, self.max_requests);
        set(&mut options.max_request_bytes, self.max_request_bytes);
        set(&mut options.max_body_bytes, self.max_body_bytes);
        set(&mut options.max_workers, self.max_workers);
        set(&mut options.cache_bytes, self.cache_bytes);
        options
    }
}

impl From<Dispatch> for DispatchMode {
    fn from(dispatch: Dispatch) -> Self {
        match dispatch {
            Dispatch::Load => Self::Load,
            Dispatch::Rand => Self::Random,
        }
    }
}

fn set<T>(option: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *option = value;
    }
}

/// The name that was probably meant, if one is near.
fn nearest(unknown: &str) -> Option<String> {
    let likeness = |name: &str| strsim::jaro_winkler(unknown, name);
    let names = Settings::names().into_iter();
    names.filter(|name| likeness(name) >= ALIKE).max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "an endpoint or an array of endpoints")]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(endpoint) => vec![endpoint],
        OneOrMany::Many(endpoints) => endpoints,
    })
}

#[cfg(test)]
mod tests {
    use pigato::DispatchMode;

    use super::Settings;

    const EVERYTHING: &str = r#"
        bind = ["tcp://127.0.0.1:1", "ipc:///tmp/x"]
        intch = "none"
        heartbeat = 100
        heartbeat-liveness = 7
        dispatch = "rand"
        drain = 5
        name = "B1"
        max-requests = 1
        max-request-bytes = 2
        max-body-bytes = 3
        max-workers = 4
        cache-bytes = 0
    "#;

    #[test]
    fn every_option_is_a_key_of_the_file() {
        let settings = Settings::parse(EVERYTHING).unwrap();
        let options = settings.options();
        assert_eq!(settings.bind.len(), 2);
        assert_eq!(settings.drain, Some(5));
        assert_eq!(options.heartbeat.as_millis(), 100);
        assert_eq!(options.heartbeat_liveness, 7);
        assert_eq!(options.dispatch_mode, DispatchMode::Random);
        assert_eq!(options.name.as_deref(), Some("B1"));
        assert_eq!(options.intch, None);
        assert_eq!((options.max_requests, options.max_request_bytes), (1, 2));
        assert_eq!((options.max_body_bytes, options.max_workers, options.cache_bytes), (3, 4, 0));
        for name in Settings::names() {
            assert!(EVERYTHING.contains(&format!("{name} =")), "{name} is not in the file");
        }
    }

    #[test]
    fn what_is_typed_wins_over_the_file() {
        let typed = Settings { drain: Some(1), bind: vec!["tcp://127.0.0.1:2".into()], ..Settings::default() };
        let settings = typed.or(Settings::parse(EVERYTHING).unwrap());
        assert_eq!(settings.drain, Some(1));
        assert_eq!(settings.bind, ["tcp://127.0.0.1:2"]);
        assert_eq!(settings.cache_bytes, Some(0));
    }

    #[test]
    fn one_endpoint_needs_no_array() {
        assert_eq!(Settings::parse("bind = \"ipc:///tmp/x\"").unwrap().bind, ["ipc:///tmp/x"]);
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest_known_one() {
        let problem = Settings::parse("hartbeat = 1").unwrap_err();
        assert_eq!(problem, "unknown setting `hartbeat`; did you mean `heartbeat`?");
        assert!(Settings::parse("heartbeat_liveness = 1").unwrap_err().contains("`heartbeat-liveness`"));
        assert!(Settings::parse("zzz = 1").unwrap_err().contains("there are bind, intch,"));
    }

    #[test]
    fn a_wrong_value_is_an_error_that_names_the_place() {
        for text in ["heartbeat = 0", "heartbeat = \"1 s\"", "dispatch = \"fair\"", "bind = 7", "drain = -1"] {
            let problem = Settings::parse(text).unwrap_err();
            assert!(problem.contains("line 1"), "{text}: {problem}");
        }
        assert!(Settings::parse("bind = [").is_err());
    }
}
