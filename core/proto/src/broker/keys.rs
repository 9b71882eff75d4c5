//! Keys of the broker's tables, in one file because the records refer to each other by key.

use slotmap::new_key_type;

new_key_type! {
    /// A [`ClientRecord`](super::clients::ClientRecord).
    pub(super) struct ClientKey;
    /// A [`WorkerRecord`](super::workers::WorkerRecord).
    pub(super) struct WorkerKey;
    /// A [`RequestRecord`](super::requests::RequestRecord).
    pub(super) struct RequestKey;
    /// A [`Pool`](super::pool::Pool) of workers.
    pub(super) struct PoolKey;
    /// A [`Queue`](super::queue::Queue) of requests.
    pub(super) struct QueueKey;
}
