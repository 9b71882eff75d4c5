//! How a thread waits for what the I/O thread will tell it, or works for an endpoint meanwhile.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use pigato_frame::fork_generation;

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
    /// What ends a poll; `None` where there are no descriptors left, and then it cannot poll.
    bell: Option<Bell>,
    /// That of the process that made it: parent and child must not share a bell.
    generation: u32,
}

#[derive(Debug)]
struct Bell {
    ringing: UnixStream,
    pull: UnixStream,
}

impl Bell {
    fn new() -> io::Result<Self> {
        let (ringing, pull) = UnixStream::pair()?;
        ringing.set_nonblocking(true)?;
        pull.set_nonblocking(true)?;
        Ok(Self { ringing, pull })
    }
}

thread_local! {
    static SLEEPER: RefCell<Arc<Sleeper>> = RefCell::new(Sleeper::new());
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        match self.state.swap(WOKEN, Ordering::SeqCst) {
            PARKED => self.thread.unpark(),
            POLLING => {
                if let Some(bell) = &self.bell {
                    // Fails only if it rings already.
                    let _ = (&bell.pull).write(&[1]);
                }
            }
            _ => {}
        }
    }
}

impl Sleeper {
    fn new() -> Arc<Self> {
        let (thread, state, bell) = (thread::current(), AtomicU8::new(AWAKE), Bell::new().ok());
        Arc::new(Self { thread, state, bell, generation: fork_generation() })
    }

    /// The present thread's.
    pub(crate) fn current() -> Arc<Self> {
        SLEEPER.with_borrow_mut(|sleeper| {
            if sleeper.generation != fork_generation() {
                *sleeper = Self::new();
            }
            Arc::clone(sleeper)
        })
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

    /// Whether it has what [`Sleeper::poll`] needs.
    pub(super) fn can_poll(&self) -> bool {
        self.bell.is_some()
    }

    /// Waits for a wake, for `descriptor` to become readable or until `deadline`. Returns whether it was a wake; one that came
    /// since the last wait counts.
    pub(super) fn poll(&self, descriptor: RawFd, deadline: Option<Instant>) -> bool {
        let Some(bell) = &self.bell else { return true };
        if self.begin(POLLING) {
            let mut items = [descriptor, bell.ringing.as_raw_fd()].map(|fd| zmq::PollItem::from_fd(fd, zmq::POLLIN));
            // A signal, or a descriptor that was closed meanwhile: either way the caller looks again.
            let _ = zmq::poll(&mut items, millis_until(deadline));
            if items[1].is_readable() {
                // Perhaps from an earlier wake, which may have come before its ring.
                let _ = (&bell.ringing).read(&mut [0; 8]);
            }
        }
        self.state.swap(AWAKE, Ordering::SeqCst) == WOKEN
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

#[cfg(test)]
mod tests {
    use super::*;

    fn polls_until_woken(before: impl FnOnce(Waker), during: impl FnOnce(Waker) + Send + 'static) -> bool {
        let (readable, _writable) = UnixStream::pair().unwrap();
        let sleeper = Sleeper::current();
        before(sleeper.waker());
        let waker = sleeper.waker();
        let waking = thread::spawn(move || during(waker));
        let is_woken = sleeper.poll(readable.as_raw_fd(), Some(Instant::now() + Duration::from_secs(60)));
        waking.join().unwrap();
        is_woken
    }

    #[test]
    fn a_wake_ends_a_poll_whether_it_comes_before_or_meanwhile() {
        for _ in 0..100 {
            assert!(polls_until_woken(|_| {}, Waker::wake));
            assert!(polls_until_woken(Waker::wake, |_| {}));
        }
    }

    #[test]
    fn a_wake_ends_a_park_whether_it_comes_before_or_meanwhile() {
        let sleeper = Sleeper::current();
        for _ in 0..100 {
            sleeper.waker().wake();
            sleeper.park();
            let waker = sleeper.waker();
            let waking = thread::spawn(move || waker.wake());
            sleeper.park();
            waking.join().unwrap();
        }
    }

    #[test]
    fn a_readable_descriptor_and_a_deadline_end_a_poll_without_a_wake() {
        let (readable, writable) = UnixStream::pair().unwrap();
        let sleeper = Sleeper::current();
        assert!(!sleeper.poll(readable.as_raw_fd(), Some(Instant::now())));
        (&writable).write_all(&[1]).unwrap();
        assert!(!sleeper.poll(readable.as_raw_fd(), None));
    }
}
