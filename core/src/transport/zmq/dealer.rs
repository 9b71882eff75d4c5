//! The connecting side over libzmq: a DEALER socket with a monitor.

use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pigato_frame::{stop_monitor, Context, Frame};

use super::closing::Closing;
use super::socket::{configure, connect, event, receive, send, Sent};
use crate::config::ceil_millis;
use crate::error::{Error, ErrorCode};
use crate::limits;
use crate::protocol::PeerId;
use crate::reactor::Io;
use crate::transport::backoff::ConnectBackoff;
use crate::transport::connection::{BrokerConnection, TransportEvent};
use crate::transport::error::system_error;

const SOCKET_SLOT: usize = 0;
const MONITOR_SLOT: usize = 1;
const CLOSING_SLOT: usize = 2;

/// Numbers monitor endpoints, which must be unique within the process.
static NEXT_MONITOR: AtomicU64 = AtomicU64::new(0);

/// A DEALER socket, its monitor and its send queue.
pub(crate) struct Dealer {
    socket: zmq::Socket,
    /// Reports changes of the connection; `None` over `inproc`, which reports none.
    monitor: Option<zmq::Socket>,
    /// Messages that wait for room, in order.
    send_queue: VecDeque<Vec<Frame>>,
    is_watched: bool,
    /// Whether a leading thread waits for the socket instead of the I/O thread.
    is_released: bool,
    /// Whether a [`Closing`] waits for its end, with a monitor of its own.
    is_expected: bool,
    context: Arc<Context>,
}

impl Dealer {
    pub(crate) fn open(
        context: &Arc<Context>,
        endpoint: &str,
        identity: &PeerId,
        backoff: ConnectBackoff,
    ) -> Result<Self, Error> {
        let (first_millis, longest_millis) = (whole_millis(backoff.pause), whole_millis(backoff.longest));
        let socket = context.socket(zmq::DEALER).map_err(system_error)?;
        configure(&socket)?;
        socket.set_identity(identity.as_bytes()).map_err(|error| {
            Error::new(ErrorCode::Option, format!("prefix too long for an identity: {}", error.message()))
        })?;
        let set = || {
            socket.set_sndhwm(limits::SOCKET_MESSAGES)?;
            socket.set_rcvhwm(limits::SOCKET_MESSAGES)?;
            socket.set_reconnect_ivl(first_millis)?;
            socket.set_reconnect_ivl_max(longest_millis)
        };
        set().map_err(system_error)?;
        let monitor = if is_inproc(endpoint) { None } else { Some(Self::watch_transport(context, &socket)?) };
        let send_queue = VecDeque::new();
        let context = Arc::clone(context);
        let (is_watched, is_released, is_expected) = (false, false, false);
        let dealer = Self { socket, monitor, send_queue, is_watched, is_released, is_expected, context };
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

impl BrokerConnection for Dealer {
    // Over `inproc` no event follows.
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
            // The next `watch` fails, too, on this socket or on its monitor; either ends the connection.
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

    fn transport(&mut self, _now: Instant, _io: &Io<'_>, frames: &mut Vec<Frame>) -> Option<TransportEvent> {
        let monitor = self.monitor.as_ref()?;
        while receive(monitor, frames) {
            match event(frames) {
                Some(raw) if raw == zmq::SocketEvent::HANDSHAKE_SUCCEEDED.to_raw() => return Some(TransportEvent::Up),
                Some(raw) if raw == zmq::SocketEvent::DISCONNECTED.to_raw() => return Some(TransportEvent::Down),
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
        if !self.send_queue.is_empty() {
            self.send_queue.push_back(std::mem::take(frames));
        } else if let Sent::Full = send(&self.socket, frames) {
            self.send_queue.push_back(std::mem::take(frames));
        }
    }

    fn is_blocked(&self) -> bool {
        self.has_unsent()
    }

    fn has_unsent(&self) -> bool {
        !self.send_queue.is_empty()
    }

    fn flush(&mut self) {
        while let Some(mut frames) = self.send_queue.pop_front() {
            if let Sent::Full = send(&self.socket, &mut frames) {
                self.send_queue.push_front(frames);
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

fn is_inproc(endpoint: &str) -> bool {
    endpoint.starts_with("inproc://")
}

fn whole_millis(duration: Duration) -> i32 {
    i32::try_from(ceil_millis(duration)).unwrap_or(i32::MAX)
}
