//! All roles of a bench, started and told what to do.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::load::Outcome;
use super::report::{Measured, Wave};
use super::roles::{work, Assignment, News};
use super::{usage, BenchArguments, Role};
use crate::exit::{Failure, Status};

/// How long a role may take to be there.
const STARTING: Duration = Duration::from_secs(20);

/// How long nothing may be heard of a client that has requests under way: it tells each tenth of a second how far it is.
const SILENCE: Duration = Duration::from_secs(20);

/// 1/n of a wave's requests are made before it and not counted.
const WARM_UP: u64 = 10;

/// One role, wherever it runs.
struct Member {
    role: Role,
    news: Receiver<News>,
    body: Body,
}

enum Body {
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
        let (rounds, of_rounds) = channel();
        let (tell, news) = channel();
        let thread = std::thread::spawn(move || {
            // Fails if the bench is over.
            work(assignment, of_rounds.into_iter(), &move |news| drop(tell.send(news)));
        });
        Self { role, news, body: Body::Thread { rounds: Some(rounds), thread: Some(thread) } }
    }

    fn process(role: Role, assignment: &Assignment) -> std::io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["bench", "--role", role.name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let (tell, news) = channel();
        let mut member = Self { role, news, body: Body::Process(child) };
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let news = serde_json::from_str(&line).unwrap_or_else(|_| News::Failed(format!("said `{line}`")));
                if tell.send(news).is_err() {
                    return;
                }
            }
        });
        member.say(&serde_json::to_string(assignment)?)?;
        Ok(member)
    }

    fn say(&mut self, line: &str) -> std::io::Result<()> {
        match &mut self.body {
            Body::Process(child) => {
                let stdin = child.stdin.as_mut().expect("open until the end");
                writeln!(stdin, "{line}").and_then(|()| stdin.flush())
            }
            Body::Thread { .. } => Ok(()),
        }
    }

    /// Has a client make so many requests.
    fn begin(&mut self, requests: u64) -> Result<(), Failure> {
        let is_told = match &mut self.body {
            Body::Thread { rounds, .. } => rounds.as_ref().is_some_and(|rounds| rounds.send(requests).is_ok()),
            Body::Process(_) => self.say(&requests.to_string()).is_ok(),
        };
        is_told.then_some(()).ok_or_else(|| self.lost("has ended"))
    }

    fn next(&self, patience: Duration) -> Result<News, Failure> {
        match self.news.recv_timeout(patience) {
            Ok(News::Failed(problem)) => Err(self.lost(&problem)),
            Ok(news) => Ok(news),
            Err(_) => Err(self.lost("says nothing any more")),
        }
    }

    /// Waits until it is there; returns where a broker is.
    fn ready(&self) -> Result<String, Failure> {
        match self.next(STARTING)? {
            News::Ready(endpoint) => Ok(endpoint),
            _ => Err(self.lost("spoke out of turn")),
        }
    }

    fn lost(&self, problem: &str) -> Failure {
        Failure::new(Status::Connection, format!("a {} of the bench: {problem}", self.role.name()))
    }

    fn process_id(&self) -> u32 {
        match &self.body {
            Body::Process(child) => child.id(),
            Body::Thread { .. } => std::process::id(),
        }
    }

    fn end(&mut self) {
        match &mut self.body {
            Body::Thread { rounds, thread } => {
                rounds.take();
                if let Some(thread) = thread.take() {
                    // A panic there has been printed.
                    let _ = thread.join();
                }
            }
            Body::Process(child) => {
                drop(child.stdin.take());
                let _ = child.wait();
            }
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Body::Process(child) = &mut self.body {
            // Both fail if it has ended, as it has where all went well.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The roles of a bench, clients last.
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

    /// Which processes' use is told together, and under which name.
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

    /// Processor time so far; nothing of whom the system does not tell.
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

    /// Has all clients make so many requests at the same time.
    fn round(&mut self, requests: u64, bar: &ProgressBar) -> Result<Vec<Outcome>, Failure> {
        for client in self.members.iter_mut().filter(|member| member.role == Role::Client) {
            client.begin(requests)?;
        }
        let mut outcomes = Vec::new();
        for client in self.clients() {
            let before = outcomes.len() as u64 * requests;
            outcomes.push(loop {
                match client.next(SILENCE)? {
                    News::Done(outcome) => break outcome,
                    News::Ended(ended) => bar.set_position(before + ended),
                    News::Ready(_) | News::Failed(_) => {}
                }
            });
        }
        Ok(outcomes)
    }

    /// Ends all roles, those first that use others.
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
