//! A handle of the core's that Ruby may let go of before the garbage collector does.

use std::cell::RefCell;
use std::sync::Arc;

use magnus::{prelude::*, Error, RClass, RModule, Ruby, TypedData};
use pigato::ErrorCode;

use crate::error::thrown;

/// Defines the class of a type, and has it looked up once, before there are threads: the first look runs Ruby code under a lock of
/// Rust's, and a second thread that waits for that lock does not let the first one have the GVL back.
pub(crate) fn define_class<T: TypedData>(ruby: &Ruby, native: RModule, name: &str) -> Result<RClass, Error> {
    native.define_class(name, ruby.class_object())?;
    Ok(T::class(ruby))
}

/// A handle until it is released.
pub(crate) struct Slot<H>(RefCell<Option<Arc<H>>>);

impl<H> Slot<H> {
    pub(crate) fn new(handle: H) -> Self {
        Self(RefCell::new(Some(Arc::new(handle))))
    }

    /// The handle; `C_CLOSED` once it was released. A clone, since Ruby may call back in while it is used.
    pub(crate) fn get(&self, ruby: &Ruby) -> Result<Arc<H>, Error> {
        self.peek().ok_or_else(|| thrown(ruby, ErrorCode::Closed.into()))
    }

    /// The handle, if it was not released.
    pub(crate) fn peek(&self) -> Option<Arc<H>> {
        self.0.borrow().clone()
    }

    /// Closes it and its descriptor, for which nobody may wait any more.
    pub(crate) fn release(&self) {
        drop(self.0.take());
    }
}
