//! The end of a broker: no command is accepted, everything sent leaves within a bounded time, then the sockets close.

use std::time::{Duration, Instant};

use super::BrokerEndpoint;
use crate::reactor::{Io, Progress};
use crate::transport::{Closing, Peers};

/// How far the end has come.
#[derive(Default)]
pub(super) struct Shutdown(Option<Closing>);

impl Shutdown {
    /// When the wait for the sockets ends at the latest; `None` before the end has begun.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.as_ref().and_then(Closing::deadline)
    }
}

impl BrokerEndpoint {
    /// Closes the sockets and waits for them. Delivers [`Event::Drained`](crate::broker::Event::Drained) after that.
    pub(super) fn shut_down(&mut self, now: Instant, io: &Io<'_>) -> Progress {
        let mut closing = match self.shutdown.0.take() {
            Some(closing) => closing,
            None => self.begin_shutdown(now, io),
        };
        let has_written_all = self.peers.has_written_all();
        if !closing.is_over(now, io) || !(has_written_all || closing.is_late(now)) {
            self.shutdown.0 = Some(closing);
            return Progress::Idle;
        }
        self.peers.close(io);
        self.deliver();
        Progress::Done
    }

    fn begin_shutdown(&mut self, now: Instant, io: &Io<'_>) -> Closing {
        self.refuse_commands(now);
        let mut closing = Closing::begin(now);
        self.peers.stop_listening(now, &self.context, &mut closing, io);
        if let Some(publisher) = self.publisher.take() {
            publisher.close(now, &self.context, &mut closing, io, Peers::CLOSING_SLOT);
        }
        closing
    }

    /// Accepts no further command, and handles those that are queued.
    fn refuse_commands(&mut self, now: Instant) {
        for command in self.mailbox.close() {
            self.handle_command(now, command);
        }
    }

    /// Ends at once, without waiting for what is still to be sent.
    pub(super) fn abort_shutdown(&mut self, io: &Io<'_>) {
        let now = Instant::now();
        self.machine.drain(now, Duration::ZERO);
        while self.machine.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.machine.handle_timeout(now);
        }
        self.carry_out(now, io);
        self.refuse_commands(now);
        if let Some(publisher) = self.publisher.take() {
            publisher.abort(io);
        }
        self.peers.close(io);
        self.deliver();
    }
}
