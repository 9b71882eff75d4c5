//! The steps of the demo's client.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pigato::{Broker, Client, ErrorCode, RequestError, Response};
use serde_json::{json, Value};

use super::measure::{grouped, millis, rate, Latencies};
use super::problem::Problem;
use super::quotes::{quotes, Quote, SYMBOL};
use crate::output;

/// Timeout of the request to a service without workers.
const SHORT_TIMEOUT: Duration = Duration::from_millis(200);

/// Sends one request and prints its replies as they arrive.
pub(super) async fn one_request(client: &Client) -> Result<(), Problem> {
    say("1. One request with partial replies and a final reply")?;
    let text = "partial replies come first";
    let start = Instant::now();
    let mut words = Vec::new();
    let answer = with_callback(client.request("echo", text).send(), |partial| {
        say(&format!("   partial  {partial}"))?;
        words.push(partial);
        Ok(())
    })
    .await?;
    say(&format!("   final    {answer}   after {}\n", millis(start.elapsed())))?;
    Problem::unless(answer == text && words.len() == 4, || format!("`echo` replied {words:?} and {answer}"))
}

/// Calls a function with each partial reply and returns the final one.
async fn with_callback(
    mut response: Response,
    mut on_partial: impl FnMut(Value) -> Result<(), Problem>,
) -> Result<Value, Problem> {
    while let Some(reply) = response.next().await {
        let reply = reply?;
        if reply.is_final() {
            return Ok(reply.json()?);
        }
        on_partial(reply.json()?)?;
    }
    Err(Problem::Wrong("a request ended without a final reply".to_owned()))
}

/// Sends many concurrent requests.
pub(super) async fn many_requests(client: &Client, count: u32) -> Result<(), Problem> {
    say(&format!("2. {} concurrent requests", grouped(count.into())))?;
    let progress = progress(count.into(), "requests");
    let start = Instant::now();
    let mut requests: FuturesUnordered<_> = (0..count)
        .map(|number| {
            let response = client.request("echo", &number).send();
            let sent = Instant::now();
            async move {
                let answer = response.finish().await?.decode::<u32>()?;
                Problem::unless(answer == number, || format!("`echo` replied {answer} to {number}"))?;
                Ok::<_, Problem>(sent.elapsed())
            }
        })
        .collect();
    let mut latencies = Latencies::default();
    while let Some(latency) = requests.next().await {
        latencies.add(latency?);
        progress.inc(1);
    }
    let time = start.elapsed();
    progress.finish_and_clear();
    let (p50, p99) = (latencies.percentile(0.5), latencies.percentile(0.99));
    say(&format!(
        "   all answered in {}: {} requests/s, latency {} (p50), {} (p99)\n",
        millis(time),
        rate(count as usize, time),
        millis(p50),
        millis(p99)
    ))
}

/// Streams a file, with each row as a partial reply.
pub(super) async fn stream_rows(client: &Client) -> Result<(), Problem> {
    let expected = quotes()?;
    say(&format!(
        "3. {} daily quotes, each a partial reply (generated data, not real quotes)",
        grouped(expected.len() as u64)
    ))?;
    let progress = progress(expected.len() as u64, "rows");
    let mut response = client.request("stocks", &json!({ "symbol": SYMBOL })).send();
    let start = Instant::now();
    let mut latencies = Latencies::default();
    let mut rows = Vec::new();
    let total = loop {
        let Some(reply) = response.next().await else {
            return Err(Problem::Wrong("the partial replies ended without a final reply".to_owned()));
        };
        let reply = reply?;
        if reply.is_final() {
            break reply.json()?;
        }
        latencies.add(start.elapsed());
        rows.push(reply.decode::<Quote>()?);
        progress.inc(1);
    };
    let time = start.elapsed();
    progress.finish_and_clear();
    Problem::unless(rows == expected, || "the received rows differ from the file".to_owned())?;
    Problem::unless(total["rows"] == rows.len(), || format!("the final reply is {total}"))?;
    if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
        say(&format!(
            "   {}  closed at {:7.2}\n   …\n   {}  closed at {:7.2}",
            first.date, first.close, last.date, last.close
        ))?;
    }
    say(&format!(
        "   all received in order in {}: {} rows/s, 50 % after {} (p50), 99 % after {} (p99)\n",
        millis(time),
        rate(rows.len(), time),
        millis(latencies.percentile(0.5)),
        millis(latencies.percentile(0.99))
    ))
}

/// Sends requests that fail and prints their errors.
pub(super) async fn errors(client: &Client) -> Result<(), Problem> {
    say("4. Requests that fail")?;
    let request = client.request("stocks", &json!({ "symbol": "NOPE" }));
    let error = failing("a request for an unknown symbol", request.send()).await?;
    let RequestError::Remote(remote) = &error else {
        return Err(Problem::Wrong(format!("a request for an unknown symbol failed with {error}")));
    };
    say(&format!("   an error of the service:   {}", remote.value()))?;
    Problem::unless(remote.value()["code"] == "UNKNOWN_SYMBOL", || {
        format!("a request for an unknown symbol failed with {error}")
    })?;

    let start = Instant::now();
    let request = client.request("nobody", &()).timeout(SHORT_TIMEOUT);
    let error = failing("a request to a service without workers", request.send()).await?;
    say(&format!("   a timeout of {}:     {error}   after {}", millis(SHORT_TIMEOUT), millis(start.elapsed())))?;
    Problem::unless(error.code() == Some(ErrorCode::Timeout), || format!("a timeout failed with {error}"))?;

    let error = failing("a fail-fast request", client.request("nobody", &()).fail_fast().send()).await?;
    say(&format!("   no worker, with failFast:  {error}\n"))?;
    Problem::unless(error.code() == Some(ErrorCode::NoWorker), || format!("a fail-fast request failed with {error}"))
}

/// Returns the error of a request, which must fail.
async fn failing(what: &str, response: Response) -> Result<RequestError, Problem> {
    match response.finish().await {
        Ok(reply) => Err(Problem::Wrong(format!("{what} succeeded with {}", reply.json()?))),
        Err(error) => Ok(error),
    }
}

/// Prints the services and their workers.
pub(super) async fn directory(client: &Client) -> Result<(), Problem> {
    say("5. The directory")?;
    let directory = client.directory(None).await?;
    for service in ["echo", "stocks"] {
        let workers = directory[service].as_array().map(Vec::len);
        Problem::unless(workers == Some(1), || format!("the directory is {directory}"))?;
        say(&format!("   {service:6}  {}", directory[service][0].as_str().unwrap_or_default()))?;
    }
    Ok(())
}

/// Prints and checks the broker's statistics.
pub(super) fn totals(broker: &Broker) -> Result<(), Problem> {
    let counted = broker.statistics()?;
    say(&format!(
        "\nThe broker forwarded {} requests, {} partial replies and {} final replies.",
        grouped(counted.dispatches),
        grouped(counted.partial_replies),
        grouped(counted.replies)
    ))?;
    let is_clean = counted.protocol_errors + counted.undeliverable + counted.retries == 0;
    Problem::unless(is_clean && counted.queued + counted.in_flight == 0, || format!("the broker counted {counted:?}"))
}

fn say(text: &str) -> Result<(), Problem> {
    Ok(output::line(text)?)
}

/// Shows a progress bar if standard error is a terminal.
fn progress(length: u64, unit: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(&format!("   {{wide_bar}} {{pos}}/{{len}} {unit}"));
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
