//! Rows streamed as partial replies, with a service-defined error:
//! `cargo run -p pigato --example stocks`.

use std::error::Error;
use std::time::Duration;

use pigato::{Broker, Client, RequestError, Worker};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Debug, Serialize, Deserialize)]
struct Quote {
    day: u32,
    close: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let broker = Broker::builder().bind("tcp://127.0.0.1:*").intch(None).start()?;

    let worker = Worker::connect(broker.endpoint(), "stocks")?;
    let serving = worker.clone();
    let handlers = std::thread::spawn(move || {
        serving.serve_blocking(2, |request, reply| {
            let symbol: String = request.decode()?;
            if symbol != "PGTO" {
                reply.error(&json!({ "code": "UNKNOWN_SYMBOL", "symbol": symbol }))?;
                return Ok(0);
            }
            let days = 5;
            for day in 1..=days {
                // Blocks while the client has granted no credit; fails if the client has given up.
                reply.write_blocking(&Quote { day, close: 100.0 + 1.5 * f64::from(day) })?;
            }
            Ok(days)
        });
    });

    let client = Client::connect(broker.endpoint())?;
    let request = client.request("stocks", "PGTO").timeout(Duration::from_secs(5));
    for reply in request.send().replies() {
        let reply = reply?;
        if reply.is_final() {
            println!("{} quotes", reply.decode::<u32>()?);
        } else {
            let quote: Quote = reply.decode()?;
            println!("day {}: {:.2}", quote.day, quote.close);
        }
    }

    match client.request("stocks", "NOPE").send().finish_blocking() {
        Err(RequestError::Remote(error)) => println!("the service returned an error: {}", error.value()),
        other => println!("unexpected: {other:?}"),
    }

    worker.stop_blocking();
    handlers.join().map_err(|_| "a handler's thread panicked")?;
    Ok(())
}
