//! Compares the frames that the drivers send with the golden files. A plain ROUTER socket takes the
//! broker's place. Only ids and identities may differ.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pigato_interop::runner::drivers::{Drivers, Role};
use pigato_interop::runner::process::{Log, Process};
use serde_json::{json, Value};

const TIMEOUT_MS: i32 = 30_000;

const READY: Duration = Duration::from_secs(30);

/// Languages that use the core. The published packages have their own golden files.
const OURS: [&str; 5] = ["c", "go", "node", "ruby", "rust"];

fn golden(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let frames = file["frames"].as_array().expect("frames").iter();
    frames.map(|frame| frame.as_str().expect("a golden file of texts").to_owned()).collect()
}

/// A driver, and the ROUTER socket in the broker's place.
struct Scene {
    router: zmq::Socket,
    process: Process,
    peer: Vec<u8>,
    log: Log,
}

impl Scene {
    fn open(language: &str, role: Role) -> Self {
        Self::with_conf(language, role, &json!({}))
    }

    fn with_conf(language: &str, role: Role, conf: &Value) -> Self {
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        let programs = PathBuf::from(env!("CARGO_BIN_EXE_interop"));
        let drivers = Drivers::read(&home.join("drivers"), programs.parent().expect("a folder")).expect("drivers.toml");
        let router = zmq::Context::new().socket(zmq::ROUTER).expect("a socket");
        router.set_linger(0).expect("set");
        router.set_rcvtimeo(TIMEOUT_MS).expect("set");
        router.bind("tcp://127.0.0.1:*").expect("a free port");
        let endpoint = router.get_last_endpoint().expect("bound").expect("text");
        let mut command = drivers.command(language, role).unwrap_or_else(|error| panic!("{error}"));
        command.args(["--endpoint", &endpoint]);
        let mut conf = conf.clone();
        if role == Role::Worker {
            command.args(["--service", "echo"]);
            // The core's default; Ruby's `run` announces its number of threads.
            conf["concurrency"] = json!(100);
        } else {
            // The core's default; Ruby has that of the published gem.
            conf["timeout"] = json!(60_000);
        }
        if OURS.contains(&language) {
            command.args(["--conf", &conf.to_string()]);
        }
        let log = Log::default();
        let process = Process::start(language, command, &log).expect("the driver starts");
        Self { router, process, peer: Vec::new(), log }
    }

    /// Receives the next message with this type.
    fn receive(&mut self, kind: &str) -> Vec<String> {
        loop {
            let mut message = self
                .router
                .recv_multipart(0)
                .unwrap_or_else(|error| panic!("no {kind} ({error}):\n{}", self.log.text()));
            self.peer = message.remove(0);
            if message.get(1).is_some_and(|frame| frame == kind.as_bytes()) {
                return message.into_iter().map(|frame| String::from_utf8(frame).expect("text")).collect();
            }
        }
    }

    /// Answers the driver's hello with the golden frames.
    fn connect(&mut self, announcement: &str, answer: &str) {
        self.receive(announcement);
        let answer = golden(answer);
        self.send(&answer.iter().map(String::as_str).collect::<Vec<_>>());
        self.process.take("`ready`", READY, |event| event["event"] == "ready").expect("ready");
    }

    /// Sends a worker a request with the golden client and id.
    fn ask(&self, data: &str) {
        let request = golden("broker-to-worker-request");
        self.send(&["W", "2", &request[2], "echo", "", &request[5], data, "{}"]);
    }

    fn send(&self, frames: &[&str]) {
        let frames = [&self.peer[..]].into_iter().chain(frames.iter().map(|frame| frame.as_bytes()));
        self.router.send_multipart(frames, 0).expect("the peer is there");
    }
}

/// Removes the session number from the end of a hello, which the golden file does not contain.
fn without_session(hello: &str) -> String {
    let (before, session) = hello.rsplit_once(",\"session\":").expect("a session number");
    let digits = session.strip_suffix('}').expect("its end");
    assert!(digits.parse::<u64>().is_ok(), "{hello}");
    format!("{before}}}")
}

#[test]
fn clients_send_the_golden_hello_and_request() {
    for language in OURS {
        let mut scene = Scene::open(language, Role::Client);
        let mut hello = scene.receive("4");
        hello[2] = without_session(&hello[2]);
        assert_eq!(hello, golden("client-hello"), "{language}");
        scene.send(&["C", "4"]);
        scene.process.take("`ready`", READY, |event| event["event"] == "ready").expect("ready");

        let line = json!({"op": "request", "tag": "t", "service": "echo", "data": {"a": 1}});
        scene.process.send(&line).expect("its input is open");
        let (mut request, expected) = (scene.receive("2"), golden("client-request"));
        request[3].clone_from(&expected[3]);
        assert_eq!(request, expected, "{language}");
    }
}

