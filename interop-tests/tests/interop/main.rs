//! The published npm package with PIGATO on the other side, live over TCP.

#[path = "../../../core/tests/sockets/serve.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod serve;
#[path = "../../../core/tests/sockets/wait.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod wait;

mod directory;
mod helpers;
mod published_broker;
mod published_client;
mod published_pair;
mod published_worker;
mod rows;
