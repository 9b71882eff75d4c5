//! A wait that the host language makes by its own means, on one descriptor. The waiting thread
//! leads its endpoint meanwhile, as a thread in [`Handle::lead`] does.
//!
//! ```text
//!  begin ──► lead, read, watch socket and queue ──► the language waits ──► take ──► begin …
//!    │ cannot lead, or busy                                                  │
//!    └──► the queue's own descriptor; the I/O thread reads                   ▼
//!                                                       end: give the lead back
//! ```

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use parking_lot::Mutex;

use super::event_queue::EventQueue;
use super::handle::Handle;

/// One token for both descriptors: the waiting thread checks both.
const ANY: Token = Token(0);

/// The wait of one thread for one handle and its queue.
#[derive(Debug, Default)]
pub(crate) struct ExternalWait {
    descriptors: Mutex<Option<Descriptors>>,
    is_leading: AtomicBool,
}

/// The endpoint's socket and the queue behind one descriptor.
#[derive(Debug)]
struct Descriptors {
    poll: Poll,
    /// Kept for its allocation.
    events: Events,
    socket: Option<RawFd>,
}

impl ExternalWait {
    /// Begins or renews the wait. Returns the descriptor to wait for, or `None` if the wait is
    /// over: there are events, or the queue is closed. It is the queue's own descriptor while the
    /// I/O thread reads.
    pub(crate) fn begin<C, E>(&self, handle: &Handle<C>, queue: &EventQueue<E>) -> Option<RawFd> {
        if handle.is_inherited() {
            return Some(queue.readable());
        }
        let mut descriptors = self.descriptors.lock();
        if handle.is_busy() {
            self.end_leading(&mut descriptors, handle, queue);
        }
        if !self.is_leading.load(Ordering::Acquire) {
            if !handle.begin_to_lead() {
                return Some(queue.descriptor());
            }
            queue.set_watched(false);
            self.is_leading.store(true, Ordering::Release);
        }
        let both =
            Descriptors::get(&mut descriptors, queue).and_then(|both| both.prepare(handle).map(|()| both.as_raw_fd()));
        let Ok(both) = both else {
            self.end_leading(&mut descriptors, handle, queue);
            return Some(queue.descriptor());
        };
        queue.begin_poll().then_some(both)
    }

    /// Ends the wait, if it has begun. The I/O thread reads again.
    pub(crate) fn end<C, E>(&self, handle: &Handle<C>, queue: &EventQueue<E>) {
        if !handle.is_inherited() && self.is_leading.load(Ordering::Acquire) {
            self.end_leading(&mut self.descriptors.lock(), handle, queue);
        }
    }

    fn end_leading<C, E>(&self, descriptors: &mut Option<Descriptors>, handle: &Handle<C>, queue: &EventQueue<E>) {
        if !self.is_leading.swap(false, Ordering::AcqRel) {
            return;
        }
        if let Some(descriptors) = descriptors {
            descriptors.forget_socket();
        }
        queue.end_poll();
        queue.set_watched(true);
        handle.end_lead();
    }

    /// Calls `take`, which takes events. While the wait leads, reads before that. A `take` with a
    /// `timeout` waits itself, so the wait ends first and the I/O thread reads meanwhile.
    pub(crate) fn take<C, E, R>(
        &self,
        handle: &Handle<C>,
        queue: &EventQueue<E>,
        timeout: Duration,
        take: impl FnOnce() -> R,
    ) -> R {
        if !timeout.is_zero() {
            self.end(handle, queue);
        }
        if handle.is_inherited() || !self.is_leading.load(Ordering::Acquire) {
            return take();
        }
        // Events that are read and taken at once need not wake the waiting thread.
        let was_polled = queue.end_poll();
        handle.read_here();
        let taken = take();
        if was_polled {
            queue.resume_poll();
        }
        taken
    }
}

impl Descriptors {
    fn get<'a, E>(kept: &'a mut Option<Self>, queue: &EventQueue<E>) -> io::Result<&'a mut Self> {
        if kept.is_none() {
            let poll = Poll::new()?;
            poll.registry().register(&mut SourceFd(&queue.readable()), ANY, Interest::READABLE)?;
            *kept = Some(Self { poll, events: Events::with_capacity(2), socket: None });
        }
        kept.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Reads what has arrived, and watches for more.
    fn prepare<C>(&mut self, handle: &Handle<C>) -> io::Result<()> {
        // First clears earlier readiness, which the descriptor would report forever.
        self.poll.poll(&mut self.events, Some(Duration::ZERO))?;
        let socket = handle.read_here().ok_or(io::ErrorKind::NotConnected)?;
        if self.socket != Some(socket) {
            self.forget_socket();
            self.poll.registry().register(&mut SourceFd(&socket), ANY, Interest::READABLE)?;
            self.socket = Some(socket);
        }
        Ok(())
    }

    fn forget_socket(&mut self) {
        if let Some(socket) = self.socket.take() {
            // Fails if the socket was closed meanwhile; then nothing is registered.
            let _ = self.poll.registry().deregister(&mut SourceFd(&socket));
        }
    }
}

impl AsRawFd for Descriptors {
    fn as_raw_fd(&self) -> RawFd {
        self.poll.as_raw_fd()
    }
}
