//! The command line: the commands and the options that they share.

use std::sync::LazyLock;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand};
use tracing::Level;

use crate::commands::bench::BenchArguments;
use crate::commands::broker::BrokerArguments;
use crate::commands::directory::DirectoryArguments;
use crate::commands::request::RequestArguments;
use crate::commands::worker::WorkerArguments;
use crate::demo::DemoArguments;
use crate::logging::LoggingArguments;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// The version of the command and of the libzmq linked into it, which determines the transports.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let (major, minor, patch) = pigato::libzmq_version();
    format!("{} (libzmq {major}.{minor}.{patch})", env!("CARGO_PKG_VERSION"))
});

const EXAMPLES: &str = "\
Examples:
  pigato demo                                   watch PIGATO work; needs no other process
  pigato broker                                 start a broker
  pigato worker upper --exec 'tr a-z A-Z'       offer the service `upper`
  pigato request upper hello                    send it a request
  pigato dir                                    list the services and their workers
  pigato bench                                  measure throughput and latency on this machine

Exit status:
  0  success
  1  the service replied with an error, or the command failed
  2  wrong usage or configuration
  3  no reply within the timeout (C_TIMEOUT)
  4  the broker refused the request or has no worker for it (B_...)
  5  any other error, such as a lost connection
  130  stopped by a signal before the work was complete

`pigato COMMAND --help` documents a command's options, output and exit statuses, with examples.";

/// Brokered request/reply over ZeroMQ
///
/// A client requests a service by name. The broker passes the request to a free worker of that
/// service. The worker sends any number of partial replies and 1 final reply.
#[derive(Debug, Parser)]
#[command(name = "pigato", version = VERSION.as_str(), styles = STYLES, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) logging: LoggingArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Broker(BrokerArguments),
    Request(RequestArguments),
    Worker(WorkerArguments),
    Dir(DirectoryArguments),
    Demo(DemoArguments),
    Bench(BenchArguments),
}

impl Command {
    /// The log level without `--log`, `--verbose` or `--quiet`. Long-running commands log what they
    /// do.
    pub(crate) fn default_level(&self) -> Level {
        match self {
            Self::Broker(_) | Self::Worker(_) => Level::INFO,
            Self::Request(_) | Self::Dir(_) | Self::Demo(_) | Self::Bench(_) => Level::WARN,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use pigato::config::{defaults, BrokerOptions};

    use super::Arguments;

    #[test]
    fn the_argument_definitions_are_consistent() {
        Arguments::command().debug_assert();
    }

    /// Returns the short help text of one option of a command.
    fn help(command: &str, option: &str) -> String {
        let arguments = Arguments::command();
        let command = arguments.find_subcommand(command).unwrap();
        let option = command.get_arguments().find(|argument| argument.get_long() == Some(option)).unwrap();
        option.get_help().unwrap().to_string()
    }

    #[test]
    fn the_defaults_in_the_help_are_those_of_the_library() {
        let broker = BrokerOptions::default();
        let binary = |bytes: usize| match bytes {
            gibi if gibi % (1 << 30) == 0 => format!("{} GiB", gibi >> 30),
            mebi => format!("{} MiB", mebi >> 20),
        };
        let expected = [
            ("broker", "bind", defaults::ENDPOINT.to_owned()),
            ("broker", "intch", broker.intch.unwrap()),
            ("broker", "heartbeat", broker.heartbeat.as_millis().to_string()),
            ("broker", "heartbeat-liveness", broker.heartbeat_liveness.to_string()),
            ("broker", "drain", defaults::DRAIN.as_millis().to_string()),
            ("broker", "max-requests", broker.max_requests.to_string()),
            ("broker", "max-request-bytes", binary(broker.max_request_bytes)),
            ("broker", "max-body-bytes", binary(broker.max_body_bytes)),
            ("broker", "max-workers", broker.max_workers.to_string()),
            ("broker", "cache-bytes", binary(broker.cache_bytes)),
            ("request", "timeout", defaults::TIMEOUT.as_millis().to_string()),
            ("worker", "drain", defaults::DRAIN.as_millis().to_string()),
            ("worker", "heartbeat", defaults::HEARTBEAT.as_millis().to_string()),
        ];
        for (command, option, default) in expected {
            let help = help(command, option);
            assert!(help.contains(&format!("[default: {default}]")), "{command} --{option}: {help}");
        }
    }
}
