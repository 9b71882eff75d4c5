//! The three roles of the baseline, which use libzmq directly.

use std::collections::HashMap;
use std::time::Instant;

use hdrhistogram::Histogram;
use zmq::{Context, Message, Socket, SocketType, SNDMORE};

use crate::measure::{announce, announce_result, WARM_UP_DIVISOR};
use crate::Load;

/// The options that our client and worker send with bytes. Frames of other lengths would cost
/// libzmq a different amount.
const REQUEST_OPTIONS: &[u8] = br#"{"timeout":60000,"retry":0,"codec":"raw"}"#;
const REPLY_OPTIONS: &[u8] = br#"{"codec":"raw"}"#;

fn open(context: &Context, kind: SocketType, role: char) -> Socket {
    prepared(context.socket(kind).expect("a socket"), role, 0)
}

/// Sets an identity as long as a real one: `<prefix uuid>-<uuid>`.
pub(crate) fn prepared(socket: Socket, role: char, number: usize) -> Socket {
    socket.set_sndhwm(0).expect("no limit");
    socket.set_rcvhwm(0).expect("no limit");
    let uuid = "00000000-0000-0000-0000-000000000000";
    let identity = format!("{role}{uuid}-00000000-0000-0000-{number:04x}-{:012}", std::process::id());
    socket.set_identity(identity.as_bytes()).expect("an identity");
    socket
}

fn receive(socket: &Socket, frames: &mut Vec<Message>) {
    frames.clear();
    loop {
        let mut frame = Message::new();
        socket.recv(&mut frame, 0).expect("a frame");
        let more = frame.get_more();
        frames.push(frame);
        if !more {
            return;
        }
    }
}

fn put(socket: &Socket, bytes: &[u8], flags: i32) {
    socket.send(bytes, flags).expect("room without limit");
}

fn pass(socket: &Socket, frame: &mut Message, flags: i32) {
    socket.send(std::mem::replace(frame, Message::new()), flags).expect("room without limit");
}

pub(crate) fn broker() {
    let context = Context::new();
    let socket = open(&context, zmq::ROUTER, 'B');
    socket.bind("tcp://127.0.0.1:*").expect("a free port");
    announce(&socket.get_last_endpoint().expect("an endpoint").expect("text"));
    let mut workers: Vec<Vec<u8>> = Vec::new();
    let mut turn = 0;
    let mut frames = Vec::new();
    loop {
        receive(&socket, &mut frames);
        match (&*frames[1], &*frames[2]) {
            (b"W", b"1") => {
                workers.push(frames[0].to_vec());
                // The real worker and client wait for answers to these messages.
                put(&socket, &frames[0], SNDMORE);
                put(&socket, b"W", SNDMORE);
                put(&socket, b"1", 0);
            }
            // client|C|2|service|rid|data|opts
            (b"C", b"2") if !workers.is_empty() => {
                turn += 1;
                put(&socket, &workers[turn % workers.len()], SNDMORE);
                put(&socket, b"W", SNDMORE);
                put(&socket, b"2", SNDMORE);
                pass(&socket, &mut frames[0], SNDMORE);
                pass(&socket, &mut frames[3], SNDMORE);
                put(&socket, b"", SNDMORE);
                pass(&socket, &mut frames[4], SNDMORE);
                pass(&socket, &mut frames[5], SNDMORE);
                pass(&socket, &mut frames[6], 0);
            }
            // worker|W|3|client|""|rid|status|data|opts
            (b"W", b"3") => {
                pass(&socket, &mut frames[3], SNDMORE);
                put(&socket, b"C", SNDMORE);
                put(&socket, b"3", SNDMORE);
                put(&socket, b"", SNDMORE);
                pass(&socket, &mut frames[5], SNDMORE);
                pass(&socket, &mut frames[6], SNDMORE);
                pass(&socket, &mut frames[7], SNDMORE);
                pass(&socket, &mut frames[8], 0);
            }
            _ => {}
        }
    }
}

pub(crate) fn worker(endpoint: &str) {
    let context = Context::new();
    let socket = open(&context, zmq::DEALER, 'W');
    socket.connect(endpoint).expect("an endpoint");
    put(&socket, b"W", SNDMORE);
    put(&socket, b"1", SNDMORE);
    put(&socket, b"echo", 0);
    // No limit: otherwise the broker's default of 100 would distort a window of 1,000.
    put(&socket, b"W", SNDMORE);
    put(&socket, b"4", SNDMORE);
    put(&socket, b"", SNDMORE);
    put(&socket, br#"{"concurrency":-1}"#, 0);
    let mut frames = Vec::new();
    let mut is_ready = false;
    loop {
        // W|2|client|service|""|rid|data|opts
        receive(&socket, &mut frames);
        if !std::mem::replace(&mut is_ready, true) {
            announce("ready");
        }
        if frames.len() >= 8 {
            put(&socket, b"W", SNDMORE);
            put(&socket, b"3", SNDMORE);
            pass(&socket, &mut frames[2], SNDMORE);
            put(&socket, b"", SNDMORE);
            pass(&socket, &mut frames[5], SNDMORE);
            put(&socket, b"0", SNDMORE);
            pass(&socket, &mut frames[6], SNDMORE);
            put(&socket, REPLY_OPTIONS, 0);
        }
    }
}

pub(crate) fn client(endpoint: &str, load: Load) {
    let context = Context::new();
    let socket = open(&context, zmq::DEALER, 'C');
    socket.connect(endpoint).expect("an endpoint");
    let body = crate::measure::body(load.body_bytes);
    let mut latencies = Histogram::<u64>::new(3).expect("three digits");
    let mut sent_at = HashMap::with_capacity(load.window);
    let (mut sent, mut answered) = (0usize, 0usize);
    let warm_up = load.requests / WARM_UP_DIVISOR;
    let mut started = Instant::now();
    let mut frames = Vec::new();
    while answered < load.requests + warm_up {
        while sent < load.requests + warm_up && sent - answered < load.window {
            let id = format!("00000000-0000-0000-0000-{sent:012}");
            sent_at.insert(sent, Instant::now());
            put(&socket, b"C", SNDMORE);
            put(&socket, b"2", SNDMORE);
            put(&socket, b"echo", SNDMORE);
            put(&socket, id.as_bytes(), SNDMORE);
            put(&socket, &body, SNDMORE);
            put(&socket, REQUEST_OPTIONS, 0);
            sent += 1;
        }
        // C|3|""|rid|status|data|opts
        receive(&socket, &mut frames);
        if frames.len() >= 6 && &*frames[1] == b"3" {
            let number: usize = std::str::from_utf8(&frames[3][24..]).expect("digits").parse().expect("a number");
            let latency = sent_at.remove(&number).expect("sent").elapsed();
            answered += 1;
            if answered == warm_up {
                started = Instant::now();
            } else if answered > warm_up {
                latencies.record(latency.as_nanos() as u64).expect("within a minute");
            }
        }
    }
    announce_result(load, started.elapsed(), &latencies);
}
