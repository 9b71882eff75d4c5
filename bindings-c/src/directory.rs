//! The directory service.

use std::ffi::c_char;

use pigato::services::Directory;

use crate::arguments::{out, text, write_handle};
use crate::handle;
use crate::status::{guarded, pigato_status};

/// A directory service: a worker that answers PIGATO_DIRECTORY_SERVICE in place of the broker. Only
/// brokers of the published package need one; brokers of this library answer by themselves while no
/// directory service is registered.
pub struct pigato_directory {
    /// Dropping it stops the service.
    _directory: Directory,
}

/// Starts a directory service for the broker that listens on `endpoint` and publishes its workers
/// on `intch`.
///
/// Returns PIGATO_E_ENDPOINT if one of the endpoints cannot be used.
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
        write_handle(place, pigato_directory { _directory: started })
    })
}

/// Stops a directory service and frees it. Does nothing for NULL.
#[no_mangle]
pub unsafe extern "C" fn pigato_directory_free(directory: *mut pigato_directory) {
    handle::free(directory);
}

#[cfg(test)]
mod tests {
    /// The name stands in `pigato.h.in`, because cbindgen does not export text constants.
    #[test]
    fn the_header_names_the_directory_service_as_the_core_does() {
        let line = format!("#define PIGATO_DIRECTORY_SERVICE \"{}\"\n", pigato::services::DIRECTORY);
        assert!(include_str!("../include/pigato.h").contains(&line), "{line}");
    }
}
