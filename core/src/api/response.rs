//! A response: the replies to one request, as the user reads them.

use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use futures_core::Stream;

use super::client_core::ClientCore;
use super::reply::{is_final, Reply, RequestError};
use super::response_state::ResponseState;
use crate::client::RequestNumber;
use crate::endpoint::ClientCommand;
use crate::error::{Error, ErrorCode};
use crate::limits;

/// The replies to one request: a [`Stream`] of partial replies and then the final one, or an error.
///
/// Dropping a response cancels its request. All methods may be called on any thread.
#[derive(Debug)]
#[must_use = "dropping a response cancels its request"]
pub struct Response {
    client: Arc<ClientCore>,
    number: RequestNumber,
    state: Arc<ResponseState>,
    /// Partial replies read and not granted again yet.
    consumed: u32,
    /// Whether the final reply has been read.
    has_final: bool,
}

impl Response {
    pub(super) fn new(client: Arc<ClientCore>, number: RequestNumber, state: Arc<ResponseState>) -> Self {
        Self { client, number, state, consumed: 0, has_final: false }
    }

    /// The next reply; `None` after the final one or an error that [is final](RequestError::is_final).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no reply.
    pub async fn next(&mut self) -> Option<Result<Reply, RequestError>> {
        poll_fn(|context| self.poll_reply(context)).await
    }

    /// As [`Response::next`].
    ///
    /// # Blocking
    ///
    /// Blocks the calling thread until a reply arrives.
    pub fn next_blocking(&mut self) -> Option<Result<Reply, RequestError>> {
        let client = Arc::clone(&self.client);
        client.wait_for(self.next())
    }

    /// The final reply. Skips partial ones.
    ///
    /// # Errors
    ///
    /// The error that ended the request.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request.
    pub async fn finish(mut self) -> Result<Reply, RequestError> {
        while let Some(reply) = self.next().await {
            if is_final(&reply) {
                return reply;
            }
        }
        Err(Error::from(ErrorCode::Closed).into())
    }

    /// As [`Response::finish`].
    ///
    /// # Errors
    ///
    /// As for [`Response::finish`].
    ///
    /// # Blocking
    ///
    /// Blocks the calling thread until the final reply.
    pub fn finish_blocking(self) -> Result<Reply, RequestError> {
        let client = Arc::clone(&self.client);
        client.wait_for(self.finish())
    }

    /// An iterator over the replies, which blocks the calling thread for each.
    pub fn replies(self) -> Replies {
        Replies(self)
    }

    /// Sends the worker a request heartbeat: the reply is still wanted. The client also sends one in each interval.
    pub fn heartbeat(&self) {
        self.client.send(ClientCommand::Heartbeat(self.number));
    }

    /// Cancels the request. It fails with `C_CANCELLED`, unless it has ended.
    pub fn cancel(&self) {
        self.client.send(ClientCommand::Cancel(self.number));
    }

    /// A handle that can cancel the request while another thread waits for the response.
    #[must_use]
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle { client: Arc::downgrade(&self.client), number: self.number }
    }

    fn poll_reply(&mut self, context: &Context<'_>) -> Poll<Option<Result<Reply, RequestError>>> {
        let polled = self.state.poll(context);
        if let Poll::Ready(Some(reply)) = &polled {
            self.note_consumed(reply);
        }
        polled
    }

    /// Grants the worker credit for read partial replies, half of the initial credit at a time.
    fn note_consumed(&mut self, reply: &Result<Reply, RequestError>) {
        if is_final(reply) {
            // After a local error the broker must still be told; a second cancellation is harmless.
            self.has_final = !matches!(reply, Err(RequestError::Local(_)));
        } else {
            self.consumed += 1;
            if self.consumed >= limits::CREDIT_PARTIALS / 2 {
                let partials = std::mem::take(&mut self.consumed);
                self.client.send(ClientCommand::Grant { number: self.number, partials });
            }
        }
    }
}

/// Cancels a request from any thread, for instance while another one waits for its replies. Keeps nothing alive.
#[derive(Debug, Clone)]
pub struct CancelHandle {
    client: Weak<ClientCore>,
    number: RequestNumber,
}

impl CancelHandle {
    /// As [`Response::cancel`].
    pub fn cancel(&self) {
        if let Some(client) = self.client.upgrade() {
            client.send(ClientCommand::Cancel(self.number));
        }
    }
}

impl Stream for Response {
    type Item = Result<Reply, RequestError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_reply(context)
    }
}

impl Future for Response {
    type Output = Result<Reply, RequestError>;

    /// Resolves to the final reply. Skips partial ones.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match self.poll_reply(context) {
                Poll::Ready(Some(reply)) if !is_final(&reply) => {}
                Poll::Ready(Some(outcome)) => return Poll::Ready(outcome),
                Poll::Ready(None) => return Poll::Ready(Err(Error::from(ErrorCode::Closed).into())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl Drop for Response {
    fn drop(&mut self) {
        if !self.has_final {
            self.client.discard(self.number);
            // Has no effect if the request has ended.
            self.cancel();
        }
    }
}

/// A blocking iterator over the replies to a request. Dropping it cancels the request.
#[derive(Debug)]
#[must_use = "dropping it cancels the request"]
pub struct Replies(Response);

impl Iterator for Replies {
    type Item = Result<Reply, RequestError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next_blocking()
    }
}
