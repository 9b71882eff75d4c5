//! `pigato dir`: who offers what.

use std::collections::BTreeMap;

use clap::Args;
use pigato::{Client, RequestError};
use serde_json::Value;

use crate::arguments::BrokerEndpoint;
use crate::commands::request::{start_client, TimeoutMillis};
use crate::exit::{Failure, Status};
use crate::output;

const EXAMPLES: &str = "\
Examples:
  pigato dir                    all services and their workers, as a table
  pigato dir echo               the ids of the workers of `echo`, one on a line
  pigato dir --json | jq keys   for programs: {\"service\":[\"worker id\",…],…}
  pigato dir echo --json        [\"worker id\",…]

With SERVICE the exit status is 4 if no worker offers it, so that a script can ask.";

/// List the services and their workers, as the broker knows them now
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DirectoryArguments {
    /// Only the workers of this service, under the name that they announced
    service: Option<String>,

    #[command(flatten)]
    broker: BrokerEndpoint,

    /// Give up after this many milliseconds; -1: never
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
    let text = if arguments.json { directory.to_string() } else { for_people(&directory) };
    if !text.is_empty() {
        if let Err(error) = output::line(&text) {
            return error.outcome();
        }
    }
    if !is_empty {
        return Ok(Status::Done);
    }
    output::tell(&format!("pigato: no worker offers `{}`", service.unwrap_or_default()));
    Ok(Status::Refused)
}

fn failure(error: &RequestError, client: &Client, endpoint: &str) -> Failure {
    let failure = Failure::new(Status::of(error), error.to_string());
    if client.is_connected() {
        failure
    } else {
        failure.hint(format!(
            "No broker answers at {endpoint}; start one with `pigato broker`, or name it with --endpoint."
        ))
    }
}

/// A table of services, or the ids of one service's workers.
fn for_people(directory: &Value) -> String {
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

    use super::for_people;

    #[test]
    fn the_table_has_aligned_columns_in_the_order_of_names() {
        let text = for_people(&json!({ "stocks": ["W1", "W2"], "echo": ["W3"], "quiet-service": [] }));
        let expected = "\
SERVICE        WORKERS  IDS
echo                 1  W3
quiet-service        0
stocks               2  W1 W2";
        assert_eq!(text, expected);
        assert_eq!(for_people(&json!(["W1", "W2"])), "W1\nW2");
        assert_eq!(for_people(&json!({})), "no services");
    }
}
