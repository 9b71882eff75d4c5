//! One connection of a client or worker: a DEALER socket, what watches it, and what could not be sent yet.

use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use pigato_frame::{stop_monitor, Context, Frame};

use super::closing::Closing;
use super::engine::Io;
use super::socket::{configure, connect, event, receive, send, system_error, Sent};
use crate::error::{Error, ErrorCode};
use crate::limits;
use crate::protocol::PeerId;

const SOCKET_SLOT: usize = 0;
const MONITOR_SLOT: usize = 1;
const CLOSING_SLOT: usize = 2;

/// Pause between libzmq's own attempts to reach a broker that is not there, in milliseconds.
const RETRY_MILLIS: i32 = 100;

/// Numbers the monitors, whose endpoints are known to the whole process.
static NEXT_MONITOR: AtomicU64 = AtomicU64::new(0);

/// What the transport says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Up,
    Down,
}

pub(super) struct Dealer {
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
}

impl Dealer {
    pub(super) fn open(
        context: &Context,
        endpoint: &str,
        identity: &PeerId,
        reconnect_max_millis: i32,
    ) -> Result<Self, Error> {
        let socket = context.socket(zmq::DEALER).map_err(system_error)?;
        configure(&socket)?;
        socket.set_identity(identity.as_bytes()).map_err(|error| {
            Error::new(ErrorCode::Option, format!("prefix too long for an identity: {}", error.message()))
        })?;
        let set = || {
            socket.set_sndhwm(limits::SOCKET_MESSAGES)?;
            socket.set_rcvhwm(limits::SOCKET_MESSAGES)?;
            socket.set_reconnect_ivl(RETRY_MILLIS.min(reconnect_max_millis).max(1))?;
            socket.set_reconnect_ivl_max(reconnect_max_millis.max(RETRY_MILLIS))
        };
        set().map_err(system_error)?;
        let monitor = if is_inproc(endpoint) { None } else { Some(Self::watch_transport(context, &socket)?) };
        let outbox = VecDeque::new();
        let dealer = Self { socket, monitor, outbox, is_watched: false, is_released: false, is_expected: false };
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

    /// Whether the transport counts as up as soon as the socket is open.
    pub(super) fn is_up_at_once(&self) -> bool {
        self.monitor.is_none()
    }

    /// Has the endpoint processed when something happens here.
    pub(super) fn watch(&mut self, io: &Io<'_>) -> Result<(), Error> {
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

    /// Ends the watch for what arrives, not for the transport. Returns whether there was one.
    pub(super) fn release(&mut self, io: &Io<'_>) -> bool {
        let Some(descriptor) = self.socket.get_fd().ok().filter(|_| self.is_watched && !self.is_released) else {
            return false;
        };
        io.unwatch(descriptor);
        self.is_released = true;
        true
    }

    /// The descriptor that was released, to be read until nothing is left before it is waited for.
    pub(super) fn released(&self) -> Option<RawFd> {
        self.socket.get_fd().ok().filter(|_| self.is_released)
    }

    /// Watches again for what arrives.
    pub(super) fn take_back(&mut self, io: &Io<'_>) -> Result<(), Error> {
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

    /// Closes the sockets; what was sent still leaves, within the linger time.
    pub(super) fn close(mut self, io: &Io<'_>) {
        self.flush();
        self.unwatch(io);
    }

    /// As [`Dealer::close`], with the end to be waited for.
    pub(super) fn close_expected(mut self, now: Instant, context: &Context, closing: &mut Closing, io: &Io<'_>) {
        self.unwatch(io);
        stop_monitor(&self.socket);
        self.monitor = None;
        closing.expect_end_of(now, context, &self.socket, io, CLOSING_SLOT);
        self.is_expected = true;
    }

    fn unwatch(&self, io: &Io<'_>) {
        for socket in std::iter::once(&self.socket).chain(&self.monitor) {
            if let Ok(descriptor) = socket.get_fd() {
                io.unwatch(descriptor);
            }
        }
    }

    /// The next thing that the transport says, if there is one.
    pub(super) fn transport(&self, frames: &mut Vec<Frame>) -> Option<Transport> {
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

    pub(super) fn receive(&self, frames: &mut Vec<Frame>) -> bool {
        receive(&self.socket, frames)
    }

    /// Whether there is something to receive, or to find out.
    pub(super) fn has_input(&self) -> bool {
        self.socket.get_events().map_or(true, |events| events.contains(zmq::POLLIN))
    }

    /// Sends a message, or keeps it until there is room. Empties `frames`.
    pub(super) fn send(&mut self, frames: &mut Vec<Frame>) {
        if !self.outbox.is_empty() {
            self.outbox.push_back(std::mem::take(frames));
        } else if let Sent::Full = send(&self.socket, frames) {
            self.outbox.push_back(std::mem::take(frames));
        }
    }

    /// Whether messages wait for room.
    pub(super) fn is_blocked(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Sends what waits, as far as there is room.
    pub(super) fn flush(&mut self) {
        while let Some(mut frames) = self.outbox.pop_front() {
            if let Sent::Full = send(&self.socket, &mut frames) {
                self.outbox.push_front(frames);
                return;
            }
        }
    }
}

impl Drop for Dealer {
    fn drop(&mut self) {
        if !self.is_expected {
            stop_monitor(&self.socket);
        }
    }
}

pub(super) fn is_inproc(endpoint: &str) -> bool {
    endpoint.starts_with("inproc://")
}
