//! The directory service.

use napi_derive::napi;
use pigato::services::Directory;

use crate::error::{thrown, Result};

/// A directory service, from `start` until `stop`.
#[napi]
pub struct NativeDirectory {
    directory: Option<Directory>,
}

#[napi]
impl NativeDirectory {
    /// Starts a directory service at the broker at `endpoint` that publishes at `intch`.
    #[napi(factory, catch_unwind)]
    pub fn start(endpoint: String, intch: String) -> Result<Self> {
        Directory::start(&endpoint, &intch).map(|directory| Self { directory: Some(directory) }).map_err(thrown)
    }

    /// Stops it; the broker answers in its place. Does nothing the second time.
    #[napi(catch_unwind)]
    pub fn stop(&mut self) {
        self.directory = None;
    }
}
