//! The options of one request.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::named::read;
use super::{Codec, Timeout};
use crate::error::Error;
use crate::option_name as key;

/// What one request may be told. What is not set is taken from the client's options.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RequestOptions {
    /// How long to wait without a reply.
    pub timeout: Option<Timeout>,
    /// Whether the request may be run again when its worker or the connection is lost.
    pub retry: Option<bool>,
    /// The one worker that is to handle it.
    pub worker_id: Option<String>,
    /// Whether to pass by the broker's reply cache.
    pub no_cache: bool,
    /// Whether to end with `B_NO_WORKER` or `B_REJECTED` at once instead of waiting for a worker.
    pub fail_fast: bool,
    /// How the data is to be read.
    pub codec: Codec,
    /// Keys of the user's own, handed to the worker with the options.
    pub headers: BTreeMap<String, Value>,
}

impl RequestOptions {
    /// Sets how long to wait without a reply.
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Timeout>) -> Self {
        self.timeout = Some(timeout.into());
        self
    }

    /// Lets the request be run again when its worker or the connection is lost.
    #[must_use]
    pub fn retry(mut self, retry: bool) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Names the one worker that is to handle the request.
    #[must_use]
    pub fn worker_id(mut self, worker_id: impl Into<String>) -> Self {
        self.worker_id = Some(worker_id.into());
        self
    }

    /// Passes by the broker's reply cache.
    #[must_use]
    pub fn no_cache(mut self, no_cache: bool) -> Self {
        self.no_cache = no_cache;
        self
    }

    /// Fails at once instead of waiting for a worker.
    #[must_use]
    pub fn fail_fast(mut self, fail_fast: bool) -> Self {
        self.fail_fast = fail_fast;
        self
    }

    /// Says how the data is to be read.
    #[must_use]
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Sets an option by its name on the wire; times are milliseconds. A name that the protocol does not know is a header.
    /// `E_OPTION` for a value that an option cannot have.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), Error> {
        match name {
            key::TIMEOUT => self.timeout = Some(read(name, value)?),
            key::RETRY => self.retry = Some(read(name, value)?),
            key::WORKER_ID => self.worker_id = read(name, value)?,
            key::NO_CACHE => self.no_cache = read(name, value)?,
            key::FAIL_FAST => self.fail_fast = read(name, value)?,
            key::CODEC => self.codec = read(name, value)?,
            _ => {
                self.headers.insert(name.to_owned(), value.clone());
            }
        }
        Ok(())
    }

    /// The options in an object; see [`RequestOptions::set`].
    pub fn from_json(options: &Map<String, Value>) -> Result<Self, Error> {
        let mut this = Self::default();
        options.iter().try_for_each(|(name, value)| this.set(name, value))?;
        Ok(this)
    }

    /// Whether nothing is set but the timeout, `retry` and the codec.
    pub(crate) fn is_plain(&self) -> bool {
        self.worker_id.is_none() && !self.no_cache && !self.fail_fast && self.headers.is_empty()
    }

    /// Adds a key of the user's own. A name that the protocol uses itself is overridden by the protocol's value.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }
}
