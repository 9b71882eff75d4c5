//! Whether the process was forked, without asking the system each time.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Once;

/// How often this process and those before it were forked.
static GENERATION: AtomicU32 = AtomicU32::new(0);

extern "C" fn count_fork() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// A number that differs between a process and what it was forked from, for as long as both have asked before.
///
/// Threads and sockets do not survive a fork: what was made under another number must not be used. Costs a read of memory,
/// where asking for the process id is a system call. A child made by a raw `clone`, past the C library, is not noticed.
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
