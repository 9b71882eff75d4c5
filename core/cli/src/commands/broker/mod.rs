//! `pigato broker`: a broker until a signal says stop.

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
use crate::signals::{end_at_once, Signals};
use settings::Settings;

const EXAMPLES: &str = "\
Examples:
  pigato broker
  pigato broker --bind tcp://0.0.0.0:55555 --bind ipc:///run/pigato.sock
  pigato broker --bind 'tcp://127.0.0.1:*' --intch none --json
  pigato broker --config broker.toml --drain 60000

A configuration file has the long names of the options as its keys; options that are typed win over it:
  bind = [\"tcp://0.0.0.0:55555\", \"ipc:///run/pigato.sock\"]
  intch = \"none\"
  heartbeat = 1000
  dispatch = \"load\"
  drain = 60000

Anybody who can connect can use and offer services: bind to addresses that only the right ones reach.";

/// Run a broker: take requests from clients and hand them to workers
///
/// It logs to standard error. SIGTERM and Ctrl-C let it finish what it has accepted, refuse what is new (B_DRAINING)
/// and exit with 0; a second one ends it at once with 130.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BrokerArguments {
    /// Read settings from this file
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,

    #[command(flatten)]
    settings: Settings,

    /// Print where it listens as a line of JSON on standard output once it does
    ///
    /// {"event":"listening","endpoint":…,"endpoints":[…],"intch":…,"name":…,"pid":…}
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: BrokerArguments) -> Result<Status, Failure> {
    let file = arguments.config.as_deref().map(Settings::read).transpose()?.unwrap_or_default();
    let settings = arguments.settings.or(file);
    let drain = settings.drain.map_or(defaults::DRAIN, Duration::from_millis);
    // Before anybody is told that it listens: a signal is heard from then on.
    let mut signals = Signals::install()?;
    let broker = start(&settings)?;
    announce(&broker, arguments.json);
    signals.next().await;
    if let Ok(now) = broker.statistics() {
        info!(in_flight = now.in_flight, queued = now.queued, "stopping; a second signal ends it at once");
    }
    tokio::select! {
        () = broker.stop_within(drain) => info!("stopped"),
        () = signals.next() => {
            warn!("ended without finishing");
            end_at_once();
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
                "A second broker on a machine needs endpoints of its own: choose them with --bind and --intch. \
                 With `--intch none` it does without the latter, which only directory services outside need.",
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
        info!("publishing for core services on {intch}");
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
        // Whoever does not read it does not need it; the broker does its work all the same.
        let _ = output::line(&line.to_string());
    }
}
