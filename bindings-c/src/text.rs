//! Text that the caller owns.

use std::ffi::{c_char, CString};

use pigato::{Error, ErrorCode};

/// Text that you own. Free it with pigato_text_free().
#[repr(C)]
#[derive(Debug)]
pub struct pigato_text {
    /// The text, UTF-8, followed by a NUL.
    pub data: *mut c_char,
    /// Length in bytes, without the NUL.
    pub length: usize,
}

impl pigato_text {
    /// The text must not contain a NUL.
    pub(crate) fn new(text: String) -> Result<Self, Error> {
        let length = text.len();
        let text = CString::new(text).map_err(|error| Error::new(ErrorCode::Internal, error.to_string()))?;
        Ok(Self { data: text.into_raw(), length })
    }
}

/// Frees a text and makes it empty. Freeing it again, or freeing NULL, does nothing.
#[no_mangle]
pub unsafe extern "C" fn pigato_text_free(text: *mut pigato_text) {
    crate::status::guarded_quietly(|| {
        let Some(text) = text.as_mut() else { return };
        if !text.data.is_null() {
            drop(CString::from_raw(text.data));
        }
        *text = pigato_text { data: std::ptr::null_mut(), length: 0 };
    });
}
