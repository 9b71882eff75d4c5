//! Statuses, the last error, and the border that no panic crosses.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{catch_unwind, AssertUnwindSafe};

use pigato::{Error, ErrorCode};

use crate::arguments::{out, pigato_bytes};

/// What became of a call, or of a request. Numbers are never used again for anything else.
pub type pigato_status = i32;

/// It worked.
pub const PIGATO_OK: pigato_status = 0;
/// A request was answered with an error value of the service's own: see the event's data.
pub const PIGATO_REMOTE_ERROR: pigato_status = 1;

/// No reply within the request's timeout.
pub const PIGATO_C_TIMEOUT: pigato_status = 101;
/// The request was cancelled by its maker.
pub const PIGATO_C_CANCELLED: pigato_status = 102;
/// The connection was lost while the request was in flight, and it had no `retry`.
pub const PIGATO_C_DISCONNECTED: pigato_status = 103;
/// The handle was stopped; or the request is not live any more.
pub const PIGATO_C_CLOSED: pigato_status = 104;
/// Too much is unanswered or unread already; nothing was done. Try again later.
pub const PIGATO_C_BUSY: pigato_status = 105;

/// The worker was lost with the request, which had no `retry` or had used up its attempts.
pub const PIGATO_B_WORKER_LOST: pigato_status = 201;
/// No worker offers the service, and the request had `failFast`.
pub const PIGATO_B_NO_WORKER: pigato_status = 202;
/// The broker holds as many requests as it may.
pub const PIGATO_B_QUEUE_FULL: pigato_status = 203;
/// The data is larger than the broker takes.
pub const PIGATO_B_TOO_LARGE: pigato_status = 204;
/// Every worker of the service rejected the request, and it had `failFast`.
pub const PIGATO_B_REJECTED: pigato_status = 205;
/// Not allowed.
pub const PIGATO_B_UNAUTHORIZED: pigato_status = 206;
/// The request breaks the protocol.
pub const PIGATO_B_BAD_REQUEST: pigato_status = 207;
/// The broker is stopping.
pub const PIGATO_B_DRAINING: pigato_status = 208;

/// The worker's handler failed.
pub const PIGATO_W_HANDLER: pigato_status = 301;

/// An endpoint that cannot be bound, connected to or understood.
pub const PIGATO_E_ENDPOINT: pigato_status = 401;
/// An option that does not exist, or a value that it cannot have.
pub const PIGATO_E_OPTION: pigato_status = 402;
/// Data that is not JSON where JSON is needed.
pub const PIGATO_E_DATA: pigato_status = 403;
/// The operating system or libzmq refused something.
pub const PIGATO_E_SYSTEM: pigato_status = 404;
/// The handle was made before a fork.
pub const PIGATO_E_FORK: pigato_status = 405;
/// An argument that is missing or has no meaning.
pub const PIGATO_E_ARGUMENT: pigato_status = 406;
/// A fault in this library; please report it.
pub const PIGATO_E_INTERNAL: pigato_status = 407;

thread_local! {
    /// What was wrong the last time something failed on this thread, with a NUL behind it.
    static LAST_ERROR: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Runs a function's body: an error and a panic become statuses, and what `pigato_last_error` tells.
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
    // Fails only while the thread ends, and then nobody asks any more.
    let _ = LAST_ERROR.try_with(|last| *last.borrow_mut() = text);
}

/// What was wrong the last time a function failed on this thread: the code, what it means and what it was about. Empty
/// if none has failed. A NUL follows it. Valid until the next call of this library on the same thread.
#[no_mangle]
pub unsafe extern "C" fn pigato_last_error(text: *mut pigato_bytes) -> pigato_status {
    // Not remembered, so that the error that is asked for stays.
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

/// A status as other languages and the wire call it: `C_TIMEOUT` for `PIGATO_C_TIMEOUT`. A NUL follows it. Valid for
/// ever. `PIGATO_E_ARGUMENT` for a number that is no status.
#[no_mangle]
pub unsafe extern "C" fn pigato_status_name(status: pigato_status, name: *mut pigato_bytes) -> pigato_status {
    guarded(|| {
        let name = out(name, "name")?;
        name.write(words(status)?.0);
        Ok(())
    })
}

/// What a status means and what to do about it. A NUL follows it. Valid for ever. `PIGATO_E_ARGUMENT` for a number that
/// is no status.
#[no_mangle]
pub unsafe extern "C" fn pigato_status_message(status: pigato_status, message: *mut pigato_bytes) -> pigato_status {
    guarded(|| {
        let message = out(message, "message")?;
        message.write(words(status)?.1);
        Ok(())
    })
}

/// The version of this library, `1.2.3`. A NUL follows it. Valid for ever.
#[no_mangle]
pub unsafe extern "C" fn pigato_version(version: *mut pigato_bytes) -> pigato_status {
    guarded(|| {
        out(version, "version")?.write(pigato_bytes::of_literal(concat!(env!("CARGO_PKG_VERSION"), "\0")));
        Ok(())
    })
}

/// A status's name and message, each with a NUL behind it.
fn words(status: pigato_status) -> Result<(pigato_bytes, pigato_bytes), Error> {
    use std::sync::OnceLock;
    static CODES: OnceLock<Vec<(i32, String, String)>> = OnceLock::new();
    let codes = CODES.get_or_init(|| {
        let core = ErrorCode::ALL.iter().map(|code| (code.number(), code.as_str(), code.message()));
        let own = [
            (PIGATO_OK, "OK", "it worked"),
            (PIGATO_REMOTE_ERROR, "REMOTE_ERROR", "the service answered with an error"),
        ];
        own.into_iter()
            .chain(core)
            .map(|(number, name, message)| (number, format!("{name}\0"), format!("{message}\0")))
            .collect()
    });
    let found = codes.iter().find(|(number, ..)| *number == status);
    let (_, name, message) =
        found.ok_or_else(|| Error::new(ErrorCode::Argument, format!("{status} is no status of this library")))?;
    Ok((pigato_bytes::of_literal(name), pigato_bytes::of_literal(message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status_and_is_told() {
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

    /// The constants above, as the header has them, against the core's table.
    #[test]
    fn statuses_are_those_of_the_core() {
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
