//! The worker.

use magnus::{function, method, prelude::*, Error, RArray, RModule, RString, Ruby};
use pigato::binding::{Answer, AnswerOptions, Worker, WorkerEvent};
use pigato::config::WorkerOptions;
use pigato::worker::CancelReason;
use pigato::{ErrorCode, Request};

use crate::error::exception;
use crate::events::{self, Record};
use crate::handle::{define_class, define_source, source, Slot};
use crate::options::{bytes, object, timeout};

/// A worker, from `start` on.
#[magnus::wrap(class = "Pigato::Native::Worker", free_immediately)]
struct NativeWorker(Slot<Worker>);

source!(NativeWorker, Worker, WorkerEvent, Worker::begin_wait, Worker::end_wait, record);

pub(crate) fn define(ruby: &Ruby, native: RModule) -> Result<(), Error> {
    let class = define_class::<NativeWorker>(ruby, native, "Worker")?;
    define_source!(class, NativeWorker);
    class.define_singleton_method("start", function!(NativeWorker::start, 3))?;
    class.define_method("identity", method!(NativeWorker::identity, 0))?;
    class.define_method("write", method!(NativeWorker::write, 3))?;
    class.define_method("finish", method!(NativeWorker::finish, 3))?;
    class.define_method("error", method!(NativeWorker::error, 3))?;
    class.define_method("fail", method!(NativeWorker::fail, 2))?;
    class.define_method("reject", method!(NativeWorker::reject, 2))?;
    class.define_method("wanted?", method!(NativeWorker::is_wanted, 1))?;
    class.define_method("concurrency=", method!(NativeWorker::set_concurrency, 1))?;
    class.define_method("heartbeat", method!(NativeWorker::heartbeat, 0))?;
    class.define_method("stop", method!(NativeWorker::stop, 1))?;
    Ok(())
}

impl NativeWorker {
    /// Starts a worker for `service` at the broker at `endpoint`; `options` are JSON.
    fn start(ruby: &Ruby, endpoint: String, service: RString, options: RString) -> Result<Self, Error> {
        object(&bytes(options))
            .and_then(|options| WorkerOptions::from_json(&options))
            .and_then(|options| Worker::start(&endpoint, bytes(service), options))
            .map(|worker| Self(Slot::new(worker)))
            .map_err(|error| exception(ruby, error))
    }

    fn identity(ruby: &Ruby, this: &Self) -> Result<RString, Error> {
        Ok(ruby.str_from_slice(&this.0.get(ruby)?.identity()))
    }

    /// Sends a partial reply; false if there was no room for it, and then the event `writable` follows.
    fn write(ruby: &Ruby, this: &Self, number: u64, data: RString, options: RString) -> Result<bool, Error> {
        let worker = this.0.get(ruby)?;
        match answer(data, options).and_then(|answer| worker.write(number, answer)) {
            Ok(()) => Ok(true),
            Err(error) if error.code() == ErrorCode::Busy => Ok(false),
            Err(error) => Err(exception(ruby, error)),
        }
    }

    fn finish(ruby: &Ruby, this: &Self, number: u64, data: RString, options: RString) -> Result<(), Error> {
        let worker = this.0.get(ruby)?;
        answer(data, options).and_then(|answer| worker.end(number, answer)).map_err(|error| exception(ruby, error))
    }

    fn error(ruby: &Ruby, this: &Self, number: u64, data: RString, options: RString) -> Result<(), Error> {
        let worker = this.0.get(ruby)?;
        answer(data, options).and_then(|answer| worker.error(number, answer)).map_err(|error| exception(ruby, error))
    }

    /// Ends the job as a failed handler does.
    fn fail(ruby: &Ruby, this: &Self, number: u64, message: RString) -> Result<(), Error> {
        let message = String::from_utf8_lossy(&bytes(message)).into_owned();
        this.0.get(ruby)?.fail(number, &message).map_err(|error| exception(ruby, error))
    }

    fn reject(ruby: &Ruby, this: &Self, number: u64, reason: RString) -> Result<(), Error> {
        this.0.get(ruby)?.reject(number, bytes(reason)).map_err(|error| exception(ruby, error))
    }

    fn is_wanted(ruby: &Ruby, this: &Self, number: u64) -> Result<bool, Error> {
        Ok(this.0.get(ruby)?.is_wanted(number))
    }

    /// Sets the number of concurrent jobs to what `options`, which are JSON, say.
    fn set_concurrency(ruby: &Ruby, this: &Self, options: RString) -> Result<(), Error> {
        let worker = this.0.get(ruby)?;
        object(&bytes(options))
            .and_then(|options| WorkerOptions::from_json(&options))
            .and_then(|options| worker.set_concurrency(options.concurrency))
            .map_err(|error| exception(ruby, error))
    }

    fn heartbeat(ruby: &Ruby, this: &Self) -> Result<(), Error> {
        this.0.get(ruby)?.heartbeat().map_err(|error| exception(ruby, error))
    }

    /// Stops once its jobs are answered, after `timeout_ms` milliseconds at the latest (below 0: no limit).
    fn stop(ruby: &Ruby, this: &Self, timeout_ms: f64) -> Result<(), Error> {
        this.0.get(ruby)?.stop(timeout(timeout_ms)).map_err(|error| exception(ruby, error))
    }
}

fn answer(data: RString, options: RString) -> Result<Answer, pigato::Error> {
    let mut answer_options = AnswerOptions::default();
    object(&bytes(options))?.iter().try_for_each(|(name, value)| answer_options.set(name, value))?;
    Ok(Answer::new(bytes(data), &answer_options))
}

fn record(ruby: &Ruby, event: &WorkerEvent) -> Result<Option<RArray>, Error> {
    let record = match event {
        WorkerEvent::Peer(event) => return events::peer(ruby, *event),
        WorkerEvent::Request(request) => requested(ruby, request)?,
        WorkerEvent::Cancelled { number, reason } => {
            let code = match reason {
                CancelReason::Disconnected => ErrorCode::Disconnected,
                CancelReason::Stopped => ErrorCode::Closed,
                _ => ErrorCode::Cancelled,
            };
            Record::new(ruby, "cancelled")?.with(*number)?.with(code.as_str())?
        }
        WorkerEvent::Heartbeat { number } => Record::new(ruby, "heartbeat")?.with(*number)?,
        WorkerEvent::Writable { number } => Record::new(ruby, "writable")?.with(*number)?,
    };
    Ok(Some(record.finish()))
}

/// The options, or nothing for the empty object that most clients send.
fn without_empty(options: &[u8]) -> &[u8] {
    if options == b"{}" {
        &[]
    } else {
        options
    }
}

fn requested<'r>(ruby: &'r Ruby, request: &Request) -> Result<Record<'r>, Error> {
    Record::new(ruby, "request")?
        .with(request.number())?
        .symbol(Some(events::codec_name(request.codec())))?
        .data(request.bytes(), request.codec())?
        .text_or_nil(without_empty(request.options_bytes()))?
        .text_or_nil(request.service_bytes())?
        .with(ruby.str_from_slice(request.client_bytes()))?
        .with(ruby.str_from_slice(request.id()))?
        .with(request.attempt())?
        .with(request.remaining().map(|remaining| remaining.as_secs_f64()))
}
