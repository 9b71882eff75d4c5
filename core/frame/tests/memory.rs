//! Checks by addresses and a counting allocator what is copied and what is freed.

#![cfg(feature = "zmq")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::{arrive, dispatch, pair, pattern};
use pigato_frame::{Context, Frame};

/// Counts the large blocks that Rust code has allocated and not yet freed.
struct Counting;

const LARGE: usize = 1 << 20;
static LARGE_BLOCKS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: forwards to the system's allocator and counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= LARGE {
            LARGE_BLOCKS.fetch_add(1, Ordering::SeqCst);
        }
        // SAFETY: arguments passed on unchanged.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if layout.size() >= LARGE {
            LARGE_BLOCKS.fetch_sub(1, Ordering::SeqCst);
        }
        // SAFETY: arguments passed on unchanged.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The count is global: only one test may run at any time.
static COUNTED: Mutex<()> = Mutex::new(());

#[test]
fn a_large_vec_becomes_a_frame_without_being_copied_and_is_freed_once() {
    let _alone = COUNTED.lock().unwrap_or_else(PoisonError::into_inner);
    let bytes = vec![7_u8; 16 << 20];
    let address = bytes.as_ptr();
    let before = LARGE_BLOCKS.load(Ordering::SeqCst);

    let frame = Frame::from(bytes);
    assert_eq!(frame.as_ptr(), address);
    let clone = frame.clone();
    drop(frame);
    assert_eq!(clone.as_ptr(), address);
    assert_eq!(clone.len(), 16 << 20);
    assert_eq!(LARGE_BLOCKS.load(Ordering::SeqCst), before);
    drop(clone);
    assert_eq!(LARGE_BLOCKS.load(Ordering::SeqCst), before - 1);
}

#[test]
fn a_sent_vec_is_freed_by_libzmq_when_the_peer_has_it() {
    let _alone = COUNTED.lock().unwrap_or_else(PoisonError::into_inner);
    let context = Context::new(8, 1).unwrap();
    let (receiver, sender) = pair(&context, "tcp://127.0.0.1:*", (zmq::PAIR, zmq::PAIR));
    let before = LARGE_BLOCKS.load(Ordering::SeqCst);
    dispatch(Frame::from(vec![7_u8; 4 << 20]), &sender, false);
    let (received, _) = arrive(&receiver);
    assert_eq!(received.len(), 4 << 20);

    let deadline = Instant::now() + Duration::from_secs(10);
    while LARGE_BLOCKS.load(Ordering::SeqCst) != before {
        assert!(Instant::now() < deadline, "the vector is still allocated");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_detached_frame_does_not_share_the_receive_buffer() {
    let context = Context::new(8, 1).unwrap();
    let (receiver, sender) = pair(&context, "tcp://127.0.0.1:*", (zmq::PAIR, zmq::PAIR));
    for len in [78, 79, 1000, 8000] {
        dispatch(Frame::from(pattern(len)), &sender, false);
        let (received, _) = arrive(&receiver);
        let detached = received.detached();
        assert_ne!(detached.as_ptr(), received.as_ptr(), "{len} bytes");
        assert_eq!(detached, received);
    }
}

#[test]
fn detaching_a_frame_with_its_own_memory_copies_nothing() {
    let context = Context::new(8, 1).unwrap();
    let (receiver, sender) = pair(&context, "tcp://127.0.0.1:*", (zmq::PAIR, zmq::PAIR));
    dispatch(Frame::from(pattern(100_000)), &sender, false);
    let (received, _) = arrive(&receiver);
    assert_eq!(received.detached().as_ptr(), received.as_ptr());
}
