//! Signals that ask the command to stop.

use tokio::signal::unix::{signal, Signal, SignalKind};

use crate::exit::{Failure, Status};

/// Catches Ctrl-C and SIGTERM. Each command decides what the first and the second signal do. SIGHUP
/// keeps its default action, so that `nohup` works.
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

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Exits without finishing any work, because the user has sent a second signal.
pub(crate) fn exit_immediately() -> ! {
    crate::logging::flush();
    std::process::exit(Status::Interrupted.number())
}
