//! Handles of the core that Ruby may release before the garbage collector does, and the methods that all of them share.

use std::cell::RefCell;
use std::os::fd::RawFd;
use std::sync::Arc;

use magnus::{prelude::*, Error, RArray, RClass, RModule, Ruby, TypedData};
use pigato::ErrorCode;

use crate::error::exception;

/// Defines the class of a type and looks it up once, before there are threads. The first look-up runs Ruby code under a
/// Rust lock: a second thread that waited for this lock would do so with the GVL, which the first one needs.
pub(crate) fn define_class<T: TypedData>(ruby: &Ruby, native: RModule, name: &str) -> Result<RClass, Error> {
    native.define_class(name, ruby.class_object())?;
    let class = T::class(ruby);
    class.undef_default_alloc_func();
    Ok(class)
}

/// A handle until it is released.
pub(crate) struct Slot<H>(RefCell<Option<Arc<H>>>);

impl<H> Slot<H> {
    pub(crate) fn new(handle: H) -> Self {
        Self(RefCell::new(Some(Arc::new(handle))))
    }

    /// A clone of the handle, since Ruby code may release it while it is in use; `C_CLOSED` once it was released.
    pub(crate) fn get(&self, ruby: &Ruby) -> Result<Arc<H>, Error> {
        self.peek().ok_or_else(|| exception(ruby, ErrorCode::Closed.into()))
    }

    /// The handle, if it was not released.
    fn peek(&self) -> Option<Arc<H>> {
        self.0.borrow().clone()
    }

    /// Closes the handle and its descriptor, for which no thread may wait any more.
    pub(crate) fn release(&self) {
        drop(self.0.take());
    }
}

/// A Ruby object whose handle has events: what `lib/pigato/dispatcher.rb` uses.
pub(crate) trait Source {
    type Handle;
    type Event;

    fn slot(&self) -> &Slot<Self::Handle>;
    fn forked(handle: &Self::Handle) -> Result<(), pigato::Error>;
    fn begin(handle: &Self::Handle) -> Option<RawFd>;
    fn end(handle: &Self::Handle);
    fn poll(handle: &Self::Handle, into: &mut Vec<Self::Event>, most: usize) -> Result<usize, pigato::Error>;
    /// The event as an array; `None` for an event that Ruby does not know.
    fn record(ruby: &Ruby, event: &Self::Event) -> Result<Option<RArray>, Error>;
}

/// Implements [`Source`] for a wrapper of a [`Slot`].
macro_rules! source {
    ($wrapper:ty, $handle:ty, $event:ty, $begin:expr, $end:expr, $record:expr) => {
        impl $crate::handle::Source for $wrapper {
            type Handle = $handle;
            type Event = $event;

            fn slot(&self) -> &$crate::handle::Slot<$handle> {
                &self.0
            }

            fn forked(handle: &$handle) -> Result<(), pigato::Error> {
                handle.refuse_fork()
            }

            fn begin(handle: &$handle) -> Option<std::os::fd::RawFd> {
                $begin(handle)
            }

            fn end(handle: &$handle) {
                $end(handle);
            }

            fn poll(handle: &$handle, into: &mut Vec<$event>, most: usize) -> Result<usize, pigato::Error> {
                handle.poll(into, most, std::time::Duration::ZERO)
            }

            fn record(ruby: &magnus::Ruby, event: &$event) -> Result<Option<magnus::RArray>, magnus::Error> {
                $record(ruby, event)
            }
        }
    };
}
pub(crate) use source;

/// Defines the methods of a [`Source`].
macro_rules! define_source {
    ($class:expr, $wrapper:ty) => {
        $class.define_method("refuse_fork", magnus::method!($crate::handle::refuse_fork::<$wrapper>, 0))?;
        $class.define_method("begin_wait", magnus::method!($crate::handle::begin_wait::<$wrapper>, 0))?;
        $class.define_method("end_wait", magnus::method!($crate::handle::end_wait::<$wrapper>, 0))?;
        $class.define_method("drain", magnus::method!($crate::handle::drain::<$wrapper>, 2))?;
        $class.define_method("release", magnus::method!($crate::handle::release::<$wrapper>, 0))?;
    };
}
pub(crate) use define_source;

pub(crate) fn refuse_fork<S: Source>(ruby: &Ruby, source: &S) -> Result<(), Error> {
    S::forked(&*source.slot().get(ruby)?).map_err(|error| exception(ruby, error))
}

/// The descriptor to wait for; nil if there is something to drain already.
pub(crate) fn begin_wait<S: Source>(ruby: &Ruby, source: &S) -> Result<Option<RawFd>, Error> {
    Ok(S::begin(&*source.slot().get(ruby)?))
}

/// Ends the wait, unless the handle was released meanwhile.
pub(crate) fn end_wait<S: Source>(source: &S) {
    if let Some(handle) = source.slot().peek() {
        S::end(&handle);
    }
}

/// Appends up to `most` events to `into`, without waiting. It does not return them: Ruby checks for signals when a
/// method returns, and an exception would lose the events.
pub(crate) fn drain<S: Source>(ruby: &Ruby, source: &S, into: RArray, most: usize) -> Result<(), Error> {
    let mut events = Vec::new();
    match S::poll(&*source.slot().get(ruby)?, &mut events, most) {
        Err(error) if error.code() != ErrorCode::Closed => return Err(exception(ruby, error)),
        _ => {}
    }
    for event in &events {
        if let Some(record) = S::record(ruby, event)? {
            into.push(record)?;
        }
    }
    Ok(())
}

pub(crate) fn release<S: Source>(source: &S) {
    source.slot().release();
}
