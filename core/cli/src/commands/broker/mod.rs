//! `pigato broker`: runs a broker until a signal stops it.

mod events;
mod settings;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use pigato::config::defaults;
use pigato::{Broker, ErrorCode};
use serde_json::json;
use tracing::{info, warn};

pub(crate) use events::log as log_event;

use crate::exit::{Failure, Status};
use crate::output;
use crate::signals::{exit_immediately, Signals};
use settings::Settings;

const EXAMPLES: &str = "\
Examples:
  pigato broker
  pigato broker --bind tcp://0.0.0.0:55555 --bind ipc:///run/pigato.sock
  pigato broker --bind 'tcp://127.0.0.1:*' --intch none --json
  pigato broker --config broker.toml --drain 60000

By default the broker listens on tcp://127.0.0.1:55555, so only programs on this machine can connect.

Configuration file: TOML. The keys are the long names of the options. An option on the command line \
overrides the file. Example:
  bind = [\"tcp://0.0.0.0:55555\", \"ipc:///run/pigato.sock\"]
  intch = \"none\"
  heartbeat = 1000
  dispatch = \"load\"
  drain = 60000

Security: every program that can connect can use and offer services. Bind only to addresses on \
trusted networks.

Signals: on the first SIGTERM or Ctrl-C the broker refuses new requests (B_DRAINING), waits up to \
--drain milliseconds for the accepted ones, and exits with 0. A second signal ends it immediately \
with 130.

Exit status: 0 stopped by a signal, 1 it could not start, for example because an endpoint is in use, \
2 wrong usage or configuration, 130 stopped by a second signal.";

/// Run a broker, which passes requests from clients to workers
///
/// The log goes to standard error.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BrokerArguments {
    /// Read settings from this TOML file
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,

    #[command(flatten)]
    settings: Settings,

    /// Print the endpoints as a line of JSON to standard output once the broker listens
    ///
    /// {"event":"listening","endpoint":…,"endpoints":[…],"intch":…,"name":…,"pid":…}
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: BrokerArguments) -> Result<Status, Failure> {
    let file = arguments.config.as_deref().map(Settings::read).transpose()?.unwrap_or_default();
    let settings = arguments.settings.or(file);
    let drain = settings.drain.map_or(defaults::DRAIN, Duration::from_millis);
    // Before the announcement: its reader may send a signal immediately.
    let mut signals = Signals::install()?;
    let broker = start(&settings)?;
    announce(&broker, arguments.json);
    signals.next().await;
    if let Ok(now) = broker.statistics() {
        info!(in_flight = now.in_flight, queued = now.queued, "stopping; a second signal ends the broker immediately");
    }
    tokio::select! {
        () = broker.stop_within(drain) => info!("stopped"),
        () = signals.next() => {
            warn!("stopped by a second signal; unfinished requests are lost");
            exit_immediately();
        }
    }
    Ok(Status::Done)
}

fn start(settings: &Settings) -> Result<Broker, Failure> {
    let mut builder = Broker::builder().options(settings.options()).on_event(log_event);
    for endpoint in &settings.bind {
        builder = builder.bind(endpoint);
    }
    builder.start().map_err(|error| {
        let failure = Failure::starting("broker", &error, Status::Failed);
        if error.code() == ErrorCode::Endpoint {
            failure.hint(
                "Choose other endpoints with --bind and --intch; two brokers on one machine cannot share them. \
                 Only external directory services use the --intch endpoint; `--intch none` turns it off.",
            )
        } else {
            failure
        }
    })
}

fn announce(broker: &Broker, as_json: bool) {
    for endpoint in broker.endpoints() {
        info!("listening on {endpoint}");
    }
    if let Some(intch) = broker.intch() {
        info!("publishing the directory on {intch}");
    }
    if as_json {
        let line = json!({
            "event": "listening",
            "endpoint": broker.endpoint(),
            "endpoints": broker.endpoints(),
            "intch": broker.intch(),
            "name": broker.name(),
            "pid": std::process::id(),
        });
        // A closed standard output is not an error: the broker works without a reader.
        let _ = output::line(&line.to_string());
    }
}
