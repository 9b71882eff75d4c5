//! The worker.

use std::time::Duration;

use magnus::{function, method, prelude::*, Error, RArray, RModule, RString, Ruby};
use pigato::binding::{Answer, AnswerOptions, Worker, WorkerEvent};
use pigato::config::WorkerOptions;
use pigato::worker::CancelReason;
use pigato::{ErrorCode, Request};

use crate::error::thrown;
use crate::events::{self, Record};
use crate::handle::{define_class, Slot};
use crate::options::{bytes, object, timeout};

/// A worker, from `start` on.
#[magnus::wrap(class = "Pigato::Native::Worker", free_immediately)]
struct NativeWorker(Slot<Worker>);

pub(crate) fn define(ruby: &Ruby, native: RModule) -> Result<(), Error> {
    let class = define_class::<NativeWorker>(ruby, native, "Worker")?;
    class.undef_default_alloc_func();
    class.define_singleton_method("start", function!(NativeWorker::start, 3))?;
    class.define_method("identity", method!(NativeWorker::identity, 0))?;
    class.define_method("refuse_fork", method!(NativeWorker::refuse_fork, 0))?;
    class.define_method("begin_wait", method!(NativeWorker::begin_wait, 0))?;
    class.define_method("end_wait", method!(NativeWorker::end_wait, 0))?;
    class.define_method("cork", method!(NativeWorker::cork, 1))?;
    class.define_method("uncork", method!(NativeWorker::uncork, 0))?;
    class.define_method("write", method!(NativeWorker::write, 3))?;
    class.define_method("finish", method!(NativeWorker::finish, 3))?;
    class.define_method("error", method!(NativeWorker::error, 3))?;
    class.define_method("fail", method!(NativeWorker::fail, 2))?;
    class.define_method("reject", method!(NativeWorker::reject, 2))?;
    class.define_method("wanted?", method!(NativeWorker::is_wanted, 1))?;
    class.define_method("concurrency=", method!(NativeWorker::set_concurrency, 1))?;
    class.define_method("heartbeat", method!(NativeWorker::heartbeat, 0))?;
    class.define_method("drain", method!(NativeWorker::drain, 1))?;
    class.define_method("stop", method!(NativeWorker::stop, 1))?;
    class.define_method("release", method!(NativeWorker::release, 0))?;
    Ok(())
}

impl NativeWorker {
    /// Starts a worker for `service` at the broker at `endpoint`; `options` are JSON.
    fn start(ruby: &Ruby, endpoint: String, service: RString, options: RString) -> Result<Self, Error> {
        object(&bytes(options))
            .and_then(|options| WorkerOptions::from_json(&options))
            .and_then(|options| Worker::start(&endpoint, bytes(service), options))
            .map(|worker| Self(Slot::new(worker)))
            .map_err(|error| thrown(ruby, error))
    }

    fn identity(ruby: &Ruby, this: &Self) -> Result<RString, Error> {
        Ok(ruby.str_from_slice(&this.0.get(ruby)?.identity()))
    }

    fn refuse_fork(ruby: &Ruby, this: &Self) -> Result<(), Error> {
        this.0.get(ruby)?.refuse_fork().map_err(|error| thrown(ruby, error))
    }

    /// The descriptor to wait for; nil if there is something to drain already.
    fn begin_wait(ruby: &Ruby, this: &Self) -> Result<Option<i32>, Error> {
        Ok(this.0.get(ruby)?.begin_wait())
    }

    /// Ends the wait, unless the handle was released meanwhile.
    fn end_wait(&self) {
        if let Some(worker) = self.0.peek() {
            worker.end_wait();
        }
    }

    /// Sends what is given from now on whenever there are so many, until `uncork`. Does nothing once the handle was released.
    fn cork(&self, most: usize) {
        if let Some(worker) = self.0.peek() {
            worker.cork_up_to(most);
        }
    }

    fn uncork(&self) {
        if let Some(worker) = self.0.peek() {
            worker.uncork();
        }
    }

    /// Sends a partial reply; false if it was not taken and `writable` follows.
    fn write(ruby: &Ruby, this: &Self, token: u64, data: RString, options: RString) -> Result<bool, Error> {
        let worker = this.0.get(ruby)?;
        match answer(data, options).and_then(|answer| worker.write(token, answer)) {
            Ok(()) => Ok(true),
            Err(error) if error.code() == ErrorCode::Busy => Ok(false),
            Err(error) => Err(thrown(ruby, error)),
        }
    }

