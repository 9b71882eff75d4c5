//! How a thread of a Rust program waits for what the I/O thread will tell it, or works for an endpoint meanwhile.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::{self, Thread};

use pigato_frame::fork_generation;

use super::poll::poll_either;

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
pub(crate) struct Parker {
    thread: Thread,
    state: AtomicU8,
    /// What ends a poll; `None` where there are no descriptors left, and then it cannot poll.
    wake_pipe: Option<WakePipe>,
    /// That of the process that made it: parent and child must not share a wake_pipe.
    generation: u32,
}

#[derive(Debug)]
struct WakePipe {
    reader: UnixStream,
    writer: UnixStream,
}

impl WakePipe {
    fn new() -> io::Result<Self> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(Self { reader, writer })
    }
}

thread_local! {
    static PARKER: RefCell<Arc<Parker>> = RefCell::new(Parker::new());
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        match self.state.swap(WOKEN, Ordering::SeqCst) {
            PARKED => self.thread.unpark(),
            POLLING => {
                if let Some(wake_pipe) = &self.wake_pipe {
                    // Fails only if it is_woken already.
                    let _ = (&wake_pipe.writer).write(&[1]);
                }
            }
            _ => {}
        }
    }
}

impl Parker {
    fn new() -> Arc<Self> {
        let (thread, state, wake_pipe) = (thread::current(), AtomicU8::new(AWAKE), WakePipe::new().ok());
        Arc::new(Self { thread, state, wake_pipe, generation: fork_generation() })
    }

    /// The present thread's.
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

    /// Waits for a wake; one that came since the last wait counts.
    pub(crate) fn park(&self) {
        if self.begin(PARKED) {
            while self.state.load(Ordering::SeqCst) == PARKED {
                thread::park();
            }
        }
        self.state.store(AWAKE, Ordering::SeqCst);
    }

    /// Whether it has what [`Parker::poll`] needs.
    pub(crate) fn can_poll(&self) -> bool {
        self.wake_pipe.is_some()
    }

    /// Waits for a wake or for `descriptor` to become readable. Returns whether it was a wake; one that came since the last wait
    /// counts.
    pub(crate) fn poll(&self, descriptor: RawFd) -> bool {
        let Some(wake_pipe) = &self.wake_pipe else { return true };
        if self.begin(POLLING) {
            let [_, is_woken] = poll_either([descriptor, wake_pipe.reader.as_raw_fd()], None);
            if is_woken {
                // Perhaps from an earlier wake, which may have come before its ring.
                let _ = (&wake_pipe.reader).read(&mut [0; 8]);
            }
        }
        self.state.swap(AWAKE, Ordering::SeqCst) == WOKEN
    }

    fn begin(&self, waiting: u8) -> bool {
        self.state.compare_exchange(AWAKE, waiting, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

#[cfg(test)]
mod tests {
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
    fn a_wake_ends_a_poll_whether_it_comes_before_or_meanwhile() {
        for _ in 0..100 {
            assert!(polls_until_woken(|_| {}, Waker::wake));
            assert!(polls_until_woken(Waker::wake, |_| {}));
        }
    }

    #[test]
    fn a_wake_ends_a_park_whether_it_comes_before_or_meanwhile() {
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
    fn a_readable_descriptor_ends_a_poll_without_a_wake() {
        let (readable, writable) = UnixStream::pair().unwrap();
        let parker = Parker::current();
        (&writable).write_all(&[1]).unwrap();
        assert!(!parker.poll(readable.as_raw_fd()));
    }
}
