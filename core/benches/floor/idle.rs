//! Idle peers: half are clients, half are workers, each of its own service; and a minimal broker
//! that keeps them alive.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use nix::sys::resource::{getrlimit, setrlimit, Resource};
use pigato_frame::Context;
use zmq::{DONTWAIT, SNDMORE};

use crate::floor::prepared;
use crate::measure::announce;

/// The default interval between two heartbeats of clients and workers.
const HEARTBEAT: Duration = pigato::config::defaults::HEARTBEAT;

/// Descriptors per peer: its connection, and the wake-up of its socket.
const DESCRIPTORS: u64 = 2;

/// Raises the descriptor limit to the hard limit, also for the broker, which does not know how many
/// peers will connect.
pub(crate) fn allow_descriptors() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("the limit can be raised");
}

/// Connects `count` peers, announces when all have been answered, and keeps them alive.
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
    // Spread over the interval, like peers that were started one after the other.
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

/// The first bytes of a ROUTER (ZMTP 3.0, NULL): the greeting, then READY.
fn opening() -> Vec<u8> {
    let mut bytes = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0];
    bytes.extend(b"NULL");
    bytes.resize(64, 0);
    bytes.extend(b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06ROUTER");
    bytes
}

/// A message of 2 frames of 1 byte.
fn heartbeat(side: u8) -> [u8; 6] {
    [1, 1, side, 0, 1, b'4']
}

/// The minimum that keeps such peers alive: one read, one write and one wake-up per heartbeat,
/// without state or parsing. Everything that a broker costs beyond this is its own.
pub(crate) fn broker() {
    const LISTENER: Token = Token(usize::MAX);
    let mut poll = Poll::new().expect("a poll");
    let registry = poll.registry().try_clone().expect("a descriptor");
    let watch = |descriptor: RawFd, token| {
        registry.register(&mut SourceFd(&descriptor), token, Interest::READABLE).expect("room");
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("an option");
    watch(listener.as_raw_fd(), LISTENER);
    announce(&format!("tcp://{}", listener.local_addr().expect("an address")));
    let mut connections: Vec<TcpStream> = Vec::new();
    let mut events = Events::with_capacity(1_024);
    let mut buffer = vec![0; 65_536];
    loop {
        poll.poll(&mut events, None).expect("events");
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true).expect("an option");
                    stream.set_nonblocking(true).expect("an option");
                    stream.write_all(&opening()).expect("room");
                    watch(stream.as_raw_fd(), Token(connections.len()));
                    connections.push(stream);
                }
                continue;
            }
            let connection = &mut connections[event.token().0];
            let bytes = match connection.read(&mut buffer) {
                Ok(0) => std::process::exit(0),
                Ok(bytes) => &buffer[..bytes],
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => panic!("{error}"),
            };
            let contains = |message: &[u8]| bytes.windows(message.len()).any(|window| window == message);
            let ready = [1, 1, b'W', 1, 1, b'1'];
            let answers = [b'C', b'W'].map(|side| contains(&heartbeat(side)) || (side == b'W' && contains(&ready)));
            if let Some(at) = answers.iter().position(|is_due| *is_due) {
                connection.write_all(&heartbeat(b"CW"[at])).expect("room");
            }
        }
    }
}

fn beat(socket: &zmq::Socket, side: &str) {
    socket.send(side, SNDMORE).expect("room");
    socket.send("4", 0).expect("room");
}
