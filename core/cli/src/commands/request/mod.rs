//! `pigato request`: one request, its replies as lines.

mod printer;

use std::io::Read;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use pigato::{Client, ClientBuilder, Error, PeerEvent, RequestBuilder, RequestError, Timeout};
use serde_json::value::RawValue;
use tracing::{debug, info, warn};

use crate::arguments::BrokerEndpoint;
use crate::data::json_or_string;
use crate::exit::{Failure, Status};
use crate::signals::Signals;
use printer::{Ending, Form, Printer};

/// After this time without an answer from a broker it is said that there may be none.
const SUSPICIOUS_SILENCE: Duration = Duration::from_secs(2);

/// How long an interrupted request waits for its cancellation to be on its way.
const FAREWELL: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "\
Examples:
  pigato request echo hello                       the string \"hello\"
  pigato request add '[1,2]'                      JSON
  generate | pigato request import -              data from standard input
  pigato request resize --raw - < in.png > out.png
  pigato request stocks '{\"symbol\":\"PGTO\"}' | head -3
  pigato request report --timeout -1 --retry --header traceparent=00-…-01
  pigato request echo hello --json | jq -r 'select(.kind==\"final\").data'

Data: what parses as JSON is sent as it is written, anything else as a JSON string; so is standard input, without its
last line break. Without DATA, null is sent. With --raw the bytes are sent as they are.

