//! The processes of a cell: a broker, workers and clients of the cell's languages, and what stands between them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{json, Map, Value};

use super::cell::{Cell, Triple};
use super::drivers::{Drivers, Role};
use super::mutation::{FrameProxy, Mutation};
use super::process::{Log, Process};
use super::proxy::Proxy;
use super::scenario::{Scenario, Spec};

/// How long a process may take to be ready, on a machine that has much to do.
const READY: Duration = Duration::from_secs(30);

/// What a broker, and what a worker or client is told unless the scenario says otherwise. Heartbeats are long enough for
/// a busy machine, pauses short enough for a test; requests have the core's timeout, which Ruby's drop-in client has not.
fn base_conf(role: Role) -> Map<String, Value> {
    let conf = match role {
        Role::Broker => json!({"heartbeat": 1000, "intch": "tcp://127.0.0.1:*"}),
        Role::Worker => json!({"heartbeat": 1000, "reconnect": 100}),
        Role::Client => json!({"heartbeat": 1000, "reconnect": 100, "timeout": 60_000}),
    };
    conf.as_object().cloned().unwrap_or_default()
}

/// Everybody who takes part in a cell. Their process groups end with it.
pub struct Stage<'a> {
    drivers: &'a Drivers,
    triple: Triple,
    log: Log,
    processes: BTreeMap<String, Process>,
    endpoint: String,
    /// Where the broker publishes.
    intch: String,
    proxy: Option<Proxy>,
    mutation: Option<&'a Mutation>,
    /// Between the broker and those of the language that is broken.
    mutating: Option<FrameProxy>,
    context: zmq::Context,
    peers: BTreeMap<String, zmq::Socket>,
}

/// What the broker is called in scenarios and logs.
pub const BROKER: &str = "broker";

impl<'a> Stage<'a> {
    /// Starts the broker and all who are not to come later, and waits until they are ready.
    pub fn open(drivers: &'a Drivers, mutation: Option<&'a Mutation>, cell: &Cell, log: &Log) -> Result<Self, String> {
        let mut stage = Self {
            drivers,
            triple: cell.triple.clone(),
            log: log.clone(),
            processes: BTreeMap::new(),
            endpoint: "tcp://127.0.0.1:*".to_owned(),
            intch: String::new(),
            proxy: None,
            mutation,
            mutating: None,
            context: zmq::Context::new(),
            peers: BTreeMap::new(),
        };
        let scenario = &cell.scenario;
        stage.spawn(scenario, BROKER)?;
        let ready = stage.ready(BROKER)?;
        ready["endpoint"].as_str().ok_or("a broker that is ready has an endpoint")?.clone_into(&mut stage.endpoint);
        ready["intch"].as_str().unwrap_or_default().clone_into(&mut stage.intch);
        if let Some(mutation) = mutation {
            stage.mutating = Some(FrameProxy::start(&stage.endpoint, mutation.kind)?);
        }
        let everybody = || scenario.workers.iter().chain(&scenario.clients);
        if everybody().any(|(_, spec)| spec.proxy) {
            stage.proxy = Some(Proxy::start(&stage.endpoint)?);
        }
        let present: Vec<&String> = everybody().filter(|(_, spec)| !spec.later).map(|(name, _)| name).collect();
        for name in &present {
            stage.spawn(scenario, name)?;
        }
        for name in present {
            stage.ready(name)?;
        }
        Ok(stage)
    }

    /// Starts somebody and waits until they are ready.
    pub fn start(&mut self, scenario: &Scenario, name: &str) -> Result<(), String> {
        self.spawn(scenario, name)?;
        self.ready(name).map(|_| ())
    }

    fn spawn(&mut self, scenario: &Scenario, name: &str) -> Result<(), String> {
        let (role, spec) = cast(scenario, name)?;
        let mut command = self.drivers.command(self.triple.of(role), role)?;
        let endpoint = match &self.proxy {
            Some(proxy) if spec.proxy => proxy.endpoint(),
            _ => self.endpoint_for(role),
        };
        let mut conf = base_conf(role);
        conf.extend(spec.conf.clone());
        command.args(["--endpoint", endpoint, "--conf", &Value::Object(conf).to_string()]);
        if role == Role::Worker {
            command.args(["--service", spec.service.as_deref().unwrap_or("service")]);
            if !spec.quiet {
                command.arg("--verbose");
            }
        }
        let process = Process::start(name, command, &self.log)?;
        self.processes.insert(name.to_owned(), process);
        Ok(())
    }

