//! Frames as values: equal with and without libzmq.

use std::collections::{BTreeSet, HashMap};
use std::hint;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use pigato_frame::Frame;

/// Lengths around the limits of inline storage and of receive buffers, and a large one.
const LENGTHS: [usize; 13] = [0, 1, 29, 30, 32, 33, 34, 77, 78, 79, 8192, 8193, 1 << 20];

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 % 251) as u8).collect()
}

/// Whether the bytes are stored inside the value.
fn is_inline(frame: &Frame) -> bool {
    let value = (&raw const *frame).addr();
    (value..value + size_of::<Frame>()).contains(&frame.as_ptr().addr())
}

#[test]
fn frames_of_every_length_read_back_from_every_source() {
    for len in LENGTHS {
        let bytes = pattern(len);
        assert_eq!(Frame::copy_from_slice(&bytes), &bytes[..]);
        assert_eq!(Frame::from(&bytes[..]), &bytes[..]);
        assert_eq!(Frame::from(bytes.clone()), &bytes[..]);
        assert_eq!(Frame::from(bytes.clone()).clone(), &bytes[..]);
        assert_eq!(Frame::from(bytes.clone()).detached(), &bytes[..]);
    }
}

#[test]
fn parts_become_one_frame() {
    for len in LENGTHS {
        let bytes = pattern(len);
        let (first, second) = bytes.split_at(len / 3);
        assert_eq!(Frame::concat(&[first, b"", second]), &bytes[..], "{len} bytes");
    }
}

#[test]
fn text_and_arrays_become_frames() {
    assert_eq!(Frame::from("echo"), "echo");
    assert_eq!(Frame::from(String::from("echo")), "echo");
    assert_eq!(Frame::from(&[1, 2, 3]), &[1, 2, 3][..]);
    assert_eq!(Frame::from(b"MDPC01"), *b"MDPC01".as_slice());
    assert_eq!(Frame::from("x".repeat(1000)), "x".repeat(1000).as_str());
}

#[test]
fn a_default_frame_is_empty() {
    assert!(Frame::default().is_empty());
    assert_eq!(Frame::default(), "");
    assert_eq!(Frame::from(Vec::with_capacity(100)), "");
}

#[test]
fn a_vec_with_spare_capacity_keeps_its_length() {
    let mut bytes = Vec::with_capacity(10_000);
    bytes.extend_from_slice(&pattern(5000));
    assert_eq!(Frame::from(bytes), &pattern(5000)[..]);
}

#[test]
fn a_frame_of_up_to_78_bytes_is_stored_inside_the_value() {
    for len in 1..=78 {
        assert!(is_inline(&Frame::from(pattern(len))), "{len} bytes");
        assert!(is_inline(&Frame::copy_from_slice(&pattern(len)).clone()));
    }
    assert!(!is_inline(&Frame::from(pattern(100))));
}

#[test]
fn a_frame_has_80_bytes() {
    assert_eq!(size_of::<Frame>(), 80);
}

#[test]
fn clones_of_long_frames_share_their_memory() {
    for len in [100, 8192, 1 << 20] {
        let frame = Frame::copy_from_slice(&pattern(len));
        let first = frame.clone();
        let second = first.clone();
        assert_eq!(frame.as_ptr(), first.as_ptr());
        assert_eq!(frame.as_ptr(), second.as_ptr());
    }
}

#[test]
fn a_clone_outlives_the_original() {
    let frame = Frame::from(pattern(100_000));
    let clone = frame.clone();
    drop(frame);
    assert_eq!(clone, &pattern(100_000)[..]);
}

#[test]
fn frames_compare_order_and_hash_as_their_bytes() {
    let (a, b) = (Frame::from("alpha"), Frame::from("beta"));
    assert_ne!(a, b);
    assert!(a < b);
    assert_eq!(a, Frame::from("alpha"));
    let ordered: BTreeSet<Frame> = [&b, &a, &b].map(Frame::clone).into();
    assert!(ordered.into_iter().eq([a.clone(), b.clone()]));

    let map = HashMap::from([(a, 1), (b, 2), (Frame::from(pattern(500)), 3)]);
    assert_eq!(map.get(b"beta".as_slice()), Some(&2));
    assert_eq!(map.get(&pattern(500)[..]), Some(&3));
    assert_eq!(map.get(b"gamma".as_slice()), None);
}

#[test]
fn debug_shows_text_or_hexadecimal_and_cuts_long_frames() {
    let shown = |bytes: &[u8]| format!("{:?}", Frame::from(bytes));
    assert_eq!(shown(b""), r#"Frame("")"#);
    assert_eq!(shown(b"MDPC01"), r#"Frame("MDPC01")"#);
    assert_eq!(shown(br#"{"a":1}"#), r#"Frame("{\"a\":1}")"#);
    assert_eq!(shown(&[0, 0x80, 0xfa]), "Frame(0x0080fa)");
    assert_eq!(shown(b"a\nb"), "Frame(0x610a62)");
    assert_eq!(shown(&[b'x'; 2048]), format!("Frame(\"{}…\", 2048 bytes)", "x".repeat(32)));
    assert_eq!(shown(&[0xff; 40]), format!("Frame(0x{}…, 40 bytes)", "ff".repeat(32)));
    // The cut splits the 2 bytes of an é.
    let accented = format!("x{}", "é".repeat(50));
    assert_eq!(shown(accented.as_bytes()), format!("Frame(\"x{}…\", 101 bytes)", "é".repeat(15)));
}

#[test]
fn frames_may_be_sent_to_and_shared_by_threads() {
    fn both<T: Send + Sync + 'static>() {}
    both::<Frame>();
}

/// A lost or duplicate reference would free the bytes too early or never.
#[test]
fn many_threads_clone_and_drop_one_frame() {
    for len in [5, 78, 79, 5000] {
        let bytes = pattern(len);
        let frame = Frame::from(bytes.clone());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let clones: Vec<Frame> = (0..100).map(|_| frame.clone()).collect();
                        assert!(clones.iter().all(|clone| *clone == bytes[..]));
                    }
                });
            }
        });
        assert_eq!(frame, &bytes[..]);
    }
}

/// Two threads make the very first clones of a frame at the same moment, many times.
#[test]
fn two_threads_make_the_first_clone_at_once() {
    const ROUNDS: usize = if cfg!(debug_assertions) { 5_000 } else { 50_000 };
    let bytes = pattern(100);
    let arrived = AtomicUsize::new(0);
    let frames: Vec<Frame> = (0..ROUNDS).map(|_| Frame::copy_from_slice(&bytes)).collect();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for (round, frame) in frames.iter().enumerate() {
                    arrived.fetch_add(1, Ordering::SeqCst);
                    while arrived.load(Ordering::SeqCst) < 2 * (round + 1) {
                        hint::spin_loop();
                    }
                    drop(frame.clone());
                }
            });
        }
    });
    assert!(frames.iter().all(|frame| *frame == bytes[..]));
}

#[test]
fn clones_are_dropped_on_other_threads_in_any_order() {
    let frame = Frame::from(pattern(1 << 16));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let clone = frame.clone();
            thread::spawn(move || clone.iter().map(|byte| u64::from(*byte)).sum::<u64>())
        })
        .collect();
    let sum: u64 = frame.iter().map(|byte| u64::from(*byte)).sum();
    drop(frame);
    for thread in threads {
        assert_eq!(thread.join().unwrap(), sum);
    }
}
