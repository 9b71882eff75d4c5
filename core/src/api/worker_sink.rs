//! What the I/O thread and all clones of a worker share, and the sink of the worker's events.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use parking_lot::Mutex;

use super::events::{tell, Listener, PeerEvent};
use super::job::{Job, ReplyWriter, Request};
use super::job_state::{JobState, Jobs, WorkerCore};
use super::latch::Latch;
use crate::limits;
use crate::reactor::EventSink;
use crate::worker::{CancelReason, Event, RequestNumber};

/// The part that the I/O thread shares.
#[derive(Debug, Default)]
pub(super) struct WorkerState {
    pub(super) jobs: Arc<Jobs>,
    pub(super) queue: Mutex<Queue>,
    pub(super) is_connected: AtomicBool,
    pub(super) stopped: Latch,
}

/// Jobs that no handler has taken yet.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) jobs: VecDeque<Job>,
    pub(super) waiting: Vec<Waker>,
    pub(super) is_closed: bool,
}

/// The worker's core, which exists only after the sink: the core needs the handle, and the handle needs the sink.
enum CoreLink {
    Pending(Receiver<Weak<WorkerCore>>),
    Ready(Weak<WorkerCore>),
}

pub(super) struct WorkerSink {
    worker: CoreLink,
    state: Arc<WorkerState>,
    listener: Listener,
    liveness_timeout: Duration,
}

impl WorkerSink {
    /// The sink, and where to send the core once it exists.
    pub(super) fn new(
        state: Arc<WorkerState>,
        listener: Listener,
        liveness_timeout: Duration,
    ) -> (Self, Sender<Weak<WorkerCore>>) {
        let (sender, receiver) = channel();
        (Self { worker: CoreLink::Pending(receiver), state, listener, liveness_timeout }, sender)
    }

    fn worker(&mut self) -> Weak<WorkerCore> {
        if let CoreLink::Pending(receiver) = &self.worker {
            // Arrives right after the worker was opened. An error means that opening it failed.
            self.worker = CoreLink::Ready(receiver.recv().unwrap_or_default());
        }
        match &self.worker {
            CoreLink::Ready(worker) => worker.clone(),
            CoreLink::Pending(_) => Weak::new(),
        }
    }

    fn add(&mut self, request: Box<crate::worker::IncomingRequest>) {
        let job_state = Arc::new(JobState::new(request.number, request.credit));
        self.state.jobs.lock().insert(request.number, Arc::clone(&job_state));
        let reply = ReplyWriter::new(self.worker(), job_state, self.liveness_timeout);
        self.state.queue.lock().jobs.push_back(Job { request: Request::new(request), reply });
    }

    /// Wakes waiting handlers at the end of a batch, if there are jobs.
    fn wake_handlers(&self) {
        let mut queue = self.state.queue.lock();
        if queue.jobs.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut queue.waiting);
        drop(queue);
        waiting.into_iter().for_each(Waker::wake);
    }

    fn job(&self, number: RequestNumber) -> Option<Arc<JobState>> {
        self.state.jobs.lock().get(&number).cloned()
    }

    fn cancel(&self, number: RequestNumber, reason: CancelReason) {
        let job = self.state.jobs.lock().remove(&number);
        if let Some(job) = job {
            job.cancel(reason);
        }
    }

    /// Wakes all waiting handlers: no job follows. The machine has cancelled the jobs that none has taken.
    fn close(&self) {
        let mut queue = self.state.queue.lock();
        queue.is_closed = true;
        let jobs = std::mem::take(&mut queue.jobs);
        let waiting = std::mem::take(&mut queue.waiting);
        drop(queue);
        drop(jobs);
        waiting.into_iter().for_each(Waker::wake);
        self.state.stopped.set();
    }
}

impl EventSink<Event> for WorkerSink {
    fn deliver(&mut self, events: &mut Vec<Event>) {
        for event in events.drain(..) {
            match event {
                Event::Request(request) => self.add(request),
                Event::Cancelled { number, reason } => self.cancel(number, reason),
                Event::Heartbeat { number } => {
                    if let Some(job) = self.job(number) {
                        job.heartbeat();
                    }
                }
                Event::Credit { number, partials } => {
                    if let Some(job) = self.job(number) {
                        job.add_credit(partials);
                    }
                }
                Event::Connected => {
                    self.state.is_connected.store(true, Ordering::Release);
                    tell(&mut self.listener, PeerEvent::Connected);
                }
                Event::Disconnected => {
                    self.state.is_connected.store(false, Ordering::Release);
                    tell(&mut self.listener, PeerEvent::Disconnected);
                }
                Event::Stopped => {
                    tell(&mut self.listener, PeerEvent::Stopped);
                    self.close();
                }
                Event::ProtocolError(malformed) => tell(&mut self.listener, PeerEvent::ProtocolError(malformed)),
            }
        }
        self.wake_handlers();
    }

    fn is_full(&self) -> bool {
        self.state.queue.lock().jobs.len() >= limits::EVENTS
    }
}
