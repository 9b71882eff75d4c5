//! The measured contenders and their programs.

use std::path::PathBuf;

use clap::Args;

/// The locations of the contenders' programs.
#[derive(Debug, Args)]
pub(crate) struct Programs {
    /// The program of `cargo bench --bench floor`: the libzmq baseline, and the roles in Rust
    #[arg(long, value_name = "FILE")]
    floor: PathBuf,

    /// bindings-c/build/bench
    #[arg(long, value_name = "FILE")]
    c: Option<PathBuf>,

    /// The program of bindings-c/go/examples/bench
    #[arg(long, value_name = "FILE")]
    go: Option<PathBuf>,

    /// The program of bindings-c/go/compare: nats-server, and roles with nats.go
    #[arg(long, value_name = "FILE")]
    nats: Option<PathBuf>,

    /// bindings-node/bench, its packages installed
    #[arg(long, value_name = "FOLDER")]
    node: Option<PathBuf>,

    /// interop-tests/drivers/published, its packages installed
    #[arg(long, value_name = "FOLDER")]
    published: Option<PathBuf>,

    /// bindings-ruby/bench: its programs and their dependencies
    #[arg(long, value_name = "FOLDER")]
    ruby: Option<PathBuf>,

    /// The program `nats` of this package, built with its feature of that name: roles with
    /// async-nats
    #[arg(long, value_name = "FILE")]
    async_nats: Option<PathBuf>,
}

/// A program and its first arguments.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) words: Vec<String>,
    /// Environment variables.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// Last arguments of a client.
    pub(crate) suffix: &'static [&'static str],
}

/// Names, by which results are found.
pub(crate) mod name {
    pub(crate) const BASELINE: &str = "libzmq (baseline)";
    pub(crate) const BROKER: &str = "baseline peers, our broker";
    pub(crate) const RUST: &str = "Rust";
    pub(crate) const C: &str = "C";
    pub(crate) const GO: &str = "Go";
    pub(crate) const NODE: &str = "Node.js";
    pub(crate) const RUBY: &str = "Ruby";
    pub(crate) const RUBY_THREADS: &str = "Ruby, 50 threads";
    pub(crate) const FFI_RZMQ: &str = "published frames over ffi-rzmq, 50 threads";
    pub(crate) const NATS_RUST: &str = "NATS, async-nats";
    pub(crate) const PUBLISHED: &str = "published package";
    pub(crate) const NATS_GO: &str = "NATS, nats.go";
    pub(crate) const NATS_NODE: &str = "NATS, nats in Node.js";
}

#[derive(Debug, Clone)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) broker: Command,
    pub(crate) worker: Command,
    pub(crate) client: Command,
    /// The part of the requests that it makes: a slow contender would otherwise take too long.
    pub(crate) share: f64,
}

fn command<const N: usize>(words: [&str; N]) -> Command {
    Command { words: words.map(str::to_owned).to_vec(), variables: Vec::new(), suffix: &[] }
}

impl Contender {
    /// A contender whose roles are arguments of one program, with this broker.
    fn on(broker: &Command, name: &'static str, program: &[&str], roles: [&str; 2], share: f64) -> Self {
        let [worker, client] = roles.map(|role| {
            let words = program.iter().copied().chain([role]).map(str::to_owned).collect();
            Command { words, variables: Vec::new(), suffix: &[] }
        });
        Self { name, broker: broker.clone(), worker, client, share }
    }

    fn with_callbacks(mut self) -> Self {
        self.client.suffix = &["--callbacks"];
        self
    }
}

