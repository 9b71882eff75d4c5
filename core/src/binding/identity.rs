//! The identity of a client's or worker's current session.

use std::sync::Arc;

use parking_lot::Mutex;

/// The I/O thread writes it with each new session; any thread reads it.
#[derive(Debug, Clone, Default)]
pub(super) struct CurrentIdentity(Arc<Mutex<Vec<u8>>>);

impl CurrentIdentity {
    pub(super) fn set(&self, identity: &[u8]) {
        *self.0.lock() = identity.to_vec();
    }

    pub(super) fn get(&self) -> Vec<u8> {
        self.0.lock().clone()
    }
}
