//! Scenarios as `scenarios/*.toml` have them: who takes part, what happens, what has to come of it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::drivers::Role;

/// A named behaviour that every client, worker and broker that can has to show.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Unique among all; words with hyphens.
    pub name: String,
    /// The file that it stands in.
    #[serde(skip)]
    pub group: String,
    /// One sentence: what has to hold.
    pub about: String,
    /// Whether every client runs it with every worker and broker, not only with each other pairwise.
    #[serde(default)]
    pub smoke: bool,
    /// Capabilities without which a language cannot take part.
    #[serde(default)]
    pub needs: Needs,
    /// The broker.
    #[serde(default)]
    pub broker: Spec,
    /// The workers by name; without any, one that is called `worker`.
    #[serde(default)]
    pub workers: BTreeMap<String, Spec>,
    /// The clients by name; without any, one that is called `client`.
    #[serde(default)]
    pub clients: BTreeMap<String, Spec>,
    /// What happens, one after the other.
    pub steps: Vec<Step>,
    /// Whether messages that break the protocol are part of it.
    #[serde(default)]
    pub hostile: bool,
    /// Whether its broker has stopped at its end.
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
    /// What is needed of a role.
    #[must_use]
    pub fn of(&self, role: Role) -> &[String] {
        match role {
            Role::Client => &self.client,
            Role::Worker => &self.worker,
            Role::Broker => &self.broker,
        }
    }
}

/// One of those who take part.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// Options by name, over those that all have.
    pub conf: Map<String, Value>,
    /// What a worker offers; `service` if nothing is said.
    pub service: Option<String>,
    /// Whether its connection goes through the faulty proxy.
    pub proxy: bool,
    /// Whether a step starts it.
    pub later: bool,
    /// Whether a worker keeps silent about its requests.
    pub quiet: bool,
}

/// What happens in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// `who` (`client`) asks, and what is expected comes of it.
    Call,
    /// `who` (`client`) asks.
    Request,
    /// What is expected comes of the request `tag`.
    Wait,
    /// Waits for a partial reply to the request `tag`.
    Partial,
    /// The client gives the request `tag` up.
    Cancel,
    /// The client reads the replies to the request `tag`, which was held.
    Read,
    /// `who` (`client`) makes `count` requests at once; all are answered, now, or by the step `flooded` with this `tag`.
    Flood,
    /// Waits for the end of the flood `tag`; all were answered.
    Flooded,
    /// Waits until `who` (`worker`) has a request with this `data`, or any.
    Seen,
    /// `who` (`worker`) has not got a request with this `data`, or any more, so far.
    Unseen,
    /// Waits until `who` (`worker`) knows that the request it saw last is cancelled.
    Cancelled,
    /// Gives `who` a `line`.
    Tell,
    /// Waits for an `event` of `who` that has not been waited for yet.
    Event,
    /// Waits until the broker's numbers are `are`, and at least `at_least`; then none may be more than `at_most`.
    Statistics,
    /// Starts `who`, again if it has been.
    Start,
    /// Stops `who` in an orderly way.
    Stop,
    /// Kills `who`, as SIGKILL does.
    Kill,
    /// Waits until `who` has ended by itself.
    Ended,
    /// Stops the process of `who`, as SIGSTOP does.
    Freeze,
    /// Lets it go on.
    Thaw,
    /// Changes what the proxy does: `mode` is `pass`, `stall`, `drop` or `delay` (by `ms`).
    Proxy,
    /// Sends `frames` from a peer `who` of the runner's own, so many `times`.
    Send,
    /// Waits until a peer `who` of the runner's own receives a message that begins with `frames`, where null is any.
    Receive,
    /// A peer `who` of the runner's own listens where the broker publishes.
    Subscribe,
    /// Waits until `who`, who listens there, hears that services have `are` many workers; one without any may be left out.
    Published,
    /// Waits until `who`, who listens there, has heard nothing for a while.
    Quiet,
}

/// One thing that happens, with what the action needs. Each has the deadline [`super::steps::PATIENCE`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What happens.
    #[serde(rename = "do")]
    pub action: Action,
    /// Who does it, or whom it is done to.
    pub who: Option<String>,
    /// What steps call a request.
    pub tag: Option<String>,
    /// The service that is asked; `service` if nothing is said.
    pub service: Option<String>,
    /// JSON: the request's data.
    pub data: Option<String>,
    /// Hexadecimal digits in place of data.
    pub bytes: Option<String>,
    /// JSON: the request's options.
    pub opts: Option<String>,
    /// Whether the replies are not read until a step says so.
    #[serde(default)]
    pub hold: bool,
    /// Whether a step cancels it.
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
    /// Expected: the data is the process id of this worker, or of one of these.
    pub by: Option<Vec<String>>,
    /// Expected: the data is a text of so many bytes or an array of so many items.
    pub length: Option<usize>,
    /// Expected: an outcome, be it an error.
    #[serde(default)]
    pub any: bool,
    /// Whether a call is made again until what is expected comes of it: for changes that no event tells of.
    #[serde(default)]
    pub again: bool,
    /// How many requests.
    pub count: Option<u64>,
    /// JSON: a line for a driver.
    pub line: Option<String>,
    /// The name of an event.
    pub event: Option<String>,
    /// JSON: numbers by name.
    pub are: Option<String>,
    /// JSON: numbers by name.
    pub at_least: Option<String>,
    /// JSON: numbers by name.
    pub at_most: Option<String>,
    /// The proxy's mode.
    pub mode: Option<String>,
    /// Milliseconds.
    #[serde(default)]
    pub ms: u64,
    /// JSON: frames, each a text, `{"hex":digits}` or what [`super::value::read`] expands.
    pub frames: Option<String>,
    /// How often; 1 if nothing is said.
    pub times: Option<u64>,
}

impl Step {
    /// Whether what it leaves behind is as it was.
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
                return Err(describe(&path, &format!("there are two scenarios {}", scenario.name)));
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

    /// Whether processes that it leaves behind are as they were, so that the next one may use them.
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
