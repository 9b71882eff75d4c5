//! The context: options, sockets, termination.

#![cfg(feature = "zmq")]

mod common;

use std::thread;
use std::time::Duration;

use common::{open, pair};
use pigato_frame::{has, libzmq_version, Context, Frame};
use zmq::Error;

#[test]
fn opens_as_many_sockets_as_it_was_created_for() {
    let context = Context::new(3, 1).unwrap();
    let sockets: Vec<_> = (0..3).map(|_| open(&context, zmq::PUSH)).collect();
    assert_eq!(context.socket(zmq::PUSH).err(), Some(Error::EMFILE));
    drop(sockets);
}

#[test]
fn opens_more_sockets_than_libzmqs_default() {
    let context = Context::new(4000, 1).unwrap();
    // Without I/O threads, each socket costs 1 descriptor: stay below the usual limit of 1024.
    let sockets: Vec<_> = (0..200).map(|_| open(&context, zmq::DEALER)).collect();
    assert_eq!(sockets.len(), 200);
}

#[test]
fn refuses_invalid_numbers() {
    assert_eq!(Context::new(0, 1).unwrap_err(), Error::EINVAL);
    assert_eq!(Context::new(10, -1).unwrap_err(), Error::EINVAL);
}

#[test]
fn opens_sockets_of_every_type() {
    let context = Context::new(32, 1).unwrap();
    for kind in [
        zmq::PAIR,
        zmq::PUB,
        zmq::SUB,
        zmq::REQ,
        zmq::REP,
        zmq::DEALER,
        zmq::ROUTER,
        zmq::PULL,
        zmq::PUSH,
        zmq::XPUB,
        zmq::XSUB,
        zmq::STREAM,
    ] {
        let socket = context.socket(kind).unwrap();
        assert_eq!(socket.get_socket_type().unwrap(), kind);
    }
}

#[test]
fn inproc_works_without_io_threads() {
    let context = Context::new(8, 0).unwrap();
    let (receiver, sender) = pair(&context, "inproc://no-threads", (zmq::PAIR, zmq::PAIR));
    Frame::from("hello").send(&sender, false).unwrap();
    assert_eq!(Frame::recv(&receiver).unwrap().0, "hello");
}

#[test]
fn dropping_waits_until_the_sockets_of_other_threads_are_closed() {
    let context = Context::new(8, 1).unwrap();
    let socket = open(&context, zmq::PULL);
    let other = thread::spawn(move || {
        // Woken by the end of the context, as a blocked I/O thread would be.
        let mut message = zmq::Message::new();
        let outcome = socket.recv(&mut message, 0);
        drop(socket);
        outcome
    });
    thread::sleep(Duration::from_millis(20));
    drop(context);
    assert_eq!(other.join().unwrap(), Err(Error::ETERM));
}

#[test]
fn threads_share_a_context_and_open_their_own_sockets() {
    let context = Context::new(64, 1).unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| drop(open(&context, zmq::DEALER)));
        }
    });
}

#[test]
fn a_forgotten_context_terminates_nothing() {
    let context = Context::new(8, 1).unwrap();
    let socket = open(&context, zmq::PULL);
    context.forget();
    assert_eq!(Frame::recv(&socket).unwrap_err(), Error::EAGAIN);
}

#[test]
fn reports_the_version_of_libzmq() {
    assert!(libzmq_version() >= (4, 3, 0), "{:?}", libzmq_version());
    assert!(cfg!(windows) || has("ipc"));
    assert!(!has("telepathy"));
    assert!(!has("i\0pc"));
}
