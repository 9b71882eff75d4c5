//! The processes of a cell: a broker, workers and clients in the cell's languages, and the proxies
//! between them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{json, Map, Value};

use super::cell::{Cell, Triple};
use super::drivers::{Drivers, Role};
use super::mutation::{FrameProxy, Mutation};
use super::process::{Log, Process};
use super::proxy::Proxy;
use super::scenario::{Scenario, Spec};

/// How long a process may take to become ready on a busy machine.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// The common options of a role, which a scenario can override. Heartbeats are long enough for a
/// busy machine, reconnect intervals short enough for a test. Clients set the core's timeout,
/// because Ruby's drop-in client has another default.
fn base_conf(role: Role) -> Map<String, Value> {
    let conf = match role {
        Role::Broker => json!({"heartbeat": 1000, "intch": "tcp://127.0.0.1:*"}),
        Role::Worker => json!({"heartbeat": 1000, "reconnect": 100}),
        Role::Client => json!({"heartbeat": 1000, "reconnect": 100, "timeout": 60_000}),
    };
    conf.as_object().cloned().unwrap_or_default()
}

/// The processes of a cell. Dropping it kills their process groups.
pub struct Stage<'a> {
    drivers: &'a Drivers,
    triple: Triple,
    log: Log,
    processes: BTreeMap<String, Process>,
    endpoint: String,
    /// The endpoint of the broker's publications.
    intch: String,
    proxy: Option<Proxy>,
    mutation: Option<&'a Mutation>,
    /// The proxy of the language that is broken on purpose.
    mutating: Option<FrameProxy>,
    context: zmq::Context,
    peers: BTreeMap<String, zmq::Socket>,
}

/// The name of the broker in scenarios and logs.
pub const BROKER: &str = "broker";

impl<'a> Stage<'a> {
    /// Starts the broker and all peers without `later`, and waits until they are ready.
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
        ready["endpoint"].as_str().ok_or("the `ready` event has no endpoint")?.clone_into(&mut stage.endpoint);
        ready["intch"].as_str().unwrap_or_default().clone_into(&mut stage.intch);
        if let Some(mutation) = mutation {
            stage.mutating = Some(FrameProxy::start(&stage.endpoint, mutation.kind)?);
        }
        let all_peers = || scenario.workers.iter().chain(&scenario.clients);
        if all_peers().any(|(_, spec)| spec.proxy) {
            stage.proxy = Some(Proxy::start(&stage.endpoint)?);
        }
        let present: Vec<&String> = all_peers().filter(|(_, spec)| !spec.later).map(|(name, _)| name).collect();
        for name in &present {
            stage.spawn(scenario, name)?;
        }
        for name in present {
            stage.ready(name)?;
        }
        Ok(stage)
    }

    /// Starts a process and waits until it is ready.
    pub fn start(&mut self, scenario: &Scenario, name: &str) -> Result<(), String> {
        self.spawn(scenario, name)?;
        self.ready(name).map(|_| ())
    }

    fn spawn(&mut self, scenario: &Scenario, name: &str) -> Result<(), String> {
        let (role, spec) = role_of(scenario, name)?;
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

    /// The endpoint that a role uses.
    fn endpoint_for(&self, role: Role) -> &str {
        let is_broken = self.mutation.is_some_and(|mutation| mutation.language == self.triple.of(role));
        match &self.mutating {
            Some(proxy) if is_broken && role != Role::Broker => proxy.endpoint(),
            _ => &self.endpoint,
        }
    }

    fn ready(&mut self, name: &str) -> Result<Value, String> {
        self.process(name)?.take("`ready`", READY_TIMEOUT, |event| event["event"] == "ready")
    }

    /// The process with this name.
    pub fn process(&mut self, name: &str) -> Result<&mut Process, String> {
        self.processes.get_mut(name).ok_or_else(|| format!("no running process is called {name}"))
    }

    /// Removes a process from the stage. Dropping the result kills it.
    pub fn remove(&mut self, name: &str) -> Result<Process, String> {
        self.processes.remove(name).ok_or_else(|| format!("no running process is called {name}"))
    }

    /// The proxy that injects faults.
    pub fn proxy(&self) -> Result<&Proxy, String> {
        self.proxy.as_ref().ok_or_else(|| "no peer has `proxy = true`".to_owned())
    }

    /// A raw socket of the runner, connected to the broker under this name.
    pub fn peer(&mut self, name: &str) -> Result<&zmq::Socket, String> {
        if !self.peers.contains_key(name) {
            let socket = raw_peer(&self.context, name, &self.endpoint).map_err(|error| format!("{name}: {error}"))?;
            self.peers.insert(name.to_owned(), socket);
        }
        Ok(&self.peers[name])
    }

    /// Subscribes to the broker's publications under this name.
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

    /// Whether the broker has statistics.
    #[must_use]
    pub fn has_statistics(&self) -> bool {
        self.drivers.lacking(&self.triple.broker, Role::Broker, &["v1".to_owned()]).is_none()
    }

    /// The log of the cell.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Drops all events and clears the log before another scenario.
    pub fn forget(&mut self) {
        self.log.clear();
        self.processes.values_mut().for_each(Process::forget);
    }

    /// Stops all processes, the broker last.
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

fn role_of<'a>(scenario: &'a Scenario, name: &str) -> Result<(Role, &'a Spec), String> {
    if name == BROKER {
        return Ok((Role::Broker, &scenario.broker));
    }
    let worker = scenario.workers.get(name).map(|spec| (Role::Worker, spec));
    let found = worker.or_else(|| scenario.clients.get(name).map(|spec| (Role::Client, spec)));
    found.ok_or_else(|| format!("the scenario has no peer called {name}"))
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
