//! Runs the command as a user does: real processes over real sockets. Each test starts its own
//! broker on a port that the system chooses. Every wait has a deadline.

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