    /// Where somebody connects to, or listens.
    fn endpoint_for(&self, role: Role) -> &str {
        let is_broken = self.mutation.is_some_and(|mutation| mutation.language == self.triple.of(role));
        match &self.mutating {
            Some(proxy) if is_broken && role != Role::Broker => proxy.endpoint(),
            _ => &self.endpoint,
        }
    }

    fn ready(&mut self, name: &str) -> Result<Value, String> {
        self.process(name)?.take("`ready`", READY, |event| event["event"] == "ready")
    }

    /// Somebody's process.
    pub fn process(&mut self, name: &str) -> Result<&mut Process, String> {
        self.processes.get_mut(name).ok_or_else(|| format!("nobody who runs is called {name}"))
    }

    /// Takes somebody's process away: it has ended, or ends with the result.
    pub fn remove(&mut self, name: &str) -> Result<Process, String> {
        self.processes.remove(name).ok_or_else(|| format!("nobody who runs is called {name}"))
    }

    /// The proxy of those who go through it.
    pub fn proxy(&self) -> Result<&Proxy, String> {
        self.proxy.as_ref().ok_or_else(|| "nobody goes through the proxy".to_owned())
    }

    /// A peer of the runner's own with raw frames, connected to the broker.
    pub fn peer(&mut self, name: &str) -> Result<&zmq::Socket, String> {
        if !self.peers.contains_key(name) {
            let socket = raw_peer(&self.context, name, &self.endpoint).map_err(|error| format!("{name}: {error}"))?;
            self.peers.insert(name.to_owned(), socket);
        }
        Ok(&self.peers[name])
    }

    /// Has a peer of the runner's own listen where the broker publishes.
    pub fn subscribe(&mut self, name: &str) -> Result<(), String> {
        let socket = subscriber(&self.context, &self.intch).map_err(|error| format!("{name}: {error}"))?;
        self.peers.insert(name.to_owned(), socket);
        Ok(())
    }

    /// The languages of the cell.
    #[must_use]
    pub fn triple(&self) -> &Triple {
        &self.triple
    }

    /// Whether the broker tells of its numbers.
    #[must_use]
    pub fn has_statistics(&self) -> bool {
        self.drivers.lacking(&self.triple.broker, Role::Broker, &["v1".to_owned()]).is_none()
    }

    /// What has been said and told.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Forgets what everybody has said, before another scenario.
    pub fn forget(&mut self) {
        self.log.clear();
        self.processes.values_mut().for_each(Process::forget);
    }

    /// Stops everybody in an orderly way; the broker last.
    pub fn close(mut self) -> Result<(), String> {
        let broker = self.processes.remove(BROKER);
        for process in self.processes.values_mut() {
            process.begin_stop();
        }
        for process in self.processes.values_mut() {
            process.end_stop()?;
        }
        broker.map_or(Ok(()), |mut broker| broker.stop())
    }
}

fn cast<'a>(scenario: &'a Scenario, name: &str) -> Result<(Role, &'a Spec), String> {
    if name == BROKER {
        return Ok((Role::Broker, &scenario.broker));
    }
    let worker = scenario.workers.get(name).map(|spec| (Role::Worker, spec));
    let cast = worker.or_else(|| scenario.clients.get(name).map(|spec| (Role::Client, spec)));
    cast.ok_or_else(|| format!("the scenario has nobody called {name}"))
}

fn raw_peer(context: &zmq::Context, name: &str, endpoint: &str) -> Result<zmq::Socket, zmq::Error> {
    let socket = context.socket(zmq::DEALER)?;
    socket.set_linger(0)?;
    socket.set_identity(name.as_bytes())?;
    socket.set_sndtimeo(10_000)?;
    socket.connect(endpoint)?;
    Ok(socket)
}

fn subscriber(context: &zmq::Context, intch: &str) -> Result<zmq::Socket, zmq::Error> {
    let socket = context.socket(zmq::SUB)?;
    socket.set_linger(0)?;
    socket.set_subscribe(b"$dir ")?;
    socket.connect(intch)?;
    Ok(socket)
}
