//! `pigato request`: sends one request and prints its replies.

mod printer;

use std::io::Read;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use pigato::{Client, ClientBuilder, Error, PeerEvent, RequestBuilder, RequestError, Timeout};
use serde_json::value::RawValue;
use tracing::{debug, info, warn};

use crate::broker_endpoint::BrokerEndpoint;
use crate::data::json_or_string;
use crate::exit::{Failure, Status};
use crate::signals::Signals;
use printer::{Ending, Format, Printer};

/// Without a connection for this time, the command warns that no broker answers.
const CONNECTION_WARNING: Duration = Duration::from_secs(2);

/// How long an interrupted command waits until the cancellation of its request is sent.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "\
Examples:
  pigato request echo hello                       send the string \"hello\"
  pigato request add '[1,2]'                      send JSON
  generate | pigato request import -              send what standard input contains
  pigato request resize --raw - < in.png > out.png
  pigato request stocks '{\"symbol\":\"PGTO\"}' | head -3
  pigato request report --timeout -1 --retry --header traceparent=00-…-01
  pigato request echo hello --json | jq -r 'select(.kind==\"final\").data'

Data: text that is valid JSON is sent unchanged, any other text as a JSON string. Standard input \
(`-`) is treated in the same way, without its last line break. Without DATA the command sends null. \
With --raw it sends the bytes unchanged.

Output: the partial replies and then the final reply, each as a line of JSON. Bytes that are not JSON \
are printed as a string, or as {\"base64\":\"…\"} if they are not UTF-8. With --raw the bytes are \
printed unchanged. With --json each line is an object; `code` is null if the error code is not one \
of PIGATO's:
  {\"kind\":\"partial\",\"data\":…,\"options\":{…}}
  {\"kind\":\"final\",\"data\":…,\"options\":{…}}
  {\"kind\":\"error\",\"code\":\"C_TIMEOUT\",\"value\":…,\"message\":…,\"options\":{…}}

Cancellation: Ctrl-C, SIGTERM or a closed standard output (as with `| head`) cancels the request.

Exit status: 0 final reply received or standard output closed, 1 the service replied with an error, \
2 wrong usage, 3 timeout, 4 refused by the broker (B_...), 5 any other error, 130 stopped by a signal.";

/// Send a request and print its replies
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RequestArguments {
    /// Service name, with an optional version range as in `echo@^1.2`
    service: String,

    /// JSON or any other text; `-` reads standard input
    #[arg(allow_negative_numbers = true)]
    data: Option<String>,

    #[command(flatten)]
    broker: BrokerEndpoint,

    /// Give up after this many milliseconds without a reply; -1 waits forever [default: 60000]
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    timeout: Option<TimeoutMillis>,

    /// Send the request again if its worker or the connection is lost; only for requests that may
    /// run twice
    #[arg(long)]
    retry: bool,

    /// Send the request to the worker with this id only; `pigato dir` lists the ids
    #[arg(long, value_name = "ID")]
    worker: Option<String>,

    /// Fail immediately (B_NO_WORKER, B_REJECTED) instead of waiting for a worker
    #[arg(long)]
    fail_fast: bool,

    /// Bypass the broker's reply cache
    #[arg(long)]
    no_cache: bool,

    /// Add a key to the options that the worker receives; VALUE is JSON or any other text; may be
    /// repeated
    #[arg(long = "header", value_name = "KEY=VALUE")]
    headers: Vec<Header>,

    /// Send the data and print the replies as unchanged bytes
    #[arg(long, conflicts_with = "json")]
    raw: bool,

    /// Print each reply or error as a JSON object that names its kind
    #[arg(long)]
    json: bool,
}

/// A timeout in milliseconds, or -1 for none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeoutMillis(pub(crate) Timeout);

impl FromStr for TimeoutMillis {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let problem = "expected a number of milliseconds, or -1 to wait forever";
        match text.parse::<i64>().map_err(|_| problem)? {
            -1 => Ok(Self(Timeout::Never)),
            millis => Ok(Self(Duration::from_millis(u64::try_from(millis).map_err(|_| problem)?).into())),
        }
    }
}

#[derive(Debug, Clone)]
struct Header {
    name: String,
    value: serde_json::Value,
}

impl FromStr for Header {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
                Ok(Self { name: name.to_owned(), value })
            }
            _ => Err("expected KEY=VALUE"),
        }
    }
}

/// The data of the request.
enum Data {
    Json(Box<RawValue>),
    Raw(Vec<u8>),
}

pub(crate) async fn run(arguments: RequestArguments) -> Result<Status, Failure> {
    // Before signals are caught, so that Ctrl-C still ends a read from a terminal.
    let data = arguments.data()?;
    let mut signals = Signals::install()?;
    let client = start_client(Client::builder(&arguments.broker.endpoint))?;
    let response = arguments.request(&client, data).send();
    let printer = Printer::new(arguments.format(), &arguments.service);
    // On a separate thread: a slow reader blocks the writes, which must not delay signal handling.
    let mut printing = tokio::task::spawn_blocking(move || printer.print(response));
    let ending = loop {
        tokio::select! {
            ending = &mut printing => break ending.map_err(|error| Failure::system(error.into()))?,
            () = signals.next() => {
                // Cancels the request.
                let _ = tokio::time::timeout(CANCEL_TIMEOUT, client.stop()).await;
                return Ok(Status::Interrupted);
            }
            () = connection_warning(&client) => {
                warn!("no broker answers at {} yet; still trying to connect", arguments.broker.endpoint);
            }
        }
    };
    match ending {
        Ending::Done => Ok(Status::Done),
        Ending::Failed(error) => Err(arguments.explain(&error, &client)),
        Ending::NotWritten(error) => {
            let _ = tokio::time::timeout(CANCEL_TIMEOUT, client.stop()).await;
            error.outcome()
        }
    }
}

