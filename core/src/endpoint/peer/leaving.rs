//! The end of a client or worker: it accepts no command, everything sent leaves within a bounded time, then it has stopped.

use std::time::{Duration, Instant};

use super::machine::PeerMachine;
use super::PeerEndpoint;
use crate::reactor::{CorkWatch, EventSink, Io, Progress};
use crate::transport::{BrokerConnection, Closing, LINGER, SEND_RETRY};

/// How long the last messages may wait for room, before the linger time begins.
const LEAVING: Duration = LINGER;

/// The last connection of a stopped machine, until everything it sent has left.
#[derive(Default)]
pub(super) struct Leaving {
    pub(super) connection: Option<Box<dyn BrokerConnection>>,
    closing: Closing,
    until: Option<Instant>,
    /// Whether the last event has been delivered; only libzmq's socket must still close.
    pub(super) is_last_event_delivered: bool,
}

/// A sink that discards events.
struct Discard;

impl<E> EventSink<E> for Discard {
    fn deliver(&mut self, _events: &mut Vec<E>) {}
}

impl<M: PeerMachine + 'static> PeerEndpoint<M> {
    /// Accepts no further command, and handles those that are queued.
    pub(super) fn refuse_commands(&mut self, now: Instant, io: &Io<'_>) {
        for command in self.mailbox.close() {
            self.machine.handle_command(now, command);
        }
        self.carry_out(now, io);
        self.deliver();
    }

    /// Delivers the last event once everything sent has left.
    pub(super) fn leave(&mut self, now: Instant, io: &Io<'_>) -> Progress {
        self.refuse_commands(now, io);
        // No command can arrive any more.
        self.cork_watch = CorkWatch::default();
        let leaving = &mut self.leaving;
        let is_late = now >= *leaving.until.get_or_insert(now + LEAVING);
        if let Some(mut connection) = leaving.connection.take() {
            connection.flush();
            if connection.has_unsent() && !is_late {
                leaving.connection = Some(connection);
                self.retry_at = Some(now + SEND_RETRY);
                return Progress::Idle;
            }
            connection.close_expected(now, &mut leaving.closing, io);
        }
        self.retry_at = leaving.closing.deadline();
        let is_over = leaving.closing.is_over(now, io);
        if is_over || leaving.closing.has_lost_peer() {
            self.deliver_last_event();
        }
        if is_over {
            Progress::Done
        } else {
            Progress::Idle
        }
    }

    pub(super) fn deliver_last_event(&mut self) {
        self.leaving.is_last_event_delivered = true;
        self.events.extend(self.last_event.take());
        self.deliver();
        // The sink may hold a handle, which keeps the engine alive.
        self.sink = Box::new(Discard);
    }
}
