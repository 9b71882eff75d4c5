//! What a handler works with: a request and the means to answer it.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::{Map, Value};

use super::job_state::{JobState, WorkerCore};
use super::reply::{decode, options_value};
use super::wait::wait_for;
use crate::config::{Codec, Timeout};
use crate::endpoint::WorkerCommand;
use crate::error::{Error, ErrorCode};
use crate::protocol::{codec_of, encode_reply_options, Frame, Payload, ReplyKind, Status};
use crate::worker::Token;

/// A request as its handler sees it.
#[derive(Debug)]
pub struct Request {
    inner: Box<crate::worker::IncomingRequest>,
}

impl Request {
    pub(crate) fn new(inner: Box<crate::worker::IncomingRequest>) -> Self {
        Self { inner }
    }

    /// The name that was asked for: with a wildcard's worker, not the name that it offers.
    #[must_use]
    pub fn service(&self) -> String {
        self.inner.service.to_text()
    }

    /// What events and replies of a [`pull::Worker`](crate::binding::Worker) call it.
    #[must_use]
    pub fn token(&self) -> Token {
        self.inner.token
    }

    /// The name that was asked for, byte for byte: names need not be UTF-8.
    #[must_use]
    pub fn service_bytes(&self) -> &[u8] {
        self.inner.service.as_bytes()
    }

    /// The client's identity, byte for byte.
    #[must_use]
    pub fn client_bytes(&self) -> &[u8] {
        self.inner.client.as_bytes()
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

    /// The data, to be passed on: shared with the request and not copied.
    #[must_use]
    pub fn data(&self) -> Frame {
        self.inner.data.clone()
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

    /// The client's options as they came; [`Request::options`] reads them.
    #[must_use]
    pub fn options_bytes(&self) -> &[u8] {
        &self.inner.options
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

/// Answers one request: any number of partial replies, then exactly one final reply, error or rejection.
///
/// Dropping it without one sends an error, so that the client is not left waiting. Methods may be called on any thread.
/// Once the request has ended or was cancelled they return an error: `C_CLOSED` after a final reply or when the worker
/// stopped, `C_CANCELLED` when nobody wants the reply any more, `C_DISCONNECTED` when the broker is gone.
#[derive(Debug)]
pub struct ReplyWriter {
    worker: Weak<WorkerCore>,
    state: Arc<JobState>,
    options: Mutex<Map<String, Value>>,
    /// How long the client may be silent about the request before it counts as uninterested.
    liveness_timeout: Duration,
}

impl ReplyWriter {
    pub(super) fn new(worker: Weak<WorkerCore>, state: Arc<JobState>, liveness_timeout: Duration) -> Self {
        Self { worker, state, options: Mutex::default(), liveness_timeout }
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
        self.state.is_wanted(self.liveness_timeout)
    }

    /// Whether the final reply, error or rejection was sent.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.state.is_ended()
    }

    /// Whether nobody waits for the reply any more: the client gave up or vanished, the request's timeout passed, the
    /// connection was lost, or the worker was stopped.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.state.is_cancelled()
    }

    /// Resolves when [`ReplyWriter::is_cancelled`] becomes true.
    pub async fn cancelled(&self) {
        poll_fn(|context| self.state.poll_cancelled(context)).await;
    }

    /// Ends the request as a failed handler does, if it has not ended.
    pub(super) fn fail(&self, message: &str) {
        // Fails if the request has ended or was cancelled: nobody waits for this error then.
        let _ = self.error(&handler_failure(message));
    }

    fn payload(&self, status: Status, data: Frame, codec: Codec) -> Payload {
        Payload::new(status, data, encode_reply_options(codec, &self.options.lock()))
    }

    async fn send_partial(&self, payload: Payload) -> Result<(), Error> {
        let mut command = Some(WorkerCommand::Reply { token: self.state.token, kind: ReplyKind::Partial, payload });
        poll_fn(|context| self.poll_send_partial(context, &mut command)).await
    }

    fn poll_send_partial(&self, context: &Context<'_>, command: &mut Option<WorkerCommand>) -> Poll<Result<(), Error>> {
        self.state.poll_partial(context, || {
            let Some(worker) = self.worker.upgrade() else { return Poll::Ready(Err(ErrorCode::Closed.into())) };
            while let Some(next) = command.take() {
                match worker.handle.try_submit(next) {
                    Ok(()) => {}
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
        })
    }

    fn send_final(&self, payload: Payload) -> Result<(), Error> {
        let token = self.state.token;
        self.finish_with(WorkerCommand::Reply { token, kind: ReplyKind::Final, payload })
    }

    fn finish_with(&self, command: WorkerCommand) -> Result<(), Error> {
        self.state.end()?;
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

/// What a failed handler's request ends with.
pub(crate) fn handler_failure(message: &str) -> Value {
    serde_json::json!({ "code": ErrorCode::Handler.as_str(), "message": message })
}

fn json<T: Serialize + ?Sized>(data: &T) -> Result<Frame, Error> {
    serde_json::to_vec(data).map(Frame::from).map_err(|error| Error::new(ErrorCode::Data, error.to_string()))
}
