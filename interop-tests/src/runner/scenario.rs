//! Reads scenarios from `scenarios/*.toml`: the peers, the steps and the expected results.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::drivers::Role;

/// A behaviour that every client, worker and broker with the needed capabilities must show.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Unique id: words joined by hyphens.
    pub name: String,
    /// The name of its file.
    #[serde(skip)]
    pub group: String,
    /// One sentence: the expected behaviour.
    pub about: String,
    /// Whether it runs with all triples of languages instead of pairwise.
    #[serde(default)]
    pub smoke: bool,
    /// Capabilities that the languages need.
    #[serde(default)]
    pub needs: Needs,
    /// The broker.
    #[serde(default)]
    pub broker: Spec,
    /// The workers by name. Default: one called `worker`.
    #[serde(default)]
    pub workers: BTreeMap<String, Spec>,
    /// The clients by name. Default: one called `client`.
    #[serde(default)]
    pub clients: BTreeMap<String, Spec>,
    /// The steps in order.
    pub steps: Vec<Step>,
    /// Whether peers send messages that break the protocol.
    #[serde(default)]
    pub hostile: bool,
    /// Whether the broker has stopped at the end.
    #[serde(default)]
    pub stopped: bool,
}

/// Capabilities by role.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Needs {
    client: Vec<String>,
    worker: Vec<String>,
    broker: Vec<String>,
}

impl Needs {
    /// The capabilities that a role needs.
    #[must_use]
    pub fn of(&self, role: Role) -> &[String] {
        match role {
            Role::Client => &self.client,
            Role::Worker => &self.worker,
            Role::Broker => &self.broker,
        }
    }
}

/// A broker, worker or client.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// Options by name. They override the common options.
    pub conf: Map<String, Value>,
    /// The service of a worker. Default: `service`.
    pub service: Option<String>,
    /// Whether it connects through the proxy that injects faults.
    pub proxy: bool,
    /// Whether a later step starts it.
    pub later: bool,
    /// Whether a worker prints no events for its requests.
    pub quiet: bool,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// `who` (default `client`) sends a request, which must have the expected outcome.
    Call,
    /// `who` (default `client`) sends a request.
    Request,
    /// Waits for the expected outcome of the request `tag`.
    Wait,
    /// Waits for a partial reply to the request `tag`.
    Partial,
    /// The client cancels the request `tag`.
    Cancel,
    /// The client starts reading the replies to the held request `tag`.
    Read,
    /// `who` (default `client`) sends `count` concurrent requests. Without `tag` the step waits
    /// until all are answered; with `tag` the step `flooded` does.
    Flood,
    /// Waits until all requests of the flood `tag` are answered.
    Flooded,
    /// Waits until the worker `who` receives a request with this `data`, or any request without
    /// `data`.
    Seen,
    /// Checks that the worker `who` has received no request with this `data`, or no further
    /// request.
    Unseen,
    /// Waits until the worker `who` is notified that the request which it received last is
    /// cancelled.
    Cancelled,
    /// Sends `line` to `who`.
    Tell,
    /// Waits for the next `event` of `who`.
    Event,
    /// Waits until the broker's statistics equal `are` and reach `at_least`. Then none may exceed
    /// `at_most`.
    Statistics,
    /// Starts `who` for the first time or again.
    Start,
    /// Stops `who` with a `stop` command.
    Stop,
    /// Sends SIGKILL to `who`.
    Kill,
    /// Waits until `who` exits by itself.
    Ended,
    /// Sends SIGSTOP to `who`.
    Freeze,
    /// Sends SIGCONT to `who`.
    Thaw,
    /// Sets the mode of the proxy: `pass`, `stall`, `drop` or `delay` (by `ms`).
    Proxy,
    /// The runner sends `frames` as the peer `who`, `times` times.
    Send,
    /// Waits until the runner receives, as the peer `who`, a message that starts with `frames`.
    /// null matches any frame.
    Receive,
    /// The runner subscribes to the broker's publications as `who`.
    Subscribe,
    /// Waits until the subscriber `who` receives a directory in which services have the numbers of
    /// workers in `are`. A service without workers may be missing from the directory.
    Published,
    /// Waits until the subscriber `who` has received nothing for a while.
    Quiet,
}

