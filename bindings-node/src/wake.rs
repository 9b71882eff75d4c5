//! How the I/O thread tells JavaScript that there are events.

use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};

use crate::error::{refused, Result};

/// Weak, so that it keeps no process alive; without payload; one call waits at most, as one says it all.
type WakeFunction = ThreadsafeFunction<(), (), (), napi::Status, false, true, 1>;

/// A function for any thread that has `wake` called on Node's.
pub(crate) fn waker(wake: &Function<'_, (), ()>) -> Result<impl Fn() + Send + Sync + 'static> {
    let function: WakeFunction = wake
        .build_threadsafe_function()
        .callee_handled::<false>()
        .weak::<true>()
        .max_queue_size::<1>()
        .build()
        .map_err(refused)?;
    Ok(move || {
        // Refused while a call waits already, and when Node is going away: both are fine.
        function.call((), ThreadsafeFunctionCallMode::NonBlocking);
    })
}
