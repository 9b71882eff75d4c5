//! Names of the options of requests and replies. Each name stands here once.

/// `timeout`.
pub const TIMEOUT: &str = "timeout";
/// `retry`.
pub const RETRY: &str = "retry";
/// `workerId`.
pub const WORKER_ID: &str = "workerId";
/// `nocache`.
pub const NO_CACHE: &str = "nocache";
/// `persist`.
pub const PERSIST: &str = "persist";
/// `failFast`.
pub const FAIL_FAST: &str = "failFast";
/// `codec`.
pub const CODEC: &str = "codec";
/// `cache`.
pub const CACHE: &str = "cache";
