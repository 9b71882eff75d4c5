//! Starts the members of a bench and runs the waves of requests.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::load::Outcome;
use super::report::{Measured, Wave};
use super::roles::{work, Assignment, Report};
use super::{usage, BenchArguments, Role};
use crate::exit::{Failure, Status};

/// How long a member may take to become ready.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a busy client may be silent. It reports its progress every 100 ms.
const REPORT_TIMEOUT: Duration = Duration::from_secs(20);

/// A wave's number of requests divided by this is the number of uncounted requests before it.
const WARM_UP: u64 = 10;

/// One broker, worker or client, in a thread or a process.
struct Member {
    role: Role,
    reports: Receiver<Report>,
    host: Host,
}

enum Host {
    Thread { rounds: Option<Sender<u64>>, thread: Option<JoinHandle<()>> },
    Process(Child),
}

impl Member {
    fn start(assignment: Assignment, in_process: bool) -> Result<Self, Failure> {
        let role = assignment.role();
        if in_process {
            Self::process(role, &assignment).map_err(Failure::system)
        } else {
            Ok(Self::thread(role, assignment))
        }
    }

    fn thread(role: Role, assignment: Assignment) -> Self {
        let (rounds, next_round) = channel();
        let (sender, reports) = channel();
        let thread = std::thread::spawn(move || {
            // The send fails if the bench has ended.
            work(assignment, next_round.into_iter(), &move |report| drop(sender.send(report)));
        });
        Self { role, reports, host: Host::Thread { rounds: Some(rounds), thread: Some(thread) } }
    }

