//! `pigato dir`: lists services and their workers.

use std::collections::BTreeMap;

use clap::Args;
use pigato::{Client, RequestError};
use serde_json::Value;

use crate::broker_endpoint::BrokerEndpoint;
use crate::commands::request::{start_client, TimeoutMillis};
use crate::exit::{Failure, Status};
use crate::output;

const EXAMPLES: &str = "\
Examples:
  pigato dir                    all services and their workers, as a table
  pigato dir echo               the ids of the workers of `echo`, one per line
  pigato dir --json | jq keys   the services as JSON: {\"service\":[\"worker id\",…],…}
  pigato dir echo --json        the worker ids as JSON: [\"worker id\",…]

Exit status: 0 success, 2 wrong usage, 3 no broker answered within the timeout, \
4 no worker offers SERVICE, 5 any other error. A script can use status 4 to check whether a service \
has workers.";

/// List the services and workers that are registered with the broker
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DirectoryArguments {
    /// List only the workers of this service; the name must be exactly the one that the workers
    /// registered
    service: Option<String>,

    #[command(flatten)]
    broker: BrokerEndpoint,

    /// Milliseconds to wait for the broker's answer; -1 waits forever
    #[arg(long, value_name = "MS", default_value = "5000", allow_negative_numbers = true)]
    timeout: TimeoutMillis,

    /// Print JSON on one line
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: DirectoryArguments) -> Result<Status, Failure> {
    let endpoint = &arguments.broker.endpoint;
    let client = start_client(Client::builder(endpoint).timeout(arguments.timeout.0))?;
    let service = arguments.service.as_deref();
    let directory = client.directory(service).await.map_err(|error| failure(&error, &client, endpoint))?;
    let is_empty = service.is_some() && directory.as_array().is_none_or(Vec::is_empty);
    let text = if arguments.json { directory.to_string() } else { human_readable(&directory) };
    if !text.is_empty() {
        if let Err(error) = output::line(&text) {
            return error.outcome();
        }
    }
    if !is_empty {
        return Ok(Status::Done);
    }
    output::message(&format!("pigato: no worker offers `{}`", service.unwrap_or_default()));
    Ok(Status::Refused)
}

fn failure(error: &RequestError, client: &Client, endpoint: &str) -> Failure {
    let failure = Failure::new(Status::of(error), error.to_string());
    if client.is_connected() {
        failure
    } else {
        failure.hint(format!(
            "Start a broker on {endpoint} with `pigato broker --bind`, or set --endpoint to a running broker."
        ))
    }
}

/// Formats a table of all services, or the worker ids of one service, one per line.
fn human_readable(directory: &Value) -> String {
    match directory {
        Value::Array(workers) => workers.iter().map(id).collect::<Vec<_>>().join("\n"),
        Value::Object(services) if services.is_empty() => "no services".to_owned(),
        Value::Object(services) => table(&services.iter().collect()),
        other => other.to_string(),
    }
}

fn table(services: &BTreeMap<&String, &Value>) -> String {
    let width = services.keys().map(|service| service.chars().count()).max().unwrap_or(0).max("SERVICE".len());
    let mut lines = vec![format!("{:width$}  WORKERS  IDS", "SERVICE")];
    for (service, workers) in services {
        let ids: Vec<_> = workers.as_array().map(|workers| workers.iter().map(id).collect()).unwrap_or_default();
        lines.push(format!("{service:width$}  {:>7}  {}", ids.len(), ids.join(" ")).trim_end().to_owned());
    }
    lines.join("\n")
}

fn id(worker: &Value) -> String {
    worker.as_str().map_or_else(|| worker.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::human_readable;

    #[test]
    fn the_table_is_sorted_by_name_and_its_columns_are_aligned() {
        let text = human_readable(&json!({ "stocks": ["W1", "W2"], "echo": ["W3"], "quiet-service": [] }));
        let expected = "\
SERVICE        WORKERS  IDS
echo                 1  W3
quiet-service        0
stocks               2  W1 W2";
        assert_eq!(text, expected);
        assert_eq!(human_readable(&json!(["W1", "W2"])), "W1\nW2");
        assert_eq!(human_readable(&json!({})), "no services");
    }
}
