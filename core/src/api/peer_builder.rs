//! The builder methods that clients and workers have in common.

/// Methods over the fields `options` and `listener`.
macro_rules! peer_builder_methods {
    () => {
        /// Sets the time between two heartbeats. Default: 2.5 s.
        pub fn heartbeat(mut self, heartbeat: std::time::Duration) -> Self {
            self.options.heartbeat = heartbeat;
            self
        }

        /// Sets the first pause after a lost session. It doubles up to 30 s. Default: 1 s.
        pub fn reconnect(mut self, reconnect: std::time::Duration) -> Self {
            self.options.reconnect = reconnect;
            self
        }

        /// Sets the first part of the identity, which the directory and the broker's log show. Default: a new one,
        /// `C<uuid>` or `W<uuid>`.
        pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
            self.options.prefix = Some(prefix.into());
            self
        }

        /// Sets a listener for connection events. It runs on the I/O thread, or on a thread inside a blocking call, and must not block.
        pub fn on_event(mut self, listener: impl FnMut($crate::PeerEvent) + Send + 'static) -> Self {
            self.listener = Box::new(listener);
            self
        }
    };
}

pub(super) use peer_builder_methods;