#[test]
fn clients_send_the_golden_cancel_and_credit() {
    for language in OURS {
        let mut scene = Scene::open(language, Role::Client);
        scene.connect("4", "broker-to-client-hello");
        let line = json!({"op": "request", "tag": "t", "service": "echo", "data": 1, "cancellable": true});
        scene.process.send(&line).expect("its input is open");
        let id = scene.receive("2").remove(3);

        // After half of the credit that the client announced, it grants the same number again.
        let partial = golden("broker-to-client-reply-partial");
        for _ in 0..512 {
            scene.send(&["C", "6", "", &id, &partial[4], &partial[5], &partial[6]]);
        }
        let (credit, mut expected) = (scene.receive("9"), golden("client-credit"));
        expected[3].clone_from(&id);
        assert_eq!(credit, expected, "{language}");

        scene.process.send(&json!({"op": "cancel", "tag": "t"})).expect("its input is open");
        let (cancel, mut expected) = (scene.receive("8"), golden("client-cancel"));
        expected[3] = id;
        assert_eq!(cancel, expected, "{language}");
    }
}

#[test]
fn clients_and_workers_send_the_golden_heartbeat() {
    for language in OURS {
        let conf = json!({"heartbeat": 100});
        let mut client = Scene::with_conf(language, Role::Client, &conf);
        client.connect("4", "broker-to-client-hello");
        let line = json!({"op": "request", "tag": "t", "service": "echo", "data": 1});
        client.process.send(&line).expect("its input is open");
        let mut expected = golden("client-request-heartbeat");
        expected[3] = client.receive("2").remove(3);
        let mut heartbeat = client.receive("4");
        // The heartbeat of the connection repeats the hello.
        while heartbeat.len() == 3 {
            heartbeat = client.receive("4");
        }
        assert_eq!(heartbeat, expected, "{language}");
        let mut worker = Scene::with_conf(language, Role::Worker, &conf);
        worker.connect("1", "broker-to-worker-ready-hello");
        assert_eq!(worker.receive("4"), golden("worker-heartbeat"), "{language}");
    }
}

#[test]
fn workers_send_the_golden_ready_and_replies() {
    for language in OURS {
        let mut scene = Scene::open(language, Role::Worker);
        assert_eq!(scene.receive("1"), golden("worker-ready-hello"), "{language}");
        scene.send(&["W", "1"]);
        scene.process.take("`ready`", READY, |event| event["event"] == "ready").expect("ready");
        for (data, kind, file) in [
            (r#"{"a":1}"#, "3", "worker-reply"),
            ("null", "3", "worker-reply-null"),
            (r#"{"do":"error","value":{"code":5}}"#, "3", "worker-error"),
            (r#"{"do":"throw","value":"no such table"}"#, "3", "worker-error-handler"),
            (r#"{"do":"reject","value":"busy"}"#, "7", "worker-reject"),
            (r#"{"do":"partials","count":1}"#, "6", "worker-reply-partial"),
        ] {
            scene.ask(data);
            assert_eq!(scene.receive(kind), golden(file), "{language}");
        }
    }
}

#[test]
fn workers_send_the_golden_disconnect() {
    for language in OURS {
        let mut scene = Scene::open(language, Role::Worker);
        scene.connect("1", "broker-to-worker-ready-hello");
        scene.process.begin_stop();
        assert_eq!(scene.receive("5"), golden("worker-disconnect"), "{language}");
    }
}

/// The driver exits as soon as its worker has stopped, while another thread still holds a handle.
#[test]
fn messages_of_a_stopped_worker_are_delivered_after_its_process_exits() {
    for _ in 0..50 {
        let mut scene = Scene::open("rust", Role::Worker);
        scene.connect("1", "broker-to-worker-ready-hello");
        scene.process.begin_stop();
        scene.receive("5");
    }
}

#[test]
fn the_simulated_published_ruby_worker_sends_the_golden_ready_and_reply() {
    let mut scene = Scene::open("raw-ruby", Role::Worker);
    assert_eq!(scene.receive("1"), golden("worker-ready"));
    scene.send(&["W", "1"]);
    scene.ask("{\"a\":1}");
    assert_eq!(scene.receive("3"), golden("worker-reply-ruby"));
}

#[test]
fn the_simulated_published_clients_send_their_golden_request() {
    for (language, file) in
        [("raw-ruby", "client-request-ruby"), ("raw-go", "client-request-go"), ("published", "client-request")]
    {
        let mut scene = Scene::open(language, Role::Client);
        let line = json!({"op": "request", "tag": "t", "service": "echo", "data": {"a": 1}, "opts": {}});
        scene.process.send(&line).expect("its input is open");
        let (mut request, expected) = (scene.receive("2"), golden(file));
        request[3].clone_from(&expected[3]);
        assert_eq!(request, expected, "{language}");
    }
}
