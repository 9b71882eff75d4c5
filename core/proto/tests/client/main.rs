//! The client's machine in scenarios over virtual time, one behaviour a file.

mod back_off;
mod busy;
mod cancel;
mod credit;
mod heartbeat;
mod hello;
mod lifetime;
mod liveness;
mod other_broker;
mod protocol_errors;
mod reconnect;
mod replies;
mod request_heartbeat;
mod requests;
mod senseless_settings;
mod stopping_broker;
#[path = "../support/mod.rs"]
mod support;
mod timeout;
mod world;
