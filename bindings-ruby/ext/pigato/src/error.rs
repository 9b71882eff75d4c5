//! Errors of the core as Ruby exceptions: `Pigato::Error.of` chooses the class by the error's code.

use magnus::{prelude::*, Error, Exception, RClass, RHash, RModule, Ruby};
use pigato::ErrorCode;

/// The exception for an error of the core.
pub(crate) fn exception(ruby: &Ruby, error: pigato::Error) -> Error {
    let made: Result<Exception, Error> = ruby
        .class_object()
        .const_get::<_, RModule>("Pigato")
        .and_then(|module| module.const_get::<_, RClass>("Error"))
        .and_then(|class| class.funcall("of", (error.code().as_str(), error.to_string())));
    made.map_or_else(|failed| failed, Error::from)
}

/// All error codes, each with its message.
pub(crate) fn codes(ruby: &Ruby) -> Result<RHash, Error> {
    let codes = ruby.hash_new();
    ErrorCode::ALL.iter().try_for_each(|code| codes.aset(code.as_str(), code.message()))?;
    Ok(codes)
}
