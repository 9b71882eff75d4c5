//! A job as its handler sees it: the request, and the writer of its replies.

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
use crate::worker::RequestNumber;

/// A request, as its handler sees it.
#[derive(Debug)]
pub struct Request {
    inner: Box<crate::worker::IncomingRequest>,
}

impl Request {
    pub(crate) fn new(inner: Box<crate::worker::IncomingRequest>) -> Self {
        Self { inner }
    }

    /// The name that the client asked for. For a worker that offers a wildcard, it differs from the offered name.
    #[must_use]
    pub fn service(&self) -> String {
        self.inner.service.to_text()
    }

    /// The number by which events and replies of a [`binding::Worker`](crate::binding::Worker) name the job.
    #[must_use]
    pub fn number(&self) -> RequestNumber {
        self.inner.number
    }

    /// The name that the client asked for, as bytes: names need not be UTF-8.
    #[must_use]
    pub fn service_bytes(&self) -> &[u8] {
        self.inner.service.as_bytes()
    }

    /// The client's identity, as bytes.
    #[must_use]
    pub fn client_bytes(&self) -> &[u8] {
        self.inner.client.as_bytes()
    }

    /// The client's identity, as text.
    #[must_use]
    pub fn client(&self) -> String {
        self.inner.client.to_text()
    }

    /// The client's request id.
    #[must_use]
    pub fn id(&self) -> &[u8] {
        self.inner.id.as_bytes()
    }

    /// The data, unchanged: JSON, or bytes with codec `raw`.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.inner.data
    }

    /// The data, for passing on. It shares memory with the request.
    #[must_use]
    pub fn data(&self) -> Frame {
        self.inner.data.clone()
    }

    /// The encoding of the data, as the client declares it.
    #[must_use]
    pub fn codec(&self) -> Codec {
        codec_of(&self.inner.options)
    }

    /// Decodes the data. The forms in which published peers send "no data" decode as `null`.
    ///
    /// # Errors
    ///
    /// `E_DATA` if the data is not JSON or not of type `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        decode(&self.inner.data)
    }

    /// Decodes the data as JSON of any type.
    ///
    /// # Errors
    ///
    /// `E_DATA` if the data is not JSON.
    pub fn json(&self) -> Result<Value, Error> {
        self.decode()
    }

    /// The client's options frame, unchanged; [`Request::options`] parses it.
    #[must_use]
    pub fn options_bytes(&self) -> &[u8] {
        &self.inner.options
    }

    /// The client's options and headers; an empty object if it sent none.
    #[must_use]
    pub fn options(&self) -> Value {
        options_value(&self.inner.options)
    }

    /// The part of the timeout that was left when the broker sent the request; `None`: no timeout, or unknown.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.inner.remaining.and_then(Timeout::duration)
    }

    /// 1 for the first worker that gets the request; more after workers were lost with it.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.inner.attempt
    }
}

/// A request at this worker, with the writer of its replies.
#[derive(Debug)]
pub struct Job {
    /// The request.
    pub request: Request,
    /// The writer of its replies.
    pub reply: ReplyWriter,
}

/// A handler's failure: any error or text. The client receives `{"code":"W_HANDLER","message":…}`.
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
/// Dropping the writer without one sends an error, so that the client does not wait. Methods may be called on any thread.
///
/// # Errors
///
/// After the job has ended, methods return `C_CLOSED` (final reply sent, or worker stopped), `C_CANCELLED` (the reply is no longer
/// wanted) or `C_DISCONNECTED` (the session was lost).
#[derive(Debug)]
pub struct ReplyWriter {
    worker: Weak<WorkerCore>,
    state: Arc<JobState>,
    options: Mutex<Map<String, Value>>,
    /// How long the client may send no heartbeat for the request before the reply counts as unwanted.
    liveness_timeout: Duration,
}

impl ReplyWriter {
    pub(super) fn new(worker: Weak<WorkerCore>, state: Arc<JobState>, liveness_timeout: Duration) -> Self {
        Self { worker, state, options: Mutex::default(), liveness_timeout }
    }

    /// Sets an option of all further replies: a header of your own, or `cache` (for how many milliseconds the broker may answer
    /// the same request with this reply).
    pub fn set_option(&self, name: impl Into<String>, value: impl Into<Value>) {
        self.options.lock().insert(name.into(), value.into());
    }

