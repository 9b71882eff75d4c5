//! `pigato worker`: offers a service and runs a shell command for each request.

mod exchange;
mod execution;
mod process;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use pigato::config::defaults;
use pigato::{Concurrency, HandlerError, PeerEvent, Worker};
use tracing::{info, warn};

use crate::broker_endpoint::BrokerEndpoint;
use crate::exit::{Failure, Status};
use crate::signals::{exit_immediately, Signals};
use execution::Execution;

const EXAMPLES: &str = "\
Examples:
  pigato worker upper --exec 'tr a-z A-Z'
  pigato worker add --last --exec 'jq add'
  pigato worker resize --raw --last --exec 'convert - -resize 50% -' --concurrency 2 --timeout 30000
  pigato worker 'log*' --exec 'echo \"$PIGATO_SERVICE\"; cat >&2'
  pigato worker report@1.4.0 --exec ./report.sh --concurrency -1

For each request the worker runs `sh -c COMMAND` in a new process group:
  standard input   The data of the request, as JSON and a line break; unchanged bytes
                   if --raw is set or the client sent bytes.
  standard output  Each line is a partial reply: unchanged if it is valid JSON, else as
                   a JSON string. The final reply is null.
                   --last        the last line is the final reply
                   --raw         each chunk of output is a partial reply of bytes, and
                                 the final reply is empty
                   --raw --last  the whole output is the final reply
  standard error   Goes to the log. If the command fails, the error reply contains the
                   last 4 KiB, so do not write secrets to it.
  exit status      Any status except 0 makes the final reply an error:
                   {\"code\":\"W_HANDLER\",\"message\":…,\"status\":3,\"stderr\":…}
                   A command ended by a signal has \"signal\":9 instead of \"status\". One
                   stopped by --timeout has \"timeout\":MS, without status and stderr.
  environment      PIGATO_SERVICE  the requested service name; SERVICE may be a wildcard
                   PIGATO_CLIENT   the id of the client
                   PIGATO_OPTIONS  the options of the request as JSON, with its headers
                   PIGATO_ATTEMPT  1, or higher if earlier workers of the request were lost

Cancellation: when the client cancels or times out, or --timeout passes, the worker sends SIGTERM to \
the command's process group, and SIGKILL 2 seconds later.

Signals: on the first SIGTERM or Ctrl-C the worker takes no more requests, waits up to --drain \
milliseconds for the running commands, and exits with 0. A second signal kills the commands and ends \
the worker immediately with 130.

Exit status: 0 stopped by a signal, 1 it could not start, 2 wrong usage, 130 stopped by a second \
signal. Without a broker the worker does not exit; it keeps trying to connect.";

/// Offer a service by running a command for each request
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WorkerArguments {
    /// Service name: plain, a wildcard as in `log*`, or with a version as in `report@1.4.0`
    service: String,

    /// Shell command to run for each request
    #[arg(long, value_name = "COMMAND")]
    exec: String,

    #[command(flatten)]
    broker: BrokerEndpoint,

    /// Maximum concurrent commands; -1 sets no limit [default: number of CPUs]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = concurrency)]
    concurrency: Option<Concurrency>,

    /// Stop a command after this many milliseconds [default: when the client stops waiting]
    #[arg(long, value_name = "MS")]
    timeout: Option<u64>,

    /// Send the last line of output as the final reply, which is null otherwise
    #[arg(long)]
    last: bool,

    /// Pass the request's data and the command's output through as unchanged bytes
    #[arg(long)]
    raw: bool,

    /// Milliseconds that running commands may take to finish when the worker stops [default: 10000]
    #[arg(long, value_name = "MS")]
    drain: Option<u64>,

    /// Milliseconds between heartbeats to the broker [default: 2500]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    heartbeat: Option<u64>,

    /// Prefix of the worker's id, which `pigato dir` lists [default: W<uuid>]
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
        () = signals.next() => info!("stopping; a second signal ends the worker immediately"),
    }
    let stopping = drain_and_stop(&worker, drain, &mut serving);
    let is_interrupted = tokio::select! {
        () = stopping => false,
        () = signals.next() => true,
    };
    if is_interrupted {
        // Kills the commands.
        drop(serving);
        warn!("stopped by a second signal; running commands were killed");
        exit_immediately();
    }
    info!("stopped");
    Ok(Status::Done)
}

/// Stops the worker and polls `serving` meanwhile, because requests finish only while it is polled.
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
        PeerEvent::Started => info!("connecting to serve {place}"),
        PeerEvent::Connected => info!("serving {place}"),
        PeerEvent::Disconnected => warn!("disconnected from the broker"),
        PeerEvent::ProtocolError(problem) => warn!(?problem, "protocol error"),
        _ => {}
    });
    builder.start().map_err(|error| Failure::starting("worker", &error, Status::Failed))
}
