//! A view of the broker's workers and waiting requests for the simulator. Not part of the public
//! interface.

use super::Machine;
use crate::config::Concurrency;
use crate::protocol::{PeerId, RequestId, ServiceName};

/// A registered worker.
#[derive(Debug, Clone)]
pub struct WorkerView {
    /// Its identity.
    pub peer: PeerId,
    /// The service it offers.
    pub service: ServiceName,
    /// Concurrent requests that it takes.
    pub concurrency: Concurrency,
    /// Requests in flight at it.
    pub in_flight: usize,
}

/// A request that waits for a worker.
#[derive(Debug, Clone)]
pub struct WaitingView {
    /// Its id.
    pub id: RequestId,
    /// The requested service.
    pub service: ServiceName,
    /// The only worker that may take it.
    pub worker_id: Option<String>,
    /// Registered workers that rejected it.
    pub rejected_by: Vec<PeerId>,
}

impl Machine {
    /// All registered workers.
    #[doc(hidden)]
    pub fn inspect_workers(&self) -> impl Iterator<Item = WorkerView> + '_ {
        self.workers.keys().into_iter().map(|key| {
            let worker = &self.workers[key];
            WorkerView {
                peer: worker.peer.clone(),
                service: worker.service.clone(),
                concurrency: worker.concurrency,
                in_flight: worker.in_flight.len(),
            }
        })
    }

    /// All requests that wait for a worker.
    #[doc(hidden)]
    pub fn inspect_waiting(&self) -> impl Iterator<Item = WaitingView> + '_ {
        let requests = self.requests.keys().into_iter().map(|key| &self.requests[key]);
        requests.filter(|request| request.worker().is_none()).map(|request| WaitingView {
            id: request.id.clone(),
            service: request.service.clone(),
            worker_id: request.settings.worker_id.clone(),
            rejected_by: self
                .workers
                .keys()
                .into_iter()
                .filter(|worker| request.rejecters.contains(*worker))
                .map(|worker| self.workers[worker].peer.clone())
                .collect(),
        })
    }
}
