//! `pigato demo`: a broker, two workers and a client in this process, doing the main job and telling how it went.

mod measure;
mod quotes;
mod services;
mod steps;
mod trouble;

use std::time::Duration;

use clap::Args;
use pigato::{Broker, Client, Error};

use crate::commands::broker::log_event;
use crate::exit::{Failure, Status};
use crate::output;
pub(crate) use measure::grouped;
use services::Services;
use trouble::Trouble;

/// All of it takes a second or two. More than this, and something hangs.
const LIMIT: Duration = Duration::from_secs(60);

const EXAMPLES: &str = "\
Examples:
  pigato demo
  pigato demo --requests 100000
  pigato demo --endpoint ipc:///tmp/pigato-demo.sock

The exit status is 0 if everything went as it has to, else 1.";

/// See it work: a broker, workers and a client, all in this process, with nothing else running
///
/// The client sends one request, then a thousand concurrently, then streams the rows of a file as partial replies, then
/// meets an error, a timeout and a service without workers, and looks into the directory. The rows are daily quotes of
/// an invented stock: generated data, not real.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DemoArguments {
    /// Concurrent requests
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    requests: u32,

    /// Where the demonstration's own broker listens, and its workers and client connect
    #[arg(short, long, value_name = "ENDPOINT", default_value = "tcp://127.0.0.1:*")]
    endpoint: String,
}

pub(crate) async fn run(arguments: DemoArguments) -> Result<Status, Failure> {
    let outcome = tokio::time::timeout(LIMIT, demonstrate(&arguments)).await;
    match outcome.unwrap_or_else(|_| Err(Trouble::Wrong(format!("it has not ended within {LIMIT:?}")))) {
        Ok(()) => Ok(Status::Done),
        Err(Trouble::NotWritten(error)) => error.outcome(),
        Err(Trouble::Wrong(problem)) => {
            Err(Failure::new(Status::Failed, format!("the demonstration went wrong: {problem}")))
        }
    }
}

async fn demonstrate(arguments: &DemoArguments) -> Result<(), Trouble> {
    let starting = |what: &str| {
        let what = what.to_owned();
        move |error: Error| Trouble::Wrong(format!("could not start the {what}: {error}"))
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
        "A broker at {endpoint}, workers for `echo` and `stocks`, and a client: all in this process.\n"
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
