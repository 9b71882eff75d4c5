//! The client.

use std::time::Duration;

use napi::bindgen_prelude::{Buffer, Either, Function};
use napi_derive::napi;
use pigato::binding::{Client, ClientEvent, Grant};
use pigato::config::{RequestOptions, Timeout};
use pigato::protocol::Frame;
use pigato::{Codec, Error, ErrorCode, PeerEvent, RequestError};

use crate::error::{thrown, Result};
use crate::options;
use crate::pack::{Kind, Packed, Record, FINAL, FROM_BROKER, FROM_WORKER, RAW};
use crate::unpack::{Reader, TOGETHER};
use crate::wake::waker;

/// A client, from `start` on.
#[napi]
pub struct NativeClient {
    client: Client,
}

/// A request's number.
type Requested = std::result::Result<u64, Error>;

/// What the next request has if it says nothing else: what the one before had.
struct Defaults {
    service: Frame,
    options: std::result::Result<RequestOptions, Error>,
}

/// Why a request was not taken.
#[napi(object)]
pub struct Refusal {
    /// The error's code.
    pub code: String,
    /// What happened, for people.
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

    /// The identity of the present connection.
    #[napi(getter, catch_unwind)]
    pub fn identity(&self) -> String {
        String::from_utf8_lossy(&self.client.identity()).into_owned()
    }

    /// Makes all requests of a packed buffer: service, options and data of each. Returns the number of the first one, and
    /// the others have those that follow; or, if one was refused, what became of each. After one that was refused with
    /// `C_BUSY` the others are not looked at: they are to be tried again, that one included.
    #[napi(catch_unwind)]
    pub fn request(&self, packed: &[u8]) -> Result<Either<f64, Vec<Either<f64, Refusal>>>> {
        let results = self.request_all(Reader::new(packed))?;
        let first = results.first().and_then(|result| result.as_ref().ok()).copied();
        let is_plain = |first: u64| {
            results.iter().zip(first..).all(|(result, expected)| result.as_ref().is_ok_and(|token| *token == expected))
        };
        match first.filter(|first| is_plain(*first)) {
            Some(first) => Ok(Either::A(first as f64)),
            None => Ok(Either::B(results.into_iter().map(told).collect())),
        }
    }

    fn request_all(&self, mut reader: Reader<'_>) -> Result<Vec<std::result::Result<u64, Error>>> {
        let mut defaults = Defaults { service: Frame::from(""), options: Ok(RequestOptions::default()) };
        let mut results = Vec::new();
        let is_busy = |error: &Error| error.code() == ErrorCode::Busy;
        while !reader.is_empty() && !results.last().is_some_and(|last: &Requested| last.as_ref().is_err_and(is_busy)) {
            self.client.together(|| {
                for _ in 0..TOGETHER {
                    if reader.is_empty() {
                        break;
                    }
                    let result = self.request_next(&mut reader, &mut defaults)?;
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

    fn request_next(&self, reader: &mut Reader<'_>, defaults: &mut Defaults) -> Result<Requested> {
        if let Some(name) = reader.text_unless_same()? {
            defaults.service = Frame::from(name);
        }
        if let Some(json) = reader.text_unless_same()? {
            defaults.options = options::object(json).and_then(|members| RequestOptions::from_json(&members));
        }
        let data = Frame::from(reader.bytes()?);
        let request = |options| self.client.request(defaults.service.clone(), data, options);
        Ok(defaults.options.clone().and_then(request))
    }

    /// Ends a request with `C_CANCELLED`.
    #[napi(catch_unwind)]
    pub fn cancel(&self, token: f64) -> Result<()> {
        self.client.cancel(token as u64).map_err(thrown)
    }

    /// Tells the worker that the reply is still wanted.
    #[napi(catch_unwind)]
    pub fn heartbeat(&self, token: f64) -> Result<()> {
        self.client.heartbeat(token as u64).map_err(thrown)
    }

    /// Lets the worker send as many more partial replies as were read.
    #[napi(catch_unwind)]
    pub fn consumed(&self, token: f64, partials: u32) -> Result<()> {
        self.client.consumed(token as u64, partials).map_err(thrown)
    }

    /// Up to `most` events; `None` if there are none.
    #[napi(catch_unwind)]
    pub fn drain(&self, most: u32) -> Option<Buffer> {
        let mut events = Vec::new();
        // The only possible error says that nothing can follow.
        let count = self.client.poll(&mut events, most as usize, Duration::ZERO).ok().filter(|count| *count > 0)?;
        let mut packed = Packed::for_events(count);
        events.iter().for_each(|event| pack(&mut packed, event));
        Some(packed.finish().into())
    }

    /// Stops it: what is unanswered ends with `C_CLOSED`, then comes `Stopped`.
    #[napi(catch_unwind)]
    pub fn stop(&self) -> Result<()> {
        self.client.stop().map_err(thrown)
    }
}

/// A time that JavaScript gave in milliseconds; below 0 without end.
pub(crate) fn timeout(millis: f64) -> Duration {
    match Timeout::from_millis(millis) {
        Some(Timeout::After(duration)) => duration,
        Some(Timeout::Never) => Duration::MAX,
        None => Duration::ZERO,
    }
}

fn told(result: std::result::Result<u64, Error>) -> Either<f64, Refusal> {
    match result {
        Ok(token) => Either::A(token as f64),
        Err(error) => Either::B(Refusal { code: error.code().as_str().to_owned(), message: error.to_string() }),
    }
}

fn pack(packed: &mut Packed, event: &ClientEvent) {
    match event {
        ClientEvent::Peer(event) => pack_peer(packed, *event),
        ClientEvent::Reply { token, reply } => {
            let mut record = Record::about(Kind::Reply, *token).part(0, reply.bytes()).part(1, reply.options_bytes());
            record.flags = if reply.is_final() { FINAL } else { 0 } | if reply.codec() == Codec::Raw { RAW } else { 0 };
            packed.add(&record);
        }
        ClientEvent::Failed { token, error } => pack_failure(packed, *token, error),
    }
}

fn pack_failure(packed: &mut Packed, token: u64, error: &RequestError) {
    let message = error.to_string();
    let code = error.code().map_or("", |code| code.as_str());
    let mut record = Record::about(Kind::Failed, token).part(2, code.as_bytes()).part(3, message.as_bytes());
    record.flags = if error.is_final() { FINAL } else { 0 };
    if let RequestError::Remote(error) = error {
        record.flags |= if error.is_from_broker() { FROM_BROKER } else { FROM_WORKER };
        record = record.part(0, error.bytes()).part(1, error.options_bytes());
    }
    packed.add(&record);
}

/// What clients and workers tell about their connections.
pub(crate) fn pack_peer(packed: &mut Packed, event: PeerEvent) {
    let record = match event {
        PeerEvent::Connected => Record::new(Kind::Connected),
        PeerEvent::Disconnected => Record::new(Kind::Disconnected),
        PeerEvent::Stopped => Record::new(Kind::Stopped),
        PeerEvent::ProtocolError(malformed) => {
            Record::new(Kind::ProtocolError).part(2, malformed.published_name().as_bytes())
        }
        _ => return,
    };
    packed.add(&record);
}
