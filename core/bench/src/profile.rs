//! Profiles processor time with `perf`: by thread and by the owner of the code.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;
use tempfile::TempPath;

use crate::contender::{name, Contender, Programs};
use crate::measure::{Load, Running};
use crate::role::Role;
use crate::special;

/// A few seconds at the window of most targets.
pub(crate) const LOAD: Load = Load { requests: 400_000, window: 100, body_bytes: 5 };

/// Samples per second and processor. Not a divisor of common timer rates.
const SAMPLES_PER_SECOND: &str = "1999";

/// Time limit for the start and the end of `perf`.
const PERF_TIMEOUT: Duration = Duration::from_secs(10);

/// Seconds that `perf` may take to evaluate its recording.
const REPORT_SECONDS: &str = "120";

/// How long idle peers are observed: a few heartbeat intervals.
const IDLE_TIME: Duration = Duration::from_secs(10);

/// The profiled roles: for each contender the role that its targets are about. `perf` sees only
/// threads that exist when it starts, so clients that start their own threads later are not
/// profiled.
const SUBJECTS: [(&str, Part); 8] = [
    (name::BASELINE, Part::Broker),
    (name::BROKER, Part::Broker),
    (name::BASELINE, Part::Worker),
    (name::RUST, Part::Worker),
    (name::GO, Part::Worker),
    (name::BASELINE, Part::Client),
    (name::RUST, Part::Client),
    (name::GO, Part::Client),
];

/// A role of a contender.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Broker,
    Worker,
    Client,
}

impl Part {
    fn of(self, running: &Running) -> &Role {
        match self {
            Self::Broker => &running.broker,
            Self::Worker => &running.worker,
            Self::Client => &running.client,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::Worker => "worker",
            Self::Client => "client",
        }
    }
}

/// The owner of the running code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    Kernel,
    Libzmq,
    /// Allocation, copying and comparison, in any caller.
    CLibrary,
    /// Our code, or the language's.
    Program,
}

impl Owner {
    pub(crate) const ALL: [(Self, &'static str); 4] = [
        (Self::Kernel, "kernel"),
        (Self::Libzmq, "libzmq"),
        (Self::CLibrary, "C library"),
        (Self::Program, "the program"),
    ];

    fn of(object: &str, symbol: &str) -> Self {
        if symbol.starts_with("[k]") {
            Self::Kernel
        } else if object.starts_with("libc.") || object.starts_with("libc-") {
            Self::CLibrary
        } else if symbol.contains("zmq::") || symbol.contains(" zmq_") {
            Self::Libzmq
        } else {
            Self::Program
        }
    }
}

/// The processor time of a thread, or of all threads of a kind, per request, in microseconds.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) thread: &'static str,
    pub(crate) microseconds: BTreeMap<Owner, f64>,
}

/// The profiled roles, each with its rows or its failure.
pub(crate) fn measure(programs: &Programs) -> Vec<(String, Result<Vec<Row>, String>)> {
    let contenders = programs.contenders();
    let mut profiles = Vec::new();
    for (name, part) in SUBJECTS {
        let Some(contender) = contenders.iter().find(|contender| contender.name == name) else { continue };
        let what = format!("{name}, {}", part.name());
        eprintln!("profiling: {what}");
        profiles.push((what, of_role(contender, part)));
    }
    let what = "10,000 idle peers, broker, for each heartbeat".to_owned();
    eprintln!("profiling: {what}");
    profiles.push((what, of_idle_peers(programs)));
    profiles
}

/// Measures in two runs: the first, without `perf` and its overhead, yields the total; the second
/// yields the shares.
fn of_role(contender: &Contender, part: Part) -> Result<Vec<Row>, String> {
    const ALL_REQUESTS: f64 = 1.0;
    let alone = Running::start(contender, LOAD, ALL_REQUESTS)?;
    let before = match part {
        Part::Broker => alone.broker_cpu_before,
        Part::Worker => alone.worker_cpu_before,
        Part::Client => 0.0,
    };
    alone.client.line()?;
    let microseconds = (part.of(&alone).cpu_microseconds()? - before) / alone.all_requests;
    drop(alone);
    let running = Running::start(contender, LOAD, ALL_REQUESTS)?;
    let recording = Recording::start(part.of(&running))?;
    running.client.line()?;
    Ok(recording.stop()?.rows(microseconds))
}

fn of_idle_peers(programs: &Programs) -> Result<Vec<Row>, String> {
    special::with_idle_peers(programs, &programs.broker(&[]), |broker, _| {
        let (before, started) = (broker.cpu_microseconds()?, Instant::now());
        std::thread::sleep(IDLE_TIME);
        let heartbeats = special::heartbeats_in(started.elapsed());
        let microseconds = (broker.cpu_microseconds()? - before) / heartbeats;
        let recording = Recording::start(broker)?;
        std::thread::sleep(IDLE_TIME);
        Ok(recording.stop()?.rows(microseconds))
    })
}

/// A running `perf`.
struct Recording {
    perf: Child,
    file: TempPath,
}

impl Recording {
    fn start(role: &Role) -> Result<Self, String> {
        let problem = |error: std::io::Error| format!("perf: {error}");
        let file = tempfile::Builder::new().prefix("pigato-perf-").tempfile().map_err(problem)?.into_temp_path();
        let perf = perf(&["record", "--event", "cpu-clock", "--freq", SAMPLES_PER_SECOND, "--pid"], &file)
            .arg(role.id().to_string())
            .spawn()
            .map_err(problem)?;
        let mut recording = Self { perf, file };
        recording.wait_until_begun()?;
        Ok(recording)
    }

