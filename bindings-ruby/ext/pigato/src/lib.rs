//! The native part of the Ruby gem: handles of the core, with events as arrays.
//!
//! It contains no protocol, no default and no timer. Calls return at once, except `statistics` and `directory`, which wait
//! for the I/O thread's answer, and the release of the last handle, which waits for the end of that thread. Ruby waits for
//! a handle's descriptor by its own means (`lib/pigato/dispatcher.rb`) and then drains many events at once. Everything
//! else runs on threads that Ruby made; no Ruby value is kept.

#![allow(clippy::needless_pass_by_value, reason = "values from Ruby are owned")]

mod broker;
mod client;
mod directory;
mod error;
mod events;
mod handle;
mod options;
mod worker;

use magnus::{function, prelude::*, Error, RModule, Ruby};

#[magnus::init(name = "pigato")]
fn init(ruby: &Ruby) -> Result<(), Error> {
    let native: RModule = ruby.define_module("Pigato")?.define_module("Native")?;
    options::define(ruby, native)?;
    client::define(ruby, native)?;
    worker::define(ruby, native)?;
    broker::define(ruby, native)?;
    directory::define(ruby, native)?;
    native.define_singleton_method("error_codes", function!(error::codes, 0))?;
    Ok(())
}
