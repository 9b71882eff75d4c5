//! Where a thread of a Rust program sleeps until its future is woken, or leads meanwhile.

use std::cell::RefCell;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::task::{Wake, Waker};

use pigato_frame::fork_generation;
use pigato_sync::Signal;

use super::poll::poll_either;
use super::socket_pair::SocketPair;

/// One thread's parker. A wake-up costs a system call only while the thread sleeps.
#[derive(Debug)]
pub(crate) struct Parker {
    inner: pigato_sync::Parker<WakePipe>,
    /// The fork generation of the process that made it: parent and child must not share a wake
    /// pipe.
    generation: u32,
}

/// Ends a poll. `None` if the process had no descriptors left; then the parker cannot poll.
#[derive(Debug)]
struct WakePipe(Option<SocketPair>);

impl Signal for WakePipe {
    fn raise(&self) {
        if let Some(pair) = &self.0 {
            pair.raise();
        }
    }

    fn clear(&self) {
        if let Some(pair) = &self.0 {
            pair.clear();
        }
    }
}

thread_local! {
    static PARKER: RefCell<Arc<Parker>> = RefCell::new(Parker::new());
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.inner.wake();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.inner.wake();
    }
}

impl Parker {
    fn new() -> Arc<Self> {
        let wake_pipe = WakePipe(SocketPair::new().ok());
        Arc::new(Self { inner: pigato_sync::Parker::new(wake_pipe), generation: fork_generation() })
    }

    /// The parker of the current thread.
    pub(crate) fn current() -> Arc<Self> {
        PARKER.with_borrow_mut(|parker| {
            if parker.generation != fork_generation() {
                *parker = Self::new();
            }
            Arc::clone(parker)
        })
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// Waits for a wake-up; returns at once after one since the last wait.
    ///
    /// # Blocking
    ///
    /// Blocks until the waker is woken.
    pub(crate) fn park(&self) {
        self.inner.park();
    }

    /// Whether [`Parker::poll`] can wait.
    pub(crate) fn can_poll(&self) -> bool {
        self.inner.signal().0.is_some()
    }

    /// Waits for a wake-up or until `descriptor` is readable. Returns whether there was a wake-up,
    /// perhaps since the last wait.
    ///
    /// # Blocking
    ///
    /// Blocks until one of the two happens; returns `true` at once if the parker cannot poll.
    pub(crate) fn poll(&self, descriptor: RawFd) -> bool {
        let Some(pair) = &self.inner.signal().0 else { return true };
        self.inner.poll(|_| {
            let [_, is_woken] = poll_either([descriptor, pair.as_raw_fd()], None);
            is_woken
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::thread;

    use super::*;

    fn polls_until_woken(before: impl FnOnce(Waker), during: impl FnOnce(Waker) + Send + 'static) -> bool {
        let (readable, _writable) = UnixStream::pair().unwrap();
        let parker = Parker::current();
        before(parker.waker());
        let waker = parker.waker();
        let waking = thread::spawn(move || during(waker));
        let is_woken = parker.poll(readable.as_raw_fd());
        waking.join().unwrap();
        is_woken
    }

    #[test]
    fn a_wake_up_before_or_during_a_poll_ends_it() {
        for _ in 0..100 {
            assert!(polls_until_woken(|_| {}, Waker::wake));
            assert!(polls_until_woken(Waker::wake, |_| {}));
        }
    }

    #[test]
    fn a_wake_up_before_or_during_a_park_ends_it() {
        let parker = Parker::current();
        for _ in 0..100 {
            parker.waker().wake();
            parker.park();
            let waker = parker.waker();
            let waking = thread::spawn(move || waker.wake());
            parker.park();
            waking.join().unwrap();
        }
    }

    #[test]
    fn a_readable_descriptor_ends_a_poll_without_a_wake_up() {
        let (readable, writable) = UnixStream::pair().unwrap();
        let parker = Parker::current();
        (&writable).write_all(&[1]).unwrap();
        assert!(!parker.poll(readable.as_raw_fd()));
    }
}
