//! A worker of the binding core.

use std::os::fd::RawFd;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use parking_lot::Mutex;

use super::identity::CurrentIdentity;
use super::{pull, Answer};
use crate::api::handler_failure;
use crate::config::{Concurrency, WorkerOptions};
use crate::endpoint::{open_worker, service_name, ReplyState, WorkerCommand};
use crate::error::{Error, ErrorCode};
use crate::protocol::{Frame, ReplyKind, Status};
use crate::reactor::{Engine, EventQueue, EventSink, ExternalWait, Handle};
use crate::worker::{CancelReason, Event, Token};
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
        token: Token,
        /// Why.
        reason: CancelReason,
    },
    /// The client still waits for the reply.
    Heartbeat {
        /// The job.
        token: Token,
    },
    /// A partial reply that was refused with `C_BUSY` can be sent now.
    Writable {
        /// The request or job.
        token: Token,
    },
}

/// A worker on the I/O thread. Dropping it stops it; unanswered requests go to other workers, or fail.
#[derive(Debug)]
pub struct Worker {
    handle: Handle<WorkerCommand>,
    queue: EventQueue<WorkerEvent>,
    own_wait: ExternalWait,
    live: Arc<Mutex<LiveRequests>>,
    /// The waker for when the I/O thread accepts commands again.
    room: Waker,
    identity: CurrentIdentity,
    liveness_timeout: Duration,
}

type LiveRequests = Map<Token, Entry>;

#[derive(Debug)]
struct Entry {
    live: ReplyState,
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
    live: Arc<Mutex<LiveRequests>>,
}

