//! The workers that rejected a request.

use super::keys::WorkerKey;

/// The workers that rejected a request, sorted. Empty for nearly all requests, and then without an
/// allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rejecters(Vec<WorkerKey>);

impl Rejecters {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, worker: WorkerKey) -> bool {
        self.0.binary_search(&worker).is_ok()
    }

    pub(super) fn insert(&mut self, worker: WorkerKey) {
        if let Err(at) = self.0.binary_search(&worker) {
            self.0.insert(at, worker);
        }
    }
}
