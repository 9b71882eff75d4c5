//! `pigato bench`: how many requests, how fast, at what price.
//!
//! Brokers, workers and clients run in this process or each in one of its own, which is this program again with a hidden
//! option. `load` is what a client does, `roles` what a role's process or thread does, `fleet` starts them all and has them run
//! waves of requests, `usage` reads what they take of the machine, `report` tells.

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

/// Requests that a client has under way unless told otherwise.
const IN_FLIGHT: u32 = 100;

const EXAMPLES: &str = "\
Examples:
  pigato bench                                        one broker, worker and client, here
  pigato bench --processes                            each in a process of its own: tells what each costs
  pigato bench --in-flight 1                          latency of one request at a time
  pigato bench --rate 20000 --requests 200000         latency at a load that does not yield
  pigato bench --processes --brokers 2 --workers 4 --clients 4 --services 4 --waves 3 --body 1024
  pigato bench --endpoint tcp://10.0.0.7:55555        against a broker that runs
  pigato bench --endpoint tcp://10.0.0.7:55555 --workers 0 --service echo    and a service that runs

How to read it:
  Without --rate each client keeps as many requests in flight as --in-flight says and makes the next when one is
  answered: what comes out is the most that the system does, and how long a request takes then. Such clients wait with the
  system when it stalls, so that one stall is one slow request. With --rate requests start when they are due, whatever
  became of those before, and latency counts from when they were due: a stall is seen by all that it held up.
  Run both, and more than once: the machine's other work is in each figure.

  A tenth of a wave's requests is made first and not counted. CPU is processor time of all threads a request; in one process
  the roles' cannot be told apart. Memory is what is resident after the last wave, and at the most.

The exit status is 1 if a request failed.";

/// Measure throughput, latency, processor time and memory
///
/// Clients send bytes to services that answer with the same bytes, and measure how long that takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BenchArguments {
    /// Brokers to start; clients and workers are spread over them
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64), conflicts_with = "endpoint")]
    brokers: u32,

    /// Workers to start for each broker; 0: the services are there
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    workers: u32,

    /// Clients
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    clients: u32,

    /// Requests that each client has under way at once [default: 100]
    #[arg(long, value_name = "N", conflicts_with = "rate")]
    in_flight: Option<NonZeroU32>,

    /// Requests a second of all clients together, at even times, however long the answers take
    #[arg(long, value_name = "N")]
    rate: Option<NonZeroU32>,

    /// Requests of each client in each wave
    #[arg(long, value_name = "N", default_value = "100000")]
    requests: NonZeroU64,

    /// How often to do all of it, one after the other
    #[arg(long, value_name = "N", default_value = "1")]
    waves: NonZeroU32,

    /// Bytes of data in each request and reply
    #[arg(long, value_name = "BYTES", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=67_108_864))]
    body: u32,

    /// Names that requests are spread over, each offered by workers of its own
    #[arg(long, value_name = "N", default_value = "1")]
    services: NonZeroU32,

    /// The service's name; of more than one, its beginning
    #[arg(long, value_name = "NAME", default_value = "bench")]
    service: String,

    /// Use this broker, which runs; may be given many times
    #[arg(short, long, value_name = "ENDPOINT")]
    endpoint: Vec<String>,

    /// Milliseconds after which a request without a reply has failed
    #[arg(long, value_name = "MS", default_value = "60000")]
    timeout: NonZeroU64,

    /// Run each broker, worker and client in a process of its own
    #[arg(long)]
    processes: bool,

    /// Print one JSON object
    ///
    /// {"plan":{…},"waves":[{"requestsPerSecond":…,"latencyMicroseconds":{"p50":…,"p99":…},
    /// "cpuMicrosecondsPerRequest":{"broker":…},"failed":{}}],"memoryBytes":{"broker":{"now":…,"most":…}}}
    #[arg(long)]
    json: bool,

    /// What this process is for the one that started it.
    #[arg(long, hide = true)]
    role: Option<Role>,
}

/// What a process of a bench is.
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
    /// What each client does.
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

/// Does not return before it is done: there is nothing else to do meanwhile, and Ctrl-C ends it at once.
pub(crate) fn run(arguments: &BenchArguments) -> Result<Status, Failure> {
    if let Some(role) = arguments.role {
        return roles::run(role).map(|()| Status::Done);
    }
    if arguments.workers > 0 && arguments.workers < arguments.services.get() {
        return Err(Failure::usage(format!(
            "{} services need at least as many workers for each broker",
            arguments.services
        ))
        .hint("Raise --workers."));
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
