//! Statuses, the last error, and catching panics before they reach C.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{catch_unwind, AssertUnwindSafe};

use pigato::{Error, ErrorCode};

use crate::arguments::{out, pigato_bytes};

/// The outcome of a call or of a request. A number never changes its meaning; later versions may
/// add numbers, so a `switch` needs a `default`.
pub type pigato_status = i32;

/// Success.
pub const PIGATO_OK: pigato_status = 0;
/// The service answered the request with an error value of its own, which is in the event's `data`.
pub const PIGATO_REMOTE_ERROR: pigato_status = 1;

/// No reply arrived within the request's timeout.
pub const PIGATO_C_TIMEOUT: pigato_status = 101;
/// The client cancelled the request.
pub const PIGATO_C_CANCELLED: pigato_status = 102;
/// The connection was lost while the request was in flight, and `retry` was not set.
pub const PIGATO_C_DISCONNECTED: pigato_status = 103;
/// The handle has stopped, or the job has ended.
pub const PIGATO_C_CLOSED: pigato_status = 104;
/// A limit is reached: requests without a final reply, partial replies that the client has not
/// read, or calls that wait for the I/O thread. Nothing was sent; try again later.
pub const PIGATO_C_BUSY: pigato_status = 105;

/// The worker was lost while it had the request, and `retry` was not set or 5 attempts were used
/// up.
pub const PIGATO_B_WORKER_LOST: pigato_status = 201;
/// No worker offers the service, and `failFast` was set.
pub const PIGATO_B_NO_WORKER: pigato_status = 202;
/// The broker holds the most requests, or bytes of requests, that its options allow.
pub const PIGATO_B_QUEUE_FULL: pigato_status = 203;
/// The data is larger than the broker's `maxBodyBytes`.
pub const PIGATO_B_TOO_LARGE: pigato_status = 204;
/// Every worker of the service rejected the request, and `failFast` was set.
pub const PIGATO_B_REJECTED: pigato_status = 205;
/// The broker does not allow the request.
pub const PIGATO_B_UNAUTHORIZED: pigato_status = 206;
/// The request violates the protocol.
pub const PIGATO_B_BAD_REQUEST: pigato_status = 207;
/// The broker is stopping and accepts no new requests.
pub const PIGATO_B_DRAINING: pigato_status = 208;

/// The worker's handler failed; the event's `message` says why.
pub const PIGATO_W_HANDLER: pigato_status = 301;

/// The endpoint is malformed, or cannot be bound or connected to.
pub const PIGATO_E_ENDPOINT: pigato_status = 401;
/// The option does not exist, or its value is invalid.
pub const PIGATO_E_OPTION: pigato_status = 402;
/// The data is not JSON where JSON is required.
pub const PIGATO_E_DATA: pigato_status = 403;
/// The operating system or libzmq reported an error.
pub const PIGATO_E_SYSTEM: pigato_status = 404;
/// The handle was created before a fork; create new handles in the child process.
pub const PIGATO_E_FORK: pigato_status = 405;
/// An argument is missing or invalid.
pub const PIGATO_E_ARGUMENT: pigato_status = 406;
/// A bug in this library; please report it.
pub const PIGATO_E_INTERNAL: pigato_status = 407;

thread_local! {
    /// The last failure on this thread as text, with a final NUL.
    static LAST_ERROR: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Runs a function's body. An error or a panic becomes a status and the text of
/// `pigato_last_error`.
pub(crate) fn guarded(body: impl FnOnce() -> Result<(), Error>) -> pigato_status {
    let error = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return PIGATO_OK,
        Ok(Err(error)) => error,
        Err(panic) => Error::new(ErrorCode::Internal, panic_text(&*panic)),
    };
    remember(&error);
    error.code().number()
}

