//! The broker's settings, from command-line options and from a file.
//!
//! One struct holds both, so each key of the file is the long name of an option.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::Path;
use std::time::Duration;

use clap::{Args, ValueEnum};
use pigato::config::BrokerOptions;
use pigato::DispatchMode;
use serde::{Deserialize, Deserializer};

use crate::exit::Failure;

/// Least Jaro-Winkler similarity, from 0 to 1, at which a known name is suggested for an unknown
/// one.
const SUGGESTION_SIMILARITY: f64 = 0.7;

#[derive(Debug, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Settings {
    /// Listen on tcp://HOST:PORT or ipc://PATH; may be repeated [default: tcp://127.0.0.1:55555]
    ///
    /// With `*` as the port the broker chooses a free port; the log and --json show it.
    #[arg(long, value_name = "ENDPOINT")]
    #[serde(deserialize_with = "one_or_many")]
    pub(super) bind: Vec<String>,

    /// Publish the directory on this endpoint, or not at all with `none` [default:
    /// tcp://127.0.0.1:55550]
    ///
    /// The broker answers directory requests itself; only external directory services use this
    /// endpoint.
    #[arg(long, value_name = "ENDPOINT|none")]
    pub(super) intch: Option<String>,

    /// Milliseconds without a message to a worker before the broker sends it a heartbeat [default:
    /// 2500]
    #[arg(long, value_name = "MS")]
    pub(super) heartbeat: Option<NonZeroU64>,

    /// Heartbeat intervals of silence before the broker considers a peer dead [default: 3]
    #[arg(long, value_name = "N")]
    pub(super) heartbeat_liveness: Option<NonZeroU32>,

    /// How the broker chooses among the free workers of a service [default: load]
    #[arg(long, value_name = "MODE")]
    pub(super) dispatch: Option<Dispatch>,

    /// Milliseconds that accepted requests may take to finish when the broker stops [default:
    /// 10000]
    #[arg(long, value_name = "MS")]
    pub(super) drain: Option<u64>,

    /// The broker's name; without this option each start generates a new one [default: B<uuid>]
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,

    /// Maximum requests held, queued and in flight; further ones fail with B_QUEUE_FULL [default:
    /// 1000000]
    #[arg(long, value_name = "N")]
    pub(super) max_requests: Option<usize>,

    /// Maximum bytes of held requests; further ones fail with B_QUEUE_FULL [default: 1 GiB]
    #[arg(long, value_name = "BYTES")]
    pub(super) max_request_bytes: Option<usize>,

    /// Maximum bytes of data in 1 request; larger ones fail with B_TOO_LARGE [default: 64 MiB]
    #[arg(long, value_name = "BYTES")]
    pub(super) max_body_bytes: Option<usize>,

    /// Maximum registered workers; further ones are disconnected [default: 65536]
    #[arg(long, value_name = "N")]
    pub(super) max_workers: Option<usize>,

    /// Size of the reply cache in bytes; 0 turns it off [default: 64 MiB]
    #[arg(long, value_name = "BYTES")]
    pub(super) cache_bytes: Option<usize>,
}

#[derive(Debug, Clone, Copy, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Dispatch {
    /// The worker with the fewest requests in flight; among equals, the least recently used
    Load,
    /// A random worker
    Rand,
}

impl Settings {
    /// Reads the settings from a file.
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
                None => format!("unknown setting `{unknown}`; the settings are {}", Self::names().join(", ")),
            });
        }
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// The long names of all options of this struct.
    fn names() -> Vec<String> {
        let command = Self::augment_args(clap::Command::new("settings"));
        command.get_arguments().filter_map(|argument| argument.get_long().map(str::to_owned)).collect()
    }

    /// Returns these settings, with unset ones taken from `others`.
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

    /// Returns the library's options. Unset settings keep the library's defaults.
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

/// Returns the most similar known name, if one is similar enough.
fn nearest(unknown: &str) -> Option<String> {
    let similarity = |name: &str| strsim::jaro_winkler(unknown, name);
    let names = Settings::names().into_iter();
    let similar = names.filter(|name| similarity(name) >= SUGGESTION_SIMILARITY);
    similar.max_by(|one, other| similarity(one).total_cmp(&similarity(other)))
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
    fn the_command_line_overrides_the_file() {
        let typed = Settings { drain: Some(1), bind: vec!["tcp://127.0.0.1:2".into()], ..Settings::default() };
        let settings = typed.or(Settings::parse(EVERYTHING).unwrap());
        assert_eq!(settings.drain, Some(1));
        assert_eq!(settings.bind, ["tcp://127.0.0.1:2"]);
        assert_eq!(settings.cache_bytes, Some(0));
    }

    #[test]
    fn a_single_endpoint_may_be_a_string() {
        assert_eq!(Settings::parse("bind = \"ipc:///tmp/x\"").unwrap().bind, ["ipc:///tmp/x"]);
    }

    #[test]
    fn the_error_for_an_unknown_key_suggests_the_nearest_known_one() {
        let problem = Settings::parse("hartbeat = 1").unwrap_err();
        assert_eq!(problem, "unknown setting `hartbeat`; did you mean `heartbeat`?");
        assert!(Settings::parse("heartbeat_liveness = 1").unwrap_err().contains("`heartbeat-liveness`"));
        assert!(Settings::parse("zzz = 1").unwrap_err().contains("the settings are bind, intch,"));
    }

    #[test]
    fn the_error_for_an_invalid_value_names_the_line() {
        for text in ["heartbeat = 0", "heartbeat = \"1 s\"", "dispatch = \"fair\"", "bind = 7", "drain = -1"] {
            let problem = Settings::parse(text).unwrap_err();
            assert!(problem.contains("line 1"), "{text}: {problem}");
        }
        assert!(Settings::parse("bind = [").is_err());
    }
}
