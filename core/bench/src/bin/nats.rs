//! An echoing worker, and a client that keeps a window of requests in flight, over NATS with
//! async-nats: `nats worker URL`, `nats client URL REQUESTS WINDOW BODY_BYTES`.

use std::time::{Duration, Instant};

use async_nats::{Client, ConnectOptions};
use futures_util::stream::{FuturesUnordered, StreamExt};
use hdrhistogram::Histogram;

/// Warm-up requests before the measurement: 1/n of all.
const WARM_UP: usize = 10;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["worker", url] => worker(&connected(url).await?).await,
        ["client", url, requests, window, body_bytes] => {
            client(&connected(url).await?, requests.parse()?, window.parse()?, body_bytes.parse()?).await
        }
        _ => Err("nats worker URL, nats client URL REQUESTS WINDOW BODY_BYTES".into()),
    }
}

async fn connected(url: &str) -> Result<Client, Box<dyn std::error::Error>> {
    // The same timeout as that of requests to PIGATO.
    Ok(ConnectOptions::new().request_timeout(Some(Duration::from_secs(60))).connect(url).await?)
}

async fn worker(client: &Client) -> Outcome {
    let mut requests = client.queue_subscribe("echo", "workers".to_owned()).await?;
    client.flush().await?;
    println!("ready");
    while let Some(request) = requests.next().await {
        if let Some(reply) = request.reply {
            client.publish(reply, request.payload).await?;
        }
    }
    Ok(())
}

async fn client(client: &Client, requests: usize, window: usize, body_bytes: usize) -> Outcome {
    let payload = vec![b'a'; body_bytes];
    keep(client, requests / WARM_UP, window, &payload, &mut |_| {}).await?;
    let mut latencies = Histogram::<u64>::new(3)?;
    let started = Instant::now();
    keep(client, requests, window, &payload, &mut |latency| {
        latencies.record(latency.as_nanos() as u64).expect("within a minute");
    })
    .await?;
    let took = started.elapsed();
    let latency = |quantile| latencies.value_at_quantile(quantile) as f64 / 1e3;
    let figures = serde_json::json!({
        "requests_per_second": requests as f64 / took.as_secs_f64(),
        "p50_microseconds": latency(0.5),
        "p90_microseconds": latency(0.9),
        "p99_microseconds": latency(0.99),
        "p999_microseconds": latency(0.999),
    });
    println!("{figures}");
    Ok(())
}

/// Keeps `window` of `requests` in flight until all are answered.
async fn keep(
    client: &Client,
    requests: usize,
    window: usize,
    payload: &[u8],
    answered: &mut dyn FnMut(Duration),
) -> Outcome {
    let request = || async {
        let sent_at = Instant::now();
        client.request("echo", payload.to_vec().into()).await.map(|_| sent_at.elapsed())
    };
    let mut in_flight: FuturesUnordered<_> = (0..window.min(requests)).map(|_| request()).collect();
    let mut made = in_flight.len();
    while let Some(latency) = in_flight.next().await {
        answered(latency?);
        if made < requests {
            made += 1;
            in_flight.push(request());
        }
    }
    Ok(())
}
