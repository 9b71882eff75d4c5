//! The directory service.

use magnus::{function, method, prelude::*, Error, RModule, Ruby};
use pigato::services::Directory;

use crate::error::exception;
use crate::handle::{define_class, Slot};

/// A directory service, from `start` until `release`.
#[magnus::wrap(class = "Pigato::Native::Directory", free_immediately)]
struct NativeDirectory(Slot<Directory>);

pub(crate) fn define(ruby: &Ruby, native: RModule) -> Result<(), Error> {
    let class = define_class::<NativeDirectory>(ruby, native, "Directory")?;
    class.define_singleton_method("start", function!(NativeDirectory::start, 2))?;
    class.define_method("release", method!(NativeDirectory::release, 0))?;
    Ok(())
}

impl NativeDirectory {
    /// Starts a directory service at the broker at `endpoint` that publishes at `intch`.
    fn start(ruby: &Ruby, endpoint: String, intch: String) -> Result<Self, Error> {
        Directory::start(&endpoint, &intch)
            .map(|directory| Self(Slot::new(directory)))
            .map_err(|error| exception(ruby, error))
    }

    /// Stops it; the broker answers `$dir` itself again. Does nothing the second time.
    fn release(&self) {
        self.0.release();
    }
}
