//! `pigato bench`: measures throughput, latency, CPU time and memory.
//!
//! Brokers, workers and clients ("members") run as threads of this process, or each in a separate
//! process, which is this program started with a hidden option. `load` generates a client's
//! requests, `roles` runs one member, `fleet` starts all members and runs waves of requests,
//! `usage` reads CPU time and memory, `report` formats the results.

mod fleet;
mod load;
mod report;
mod roles;
mod usage;

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::exit::{Failure, Status};
use fleet::Fleet;
use load::{Pace, Plan};

/// Default number of concurrent requests per client.
const IN_FLIGHT: u32 = 100;

const EXAMPLES: &str = "\
Examples:
  pigato bench                                  1 broker, 1 worker, 1 client, locally
  pigato bench --processes                      separate processes: resources per role
  pigato bench --in-flight 1                    latency without concurrent requests
  pigato bench --rate 20000 --requests 200000   latency at a constant rate
  pigato bench --endpoint tcp://10.0.0.7:55555  against a running broker
  pigato bench --endpoint tcp://10.0.0.7:55555 --workers 0 --service echo
                                                against a running broker and service
  pigato bench --processes --brokers 2 --workers 4 --clients 4 --services 4 --waves 3 --body 1024

Closed loop (default): each client keeps --in-flight requests in flight and sends the next one when \
one is answered. This measures the maximum throughput, and the latency at that load. When the system \
stalls, the clients stall too, so a stall appears as only a few slow requests.

Open loop (--rate): requests are sent at fixed times, whether or not earlier ones are answered. \
Latency counts from the scheduled time, so a stall raises the latency of every request that it delays.

Run both, and more than once: other programs on the machine affect the results.

Results: a warm-up of 10 % of a wave's requests runs before each wave and is not counted. Latencies \
are in microseconds. CPU is the CPU time of all threads divided by the requests; in one process it \
cannot be attributed to roles. Memory is the resident memory after the last wave and its peak.

Exit status: 0 all requests succeeded, 1 a request failed, 2 wrong usage, 5 any other error.";

/// Measure throughput, latency, CPU time and memory
///
/// Clients send requests to services that reply with the same bytes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BenchArguments {
    /// Number of brokers to start; clients and workers are distributed over them
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64), conflicts_with = "endpoint")]
    brokers: u32,

    /// Number of workers to start per broker; 0 uses services that already run
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    workers: u32,

    /// Number of clients
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    clients: u32,

    /// Concurrent requests per client [default: 100]
    #[arg(long, value_name = "N", conflicts_with = "rate")]
    in_flight: Option<NonZeroU32>,

    /// Send this many requests per second, all clients together, evenly spaced
    #[arg(long, value_name = "N")]
    rate: Option<NonZeroU32>,

    /// Requests per client and wave
    #[arg(long, value_name = "N", default_value = "100000")]
    requests: NonZeroU64,

    /// Number of waves, which run one after another
    #[arg(long, value_name = "N", default_value = "1")]
    waves: NonZeroU32,

    /// Size of the data of each request and reply in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=67_108_864))]
    body: u32,

    /// Number of services to distribute the requests over; needs at least as many --workers
    #[arg(long, value_name = "N", default_value = "1")]
    services: NonZeroU32,

    /// Service name; with several services the names are NAME-1, NAME-2, …
    #[arg(long, value_name = "NAME", default_value = "bench")]
    service: String,

    /// Use this running broker instead of starting one; may be repeated
    #[arg(short, long, value_name = "ENDPOINT")]
    endpoint: Vec<String>,

    /// Milliseconds without a reply after which a request fails
    #[arg(long, value_name = "MS", default_value = "60000")]
    timeout: NonZeroU64,

    /// Run each broker, worker and client in a separate process
    #[arg(long)]
    processes: bool,

    /// Print the results as one JSON object
    ///
    /// {"plan":{…},"waves":[{"requestsPerSecond":…,"latencyMicroseconds":{"p50":…,"p99":…},
    /// "cpuMicrosecondsPerRequest":{"broker":…},"failed":{}}],"memoryBytes":{"broker":{"now":…,"most":…}}}
    #[arg(long)]
    json: bool,

    /// The role of this process, set by the bench that starts it.
    #[arg(long, hide = true)]
    role: Option<Role>,
}

/// The role of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Role {
    Broker,
    Worker,
    Client,
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::Worker => "worker",
            Self::Client => "client",
        }
    }
}

impl BenchArguments {
    /// The load that each client generates.
    fn plan(&self) -> Plan {
        let pace = match self.rate {
            Some(rate) => Pace::Rate(f64::from(rate.get()) / f64::from(self.clients)),
            None => Pace::InFlight(self.in_flight.map_or(IN_FLIGHT, NonZeroU32::get)),
        };
        Plan {
            pace,
            body_bytes: self.body as usize,
            timeout: Duration::from_millis(self.timeout.get()),
            services: self.service_names(),
        }
    }

    fn service_names(&self) -> Vec<String> {
        match self.services.get() {
            1 => vec![self.service.clone()],
            many => (1..=many).map(|number| format!("{}-{number}", self.service)).collect(),
        }
    }
}

/// Runs the bench. Blocks until it is complete; signals keep their default action, so Ctrl-C ends
/// it immediately.
pub(crate) fn run(arguments: &BenchArguments) -> Result<Status, Failure> {
    if let Some(role) = arguments.role {
        return roles::run(role).map(|()| Status::Done);
    }
    if arguments.workers > 0 && arguments.workers < arguments.services.get() {
        return Err(Failure::usage(format!(
            "{} services need at least {} workers per broker",
            arguments.services, arguments.services
        ))
        .hint("Raise --workers or lower --services."));
    }
    let mut fleet = Fleet::start(arguments)?;
    let result = fleet.run(arguments.requests.get(), arguments.waves.get())?;
    let text = if arguments.json { result.json(arguments) } else { result.text(arguments) };
    let has_failed = result.has_failed();
    fleet.stop();
    if let Err(error) = crate::output::line(&text) {
        return error.outcome();
    }
    Ok(if has_failed { Status::Failed } else { Status::Done })
}