/// Resolves at most once per process: if the client is not connected after [`CONNECTION_WARNING`].
async fn connection_warning(client: &Client) {
    static WARNED: std::sync::Once = std::sync::Once::new();
    tokio::time::sleep(CONNECTION_WARNING).await;
    if client.is_connected() || WARNED.is_completed() {
        std::future::pending::<()>().await;
    }
    WARNED.call_once(|| {});
}

/// Starts a client that logs its connection events.
pub(crate) fn start_client(builder: ClientBuilder) -> Result<Client, Failure> {
    let client = builder.on_event(|event| match event {
        PeerEvent::Disconnected => info!("disconnected from the broker"),
        PeerEvent::ProtocolError(problem) => info!(?problem, "protocol error"),
        other => debug!(?other, "connection event"),
    });
    client.start().map_err(|error: Error| Failure::starting("client", &error, Status::Connection))
}

impl RequestArguments {
    fn data(&self) -> Result<Data, Failure> {
        let bytes = match self.data.as_deref() {
            Some("-") => read_stdin()?,
            Some(text) if self.raw => text.as_bytes().to_vec(),
            Some(text) => return Ok(Data::Json(json_or_string(text))),
            None if self.raw => Vec::new(),
            None => return Ok(Data::Json(RawValue::NULL.to_owned())),
        };
        if self.raw {
            return Ok(Data::Raw(bytes));
        }
        let text = String::from_utf8(bytes).map_err(|_| {
            Failure::usage("standard input is not UTF-8 text").hint("Use --raw to send bytes unchanged.")
        })?;
        Ok(Data::Json(json_or_string(text.strip_suffix('\n').unwrap_or(&text))))
    }

    fn request(&self, client: &Client, data: Data) -> RequestBuilder {
        let mut request = match data {
            Data::Json(value) => client.request(&self.service, &value),
            Data::Raw(bytes) => client.request_raw(&self.service, bytes),
        };
        if let Some(timeout) = self.timeout {
            request = request.timeout(timeout.0);
        }
        if let Some(worker) = &self.worker {
            request = request.worker_id(worker);
        }
        if self.no_cache {
            request = request.no_cache();
        }
        if self.fail_fast {
            request = request.fail_fast();
        }
        for header in &self.headers {
            request = request.header(&header.name, header.value.clone());
        }
        request.retry(self.retry)
    }

    fn format(&self) -> Format {
        match (self.raw, self.json) {
            (true, _) => Format::Bytes,
            (_, true) => Format::Objects,
            _ => Format::Values,
        }
    }

    /// Describes an error and says what the user can do.
    fn explain(&self, error: &RequestError, client: &Client) -> Failure {
        let status = Status::of(error);
        let failure = Failure::new(status, error.to_string());
        let service = &self.service;
        match status {
            Status::Timeout if !client.is_connected() => failure.hint(format!(
                "Start a broker on {} with `pigato broker --bind`, or set --endpoint to a running broker.",
                self.broker.endpoint
            )),
            Status::Timeout => failure.hint(format!(
                "Run `pigato dir {service}` to see whether a worker offers `{service}`, or raise --timeout MS."
            )),
            Status::Refused if self.fail_fast => failure.hint(format!(
                "Start a worker with `pigato worker {service} --exec …`, or omit --fail-fast to wait for one."
            )),
            Status::Refused if !self.retry => {
                failure.hint("With --retry the broker sends the request to another worker if its worker is lost.")
            }
            _ => failure,
        }
    }
}

fn read_stdin() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(Status::Connection, format!("could not read standard input: {error}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use pigato::Timeout;
    use serde_json::json;

    use super::{Header, TimeoutMillis};

    #[test]
    fn a_timeout_is_a_number_of_milliseconds_or_minus_1() {
        assert_eq!("-1".parse::<TimeoutMillis>().unwrap().0, Timeout::Never);
        assert_eq!("250".parse::<TimeoutMillis>().unwrap().0.as_millis(), 250);
        assert!("-2".parse::<TimeoutMillis>().is_err());
        assert!("1s".parse::<TimeoutMillis>().is_err());
    }

    #[test]
    fn a_header_is_a_name_and_a_json_or_text_value() {
        let value = |text: &str| text.parse::<Header>().map(|header| header.value);
        assert_eq!(value("a=b=c").unwrap(), json!("b=c"));
        assert_eq!(value("a=").unwrap(), json!(""));
        assert_eq!(value("a=[1]").unwrap(), json!([1]));
        assert!(value("a").is_err());
        assert!(value("=b").is_err());
    }
}
