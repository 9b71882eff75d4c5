//! Measurements that do not compare contenders: one long stream, idle peers, and overload.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::contender::{Command, Programs};
use crate::role::Role;

/// Partial replies of the long stream.
const PARTIALS: usize = 1_000_000;

/// Idle peers, in several processes, because descriptors are limited per process.
const IDLE_PEERS: usize = 10_000;
const IDLE_PROCESSES: usize = 2;

/// How long the broker is observed while its peers are idle: a few heartbeat intervals.
const IDLE_TIME: Duration = Duration::from_secs(10);

/// Maximum number of rounds; each opens 10,000 connections twice.
const IDLE_ROUNDS: u32 = 3;

/// Request limit of the broker under overload.
const MOST_REQUESTS: &str = "2000";

/// Duration of the overload in seconds.
const OVERLOAD_SECONDS: &str = "60";

/// The results; nothing is measured by default.
#[derive(Debug)]
pub(crate) struct Special {
    pub(crate) partials_per_second: Result<f64, String>,
    pub(crate) idle: Result<Idle, String>,
    pub(crate) overload: Result<Overload, String>,
}

impl Default for Special {
    fn default() -> Self {
        let not_yet = || "not measured".to_owned();
        Self { partials_per_second: Err(not_yet()), idle: Err(not_yet()), overload: Err(not_yet()) }
    }
}

#[derive(Debug)]
pub(crate) struct Idle {
    /// Of one core.
    pub(crate) processor_percent: f64,
    /// The same for a minimal program that keeps these peers alive.
    pub(crate) baseline_percent: f64,
    pub(crate) bytes_per_peer: f64,
}

#[derive(Debug)]
pub(crate) struct Overload {
    pub(crate) capacity_per_second: f64,
    pub(crate) rate_per_second: f64,
    pub(crate) answered: f64,
    /// With `B_QUEUE_FULL`.
    pub(crate) refused: f64,
    /// With any other error.
    pub(crate) failed: f64,
    pub(crate) p99_milliseconds: f64,
    pub(crate) recovered_after_milliseconds: f64,
}

impl Special {
    /// A failed measurement does not prevent the others.
    pub(crate) fn measure(programs: &Programs, rounds: u32, scale: f64) -> Self {
        Self {
            partials_per_second: partials_per_second(programs, rounds, scale),
            idle: idle(programs, rounds.min(IDLE_ROUNDS)),
            overload: overload(programs),
        }
    }

    /// The failed measurements.
    pub(crate) fn failed(&self) -> Vec<String> {
        let failed = [
            ("the stream", self.partials_per_second.is_err()),
            ("idle peers", self.idle.is_err()),
            ("overload", self.overload.is_err()),
        ];
        failed.into_iter().filter(|(_, has_failed)| *has_failed).map(|(what, _)| what.to_owned()).collect()
    }

