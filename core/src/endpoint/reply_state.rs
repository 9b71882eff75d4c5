//! The reply state of a job: whether it may still be answered, and its credit.
//!
//! The I/O thread updates it from the broker's messages; the writer of replies checks it before each reply.

use std::time::{Duration, Instant};

use crate::error::{Error, ErrorCode};
use crate::worker::CancelReason;

/// Whether a job may still be answered, and with how many partial replies.
#[derive(Debug)]
pub(crate) struct ReplyState {
    is_ended: bool,
    cancelled: Option<CancelReason>,
    /// Partial replies that may be sent; `None`: no limit.
    credit: Option<u64>,
    last_heartbeat: Instant,
}

impl ReplyState {
    pub(crate) fn new(credit: Option<u32>) -> Self {
        Self { is_ended: false, cancelled: None, credit: credit.map(u64::from), last_heartbeat: Instant::now() }
    }

    /// Why no reply can be sent any more; `None` if one can.
    pub(crate) fn objection(&self) -> Option<Error> {
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

    pub(crate) fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Notes the final reply; an error if the job has ended.
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        match self.objection() {
            Some(error) => Err(error),
            None => {
                self.is_ended = true;
                Ok(())
            }
        }
    }

    pub(crate) fn cancel(&mut self, reason: CancelReason) {
        self.cancelled = Some(reason);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.is_some()
    }

    /// Whether one more partial reply may be sent.
    pub(crate) fn has_credit(&self) -> bool {
        self.credit != Some(0)
    }

    /// Takes the credit for a partial reply.
    pub(crate) fn spend(&mut self) {
        if let Some(credit) = &mut self.credit {
            *credit = credit.saturating_sub(1);
        }
    }

    pub(crate) fn add_credit(&mut self, partials: u32) {
        self.credit = Some(self.credit.unwrap_or(0).saturating_add(u64::from(partials)));
    }

    pub(crate) fn heartbeat(&mut self) {
        self.last_heartbeat = Instant::now();
    }

    /// Whether the reply is still wanted: the job has not ended, and the client sent a heartbeat for it within `liveness_timeout`.
    pub(crate) fn is_wanted(&self, liveness_timeout: Duration) -> bool {
        self.objection().is_none() && self.last_heartbeat.elapsed() < liveness_timeout
    }
}
