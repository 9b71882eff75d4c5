//! How a thread waits for what the I/O thread will tell it, or works for an endpoint meanwhile.

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Nothing has happened, and the thread does not wait.
const AWAKE: u8 = 0;
/// The thread is, or is about to be, parked.
const PARKED: u8 = 1;
/// The thread is, or is about to be, in the system's poll.
const POLLING: u8 = 2;
/// What it waits for has happened.
const WOKEN: u8 = 3;

/// One thread's waiting. A wake costs a system call only while the thread really waits.
#[derive(Debug)]
pub(crate) struct Sleeper {
    thread: Thread,
    state: AtomicU8,
    /// Made for the first poll: what ends it.
    bell: OnceLock<Bell>,
}

#[derive(Debug)]
struct Bell {
    ringing: UnixStream,
    pull: UnixStream,
}

thread_local! {
    static SLEEPER: Arc<Sleeper> = Arc::new(Sleeper {
        thread: thread::current(),
        state: AtomicU8::new(AWAKE),
        bell: OnceLock::new(),
    });
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        match self.state.swap(WOKEN, Ordering::SeqCst) {
            PARKED => self.thread.unpark(),
            POLLING => {
                if let Some(bell) = self.bell.get() {
                    // Fails only if it rings already.
                    let _ = (&bell.pull).write(&[1]);
                }
            }
            _ => {}
        }
    }
}

impl Sleeper {
    /// The present thread's.
    pub(crate) fn current() -> Arc<Self> {
        SLEEPER.with(Arc::clone)
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// Waits for a wake; one that came since the last wait counts.
    pub(crate) fn park(&self) {
        if self.begin(PARKED) {
            while self.state.load(Ordering::SeqCst) == PARKED {
                thread::park();
            }
        }
        self.state.store(AWAKE, Ordering::SeqCst);
    }

    /// Makes what [`Sleeper::poll`] needs.
    pub(super) fn prepare_to_poll(&self) -> io::Result<()> {
        if self.bell.get().is_none() {
            let (ringing, pull) = UnixStream::pair()?;
            ringing.set_nonblocking(true)?;
            pull.set_nonblocking(true)?;
            // Only this thread sets it.
            let _ = self.bell.set(Bell { ringing, pull });
        }
        Ok(())
    }

    /// Waits for a wake, for `descriptor` to become readable or until `deadline`. Returns whether it was a wake; one that came
    /// since the last wait counts.
    pub(super) fn poll(&self, descriptor: RawFd, deadline: Option<Instant>) -> bool {
        let Some(bell) = self.bell.get() else { return true };
        if self.begin(POLLING) {
            let mut items = [descriptor, bell.ringing.as_raw_fd()].map(|fd| zmq::PollItem::from_fd(fd, zmq::POLLIN));
            // A signal, or a descriptor that was closed meanwhile: either way the caller looks again.
            let _ = zmq::poll(&mut items, millis_until(deadline));
        }
        let is_woken = self.state.swap(AWAKE, Ordering::SeqCst) == WOKEN;
        if is_woken {
            let _ = (&bell.ringing).read(&mut [0; 8]);
        }
        is_woken
    }

    fn begin(&self, waiting: u8) -> bool {
        self.state.compare_exchange(AWAKE, waiting, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

/// What `poll` waits at most: rounded up, for ever without a deadline.
fn millis_until(deadline: Option<Instant>) -> i64 {
    deadline.map_or(-1, |deadline| {
        let left = deadline.saturating_duration_since(Instant::now());
        i64::try_from((left + Duration::from_micros(999)).as_millis()).unwrap_or(i64::MAX).min(i64::from(i32::MAX))
    })
}