    /// The lines of the document.
    pub(crate) fn lines(&self) -> [(&'static str, String); 3] {
        let shown = |figures: Result<String, &String>| figures.unwrap_or_else(|problem| format!("failed: {problem}"));
        [
            (
                "one stream of partial replies of 5 bytes",
                shown(self.partials_per_second.as_ref().map(|partials| format!("{partials:.0}/s"))),
            ),
            ("peers that only send heartbeats, half of them workers", shown(self.idle.as_ref().map(Idle::text))),
            ("a worker under twice its capacity", shown(self.overload.as_ref().map(Overload::text))),
        ]
    }
}

impl Idle {
    fn text(&self) -> String {
        format!(
            "{IDLE_PEERS}: {:.1} % of one core for the broker, {:.1} KiB of its memory per peer; {:.1} % for a \
             program that only reads, writes and waits",
            self.processor_percent,
            self.bytes_per_peer / 1024.0,
            self.baseline_percent
        )
    }
}

impl Overload {
    fn text(&self) -> String {
        format!(
            "capacity {:.0}/s, load {:.0}/s for {OVERLOAD_SECONDS} s, request limit of the broker \
             {MOST_REQUESTS}: {:.0} answered (p99 {:.0} ms), {:.0} refused with `B_QUEUE_FULL`, {:.0} failed \
             otherwise; normal latency again {:.0} ms after the last request",
            self.capacity_per_second,
            self.rate_per_second,
            self.answered,
            self.p99_milliseconds,
            self.refused,
            self.failed,
            self.recovered_after_milliseconds
        )
    }
}

fn partials_per_second(programs: &Programs, rounds: u32, scale: f64) -> Result<f64, String> {
    let partials = ((PARTIALS as f64 * scale) as usize).max(100).to_string();
    let mut rates = Vec::new();
    for round in 1..=rounds {
        eprintln!("a stream of {partials} partial replies, round {round} of {rounds}");
        let broker = Role::start(&programs.broker(&[]), &[])?;
        let endpoint = broker.line()?;
        let worker = Role::start(&programs.role(&["streamer"]), std::slice::from_ref(&endpoint))?;
        worker.line()?;
        let client = Role::start(&programs.role(&["reader"]), &[endpoint, partials.clone()])?;
        rates.push(number(&result(&client)?, "requests_per_second")?);
    }
    Ok(median(rates))
}

fn idle(programs: &Programs, rounds: u32) -> Result<Idle, String> {
    let [mut own, mut least, mut bytes] = [const { Vec::new() }; 3];
    for round in 1..=rounds {
        eprintln!("{IDLE_PEERS} peers that do nothing, round {round} of {rounds}");
        least.push(idle_once(programs, &programs.role(&["idle-floor-broker"]))?.0);
        let (percent, bytes_per_peer) = idle_once(programs, &programs.broker(&[]))?;
        own.push(percent);
        bytes.push(bytes_per_peer);
    }
    let [processor_percent, baseline_percent, bytes_per_peer] = [own, least, bytes].map(median);
    Ok(Idle { processor_percent, baseline_percent, bytes_per_peer })
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Percent of one core that the broker uses, and bytes per peer.
fn idle_once(programs: &Programs, broker: &Command) -> Result<(f64, f64), String> {
    with_idle_peers(programs, broker, |broker, bytes_alone| {
        let bytes_per_peer = (broker.memory_bytes()? - bytes_alone) / IDLE_PEERS as f64;
        let (before, started) = (broker.cpu_microseconds()?, Instant::now());
        std::thread::sleep(IDLE_TIME);
        let percent = (broker.cpu_microseconds()? - before) / started.elapsed().as_micros() as f64 * 100.0;
        Ok((percent, bytes_per_peer))
    })
}

/// Calls `look` with a broker that has only idle peers, and with the memory that it used without
/// them.
pub(crate) fn with_idle_peers<T>(
    programs: &Programs,
    broker: &Command,
    look: impl FnOnce(&Role, f64) -> Result<T, String>,
) -> Result<T, String> {
    let broker = Role::start(broker, &[])?;
    let endpoint = broker.line()?;
    let alone = broker.memory_bytes()?;
    let peers = (IDLE_PEERS / IDLE_PROCESSES).to_string();
    let mut processes = Vec::new();
    for _ in 0..IDLE_PROCESSES {
        let process = Role::start(&programs.role(&["idle"]), &[endpoint.clone(), peers.clone()])?;
        process.line()?;
        processes.push(process);
    }
    look(&broker, alone)
}

/// Number of heartbeats that the idle peers send in this time.
pub(crate) fn heartbeats_in(time: Duration) -> f64 {
    IDLE_PEERS as f64 * time.as_secs_f64() / pigato_proto::config::defaults::HEARTBEAT.as_secs_f64()
}

fn overload(programs: &Programs) -> Result<Overload, String> {
    eprintln!("twice the capacity, for {OVERLOAD_SECONDS} s");
    let broker = Role::start(&programs.broker(&[MOST_REQUESTS]), &[])?;
    let endpoint = broker.line()?;
    let worker = Role::start(&programs.role(&["slow-worker"]), std::slice::from_ref(&endpoint))?;
    worker.line()?;
    let client = Role::start(&programs.role(&["overload"]), &[endpoint, OVERLOAD_SECONDS.to_owned()])?;
    let result = result(&client)?;
    Ok(Overload {
        capacity_per_second: number(&result, "requests_per_second")?,
        rate_per_second: number(&result, "rate")?,
        answered: number(&result, "answered")?,
        refused: number(&result, "refused")?,
        failed: number(&result, "others")?,
        p99_milliseconds: number(&result, "p99_microseconds")? / 1e3,
        recovered_after_milliseconds: number(&result, "recovered_after_milliseconds")?,
    })
}

fn result(role: &Role) -> Result<Value, String> {
    let line = role.line()?;
    serde_json::from_str(&line).map_err(|_| format!("no figures: {line}"))
}

fn number(result: &Value, name: &str) -> Result<f64, String> {
    result[name].as_f64().ok_or_else(|| format!("no {name} in {result}"))
}
