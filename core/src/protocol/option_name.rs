//! Names of the options of requests and replies; each stands here once.

pub(crate) const TIMEOUT: &str = "timeout";
pub(crate) const RETRY: &str = "retry";
pub(crate) const WORKER_ID: &str = "workerId";
pub(crate) const NO_CACHE: &str = "nocache";
pub(crate) const PERSIST: &str = "persist";
pub(crate) const FAIL_FAST: &str = "failFast";
pub(crate) const CODEC: &str = "codec";
pub(crate) const CACHE: &str = "cache";
