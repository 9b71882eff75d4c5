//! Errors as JavaScript sees them: an `Error` whose `code` is the core's.

use pigato::ErrorCode;

pub(crate) type Result<T> = std::result::Result<T, napi::Error<&'static str>>;

pub(crate) fn thrown(error: pigato::Error) -> napi::Error<&'static str> {
    napi::Error::new(error.code().as_str(), error.to_string())
}

/// What Node itself refused.
pub(crate) fn refused(error: napi::Error) -> napi::Error<&'static str> {
    napi::Error::new(ErrorCode::System.as_str(), error.reason)
}

/// A call that breaks the contract between the two halves of this package.
pub(crate) fn misuse(message: &str) -> napi::Error<&'static str> {
    napi::Error::new(ErrorCode::Internal.as_str(), message)
}