    /// `perf` writes the header of its file just before it starts.
    fn wait_until_begun(&mut self) -> Result<(), String> {
        let until = Instant::now() + PERF_TIMEOUT;
        while std::fs::metadata(&self.file).map_or(0, |file| file.len()) == 0 {
            let ended = self.perf.try_wait().map_err(|error| format!("perf: {error}"))?;
            if ended.is_some() || Instant::now() > until {
                return Err("perf does not record; run `perf record -e cpu-clock -- true` to see why".to_owned());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn wait_until_ended(&mut self) -> Result<(), String> {
        let until = Instant::now() + PERF_TIMEOUT;
        while self.perf.try_wait().map_err(|error| format!("perf: {error}"))?.is_none() {
            if Instant::now() > until {
                return Err("perf does not end".to_owned());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn stop(mut self) -> Result<Shares, String> {
        // Fails only if the process has already ended; the recording is complete then.
        let _ = kill(Pid::from_raw(self.perf.id() as i32), Signal::SIGINT);
        self.wait_until_ended()?;
        let fields = ["report", "--stdio", "--quiet", "--fields", "overhead,comm,dso,sym", "--field-separator", ";"];
        let output =
            perf(&fields, &self.file).stdout(Stdio::piped()).output().map_err(|error| format!("perf: {error}"))?;
        Shares::parse(&String::from_utf8_lossy(&output.stdout))
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // Both fail only if the process has already ended.
        let _ = self.perf.kill();
        let _ = self.perf.wait();
    }
}

/// `perf`, without output, with a file that `record` writes and `report` reads.
fn perf(arguments: &[&str], file: &Path) -> Command {
    let (mut command, direction) = if arguments[0] == "record" {
        (Command::new("perf"), "--output")
    } else {
        let mut bounded = Command::new("timeout");
        bounded.args([REPORT_SECONDS, "perf"]);
        (bounded, "--input")
    };
    // The process id follows as the last argument, so the file comes first.
    command.arg(arguments[0]).arg(direction).arg(file).args(&arguments[1..]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Percentages.
#[derive(Debug, Default, PartialEq)]
struct Shares(BTreeMap<(&'static str, Owner), f64>);

impl Shares {
    fn parse(report: &str) -> Result<Self, String> {
        let mut shares = Self::default();
        for line in report.lines().filter(|line| !line.trim().is_empty()) {
            let fields: Vec<&str> = line.splitn(4, ';').map(str::trim).collect();
            let [percent, thread, object, symbol] = fields[..] else { return Err(format!("perf report: {line}")) };
            let percent: f64 = percent.trim_end_matches('%').parse().map_err(|_| format!("perf report: {line}"))?;
            *shares.0.entry((thread_of(thread), Owner::of(object, symbol))).or_default() += percent;
        }
        if shares.0.is_empty() {
            return Err("perf recorded no samples".to_owned());
        }
        if !shares.0.keys().any(|(_, owner)| *owner == Owner::Kernel) {
            return Err("perf has no access to the kernel; set kernel.perf_event_paranoid to 1, or be root".to_owned());
        }
        Ok(shares)
    }

    /// Applies the shares to a total, thread by thread; leaves out negligible ones.
    fn rows(&self, microseconds: f64) -> Vec<Row> {
        const LEAST_PERCENT: f64 = 1.0;
        let mut threads: BTreeMap<&'static str, BTreeMap<Owner, f64>> = BTreeMap::new();
        for ((thread, owner), percent) in &self.0 {
            threads.entry(thread).or_default().insert(*owner, percent / 100.0 * microseconds);
        }
        let is_noticed = |row: &Row| row.microseconds.values().sum::<f64>() >= microseconds * LEAST_PERCENT / 100.0;
        let rows = threads.into_iter().map(|(thread, microseconds)| Row { thread, microseconds });
        rows.filter(is_noticed).collect()
    }
}

fn thread_of(name: &str) -> &'static str {
    match name {
        "pigato-io" => "our I/O thread",
        _ if name.starts_with("ZMQbg/") => "libzmq's I/O thread",
        _ => "the program's own",
    }
}

#[cfg(test)]
mod tests {
    use super::{Owner, Shares};

    #[test]
    fn a_report_is_summed_by_thread_and_owner() {
        let report = "\
 50.00%  ;ZMQbg/IO/0;[kernel.kallsyms] ;[k] tcp_sendmsg
 20.00%  ;ZMQbg/IO/0;floor ;[.] zmq::msg_t::close
 10.00%  ;pigato-io ;libc.so.6        ;[.] malloc
 10.00%  ;pigato-io ;floor            ;[.] zmq_send
  9.50%  ;pigato-io ;floor            ;[.] pigato::broker::Machine::handle_message
  0.50%  ;floor     ;floor            ;[.] main
";
        let shares = Shares::parse(report).unwrap();
        let rows = shares.rows(10.0);
        let shown: Vec<_> = rows.iter().map(|row| (row.thread, row.microseconds.clone())).collect();
        assert_eq!(
            shown,
            [
                ("libzmq's I/O thread", [(Owner::Kernel, 5.0), (Owner::Libzmq, 2.0)].into()),
                ("our I/O thread", [(Owner::Libzmq, 1.0), (Owner::CLibrary, 1.0), (Owner::Program, 0.95)].into()),
            ]
        );
        let without_kernel = report.lines().skip(1).collect::<Vec<_>>().join("\n");
        assert!(["", "what?", &without_kernel].into_iter().all(|report| Shares::parse(report).is_err()));
    }
}
