//! Errors for JavaScript: an `Error` whose `code` is the core's.

use pigato::ErrorCode;

pub(crate) type Result<T> = std::result::Result<T, napi::Error<&'static str>>;

pub(crate) fn thrown(error: pigato::Error) -> napi::Error<&'static str> {
    napi::Error::new(error.code().as_str(), error.to_string())
}

/// An error of Node itself.
pub(crate) fn refused(error: napi::Error) -> napi::Error<&'static str> {
    napi::Error::new(ErrorCode::System.as_str(), error.reason)
}

/// A call from `lib` that breaks its contract with `src`: a bug in this package.
pub(crate) fn misuse(message: &str) -> napi::Error<&'static str> {
    napi::Error::new(ErrorCode::Internal.as_str(), message)
}
