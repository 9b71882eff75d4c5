//! Frames sent and received through sockets.

#![cfg(feature = "zmq")]

mod common;

use std::thread;
use std::time::Duration;

use common::{arrive, dispatch, open, pair, pattern};
use pigato_frame::{Context, Frame};
use zmq::Error;

const PAIRS: (zmq::SocketType, zmq::SocketType) = (zmq::PAIR, zmq::PAIR);
const LENGTHS: [usize; 11] = [0, 1, 32, 33, 34, 78, 79, 100, 8192, 8193, 1 << 20];

fn context() -> Context {
    Context::new(64, 1).unwrap()
}

#[test]
fn frames_of_every_length_pass_through_tcp_and_inproc() {
    let context = context();
    for endpoint in ["tcp://127.0.0.1:*", "inproc://lengths"] {
        let (receiver, sender) = pair(&context, endpoint, PAIRS);
        for len in LENGTHS {
            dispatch(Frame::from(pattern(len)), &sender, false);
            let (frame, more) = arrive(&receiver);
            assert_eq!(frame, &pattern(len)[..], "{len} bytes over {endpoint}");
            assert!(!more);
        }
    }
}

#[test]
fn more_marks_that_further_frames_of_the_message_follow() {
    let context = context();
    let (receiver, sender) = pair(&context, "tcp://127.0.0.1:*", PAIRS);
    dispatch(Frame::from("one"), &sender, true);
    dispatch(Frame::from(pattern(500)), &sender, true);
    dispatch(Frame::from("three"), &sender, false);
    assert_eq!(arrive(&receiver), (Frame::from("one"), true));
    assert_eq!(arrive(&receiver), (Frame::from(pattern(500)), true));
    assert_eq!(arrive(&receiver), (Frame::from("three"), false));
}

#[test]
fn receiving_without_a_frame_returns_eagain_at_once() {
    let context = context();
    let socket = open(&context, zmq::PULL);
    assert_eq!(Frame::recv(&socket).unwrap_err(), Error::EAGAIN);
}

#[test]
fn a_received_frame_can_be_forwarded_with_another_more_flag() {
    let context = context();
    let (inner, outer) = pair(&context, "inproc://in", PAIRS);
    let (next, last) = pair(&context, "inproc://out", PAIRS);
    dispatch(Frame::from(pattern(5000)), &outer, true);
    dispatch(Frame::from("end"), &outer, false);
    let (body, more) = arrive(&inner);
    assert!(more);
    dispatch(body, &next, false);
    assert_eq!(arrive(&last), (Frame::from(pattern(5000)), false));
}

#[test]
fn a_sent_clone_shares_its_memory_with_the_one_kept() {
    let context = context();
    let (receiver, sender) = pair(&context, "inproc://shared", PAIRS);
    let kept = Frame::from(pattern(100_000));
    dispatch(kept.clone(), &sender, false);
    let (received, _) = arrive(&receiver);
    assert_eq!(received.as_ptr(), kept.as_ptr());
    drop(kept);
    assert_eq!(received, &pattern(100_000)[..]);
}

#[test]
fn a_frame_passes_through_without_being_copied() {
    let context = context();
    let (receiver, sender) = pair(&context, "tcp://127.0.0.1:*", PAIRS);
    let (last, next) = pair(&context, "inproc://through", PAIRS);
    for len in [79, 1000, 50_000] {
        dispatch(Frame::from(pattern(len)), &sender, false);
        let (frame, _) = arrive(&receiver);
        let address = frame.as_ptr();
        dispatch(frame, &next, false);
        assert_eq!(arrive(&last).0.as_ptr(), address, "{len} bytes");
    }
}

#[test]
fn a_send_without_a_peer_leaves_the_frame_unchanged() {
    let context = context();
    let dealer = open(&context, zmq::DEALER);
    dealer.set_sndhwm(1).unwrap();
    for frame in [Frame::from("short"), Frame::from(pattern(9000))] {
        let address = frame.as_ptr();
        let mut sent = frame.clone();
        assert_eq!(sent.send(&dealer, true), Err(Error::EAGAIN));
        assert_eq!(sent, frame);
        assert!(sent.len() < 100 || sent.as_ptr() == address);
    }
}

#[test]
fn a_send_beyond_the_high_water_mark_leaves_the_frame_unchanged() {
    let context = context();
    let (receiver, sender) = (open(&context, zmq::PULL), open(&context, zmq::PUSH));
    receiver.set_rcvhwm(1).unwrap();
    sender.set_sndhwm(1).unwrap();
    receiver.bind("inproc://full").unwrap();
    sender.connect("inproc://full").unwrap();
    let body = Frame::from(pattern(200));
    let sent = (0..10)
        .take_while(|_| {
            let mut next = body.clone();
            let outcome = next.send(&sender, false);
            if outcome.is_ok() {
                assert!(next.is_empty());
            } else {
                assert_eq!(outcome, Err(Error::EAGAIN));
                assert_eq!(next.as_ptr(), body.as_ptr());
            }
            outcome.is_ok()
        })
        .count();
    assert!(sent < 10);
    for _ in 0..sent {
        assert_eq!(arrive(&receiver).0, body);
    }
    assert!(Frame::recv(&receiver).is_err());
}

