//! A request that is under way, and what comes of it.

use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use futures_core::Stream;

use super::client_core::ClientCore;
use super::reply::{is_final, Reply, RequestError};
use super::response_state::ResponseState;
use crate::client::Token;
use crate::endpoint::ClientCommand;
use crate::error::{Error, ErrorCode};
use crate::limits;

/// A request that is under way: a [`Stream`] of its partial replies and then its final one, or an error.
///
/// Dropping it cancels the request. All its methods may be called on any thread.
#[derive(Debug)]
#[must_use = "dropping a response cancels its request"]
pub struct Response {
    client: Arc<ClientCore>,
    token: Token,
    state: Arc<ResponseState>,
    /// Partial replies taken and not yet granted again.
    consumed: u32,
    /// Whether the final reply was taken.
    has_final: bool,
}

impl Response {
    pub(super) fn new(client: Arc<ClientCore>, token: Token, state: Arc<ResponseState>) -> Self {
        Self { client, token, state, consumed: 0, has_final: false }
    }

    /// The next reply; `None` after the final one or an error that [is final](RequestError::is_final).
    pub async fn next(&mut self) -> Option<Result<Reply, RequestError>> {
        poll_fn(|context| self.poll_reply(context)).await
    }

    /// As [`Response::next`], on the present thread.
    pub fn next_blocking(&mut self) -> Option<Result<Reply, RequestError>> {
        let client = Arc::clone(&self.client);
        client.wait_for(self.next())
    }

    /// The final reply; partial ones are passed over.
    pub async fn finish(mut self) -> Result<Reply, RequestError> {
        while let Some(reply) = self.next().await {
            if is_final(&reply) {
                return reply;
            }
        }
        Err(Error::from(ErrorCode::Closed).into())
    }

    /// As [`Response::finish`], on the present thread.
    pub fn finish_blocking(self) -> Result<Reply, RequestError> {
        let client = Arc::clone(&self.client);
        client.wait_for(self.finish())
    }

    /// The replies one after the other, waiting for each on the present thread.
    pub fn replies(self) -> Replies {
        Replies(self)
    }

    /// Tells the worker that the reply is still wanted. Happens by itself once a heartbeat interval.
    pub fn heartbeat(&self) {
        self.client.send(ClientCommand::Heartbeat(self.token));
    }

    /// Ends the request; it fails with `C_CANCELLED`, unless it has ended already.
    pub fn cancel(&self) {
        self.client.send(ClientCommand::Cancel(self.token));
    }

    /// Something that can end the request while this is being waited for.
    #[must_use]
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle { client: Arc::downgrade(&self.client), token: self.token }
    }

    fn poll_reply(&mut self, context: &Context<'_>) -> Poll<Option<Result<Reply, RequestError>>> {
        let polled = self.state.poll(context);
        if let Poll::Ready(Some(reply)) = &polled {
            self.note_consumed(reply);
        }
        polled
    }

    /// Lets the worker send as many more as were taken, in helpings of half of what it may send ahead.
    fn note_consumed(&mut self, reply: &Result<Reply, RequestError>) {
        if is_final(reply) {
            // After an error of this side the broker is still to be told, which does no harm if it knows.
            self.has_final = !matches!(reply, Err(RequestError::Local(_)));
        } else {
            self.consumed += 1;
            if self.consumed >= limits::CREDIT_PARTIALS / 2 {
                let partials = std::mem::take(&mut self.consumed);
                self.client.send(ClientCommand::Grant { token: self.token, partials });
            }
        }
    }
}

/// Ends a request from anywhere, for instance while another thread waits for its reply. Keeps nothing alive.
#[derive(Debug, Clone)]
pub struct CancelHandle {
    client: Weak<ClientCore>,
    token: Token,
}

impl CancelHandle {
    /// As [`Response::cancel`].
    pub fn cancel(&self) {
        if let Some(client) = self.client.upgrade() {
            client.send(ClientCommand::Cancel(self.token));
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

    /// Resolves to the final reply; partial ones are passed over.
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
            self.client.discard(self.token);
            // Does nothing if the request has ended, on this side and on the other.
            self.cancel();
        }
    }
}

/// The replies of a request, waited for one after the other. Dropping it cancels the request.
#[derive(Debug)]
#[must_use = "dropping it cancels the request"]
pub struct Replies(Response);

impl Iterator for Replies {
    type Item = Result<Reply, RequestError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next_blocking()
    }
}
