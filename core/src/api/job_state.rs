//! The state of one job between the I/O thread and its [`ReplyWriter`](super::ReplyWriter), and the table of all jobs.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use pigato_proto::index::Map;

use super::wait::remember;
use crate::endpoint::{ReplyState, WorkerCommand};
use crate::error::Error;
use crate::reactor::Handle;
use crate::worker::{CancelReason, RequestNumber};

/// The state that the I/O thread and a [`ReplyWriter`](super::ReplyWriter) share.
#[derive(Debug)]
pub(super) struct JobState {
    pub(super) number: RequestNumber,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    reply: ReplyState,
    /// Tasks that wait for credit or for the cancellation.
    waiting: Vec<Waker>,
}

impl JobState {
    pub(super) fn new(number: RequestNumber, credit: Option<u32>) -> Self {
        Self { number, inner: Mutex::new(Inner { reply: ReplyState::new(credit), waiting: Vec::new() }) }
    }

    fn change(&self, change: impl FnOnce(&mut ReplyState)) {
        let mut inner = self.inner.lock();
        change(&mut inner.reply);
        let waiting = std::mem::take(&mut inner.waiting);
        drop(inner);
        waiting.into_iter().for_each(Waker::wake);
    }

    pub(super) fn cancel(&self, reason: CancelReason) {
        self.change(|reply| reply.cancel(reason));
    }

    pub(super) fn add_credit(&self, partials: u32) {
        self.change(|reply| reply.add_credit(partials));
    }

    pub(super) fn heartbeat(&self) {
        self.inner.lock().reply.heartbeat();
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.inner.lock().reply.is_cancelled()
    }

    /// Whether the reply is still wanted; see [`ReplyState::is_wanted`].
    pub(super) fn is_wanted(&self, liveness_timeout: Duration) -> bool {
        self.inner.lock().reply.is_wanted(liveness_timeout)
    }

    pub(super) fn is_ended(&self) -> bool {
        self.inner.lock().reply.is_ended()
    }

    /// Notes the final reply; an error if the job has ended.
    pub(super) fn end(&self) -> Result<(), Error> {
        self.inner.lock().reply.end()
    }

    /// Ready when the job is cancelled.
    pub(super) fn poll_cancelled(&self, context: &Context<'_>) -> Poll<()> {
        let mut inner = self.inner.lock();
        if inner.reply.is_cancelled() {
            return Poll::Ready(());
        }
        remember(&mut inner.waiting, context.waker());
        Poll::Pending
    }

    /// Waits for credit, then submits a partial reply with `submit` and takes the credit for it.
    pub(super) fn poll_partial(
        &self,
        context: &Context<'_>,
        submit: impl FnOnce() -> Poll<Result<(), Error>>,
    ) -> Poll<Result<(), Error>> {
        let mut inner = self.inner.lock();
        if let Some(error) = inner.reply.objection() {
            return Poll::Ready(Err(error));
        }
        if !inner.reply.has_credit() {
            remember(&mut inner.waiting, context.waker());
            return Poll::Pending;
        }
        let submitted = submit();
        if matches!(submitted, Poll::Ready(Ok(()))) {
            inner.reply.spend();
        }
        submitted
    }
}

/// The jobs of a worker, by number.
pub(super) type Jobs = Mutex<Map<RequestNumber, Arc<JobState>>>;

/// What all clones of a worker and all its reply writers share.
#[derive(Debug)]
pub(super) struct WorkerCore {
    pub(super) handle: Handle<WorkerCommand>,
    pub(super) jobs: Arc<Jobs>,
}

impl WorkerCore {
    /// Sends a command that ends something. Has no effect if the worker has stopped.
    pub(super) fn send(&self, command: WorkerCommand) {
        // The only possible error is that the worker has stopped.
        let _ = self.handle.submit_urgent(command);
    }

    /// Removes a job that has ended.
    pub(super) fn forget(&self, number: RequestNumber) {
        if !self.handle.is_inherited() {
            self.jobs.lock().remove(&number);
        }
    }
}
