//! Signals that ask the command to end.

use tokio::signal::unix::{signal, Signal, SignalKind};

use crate::exit::{Failure, Status};

/// Ctrl-C and SIGTERM, from now on. Each is reported once; what the first one means and what the second is for the
/// command to say. SIGHUP keeps its meaning, so that `nohup` works.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn install() -> Result<Self, Failure> {
        let interrupt = signal(SignalKind::interrupt()).map_err(Failure::system)?;
        let terminate = signal(SignalKind::terminate()).map_err(Failure::system)?;
        Ok(Self { interrupt, terminate })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ends the process without finishing anything: the user has asked twice.
pub(crate) fn end_at_once() -> ! {
    crate::logging::flush();
    std::process::exit(Status::Interrupted.number())
}
