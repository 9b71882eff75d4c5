//! A worker whose requests are pulled.

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

/// Something that a worker's user wants to know.
#[derive(Debug)]
pub enum WorkerEvent {
    /// About the connection.
    Peer(PeerEvent),
    /// A request to answer.
    Request(Request),
    /// Nobody waits for the reply any more; the request is no longer live.
    Cancelled {
        /// Which request.
        token: Token,
        /// Why.
        reason: CancelReason,
    },
    /// The client still waits for the reply.
    Heartbeat {
        /// Which request.
        token: Token,
    },
    /// A partial reply that was refused with `C_BUSY` may be sent now.
    Writable {
        /// To which request.
        token: Token,
    },
}

/// A worker on the I/O thread. Dropping it stops it; what is not answered goes to other workers, or fails.
#[derive(Debug)]
pub struct Worker {
    handle: Handle<WorkerCommand>,
    queue: EventQueue<WorkerEvent>,
    own_wait: ExternalWait,
    live: Arc<Mutex<LiveRequests>>,
    /// Woken when the I/O thread takes commands again.
    room: Waker,
    identity: CurrentIdentity,
    patience: Duration,
}

type LiveRequests = Map<Token, Entry>;

#[derive(Debug)]
struct Entry {
    live: ReplyState,
    awaited: Awaited,
}

/// What the writer of a refused partial reply waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Nothing,
    /// The client's reading.
    Credit,
    /// The I/O thread's taking of commands.
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

/// Brings what is known of the requests up to date, and says what the user is to be told.
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

/// Tells those who wait for it, once, that the I/O thread takes commands again.
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
    /// Starts a worker for `service`, which may be a wildcard (`ech*`) or a version (`echo@1.2.3`), at the broker at
    /// `endpoint`. An endpoint that cannot be used is an error; a broker that is not there yet is not.
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

    /// The identity of the present connection, or of the last one: another one after each reconnection. Empty in a child of
    /// the process that started it.
    #[must_use]
    pub fn identity(&self) -> Vec<u8> {
        if self.handle.is_inherited() {
            return Vec::new();
        }
        self.identity.get()
    }

    /// Has `wake` called whenever there are events again after there were none: for event loops that watch no descriptors.
    /// It is called on the I/O thread, or within another thread's `poll` or `begin_wait`, and must not block.
    pub fn on_ready(&self, wake: impl Fn() + Send + Sync + 'static) {
        if !self.handle.is_inherited() {
            self.queue.on_ready(wake);
        }
    }

    /// A descriptor that is readable while there are events. Wait for it, never read from it.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.queue.descriptor()
    }

    /// Begins a wait by the caller's own means: returns the descriptor to wait for, or nothing if `poll` has something at once.
    /// Which descriptor that is may change from wait to wait. Between this and [`Worker::end_wait`], `poll` reads the connection
    /// itself where that is faster, and the descriptor of [`Worker::descriptor`] is not readable then. One thread of a handle
    /// waits so at a time; call this before each of its waits.
    #[must_use]
    pub fn begin_wait(&self) -> Option<RawFd> {
        self.own_wait.begin(&self.handle, &self.queue)
    }

    /// Ends what [`Worker::begin_wait`] began, when its thread has what it waits for. Does nothing if nothing was begun.
    pub fn end_wait(&self) {
        self.own_wait.end(&self.handle, &self.queue);
    }

    /// Moves up to `most` events to `into`, the oldest first, waiting up to `timeout` for the first. Returns how many.
    /// Several threads may poll at once; each gets events of its own. `C_CLOSED` once nothing can follow.
    pub fn poll(&self, into: &mut Vec<WorkerEvent>, most: usize, timeout: Duration) -> Result<usize, Error> {
        let is_last = |event: &WorkerEvent| matches!(event, WorkerEvent::Peer(PeerEvent::Stopped));
        let pull = || pull(&self.handle, &self.queue, into, most, timeout, is_last);
        self.own_wait.take(&self.handle, &self.queue, timeout, pull)
    }

    /// Sends a partial reply. `C_BUSY` while the client has not taken enough of the earlier ones: then nothing was sent, and
    /// [`WorkerEvent::Writable`] follows when it can be. `C_CLOSED` if the request is not live.
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
                    // Set before the waker, which wants the lock that is held here, can look for it.
                    entry.awaited = Awaited::Room;
                }
                Err(error)
            }
        }
    }

    /// Sends the final reply. `C_CLOSED` if the request is not live.
    pub fn end(&self, token: Token, answer: Answer) -> Result<(), Error> {
        let payload = answer.payload(Status::Ok);
        self.finish(token, WorkerCommand::Reply { token, kind: ReplyKind::Final, payload })
    }

    /// Sends an error value as the final reply. `C_CLOSED` if the request is not live.
    pub fn error(&self, token: Token, answer: Answer) -> Result<(), Error> {
        let payload = answer.payload(Status::Error);
        self.finish(token, WorkerCommand::Reply { token, kind: ReplyKind::Final, payload })
    }

    /// Ends a request as a failed handler does: with `{"code":"W_HANDLER","message":…}`. `C_CLOSED` if it is not live.
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

    /// Whether a reply is still wanted, as far as is known: the request is live, and the client has said so within the last
    /// heartbeats.
    #[must_use]
    pub fn is_wanted(&self, token: Token) -> bool {
        !self.handle.is_inherited()
            && self.live.lock().get(&token).is_some_and(|entry| entry.live.is_wanted(self.patience))
    }

    /// Takes this many requests at a time from now on; the broker is told at once.
    pub fn set_concurrency(&self, concurrency: Concurrency) -> Result<(), Error> {
        self.handle.submit_urgent(WorkerCommand::SetConcurrency(concurrency))
    }

    /// Sends the broker a sign of life now. Happens by itself once a heartbeat interval, whatever handlers do.
    pub fn heartbeat(&self) -> Result<(), Error> {
        self.handle.submit_urgent(WorkerCommand::Heartbeat { update: false })
    }

    /// Stops it once the live requests are answered, after `timeout` at the latest; ends with [`PeerEvent::Stopped`].
    /// `C_CLOSED` if it has stopped already.
    pub fn stop(&self, timeout: Duration) -> Result<(), Error> {
        self.handle.submit_urgent(WorkerCommand::Drain(timeout))
    }

    /// Runs `give`; the commands that it gives to this handle reach the I/O thread together when it returns. For bindings that
    /// cross their border once for many.
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

    /// `E_FORK` in a child of the process that started it.
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
        // The only possible error says that it has stopped.
        let _ = self.handle.submit_urgent(WorkerCommand::Stop);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_writer_that_waits_for_room_is_told_once() {
        let queue = EventQueue::new().unwrap();
        let entry = |awaited| Entry { live: ReplyState::new(None), awaited };
        let entries = [(1, entry(Awaited::Room)), (2, entry(Awaited::Credit)), (3, entry(Awaited::Room))];
        let live = Arc::new(Mutex::new(LiveRequests::from_iter(entries)));
        let room = Waker::from(Arc::new(Room { queue: queue.clone(), live }));
        // However often a writer was refused, and even if it was registered more than once.
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
