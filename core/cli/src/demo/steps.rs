//! What the demonstration's client does, one step after the other.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pigato::{Broker, Client, ErrorCode, RequestError, Response};
use serde_json::{json, Value};

use super::measure::{grouped, millis, rate, Latencies};
use super::quotes::{quotes, Quote, SYMBOL};
use super::trouble::Trouble;
use crate::output;

/// Timeout of the request that nobody answers.
const SHORT: Duration = Duration::from_millis(200);

/// One request whose replies are handed to functions as they come.
pub(super) async fn one_request(client: &Client) -> Result<(), Trouble> {
    say("1. One request, its replies as they come")?;
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
    Trouble::unless(answer == text && words.len() == 4, || format!("`echo` answered {words:?} and {answer}"))
}

/// Calls a function with each partial reply and returns the final one.
async fn with_callback(
    mut response: Response,
    mut on_partial: impl FnMut(Value) -> Result<(), Trouble>,
) -> Result<Value, Trouble> {
    while let Some(reply) = response.next().await {
        let reply = reply?;
        if reply.is_final() {
            return Ok(reply.json()?);
        }
        on_partial(reply.json()?)?;
    }
    Err(Trouble::Wrong("a request ended without a final reply".to_owned()))
}

/// Many requests that are under way at the same time.
pub(super) async fn many_requests(client: &Client, count: u32) -> Result<(), Trouble> {
    say(&format!("2. {} requests at the same time", grouped(count.into())))?;
    let progress = progress(count.into(), "requests");
    let start = Instant::now();
    let mut requests: FuturesUnordered<_> = (0..count)
        .map(|number| {
            let response = client.request("echo", &number).send();
            let sent = Instant::now();
            async move {
                let answer = response.finish().await?.decode::<u32>()?;
                Trouble::unless(answer == number, || format!("`echo` answered {number} with {answer}"))?;
                Ok::<_, Trouble>(sent.elapsed())
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
        "   all answered in {}: {} requests/s; half within {} (p50), 99 of 100 within {} (p99)\n",
        millis(time),
        rate(count as usize, time),
        millis(p50),
        millis(p99)
    ))
}

/// A file, row by row, each row a partial reply.
pub(super) async fn stream_rows(client: &Client) -> Result<(), Trouble> {
    let expected = quotes()?;
    say(&format!(
        "3. {} daily quotes, a partial reply each (generated data, not real quotes)",
        grouped(expected.len() as u64)
    ))?;
    let progress = progress(expected.len() as u64, "rows");
    let mut response = client.request("stocks", &json!({ "symbol": SYMBOL })).send();
    let start = Instant::now();
    let mut latencies = Latencies::default();
    let mut rows = Vec::new();
    let total = loop {
        let Some(reply) = response.next().await else {
            return Err(Trouble::Wrong("the rows ended without a final reply".to_owned()));
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
    Trouble::unless(rows == expected, || "the rows that arrived are not those of the file".to_owned())?;
    Trouble::unless(total["rows"] == rows.len(), || format!("the final reply is {total}"))?;
    if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
        say(&format!(
            "   {}  closed at {:7.2}\n   …\n   {}  closed at {:7.2}",
            first.date, first.close, last.date, last.close
        ))?;
    }
    say(&format!(
        "   all there, in order, in {}: {} rows/s; half there after {} (p50), 99 of 100 after {} (p99)\n",
        millis(time),
        rate(rows.len(), time),
        millis(latencies.percentile(0.5)),
        millis(latencies.percentile(0.99))
    ))
}

/// What it looks like when there is no result.
pub(super) async fn errors(client: &Client) -> Result<(), Trouble> {
    say("4. Requests without a result")?;
    let asked = client.request("stocks", &json!({ "symbol": "NOPE" }));
    let error = failing("a request for an unknown symbol", asked.send()).await?;
    let RequestError::Remote(remote) = &error else {
        return Err(Trouble::Wrong(format!("an unknown symbol gave {error}")));
    };
    say(&format!("   an error of the service:      {}", remote.value()))?;
    Trouble::unless(remote.value()["code"] == "UNKNOWN_SYMBOL", || format!("an unknown symbol gave {error}"))?;

    let start = Instant::now();
    let asked = client.request("nobody", &()).timeout(SHORT);
    let error = failing("a request that nobody answers", asked.send()).await?;
    say(&format!("   a timeout of {}:        {error}   after {}", millis(SHORT), millis(start.elapsed())))?;
    Trouble::unless(error.code() == Some(ErrorCode::Timeout), || format!("a timeout gave {error}"))?;

    let error = failing("a request that does not wait", client.request("nobody", &()).fail_fast().send()).await?;
    say(&format!("   no worker, and no waiting:    {error}\n"))?;
    Trouble::unless(error.code() == Some(ErrorCode::NoWorker), || format!("no worker gave {error}"))
}

async fn failing(what: &str, response: Response) -> Result<RequestError, Trouble> {
    match response.finish().await {
        Ok(reply) => Err(Trouble::Wrong(format!("{what} was answered with {}", reply.json()?))),
        Err(error) => Ok(error),
    }
}

/// Who offers what.
pub(super) async fn directory(client: &Client) -> Result<(), Trouble> {
    say("5. The directory")?;
    let directory = client.directory(None).await?;
    for service in ["echo", "stocks"] {
        let workers = directory[service].as_array().map(Vec::len);
        Trouble::unless(workers == Some(1), || format!("the directory is {directory}"))?;
        say(&format!("   {service:6}  {}", directory[service][0].as_str().unwrap_or_default()))?;
    }
    Ok(())
}

/// What the broker counted.
pub(super) fn totals(broker: &Broker) -> Result<(), Trouble> {
    let counted = broker.statistics()?;
    say(&format!(
        "\nThe broker passed on {} requests, {} partial and {} final replies.",
        grouped(counted.dispatches),
        grouped(counted.partial_replies),
        grouped(counted.replies)
    ))?;
    let is_clean = counted.protocol_errors + counted.undeliverable + counted.retries == 0;
    Trouble::unless(is_clean && counted.queued + counted.in_flight == 0, || format!("the broker counted {counted:?}"))
}

fn say(text: &str) -> Result<(), Trouble> {
    Ok(output::line(text)?)
}

/// A bar on a terminal, nothing in a pipe.
fn progress(length: u64, unit: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(&format!("   {{wide_bar}} {{pos}}/{{len}} {unit}"));
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
