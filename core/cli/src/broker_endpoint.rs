//! The option of all commands that connect to a broker.

use clap::Args;
use pigato::config::defaults;

/// The broker to connect to.
#[derive(Debug, Args)]
pub(crate) struct BrokerEndpoint {
    /// Endpoint of the broker: tcp://HOST:PORT or ipc://PATH
    #[arg(short, long, value_name = "ENDPOINT", env = "PIGATO_ENDPOINT", default_value = defaults::ENDPOINT)]
    pub(crate) endpoint: String,
}
