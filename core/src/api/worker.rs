//! The worker.

use std::any::Any;
use std::fmt;
use std::future::{poll_fn, Future};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{select, Either, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde::Serialize;

use super::events::{silent, tell, Listener, PeerEvent};
use super::job::{HandlerError, Job, ReplyWriter, Request};
use super::job_state::WorkerCore;
use super::peer_builder::peer_builder_methods;
use super::wait::{remember, wait_for, wait_for_peer};
use super::worker_sink::{WorkerSink, WorkerState};
use crate::config::{defaults, Concurrency, WorkerOptions};
use crate::endpoint::{open_worker, service_name, WorkerCommand};
use crate::error::Error;
use crate::limits;
use crate::reactor::Engine;

/// Offers a service and answers its requests.
///
/// The I/O thread sends heartbeats, so a handler may block without losing the worker. [`Worker::next`] returns jobs one by one;
/// [`Worker::serve`] and [`Worker::serve_blocking`] pass them to a handler.
///
/// Cloning is cheap; all clones are one worker. It stops on [`Worker::stop`], or when the last clone is dropped. Unanswered requests then
/// go to other workers if they have `retry`, and end with `B_WORKER_LOST` otherwise. All methods may be called on any thread.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let worker = pigato::Worker::connect("tcp://127.0.0.1:55555", "echo")?;
/// worker.serve_blocking(4, |request, _reply| Ok(request.json()?));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Worker {
    /// Before `core`, which it needs when it is dropped.
    _stop_guard: Arc<StopGuard>,
    core: Arc<WorkerCore>,
    state: Arc<WorkerState>,
}

/// Builds a [`Worker`].
#[must_use = "call start"]
pub struct WorkerBuilder {
    endpoint: String,
    service: String,
    options: WorkerOptions,
    listener: Listener,
}

impl fmt::Debug for WorkerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WorkerBuilder");
        debug.field("endpoint", &self.endpoint).field("service", &self.service).field("options", &self.options);
        debug.finish()
    }
}

impl WorkerBuilder {
    /// Replaces all options.
    pub fn options(mut self, options: WorkerOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the number of concurrent jobs. Default: 100.
    pub fn concurrency(mut self, concurrency: Concurrency) -> Self {
        self.options.concurrency = concurrency;
        self
    }

    peer_builder_methods!();

    /// Starts the worker. The broker need not run yet.
    ///
    /// # Errors
    ///
    /// `E_ENDPOINT` for an invalid endpoint, `E_OPTION` for an invalid option or service name, `E_SYSTEM` if the system has no threads or
    /// sockets left.
    pub fn start(mut self) -> Result<Worker, Error> {
        let engine = Engine::current()?;
        let service = service_name(self.service.as_str())?;
        let liveness_timeout = self.options.liveness_timeout();
        tell(&mut self.listener, PeerEvent::Started);
        let state = Arc::new(WorkerState::default());
        let (sink, core_sender) = WorkerSink::new(Arc::clone(&state), self.listener, liveness_timeout);
        let handle = open_worker(&engine, &self.endpoint, service, self.options, Box::new(sink))?;
        let core = Arc::new(WorkerCore { handle, jobs: Arc::clone(&state.jobs) });
        // Fails only if the I/O thread has died; then nothing waits for it.
        let _ = core_sender.send(Arc::downgrade(&core));
        let guard = StopGuard(Arc::downgrade(&core));
        Ok(Worker { _stop_guard: Arc::new(guard), core, state })
    }
}

impl Worker {
    /// Starts a worker for `service` at the broker at `endpoint` with default options.
    ///
    /// # Errors
    ///
    /// As for [`WorkerBuilder::start`].
    pub fn connect(endpoint: &str, service: &str) -> Result<Self, Error> {
        Self::builder(endpoint, service).start()
    }

    /// A builder of a worker for `service` at the broker at `endpoint`. The name may be a wildcard (`ech*`) or carry a version
    /// (`echo@1.2.3`).
    pub fn builder(endpoint: impl Into<String>, service: impl Into<String>) -> WorkerBuilder {
        WorkerBuilder {
            endpoint: endpoint.into(),
            service: service.into(),
            options: WorkerOptions::default(),
            listener: silent(),
        }
    }

    /// The next job; `None` when the worker has stopped. Many tasks and threads may wait at once.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no job.
    pub async fn next(&self) -> Option<Job> {
        poll_fn(|context| {
            if self.core.handle.is_inherited() {
                return Poll::Ready(None);
            }
            let mut queue = self.state.queue.lock();
            if let Some(job) = queue.jobs.pop_front() {
                let was_full = queue.jobs.len() + 1 == limits::EVENTS;
                drop(queue);
                if was_full {
                    self.core.handle.wake();
                }
                return Poll::Ready(Some(job));
            }
            if queue.is_closed {
                return Poll::Ready(None);
            }
            remember(&mut queue.waiting, context.waker());
            Poll::Pending
        })
        .await
    }