Output: every partial reply and then the final one, a line of JSON each. A reply of bytes that are not JSON is printed
as a string, or as {\"base64\":\"…\"} if it is not text. With --json each line is an object:
  {\"kind\":\"partial\",\"data\":…,\"options\":{…}}
  {\"kind\":\"final\",\"data\":…,\"options\":{…}}
  {\"kind\":\"error\",\"code\":\"C_TIMEOUT\",\"value\":…,\"message\":…,\"options\":{…}}   code is null if it is none of PIGATO's

Exit status: 0 final reply, 1 the service answered with an error, 2 usage, 3 timeout, 4 refused by the broker (B_...),
5 anything else, 130 interrupted. The request is cancelled when the command is interrupted or nobody reads its output.";

/// Make a request and print its replies
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RequestArguments {
    /// The service: a name, or a name and a range of versions as in `echo@^1.2`
    service: String,

    /// JSON, or else text; `-` reads standard input
    #[arg(allow_negative_numbers = true)]
    data: Option<String>,

    #[command(flatten)]
    broker: BrokerEndpoint,

    /// Give up after this many milliseconds without a reply; -1: never [default: 60000]
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    timeout: Option<TimeoutMillis>,

    /// Have it run again if its worker or the connection is lost: for requests that may run twice
    #[arg(long)]
    retry: bool,

    /// Have this worker handle it and no other; `pigato dir` tells the ids
    #[arg(long, value_name = "ID")]
    worker: Option<String>,

    /// Fail at once (B_NO_WORKER, B_REJECTED) instead of waiting for a worker
    #[arg(long)]
    fail_fast: bool,

    /// Pass by the broker's reply cache
    #[arg(long)]
    no_cache: bool,

    /// Add a key to the options that the worker sees; the value is JSON or else text; may be given many times
    #[arg(long = "header", value_name = "KEY=VALUE")]
    headers: Vec<Header>,

    /// Send bytes and print the replies' bytes, all as they are
    #[arg(long, conflicts_with = "json")]
    raw: bool,

    /// Print every reply, and an error, as an object that says what it is
    #[arg(long)]
    json: bool,
}

/// Milliseconds, or -1 for never.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeoutMillis(pub(crate) Timeout);

impl FromStr for TimeoutMillis {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let problem = "expected a number of milliseconds, or -1 for never";
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

/// What is sent.
enum Data {
    Json(Box<RawValue>),
    Raw(Vec<u8>),
}

pub(crate) async fn run(arguments: RequestArguments) -> Result<Status, Failure> {
    // Read before signals are caught, so that Ctrl-C ends the waiting for a terminal.
    let data = arguments.data()?;
    let mut signals = Signals::install()?;
    let client = start_client(Client::builder(&arguments.broker.endpoint))?;
    let response = arguments.request(&client, data).send();
    let printer = Printer::new(arguments.form(), &arguments.service);
    // On a thread of its own: writing blocks when the reader is slow, and signals are to be answered all the same.
    let mut printing = tokio::task::spawn_blocking(move || printer.print(response));
    let ending = loop {
        tokio::select! {
            ending = &mut printing => break ending.map_err(|error| Failure::system(error.into()))?,
            () = signals.next() => {
                // Cancels the request.
                let _ = tokio::time::timeout(FAREWELL, client.stop()).await;
                return Ok(Status::Interrupted);
            }
            () = silence(&client) => {
                warn!("no broker answers at {} yet; still trying", arguments.broker.endpoint);
            }
        }
    };
    match ending {
        Ending::Done => Ok(Status::Done),
        Ending::Failed(error) => Err(arguments.explain(&error, &client)),
        Ending::NotWritten(error) => {
            let _ = tokio::time::timeout(FAREWELL, client.stop()).await;
            error.outcome()
        }
    }
}

/// Resolves once, if there is no connection after some time.
async fn silence(client: &Client) {
    static TOLD: std::sync::Once = std::sync::Once::new();
    tokio::time::sleep(SUSPICIOUS_SILENCE).await;
    if client.is_connected() || TOLD.is_completed() {
        std::future::pending::<()>().await;
    }
    TOLD.call_once(|| {});
}

/// A client that logs what happens to its connection.
pub(crate) fn start_client(builder: ClientBuilder) -> Result<Client, Failure> {
    let client = builder.on_event(|event| match event {
        PeerEvent::Disconnected => info!("disconnected"),
        PeerEvent::ProtocolError(problem) => info!(?problem, "protocol error"),
        other => debug!(?other, "connection"),
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
            Failure::usage("standard input is not UTF-8 text").hint("Send bytes as they are with --raw.")
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

    fn form(&self) -> Form {
        match (self.raw, self.json) {
            (true, _) => Form::Bytes,
            (_, true) => Form::Objects,
            _ => Form::Values,
        }
    }

    /// An error in words, with what can be done about it.
    fn explain(&self, error: &RequestError, client: &Client) -> Failure {
        let status = Status::of(error);
        let failure = Failure::new(status, error.to_string());
        let service = &self.service;
        match status {
            Status::Timeout if !client.is_connected() => failure.hint(format!(
                "No broker answers at {}; start one with `pigato broker`, or name it with --endpoint.",
                self.broker.endpoint
            )),
            Status::Timeout => failure.hint(format!(
                "`pigato dir {service}` tells whether a worker offers `{service}`; --timeout MS waits longer."
            )),
            Status::Refused if self.fail_fast => failure
                .hint(format!("Without --fail-fast it waits for a worker; `pigato worker {service} --exec …` is one.")),
            Status::Refused if !self.retry => failure.hint("With --retry it is run again if its worker is lost."),
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
    fn a_timeout_is_milliseconds_or_never() {
        assert_eq!("-1".parse::<TimeoutMillis>().unwrap().0, Timeout::Never);
        assert_eq!("250".parse::<TimeoutMillis>().unwrap().0.as_millis(), 250);
        assert!("-2".parse::<TimeoutMillis>().is_err());
        assert!("1s".parse::<TimeoutMillis>().is_err());
    }

    #[test]
    fn a_header_is_a_name_and_a_value() {
        let value = |text: &str| text.parse::<Header>().map(|header| header.value);
        assert_eq!(value("a=b=c").unwrap(), json!("b=c"));
        assert_eq!(value("a=").unwrap(), json!(""));
        assert_eq!(value("a=[1]").unwrap(), json!([1]));
        assert!(value("a").is_err());
        assert!(value("=b").is_err());
    }
}
