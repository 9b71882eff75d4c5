//! The client.

use std::time::Duration;

use napi::bindgen_prelude::{Buffer, Either, Function};
use napi_derive::napi;
use pigato::binding::{Client, ClientEvent, Grant};
use pigato::config::RequestOptions;
use pigato::protocol::Frame;
use pigato::{Codec, Error, ErrorCode, RequestError};

use crate::error::{thrown, Result};
use crate::options;
use crate::pack::{Kind, Packed, Record, FINAL, FROM_BROKER, FROM_WORKER, RAW};
use crate::peer::{drain, identity_text, pack_peer};
use crate::unpack::{Reader, BATCH};
use crate::wake::waker;

/// A started client.
#[napi]
pub struct NativeClient {
    client: Client,
}

/// A request number, or why the request was refused.
type Requested = std::result::Result<u64, Error>;

/// Service and options of the previous request in a packed buffer.
struct Previous {
    service: Frame,
    options: std::result::Result<RequestOptions, Error>,
}

/// Why a request was refused.
#[napi(object)]
pub struct Refusal {
    /// The error's code.
    pub code: String,
    /// The error's message.
    pub message: String,
}

#[napi]
impl NativeClient {
    /// Starts a client for the broker at `endpoint`; `options` are JSON.
    #[napi(factory, catch_unwind)]
    pub fn start(endpoint: String, options: String, wake: Function<'_, (), ()>) -> Result<Self> {
        let client = Client::start(&endpoint, options::client(&options)?, Grant::AsConsumed).map_err(thrown)?;
        client.on_ready(waker(&wake)?);
        Ok(Self { client })
    }

    /// The identity of the current session.
    #[napi(getter, catch_unwind)]
    pub fn identity(&self) -> String {
        identity_text(&self.client.identity())
    }

    /// Makes all requests of a packed buffer: service, options and data of each. If all were
    /// accepted under consecutive numbers, returns the first number; otherwise the number or the
    /// refusal of each. It stops at the first one that is refused with `C_BUSY`; JavaScript tries
    /// that one and the following ones again later.
    #[napi(catch_unwind)]
    pub fn request(&self, packed: &[u8]) -> Result<Either<f64, Vec<Either<f64, Refusal>>>> {
        let results = self.request_all(Reader::new(packed))?;
        let first = results.first().and_then(|result| result.as_ref().ok()).copied();
        let is_consecutive = |first: u64| {
            results
                .iter()
                .zip(first..)
                .all(|(result, expected)| result.as_ref().is_ok_and(|number| *number == expected))
        };
        match first.filter(|first| is_consecutive(*first)) {
            Some(first) => Ok(Either::A(first as f64)),
            None => Ok(Either::B(results.into_iter().map(outcome).collect())),
        }
    }

    fn request_all(&self, mut reader: Reader<'_>) -> Result<Vec<Requested>> {
        let mut previous = Previous { service: Frame::from(""), options: Ok(RequestOptions::default()) };
        let mut results = Vec::new();
        let is_busy = |error: &Error| error.code() == ErrorCode::Busy;
        while !reader.is_empty() && !results.last().is_some_and(|last: &Requested| last.as_ref().is_err_and(is_busy)) {
            self.client.together(|| {
                for _ in 0..BATCH {
                    if reader.is_empty() {
                        break;
                    }
                    let result = self.request_next(&mut reader, &mut previous)?;
                    let is_refused = result.as_ref().is_err_and(is_busy);
                    results.push(result);
                    if is_refused {
                        break;
                    }
                }
                Result::Ok(())
            })?;
        }
        Ok(results)
    }

    fn request_next(&self, reader: &mut Reader<'_>, previous: &mut Previous) -> Result<Requested> {
        if let Some(name) = reader.text_unless_same()? {
            previous.service = Frame::from(name);
        }
        if let Some(json) = reader.text_unless_same()? {
            previous.options = options::object(json).and_then(|members| RequestOptions::from_json(&members));
        }
        let data = Frame::from(reader.bytes()?);
        let request = |options| self.client.request(previous.service.clone(), data, options);
        Ok(previous.options.clone().and_then(request))
    }

    /// Ends a request with `C_CANCELLED`.
    #[napi(catch_unwind)]
    pub fn cancel(&self, number: f64) -> Result<()> {
        self.client.cancel(number as u64).map_err(thrown)
    }

    /// Tells the worker that the client still wants the reply.
    #[napi(catch_unwind)]
    pub fn heartbeat(&self, number: f64) -> Result<()> {
        self.client.heartbeat(number as u64).map_err(thrown)
    }

    /// Lets the worker send this many more partial replies, because as many were read.
    #[napi(catch_unwind)]
    pub fn consumed(&self, number: f64, partials: u32) -> Result<()> {
        self.client.consumed(number as u64, partials).map_err(thrown)
    }

    /// Up to `most` events; `None` if there are none.
    #[napi(catch_unwind)]
    pub fn drain(&self, most: u32) -> Option<Buffer> {
        drain(|events| self.client.poll(events, most as usize, Duration::ZERO), pack)
    }

    /// Stops it: pending requests end with `C_CLOSED`, then the event `Stopped` follows.
    #[napi(catch_unwind)]
    pub fn stop(&self) -> Result<()> {
        self.client.stop().map_err(thrown)
    }
}

fn outcome(result: Requested) -> Either<f64, Refusal> {
    match result {
        Ok(number) => Either::A(number as f64),
        Err(error) => Either::B(Refusal { code: error.code().as_str().to_owned(), message: error.to_string() }),
    }
}

fn pack(packed: &mut Packed, event: &ClientEvent) {
    match event {
        ClientEvent::Peer(event) => pack_peer(packed, *event),
        ClientEvent::Reply { number, reply } => {
            let mut record = Record::about(Kind::Reply, *number).part(0, reply.bytes()).part(1, reply.options_bytes());
            record.flags = if reply.is_final() { FINAL } else { 0 } | if reply.codec() == Codec::Raw { RAW } else { 0 };
            packed.add(&record);
        }
        ClientEvent::Failed { number, error } => pack_failure(packed, *number, error),
    }
}

fn pack_failure(packed: &mut Packed, number: u64, error: &RequestError) {
    let message = error.to_string();
    let code = error.code().map_or("", |code| code.as_str());
    let mut record = Record::about(Kind::Failed, number).part(2, code.as_bytes()).part(3, message.as_bytes());
    record.flags = if error.is_final() { FINAL } else { 0 };
    if let RequestError::Remote(error) = error {
        record.flags |= if error.is_from_broker() { FROM_BROKER } else { FROM_WORKER };
        record = record.part(0, error.bytes()).part(1, error.options_bytes());
    }
    packed.add(&record);
}
