//! The worker.

use std::time::Duration;

use napi::bindgen_prelude::{Buffer, Function};
use napi_derive::napi;
use pigato::binding::{Answer, AnswerOptions, Worker, WorkerEvent};
use pigato::config::WorkerOptions;
use pigato::worker::CancelReason;
use pigato::{Codec, Error, Request};

use crate::error::{misuse, thrown, Result};
use crate::options;
use crate::pack::{Kind, Packed, Record, RAW};
use crate::peer::{drain, identity_text, pack_peer, timeout};
use crate::unpack::{Reader, BATCH};
use crate::wake::waker;

/// A started worker.
#[napi]
pub struct NativeWorker {
    worker: Worker,
}

#[napi]
impl NativeWorker {
    /// Starts a worker for `service` at the broker at `endpoint`; `options` are JSON.
    #[napi(factory, catch_unwind)]
    pub fn start(endpoint: String, service: String, options: String, wake: Function<'_, (), ()>) -> Result<Self> {
        let worker = Worker::start(&endpoint, service.as_str(), options::worker(&options)?).map_err(thrown)?;
        worker.on_ready(waker(&wake)?);
        Ok(Self { worker })
    }

    /// The identity of the current session.
    #[napi(getter, catch_unwind)]
    pub fn identity(&self) -> String {
        identity_text(&self.worker.identity())
    }

    /// Sends all replies of a packed buffer: kind, request number, options and data of each.
    /// Returns `None` if all were accepted; otherwise the error code of each, `""` for an accepted
    /// one.
    #[napi(catch_unwind)]
    pub fn reply(&self, packed: &[u8]) -> Result<Option<Vec<&'static str>>> {
        let mut reader = Reader::new(packed);
        let mut options = Ok(AnswerOptions::default());
        let mut codes = Vec::new();
        while !reader.is_empty() {
            self.worker.together(|| {
                for _ in 0..BATCH {
                    if reader.is_empty() {
                        break;
                    }
                    let sent = self.reply_next(&mut reader, &mut options)?;
                    codes.push(sent.err().map_or("", |error| error.code().as_str()));
                }
                Result::Ok(())
            })?;
        }
        Ok(codes.iter().any(|code| !code.is_empty()).then_some(codes))
    }

    fn reply_next(
        &self,
        reader: &mut Reader<'_>,
        options: &mut std::result::Result<AnswerOptions, Error>,
    ) -> Result<std::result::Result<(), Error>> {
        let (kind, number) = (reader.byte()?, reader.integer()?);
        if let Some(json) = reader.text_unless_same()? {
            *options = answer_options(json);
        }
        Ok(match kind {
            PARTIAL => self.worker.write(number, answer(options, reader)?),
            FINAL => self.worker.end(number, answer(options, reader)?),
            ERROR => self.worker.error(number, answer(options, reader)?),
            REJECT => self.worker.reject(number, reader.text()?),
            FAIL => self.worker.fail(number, reader.text()?),
            _ => return Err(misuse("unknown kind of reply")),
        })
    }

    /// Throws `E_OPTION` if these options of a reply are invalid.
    #[napi(catch_unwind)]
    pub fn check_reply_options(&self, json: String) -> Result<()> {
        answer_options(&json).map(drop).map_err(thrown)
    }

    /// Whether the client still waits for a reply.
    #[napi(catch_unwind)]
    pub fn is_wanted(&self, number: f64) -> bool {
        self.worker.is_wanted(number as u64)
    }

    /// Sets the number of concurrent requests; `options` are JSON.
    #[napi(catch_unwind)]
    pub fn set_concurrency(&self, options: String) -> Result<()> {
        let options: WorkerOptions = options::worker(&options)?;
        self.worker.set_concurrency(options.concurrency).map_err(thrown)
    }

    /// Sends a heartbeat to the broker now.
    #[napi(catch_unwind)]
    pub fn heartbeat(&self) -> Result<()> {
        self.worker.heartbeat().map_err(thrown)
    }

    /// Up to `most` events; `None` if there are none.
    #[napi(catch_unwind)]
    pub fn drain(&self, most: u32) -> Option<Buffer> {
        drain(|events| self.worker.poll(events, most as usize, Duration::ZERO), pack)
    }

    /// Stops when all jobs are finished, after this many milliseconds at the latest (below 0: no
    /// limit).
    #[napi(catch_unwind)]
    pub fn stop(&self, timeout_ms: f64) -> Result<()> {
        self.worker.stop(timeout(timeout_ms)).map_err(thrown)
    }
}

/// Kinds of replies; `lib/packer.js` has the same numbers.
const PARTIAL: u8 = 0;
const FINAL: u8 = 1;
const ERROR: u8 = 2;
const REJECT: u8 = 3;
const FAIL: u8 = 4;

fn answer_options(json: &str) -> std::result::Result<AnswerOptions, Error> {
    let mut options = AnswerOptions::default();
    options::object(json)?.iter().try_for_each(|(name, value)| options.set(name, value))?;
    Ok(options)
}

fn answer(options: &std::result::Result<AnswerOptions, Error>, reader: &mut Reader<'_>) -> Result<Answer> {
    let options = options.as_ref().map_err(|error| thrown(error.clone()))?;
    Ok(Answer::new(reader.bytes()?, options))
}

fn pack(packed: &mut Packed, event: &WorkerEvent) {
    match event {
        WorkerEvent::Peer(event) => pack_peer(packed, *event),
        WorkerEvent::Request(request) => pack_request(packed, request),
        WorkerEvent::Cancelled { number, reason } => {
            let reason = match reason {
                CancelReason::Disconnected => "C_DISCONNECTED",
                CancelReason::Stopped => "C_CLOSED",
                _ => "C_CANCELLED",
            };
            packed.add(&Record::about(Kind::Cancelled, *number).part(2, reason.as_bytes()));
        }
        WorkerEvent::Heartbeat { number } => packed.add(&Record::about(Kind::Heartbeat, *number)),
        WorkerEvent::Writable { number } => packed.add(&Record::about(Kind::Writable, *number)),
    }
}

fn pack_request(packed: &mut Packed, request: &Request) {
    let mut record = Record::about(Kind::Request, request.number())
        .part(0, request.bytes())
        .part(1, request.options_bytes())
        .part(2, request.service_bytes())
        .part(3, request.client_bytes())
        .part(4, request.id());
    record.flags = if request.codec() == Codec::Raw { RAW } else { 0 };
    record.values = [request.attempt(), 0];
    packed.add(&record);
}
