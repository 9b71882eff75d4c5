//! The directory service.

use napi_derive::napi;
use pigato::services::Directory;

use crate::error::{thrown, Result};

/// A directory service. `None` after `stop`.
#[napi]
pub struct NativeDirectory {
    directory: Option<Directory>,
}

#[napi]
impl NativeDirectory {
    /// Starts a directory service at the broker at `endpoint`, which publishes its directory at
    /// `intch`.
    #[napi(factory, catch_unwind)]
    pub fn start(endpoint: String, intch: String) -> Result<Self> {
        Directory::start(&endpoint, &intch).map(|directory| Self { directory: Some(directory) }).map_err(thrown)
    }

    /// Stops it; from then on the broker answers `$dir` itself. May be called again.
    #[napi(catch_unwind)]
    pub fn stop(&mut self) {
        self.directory = None;
    }
}
