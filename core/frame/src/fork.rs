//! Detects a fork of the process without a system call.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Once;

/// Number of forks in this process and its ancestors.
static GENERATION: AtomicU32 = AtomicU32::new(0);

extern "C" fn count_fork() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// A number that differs between a process and its parent, provided that both have called this
/// function.
///
/// Threads and sockets do not survive a fork: do not use one that was created under another number.
/// The call reads memory, whereas a query of the process id is a system call. It does not notice a
/// child made by a raw `clone` that bypasses the C library.
#[must_use]
pub fn fork_generation() -> u32 {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // SAFETY: the handler only adds to an atomic number, which is allowed in a forked child.
        let rc = unsafe { libc::pthread_atfork(None, None, Some(count_fork)) };
        debug_assert_eq!(rc, 0, "fails for lack of memory only");
    });
    GENERATION.load(Ordering::Relaxed)
}
