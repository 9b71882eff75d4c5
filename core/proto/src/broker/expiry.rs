//! Overdue requests, a bounded number of them at a time.
//!
//! Requests that expire at the same time are ended in turns, so that those whose turn has not come are met by a worker
//! that gets room. It ends them on its way to one that is in time; where there are too many of them, the rest of the way
//! is deferred to the next turn, and whoever was on it is remembered here.

use std::time::Instant;

use super::keys::{QueueKey, RequestKey, WorkerKey};
use super::{Machine, TimerKey};
use crate::limits;

/// What may still be done before the machine's owner is given a chance to do something else, and what was put off.
#[derive(Debug, Default)]
pub(super) struct WorkBudget {
    /// Overdue requests ended on the way to others since the turn began.
    ended: usize,
    deferred: DeferredWork,
    /// When the first was put off.
    since: Option<Instant>,
}

/// Whose search for a request in time goes on in the next turn.
#[derive(Debug, Default)]
pub(super) struct DeferredWork {
    workers: Vec<WorkerKey>,
    queues: Vec<QueueKey>,
}

/// Somebody to whom requests are handed.
#[derive(Debug, Clone, Copy)]
pub(super) enum ServeTarget {
    Worker(WorkerKey),
    Queue(QueueKey),
}

impl WorkBudget {
    /// A new turn; returns what the one before put off.
    pub(super) fn begin(&mut self) -> DeferredWork {
        std::mem::take(self).deferred
    }

    /// When the next turn is due, if it is before the next deadline.
    pub(super) fn due(&self) -> Option<Instant> {
        self.since
    }

    #[cfg(debug_assertions)]
    pub(super) fn has_deferred(&self) -> bool {
        self.since.is_some()
    }

    fn defer(&mut self, now: Instant, served: ServeTarget) {
        self.since.get_or_insert(now);
        match served {
            ServeTarget::Worker(worker) => self.deferred.workers.push(worker),
            ServeTarget::Queue(queue) => self.deferred.queues.push(queue),
        }
    }
}

impl Machine {
    pub(super) fn expire(&mut self, now: Instant, key: RequestKey) {
        self.statistics.expired += 1;
        self.abandon(now, key);
    }

    pub(super) fn is_expired(&self, now: Instant, key: RequestKey) -> bool {
        self.requests[key].expires_at.is_some_and(|expires_at| expires_at <= now)
    }

    pub(super) fn request_timer(&mut self, now: Instant, key: RequestKey) {
        let Some(request) = self.requests.get_mut(key) else { return };
        request.armed.fired();
        match request.expires_at {
            Some(expires_at) if expires_at <= now => self.expire(now, key),
            Some(expires_at) => self.timers.arm(TimerKey::Request(key), &mut request.armed, expires_at),
            None => {}
        }
    }

    /// Gives a waiting request to a worker that has room, unless its time is up. Returns false if `served` has met enough
    /// of those and is to go on in the next turn.
    pub(super) fn dispatch_or_expire(
        &mut self,
        now: Instant,
        request: RequestKey,
        worker: WorkerKey,
        served: ServeTarget,
    ) -> bool {
        if !self.is_expired(now, request) {
            self.withdraw(request);
            self.dispatch(now, request, worker);
        } else if self.budget.ended < limits::DUE_PER_TURN {
            self.budget.ended += 1;
            self.expire(now, request);
        } else {
            self.budget.defer(now, served);
            return false;
        }
        true
    }

    pub(super) fn serve_deferred(&mut self, now: Instant, deferred: DeferredWork) {
        for worker in deferred.workers {
            self.serve(now, worker);
        }
        for queue in deferred.queues {
            self.serve_queue(now, queue);
        }
    }
}
