//! The invariant on which `Sync` rests: what is not inline is marked as shared, wherever it comes from.

use std::ffi::c_int;

use super::{Message, INLINE};
use crate::{Context, Frame};

const LENGTHS: [usize; 10] = [0, 1, 29, 30, 32, 33, 34, 1000, 8192, 100_000];

fn assert_safe_to_share(message: &Message) {
    // SAFETY: the message is initialised; reads a flag.
    let shared = unsafe { zmq_sys::zmq_msg_get(message.reading(), zmq_sys::ZMQ_SHARED as c_int) };
    let len = message.as_slice().len();
    assert!(shared == 1 || message.is_inline(), "{len} bytes");
}

#[test]
fn what_is_made_here_is_marked() {
    for len in LENGTHS {
        let bytes = vec![7; len];
        let copied = Message::copy_from(&bytes);
        assert_safe_to_share(&copied);
        assert_safe_to_share(&copied.clone());
        assert_safe_to_share(&copied.detached());
        assert_safe_to_share(&Message::from_vec(bytes));
    }
}

#[test]
fn the_last_owner_stays_marked() {
    let first = Message::from_vec(vec![7; 5000]);
    let last = first.clone();
    drop(first);
    assert_safe_to_share(&last);
}

#[test]
fn what_is_received_is_marked() {
    let context = Context::new(8, 1).unwrap();
    for endpoint in ["tcp://127.0.0.1:*", "inproc://marked"] {
        let receiver = context.socket(zmq::PULL).unwrap();
        receiver.bind(endpoint).unwrap();
        let sender = context.socket(zmq::PUSH).unwrap();
        let endpoint = receiver.get_last_endpoint().unwrap().unwrap();
        sender.connect(&endpoint).unwrap();
        for len in LENGTHS {
            // Past the frames of this crate, which are marked when they are sent.
            sender.send(vec![7; len], 0).unwrap();
            receiver.poll(zmq::POLLIN, 10_000).unwrap();
            let (frame, _) = Frame::recv(&receiver).unwrap();
            assert_eq!(frame.len(), len);
            assert_safe_to_share(&frame.storage);
        }
    }
}

#[test]
fn a_frame_handed_back_by_a_failed_send_is_marked() {
    let context = Context::new(8, 1).unwrap();
    let socket = context.socket(zmq::DEALER).unwrap();
    let (_, frame) = Frame::from(vec![7; 5000]).send(&socket, true).unwrap_err();
    assert_safe_to_share(&frame.storage);
}

#[test]
fn what_this_crate_calls_inline_is_inline() {
    assert!(Message::copy_from(&[7; INLINE]).is_inline());
    assert!(Message::from_vec(vec![7; INLINE]).is_inline());
    assert!(!Message::from_vec(vec![7; INLINE + 1]).is_inline());
}