impl Programs {
    /// All contenders whose programs are given.
    pub(crate) fn contenders(&self) -> Vec<Contender> {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let floor = text(&self.floor);
        let ours = self.broker(&[]);
        let floor_broker = command([&floor, "floor-broker"]);
        let floor_roles = ["floor-worker", "floor-client"];
        let roles = ["worker", "client"];
        let mut all = vec![
            Contender::on(&floor_broker, name::BASELINE, &[&floor], floor_roles, 1.0),
            Contender::on(&ours, name::BROKER, &[&floor], floor_roles, 1.0),
            Contender::on(&ours, name::RUST, &[&floor], roles, 1.0),
        ];
        if let Some(c) = &self.c {
            all.push(Contender::on(&ours, name::C, &[&text(c)], roles, 1.0));
        }
        if let Some(go) = &self.go {
            all.push(Contender::on(&ours, name::GO, &[&text(go)], roles, 1.0));
        }
        if let Some(node) = &self.node {
            let bench = text(&node.join("bench.js"));
            all.push(Contender::on(&ours, name::NODE, &["node", &bench], roles, 0.5).with_callbacks());
        }
        if let Some(ruby) = &self.ruby {
            all.push(Contender::on(
                &ours,
                name::RUBY,
                &["ruby", &text(&ruby.join("ours.rb"))],
                ["worker", "window"],
                0.25,
            ));
        }
        if let (Some(node), Some(published)) = (&self.node, &self.published) {
            all.push(self.published(&text(&node.join("bench.js")), published));
        }
        if let Some(nats) = &self.nats {
            let nats = text(nats);
            let server = command([&nats, "nats-server"]);
            all.push(Contender::on(&server, name::NATS_GO, &[&nats], ["nats-worker", "nats-client"], 1.0));
            if let Some(async_nats) = &self.async_nats {
                all.push(Contender::on(&server, name::NATS_RUST, &[&text(async_nats)], roles, 0.5));
            }
            if let Some(node) = &self.node {
                let script = text(&node.join("nats.js"));
                all.push(Contender::on(&server, name::NATS_NODE, &["node", &script], roles, 0.5));
            }
        }
        all
    }

    /// Contenders whose clients use many threads.
    pub(crate) fn threads(&self) -> Vec<Contender> {
        let Some(ruby) = &self.ruby else { return Vec::new() };
        let ours = self.broker(&[]);
        let of = |name, file: &str| {
            let program = ruby.join(file).to_string_lossy().into_owned();
            Contender::on(&ours, name, &["ruby", &program], ["worker", "client"], 0.25)
        };
        vec![of(name::RUBY_THREADS, "ours.rb"), of(name::FFI_RZMQ, "frames.rb")]
    }

    /// Our broker, in Rust.
    pub(crate) fn broker(&self, arguments: &[&str]) -> Command {
        self.role(&[&["broker"], arguments].concat())
    }

    /// A role of the program of `cargo bench --bench floor`.
    pub(crate) fn role(&self, words: &[&str]) -> Command {
        let words = std::iter::once(self.floor.to_string_lossy().into_owned())
            .chain(words.iter().map(|word| (*word).to_owned()));
        Command { words: words.collect(), variables: Vec::new(), suffix: &[] }
    }

    /// The published package with its own broker; our program for Node.js drives its worker and
    /// client.
    fn published(&self, bench: &str, peer: &std::path::Path) -> Contender {
        let anywhere = "tcp://127.0.0.1:*";
        let script = peer.join("peer.js").to_string_lossy().into_owned();
        let broker = command(["node", &script, "broker", "--endpoint", anywhere, "--intch", anywhere]);
        let roles = ["worker", "client"];
        let mut contender = Contender::on(&broker, name::PUBLISHED, &["node", bench], roles, 0.1).with_callbacks();
        let package = peer.join("node_modules/pigato");
        // Node.js takes a path that does not begin with `/` as the name of a package.
        let package = std::path::absolute(&package).unwrap_or(package).to_string_lossy().into_owned();
        for command in [&mut contender.worker, &mut contender.client] {
            command.variables = vec![("PIGATO", package.clone())];
        }
        contender
    }

    /// The contenders that are not measured because their programs are missing.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let measured = self.contenders();
        let all = [
            name::C,
            name::GO,
            name::NODE,
            name::RUBY,
            name::PUBLISHED,
            name::NATS_GO,
            name::NATS_RUST,
            name::NATS_NODE,
        ];
        all.into_iter().filter(|name| measured.iter().all(|contender| contender.name != *name)).collect()
    }
}
