//! The client.

use magnus::{function, method, prelude::*, Error, RArray, RModule, RString, Ruby};
use pigato::binding::{Client, ClientEvent, Grant};
use pigato::config::{ClientOptions, RequestOptions};
use pigato::protocol::Frame;
use pigato::RequestError;

use crate::error::exception;
use crate::events::{self, Record};
use crate::handle::{define_class, define_source, source, Slot};
use crate::options::{bytes, object};

/// A client, from `start` on.
#[magnus::wrap(class = "Pigato::Native::Client", free_immediately)]
struct NativeClient(Slot<Client>);

source!(NativeClient, Client, ClientEvent, Client::begin_wait, Client::end_wait, record);

pub(crate) fn define(ruby: &Ruby, native: RModule) -> Result<(), Error> {
    let class = define_class::<NativeClient>(ruby, native, "Client")?;
    define_source!(class, NativeClient);
    class.define_singleton_method("start", function!(NativeClient::start, 2))?;
    class.define_method("identity", method!(NativeClient::identity, 0))?;
    class.define_method("request", method!(NativeClient::request, 3))?;
    class.define_method("cancel", method!(NativeClient::cancel, 1))?;
    class.define_method("consumed", method!(NativeClient::consumed, 2))?;
    class.define_method("heartbeat", method!(NativeClient::heartbeat, 1))?;
    class.define_method("stop", method!(NativeClient::stop, 0))?;
    Ok(())
}

impl NativeClient {
    /// Starts a client for the broker at `endpoint`; `options` are JSON.
    fn start(ruby: &Ruby, endpoint: String, options: RString) -> Result<Self, Error> {
        object(&bytes(options))
            .and_then(|options| ClientOptions::from_json(&options))
            .and_then(|options| Client::start(&endpoint, options, Grant::AsConsumed))
            .map(|client| Self(Slot::new(client)))
            .map_err(|error| exception(ruby, error))
    }

    fn identity(ruby: &Ruby, this: &Self) -> Result<RString, Error> {
        Ok(ruby.str_from_slice(&this.0.get(ruby)?.identity()))
    }

    /// Makes a request; `options` are JSON. Returns its number.
    fn request(ruby: &Ruby, this: &Self, service: RString, data: RString, options: RString) -> Result<u64, Error> {
        let client = this.0.get(ruby)?;
        object(&bytes(options))
            .and_then(|options| RequestOptions::from_json(&options))
            .and_then(|options| client.request(Frame::from(bytes(service)), Frame::from(bytes(data)), options))
            .map_err(|error| exception(ruby, error))
    }

    fn cancel(ruby: &Ruby, this: &Self, number: u64) -> Result<(), Error> {
        this.0.get(ruby)?.cancel(number).map_err(|error| exception(ruby, error))
    }

    fn consumed(ruby: &Ruby, this: &Self, number: u64, partials: u32) -> Result<(), Error> {
        this.0.get(ruby)?.consumed(number, partials).map_err(|error| exception(ruby, error))
    }

    fn heartbeat(ruby: &Ruby, this: &Self, number: u64) -> Result<(), Error> {
        this.0.get(ruby)?.heartbeat(number).map_err(|error| exception(ruby, error))
    }

    fn stop(ruby: &Ruby, this: &Self) -> Result<(), Error> {
        this.0.get(ruby)?.stop().map_err(|error| exception(ruby, error))
    }
}

fn record(ruby: &Ruby, event: &ClientEvent) -> Result<Option<RArray>, Error> {
    let record = match event {
        ClientEvent::Peer(event) => return events::peer(ruby, *event),
        ClientEvent::Reply { number, reply } => Record::new(ruby, "reply")?
            .with(*number)?
            .with(reply.is_final())?
            .symbol(Some(events::codec_name(reply.codec())))?
            .data(reply.bytes(), reply.codec())?,
        ClientEvent::Failed { number, error } => failed(ruby, *number, error)?,
    };
    Ok(Some(record.finish()))
}

fn failed<'r>(ruby: &'r Ruby, number: u64, error: &RequestError) -> Result<Record<'r>, Error> {
    let (origin, data, options) = match error {
        RequestError::Remote(remote) if remote.is_from_broker() => ("broker", remote.bytes(), remote.options_bytes()),
        RequestError::Remote(remote) => ("worker", remote.bytes(), remote.options_bytes()),
        _ => ("local", &[][..], &[][..]),
    };
    Record::new(ruby, "failed")?
        .with(number)?
        .with(error.is_final())?
        .symbol(Some(origin))?
        .with(error.code().map(|code| code.as_str()))?
        .with(error.to_string())?
        .text_or_nil(data)?
        .text_or_nil(options)
}
