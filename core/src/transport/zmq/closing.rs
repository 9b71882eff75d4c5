//! The end of sockets. libzmq closes one some time after it was told to: when what the socket was given has left, or its linger
//! time is over. Who waits for that may end the process without losing what was sent, and bind the same address at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pigato_frame::Context;

use super::socket::{event, receive};
use crate::error::Error;
use crate::reactor::Io;
use crate::transport::error::system_error;
use crate::transport::settings::LINGER;

/// Longest wait for sockets to close. More than the linger time: libzmq waits for the receiver of its last report.
const CLOSE_TIMEOUT: Duration = LINGER.saturating_mul(2);

/// Numbers the monitors, whose endpoints are known to the whole process.
static NEXT_MONITOR: AtomicU64 = AtomicU64::new(0);

/// Sockets of one endpoint on their way out.
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

    /// Waits for the end of `socket` too, which the caller closes next. It may have no other monitor.
    ///
    /// A bound socket is not unbound first: libzmq ends a listener's connections with it, in the middle of a message if need be,
    /// and aborts the process if one of them breaks just then (its issue 3442).
    pub(crate) fn expect_end_of(
        &mut self,
        now: Instant,
        context: &Context,
        socket: &zmq::Socket,
        io: &Io<'_>,
        slot: usize,
    ) {
        // Without news of it there is nothing to wait for.
        if let Ok(monitor) = watch_end(context, socket) {
            // Without the watch the deadline ends the wait.
            let _ = monitor.get_fd().map(|descriptor| io.watch(descriptor, slot));
            self.monitors.push(monitor);
            self.until.get_or_insert(now + CLOSE_TIMEOUT);
        }
    }

    /// Whether all of them are closed, or have been waited for long enough.
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
                // As for `expect_end_of`.
                let _ = monitor.get_fd().map(|descriptor| io.unwatch(descriptor));
            }
            is_open
        });
        self.monitors.is_empty()
    }

    /// Whether the time is up.
    pub(crate) fn is_late(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now >= until)
    }

    /// Whether a connection has broken meanwhile, so that there may be nobody left to send to.
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
    // libzmq takes a connection to what is not bound yet; the other way round a failure would leave a report without a
    // receiver.
    monitor.connect(&name).map_err(system_error)?;
    let events = zmq::SocketEvent::MONITOR_STOPPED.to_raw() | zmq::SocketEvent::DISCONNECTED.to_raw();
    socket.monitor(&name, i32::from(events)).map_err(system_error)?;
    Ok(monitor)
}