    fn finish(ruby: &Ruby, this: &Self, token: u64, data: RString, options: RString) -> Result<(), Error> {
        let worker = this.0.get(ruby)?;
        answer(data, options).and_then(|answer| worker.end(token, answer)).map_err(|error| thrown(ruby, error))
    }

    fn error(ruby: &Ruby, this: &Self, token: u64, data: RString, options: RString) -> Result<(), Error> {
        let worker = this.0.get(ruby)?;
        answer(data, options).and_then(|answer| worker.error(token, answer)).map_err(|error| thrown(ruby, error))
    }

    /// Ends a request as a failed handler does.
    fn fail(ruby: &Ruby, this: &Self, token: u64, message: RString) -> Result<(), Error> {
        let message = String::from_utf8_lossy(&bytes(message)).into_owned();
        this.0.get(ruby)?.fail(token, &message).map_err(|error| thrown(ruby, error))
    }

    fn reject(ruby: &Ruby, this: &Self, token: u64, reason: RString) -> Result<(), Error> {
        this.0.get(ruby)?.reject(token, bytes(reason)).map_err(|error| thrown(ruby, error))
    }

    fn is_wanted(ruby: &Ruby, this: &Self, token: u64) -> Result<bool, Error> {
        Ok(this.0.get(ruby)?.is_wanted(token))
    }

    /// Takes as many requests at a time as these options say.
    fn set_concurrency(ruby: &Ruby, this: &Self, options: RString) -> Result<(), Error> {
        let worker = this.0.get(ruby)?;
        object(&bytes(options))
            .and_then(|options| WorkerOptions::from_json(&options))
            .and_then(|options| worker.set_concurrency(options.concurrency))
            .map_err(|error| thrown(ruby, error))
    }

    fn heartbeat(ruby: &Ruby, this: &Self) -> Result<(), Error> {
        this.0.get(ruby)?.heartbeat().map_err(|error| thrown(ruby, error))
    }

    /// Up to `most` events, without waiting.
    fn drain(ruby: &Ruby, this: &Self, most: usize) -> Result<RArray, Error> {
        let mut events = Vec::new();
        match this.0.get(ruby)?.poll(&mut events, most, Duration::ZERO) {
            Err(error) if error.code() != ErrorCode::Closed => return Err(thrown(ruby, error)),
            _ => {}
        }
        let told = ruby.ary_new_capa(events.len());
        for event in &events {
            if let Some(event) = record(ruby, event)? {
                told.push(event)?;
            }
        }
        Ok(told)
    }

    /// Stops once the live requests are answered, after this many milliseconds at the latest (below 0: without end).
    fn stop(ruby: &Ruby, this: &Self, timeout_ms: f64) -> Result<(), Error> {
        this.0.get(ruby)?.stop(timeout(timeout_ms)).map_err(|error| thrown(ruby, error))
    }

    fn release(&self) {
        self.0.release();
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
        WorkerEvent::Request(request) => asked(ruby, request)?,
        WorkerEvent::Cancelled { token, reason } => {
            let code = match reason {
                CancelReason::Disconnected => ErrorCode::Disconnected,
                CancelReason::Stopped => ErrorCode::Closed,
                _ => ErrorCode::Cancelled,
            };
            Record::new(ruby, "cancelled")?.with(*token)?.with(code.as_str())?
        }
        WorkerEvent::Heartbeat { token } => Record::new(ruby, "heartbeat")?.with(*token)?,
        WorkerEvent::Writable { token } => Record::new(ruby, "writable")?.with(*token)?,
    };
    Ok(Some(record.finish()))
}

/// Options that say something: most clients send an empty object.
fn told(options: &[u8]) -> &[u8] {
    if options == b"{}" {
        &[]
    } else {
        options
    }
}

fn asked<'r>(ruby: &'r Ruby, request: &Request) -> Result<Record<'r>, Error> {
    Record::new(ruby, "request")?
        .with(request.token())?
        .symbol(Some(events::codec_name(request.codec())))?
        .data(request.bytes(), request.codec())?
        .text_or_nil(told(request.options_bytes()))?
        .text_or_nil(request.service_bytes())?
        .with(ruby.str_from_slice(request.client_bytes()))?
        .with(ruby.str_from_slice(request.id()))?
        .with(request.attempt())?
        .with(request.remaining().map(|remaining| remaining.as_secs_f64()))
}
