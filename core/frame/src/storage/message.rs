//! Blocks that are libzmq messages.
//!
//! A libzmq message longer than 33 bytes points to bytes with a reference count: its own allocation
//! or, when received, mostly a slice of the connection's 8 KiB receive buffer. A clone is another
//! message that shares the bytes (`zmq_msg_copy`), so a received block costs no further allocation,
//! however it is used.
//!
//! The first `zmq_msg_copy` of a message writes to its *source* (libzmq 4.3.4 and 4.3.5,
//! `src/msg.cpp`): it sets a flag and stores, not atomically adds, a count of 2. Two threads
//! copying at once would lose a reference, so a lock serialises copies of one block. The copies
//! have the flag from the start and count atomically.

use std::alloc::{handle_alloc_error, Layout};
use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicBool, Ordering};

use zmq_sys::zmq_msg_t;

use super::INLINE;

/// An initialised `zmq_msg_t`, closed when dropped.
pub(crate) struct RawMessage(pub(crate) zmq_msg_t);

impl RawMessage {
    pub(crate) fn empty() -> Self {
        let mut raw = zmq_msg_t::default();
        // SAFETY: initialises memory that we own; cannot fail.
        unsafe { zmq_sys::zmq_msg_init(&mut raw) };
        Self(raw)
    }

    pub(crate) fn copy_from(source: &[u8]) -> Self {
        let mut message = Self::empty();
        // SAFETY: the empty message owns nothing and may be initialised again. Afterwards it has
        // room for exactly these bytes, and no other reference exists yet.
        unsafe {
            check_allocated(zmq_sys::zmq_msg_init_size(&mut message.0, source.len()), source.len());
            let target = zmq_sys::zmq_msg_data(&mut message.0).cast::<u8>();
            ptr::copy_nonoverlapping(source.as_ptr(), target, source.len());
        }
        message
    }

    pub(crate) fn bytes(&mut self) -> &[u8] {
        // SAFETY: the message is initialised, and nothing writes to it while the borrow lasts.
        unsafe { bytes_of(&mut self.0) }
    }

    /// Whether more frames of the same message follow. Meaningful only for a message just received.
    pub(crate) fn more(&self) -> bool {
        // SAFETY: the message is initialised; reads a flag.
        unsafe { zmq_sys::zmq_msg_more(&self.0) != 0 }
    }
}

impl Drop for RawMessage {
    fn drop(&mut self) {
        // SAFETY: the message is initialised, and not used after this.
        let rc = unsafe { zmq_sys::zmq_msg_close(&mut self.0) };
        debug_assert_eq!(rc, 0, "fails for uninitialised messages only");
    }
}

/// The bytes of a message.
///
/// # Safety
///
/// The message is initialised. While the bytes are in use, nothing closes, moves or writes to it,
/// except `zmq_msg_copy`, which does not change the parts that this function reads.
unsafe fn bytes_of<'a>(message: *mut zmq_msg_t) -> &'a [u8] {
    // SAFETY: the caller's promise; the bytes live as long as the message. A length of 0 may come
    // with any pointer.
    unsafe {
        match zmq_sys::zmq_msg_size(message) {
            0 => &[],
            len => slice::from_raw_parts(zmq_sys::zmq_msg_data(message).cast::<u8>(), len),
        }
    }
}

/// A message of more than [`INLINE`] bytes, which are therefore outside of the structure and do not
/// move with it.
pub(crate) struct Block {
    /// Only written by copying, by the thread that has set `is_copied`.
    message: UnsafeCell<RawMessage>,
    /// A 1-byte spin lock: a frame has no room for more.
    is_copied: AtomicBool,
}

// SAFETY: a message is not tied to the thread that created it: libzmq itself moves messages between
// application and I/O threads. Its bytes and properties are counted atomically, and the function
// that frees an adopted `Vec` may run on any thread.
unsafe impl Send for Block {}

// SAFETY: `&Block` allows two operations. Reading: the bytes never change (no code here returns
// `&mut` to them, and libzmq writes to the bytes of an outgoing message only if they are not
// shared, `ws_encoder.cpp`). Copying: `is_copied` serialises it, and it writes nothing that reading
// reads.
unsafe impl Sync for Block {}

impl Block {
    /// Takes ownership of a message, which must be longer than [`INLINE`].
    pub(crate) fn adopt(message: RawMessage) -> Self {
        let block = Self { message: UnsafeCell::new(message), is_copied: AtomicBool::new(false) };
        debug_assert!(block.as_slice().len() > INLINE, "short messages have their bytes inside");
        block
    }

    pub(crate) fn copy_from(source: &[u8]) -> Self {
        Self::adopt(RawMessage::copy_from(source))
    }

    /// Takes ownership of the vector's memory, with its spare capacity.
    pub(crate) fn from_vec(bytes: Vec<u8>) -> Self {
        let mut bytes = std::mem::ManuallyDrop::new(bytes);
        let mut message = RawMessage::empty();
        // SAFETY: the empty message owns nothing and may be initialised again. The memory was
        // allocated by a `Vec` of that capacity, is not empty, and belongs to the message from here
        // on; `free_vec` gets pointer and capacity back.
        let rc = unsafe {
            zmq_sys::zmq_msg_init_data(
                &mut message.0,
                bytes.as_mut_ptr().cast::<c_void>(),
                bytes.len(),
                Some(free_vec),
                ptr::without_provenance_mut(bytes.capacity()),
            )
        };
        check_allocated(rc, bytes.len());
        Self::adopt(message)
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        // SAFETY: the message is initialised and lives as long as `self`. Its bytes are
        // outside of the structure, so it may move meanwhile, and the only other operation is
        // copying.
        unsafe { bytes_of(&raw mut (*self.message.get()).0) }
    }

    pub(crate) fn into_message(self) -> RawMessage {
        self.message.into_inner()
    }
}

/// Another message with the same bytes.
impl Clone for Block {
    fn clone(&self) -> Self {
        let mut copy = RawMessage::empty();
        // The lock is held for some nanoseconds, so a wait is rare.
        while self.is_copied.swap(true, Ordering::Acquire) {
            std::thread::yield_now();
        }
        // SAFETY: both messages are initialised, and only the thread that has set `is_copied`
        // writes to the source.
        let rc = unsafe { zmq_sys::zmq_msg_copy(&mut copy.0, &raw mut (*self.message.get()).0) };
        self.is_copied.store(false, Ordering::Release);
        debug_assert_eq!(rc, 0, "fails for uninitialised messages only");
        Self::adopt(copy)
    }
}

/// Frees the memory of a `Vec<u8>` whose capacity is `hint`; its elements need no drop.
unsafe extern "C" fn free_vec(data: *mut c_void, hint: *mut c_void) {
    // SAFETY: `from_vec` took both from a vector that it leaked, and libzmq calls this once.
    drop(unsafe { Vec::from_raw_parts(data.cast::<u8>(), 0, hint.addr()) });
}

/// Handles running out of memory like any other allocation in Rust.
fn check_allocated(rc: c_int, len: usize) {
    if rc != 0 {
        handle_alloc_error(Layout::array::<u8>(len).unwrap_or(Layout::new::<zmq_msg_t>()));
    }
}
