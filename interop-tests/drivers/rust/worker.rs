//! The worker, with the behaviours that a request's data selects: `../PROTOCOL.md`, "What a worker
//! does".

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use pigato::config::WorkerOptions;
use pigato::{Codec, Concurrency, HandlerError, ReplyWriter, Request, Worker};
use serde_json::{json, Value};

use crate::{say, teller, Outcome, Role, Settings};

/// Number of concurrent requests: each may wait.
const THREADS: usize = 64;

/// Exit status of the behaviour `crash`.
const CRASHED: i32 = 9;

pub(crate) struct Driven {
    worker: Worker,
    habits: Arc<Habits>,
}

/// State that all requests share.
struct Habits {
    is_verbose: bool,
    is_rejecting: AtomicBool,
    requests: AtomicU64,
}

pub(crate) fn start(settings: Settings) -> Outcome<Driven> {
    let options = WorkerOptions::from_json(&settings.conf)?;
    let worker = Worker::builder(settings.endpoint, settings.service).options(options).on_event(teller()).start()?;
    let habits = Arc::new(Habits {
        is_verbose: settings.is_verbose,
        is_rejecting: AtomicBool::new(false),
        requests: AtomicU64::new(0),
    });
    let (serving, shared) = (worker.clone(), Arc::clone(&habits));
    std::thread::spawn(move || serving.serve_blocking(THREADS, |request, reply| shared.answer(request, reply)));
    Ok(Driven { worker, habits })
}

impl Role for Driven {
    fn command(&self, operation: &str, line: &Value) -> Outcome<()> {
        match operation {
            "reject" => {
                self.habits.is_rejecting.store(line["value"] != false, Ordering::Relaxed);
                say(json!({"event": "told"}));
            }
            "concurrency" => {
                let number = line["value"].as_i64().and_then(Concurrency::from_number);
                self.worker.set_concurrency(number.ok_or("a concurrency is a number")?);
            }
            "drain" => {
                let most = Duration::from_millis(line["ms"].as_u64().unwrap_or_default());
                let worker = self.worker.clone();
                std::thread::spawn(move || {
                    worker.stop_within_blocking(most);
                    say(json!({"event": "drained"}));
                });
            }
            _ => return Err(format!("no operation is called {operation}").into()),
        }
        Ok(())
    }

    fn stop(&self) {
        self.worker.stop_within_blocking(Duration::ZERO);
    }
}

impl Habits {
    fn answer(&self, request: &Request, reply: &ReplyWriter) -> Result<Value, HandlerError> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        if request.codec() == Codec::Raw {
            reply.end_raw(request.bytes().to_vec())?;
            return Ok(Value::Null);
        }
        let data = request.json()?;
        if self.is_verbose {
            say(json!({"event": "request", "request": number, "attempt": request.attempt(), "data": data}));
        }
        if self.is_rejecting.load(Ordering::Relaxed) {
            reply.reject("told to reject")?;
            return Ok(Value::Null);
        }
        let answered = behave(request, &data, reply);
        if self.is_verbose && reply.is_cancelled() {
            say(json!({"event": "cancelled", "request": number}));
        }
        answered
    }
}

fn behave(request: &Request, data: &Value, reply: &ReplyWriter) -> Result<Value, HandlerError> {
    for (name, value) in data["replyOpts"].as_object().into_iter().flatten() {
        reply.set_option(name, value.clone());
    }
    let value = &data["value"];
    match data["do"].as_str() {
        None => Ok(data.clone()),
        Some("echo") => Ok(value.clone()),
        Some("opts") => Ok(request.options()),
        Some("pid") => Ok(std::process::id().into()),
        Some("attempt") => Ok(request.attempt().into()),
        Some("text") => Ok("x".repeat(number(data, "length") as usize).into()),
        Some("partials") => partials(data, reply),
        Some("count") => count(pause(data), reply),
        Some("never") => {
            cancelled_within(reply, None);
            Ok(Value::Null)
        }
        Some("sleep") => {
            cancelled_within(reply, Some(pause(data)));
            Ok(value.clone())
        }
        Some("block") => {
            std::thread::sleep(pause(data));
            Ok(value.clone())
        }
        Some("throw") => Err(value.as_str().unwrap_or("thrown").into()),
        Some("crash") => std::process::exit(CRASHED),
        Some("error") => sent(reply.error(value)),
        Some("reject") => sent(reply.reject(value)),
        Some(other) => sent(reply.error(&format!("unknown behaviour: {other}"))),
    }
}

fn sent(result: Result<(), pigato::Error>) -> Result<Value, HandlerError> {
    result?;
    Ok(Value::Null)
}

fn partials(data: &Value, reply: &ReplyWriter) -> Result<Value, HandlerError> {
    let count = number(data, "count");
    for number in 0..count {
        reply.write_blocking(data.get("item").unwrap_or(&json!(number)))?;
        if data.get("ms").is_some() {
            cancelled_within(reply, Some(pause(data)));
        }
    }
    match data.get("error") {
        Some(error) => sent(reply.error(error)),
        None => Ok(count.into()),
    }
}

/// Sends partial replies until the request is cancelled.
fn count(pause: Duration, reply: &ReplyWriter) -> Result<Value, HandlerError> {
    for number in 0_u64.. {
        reply.write_blocking(&number)?;
        cancelled_within(reply, Some(pause));
    }
    Ok(Value::Null)
}

fn number(data: &Value, member: &str) -> u64 {
    data[member].as_u64().unwrap_or_default()
}

fn pause(data: &Value) -> Duration {
    Duration::from_millis(number(data, "ms"))
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits until the request is cancelled, for at most `most`.
fn cancelled_within(reply: &ReplyWriter, most: Option<Duration>) {
    let deadline = most.map(|most| Instant::now() + most);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut cancelled = pin!(reply.cancelled());
    while cancelled.as_mut().poll(&mut context).is_pending() {
        match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            None => std::thread::park(),
            Some(Duration::ZERO) => return,
            Some(left) => std::thread::park_timeout(left),
        }
    }
}
