//! Pointers in and pointers out.

use std::ffi::c_char;
use std::time::Duration;

use pigato::{Error, ErrorCode};

/// Bytes that the holder does not own. The function or event that returns them states how long they
/// are valid. `data` is never NULL in bytes that this library returns.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct pigato_bytes {
    /// The first byte. A NUL at the end is not guaranteed.
    pub data: *const c_char,
    /// Number of bytes.
    pub length: usize,
}

impl pigato_bytes {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr().cast(), length: bytes.len() }
    }

    /// Text whose final NUL does not count.
    pub(crate) fn of_literal(text: &str) -> Self {
        Self::of(text.strip_suffix('\0').unwrap_or(text).as_bytes())
    }

    pub(crate) const EMPTY: Self = Self { data: c"".as_ptr(), length: 0 };
}

fn missing(name: &str) -> Error {
    Error::new(ErrorCode::Argument, format!("`{name}` is NULL"))
}

/// The value behind a pointer; an error if it is NULL.
pub(crate) unsafe fn reference<'a, T>(pointer: *const T, name: &str) -> Result<&'a T, Error> {
    pointer.as_ref().ok_or_else(|| missing(name))
}

/// As [`reference`], mutable.
pub(crate) unsafe fn reference_mut<'a, T>(pointer: *mut T, name: &str) -> Result<&'a mut T, Error> {
    pointer.as_mut().ok_or_else(|| missing(name))
}

/// The place of an out-parameter; an error if it is NULL.
pub(crate) fn out<T>(pointer: *mut T, name: &str) -> Result<std::ptr::NonNull<T>, Error> {
    std::ptr::NonNull::new(pointer).ok_or_else(|| missing(name))
}

/// Moves a handle to the heap and its pointer to the caller.
pub(crate) unsafe fn write_handle<T>(place: std::ptr::NonNull<*mut T>, handle: T) -> Result<(), Error> {
    place.write(Box::into_raw(Box::new(handle)));
    Ok(())
}

/// Frees a handle of [`write_handle`]; does nothing for NULL.
pub(crate) unsafe fn free_handle<T>(handle: *mut T) {
    if !handle.is_null() {
        drop(Box::from_raw(handle));
    }
}

/// Bytes given as pointer and length.
pub(crate) unsafe fn bytes<'a>(data: *const c_char, length: usize, name: &str) -> Result<&'a [u8], Error> {
    if length == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(missing(name));
    }
    if isize::try_from(length).is_err() {
        return Err(Error::new(ErrorCode::Argument, format!("`{name}` has an invalid length of {length} bytes")));
    }
    Ok(std::slice::from_raw_parts(data.cast(), length))
}

/// UTF-8 given as pointer and length.
pub(crate) unsafe fn text<'a>(data: *const c_char, length: usize, name: &str) -> Result<&'a str, Error> {
    std::str::from_utf8(bytes(data, length, name)?)
        .map_err(|error| Error::new(ErrorCode::Argument, format!("`{name}` is not UTF-8: {error}")))
}

/// A time in milliseconds; a negative one is the longest there is, which is as good as forever.
pub(crate) fn duration(millis: i64) -> Duration {
    u64::try_from(millis).map_or(Duration::MAX, Duration::from_millis)
}
