//! The `pigato` command.
//!
//! `arguments` parses the command line, `commands` runs the commands, `exit` maps outcomes to exit
//! statuses. This crate holds only what the command needs; anything that another program could use
//! is in the library.

#![forbid(unsafe_code)]

mod arguments;
mod broker_endpoint;
mod commands;
mod data;
mod demo;
mod exit;
mod logging;
mod output;
mod signals;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use exit::{Failure, Status};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let status = run(arguments).unwrap_or_else(|failure| report(&failure));
    logging::flush();
    // `exit` instead of a return: a thread blocked on a pipe that nobody reads must not delay the
    // exit.
    std::process::exit(status.number())
}

fn run(arguments: Arguments) -> Result<Status, Failure> {
    logging::start(&arguments.logging, arguments.command.default_level())?;
    // The bench creates its own runtimes, one per client.
    if let Command::Bench(arguments) = &arguments.command {
        return commands::bench::run(arguments);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::system)?;
    let status = runtime.block_on(async {
        match arguments.command {
            Command::Broker(arguments) => commands::broker::run(arguments).await,
            Command::Request(arguments) => commands::request::run(arguments).await,
            Command::Worker(arguments) => commands::worker::run(arguments).await,
            Command::Dir(arguments) => commands::directory::run(arguments).await,
            Command::Demo(arguments) => demo::run(arguments).await,
            Command::Bench(_) => unreachable!("handled above"),
        }
    });
    runtime.shutdown_background();
    status
}

/// Prints a failure and its hint to standard error, and returns the exit status.
fn report(failure: &Failure) -> Status {
    // Earlier log lines must appear before the message.
    logging::flush();
    output::message(&format!("pigato: {}", failure.message()));
    if let Some(hint) = failure.hint_text() {
        output::message(&format!("  {hint}"));
    }
    failure.status()
}
