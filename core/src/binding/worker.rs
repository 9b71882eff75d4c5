//! A worker of the binding core.

use std::os::fd::RawFd;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use parking_lot::Mutex;

use super::identity::CurrentIdentity;
use super::peer_methods::peer_methods;
use super::{pull, Answer};
use crate::api::handler_failure;
use crate::config::{Concurrency, WorkerOptions};
use crate::endpoint::{open_worker, service_name, ReplyState, WorkerCommand};
use crate::error::{Error, ErrorCode};
use crate::protocol::{Frame, ReplyKind, Status};
use crate::reactor::{Engine, EventQueue, EventSink, ExternalWait, Handle};
use crate::worker::{CancelReason, Event, RequestNumber};
use crate::{PeerEvent, Request};
use pigato_proto::index::Map;

/// An event of a worker.
#[derive(Debug)]
pub enum WorkerEvent {
    /// The connection has changed.
    Peer(PeerEvent),
    /// A request to answer.
    Request(Request),
    /// The reply is no longer wanted; the job has ended.
    Cancelled {
        /// The job.
        number: RequestNumber,
        /// Why.
        reason: CancelReason,
    },
    /// The client still waits for the reply.
    Heartbeat {
        /// The job.
        number: RequestNumber,
    },
    /// A partial reply that was refused with `C_BUSY` can be sent now.
    Writable {
        /// The request or job.
        number: RequestNumber,
    },
}

/// A worker on the I/O thread. Dropping it stops it; unanswered requests go to other workers, or fail.
#[derive(Debug)]
pub struct Worker {
    handle: Handle<WorkerCommand>,
    queue: EventQueue<WorkerEvent>,
    external_wait: ExternalWait,
    jobs: Arc<Mutex<Jobs>>,
    /// The waker for when the I/O thread accepts commands again.
    room: Waker,
    identity: CurrentIdentity,
    liveness_timeout: Duration,
}

type Jobs = Map<RequestNumber, Job>;

#[derive(Debug)]
struct Job {
    reply: ReplyState,
    awaited: Awaited,
}

/// What a refused partial reply waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Nothing,
    /// Credit from the client.
    Credit,
    /// Room in the mailbox.
    Room,
}

struct Sink {
    queue: EventQueue<WorkerEvent>,
    identity: CurrentIdentity,
    jobs: Arc<Mutex<Jobs>>,
}

impl EventSink<Event> for Sink {
    fn deliver(&mut self, events: &mut Vec<Event>) {
        let mut jobs = self.jobs.lock();
        let told: Vec<WorkerEvent> = events.drain(..).filter_map(|event| note(&mut jobs, event)).collect();
        drop(jobs);
        self.queue.extend(told.into_iter());
    }

    fn opening(&mut self, identity: &[u8]) {
        self.identity.set(identity);
    }

    fn is_full(&self) -> bool {
        self.queue.is_full()
    }
}

/// Updates the table of jobs from the machine's events, and queues the user's events.
fn note(jobs: &mut Jobs, event: Event) -> Option<WorkerEvent> {
    Some(match event {
        Event::Request(request) => {
            jobs.insert(request.number, Job { reply: ReplyState::new(request.credit), awaited: Awaited::Nothing });
            WorkerEvent::Request(Request::new(request))
        }
        Event::Cancelled { number, reason } => {
            jobs.remove(&number)?;
            WorkerEvent::Cancelled { number, reason }
        }
        Event::Heartbeat { number } => {
            jobs.get_mut(&number)?.reply.heartbeat();
            WorkerEvent::Heartbeat { number }
        }
        Event::Credit { number, partials } => {
            let job = jobs.get_mut(&number)?;
            job.reply.add_credit(partials);
            if job.awaited != Awaited::Credit {
                return None;
            }
            job.awaited = Awaited::Nothing;
            WorkerEvent::Writable { number }
        }
        Event::Connected => WorkerEvent::Peer(PeerEvent::Connected),
        Event::Disconnected => WorkerEvent::Peer(PeerEvent::Disconnected),
        Event::Stopped => WorkerEvent::Peer(PeerEvent::Stopped),
        Event::ProtocolError(malformed) => WorkerEvent::Peer(PeerEvent::ProtocolError(malformed)),
    })
}