    /// As [`Worker::next`].
    ///
    /// # Blocking
    ///
    /// Blocks the calling thread until a job arrives or the worker has stopped.
    pub fn next_blocking(&self) -> Option<Job> {
        wait_for_peer(&self.core.handle, self.next())
    }

    /// Passes every job to `handler` until the worker stops. Handlers run concurrently within this future. The value that a handler returns
    /// is the final reply, unless it sent one itself; an error or a panic becomes a reply with code `W_HANDLER`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops its running handlers; their requests end with an error.
    pub async fn serve<H, F, T>(&self, handler: H)
    where
        H: Fn(Request, Arc<ReplyWriter>) -> F,
        F: Future<Output = Result<T, HandlerError>>,
        T: Serialize,
    {
        let mut running = FuturesUnordered::new();
        loop {
            let mut next = pin!(self.next());
            let job = loop {
                if running.is_empty() {
                    break next.await;
                }
                match select(next.as_mut(), running.next()).await {
                    Either::Left((job, _)) => break job,
                    Either::Right(_) => {}
                }
            };
            let Some(Job { request, reply }) = job else { break };
            let reply = Arc::new(reply);
            let handled = AssertUnwindSafe(handler(request, Arc::clone(&reply))).catch_unwind();
            running.push(async move { finish(&reply, handled.await) });
        }
        while running.next().await.is_some() {}
    }

    /// Passes every job to `handler` on `threads` threads until the worker stops. The value that a handler returns is the final reply,
    /// unless it sent one itself; an error or a panic becomes a reply with code `W_HANDLER`.
    ///
    /// # Blocking
    ///
    /// Blocks the calling thread until the worker has stopped.
    pub fn serve_blocking<H, T>(&self, threads: usize, handler: H)
    where
        H: Fn(&Request, &ReplyWriter) -> Result<T, HandlerError> + Sync,
        T: Serialize,
    {
        std::thread::scope(|scope| {
            for _ in 0..threads.max(1) {
                scope.spawn(|| {
                    while let Some(Job { request, reply }) = self.next_blocking() {
                        let outcome = catch_unwind(AssertUnwindSafe(|| handler(&request, &reply)));
                        finish(&reply, outcome);
                    }
                });
            }
        });
    }

    /// Changes the number of concurrent jobs, and announces it to the broker at once.
    pub fn set_concurrency(&self, concurrency: Concurrency) {
        self.core.send(WorkerCommand::SetConcurrency(concurrency));
    }

    /// Whether there is a session: the broker has sent a message on the current connection.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.state.is_connected.load(Ordering::Acquire)
    }

    /// Stops the worker when all its jobs are answered, after 10 s at the latest. New requests go to other workers. Returns when everything it
    /// sent has left; a broker that does not read delays that by at most 2 s.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops only the wait; the worker still stops.
    pub async fn stop(&self) {
        self.stop_within(defaults::DRAIN).await;
    }

    /// As [`Worker::stop`], with another time limit. Zero cancels unanswered jobs at once.
    pub async fn stop_within(&self, timeout: Duration) {
        if self.core.handle.is_inherited() {
            return;
        }
        self.core.send(WorkerCommand::Drain(timeout));
        self.state.stopped.wait().await;
    }

    /// As [`Worker::stop`].
    ///
    /// # Blocking
    ///
    /// Blocks the calling thread until the worker has stopped.
    pub fn stop_blocking(&self) {
        wait_for(self.stop());
    }

    /// As [`Worker::stop_within`].
    ///
    /// # Blocking
    ///
    /// Blocks the calling thread until the worker has stopped.
    pub fn stop_within_blocking(&self, timeout: Duration) {
        wait_for(self.stop_within(timeout));
    }
}

/// Sends a handler's outcome as the final reply, unless the handler sent one.
fn finish<T: Serialize>(reply: &ReplyWriter, outcome: Result<Result<T, HandlerError>, Box<dyn Any + Send>>) {
    if reply.ended() {
        return;
    }
    match outcome {
        Ok(Ok(value)) => match reply.end(&value) {
            Err(error) if error.code() == crate::error::ErrorCode::Data => reply.fail(error.detail()),
            // Any other error means that the reply is no longer wanted.
            _ => {}
        },
        Ok(Err(error)) => reply.fail(error.message()),
        Err(panic) => {
            let message = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let message = message.or_else(|| panic.downcast_ref::<String>().cloned());
            reply.fail(&message.unwrap_or_else(|| "the handler panicked".to_owned()));
        }
    }
}

/// Stops the worker when its last clone is dropped, even while reply writers exist.
#[derive(Debug)]
struct StopGuard(Weak<WorkerCore>);

impl Drop for StopGuard {
    fn drop(&mut self) {
        if let Some(worker) = self.0.upgrade() {
            worker.send(WorkerCommand::Stop);
        }
    }
}
