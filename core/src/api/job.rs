//! What a handler works with: a request and the means to answer it.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::{Map, Value};

use super::response::{decode, options_value};
use super::wait::{remember, wait_for};
use super::worker::WorkerShared;
use crate::config::{Codec, Timeout};
use crate::driver::WorkerCommand;
use crate::error::{Error, ErrorCode};
use crate::protocol::{codec_of, Frame, Payload, ReplyKind, Status, RAW_OPTIONS};
use crate::worker::{CancelReason, Token};

/// A request as its handler sees it.
#[derive(Debug)]
pub struct Request {
    inner: crate::worker::Request,
}

impl Request {
    pub(super) fn new(inner: crate::worker::Request) -> Self {
        Self { inner }
    }

    /// The name that was asked for: with a wildcard's worker, not the name that it offers.
    #[must_use]
    pub fn service(&self) -> String {
        self.inner.service.to_text()
    }

    /// The client's identity, as text.
    #[must_use]
    pub fn client(&self) -> String {
        self.inner.client.to_text()
    }

    /// What the client calls the request.
    #[must_use]
    pub fn id(&self) -> &[u8] {
        self.inner.id.as_bytes()
    }

    /// The data as it came: JSON, or any bytes with codec `raw`.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.inner.data
    }

    /// How the client says the data is to be read.
    #[must_use]
    pub fn codec(&self) -> Codec {
        codec_of(&self.inner.options)
    }

    /// The data as a value; what the published peers send for "nothing" is `null`. `E_DATA` if it does not fit.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        decode(&self.inner.data)
    }

    /// The data as any JSON.
    pub fn json(&self) -> Result<Value, Error> {
        self.decode()
    }

    /// The client's options, its own keys among them; an empty object if it sent none.
    #[must_use]
    pub fn options(&self) -> Value {
        options_value(&self.inner.options)
    }

    /// What was left of the request's timeout when it was handed over; `None` if there is none or it is not known.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.inner.remaining.and_then(Timeout::duration)
    }

    /// 1 the first time the request is handed to a worker, more after workers were lost with it.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.inner.attempt
    }
}

/// A request together with the means to answer it.
#[derive(Debug)]
pub struct Job {
    /// What is asked.
    pub request: Request,
    /// How to answer.
    pub reply: ReplyWriter,
}

/// Why a handler gives up: any error or message. Becomes a reply `{"code":"W_HANDLER","message":…}`.
#[derive(Debug)]
pub struct HandlerError(String);

impl<E: fmt::Display> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl HandlerError {
    pub(super) fn message(&self) -> &str {
        &self.0
    }
}

/// What the I/O thread and a [`ReplyWriter`] share.
#[derive(Debug)]
pub(super) struct JobState {
    token: Token,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    is_ended: bool,
    cancelled: Option<CancelReason>,
    /// Partial replies that may be sent; `None`: any number.
    credit: Option<u64>,
    last_heartbeat: Instant,
    waiting: Vec<Waker>,
}

impl JobState {
    pub(super) fn new(token: Token, credit: Option<u32>) -> Self {
        let inner = Inner {
            is_ended: false,
            cancelled: None,
            credit: credit.map(u64::from),
            last_heartbeat: Instant::now(),
            waiting: Vec::new(),
        };
        Self { token, inner: Mutex::new(inner) }
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        let mut inner = self.inner.lock();
        change(&mut inner);
        let waiting = std::mem::take(&mut inner.waiting);
        drop(inner);
        waiting.into_iter().for_each(Waker::wake);
    }

    pub(super) fn cancel(&self, reason: CancelReason) {
        self.change(|inner| inner.cancelled = Some(reason));
    }

    pub(super) fn add_credit(&self, partials: u32) {
        self.change(|inner| inner.credit = Some(inner.credit.unwrap_or(0) + u64::from(partials)));
    }

    pub(super) fn heartbeat(&self) {
        self.inner.lock().last_heartbeat = Instant::now();
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.inner.lock().cancelled.is_some()
    }
}

