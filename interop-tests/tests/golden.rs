//! What the drivers of our languages send, frame by frame, beside the golden files: a bare ROUTER stands where the broker
//! would. Ids and identities are the only frames that may differ.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pigato_interop::runner::drivers::{Drivers, Role};
use pigato_interop::runner::process::{Log, Process};
use serde_json::{json, Value};

const PATIENCE_MS: i32 = 30_000;

/// Languages whose peers are the core's; the published package's forms are golden files of their own.
const OURS: [&str; 4] = ["c", "go", "node", "rust"];

fn golden(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let frames = file["frames"].as_array().expect("frames").iter();
    frames.map(|frame| frame.as_str().expect("a golden file of texts").to_owned()).collect()
}

/// A driver and the ROUTER that it takes for a broker.
struct Scene {
    router: zmq::Socket,
    process: Process,
    peer: Vec<u8>,
    log: Log,
}

impl Scene {
    fn open(language: &str, role: Role) -> Self {
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        let programs = PathBuf::from(env!("CARGO_BIN_EXE_interop"));
        let drivers = Drivers::read(&home.join("drivers"), programs.parent().expect("a folder")).expect("drivers.toml");
        let router = zmq::Context::new().socket(zmq::ROUTER).expect("a socket");
        router.set_linger(0).expect("set");
        router.set_rcvtimeo(PATIENCE_MS).expect("set");
        router.bind("tcp://127.0.0.1:*").expect("a free port");
        let endpoint = router.get_last_endpoint().expect("bound").expect("text");
        let mut command = drivers.command(language, role).unwrap_or_else(|error| panic!("{error}"));
        command.args(["--endpoint", &endpoint]);
        if role == Role::Worker {
            command.args(["--service", "echo"]);
        }
        let log = Log::default();
        let process = Process::start(language, command, &log).expect("it starts");
        Self { router, process, peer: Vec::new(), log }
    }

    /// The next message that has this type.
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

    fn send(&self, frames: &[&str]) {
        let frames = [&self.peer[..]].into_iter().chain(frames.iter().map(|frame| frame.as_bytes()));
        self.router.send_multipart(frames, 0).expect("the peer is there");
    }
}

#[test]
fn clients_send_the_golden_hello_and_request() {
    for language in OURS {
        let mut scene = Scene::open(language, Role::Client);
        let mut hello: Value = serde_json::from_str(&scene.receive("4")[2]).expect("a hello");
        // It counts connections, and is not in the golden file.
        hello.as_object_mut().expect("an object").remove("session");
        let expected: Value = serde_json::from_str(&golden("client-hello")[2]).expect("JSON");
        assert_eq!(hello, expected, "{language}");
        scene.send(&["C", "4"]);
        scene.process.take("`ready`", Duration::from_secs(30), |event| event["event"] == "ready").expect("ready");

        let line = json!({"op": "request", "tag": "t", "service": "echo", "data": {"a": 1}});
        scene.process.send(&line).expect("it listens");
        let (mut request, expected) = (scene.receive("2"), golden("client-request"));
        request[3].clone_from(&expected[3]);
        assert_eq!(request, expected, "{language}");
    }
}

#[test]
fn workers_send_the_golden_ready_and_reply() {
    for language in OURS {
        let mut scene = Scene::open(language, Role::Worker);
        assert_eq!(scene.receive("1"), golden("worker-ready-hello"), "{language}");
        scene.send(&["W", "1"]);
        scene.process.take("`ready`", Duration::from_secs(30), |event| event["event"] == "ready").expect("ready");

        let reply = golden("worker-reply");
        let (client, id) = (&reply[2], &reply[4]);
        scene.send(&["W", "2", client, "echo", "", id, "{\"a\":1}", "{}"]);
        assert_eq!(scene.receive("3"), reply, "{language}");

        let error = golden("worker-error");
        scene.send(&["W", "2", &error[2], "echo", "", &error[4], "{\"do\":\"error\",\"value\":{\"code\":5}}", "{}"]);
        assert_eq!(scene.receive("3"), error, "{language}");

        let partial = golden("worker-reply-partial");
        scene.send(&["W", "2", &partial[2], "echo", "", &partial[4], "{\"do\":\"partials\",\"count\":1}", "{}"]);
        let mut sent = scene.receive("6");
        sent[6].clone_from(&partial[6]);
        assert_eq!(sent, partial, "{language}");
    }
}

#[test]
fn the_players_of_published_packages_send_their_golden_request() {
    for (language, file) in
        [("raw-ruby", "client-request-ruby"), ("raw-go", "client-request-go"), ("published", "client-request")]
    {
        let mut scene = Scene::open(language, Role::Client);
        let line = json!({"op": "request", "tag": "t", "service": "echo", "data": {"a": 1}, "opts": {}});
        scene.process.send(&line).expect("it listens");
        let (mut request, expected) = (scene.receive("2"), golden(file));
        request[3].clone_from(&expected[3]);
        assert_eq!(request, expected, "{language}");
    }
}
