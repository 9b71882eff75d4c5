//! The directory service.

use std::ffi::c_char;

use pigato::services::Directory;

use crate::arguments::{give, out, release, text};
use crate::status::{guarded, guarded_quietly, pigato_status};

/// A directory service: tells who offers what under the name `$dir`, in the broker's place.
pub struct pigato_directory {
    /// Dropping it ends the service.
    _directory: Directory,
}

/// Starts a directory service at the broker at `endpoint` that publishes at `intch`. A broker of this library answers `$dir`
/// by itself; published ones need such a service.
#[no_mangle]
pub unsafe extern "C" fn pigato_directory_start(
    endpoint: *const c_char,
    endpoint_length: usize,
    intch: *const c_char,
    intch_length: usize,
    directory: *mut *mut pigato_directory,
) -> pigato_status {
    guarded(|| {
        let place = out(directory, "directory")?;
        let intch = text(intch, intch_length, "intch")?;
        let started = Directory::start(text(endpoint, endpoint_length, "endpoint")?, intch)?;
        give(place, pigato_directory { _directory: started })
    })
}

/// Stops a directory service and frees it. Does nothing with NULL.
#[no_mangle]
pub unsafe extern "C" fn pigato_directory_free(directory: *mut pigato_directory) {
    guarded_quietly(|| release(directory));
}

#[cfg(test)]
mod tests {
    /// Written out in `cbindgen.toml`, because cbindgen takes no text from the sources.
    #[test]
    fn the_header_has_the_name_that_the_core_gives_the_directory() {
        let line = format!("#define PIGATO_DIRECTORY_SERVICE \"{}\"\n", pigato::services::DIRECTORY);
        assert!(include_str!("../include/pigato.h").contains(&line), "{line}");
    }
}