impl Inner {
    /// Why nothing can be sent any more.
    fn objection(&self) -> Option<Error> {
        if self.is_ended {
            return Some(Error::new(ErrorCode::Closed, "the final reply was sent already"));
        }
        let code = match self.cancelled? {
            CancelReason::Client => ErrorCode::Cancelled,
            CancelReason::Disconnected => ErrorCode::Disconnected,
            CancelReason::Stopped => ErrorCode::Closed,
        };
        Some(code.into())
    }
}

/// Answers one request: any number of partial replies, then exactly one final reply, error or rejection.
///
/// Dropping it without one sends an error, so that the client is not left waiting. Methods may be called on any thread.
/// Once the request has ended or was cancelled they return an error: `C_CLOSED` after a final reply or when the worker
/// stopped, `C_CANCELLED` when nobody wants the reply any more, `C_DISCONNECTED` when the broker is gone.
#[derive(Debug)]
pub struct ReplyWriter {
    worker: Weak<WorkerShared>,
    state: Arc<JobState>,
    options: Mutex<Map<String, Value>>,
    /// How long the client may be silent about the request before it counts as uninterested.
    patience: Duration,
}

impl ReplyWriter {
    pub(super) fn new(worker: Weak<WorkerShared>, state: Arc<JobState>, patience: Duration) -> Self {
        Self { worker, state, options: Mutex::default(), patience }
    }

    /// Puts a key into the options of all replies from now on: one of the user's own, or `cache` (milliseconds that the
    /// broker may give this reply to the same request).
    pub fn set_option(&self, name: impl Into<String>, value: impl Into<Value>) {
        self.options.lock().insert(name.into(), value.into());
    }

    /// Sends a partial reply. Waits while the client has not taken enough of the earlier ones.
    pub async fn write<T: Serialize + ?Sized>(&self, data: &T) -> Result<(), Error> {
        let payload = self.payload(Status::Ok, json(data)?, Codec::Json);
        self.send_partial(payload).await
    }

    /// As [`ReplyWriter::write`], on the present thread.
    pub fn write_blocking<T: Serialize + ?Sized>(&self, data: &T) -> Result<(), Error> {
        wait_for(self.write(data))
    }

    /// Sends bytes as a partial reply (`{"codec":"raw"}`). Waits like [`ReplyWriter::write`].
    pub async fn write_raw(&self, data: impl Into<Frame>) -> Result<(), Error> {
        let payload = self.payload(Status::Ok, data.into(), Codec::Raw);
        self.send_partial(payload).await
    }

    /// As [`ReplyWriter::write_raw`], on the present thread.
    pub fn write_raw_blocking(&self, data: impl Into<Frame>) -> Result<(), Error> {
        wait_for(self.write_raw(data))
    }

    /// Sends the final reply.
    pub fn end<T: Serialize + ?Sized>(&self, data: &T) -> Result<(), Error> {
        let payload = self.payload(Status::Ok, json(data)?, Codec::Json);
        self.send_final(payload)
    }

    /// Sends bytes as the final reply (`{"codec":"raw"}`).
    pub fn end_raw(&self, data: impl Into<Frame>) -> Result<(), Error> {
        let payload = self.payload(Status::Ok, data.into(), Codec::Raw);
        self.send_final(payload)
    }

    /// Sends an error value as the final reply.
    pub fn error<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Error> {
        let payload = self.payload(Status::Error, json(value)?, Codec::Json);
        self.send_final(payload)
    }

    /// Has another worker answer.
    pub fn reject<T: Serialize + ?Sized>(&self, reason: &T) -> Result<(), Error> {
        let reason = json(reason)?;
        let token = self.state.token;
        self.finish_with(WorkerCommand::Reject { token, reason })
    }

    /// Sends the broker a sign of life now. Happens by itself once a heartbeat interval, even while a handler blocks.
    pub fn heartbeat(&self) {
        if let Some(worker) = self.worker.upgrade() {
            worker.send(WorkerCommand::Heartbeat { update: false });
        }
    }

