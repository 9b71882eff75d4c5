//! The client.

use std::time::Duration;

use magnus::{function, method, prelude::*, Error, RArray, RModule, RString, Ruby};
use pigato::binding::{Client, ClientEvent, Grant};
use pigato::config::{ClientOptions, RequestOptions};
use pigato::protocol::Frame;
use pigato::{ErrorCode, RequestError};

use crate::error::thrown;
use crate::events::{self, Record};
use crate::handle::{define_class, Slot};
use crate::options::{bytes, object};

/// A client, from `start` on.
#[magnus::wrap(class = "Pigato::Native::Client", free_immediately)]
struct NativeClient(Slot<Client>);

pub(crate) fn define(ruby: &Ruby, native: RModule) -> Result<(), Error> {
    let class = define_class::<NativeClient>(ruby, native, "Client")?;
    class.undef_default_alloc_func();
    class.define_singleton_method("start", function!(NativeClient::start, 2))?;
    class.define_method("identity", method!(NativeClient::identity, 0))?;
    class.define_method("refuse_fork", method!(NativeClient::refuse_fork, 0))?;
    class.define_method("begin_wait", method!(NativeClient::begin_wait, 0))?;
    class.define_method("end_wait", method!(NativeClient::end_wait, 0))?;
    class.define_method("cork", method!(NativeClient::cork, 1))?;
    class.define_method("uncork", method!(NativeClient::uncork, 0))?;
    class.define_method("request", method!(NativeClient::request, 3))?;
    class.define_method("cancel", method!(NativeClient::cancel, 1))?;
    class.define_method("consumed", method!(NativeClient::consumed, 2))?;
    class.define_method("heartbeat", method!(NativeClient::heartbeat, 1))?;
    class.define_method("drain", method!(NativeClient::drain, 1))?;
    class.define_method("stop", method!(NativeClient::stop, 0))?;
    class.define_method("release", method!(NativeClient::release, 0))?;
    Ok(())
}

impl NativeClient {
    /// Starts a client for the broker at `endpoint`; `options` are JSON.
    fn start(ruby: &Ruby, endpoint: String, options: RString) -> Result<Self, Error> {
        object(&bytes(options))
            .and_then(|options| ClientOptions::from_json(&options))
            .and_then(|options| Client::start(&endpoint, options, Grant::AsConsumed))
            .map(|client| Self(Slot::new(client)))
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
        if let Some(client) = self.0.peek() {
            client.end_wait();
        }
    }

    /// Sends what is given from now on whenever there are so many, until `uncork`. Does nothing once the handle was released.
    fn cork(&self, most: usize) {
        if let Some(client) = self.0.peek() {
            client.cork_up_to(most);
        }
    }

    fn uncork(&self) {
        if let Some(client) = self.0.peek() {
            client.uncork();
        }
    }

    /// Makes a request; `options` are JSON. Returns its number.
    fn request(ruby: &Ruby, this: &Self, service: RString, data: RString, options: RString) -> Result<u64, Error> {
        let client = this.0.get(ruby)?;
        object(&bytes(options))
            .and_then(|options| RequestOptions::from_json(&options))
            .and_then(|options| client.request(Frame::from(bytes(service)), Frame::from(bytes(data)), options))
            .map_err(|error| thrown(ruby, error))
    }

    fn cancel(ruby: &Ruby, this: &Self, token: u64) -> Result<(), Error> {
        this.0.get(ruby)?.cancel(token).map_err(|error| thrown(ruby, error))
    }

    fn consumed(ruby: &Ruby, this: &Self, token: u64, partials: u32) -> Result<(), Error> {
        this.0.get(ruby)?.consumed(token, partials).map_err(|error| thrown(ruby, error))
    }

    fn heartbeat(ruby: &Ruby, this: &Self, token: u64) -> Result<(), Error> {
        this.0.get(ruby)?.heartbeat(token).map_err(|error| thrown(ruby, error))
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

    fn stop(ruby: &Ruby, this: &Self) -> Result<(), Error> {
        this.0.get(ruby)?.stop().map_err(|error| thrown(ruby, error))
    }

    fn release(&self) {
        self.0.release();
    }
}

fn record(ruby: &Ruby, event: &ClientEvent) -> Result<Option<RArray>, Error> {
    let record = match event {
        ClientEvent::Peer(event) => return events::peer(ruby, *event),
        ClientEvent::Reply { token, reply } => Record::new(ruby, "reply")?
            .with(*token)?
            .with(reply.is_final())?
            .symbol(Some(events::codec_name(reply.codec())))?
            .data(reply.bytes(), reply.codec())?,
        ClientEvent::Failed { token, error } => failed(ruby, *token, error)?,
    };
    Ok(Some(record.finish()))
}

fn failed<'r>(ruby: &'r Ruby, token: u64, error: &RequestError) -> Result<Record<'r>, Error> {
    let (origin, data, options) = match error {
        RequestError::Remote(remote) if remote.is_from_broker() => ("broker", remote.bytes(), remote.options_bytes()),
        RequestError::Remote(remote) => ("worker", remote.bytes(), remote.options_bytes()),
        _ => ("local", &[][..], &[][..]),
    };
    Record::new(ruby, "failed")?
        .with(token)?
        .with(error.is_final())?
        .symbol(Some(origin))?
        .with(error.code().map(|code| code.as_str()))?
        .with(error.to_string())?
        .text_or_nil(data)?
        .text_or_nil(options)
}
