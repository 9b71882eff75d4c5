//! The getters that the Rust interface and the binding core offer of a running broker.

/// Methods over a field `bound`, a [`BoundBroker`](super::BoundBroker).
macro_rules! broker_getters {
    () => {
        /// The first endpoint on which the broker listens, with its real port.
        #[must_use]
        pub fn endpoint(&self) -> &str {
            self.bound.endpoint()
        }

        /// All endpoints on which the broker listens.
        #[must_use]
        pub fn endpoints(&self) -> &[String] {
            &self.bound.endpoints
        }

        /// The endpoint where the broker publishes for core services.
        #[must_use]
        pub fn intch(&self) -> Option<&str> {
            self.bound.intch.as_deref()
        }

        /// The broker's name: the option `name`, or `B<uuid>`.
        #[must_use]
        pub fn name(&self) -> &str {
            &self.bound.name
        }

        /// Counters since the start, and current figures.
        ///
        /// # Errors
        ///
        /// `C_CLOSED` after the broker has stopped, `C_BUSY` if the I/O thread does not answer.
        ///
        /// # Blocking
        ///
        /// Waits for the I/O thread, at most 10 s.
        pub fn statistics(&self) -> Result<$crate::broker::Statistics, $crate::Error> {
            self.bound.statistics()
        }

        /// The directory: which workers offer which service.
        ///
        /// # Errors
        ///
        /// `C_CLOSED` after the broker has stopped, `C_BUSY` if the I/O thread does not answer.
        ///
        /// # Blocking
        ///
        /// Waits for the I/O thread, at most 10 s.
        pub fn directory(&self) -> Result<serde_json::Map<String, serde_json::Value>, $crate::Error> {
            self.bound.directory()
        }
    };
}

pub(crate) use broker_getters;
