//! The demonstration's workers, written as a user would.

use std::thread::JoinHandle;

use pigato::{HandlerError, ReplyWriter, Request, Worker};
use serde::Serialize;
use serde_json::{json, Value};

use super::quotes::{quotes, Quote, SYMBOL};
use super::trouble::Trouble;

/// Threads that answer for each service.
const THREADS: usize = 2;

pub(super) struct Services {
    workers: Vec<Worker>,
    threads: Vec<JoinHandle<()>>,
}

impl Services {
    pub(super) fn start(endpoint: &str) -> Result<Self, Trouble> {
        let quotes = quotes()?;
        let mut services = Self { workers: Vec::new(), threads: Vec::new() };
        services.serve(endpoint, "echo", echo)?;
        services.serve(endpoint, "stocks", move |request, reply| stocks(&quotes, request, reply))?;
        Ok(services)
    }

    fn serve<H, T>(&mut self, endpoint: &str, service: &str, handler: H) -> Result<(), Trouble>
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
            // A handler that panicked has answered its request with an error, which was noticed there.
            let _ = thread.join();
        }
    }
}

/// Answers with what it is sent; text of several words also word by word.
fn echo(request: &Request, reply: &ReplyWriter) -> Result<Value, HandlerError> {
    let data = request.json()?;
    if let Some(text) = data.as_str() {
        for word in text.split_whitespace() {
            reply.write_blocking(word)?;
        }
    }
    Ok(data)
}

/// Streams the quotes of a symbol, a row each, and ends with their number.
fn stocks(quotes: &[Quote], request: &Request, reply: &ReplyWriter) -> Result<Value, HandlerError> {
    let asked = request.json()?;
    let symbol = asked["symbol"].as_str().unwrap_or_default();
    if symbol != SYMBOL {
        // An error of the service's own. Returning Err would do too, with the code W_HANDLER.
        reply.error(&json!({ "code": "UNKNOWN_SYMBOL", "message": format!("there are no quotes of `{symbol}`") }))?;
        return Ok(Value::Null);
    }
    for quote in quotes {
        reply.write_blocking(quote)?;
    }
    Ok(json!({ "rows": quotes.len() }))
}
