//! The command as a user runs it: real processes over real sockets. Each test has a broker of its own on a port that the
//! system chose; every wait has a deadline.

mod bench;
mod broker;
mod demo;
mod directory;
mod help;
mod request;
mod retry;
mod support;
mod worker;
mod worker_end;
