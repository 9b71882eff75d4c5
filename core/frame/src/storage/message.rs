//! Frames that are libzmq messages.
//!
//! Invariant: `raw` is always an initialised `zmq_msg_t`, and if its bytes are outside of the structure, its `shared`
//! flag is set. The second half is what makes cloning through `&self`, and so `Sync`, sound.
//!
//! A message has three forms that matter here (libzmq 4.3.4 and 4.3.5, `src/msg.cpp`):
//!
//! - *inline*: up to 33 bytes inside the structure itself (37 on 32-bit platforms);
//! - *long*: a pointer to a block with a reference count, owned by this message or, on the receiving side, carved out
//!   of the 8 KiB buffer that the connection was read into (a frame of exactly 33 bytes can be such a slice, too);
//! - with either goes a pointer to the properties of the connection it came from, which are immutable and counted
//!   atomically.
//!
//! `zmq_msg_copy` writes to its *source* in one case only: a long message that was never copied before. Then it sets
//! the flag `shared` and stores (not atomically adds) a count of 2. Two threads doing this at once would lose a
//! reference. When the flag is set already, it only adds to the atomic count. So every long message is marked right
//! when it becomes a frame, while only one owner can see it, by making a copy and closing that again: the count is
//! then 1 and the flag stays. This costs some 30 ns per long frame, about a fortieth of what libzmq needs to bring 1
//! KiB through TCP.

use std::alloc::{handle_alloc_error, Layout};
use std::ffi::{c_int, c_void};
use std::marker::PhantomData;
use std::ptr;
use std::slice;

use zmq_sys::zmq_msg_t;

/// Up to this length libzmq keeps the bytes inside the message, whatever the platform.
const INLINE: usize = 33;

/// Messages longer than this are never slices of a receive buffer, because they do not fit into one.
const RECEIVE_BUFFER: usize = 8192;

pub(crate) struct Message {
    raw: zmq_msg_t,
    /// Stands for the pointers that `raw` has in it, so that `Send` and `Sync` are not derived but argued for.
    _pointers: PhantomData<*const u8>,
}

// SAFETY: a message has no tie to the thread that made it: libzmq itself moves messages between application and I/O
// threads. Its block and its properties are counted atomically, and the function that frees an adopted `Vec` may run
// on any thread.
unsafe impl Send for Message {}

// SAFETY: through `&Message` one can read the bytes and clone. The bytes of a frame never change: nothing here hands
// out `&mut` to them, and libzmq writes to the bytes of outgoing messages only if they are not shared
// (`ws_encoder.cpp`). Reading looks at the structure without changing it. Cloning is `zmq_msg_copy`, which, by the
// invariant above, does nothing to the source but add to atomic counters. Everything that changes the structure takes
// `&mut self` or ownership.
unsafe impl Sync for Message {}

impl Message {
    pub(crate) fn copy_from(source: &[u8]) -> Self {
        let mut message = Self::with_size(source.len());
        // SAFETY: `with_size` made room for exactly as many bytes, and nobody else can see the message yet.
        unsafe {
            let target = zmq_sys::zmq_msg_data(&raw mut message.raw).cast::<u8>();
            ptr::copy_nonoverlapping(source.as_ptr(), target, source.len());
        }
        message.mark_shared();
        message
    }

    /// Adopts the vector's memory, with its spare capacity, instead of copying it; short ones are moved inside.
    pub(crate) fn from_vec(bytes: Vec<u8>) -> Self {
        if bytes.len() <= INLINE {
            return Self::copy_from(&bytes);
        }
        let mut bytes = std::mem::ManuallyDrop::new(bytes);
        let mut message = Self::default();
        // SAFETY: the empty message owns nothing and may be initialised again. The memory was allocated by a `Vec` of
        // that capacity, is not empty, and belongs to the message from here on; `free_vec` gets pointer and capacity
        // back.
        let rc = unsafe {
            zmq_sys::zmq_msg_init_data(
                &raw mut message.raw,
                bytes.as_mut_ptr().cast::<c_void>(),
                bytes.len(),
                Some(free_vec),
                ptr::without_provenance_mut(bytes.capacity()),
            )
        };
        check_allocated(rc, bytes.len());
        message.mark_shared();
        message
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        let raw = self.reading();
        // SAFETY: the message is initialised, and both functions only read it. The bytes, inside the structure or
        // behind its pointer, are initialised too, never change, and live as long as `self`. A length of 0 may come
        // with any pointer.
        unsafe {
            match zmq_sys::zmq_msg_size(raw) {
                0 => &[],
                len => slice::from_raw_parts(zmq_sys::zmq_msg_data(raw).cast::<u8>(), len),
            }
        }
    }