/// Emits [`WorkerEvent::Writable`] once for each job that waits for room in the mailbox.
struct Room {
    queue: EventQueue<WorkerEvent>,
    jobs: Arc<Mutex<Jobs>>,
}

impl Wake for Room {
    fn wake(self: Arc<Self>) {
        let mut jobs = self.jobs.lock();
        let waiting = jobs.iter_mut().filter(|(_, job)| job.awaited == Awaited::Room);
        let numbers = waiting.map(|(number, job)| {
            job.awaited = Awaited::Nothing;
            *number
        });
        self.queue.extend(numbers.map(|number| WorkerEvent::Writable { number }));
    }
}

impl Worker {
    /// Starts a worker for `service`, which may be a wildcard (`ech*`) or carry a version (`echo@1.2.3`), at the broker at `endpoint`. The
    /// broker need not run yet.
    ///
    /// # Errors
    ///
    /// `E_ENDPOINT` for an invalid endpoint, `E_OPTION` for an invalid service name or prefix, `E_SYSTEM` if the system has no threads or
    /// sockets left.
    pub fn start(endpoint: &str, service: impl Into<Frame>, options: WorkerOptions) -> Result<Self, Error> {
        let queue = EventQueue::new().map_err(|error| Error::new(ErrorCode::System, error.to_string()))?;
        let jobs = Arc::new(Mutex::new(Jobs::default()));
        let liveness_timeout = options.liveness_timeout();
        let identity = CurrentIdentity::default();
        let sink = Sink { queue: queue.clone(), identity: identity.clone(), jobs: Arc::clone(&jobs) };
        let service = service_name(service)?;
        let handle = open_worker(&Engine::current()?, endpoint, service, options, Box::new(sink))?;
        let room = Waker::from(Arc::new(Room { queue: queue.clone(), jobs: Arc::clone(&jobs) }));
        Ok(Self { handle, queue, external_wait: ExternalWait::default(), jobs, room, identity, liveness_timeout })
    }

    peer_methods!();

    /// Moves up to `most` events to `into`, the oldest first, and waits up to `timeout` for the first. Returns their number. Several
    /// threads may poll at once; each gets different events.
    ///
    /// # Errors
    ///
    /// `C_CLOSED` when no event can follow, `E_FORK` in a forked child.
    ///
    /// # Blocking
    ///
    /// Blocks the calling thread for at most `timeout`.
    pub fn poll(&self, into: &mut Vec<WorkerEvent>, most: usize, timeout: Duration) -> Result<usize, Error> {
        let is_last = |event: &WorkerEvent| matches!(event, WorkerEvent::Peer(PeerEvent::Stopped));
        let pull = || pull(&self.handle, &self.queue, into, most, timeout, is_last);
        self.external_wait.take(&self.handle, &self.queue, timeout, pull)
    }

    /// Sends a partial reply.
    ///
    /// # Errors
    ///
    /// `C_BUSY` while the client has not read enough of the earlier ones: nothing was sent, and [`WorkerEvent::Writable`] follows when
    /// it can be. `C_CLOSED` if the job has ended.
    pub fn write(&self, number: RequestNumber, answer: Answer) -> Result<(), Error> {
        self.refuse_fork()?;
        let mut jobs = self.jobs.lock();
        let job = jobs.get_mut(&number).ok_or_else(job_ended)?;
        if !job.reply.has_credit() {
            job.awaited = Awaited::Credit;
            return Err(Error::new(ErrorCode::Busy, "the client reads more slowly; wait for `writable`"));
        }
        let payload = answer.payload(Status::Ok);
        match self.handle.try_submit(WorkerCommand::Reply { number, kind: ReplyKind::Partial, payload }) {
            Ok(()) => {
                job.reply.spend();
                Ok(())
            }
            Err((error, None)) => Err(error),
            Err((error, Some(_))) => {
                if self.handle.wait_for_room(&self.room) {
                    self.queue.push(WorkerEvent::Writable { number });
                } else {
                    // Set before the waker can look for it: the waker needs the lock that is held here.
                    job.awaited = Awaited::Room;
                }
                Err(error)
            }
        }
    }

