//! A wait for two descriptors.

use std::os::fd::RawFd;
use std::time::Instant;

use crate::config::ceil_millis;

/// Waits until one of two descriptors is readable or `deadline` has passed. Returns which are
/// readable; after a signal possibly none, and the caller checks again.
pub(super) fn poll_either(descriptors: [RawFd; 2], deadline: Option<Instant>) -> [bool; 2] {
    let mut items = descriptors.map(|descriptor| zmq::PollItem::from_fd(descriptor, zmq::POLLIN));
    let millis = deadline.map_or(-1, |deadline| ceil_millis(deadline.saturating_duration_since(Instant::now())));
    // An error is an interruption, or one of the descriptors was closed meanwhile: the caller
    // checks both.
    let _ = zmq::poll(&mut items, millis.min(i64::from(i32::MAX)));
    items.map(|item| item.is_readable())
}
