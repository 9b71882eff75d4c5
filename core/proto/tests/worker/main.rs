//! The worker's machine in scenarios over virtual time, one behaviour a file.

mod cancel;
mod concurrency;
mod credit;
mod disconnect;
mod drain;
mod duplicate_request;
mod heartbeat;
mod lifetime;
mod liveness;
mod protocol_errors;
mod ready;
mod reconnect;
mod reject;
mod replies;
mod request_heartbeat;
mod requests;
mod senseless_settings;
#[path = "../support/mod.rs"]
mod support;
mod world;
