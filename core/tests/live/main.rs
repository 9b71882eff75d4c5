//! The core over real sockets: brokers, workers and clients in one process, and peers played frame
//! by frame.
// Tests start threads and read the clock.
#![allow(clippy::disallowed_methods)]

#[path = "../sockets/mod.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod support;

mod binding;
mod cancellation;
mod credit;
mod directory;
mod event_queue;
mod external_wait;
mod foreign_clients;
mod foreign_workers;
mod handlers;
mod hostile;
mod observability;
mod persistence;
mod reconnect;
mod requests;
mod slow_reader;
mod start_stop;
mod tcp;
mod timeouts;
mod transports;