    /// Whether a reply is still wanted, as far as is known: not ended, not cancelled, and the client has said so within
    /// the last heartbeats.
    #[must_use]
    pub fn active(&self) -> bool {
        let inner = self.state.inner.lock();
        inner.objection().is_none() && inner.last_heartbeat.elapsed() < self.patience
    }

    /// Whether the final reply, error or rejection was sent.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.state.inner.lock().is_ended
    }

    /// Whether nobody waits for the reply any more: the client gave up or vanished, the request's timeout passed, the
    /// connection was lost, or the worker was stopped.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.state.is_cancelled()
    }

    /// Resolves when [`ReplyWriter::is_cancelled`] becomes true.
    pub async fn cancelled(&self) {
        poll_fn(|context| {
            let mut inner = self.state.inner.lock();
            if inner.cancelled.is_some() {
                return Poll::Ready(());
            }
            remember(&mut inner.waiting, context.waker());
            Poll::Pending
        })
        .await;
    }

    /// Ends the request as a failed handler does, if it has not ended.
    pub(super) fn fail(&self, message: &str) {
        let code = ErrorCode::Handler;
        // Fails if the request has ended or was cancelled: nobody waits for this error then.
        let _ = self.error(&serde_json::json!({ "code": code.as_str(), "message": message }));
    }

    fn payload(&self, status: Status, data: Frame, codec: Codec) -> Payload {
        let options = self.options.lock();
        if options.is_empty() {
            let options = match codec {
                Codec::Json => Frame::from("{}"),
                Codec::Raw => Frame::from(RAW_OPTIONS),
            };
            return Payload::new(status, data, options);
        }
        let mut options = options.clone();
        if codec == Codec::Raw {
            options.insert("codec".to_owned(), Value::from("raw"));
        }
        Payload::new(status, data, Frame::from(Value::Object(options).to_string()))
    }

    async fn send_partial(&self, payload: Payload) -> Result<(), Error> {
        let mut command = Some(WorkerCommand::Reply { token: self.state.token, kind: ReplyKind::Partial, payload });
        poll_fn(|context| self.poll_send_partial(context, &mut command)).await
    }

    fn poll_send_partial(&self, context: &Context<'_>, command: &mut Option<WorkerCommand>) -> Poll<Result<(), Error>> {
        let mut inner = self.state.inner.lock();
        if let Some(error) = inner.objection() {
            return Poll::Ready(Err(error));
        }
        if inner.credit == Some(0) {
            remember(&mut inner.waiting, context.waker());
            return Poll::Pending;
        }
        let Some(worker) = self.worker.upgrade() else { return Poll::Ready(Err(ErrorCode::Closed.into())) };
        while let Some(next) = command.take() {
            match worker.handle.try_submit(next) {
                Ok(()) => {
                    if let Some(credit) = &mut inner.credit {
                        *credit -= 1;
                    }
                }
                Err((_, Some(refused))) => {
                    *command = Some(refused);
                    if !worker.handle.wait_for_room(context.waker()) {
                        return Poll::Pending;
                    }
                }
                Err((error, None)) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn send_final(&self, payload: Payload) -> Result<(), Error> {
        let token = self.state.token;
        self.finish_with(WorkerCommand::Reply { token, kind: ReplyKind::Final, payload })
    }

    fn finish_with(&self, command: WorkerCommand) -> Result<(), Error> {
        let mut inner = self.state.inner.lock();
        if let Some(error) = inner.objection() {
            return Err(error);
        }
        inner.is_ended = true;
        drop(inner);
        let worker = self.worker.upgrade().ok_or(ErrorCode::Closed)?;
        worker.forget(self.state.token);
        worker.handle.submit_urgent(command)
    }
}

impl Drop for ReplyWriter {
    fn drop(&mut self) {
        if self.ended() {
            return;
        }
        self.fail("the handler ended without a final reply");
        // It was cancelled, then, and is still known.
        if let Some(worker) = self.worker.upgrade() {
            worker.forget(self.state.token);
        }
    }
}

fn json<T: Serialize + ?Sized>(data: &T) -> Result<Frame, Error> {
    serde_json::to_vec(data).map(Frame::from).map_err(|error| Error::new(ErrorCode::Data, error.to_string()))
}
