//! The replies of one request between the I/O thread, which adds them, and the reader of the [`Response`](super::Response).

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use super::reply::{len_bytes, outcome, Reply, RequestError};
use crate::error::{Error, ErrorCode};
use crate::limits;
use crate::protocol::{Payload, ReplyKind};

/// The state that the I/O thread and the holder of a [`Response`](super::Response) share.
#[derive(Debug, Default)]
pub(super) struct ResponseState {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The oldest unread reply. Most requests have one reply, which needs no queue.
    first: Option<Result<Reply, RequestError>>,
    others: VecDeque<Result<Reply, RequestError>>,
    /// Whether the final reply has been added.
    is_ended: bool,
    unread_bytes: usize,
    waker: Option<Waker>,
}

impl Inner {
    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    /// Whether unread replies have reached a bound: the reader is much too slow.
    fn is_full_for(&self, bytes: usize) -> bool {
        let count = self.len();
        count >= limits::UNREAD_PARTIALS || (count > 0 && self.unread_bytes + bytes > limits::UNREAD_BYTES)
    }

    fn push(&mut self, reply: Result<Reply, RequestError>) {
        self.unread_bytes += len_bytes(&reply);
        if self.first.is_none() {
            self.first = Some(reply);
        } else {
            self.others.push_back(reply);
        }
    }

    fn pop(&mut self) -> Option<Result<Reply, RequestError>> {
        let reply = self.first.take()?;
        self.first = self.others.pop_front();
        self.unread_bytes -= len_bytes(&reply);
        Some(reply)
    }
}

impl ResponseState {
    /// Adds a reply, unless the final one was added before. Returns the reader's waker: the caller wakes it at the end of its
    /// batch, so that the reader finds more than one reply.
    fn push(&self, reply: Result<Reply, RequestError>, is_last: bool) -> Option<Waker> {
        let mut inner = self.inner.lock();
        if inner.is_ended {
            return None;
        }
        inner.push(reply);
        inner.is_ended = is_last;
        inner.waker.take()
    }

    /// Adds a partial reply. A reader that is much too slow loses the request; then the second value is true and nothing
    /// follows.
    pub(super) fn partial(&self, payload: Payload) -> (Option<Waker>, bool) {
        let is_overflow = self.inner.lock().is_full_for(payload.len_bytes());
        let waker = if is_overflow {
            self.failed(Error::new(ErrorCode::Busy, "unread partial replies exceed the bound; read them faster"))
        } else {
            self.push(outcome(ReplyKind::Partial, payload), false)
        };
        (waker, is_overflow)
    }

    pub(super) fn finished(&self, payload: Payload) -> Option<Waker> {
        self.push(outcome(ReplyKind::Final, payload), true)
    }

    pub(super) fn failed(&self, error: Error) -> Option<Waker> {
        self.push(Err(error.into()), true)
    }

    /// The next reply for the reader; `None` after the final one. Keeps the reader's waker otherwise.
    pub(super) fn poll(&self, context: &Context<'_>) -> Poll<Option<Result<Reply, RequestError>>> {
        let mut inner = self.inner.lock();
        match inner.pop() {
            Some(reply) => Poll::Ready(Some(reply)),
            None if inner.is_ended => Poll::Ready(None),
            None => {
                inner.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
