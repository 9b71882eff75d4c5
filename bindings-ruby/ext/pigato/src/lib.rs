//! The native part of the Ruby gem: handles of the core, and events as arrays.
//!
//! Nothing here knows the protocol, a default or a time. Calls never block but for the I/O thread's answer to `statistics`
//! and `directory`, and for the end of that thread with the last handle. Ruby waits for a handle's descriptor by its own
//! means (`lib/pigato/dispatcher.rb`) and then drains many events at once, and its threads sleep for each other without the GVL
//! (`parker.rs`). All else runs on threads that Ruby made; no Ruby value is kept.

#![allow(clippy::needless_pass_by_value, reason = "what comes from Ruby is owned")]

mod broker;
mod client;
mod directory;
mod error;
mod events;
mod handle;
mod options;
mod parker;
mod worker;

use magnus::{function, prelude::*, Error, RModule, Ruby};

#[magnus::init(name = "pigato")]
fn init(ruby: &Ruby) -> Result<(), Error> {
    let native: RModule = ruby.define_module("Pigato")?.define_module("Native")?;
    options::define(ruby, native)?;
    parker::define(ruby, native)?;
    client::define(ruby, native)?;
    worker::define(ruby, native)?;
    broker::define(ruby, native)?;
    directory::define(ruby, native)?;
    native.define_singleton_method("error_codes", function!(error::codes, 0))?;
    Ok(())
}
