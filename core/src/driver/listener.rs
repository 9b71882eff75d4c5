//! The end of a bound socket: libzmq closes its listeners some time after it was told to, and until then nobody can
//! bind the same address. Who waits for this can start the next broker there at once.

use std::sync::atomic::{AtomicU64, Ordering};

use pigato_frame::{Context, Frame};

use super::dealer::is_inproc;
use super::engine::Io;
use super::socket::{receive, system_error};
use crate::error::Error;

/// Numbers the monitors, whose endpoints are known to the whole process.
static NEXT_MONITOR: AtomicU64 = AtomicU64::new(0);

/// Listeners of a socket that was closed.
pub(super) struct ClosingListeners {
    monitor: zmq::Socket,
    open: usize,
}

impl ClosingListeners {
    /// Closes a socket that is bound to `endpoints`. What was sent still leaves, within the linger time.
    ///
    /// The socket is not unbound first: libzmq ends a listener's connections with it, in the middle of a message if need
    /// be, and aborts the process if one of them breaks just then (its issue 3442).
    pub(super) fn close(context: &Context, socket: zmq::Socket, endpoints: &[String]) -> Result<Self, Error> {
        let name = format!("inproc://pigato-listener-{}", NEXT_MONITOR.fetch_add(1, Ordering::Relaxed));
        let events = zmq::SocketEvent::CLOSED.to_raw() | zmq::SocketEvent::CLOSE_FAILED.to_raw();
        socket.monitor(&name, i32::from(events)).map_err(system_error)?;
        let monitor = context.socket(zmq::PAIR).map_err(system_error)?;
        monitor.set_linger(0).map_err(system_error)?;
        monitor.connect(&name).map_err(system_error)?;
        // `inproc` has no listener and ends at once.
        let open = endpoints.iter().filter(|endpoint| !is_inproc(endpoint)).count();
        drop(socket);
        Ok(Self { monitor, open })
    }

    pub(super) fn watch(&self, io: &Io<'_>, slot: usize) {
        // Without the watch the owner's deadline ends the wait.
        let _ = self.monitor.get_fd().map(|descriptor| io.watch(descriptor, slot));
    }

    pub(super) fn unwatch(&self, io: &Io<'_>) {
        // As for `watch`.
        let _ = self.monitor.get_fd().map(|descriptor| io.unwatch(descriptor));
    }

    /// Whether all of them are closed.
    pub(super) fn are_closed(&mut self, frames: &mut Vec<Frame>) -> bool {
        while self.open > 0 && receive(&self.monitor, frames) {
            self.open -= 1;
        }
        frames.clear();
        self.open == 0
    }
}
