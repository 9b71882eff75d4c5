//! Wakes JavaScript when there are events.

use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};

use crate::error::{refused, Result};

/// Weak, so that it does not keep the process alive. Its queue holds 1 call: one wake-up is enough
/// for all events.
type WakeFunction = ThreadsafeFunction<(), (), (), napi::Status, false, true, 1>;

/// A function that any thread may call, and that calls `wake` on Node's thread.
pub(crate) fn waker(wake: &Function<'_, (), ()>) -> Result<impl Fn() + Send + Sync + 'static> {
    let function: WakeFunction = wake
        .build_threadsafe_function()
        .callee_handled::<false>()
        .weak::<true>()
        .max_queue_size::<1>()
        .build()
        .map_err(refused)?;
    Ok(move || {
        // Node refuses the call while one is queued and while it shuts down. Neither needs another
        // wake-up.
        function.call((), ThreadsafeFunctionCallMode::NonBlocking);
    })
}
