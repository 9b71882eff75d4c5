//! Under which identity a client or worker is known to its broker now.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::protocol::PeerId;

/// Written by the I/O thread with each connection, read by anybody.
#[derive(Debug, Clone, Default)]
pub(super) struct CurrentIdentity(Arc<Mutex<Vec<u8>>>);

impl CurrentIdentity {
    pub(super) fn set(&self, identity: &PeerId) {
        *self.0.lock() = identity.as_bytes().to_vec();
    }

    pub(super) fn get(&self) -> Vec<u8> {
        self.0.lock().clone()
    }
}
