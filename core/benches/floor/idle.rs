//! Peers that do nothing but live: every other one is a client, the others are workers, each of a service of its own.

use std::time::{Duration, Instant};

use nix::sys::resource::{getrlimit, setrlimit, Resource};
use pigato_frame::Context;
use zmq::{DONTWAIT, SNDMORE};

use crate::floor::prepared;
use crate::measure::announce;

/// Between two heartbeats of a peer, as clients and workers have it by default.
const HEARTBEAT: Duration = pigato::config::defaults::HEARTBEAT;

/// Descriptors of a peer: its connection, and what wakes its socket.
const DESCRIPTORS: u64 = 2;

/// As many descriptors as the system allows: those of the broker too, which does not know how many peers come.
pub(crate) fn allow_descriptors() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("the limit can be raised");
}

/// Connects so many peers, tells when all of them were answered, and keeps them alive.
pub(crate) fn peers(endpoint: &str, count: usize) {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    let needed = DESCRIPTORS * count as u64 + 64;
    assert!(most >= needed, "{count} peers need {needed} descriptors; raise `ulimit -Hn` from {most}");
    let context = Context::new(i32::try_from(count).expect("a reasonable number"), 1).expect("a context");
    let peers: Vec<_> = (0..count)
        .map(|number| {
            let is_client = number % 2 == 0;
            let socket = context.socket(zmq::DEALER).expect("a socket");
            let socket = prepared(socket, if is_client { 'C' } else { 'W' }, number);
            socket.connect(endpoint).expect("an endpoint");
            if is_client {
                beat(&socket, "C");
            } else {
                let service = format!("idle-{}-{number}", std::process::id());
                socket.send_multipart(["W", "1", &service], 0).expect("room");
            }
            (socket, if is_client { "C" } else { "W" })
        })
        .collect();
    for (socket, _) in &peers {
        socket.recv_multipart(0).expect("an answer");
    }
    announce("ready");
    // Spread over the interval, as those of peers that were started one after the other are.
    let pause = HEARTBEAT / u32::try_from(count).expect("a reasonable number");
    let mut next = Instant::now();
    loop {
        for (socket, side) in &peers {
            beat(socket, side);
            while socket.recv_multipart(DONTWAIT).is_ok() {}
            next += pause;
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }
}

fn beat(socket: &zmq::Socket, side: &str) {
    socket.send(side, SNDMORE).expect("room");
    socket.send("4", 0).expect("room");
}
