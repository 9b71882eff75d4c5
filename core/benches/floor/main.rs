//! The cost of a request relative to the cost of libzmq itself.
//!
//! The *baseline* (`floor`) is a forwarder with no state except the list of its workers, a worker
//! that echoes and a client that keeps a window of requests in flight, all with the exact frames of
//! the protocol. No broker over libzmq can be much cheaper, so the figures of the real broker,
//! worker and client are ratios to the baseline, measured in turn on the same machine.
//!
//! `cargo bench --bench floor` measures everything; `-- --help` lists the options. Each role runs
//! in its own process: this program, with the role as its first argument.

mod floor;
mod idle;
mod measure;
mod ours;
mod overload;
mod report;
mod stream;

use std::time::Duration;

/// How a contender's roles run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    /// Only libzmq.
    Floor,
    /// The baseline's client and worker with the real broker.
    Broker,
    /// Only real roles.
    Pigato,
}

impl Contender {
    pub(crate) const ALL: [Self; 3] = [Self::Floor, Self::Broker, Self::Pigato];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Broker => "our broker",
            Self::Pigato => "all ours",
        }
    }

    /// The role programs: broker, worker, client.
    pub(crate) fn roles(self) -> [&'static str; 3] {
        match self {
            Self::Floor => ["floor-broker", "floor-worker", "floor-client"],
            Self::Broker => ["broker", "floor-worker", "floor-client"],
            Self::Pigato => ["broker", "worker", "client"],
        }
    }
}

/// The load of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) requests: usize,
    pub(crate) window: usize,
    pub(crate) body_bytes: usize,
}

/// Ends a role's process even if the process that started it fails.
const ROLE_LIFETIME: Duration = Duration::from_secs(120);

const HELP: &str = "\
Measures requests per second, latency and the broker's CPU time per request relative to libzmq itself.

  cargo bench --bench floor -- [--rounds N] [--scale F] [--json]

  --rounds N  runs of each contender in turn, medians are reported (5)
  --scale F   factor for the number of requests (1.0)
  --json      one JSON object instead of a table
";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if words.first().is_some_and(|word| !word.starts_with('-')) {
        std::thread::spawn(|| {
            std::thread::sleep(ROLE_LIFETIME);
            std::process::exit(3);
        });
    }
    idle::allow_descriptors();
    match words.as_slice() {
        ["floor-broker"] => floor::broker(),
        ["floor-worker", endpoint] => floor::worker(endpoint),
        ["floor-client", endpoint, load @ ..] => floor::client(endpoint, parse_load(load)),
        ["broker"] => ours::broker(None),
        ["broker", most_requests] => ours::broker(Some(most_requests.parse().expect("MOST_REQUESTS"))),
        ["worker", endpoint] => ours::worker(endpoint),
        ["client", endpoint, load @ ..] => ours::client(endpoint, parse_load(load)),
        ["streamer", endpoint] => stream::worker(endpoint),
        ["reader", endpoint, partials] => stream::client(endpoint, partials.parse().expect("PARTIALS")),
        ["slow-worker", endpoint] => overload::worker(endpoint),
        ["overload", endpoint, seconds] => overload::client(endpoint, seconds.parse().expect("SECONDS")),
        ["idle-floor-broker"] => idle::broker(),
        ["idle", endpoint, peers] => idle::peers(endpoint, peers.parse().expect("PEERS")),
        options => run(options),
    }
}

fn parse_load(words: &[&str]) -> Load {
    let number = |at: usize| words.get(at).and_then(|word| word.parse().ok()).expect("REQUESTS WINDOW BODY_BYTES");
    Load { requests: number(0), window: number(1), body_bytes: number(2) }
}

fn run(options: &[&str]) {
    let value_of = |name: &str| {
        let at = options.iter().position(|option| *option == name)?;
        options.get(at + 1).copied()
    };
    if options.contains(&"--help") {
        return print!("{HELP}");
    }
    let rounds = value_of("--rounds").map_or(5, |text| text.parse().expect("--rounds takes a number"));
    let scale: f64 = value_of("--scale").map_or(1.0, |text| text.parse().expect("--scale takes a number"));
    let loads = [(20_000, 1, 5), (200_000, 100, 5), (200_000, 1_000, 5), (20_000, 16, 65_536)].map(
        |(requests, window, body_bytes)| Load {
            requests: ((requests as f64 * scale) as usize).max(window * 2),
            window,
            body_bytes,
        },
    );
    let results: Vec<_> = loads.into_iter().map(|load| (load, measure::compare(load, rounds))).collect();
    if options.contains(&"--json") {
        report::print_json(&results);
    } else {
        report::print_table(&results);
    }
}
