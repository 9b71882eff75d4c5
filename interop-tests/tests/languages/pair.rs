//! A client and a worker, each in a process of its own.

use pigato::Broker;
use pigato_interop::peer::{Language, Peer, PeerBuilder};
use serde_json::{json, Value};

use crate::serve::ANY_PORT;
use crate::wait::eventually;

pub(crate) const PUBLISHED: Language = Language::Published;
pub(crate) const C: Language = Language::C;
pub(crate) const GO: Language = Language::Go;

pub(crate) const SERVICE: &str = "service";

/// Heartbeats in milliseconds: short enough that tests of deaths do not take long, long enough for a busy machine.
const HEARTBEAT_MILLIS: u64 = 500;

/// Which languages talk to each other.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) client: Language,
    pub(crate) worker: Language,
}

impl Pair {
    pub(crate) fn worker(&self, endpoint: &str) -> Peer {
        self.worker_builder(endpoint).start().ready()
    }

    /// A worker that tells of each request.
    pub(crate) fn telling_worker(&self, endpoint: &str) -> Peer {
        self.worker_builder(endpoint).flag("verbose").start().ready()
    }

    fn worker_builder(&self, endpoint: &str) -> PeerBuilder {
        Peer::of(self.worker, "worker", endpoint).option("service", SERVICE).conf(&conf())
    }

    pub(crate) fn client(&self, endpoint: &str) -> Peer {
        Peer::of(self.client, "client", endpoint).conf(&conf()).start().ready()
    }
}

fn conf() -> Value {
    json!({ "heartbeat": HEARTBEAT_MILLIS })
}

pub(crate) fn broker() -> Broker {
    let heartbeat = std::time::Duration::from_millis(HEARTBEAT_MILLIS);
    Broker::builder().bind(ANY_PORT).intch(None).heartbeat(heartbeat).start().expect("a free port")
}

pub(crate) fn wait_for_workers(broker: &Broker, count: usize) {
    eventually("the workers are as many as expected", || {
        (broker.statistics().expect("the broker runs").workers == count).then_some(())
    });
}