    fn process(role: Role, assignment: &Assignment) -> std::io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["bench", "--role", role.name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let (sender, reports) = channel();
        let mut member = Self { role, reports, host: Host::Process(child) };
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let invalid = |_| Report::Failed(format!("printed an invalid report: `{line}`"));
                if sender.send(serde_json::from_str(&line).unwrap_or_else(invalid)).is_err() {
                    return;
                }
            }
        });
        member.write_line(&serde_json::to_string(assignment)?)?;
        Ok(member)
    }

    /// Writes to the standard input of a process.
    fn write_line(&mut self, line: &str) -> std::io::Result<()> {
        match &mut self.host {
            Host::Process(child) => {
                let stdin = child.stdin.as_mut().expect("open until the end");
                writeln!(stdin, "{line}").and_then(|()| stdin.flush())
            }
            Host::Thread { .. } => Ok(()),
        }
    }

    /// Starts a round of `requests` requests on a client.
    fn begin(&mut self, requests: u64) -> Result<(), Failure> {
        let is_sent = match &mut self.host {
            Host::Thread { rounds, .. } => rounds.as_ref().is_some_and(|rounds| rounds.send(requests).is_ok()),
            Host::Process(_) => self.write_line(&requests.to_string()).is_ok(),
        };
        is_sent.then_some(()).ok_or_else(|| self.failure("ended unexpectedly"))
    }

    fn next_report(&self, timeout: Duration) -> Result<Report, Failure> {
        match self.reports.recv_timeout(timeout) {
            Ok(Report::Failed(problem)) => Err(self.failure(&problem)),
            Ok(report) => Ok(report),
            Err(_) => Err(self.failure(&format!("no report within {timeout:?}"))),
        }
    }

    /// Waits until the member is ready. Returns the endpoint of a broker.
    fn ready(&self) -> Result<String, Failure> {
        match self.next_report(START_TIMEOUT)? {
            Report::Ready(endpoint) => Ok(endpoint),
            _ => Err(self.failure("sent an unexpected report")),
        }
    }

    fn failure(&self, problem: &str) -> Failure {
        Failure::new(Status::Connection, format!("a {} of the bench failed: {problem}", self.role.name()))
    }

    fn process_id(&self) -> u32 {
        match &self.host {
            Host::Process(child) => child.id(),
            Host::Thread { .. } => std::process::id(),
        }
    }

    fn end(&mut self) {
        match &mut self.host {
            Host::Thread { rounds, thread } => {
                rounds.take();
                if let Some(thread) = thread.take() {
                    // A panic of the thread is printed already.
                    let _ = thread.join();
                }
            }
            Host::Process(child) => {
                drop(child.stdin.take());
                let _ = child.wait();
            }
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Host::Process(child) = &mut self.host {
            // Both fail if the process has ended, which is the normal case.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The members of a bench: brokers first, clients last.
pub(super) struct Fleet {
    members: Vec<Member>,
    has_processes: bool,
}

impl Fleet {
    pub(super) fn start(arguments: &BenchArguments) -> Result<Self, Failure> {
        let start = |assignment| Member::start(assignment, arguments.processes);
        let mut members = Vec::new();
        let mut endpoints = arguments.endpoint.clone();
        let brokers = if endpoints.is_empty() { arguments.brokers } else { 0 };
        for _ in 0..brokers {
            let broker = start(Assignment::Broker)?;
            endpoints.push(broker.ready()?);
            members.push(broker);
        }
        let plan = arguments.plan();
        let mut peers = Vec::new();
        for endpoint in &endpoints {
            for number in 0..arguments.workers as usize {
                let service = plan.services[number % plan.services.len()].clone();
                peers.push(Assignment::Worker { endpoint: endpoint.clone(), service });
            }
        }
        for number in 0..arguments.clients as usize {
            let endpoint = endpoints[number % endpoints.len()].clone();
            peers.push(Assignment::Client { endpoint, plan: plan.clone() });
        }
        let first_peer = members.len();
        for assignment in peers {
            members.push(start(assignment)?);
        }
        for peer in &members[first_peer..] {
            peer.ready()?;
        }
        Ok(Self { members, has_processes: arguments.processes })
    }

    /// Runs all waves.
    pub(super) fn run(&mut self, requests: u64, waves: u32) -> Result<Measured, Failure> {
        let mut measured = Measured::default();
        for number in 1..=waves {
            let bar = progress(requests * self.clients().count() as u64, number, waves);
            self.round(requests.div_ceil(WARM_UP), &ProgressBar::hidden())?;
            let before = self.cpu();
            let outcomes = self.round(requests, &bar)?;
            let after = self.cpu();
            bar.finish_and_clear();
            let spent = after.into_iter().filter_map(|(name, after)| Some((name, after - before.get(name)?)));
            measured.waves.push(Wave::new(&outcomes, spent.collect()));
        }
        let memory = self.groups().into_iter().filter_map(|(name, processes)| {
            let memory: Option<Vec<_>> = processes.into_iter().map(usage::memory).collect();
            Some((name, memory?.into_iter().sum()))
        });
        measured.memory = memory.collect();
        Ok(measured)
    }

    /// The processes whose resources are reported together, by name of the group.
    fn groups(&self) -> BTreeMap<&'static str, Vec<u32>> {
        if !self.has_processes {
            return BTreeMap::from([("all", vec![std::process::id()])]);
        }
        let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for member in &self.members {
            groups.entry(member.role.name()).or_default().push(member.process_id());
        }
        groups
    }

    /// CPU time so far in microseconds, without groups that the system does not report.
    fn cpu(&self) -> BTreeMap<&'static str, f64> {
        let cpu = self.groups().into_iter().filter_map(|(name, processes)| {
            let cpu: Option<Vec<_>> = processes.into_iter().map(usage::cpu_microseconds).collect();
            Some((name, cpu?.into_iter().sum()))
        });
        cpu.collect()
    }

    fn clients(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.role == Role::Client)
    }

    /// Runs `requests` requests on each client, all clients at the same time.
    fn round(&mut self, requests: u64, bar: &ProgressBar) -> Result<Vec<Outcome>, Failure> {
        for client in self.members.iter_mut().filter(|member| member.role == Role::Client) {
            client.begin(requests)?;
        }
        let mut outcomes = Vec::new();
        for client in self.clients() {
            let before = outcomes.len() as u64 * requests;
            outcomes.push(loop {
                match client.next_report(REPORT_TIMEOUT)? {
                    Report::Done(outcome) => break outcome,
                    Report::Ended(ended) => bar.set_position(before + ended),
                    Report::Ready(_) | Report::Failed(_) => {}
                }
            });
        }
        Ok(outcomes)
    }

    /// Stops all members in reverse order, so that clients and workers stop before their broker.
    pub(super) fn stop(mut self) {
        while let Some(mut member) = self.members.pop() {
            member.end();
        }
    }
}

fn progress(length: u64, wave: u32, waves: u32) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(&format!("wave {wave}/{waves} {{wide_bar}} {{pos}}/{{len}} requests"));
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