impl EventSink<Event> for Sink {
    fn deliver(&mut self, events: &mut Vec<Event>) {
        let mut live = self.live.lock();
        let told: Vec<WorkerEvent> = events.drain(..).filter_map(|event| note(&mut live, event)).collect();
        drop(live);
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
fn note(live: &mut LiveRequests, event: Event) -> Option<WorkerEvent> {
    Some(match event {
        Event::Request(request) => {
            live.insert(request.token, Entry { live: ReplyState::new(request.credit), awaited: Awaited::Nothing });
            WorkerEvent::Request(Request::new(request))
        }
        Event::Cancelled { token, reason } => {
            live.remove(&token)?;
            WorkerEvent::Cancelled { token, reason }
        }
        Event::Heartbeat { token } => {
            live.get_mut(&token)?.live.heartbeat();
            WorkerEvent::Heartbeat { token }
        }
        Event::Credit { token, partials } => {
            let entry = live.get_mut(&token)?;
            entry.live.add_credit(partials);
            if entry.awaited != Awaited::Credit {
                return None;
            }
            entry.awaited = Awaited::Nothing;
            WorkerEvent::Writable { token }
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
    live: Arc<Mutex<LiveRequests>>,
}

impl Wake for Room {
    fn wake(self: Arc<Self>) {
        let mut live = self.live.lock();
        let waiting = live.iter_mut().filter(|(_, entry)| entry.awaited == Awaited::Room);
        let tokens = waiting.map(|(token, entry)| {
            entry.awaited = Awaited::Nothing;
            *token
        });
        self.queue.extend(tokens.map(|token| WorkerEvent::Writable { token }));
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
        let live = Arc::new(Mutex::new(LiveRequests::default()));
        let patience = options.liveness_timeout();
        let identity = CurrentIdentity::default();
        let sink = Sink { queue: queue.clone(), identity: identity.clone(), live: Arc::clone(&live) };
        let service = service_name(service)?;
        let handle = open_worker(&Engine::current()?, endpoint, service, options, Box::new(sink))?;
        let room = Waker::from(Arc::new(Room { queue: queue.clone(), live: Arc::clone(&live) }));
        Ok(Self { handle, queue, own_wait: ExternalWait::default(), live, room, identity, patience })
    }

    /// The identity of the current session, or of the last one. Each session has another one. Empty in a forked child.
    #[must_use]
    pub fn identity(&self) -> Vec<u8> {
        if self.handle.is_inherited() {
            return Vec::new();
        }
        self.identity.get()
    }

    /// Calls `wake` whenever the queue of events stops being empty: for event loops that watch no descriptors. It runs on the I/O
    /// thread, or within another thread's `poll` or `begin_wait`, and must not block.
    pub fn on_ready(&self, wake: impl Fn() + Send + Sync + 'static) {
        if !self.handle.is_inherited() {
            self.queue.on_ready(wake);
        }
    }

    /// A descriptor that is readable while there are events. Wait for it; never read from it.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.queue.descriptor()
    }

    /// Begins an external wait: returns the descriptor to wait for, or `None` if `poll` has events at once. The descriptor may
    /// change between waits. Between this call and [`Worker::end_wait`], `poll` reads the connection
    /// itself where that is faster, and the descriptor of [`Worker::descriptor`] is not readable. Only one thread of a
    /// handle may be in an external wait; it calls this before each wait.
    #[must_use]
    pub fn begin_wait(&self) -> Option<RawFd> {
        self.own_wait.begin(&self.handle, &self.queue)
    }

    /// Ends an external wait. Has no effect without one.
    pub fn end_wait(&self) {
        self.own_wait.end(&self.handle, &self.queue);
    }

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
        self.own_wait.take(&self.handle, &self.queue, timeout, pull)
    }

    /// Sends a partial reply.
    ///
    /// # Errors
    ///
    /// `C_BUSY` while the client has not read enough of the earlier ones: nothing was sent, and [`WorkerEvent::Writable`] follows when
    /// it can be. `C_CLOSED` if the job has ended.
    pub fn write(&self, token: Token, answer: Answer) -> Result<(), Error> {
        self.refuse_fork()?;
        let mut live = self.live.lock();
        let entry = live.get_mut(&token).ok_or_else(not_live)?;
        if !entry.live.has_credit() {
            entry.awaited = Awaited::Credit;
            return Err(Error::new(ErrorCode::Busy, "the client reads more slowly; wait for `writable`"));
        }
        let payload = answer.payload(Status::Ok);
        match self.handle.try_submit(WorkerCommand::Reply { token, kind: ReplyKind::Partial, payload }) {
            Ok(()) => {
                entry.live.spend();
                Ok(())
            }
            Err((error, None)) => Err(error),
            Err((error, Some(_))) => {
                if self.handle.wait_for_room(&self.room) {
                    self.queue.push(WorkerEvent::Writable { token });
                } else {
                    // Set before the waker can look for it: the waker needs the lock that is held here.
                    entry.awaited = Awaited::Room;
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
    pub fn end(&self, token: Token, answer: Answer) -> Result<(), Error> {
        let payload = answer.payload(Status::Ok);
        self.finish(token, WorkerCommand::Reply { token, kind: ReplyKind::Final, payload })
    }

    /// Sends an error value as the final reply.
    ///
    /// # Errors
    ///
    /// `C_CLOSED` if the job has ended.
    pub fn error(&self, token: Token, answer: Answer) -> Result<(), Error> {
        let payload = answer.payload(Status::Error);
        self.finish(token, WorkerCommand::Reply { token, kind: ReplyKind::Final, payload })
    }

    /// Ends a job as a failed handler does: with `{"code":"W_HANDLER","message":…}`.
    ///
    /// # Errors
    ///
    /// `C_CLOSED` if the job has ended.
    pub fn fail(&self, token: Token, message: &str) -> Result<(), Error> {
        self.error(token, Answer::json(handler_failure(message).to_string()))
    }

    /// Has another worker answer; the reason is JSON. `C_CLOSED` if the request is not live.
    pub fn reject(&self, token: Token, reason: impl Into<Frame>) -> Result<(), Error> {
        self.finish(token, WorkerCommand::Reject { token, reason: reason.into() })
    }

    fn finish(&self, token: Token, command: WorkerCommand) -> Result<(), Error> {
        self.refuse_fork()?;
        self.live.lock().remove(&token).ok_or_else(not_live)?;
        self.handle.submit_urgent(command)
    }

    /// Whether the reply is still wanted: the job has not ended, and the client sent a heartbeat for it within the liveness timeout.
    #[must_use]
    pub fn is_wanted(&self, token: Token) -> bool {
        !self.handle.is_inherited()
            && self.live.lock().get(&token).is_some_and(|entry| entry.live.is_wanted(self.patience))
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

    /// Runs `give`. The commands that it submits to this handle reach the I/O thread together when it returns: for bindings that pass
    /// many commands in one call.
    pub fn together<R>(&self, give: impl FnOnce() -> R) -> R {
        self.handle.together(give)
    }

    /// Has what is given to this handle from now on wait for each other, until [`Worker::uncork`]: for programs that deal with many
    /// events at a time on several threads, so that they wake the I/O thread once. Nothing waits for more than about a
    /// millisecond, unless the connection has no room. Corked twice is corked once, and one thread's uncorking ends another's
    /// cork. Left corked, the I/O thread wakes up each millisecond. Does nothing in a child of the process that started it.
    pub fn cork(&self) {
        self.cork_up_to(usize::MAX);
    }

    /// As [`Worker::cork`], but what waits is sent whenever there are `most` of it: for threads that run one after the other, so that
    /// the other side has something to do when the first few have had their turn.
    pub fn cork_up_to(&self, most: usize) {
        self.handle.cork(most);
    }

    /// Ends what [`Worker::cork`] began, and sends what has waited.
    pub fn uncork(&self) {
        self.handle.uncork();
    }

    /// Checks that this is the process that created the handle.
    ///
    /// # Errors
    ///
    /// `E_FORK` in a forked child.
    pub fn refuse_fork(&self) -> Result<(), Error> {
        if self.handle.is_inherited() {
            return Err(ErrorCode::Fork.into());
        }
        Ok(())
    }
}

fn not_live() -> Error {
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
    fn each_writer_that_waits_for_room_is_last_event_delivered_once() {
        let queue = EventQueue::new().unwrap();
        let entry = |awaited| Entry { live: ReplyState::new(None), awaited };
        let entries = [(1, entry(Awaited::Room)), (2, entry(Awaited::Credit)), (3, entry(Awaited::Room))];
        let live = Arc::new(Mutex::new(LiveRequests::from_iter(entries)));
        let room = Waker::from(Arc::new(Room { queue: queue.clone(), live }));
        // Once, however often a partial reply was refused.
        room.wake_by_ref();
        room.wake_by_ref();
        let mut events = Vec::new();
        queue.drain(&mut events, 10);
        let mut told: Vec<Token> = events
            .iter()
            .filter_map(|event| match event {
                WorkerEvent::Writable { token } => Some(*token),
                _ => None,
            })
            .collect();
        told.sort_unstable();
        assert_eq!(told, [1, 3]);
        assert_eq!(events.len(), 2);
    }
}
