//! Scenarios of the worker's machine in virtual time, one behaviour per file.

mod cancel;
mod concurrency;
mod credit;
mod disconnect;
mod drain;
mod duplicate_request;
mod heartbeat;
mod invalid_settings;
mod lifetime;
mod liveness;
mod protocol_errors;
mod ready;
mod reconnect;
mod reject;
mod replies;
mod request_heartbeat;
mod requests;
#[path = "../support/mod.rs"]
mod support;
mod world;