    /// Sends the final reply.
    ///
    /// # Errors
    ///
    /// `C_CLOSED` if the job has ended.
    pub fn end(&self, number: RequestNumber, answer: Answer) -> Result<(), Error> {
        let payload = answer.payload(Status::Ok);
        self.finish(number, WorkerCommand::Reply { number, kind: ReplyKind::Final, payload })
    }

    /// Sends an error value as the final reply.
    ///
    /// # Errors
    ///
    /// `C_CLOSED` if the job has ended.
    pub fn error(&self, number: RequestNumber, answer: Answer) -> Result<(), Error> {
        let payload = answer.payload(Status::Error);
        self.finish(number, WorkerCommand::Reply { number, kind: ReplyKind::Final, payload })
    }

    /// Ends a job as a failed handler does: with `{"code":"W_HANDLER","message":…}`.
    ///
    /// # Errors
    ///
    /// `C_CLOSED` if the job has ended.
    pub fn fail(&self, number: RequestNumber, message: &str) -> Result<(), Error> {
        self.error(number, Answer::json(handler_failure(message).to_string()))
    }

    /// Rejects a request, so that another worker answers it. The reason is JSON.
    ///
    /// # Errors
    ///
    /// `C_CLOSED` if the job has ended.
    pub fn reject(&self, number: RequestNumber, reason: impl Into<Frame>) -> Result<(), Error> {
        self.finish(number, WorkerCommand::Reject { number, reason: reason.into() })
    }

    fn finish(&self, number: RequestNumber, command: WorkerCommand) -> Result<(), Error> {
        self.refuse_fork()?;
        self.jobs.lock().remove(&number).ok_or_else(job_ended)?;
        self.handle.submit_urgent(command)
    }

    /// Whether the reply is still wanted: the job has not ended, and the client sent a heartbeat for it within the liveness timeout.
    #[must_use]
    pub fn is_wanted(&self, number: RequestNumber) -> bool {
        !self.handle.is_inherited()
            && self.jobs.lock().get(&number).is_some_and(|job| job.reply.is_wanted(self.liveness_timeout))
    }

    /// Changes the number of concurrent jobs, and announces it to the broker at once.
    pub fn set_concurrency(&self, concurrency: Concurrency) -> Result<(), Error> {
        self.handle.submit_urgent(WorkerCommand::SetConcurrency(concurrency))
    }

    /// Sends the broker a heartbeat now. The worker sends one in each interval by itself, even while handlers block.
    pub fn heartbeat(&self) -> Result<(), Error> {
        self.handle.submit_urgent(WorkerCommand::Heartbeat { update: false })
    }

    /// Stops the worker when all its jobs are answered, after `timeout` at the latest. Ends with [`PeerEvent::Stopped`].
    ///
    /// # Errors
    ///
    /// `C_CLOSED` if it has stopped already.
    pub fn stop(&self, timeout: Duration) -> Result<(), Error> {
        self.handle.submit_urgent(WorkerCommand::Drain(timeout))
    }
}

fn job_ended() -> Error {
    Error::new(ErrorCode::Closed, "the request has ended: it was answered, cancelled or lost")
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The only possible error is that it has stopped.
        let _ = self.handle.submit_urgent(WorkerCommand::Stop);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_job_that_waits_for_room_is_notified_once() {
        let queue = EventQueue::new().unwrap();
        let job = |awaited| Job { reply: ReplyState::new(None), awaited };
        let entries = [(1, job(Awaited::Room)), (2, job(Awaited::Credit)), (3, job(Awaited::Room))];
        let jobs = Arc::new(Mutex::new(Jobs::from_iter(entries)));
        let room = Waker::from(Arc::new(Room { queue: queue.clone(), jobs }));
        // Once, however often a partial reply was refused.
        room.wake_by_ref();
        room.wake_by_ref();
        let mut events = Vec::new();
        queue.drain(&mut events, 10);
        let mut told: Vec<RequestNumber> = events
            .iter()
            .filter_map(|event| match event {
                WorkerEvent::Writable { number } => Some(*number),
                _ => None,
            })
            .collect();
        told.sort_unstable();
        assert_eq!(told, [1, 3]);
        assert_eq!(events.len(), 2);
    }
}
