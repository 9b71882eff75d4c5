//! Requests whose time is up, under a work budget.
//!
//! When many requests expire together, [`Machine::handle_timeout`] ends at most
//! [`limits::DUE_PER_TURN`] of them per call. When a worker gets room meanwhile, the search for
//! its next request may find expired ones. The broker ends them within the same budget until it
//! finds a request in time, and defers the rest of the search to the next call.

use std::time::Instant;

use super::keys::{QueueKey, RequestKey, WorkerKey};
use super::{Machine, TimerKey};
use crate::limits;

/// Bounds the work between two calls of [`Machine::handle_timeout`], and holds the deferred part.
#[derive(Debug, Default)]
pub(super) struct WorkBudget {
    /// Expired requests that searches have ended since the last call.
    ended: usize,
    deferred: DeferredWork,
    /// When the first search was deferred.
    since: Option<Instant>,
}

/// Interrupted searches for a request that is in time.
#[derive(Debug, Default)]
pub(super) struct DeferredWork {
    workers: Vec<WorkerKey>,
    queues: Vec<QueueKey>,
}

/// The subject of a search: a worker with room, or a queue with waiting requests.
#[derive(Debug, Clone, Copy)]
pub(super) enum ServeTarget {
    Worker(WorkerKey),
    Queue(QueueKey),
}

impl WorkBudget {
    /// Starts a new budget and returns the work deferred under the last one.
    pub(super) fn begin(&mut self) -> DeferredWork {
        std::mem::take(self).deferred
    }

    /// When deferred work is due; `None` without deferred work.
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

    /// Dispatches a waiting request to a worker that has room, or ends it if its time is up.
    /// Returns false once the budget is used up and the search of `served` is deferred.
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