    /// A copy that keeps neither a receive buffer (18 KiB with its bookkeeping) nor a connection's properties alive.
    ///
    /// What is longer than a receive buffer has a block of its own, and is shared like any clone.
    pub(crate) fn detached(&self) -> Self {
        let bytes = self.as_slice();
        if bytes.len() > RECEIVE_BUFFER {
            self.clone()
        } else {
            Self::copy_from(bytes)
        }
    }

    /// Lets libzmq fill in or take away the message, and restores the invariant after it.
    ///
    /// # Safety
    ///
    /// `call` must leave an initialised message behind, and on failure (-1) the one that was there.
    pub(crate) unsafe fn exchange(&mut self, call: impl FnOnce(*mut zmq_msg_t) -> c_int) -> c_int {
        let rc = call(&raw mut self.raw);
        if rc >= 0 {
            self.mark_shared();
        }
        rc
    }

    /// Whether more frames of the same message follow. Says something on a message just received only.
    pub(crate) fn more(&self) -> bool {
        // SAFETY: the message is initialised; reads a flag.
        unsafe { zmq_sys::zmq_msg_more(self.reading()) != 0 }
    }

    fn with_size(len: usize) -> Self {
        let mut message = Self::default();
        // SAFETY: the empty message owns nothing and may be initialised again.
        let rc = unsafe { zmq_sys::zmq_msg_init_size(&raw mut message.raw, len) };
        check_allocated(rc, len);
        message
    }

    /// Sets the flag `shared` on a message whose bytes are elsewhere; see the head of this file.
    fn mark_shared(&mut self) {
        if !self.is_inline() {
            // SAFETY: the message is initialised, and nobody else can see it.
            drop(unsafe { Self::copy_of(&raw mut self.raw) });
        }
    }

    /// Asked of the pointer, not of the length: where libzmq draws the line depends on version, platform and origin.
    fn is_inline(&self) -> bool {
        let raw = self.reading();
        // SAFETY: the message is initialised; reads a pointer.
        let data = unsafe { zmq_sys::zmq_msg_data(raw) };
        (raw.addr()..raw.addr() + size_of::<zmq_msg_t>()).contains(&data.addr())
    }

    /// The structure, for functions of libzmq that only read it, though not all of them say so in their signature.
    fn reading(&self) -> *mut zmq_msg_t {
        (&raw const self.raw).cast_mut()
    }

    /// # Safety
    ///
    /// `source` is initialised, and it is marked as shared or inline, or may be written to.
    unsafe fn copy_of(source: *mut zmq_msg_t) -> Self {
        let mut copy = Self::default();
        // SAFETY: both messages are initialised.
        let rc = unsafe { zmq_sys::zmq_msg_copy(&raw mut copy.raw, source) };
        debug_assert_eq!(rc, 0, "fails for uninitialised messages only");
        copy
    }
}

impl Default for Message {
    fn default() -> Self {
        let mut raw = zmq_msg_t::default();
        // SAFETY: initialises memory that we own; cannot fail.
        unsafe { zmq_sys::zmq_msg_init(&mut raw) };
        Self { raw, _pointers: PhantomData }
    }
}

impl Clone for Message {
    fn clone(&self) -> Self {
        // SAFETY: the message is initialised, and by the invariant it is shared or inline: nothing is written to it.
        unsafe { Self::copy_of(self.reading()) }
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: the message is initialised, and not used after this.
        let rc = unsafe { zmq_sys::zmq_msg_close(&raw mut self.raw) };
        debug_assert_eq!(rc, 0, "fails for uninitialised messages only");
    }
}

/// Frees the memory of a `Vec<u8>` of the capacity `hint`; its elements need no dropping.
unsafe extern "C" fn free_vec(data: *mut c_void, hint: *mut c_void) {
    // SAFETY: `from_vec` took both from a vector that it forgot, and libzmq calls this once.
    drop(unsafe { Vec::from_raw_parts(data.cast::<u8>(), 0, hint.addr()) });
}

/// Out of memory ends here as it does for any other allocation in Rust.
fn check_allocated(rc: c_int, len: usize) {
    if rc != 0 {
        handle_alloc_error(Layout::array::<u8>(len).unwrap_or(Layout::new::<zmq_msg_t>()));
    }
}

#[cfg(test)]
mod tests;
