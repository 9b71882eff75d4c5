//! `pigato worker`: offers a service whose requests a shell command answers.

mod conversation;
mod execution;
mod process;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use pigato::config::defaults;
use pigato::{Concurrency, HandlerError, PeerEvent, Worker};
use tracing::{info, warn};

use crate::arguments::BrokerEndpoint;
use crate::exit::{Failure, Status};
use crate::signals::{end_at_once, Signals};
use execution::Execution;

const EXAMPLES: &str = "\
Examples:
  pigato worker upper --exec 'tr a-z A-Z'
  pigato worker add --last --exec 'jq add'
  pigato worker resize --raw --last --exec 'convert - -resize 50% -' --concurrency 2 --timeout 30000
  pigato worker 'log*' --exec 'echo \"$PIGATO_SERVICE\"; cat >&2'
  pigato worker report@1.4.0 --exec ./report.sh --concurrency -1

For each request COMMAND is run by `sh -c`, in a process group of its own:
  standard input   the request's data: JSON text and a line break; with --raw, and if the client sent bytes, just those
  standard output  each line is a partial reply: what parses as JSON is sent as it is written, else as a JSON string;
                   the final reply is null, or with --last the last line. With --raw each piece of output is a
                   partial reply of bytes and the final one is empty, or with --last all of it is the final reply
  standard error   is logged; its end is part of the error, if there is one, so keep secrets out of it
  exit status      anything but 0 makes the reply an error:
                   {\"code\":\"W_HANDLER\",\"message\":…,\"status\":3,\"stderr\":…}
                   (\"signal\":9 in place of \"status\" if a signal ended it, \"timeout\":MS if --timeout did)
  environment      PIGATO_SERVICE  the name that was asked for, also when SERVICE is a wildcard
                   PIGATO_CLIENT   who asks
                   PIGATO_OPTIONS  the request's options as JSON, headers among them
                   PIGATO_ATTEMPT  1, or more after workers were lost with the request

When the client gives up, or --timeout passes, the command's process group is sent SIGTERM and two seconds later
SIGKILL. SIGTERM and Ctrl-C let the worker finish what it has and exit with 0; a second one kills the commands and ends
it at once with 130.";

/// Offer a service: run a command for each request
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WorkerArguments {
    /// The service: a name, a wildcard as in `log*`, or a version as in `report@1.4.0`
    service: String,

    /// Run this for each request
    #[arg(long, value_name = "COMMAND")]
    exec: String,

    #[command(flatten)]
    broker: BrokerEndpoint,

    /// Commands at a time; -1: no limit [default: the number of processors]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = concurrency)]
    concurrency: Option<Concurrency>,

    /// Kill a command after this many milliseconds [default: as long as the client waits]
    #[arg(long, value_name = "MS")]
    timeout: Option<u64>,

    /// Make the last line the final reply instead of null
    #[arg(long)]
    last: bool,

    /// Take and give bytes as they are
    #[arg(long)]
    raw: bool,

    /// Milliseconds that requests have to finish when the worker is stopped [default: 10000]
    #[arg(long, value_name = "MS")]
    drain: Option<u64>,

    /// Milliseconds between two heartbeats [default: 2500]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    heartbeat: Option<u64>,

    /// First part of the worker's id, which `pigato dir` shows [default: W<uuid>]
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
}

fn concurrency(text: &str) -> Result<Concurrency, &'static str> {
    let number = text.parse().ok();
    number.and_then(Concurrency::from_number).ok_or("expected 1 or more, or -1 for no limit")
}

pub(crate) async fn run(arguments: WorkerArguments) -> Result<Status, Failure> {
    let mut signals = Signals::install()?;
    let worker = start(&arguments)?;
    let drain = arguments.drain.map_or(defaults::DRAIN, Duration::from_millis);
    let execution = Execution {
        command: arguments.exec,
        timeout: arguments.timeout.map(Duration::from_millis),
        keeps_last: arguments.last,
        is_raw: arguments.raw,
    };
    let mut serving = Box::pin(worker.serve(|request, reply| {
        let execution = &execution;
        async move {
            execution.answer(&request, &reply).await;
            Ok::<_, HandlerError>(())
        }
    }));
    tokio::select! {
        () = &mut serving => {}
        () = signals.next() => info!("stopping; a second signal ends it at once"),
    }
    let stopping = drain_and_stop(&worker, drain, &mut serving);
    let is_interrupted = tokio::select! {
        () = stopping => false,
        () = signals.next() => true,
    };
    if is_interrupted {
        // Kills the commands.
        drop(serving);
        warn!("ended without finishing");
        end_at_once();
    }
    info!("stopped");
    Ok(Status::Done)
}

/// Requests finish only while they are served.
async fn drain_and_stop(worker: &Worker, drain: Duration, serving: impl Future<Output = ()>) {
    futures_util::future::join(worker.stop_within(drain), serving).await;
}

fn start(arguments: &WorkerArguments) -> Result<Worker, Failure> {
    let endpoint = &arguments.broker.endpoint;
    let concurrency = arguments.concurrency.unwrap_or_else(|| {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Concurrency::Limited(u32::try_from(processors).unwrap_or(u32::MAX))
    });
    let place: Arc<str> = format!("`{}` at {endpoint}", arguments.service).into();
    let mut builder = Worker::builder(endpoint, &arguments.service).concurrency(concurrency);
    if let Some(heartbeat) = arguments.heartbeat {
        builder = builder.heartbeat(Duration::from_millis(heartbeat));
    }
    if let Some(prefix) = &arguments.prefix {
        builder = builder.prefix(prefix);
    }
    builder = builder.on_event(move |event| match event {
        PeerEvent::Started => info!("connecting, to serve {place}"),
        PeerEvent::Connected => info!("serving {place}"),
        PeerEvent::Disconnected => warn!("disconnected from the broker"),
        PeerEvent::ProtocolError(problem) => warn!(?problem, "protocol error"),
        _ => {}
    });
    builder.start().map_err(|error| Failure::starting("worker", &error, Status::Failed))
}
