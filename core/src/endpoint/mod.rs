//! Endpoints: a machine over a transport, run by the reactor. Commands go in, events come out.
//!
//! [`open_broker`], [`open_client`], [`open_worker`] and [`open_subscriber`] start one on an [`Engine`](crate::reactor::Engine)
//! and return its [`Handle`](crate::reactor::Handle).

mod broker;
mod peer;
mod reply_state;
mod subscriber;

pub(crate) use broker::broker_getters;
pub use broker::{open_broker, BoundBroker, BrokerCommand};
pub(crate) use peer::service_name;
pub use peer::{open_client, open_worker, ClientCommand, WorkerCommand};
pub(crate) use reply_state::ReplyState;
pub use subscriber::{open_subscriber, SubscriberCommand};
