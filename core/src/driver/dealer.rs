//! One connection of a client or worker, whoever makes it, and that of a DEALER socket of libzmq.

use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pigato_frame::{stop_monitor, Context, Frame};

use super::caller::{Caller, Target};
use super::closing::Closing;
use super::engine::{Io, Readiness};
use super::socket::{check_connectable, configure, connect, event, receive, send, system_error, Sent};
use crate::config::ceil_millis;
use crate::error::{Error, ErrorCode};
use crate::limits;
use crate::protocol::PeerId;

const SOCKET_SLOT: usize = 0;
const MONITOR_SLOT: usize = 1;
const CLOSING_SLOT: usize = 2;

/// Pause between the first attempts to reach a broker that is not there.
const RETRY: Duration = Duration::from_millis(100);

/// Longest identity (RFC 28).
const IDENTITY_BYTES: usize = 255;

/// Numbers the monitors, whose endpoints are known to the whole process.
static NEXT_MONITOR: AtomicU64 = AtomicU64::new(0);

/// What the transport says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Up,
    Down,
}

/// One connection of a client or worker.
pub(super) trait Dealer: Send {
    /// Whether the transport counts as up as soon as the connection is opened.
    fn is_up_at_once(&self) -> bool {
        false
    }

    /// Notes that its descriptor is ready.
    fn ready(&mut self, readiness: Readiness) {
        let _ = readiness;
    }