/// As [`guarded`], for functions without a status.
pub(crate) fn guarded_quietly(body: impl FnOnce()) {
    guarded(|| {
        body();
        Ok(())
    });
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

fn remember(error: &Error) {
    let text = format!("{error}\0").into_bytes();
    // Fails only while the thread ends, when no caller can ask for it any more.
    let _ = LAST_ERROR.try_with(|last| *last.borrow_mut() = text);
}

/// Returns a description of the last failure on the calling thread: the code, its meaning and the
/// details. The text ends with a NUL and is empty if nothing has failed. It is valid until the next
/// call of this library on the same thread.
#[no_mangle]
pub unsafe extern "C" fn pigato_last_error(text: *mut pigato_bytes) -> pigato_status {
    // Not through `guarded`, which would replace the error that the caller asks for.
    let Ok(text) = out(text, "text") else { return PIGATO_E_ARGUMENT };
    let last = LAST_ERROR.with(|last| {
        let mut last = last.borrow_mut();
        if last.is_empty() {
            last.push(0);
        }
        pigato_bytes::of(&last[..last.len() - 1])
    });
    text.write(last);
    PIGATO_OK
}

/// Returns the name of a status as all languages and the wire use it: C_TIMEOUT for
/// PIGATO_C_TIMEOUT. The text ends with a NUL and is valid forever.
///
/// Returns PIGATO_E_ARGUMENT if the number is not a status.
#[no_mangle]
pub unsafe extern "C" fn pigato_status_name(status: pigato_status, name: *mut pigato_bytes) -> pigato_status {
    guarded(|| {
        let name = out(name, "name")?;
        name.write(words(status)?.0);
        Ok(())
    })
}

/// Returns what a status means and what to do about it, in English. The text ends with a NUL and is
/// valid forever.
///
/// Returns PIGATO_E_ARGUMENT if the number is not a status.
#[no_mangle]
pub unsafe extern "C" fn pigato_status_message(status: pigato_status, message: *mut pigato_bytes) -> pigato_status {
    guarded(|| {
        let message = out(message, "message")?;
        message.write(words(status)?.1);
        Ok(())
    })
}

/// Returns the version of this library, such as 1.2.3. The text ends with a NUL and is valid
/// forever.
#[no_mangle]
pub unsafe extern "C" fn pigato_version(version: *mut pigato_bytes) -> pigato_status {
    guarded(|| {
        out(version, "version")?.write(pigato_bytes::of_literal(concat!(env!("CARGO_PKG_VERSION"), "\0")));
        Ok(())
    })
}

/// The name and the message of a status, each with a final NUL.
fn words(status: pigato_status) -> Result<(pigato_bytes, pigato_bytes), Error> {
    use std::sync::OnceLock;
    static CODES: OnceLock<Vec<(i32, String, String)>> = OnceLock::new();
    let codes = CODES.get_or_init(|| {
        let core = ErrorCode::ALL.iter().map(|code| (code.number(), code.as_str(), code.message()));
        let own =
            [(PIGATO_OK, "OK", "success"), (PIGATO_REMOTE_ERROR, "REMOTE_ERROR", "the service answered with an error")];
        own.into_iter()
            .chain(core)
            .map(|(number, name, message)| (number, format!("{name}\0"), format!("{message}\0")))
            .collect()
    });
    let found = codes.iter().find(|(number, ..)| *number == status);
    let (_, name, message) =
        found.ok_or_else(|| Error::new(ErrorCode::Argument, format!("{status} is not a status of this library")))?;
    Ok((pigato_bytes::of_literal(name), pigato_bytes::of_literal(message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status_and_the_last_error() {
        std::panic::set_hook(Box::new(|_| {}));
        assert_eq!(guarded(|| panic!("a fault")), PIGATO_E_INTERNAL);
        let _ = std::panic::take_hook();
        let mut text = pigato_bytes::of(b"");
        // SAFETY: `text` is a place for the result.
        assert_eq!(unsafe { pigato_last_error(&mut text) }, PIGATO_OK);
        // SAFETY: nothing else has failed on this thread since.
        let text = unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), text.length) };
        let text = std::str::from_utf8(text).unwrap();
        assert!(text.starts_with("E_INTERNAL") && text.ends_with("(a fault)"), "{text}");
    }

    /// Compares the constants above, which the header repeats, with the core's table.
    #[test]
    fn statuses_match_the_core() {
        let own = include_str!("status.rs");
        let constants = own.lines().filter_map(|line| {
            let (name, number) = line.strip_prefix("pub const PIGATO_")?.split_once(": pigato_status = ")?;
            Some((name.to_owned(), number.strip_suffix(';')?.parse::<i32>().ok()?))
        });
        let core = ErrorCode::ALL.iter().map(|code| (code.as_str().to_owned(), code.number()));
        let without_own: Vec<_> = constants.filter(|(_, number)| *number > PIGATO_REMOTE_ERROR).collect();
        assert_eq!(without_own, core.collect::<Vec<_>>());
    }
}
