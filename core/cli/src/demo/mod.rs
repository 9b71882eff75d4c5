//! `pigato demo`: runs a broker, 2 workers and a client in this process and prints what they do.

mod measure;
mod problem;
mod quotes;
mod services;
mod steps;

use std::time::Duration;

use clap::Args;
use pigato::{Broker, Client, Error};

use crate::commands::broker::log_event;
use crate::exit::{Failure, Status};
use crate::output;
pub(crate) use measure::grouped;
use problem::Problem;
use services::Services;

/// The demo takes 1 to 2 s. After this time it fails: something hangs.
const LIMIT: Duration = Duration::from_secs(60);

const EXAMPLES: &str = "\
Examples:
  pigato demo
  pigato demo --requests 100000
  pigato demo --endpoint ipc:///tmp/pigato-demo.sock

Exit status: 0 every result was as expected, 1 a result was wrong or the demo could not run, \
2 wrong usage.";

/// Watch PIGATO work: runs broker, workers and client in one process; needs no other process
///
/// The client sends 1 request, then many concurrent requests. It streams the rows of a file as
/// partial replies, shows an error of a service, a timeout and a service without workers, and lists
/// the directory. The rows are daily quotes of an invented stock: generated data, not real.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DemoArguments {
    /// Number of concurrent requests in step 2
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    requests: u32,

    /// Endpoint of the demo's own broker; `*` as the port chooses a free one
    #[arg(short, long, value_name = "ENDPOINT", default_value = "tcp://127.0.0.1:*")]
    endpoint: String,
}

pub(crate) async fn run(arguments: DemoArguments) -> Result<Status, Failure> {
    let outcome = tokio::time::timeout(LIMIT, demonstrate(&arguments)).await;
    match outcome.unwrap_or_else(|_| Err(Problem::Wrong(format!("it did not end within {LIMIT:?}")))) {
        Ok(()) => Ok(Status::Done),
        Err(Problem::NotWritten(error)) => error.outcome(),
        Err(Problem::Wrong(problem)) => Err(Failure::new(Status::Failed, format!("the demo failed: {problem}"))),
    }
}

async fn demonstrate(arguments: &DemoArguments) -> Result<(), Problem> {
    let starting = |what: &str| {
        let what = what.to_owned();
        move |error: Error| Problem::Wrong(format!("could not start the {what}: {error}"))
    };
    let broker = Broker::builder()
        .bind(&arguments.endpoint)
        .intch(None)
        .on_event(log_event)
        .start()
        .map_err(starting("broker"))?;
    let endpoint = broker.endpoint();
    let services = Services::start(endpoint)?;
    let client = Client::builder(endpoint).timeout(LIMIT).start().map_err(starting("client"))?;
    output::line(&format!(
        "A broker at {endpoint}, workers for `echo` and `stocks`, and a client, all in this process.\n"
    ))?;

    steps::one_request(&client).await?;
    steps::many_requests(&client, arguments.requests).await?;
    steps::stream_rows(&client).await?;
    steps::errors(&client).await?;
    steps::directory(&client).await?;

    steps::totals(&broker)?;
    client.stop().await;
    services.stop().await;
    broker.stop().await;
    Ok(())
}
