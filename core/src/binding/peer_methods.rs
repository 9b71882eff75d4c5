//! The methods that clients and workers of the binding core have in common.

/// Methods over the fields `handle`, `queue`, `external_wait` and `identity`.
macro_rules! peer_methods {
    () => {
        /// Runs `give`. The commands that it submits to this handle reach the I/O thread together when it returns: for bindings that pass
        /// many commands in one call.
        pub fn together<R>(&self, give: impl FnOnce() -> R) -> R {
            self.handle.together(give)
        }

        /// Batches commands of this handle until [`Self::uncork`], so that they wake the I/O thread once: for programs that handle many
        /// events on several threads. A command waits for at most about 1 ms, unless the connection has no room. Corks do not nest:
        /// corking twice has the effect of one cork, and any thread's `uncork` ends it. While a handle is corked, the I/O thread wakes up each
        /// millisecond. Has no effect in a forked child.
        pub fn cork(&self) {
            self.cork_up_to(usize::MAX);
        }

        /// As [`Self::cork`], but sends a batch whenever it has `most` commands: for threads that run one after the other, so that the other
        /// side can start with the first batch.
        pub fn cork_up_to(&self, most: usize) {
            self.handle.cork(most);
        }

        /// Ends batching and sends the waiting commands.
        pub fn uncork(&self) {
            self.handle.uncork();
        }

        /// Checks that this is the process that created the handle.
        ///
        /// # Errors
        ///
        /// `E_FORK` in a forked child.
        pub fn refuse_fork(&self) -> Result<(), Error> {
            if self.handle.is_inherited() {
                return Err(ErrorCode::Fork.into());
            }
            Ok(())
        }

        /// The identity of the current session, or of the last one. Each session has another one. Empty in a forked child.
        #[must_use]
        pub fn identity(&self) -> Vec<u8> {
            if self.handle.is_inherited() {
                return Vec::new();
            }
            self.identity.get()
        }

        /// Calls `wake` whenever the queue of events stops being empty: for event loops that watch no descriptors. It runs on the I/O
        /// thread, or within another thread's `poll` or `begin_wait`, and must not block.
        pub fn on_ready(&self, wake: impl Fn() + Send + Sync + 'static) {
            if !self.handle.is_inherited() {
                self.queue.on_ready(wake);
            }
        }

        /// A descriptor that is readable while there are events. Wait for it; never read from it.
        #[must_use]
        pub fn descriptor(&self) -> RawFd {
            self.queue.descriptor()
        }

        /// Begins an external wait: returns the descriptor to wait for, or `None` if `poll` has events at once. The descriptor may
        /// change between waits. Between this call and [`Self::end_wait`], `poll` reads the connection
        /// itself where that is faster, and the descriptor of [`Self::descriptor`] is not readable. Only one thread of a
        /// handle may be in an external wait; it calls this before each wait.
        #[must_use]
        pub fn begin_wait(&self) -> Option<RawFd> {
            self.external_wait.begin(&self.handle, &self.queue)
        }

        /// Ends an external wait. Has no effect without one.
        pub fn end_wait(&self) {
            self.external_wait.end(&self.handle, &self.queue);
        }
    };
}

pub(super) use peer_methods;
