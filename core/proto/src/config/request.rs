//! The options of one request.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::named::read;
use super::{Codec, Timeout};
use crate::error::Error;
use crate::option_name as key;

/// Options of one request. The client's options supply what is not set.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RequestOptions {
    /// How long the request may wait without a reply.
    pub timeout: Option<Timeout>,
    /// Whether another worker may run the request again when its worker or the connection is lost.
    pub retry: Option<bool>,
    /// The identity of the only worker that may have the request.
    pub worker_id: Option<String>,
    /// Whether to bypass the broker's reply cache.
    pub no_cache: bool,
    /// Whether the request ends with `B_NO_WORKER` or `B_REJECTED` at once instead of waiting for a worker.
    pub fail_fast: bool,
    /// The encoding of the data.
    pub codec: Codec,
    /// Headers: the user's own keys, which the worker receives with the options.
    pub headers: BTreeMap<String, Value>,
}

impl RequestOptions {
    /// Sets how long the request may wait without a reply.
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Timeout>) -> Self {
        self.timeout = Some(timeout.into());
        self
    }

    /// Sets whether another worker may run the request again when its worker or the connection is lost.
    #[must_use]
    pub fn retry(mut self, retry: bool) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Sets the identity of the only worker that may have the request.
    #[must_use]
    pub fn worker_id(mut self, worker_id: impl Into<String>) -> Self {
        self.worker_id = Some(worker_id.into());
        self
    }

    /// Sets whether to bypass the broker's reply cache.
    #[must_use]
    pub fn no_cache(mut self, no_cache: bool) -> Self {
        self.no_cache = no_cache;
        self
    }

    /// Sets whether the request fails at once instead of waiting for a worker.
    #[must_use]
    pub fn fail_fast(mut self, fail_fast: bool) -> Self {
        self.fail_fast = fail_fast;
        self
    }

    /// Sets the encoding of the data.
    #[must_use]
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Sets an option by its name on the wire. Times are milliseconds. Any other name sets a header.
    ///
    /// # Errors
    ///
    /// `E_OPTION` for an invalid value.
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

    /// Reads the options from an object.
    ///
    /// # Errors
    ///
    /// As for [`RequestOptions::set`].
    pub fn from_json(options: &Map<String, Value>) -> Result<Self, Error> {
        let mut this = Self::default();
        options.iter().try_for_each(|(name, value)| this.set(name, value))?;
        Ok(this)
    }

    /// Whether nothing is set but the timeout, `retry` and the codec.
    pub(crate) fn is_plain(&self) -> bool {
        self.worker_id.is_none() && !self.no_cache && !self.fail_fast && self.headers.is_empty()
    }

    /// Adds a header. The protocol's own options override a header of the same name.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }
}
