//! The directory `$dir` of services and their workers. The broker answers requests for it and
//! publishes it for external directory services.

use std::time::Instant;

use serde_json::{Map, Value};

use super::keys::PoolKey;
use super::output::Output;
use super::{Machine, TimerKey};
use crate::limits;
use crate::protocol::{is_null, Frame, Payload, ServiceName, Status};
use crate::timers::Armed;
#[cfg(debug_assertions)]
use crate::timers::Timers;

/// Name of the directory service, and topic of its publications.
const DIRECTORY: &str = "$dir";

pub(super) fn is_directory(service: &ServiceName) -> bool {
    service.as_bytes() == DIRECTORY.as_bytes()
}

/// When the directory was last published, and whether it has changed since.
#[derive(Debug, Default)]
pub(super) struct Publication {
    last: Option<Instant>,
    pending: bool,
    armed: Armed,
}

#[cfg(debug_assertions)]
impl Publication {
    pub(super) fn check_invariants(&self, timers: &Timers<TimerKey>) {
        let due = self.last.map(|last| last + limits::DIRECTORY_PUBLISH_INTERVAL);
        let is_armed = due.is_some_and(|due| timers.fires_by(&self.armed, due));
        assert!(!self.pending || is_armed, "timer of the directory");
    }
}

impl Machine {
    /// The ids of the registered workers by service name, as the workers announced it.
    #[must_use]
    pub fn directory(&self) -> Map<String, Value> {
        self.routing
            .pools_by_name
            .iter()
            .map(|(name, pool)| (name.to_text(), Value::from(self.worker_ids(*pool))))
            .collect()
    }

    fn worker_ids(&self, pool: PoolKey) -> Vec<String> {
        self.routing.pools[pool].workers.iter().map(|worker| self.workers[*worker].text.clone()).collect()
    }

    /// The broker's answer to a request for the directory; `None` if a worker provides that
    /// service.
    pub(super) fn directory_answer(&self, service: &ServiceName, data: &[u8]) -> Option<Payload> {
        if !is_directory(service) || self.routing.pools_by_name.contains_key(service) {
            return None;
        }
        let asked = if is_null(data) { Value::Null } else { serde_json::from_slice(data).unwrap_or_default() };
        let answer = match asked.as_str() {
            Some("") | None => Value::Object(self.directory()),
            Some(name) => {
                let pool = ServiceName::new(Frame::from(name)).and_then(|name| self.routing.pools_by_name.get(&name));
                Value::from(pool.map(|pool| self.worker_ids(*pool)).unwrap_or_default())
            }
        };
        Some(Payload::new(Status::Ok, Frame::from(answer.to_string()), Frame::from("{}")))
    }

    /// Input: a new subscriber listens to the publications.
    pub fn handle_subscription(&mut self, now: Instant) {
        self.directory_changed(now);
        self.finish_input(now);
    }

    /// Publishes the directory, at most once per [`limits::DIRECTORY_PUBLISH_INTERVAL`].
    pub(super) fn directory_changed(&mut self, now: Instant) {
        self.publication.pending = true;
        match self.publication.last.map(|last| last + limits::DIRECTORY_PUBLISH_INTERVAL) {
            Some(next) if next > now => self.timers.arm(TimerKey::Publish, &mut self.publication.armed, next),
            _ => self.publish(now),
        }
    }

    pub(super) fn publish_timer(&mut self, now: Instant) {
        self.publication.armed.fired();
        self.publish_pending(now);
    }

    /// Publishes a pending change without waiting for the interval.
    pub(super) fn publish_pending(&mut self, now: Instant) {
        self.timers.disarm(&mut self.publication.armed);
        if self.publication.pending {
            self.publish(now);
        }
    }

    fn publish(&mut self, now: Instant) {
        self.publication.pending = false;
        self.publication.last = Some(now);
        let text = format!("{DIRECTORY} {}", Value::Object(self.directory()));
        self.output(Output::Publish(Frame::from(text)));
    }
}