    /// Has the endpoint processed when something happens here.
    fn watch(&mut self, now: Instant, io: &Io<'_>) -> Result<(), Error>;

    /// The next thing that the transport says, if there is one.
    fn transport(&mut self, now: Instant, io: &Io<'_>, frames: &mut Vec<Frame>) -> Option<Transport>;

    /// When there is something to do even if nothing happens.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// The next message, in `frames`. Returns whether there is one.
    fn receive(&mut self, frames: &mut Vec<Frame>) -> bool;

    /// Whether there is something to receive, or to find out, that no descriptor tells of.
    fn has_input(&self) -> bool;

    /// Sends a message, or keeps it until there is room or [`flush`](Self::flush) is called. Empties `frames`.
    fn send(&mut self, frames: &mut Vec<Frame>);

    /// Sends what waits, as far as there is room.
    fn flush(&mut self);

    /// Whether so much waits for room that nothing more is to be sent.
    fn is_blocked(&self) -> bool;

    /// Whether anything waits for room.
    fn has_unsent(&self) -> bool;

    /// Whether the endpoint is processed when there is room again.
    fn tells_of_room(&self) -> bool {
        false
    }

    /// Ends the watch for what arrives, so that another thread can wait for it. Returns whether there was one.
    fn release(&mut self, io: &Io<'_>) -> bool;

    /// The descriptor that was released, to be read until nothing is left before it is waited for.
    fn released(&self) -> Option<RawFd>;

    /// Watches again for what arrives.
    fn take_back(&mut self, io: &Io<'_>) -> Result<(), Error>;

    /// Closes the connection. What there is room for still leaves.
    fn close(self: Box<Self>, io: &Io<'_>);

    /// As [`Dealer::close`], with the end to be waited for.
    fn close_expected(self: Box<Self>, now: Instant, closing: &mut Closing, io: &Io<'_>);
}

/// Opens a connection to `endpoint`.
pub(super) fn open(
    context: &Arc<Context>,
    endpoint: &str,
    identity: &PeerId,
    reconnect_max: Duration,
) -> Result<Box<dyn Dealer>, Error> {
    check_connectable(endpoint)?;
    if identity.as_bytes().len() > IDENTITY_BYTES {
        return Err(Error::new(ErrorCode::Option, "prefix too long for an identity: at most 218 bytes"));
    }
    Ok(match Target::parse(endpoint) {
        Some(target) => {
            let most_pause = reconnect_max.max(Duration::from_millis(1));
            Box::new(Caller::new(target, identity, RETRY.min(most_pause), most_pause))
        }
        None => Box::new(Socket::open(context, endpoint, identity, reconnect_max)?),
    })
}

/// A DEALER socket of libzmq, what watches it, and what could not be sent yet.
struct Socket {
    socket: zmq::Socket,
    /// Tells of the transport; `inproc` has nothing to tell.
    monitor: Option<zmq::Socket>,
    /// Messages that found no room, in order.
    outbox: VecDeque<Vec<Frame>>,
    is_watched: bool,
    /// Whether another thread than the I/O thread waits for the socket.
    is_released: bool,
    /// Whether somebody waits for its end, with a monitor of their own.
    is_expected: bool,
    context: Arc<Context>,
}

impl Socket {
    fn open(context: &Arc<Context>, endpoint: &str, identity: &PeerId, reconnect_max: Duration) -> Result<Self, Error> {
        let (retry_millis, reconnect_max_millis) = (whole_millis(RETRY), whole_millis(reconnect_max));
        let socket = context.socket(zmq::DEALER).map_err(system_error)?;
        configure(&socket)?;
        socket.set_identity(identity.as_bytes()).map_err(|error| {
            Error::new(ErrorCode::Option, format!("prefix too long for an identity: {}", error.message()))
        })?;
        let set = || {
            socket.set_sndhwm(limits::SOCKET_MESSAGES)?;
            socket.set_rcvhwm(limits::SOCKET_MESSAGES)?;
            socket.set_reconnect_ivl(retry_millis.min(reconnect_max_millis).max(1))?;
            socket.set_reconnect_ivl_max(reconnect_max_millis.max(retry_millis))
        };
        set().map_err(system_error)?;
        let monitor = if is_inproc(endpoint) { None } else { Some(Self::watch_transport(context, &socket)?) };
        let outbox = VecDeque::new();
        let context = Arc::clone(context);
        let (is_watched, is_released, is_expected) = (false, false, false);
        let dealer = Self { socket, monitor, outbox, is_watched, is_released, is_expected, context };
        connect(&dealer.socket, endpoint)?;
        Ok(dealer)
    }

    fn watch_transport(context: &Context, socket: &zmq::Socket) -> Result<zmq::Socket, Error> {
        let endpoint = format!("inproc://pigato-monitor-{}", NEXT_MONITOR.fetch_add(1, Ordering::Relaxed));
        let events = zmq::SocketEvent::HANDSHAKE_SUCCEEDED.to_raw() | zmq::SocketEvent::DISCONNECTED.to_raw();
        socket.monitor(&endpoint, i32::from(events)).map_err(system_error)?;
        let monitor = context.socket(zmq::PAIR).map_err(system_error)?;
        monitor.set_linger(0).map_err(system_error)?;
        monitor.connect(&endpoint).map_err(system_error)?;
        Ok(monitor)
    }

    fn unwatch(&self, io: &Io<'_>) {
        for socket in std::iter::once(&self.socket).chain(&self.monitor) {
            if let Ok(descriptor) = socket.get_fd() {
                io.unwatch(descriptor);
            }
        }
    }
}

impl Dealer for Socket {
    // `inproc` has nothing to tell.
    fn is_up_at_once(&self) -> bool {
        self.monitor.is_none()
    }

    fn watch(&mut self, _now: Instant, io: &Io<'_>) -> Result<(), Error> {
        if std::mem::replace(&mut self.is_watched, true) {
            return Ok(());
        }
        let watch = |socket: &zmq::Socket, slot| {
            let descriptor = socket.get_fd().map_err(system_error)?;
            io.watch(descriptor, slot).map_err(|error| Error::new(ErrorCode::System, error.to_string()))
        };
        watch(&self.socket, SOCKET_SLOT)?;
        self.monitor.as_ref().map_or(Ok(()), |monitor| watch(monitor, MONITOR_SLOT))
    }

    fn release(&mut self, io: &Io<'_>) -> bool {
        let Some(descriptor) = self.socket.get_fd().ok().filter(|_| self.is_watched && !self.is_released) else {
            return false;
        };
        io.unwatch(descriptor);
        self.is_released = true;
        true
    }

    fn released(&self) -> Option<RawFd> {
        self.socket.get_fd().ok().filter(|_| self.is_released)
    }

    fn take_back(&mut self, io: &Io<'_>) -> Result<(), Error> {
        if !std::mem::take(&mut self.is_released) {
            return Ok(());
        }
        let descriptor = self.socket.get_fd().map_err(system_error)?;
        io.watch(descriptor, SOCKET_SLOT).map_err(|error| {
            // The next `watch` meets the same, or the monitor that is watched already: either ends the connection.
            self.is_watched = false;
            Error::new(ErrorCode::System, error.to_string())
        })
    }

    fn close(mut self: Box<Self>, io: &Io<'_>) {
        self.flush();
        self.unwatch(io);
    }

    fn close_expected(mut self: Box<Self>, now: Instant, closing: &mut Closing, io: &Io<'_>) {
        self.unwatch(io);
        stop_monitor(&self.socket);
        self.monitor = None;
        closing.expect_end_of(now, &self.context, &self.socket, io, CLOSING_SLOT);
        self.is_expected = true;
    }

    fn transport(&mut self, _now: Instant, _io: &Io<'_>, frames: &mut Vec<Frame>) -> Option<Transport> {
        let monitor = self.monitor.as_ref()?;
        while receive(monitor, frames) {
            match event(frames) {
                Some(raw) if raw == zmq::SocketEvent::HANDSHAKE_SUCCEEDED.to_raw() => return Some(Transport::Up),
                Some(raw) if raw == zmq::SocketEvent::DISCONNECTED.to_raw() => return Some(Transport::Down),
                _ => {}
            }
        }
        None
    }

    fn receive(&mut self, frames: &mut Vec<Frame>) -> bool {
        receive(&self.socket, frames)
    }

    fn has_input(&self) -> bool {
        self.socket.get_events().map_or(true, |events| events.contains(zmq::POLLIN))
    }

    fn send(&mut self, frames: &mut Vec<Frame>) {
        if !self.outbox.is_empty() {
            self.outbox.push_back(std::mem::take(frames));
        } else if let Sent::Full = send(&self.socket, frames) {
            self.outbox.push_back(std::mem::take(frames));
        }
    }

    fn is_blocked(&self) -> bool {
        self.has_unsent()
    }

    fn has_unsent(&self) -> bool {
        !self.outbox.is_empty()
    }

    fn flush(&mut self) {
        while let Some(mut frames) = self.outbox.pop_front() {
            if let Sent::Full = send(&self.socket, &mut frames) {
                self.outbox.push_front(frames);
                return;
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if !self.is_expected {
            stop_monitor(&self.socket);
        }
    }
}

fn is_inproc(endpoint: &str) -> bool {
    endpoint.starts_with("inproc://")
}

fn whole_millis(duration: Duration) -> i32 {
    i32::try_from(ceil_millis(duration)).unwrap_or(i32::MAX)
}
