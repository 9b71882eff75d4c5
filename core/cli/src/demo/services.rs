//! The demo's workers, written as a user would write them.

use std::thread::JoinHandle;

use pigato::{HandlerError, ReplyWriter, Request, Worker};
use serde::Serialize;
use serde_json::{json, Value};

use super::problem::Problem;
use super::quotes::{quotes, Quote, SYMBOL};

/// Threads per service.
const THREADS: usize = 2;

pub(super) struct Services {
    workers: Vec<Worker>,
    threads: Vec<JoinHandle<()>>,
}

impl Services {
    pub(super) fn start(endpoint: &str) -> Result<Self, Problem> {
        let quotes = quotes()?;
        let mut services = Self { workers: Vec::new(), threads: Vec::new() };
        services.serve(endpoint, "echo", echo)?;
        services.serve(endpoint, "stocks", move |request, reply| stocks(&quotes, request, reply))?;
        Ok(services)
    }

    fn serve<H, T>(&mut self, endpoint: &str, service: &str, handler: H) -> Result<(), Problem>
    where
        H: Fn(&Request, &ReplyWriter) -> Result<T, HandlerError> + Send + Sync + 'static,
        T: Serialize,
    {
        let worker = Worker::connect(endpoint, service)?;
        self.workers.push(worker.clone());
        self.threads.push(std::thread::spawn(move || worker.serve_blocking(THREADS, handler)));
        Ok(())
    }

    pub(super) async fn stop(self) {
        for worker in &self.workers {
            worker.stop().await;
        }
        for thread in self.threads {
            // A panic in a handler is not lost: its request was answered with an error, which the
            // steps check.
            let _ = thread.join();
        }
    }
}

/// Replies with the request's data. Text is also sent word by word as partial replies.
fn echo(request: &Request, reply: &ReplyWriter) -> Result<Value, HandlerError> {
    let data = request.json()?;
    if let Some(text) = data.as_str() {
        for word in text.split_whitespace() {
            reply.write_blocking(word)?;
        }
    }
    Ok(data)
}

/// Sends the quotes of a symbol, a partial reply per row, and replies with their number.
fn stocks(quotes: &[Quote], request: &Request, reply: &ReplyWriter) -> Result<Value, HandlerError> {
    let asked = request.json()?;
    let symbol = asked["symbol"].as_str().unwrap_or_default();
    if symbol != SYMBOL {
        // An error with the service's own code. Returning `Err` would send the code W_HANDLER.
        reply.error(&json!({ "code": "UNKNOWN_SYMBOL", "message": format!("no quotes of `{symbol}`") }))?;
        return Ok(Value::Null);
    }
    for quote in quotes {
        reply.write_blocking(quote)?;
    }
    Ok(json!({ "rows": quotes.len() }))
}