/// An action with its arguments and expected results. Each has the timeout
/// [`super::steps::TIMEOUT`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The action.
    #[serde(rename = "do")]
    pub action: Action,
    /// The name of the peer that acts or is acted on.
    pub who: Option<String>,
    /// The name of a request within the scenario.
    pub tag: Option<String>,
    /// The requested service. Default: `service`.
    pub service: Option<String>,
    /// JSON: the request's data.
    pub data: Option<String>,
    /// Hexadecimal digits: bytes instead of `data`.
    pub bytes: Option<String>,
    /// JSON: the request's options.
    pub opts: Option<String>,
    /// Whether the replies are not read until a `read` step.
    #[serde(default)]
    pub hold: bool,
    /// Whether a step cancels the request.
    #[serde(default)]
    pub cancellable: bool,
    /// Expected, as JSON: the final reply's data.
    pub ok: Option<String>,
    /// Expected, as hexadecimal digits: the final reply's bytes.
    pub ok_bytes: Option<String>,
    /// Expected, as JSON: the error value.
    pub error: Option<String>,
    /// Expected: the error value's member `code`.
    pub error_code: Option<String>,
    /// Expected, as JSON: all partial replies.
    pub partials: Option<String>,
    /// Expected: the data is the process id of one of these workers.
    pub by: Option<Vec<String>>,
    /// Expected: the length of the data, a text in bytes or an array in items.
    pub length: Option<usize>,
    /// Expected: any outcome, including an error.
    #[serde(default)]
    pub any: bool,
    /// Whether a call is repeated until it has the expected outcome, for changes without an event.
    #[serde(default)]
    pub again: bool,
    /// Number of requests of a flood.
    pub count: Option<u64>,
    /// JSON: a command for a driver.
    pub line: Option<String>,
    /// The name of an event.
    pub event: Option<String>,
    /// JSON: statistics by name.
    pub are: Option<String>,
    /// JSON: statistics by name.
    pub at_least: Option<String>,
    /// JSON: statistics by name.
    pub at_most: Option<String>,
    /// The proxy's mode.
    pub mode: Option<String>,
    /// Milliseconds.
    #[serde(default)]
    pub ms: u64,
    /// JSON: frames, each a text, `{"hex":digits}` or what [`super::value::read`] expands.
    pub frames: Option<String>,
    /// How often to send the frames. Default: 1.
    pub times: Option<u64>,
}

impl Step {
    /// Whether the step leaves the processes unchanged.
    const fn is_harmless(&self) -> bool {
        use Action::{Call, Cancel, Cancelled, Flood, Flooded, Partial, Read, Request, Seen, Wait};
        let action = self.action;
        matches!(action, Call | Request | Wait | Partial | Cancel | Read | Flood | Flooded | Seen | Cancelled)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    scenario: Vec<Scenario>,
}

/// Reads all scenarios of a folder; each file is a group.
pub fn read(folder: &Path) -> Result<Vec<Scenario>, String> {
    let describe = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let entries = std::fs::read_dir(folder).map_err(|error| describe(folder, &error))?;
    let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let mut all: Vec<Scenario> = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(|error| describe(&path, &error))?;
        let file: File = toml::from_str(&text).map_err(|error| describe(&path, &error))?;
        let group = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for mut scenario in file.scenario {
            if all.iter().any(|other| other.name == scenario.name) {
                return Err(describe(&path, &format!("two scenarios have the name {}", scenario.name)));
            }
            scenario.group.clone_from(&group);
            scenario.complete();
            all.push(scenario);
        }
    }
    all.sort_by_key(|scenario| !scenario.smoke);
    Ok(all)
}

impl Scenario {
    fn complete(&mut self) {
        if self.workers.is_empty() {
            self.workers.insert("worker".to_owned(), Spec::default());
        }
        if self.clients.is_empty() {
            self.clients.insert("client".to_owned(), Spec::default());
        }
    }

    /// Whether the scenario leaves its processes unchanged, so that the next scenario can use them.
    #[must_use]
    pub fn is_sharing(&self) -> bool {
        let is_plain =
            |specs: &BTreeMap<String, Spec>| specs.len() == 1 && specs.values().all(|s| *s == Spec::default());
        let has_usual_names = self.workers.contains_key("worker") && self.clients.contains_key("client");
        self.broker == Spec::default()
            && is_plain(&self.workers)
            && is_plain(&self.clients)
            && has_usual_names
            && !self.stopped
            && self.steps.iter().all(Step::is_harmless)
    }
}
