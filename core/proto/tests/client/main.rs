//! Scenarios of the client's machine in virtual time, one behaviour per file.

mod back_off;
mod busy;
mod cancel;
mod credit;
mod heartbeat;
mod hello;
mod invalid_settings;
mod lifetime;
mod liveness;
mod protocol_errors;
mod reconnect;
mod replaced_broker;
mod replies;
mod request_heartbeat;
mod requests;
mod stopping_broker;
#[path = "../support/mod.rs"]
mod support;
mod timeout;
mod world;
