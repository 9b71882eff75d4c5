//! Waits for the end of libzmq's sockets. libzmq closes a socket only after its messages have left or its linger time is over. After
//! this wait the process can end without losing messages, and can bind the same address at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pigato_frame::Context;

use super::socket::{event, receive};
use crate::error::Error;
use crate::reactor::Io;
use crate::transport::error::system_error;
use crate::transport::settings::LINGER;

/// Longest wait for sockets to close: more than the linger time, because libzmq waits for the receiver of the last monitor event.
const CLOSE_TIMEOUT: Duration = LINGER.saturating_mul(2);

/// Numbers monitor endpoints, which must be unique within the process.
static NEXT_MONITOR: AtomicU64 = AtomicU64::new(0);

/// The closing sockets of one endpoint.
#[derive(Default)]
pub(crate) struct Closing {
    monitors: Vec<zmq::Socket>,
    until: Option<Instant>,
    has_lost_peer: bool,
}

impl Closing {
    pub(crate) fn begin(now: Instant) -> Self {
        Self { until: Some(now + CLOSE_TIMEOUT), ..Self::default() }
    }

    /// Also waits for the end of `socket`, which the caller closes next. The socket must have no other monitor.
    ///
    /// A bound socket is not unbound first: libzmq would close the listener's connections, even in the middle of a message, and aborts
    /// the process if one breaks at that moment (libzmq issue 3442).
    pub(crate) fn expect_end_of(
        &mut self,
        now: Instant,
        context: &Context,
        socket: &zmq::Socket,
        io: &Io<'_>,
        slot: usize,
    ) {
        // Without a monitor there is nothing to wait for.
        if let Ok(monitor) = watch_end(context, socket) {
            // If watching fails, the deadline ends the wait.
            let _ = monitor.get_fd().map(|descriptor| io.watch(descriptor, slot));
            self.monitors.push(monitor);
            self.until.get_or_insert(now + CLOSE_TIMEOUT);
        }
    }

    /// Whether all sockets are closed, or the time is over.
    pub(crate) fn is_over(&mut self, now: Instant, io: &Io<'_>) -> bool {
        let is_late = self.is_late(now);
        let mut frames = Vec::new();
        self.monitors.retain(|monitor| {
            let mut is_open = !is_late;
            while is_open && receive(monitor, &mut frames) {
                is_open = event(&frames) == Some(zmq::SocketEvent::DISCONNECTED.to_raw());
                self.has_lost_peer |= is_open;
            }
            if !is_open {
                // Fails only if it was not watched.
                let _ = monitor.get_fd().map(|descriptor| io.unwatch(descriptor));
            }
            is_open
        });
        self.monitors.is_empty()
    }

    /// Whether the time is over.
    pub(crate) fn is_late(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now >= until)
    }

    /// Whether a connection was lost meanwhile, so that messages may have no receiver.
    pub(crate) fn has_lost_peer(&self) -> bool {
        self.has_lost_peer
    }

    /// When the wait ends at the latest.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.until
    }
}

fn watch_end(context: &Context, socket: &zmq::Socket) -> Result<zmq::Socket, Error> {
    let name = format!("inproc://pigato-closing-{}", NEXT_MONITOR.fetch_add(1, Ordering::Relaxed));
    let monitor = context.socket(zmq::PAIR).map_err(system_error)?;
    monitor.set_linger(0).map_err(system_error)?;
    // Connect before the monitor binds, which inproc allows: in the other order, a failure would leave monitor events without a receiver.
    monitor.connect(&name).map_err(system_error)?;
    let events = zmq::SocketEvent::MONITOR_STOPPED.to_raw() | zmq::SocketEvent::DISCONNECTED.to_raw();
    socket.monitor(&name, i32::from(events)).map_err(system_error)?;
    Ok(monitor)
}