    /// Sends a partial reply. Waits until the client has read enough of the earlier ones.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready sends nothing.
    pub async fn write<T: Serialize + ?Sized>(&self, data: &T) -> Result<(), Error> {
        let payload = self.payload(Status::Ok, json(data)?, Codec::Json);
        self.send_partial(payload).await
    }

    /// As [`ReplyWriter::write`].
    ///
    /// # Blocking
    ///
    /// Blocks the calling thread while the client reads slowly.
    pub fn write_blocking<T: Serialize + ?Sized>(&self, data: &T) -> Result<(), Error> {
        wait_for(self.write(data))
    }

    /// Sends bytes as a partial reply (`{"codec":"raw"}`). Waits as [`ReplyWriter::write`] does.
    pub async fn write_raw(&self, data: impl Into<Frame>) -> Result<(), Error> {
        let payload = self.payload(Status::Ok, data.into(), Codec::Raw);
        self.send_partial(payload).await
    }

    /// As [`ReplyWriter::write_raw`].
    ///
    /// # Blocking
    ///
    /// Blocks the calling thread while the client reads slowly.
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

    /// Rejects the request, so that another worker answers it.
    pub fn reject<T: Serialize + ?Sized>(&self, reason: &T) -> Result<(), Error> {
        let reason = json(reason)?;
        let number = self.state.number;
        self.finish_with(WorkerCommand::Reject { number, reason })
    }

    /// Sends the broker a heartbeat now. The worker sends one in each interval by itself, even while a handler blocks.
    pub fn heartbeat(&self) {
        if let Some(worker) = self.worker.upgrade() {
            worker.send(WorkerCommand::Heartbeat { update: false });
        }
    }

    /// Whether the reply is still wanted: the job has not ended, and the client sent a heartbeat for it within the liveness timeout.
    #[must_use]
    pub fn active(&self) -> bool {
        self.state.is_wanted(self.liveness_timeout)
    }

    /// Whether the final reply, error or rejection has been sent.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.state.is_ended()
    }

    /// Whether the reply is no longer wanted: the client cancelled or is gone, the request expired, the session was lost, or the worker was
    /// stopped.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.state.is_cancelled()
    }

    /// Resolves when [`ReplyWriter::is_cancelled`] becomes true.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub async fn cancelled(&self) {
        poll_fn(|context| self.state.poll_cancelled(context)).await;
    }

    /// Ends the job as a failed handler does, unless it has ended.
    pub(super) fn fail(&self, message: &str) {
        // Fails if the job has ended; then the error is not wanted.
        let _ = self.error(&handler_failure(message));
    }

    fn payload(&self, status: Status, data: Frame, codec: Codec) -> Payload {
        Payload::new(status, data, encode_reply_options(codec, &self.options.lock()))
    }

    async fn send_partial(&self, payload: Payload) -> Result<(), Error> {
        let mut command = Some(WorkerCommand::Reply { number: self.state.number, kind: ReplyKind::Partial, payload });
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
        let number = self.state.number;
        self.finish_with(WorkerCommand::Reply { number, kind: ReplyKind::Final, payload })
    }

    fn finish_with(&self, command: WorkerCommand) -> Result<(), Error> {
        self.state.end()?;
        let worker = self.worker.upgrade().ok_or(ErrorCode::Closed)?;
        worker.forget(self.state.number);
        worker.handle.submit_urgent(command)
    }
}

impl Drop for ReplyWriter {
    fn drop(&mut self) {
        if self.ended() {
            return;
        }
        self.fail("the handler ended without a final reply");
        // A cancelled job is still in the table.
        if let Some(worker) = self.worker.upgrade() {
            worker.forget(self.state.number);
        }
    }
}

/// The error value of a failed handler.
pub(crate) fn handler_failure(message: &str) -> Value {
    serde_json::json!({ "code": ErrorCode::Handler.as_str(), "message": message })
}

fn json<T: Serialize + ?Sized>(data: &T) -> Result<Frame, Error> {
    serde_json::to_vec(data).map(Frame::from).map_err(|error| Error::new(ErrorCode::Data, error.to_string()))
}