#[test]
fn a_mandatory_router_refuses_unknown_peers_and_leaves_the_frame_unchanged() {
    let context = context();
    let router = open(&context, zmq::ROUTER);
    router.set_router_mandatory(true).unwrap();
    router.bind("inproc://router").unwrap();
    let mut frame = Frame::from("nobody");
    assert_eq!(frame.send(&router, true), Err(Error::EHOSTUNREACH));
    assert_eq!(frame, "nobody");
}

#[test]
fn a_router_replies_by_the_identity_frame_it_received() {
    let context = context();
    let (router, dealer) = pair(&context, "tcp://127.0.0.1:*", (zmq::ROUTER, zmq::DEALER));
    dispatch(Frame::from("ask"), &dealer, false);
    let (identity, more) = arrive(&router);
    assert!(more);
    assert_eq!(arrive(&router), (Frame::from("ask"), false));
    // Stored like this in the broker.
    let identity = identity.detached();
    dispatch(identity, &router, true);
    dispatch(Frame::from("answer"), &router, false);
    assert_eq!(arrive(&dealer), (Frame::from("answer"), false));
}

/// 2 bytes of length and 33 of content: libzmq stores such a frame as a slice of the receive
/// buffer, not inline.
#[test]
fn received_frames_are_cloned_by_many_threads_at_once() {
    let context = context();
    let (receiver, sender) = pair(&context, "tcp://127.0.0.1:*", PAIRS);
    for len in [32, 33, 34, 78, 79, 1000, 20_000] {
        for _ in 0..20 {
            dispatch(Frame::from(pattern(len)), &sender, false);
            let (frame, _) = arrive(&receiver);
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        let clones: Vec<Frame> = (0..50).map(|_| frame.clone()).collect();
                        assert!(clones.iter().all(|clone| *clone == pattern(len)[..]));
                    });
                }
            });
        }
    }
}

#[test]
fn clones_are_sent_by_several_threads_at_once() {
    let context = context();
    let receiver = open(&context, zmq::PULL);
    receiver.bind("inproc://fan-in").unwrap();
    let body = Frame::from(pattern(10_000));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let sender = open(&context, zmq::PUSH);
                sender.set_linger(-1).unwrap();
                sender.connect("inproc://fan-in").unwrap();
                (0..100).for_each(|_| dispatch(body.clone(), &sender, false));
            });
        }
        for _ in 0..400 {
            assert_eq!(arrive(&receiver).0.as_ptr(), body.as_ptr());
        }
    });
}

#[test]
fn subscribers_receive_published_frames() {
    let context = context();
    let (publisher, subscriber) = pair(&context, "inproc://pub", (zmq::XPUB, zmq::SUB));
    subscriber.set_subscribe(b"").unwrap();
    assert_eq!(arrive(&publisher).0, &[1][..]);
    let news = Frame::from(pattern(3000));
    dispatch(news.clone(), &publisher, false);
    assert_eq!(arrive(&subscriber).0, news);
}

/// Checks the documentation of `Frame::send` on a connection that breaks within a message.
#[test]
fn a_message_interrupted_by_the_end_of_its_connection_can_be_sent_again() {
    let context = context();
    let sender = open(&context, zmq::PUSH);
    let first = open(&context, zmq::PULL);
    first.bind("inproc://first").unwrap();
    sender.connect("inproc://first").unwrap();

    dispatch(Frame::from("one"), &sender, true);
    drop(first);
    // Time for libzmq to notice the end. Either `send` or libzmq may notice it first.
    thread::sleep(Duration::from_millis(20));
    let mut refused = 0;
    for (text, more) in [("two", true), ("three", true), ("four", false)] {
        let mut frame = Frame::from(text);
        if let Err(error) = frame.send(&sender, more) {
            assert_eq!(error, Error::EAGAIN);
            assert_eq!(frame, text);
            refused += 1;
        }
    }
    assert!(refused <= 1, "only the frame that noticed the end is refused");

    while sender.get_events().unwrap().contains(zmq::POLLOUT) {
        thread::sleep(Duration::from_millis(1));
    }

    let second = open(&context, zmq::PULL);
    second.bind("inproc://second").unwrap();
    sender.connect("inproc://second").unwrap();
    dispatch(Frame::from("one"), &sender, true);
    dispatch(Frame::from("two"), &sender, false);
    assert_eq!(arrive(&second), (Frame::from("one"), true));
    assert_eq!(arrive(&second), (Frame::from("two"), false));
}
