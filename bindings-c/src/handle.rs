//! What all handles have in common: descriptor, poll, cork, free. cbindgen sees no functions that a macro makes, so each
//! exported function is written out in its handle's module and calls one of these.

use std::ffi::c_int;
use std::os::fd::RawFd;
use std::time::Duration;

use pigato::Error;

use crate::arguments::{free_handle, out, reference};
use crate::event::{Owner, Target};
use crate::status::{guarded, guarded_quietly, pigato_status};

/// A handle whose events can be polled.
pub(crate) trait Pollable {
    /// How errors call the handle.
    const NAME: &'static str;
    /// An event of the core.
    type CoreEvent;
    /// The same event as C sees it.
    type Event: Owner + From<Self::CoreEvent>;

    fn refuse_fork(&self) -> Result<(), Error>;
    fn descriptor(&self) -> RawFd;
    fn poll(&self, into: &mut Vec<Self::CoreEvent>, most: usize, timeout: Duration) -> Result<usize, Error>;
}

/// A handle that can hold its commands back.
pub(crate) trait Corkable: Pollable {
    fn cork(&self);
    fn uncork(&self);
}

/// Implements [`Pollable`] for a handle around a type of the core.
macro_rules! pollable {
    ($handle:ident, $name:literal, $core_event:ty => $event:ident) => {
        impl $crate::handle::Pollable for $handle {
            const NAME: &'static str = $name;
            type CoreEvent = $core_event;
            type Event = $event;

            fn refuse_fork(&self) -> Result<(), pigato::Error> {
                self.0.refuse_fork()
            }

            fn descriptor(&self) -> std::os::fd::RawFd {
                self.0.descriptor()
            }

            fn poll(
                &self,
                into: &mut Vec<$core_event>,
                most: usize,
                timeout: std::time::Duration,
            ) -> Result<usize, pigato::Error> {
                self.0.poll(into, most, timeout)
            }
        }
    };
}

/// Implements [`Corkable`] as well.
macro_rules! corkable {
    ($handle:ident, $name:literal, $core_event:ty => $event:ident) => {
        $crate::handle::pollable!($handle, $name, $core_event => $event);

        impl $crate::handle::Corkable for $handle {
            fn cork(&self) {
                self.0.cork();
            }

            fn uncork(&self) {
                self.0.uncork();
            }
        }
    };
}

pub(crate) use {corkable, pollable};

pub(crate) unsafe fn free<H>(handle: *mut H) {
    guarded_quietly(|| free_handle(handle));
}

/// Runs `body` with a handle of this process.
unsafe fn with<H: Pollable>(handle: *const H, body: impl FnOnce(&H) -> Result<(), Error>) -> pigato_status {
    guarded(|| {
        let handle = reference(handle, H::NAME)?;
        handle.refuse_fork()?;
        body(handle)
    })
}

pub(crate) unsafe fn fd<H: Pollable>(handle: *const H, descriptor: *mut c_int) -> pigato_status {
    with(handle, |handle| {
        out(descriptor, "descriptor")?.write(handle.descriptor());
        Ok(())
    })
}

pub(crate) unsafe fn poll<H: Pollable>(
    handle: *const H,
    events: *mut H::Event,
    capacity: usize,
    timeout_ms: i64,
    count: *mut usize,
) -> pigato_status {
    guarded(|| {
        let target = Target::new(events, capacity, count)?;
        let handle = reference(handle, H::NAME)?;
        target.poll(timeout_ms, |into, most, timeout| handle.poll(into, most, timeout))
    })
}

pub(crate) unsafe fn cork<H: Corkable>(handle: *const H) -> pigato_status {
    with(handle, |handle| {
        handle.cork();
        Ok(())
    })
}

pub(crate) unsafe fn uncork<H: Corkable>(handle: *const H) -> pigato_status {
    with(handle, |handle| {
        handle.uncork();
        Ok(())
    })
}
