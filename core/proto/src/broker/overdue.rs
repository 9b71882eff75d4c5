//! Overdue requests, a bounded number of them at a time.
//!
//! Requests that expire at the same time are ended in turns, so that those whose turn has not come are met by a worker
//! that gets room. It ends them on its way to one that is in time; where there are too many of them, the rest of the way
//! is postponed to the next turn, and whoever was on it is remembered here.

use std::time::Instant;

use super::queue::QueueKey;
use super::requests::RequestKey;
use super::workers::WorkerKey;
use super::Machine;
use crate::limits;

/// What may still be done before the machine's owner is given a chance to do something else, and what was put off.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Overdue requests ended on the way to others since the turn began.
    ended: usize,
    postponed: Postponed,
    /// When the first was put off.
    since: Option<Instant>,
}

/// Whose search for a request in time goes on in the next turn.
#[derive(Debug, Default)]
pub(super) struct Postponed {
    workers: Vec<WorkerKey>,
    queues: Vec<QueueKey>,
}

/// Somebody to whom requests are handed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Served {
    Worker(WorkerKey),
    Queue(QueueKey),
}

impl Turn {
    /// A new turn; returns what the one before put off.
    pub(super) fn begin(&mut self) -> Postponed {
        std::mem::take(self).postponed
    }

    /// When the next turn is due, if it is before the next deadline.
    pub(super) fn due(&self) -> Option<Instant> {
        self.since
    }

    fn postpone(&mut self, now: Instant, served: Served) {
        self.since.get_or_insert(now);
        match served {
            Served::Worker(worker) => self.postponed.workers.push(worker),
            Served::Queue(queue) => self.postponed.queues.push(queue),
        }
    }
}

impl Machine {
    /// Gives a waiting request to a worker that has room, unless its time is up. Returns false if `served` has met enough
    /// of those and is to go on in the next turn.
    pub(super) fn hand_over(&mut self, now: Instant, request: RequestKey, worker: WorkerKey, served: Served) -> bool {
        if !self.is_overdue(now, request) {
            self.withdraw(request);
            self.dispatch(now, request, worker);
        } else if self.turn.ended < limits::DUE_PER_TURN {
            self.turn.ended += 1;
            self.expire(now, request);
        } else {
            self.turn.postpone(now, served);
            return false;
        }
        true
    }

    pub(super) fn serve_postponed(&mut self, now: Instant, postponed: Postponed) {
        for worker in postponed.workers {
            self.serve(now, worker);
        }
        for queue in postponed.queues {
            self.serve_queue(now, queue);
        }
    }
}
